/*
 * program.h - programs, and containers that can carry one, known by content.
 * Owner: nothing is owned.
 * Never: says that something is no program because it is also something else.
 */
#ifndef WH_SCAN_PROGRAM_H
#define WH_SCAN_PROGRAM_H

#include "scan/scan.h"

#define SCAN_HEAD 4096u

/* The first bytes of a file, and all of it behind them. */
struct scan_head {
    const struct wh_src *src;
    uint8_t p[SCAN_HEAD];
    size_t n; /* bytes in p */
};

/* One thing the file parses as. */
struct scan_program {
    enum scan_format format;
    enum scan_finding_id finding;
    uint64_t at;
};

#define SCAN_PROGRAMS_MAX 8

/* Everything that the file parses as, binary formats only (scripts and HTML
 * are texts: scan_text_kind). *n may be 0. A source failure is the only
 * error. */
bool scan_programs(const struct scan_head *h,
                   struct scan_program out[SCAN_PROGRAMS_MAX], size_t *n,
                   struct wh_err *err) WH_CHECK;

/* A "#!" line that a system would follow. */
bool scan_is_script(const struct scan_head *h);
/* An HTML page, as browsers sniff it. */
bool scan_is_html(const struct scan_head *h);

#endif
