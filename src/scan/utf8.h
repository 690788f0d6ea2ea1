/*
 * utf8.h - is a stream of pieces text: well-formed UTF-8 without control bytes?
 * Owner: the state is a plain value; zero bytes are the start.
 * Never: keeps bytes, save the up to three of a character cut by a piece's end.
 */
#ifndef WH_SCAN_UTF8_H
#define WH_SCAN_UTF8_H

#include "base/str.h"

struct scan_utf8 {
    uint8_t cut[4]; /* start of a character whose end is in the next piece */
    size_t ncut;
    bool bad;
};

/* True as long as everything so far can be text. */
bool scan_utf8_add(struct scan_utf8 *u, const uint8_t *p, size_t n);
/* True if all of it was, and no character is left open. */
bool scan_utf8_end(const struct scan_utf8 *u);

#endif
