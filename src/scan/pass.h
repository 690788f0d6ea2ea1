/*
 * pass.h - the one reading of the whole file: tensor hashes, digest of the
 * file, padding, text check.
 * Owner: plain values of the caller.
 * Never: holds more than one buffer of the file.
 */
#ifndef WH_SCAN_PASS_H
#define WH_SCAN_PASS_H

#include "scan/ctx.h"
#include "scan/tensor.h"

/* What one reading should find out. */
struct scan_pass {
    /* Tensors by position; bytes between them and after the last must be zero.
     * Null: none. */
    struct scan_tensors *tensors;
    uint64_t data; /* where the data begin; the padding before it is checked
                    * from `header_end` on */
    uint64_t header_end;
    bool text;        /* in: decide; out: it is UTF-8 without control bytes */
    uint64_t encoded; /* out, of text: bytes in runs of base64 or the like */
};

/* Read the source from the first byte that matters to the end. Fills the hash
 * of each tensor, and the report's sha256 if the options ask for it. Padding
 * that is not zero is a scan_fault. */
bool scan_pass_run(struct scan_ctx *c, struct scan_pass *p,
                   struct wh_err *err) WH_CHECK;

#endif
