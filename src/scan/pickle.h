/*
 * pickle.h - would a Python unpickler run something in these bytes?
 * Owner: nothing is owned.
 * Never: runs or builds anything; it only steps over opcodes.
 *
 * Source: the opcode table of Python's pickletools, protocols 0 to 5.
 */
#ifndef WH_SCAN_PICKLE_H
#define WH_SCAN_PICKLE_H

#include "base/err.h"
#include "base/src.h"

/* *out: the bytes parse as a pickle, either to its end or up to an operation
 * that imports or calls something (what stands before a break has already
 * run). A source failure is the only error. */
bool scan_pickle_looks(const struct wh_src *src, bool *out,
                       struct wh_err *err) WH_CHECK;

#endif
