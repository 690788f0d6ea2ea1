/*
 * ctx.h - what the parsers of one scan share.
 * Owner: scan_file makes it; private to this room.
 * Never: outlives one file.
 */
#ifndef WH_SCAN_CTX_H
#define WH_SCAN_CTX_H

#include "scan/scan.h"
#include "scan/tensor.h"

struct scan_ctx {
    const struct wh_src *src;
    const struct scan_options *opt; /* never null here */
    struct wh_arena *a;
    struct scan_report *r;
    bool faulted; /* a parser met a fault of the file; r->why is set */
};

/* The file itself is at fault: record the finding, make the report "not
 * verifiable" with the same sentence, and fail with WH_NOT_VERIFIABLE, so that
 * the parser unwinds. scan_file turns that back into a report. */
bool scan_fault(struct scan_ctx *c, struct wh_err *err, enum scan_finding_id id,
                uint64_t at, const char *fmt, ...) WH_PRINTF(5, 6);
/* The first reason why the file is not verifiable; later ones are ignored. */
void scan_not_verifiable(struct scan_ctx *c, struct wh_str why);

#endif
