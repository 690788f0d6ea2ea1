/*
 * decode.h - one layer of wrapping taken off a text, if it has one.
 * Owner: the caller gives the memory for the output.
 * Never: allocates; says that a wrapping means harm.
 */
#ifndef WH_DETECT_DECODE_H
#define WH_DETECT_DECODE_H

#include "detect/fold.h"

/* What a view of a text was made by. */
enum detect_kind {
    DETECT_KIND_PLAIN,
    DETECT_KIND_HIDDEN,    /* tag characters, rows of variation selectors */
    DETECT_KIND_COLLAPSED, /* digits for letters, letters spaced out */
    DETECT_KIND_BASE64,
    DETECT_KIND_BASE32,
    DETECT_KIND_HEX,
    DETECT_KIND_ESCAPED, /* %XX, HTML entities, \uXXXX, \xXX */
    DETECT_KIND_ROTATED, /* ROT-13, Caesar, a <-> z */
    DETECT_KIND_REVERSED,
    DETECT_KIND_MORSE,
    DETECT_KIND_BINARY, /* octets written as bits */
    DETECT_KIND_COUNT
};

/* Its name, a static string. */
const char *detect_kind_name(enum detect_kind kind);

/* What one pass over the text says about which decoders are worth a try. */
struct detect_hints {
    uint32_t run64, run32, run_hex; /* longest run of the alphabet */
    uint32_t hex_pairs;             /* "69 67 6e": pairs in a row */
    uint32_t escapes;
    uint32_t morse;   /* groups of dots and dashes */
    uint32_t bits;    /* groups of eight bits */
    uint32_t leet;    /* digits or signs inside words */
    uint32_t singles; /* longest row of single letters */
    uint32_t letters;
    /* from the first to the end of the last segment that does not read like a
     * language; 0 and 0 without one */
    uint32_t odd, odd_end;
};

/* Look once at a text; about a nanosecond a byte. */
void detect_hints_of(struct wh_str s, struct detect_hints *h);

/* Decode by one kind (not PLAIN, not HIDDEN) into out. True when the output is
 * worth reading as a text; *covered is set to the bytes of the input that it
 * came from. Kinds that the hints exclude answer false at once. */
bool detect_decode(enum detect_kind kind, struct wh_str text,
                   const struct detect_hints *h, struct detect_out *out,
                   size_t *covered);

#endif
