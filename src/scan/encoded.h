/*
 * encoded.h - how much of a text is bytes in disguise: long runs of letters
 * and digits as base64 and hexadecimal write them.
 * Owner: the state is a plain value; zero bytes are the start.
 * Never: decodes; counts words, numbers or names, which are short.
 */
#ifndef WH_SCAN_ENCODED_H
#define WH_SCAN_ENCODED_H

#include "base/str.h"

/* Shortest run that counts; encoders wrap their lines at 64 or 76. */
#define SCAN_ENCODED_RUN 60u

struct scan_encoded {
    uint64_t run;       /* bytes of the run at hand */
    bool digit, letter; /* seen in it */
    uint64_t total;     /* bytes in runs that count */
};

/* The next bytes of the text. */
void scan_encoded_add(struct scan_encoded *e, const uint8_t *p, size_t n);
/* All bytes so far that are in runs that count. */
uint64_t scan_encoded_total(const struct scan_encoded *e);

#endif
