/*
 * fold.h - one text, as detectors read it: compatibility forms resolved, case
 * folded, what is invisible removed and counted, look-alikes of Latin letters
 * replaced.
 * Owner: the caller gives the memory for the output.
 * Never: allocates; changes what goes to the model; fails: bytes that are no
 * UTF-8 become U+FFFD.
 */
#ifndef WH_DETECT_FOLD_H
#define WH_DETECT_FOLD_H

#include "base/str.h"

/* What was found on the way. Counts are characters. */
struct detect_marks {
    uint32_t invisible;   /* zero-width, fillers, soft hyphens */
    uint32_t bidi;        /* overrides and isolates */
    uint32_t variation;   /* variation selectors */
    uint32_t tags;        /* U+E0000 block */
    uint32_t confusables; /* look-alikes in words that read as Latin */
    uint32_t marks;       /* combining marks dropped from Latin letters */
    uint32_t compat;      /* characters with another compatibility form */
    uint32_t broken;      /* bytes that are no UTF-8 */
    uint32_t foreign;     /* letters outside Latin that stayed */
};

/* Output that may be cut: bytes beyond cap are dropped, whole characters at a
 * time, and `over` set. */
struct detect_out {
    char *p;
    size_t n, cap;
    bool over;
};

/* All bytes of out so far. */
struct wh_str detect_out_str(const struct detect_out *o);
/* Append; nothing when it does not fit whole. */
void detect_out_add(struct detect_out *o, const char *p, size_t n);
void detect_out_char(struct detect_out *o, char c);
/* One character as UTF-8; surrogates and what lies beyond U+10FFFF become
 * U+FFFD. */
void detect_out_rune(struct detect_out *o, uint32_t c);

/* True when all bytes are below 0x80. */
bool detect_ascii(struct wh_str text);
/* Resolve and strip, case kept: what decoders read. NFKC, except that Latin
 * letters lose their combining marks. Hidden payloads (tag characters,
 * variation selectors in a row) go to `hidden`. Counts are added to *marks. */
void detect_fold_clean(struct wh_str text, struct detect_out *out,
                       struct detect_out *hidden, struct detect_marks *marks);
/* Lower case of what detect_fold_clean gave, with look-alikes replaced in words
 * that then are pure ASCII, when the text is mostly Latin. */
void detect_fold_case(struct wh_str clean, struct detect_out *out,
                      struct detect_marks *marks);

#endif
