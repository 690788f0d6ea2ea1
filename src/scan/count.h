/*
 * count.h - how many parameters: logical numbers, not stored ones.
 * Owner: fills the report; keeps nothing.
 * Never: lets a name shrink the upper end by more than the small tables of the
 * format (masks, positions) can weigh.
 */
#ifndef WH_SCAN_COUNT_H
#define WH_SCAN_COUNT_H

#include "scan/ctx.h"
#include "scan/tensor.h"

/* Parameters, their interval, numbers by type, narrowest width, and the two
 * digests, into the report. Tensor hashes must be known (scan_pass).
 * config_bits is what a configuration says about packed integers, or 0. Sorts
 * the list. */
void scan_count(struct scan_ctx *c, struct scan_tensors *t,
                unsigned config_bits);

#endif
