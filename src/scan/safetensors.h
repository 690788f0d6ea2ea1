/*
 * safetensors.h - the safetensors header: who says which bytes are which
 * tensor.
 * Owner: the tensors belong to the caller's list.
 * Never: accepts a file of which a byte belongs to nobody.
 *
 * Source: the format's description and reference rules (huggingface/
 * safetensors), made stricter: duplicate keys and unknown fields are refused.
 */
#ifndef WH_SCAN_SAFETENSORS_H
#define WH_SCAN_SAFETENSORS_H

#include "scan/ctx.h"

#define SCAN_SAFETENSORS_HEADER_MAX 100000000u

/* Does a file that starts with these bytes mean to be one? */
bool scan_safetensors_looks(const uint8_t *head, size_t n);
/* Parse and check the header. The list is then sorted by position. *data is
 * the offset of the first data byte. Faults of the file: scan_fault. */
bool scan_safetensors_parse(struct scan_ctx *c, struct scan_tensors *t,
                            uint64_t *data, struct wh_err *err) WH_CHECK;

#endif
