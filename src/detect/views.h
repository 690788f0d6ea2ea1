/*
 * views.h - a prompt in all the ways it may be read: folded, and with each
 * wrapping taken off that it wears, three deep.
 * Owner: detect_views_init .. _done own the memory; the views of one text are
 * valid until the next detect_views_make. One for each thread.
 * Never: allocates after init; replaces the text: the model gets the bytes that
 * were sent.
 */
#ifndef WH_DETECT_VIEWS_H
#define WH_DETECT_VIEWS_H

#include "detect/decode.h"

/* Longer texts are handed over in pieces (detect/screen.h does). */
#define DETECT_TEXT_MAX ((size_t)64 * 1024)
#define DETECT_VIEWS_MAX 16
#define DETECT_VIEWS_DEPTH 3
/* All decoded text together: 4 times the input and no more than this. */
#define DETECT_VIEWS_BUDGET ((size_t)64 * 1024)

struct detect_view {
    enum detect_kind kind;
    uint8_t depth;    /* 0 for the folded text itself */
    uint8_t parent;   /* index; itself for 0 */
    uint32_t covered; /* bytes of the parent that it was decoded from */
    struct wh_str text;
};

struct detect_views {
    struct detect_view view[DETECT_VIEWS_MAX]; /* [0] is the plain one */
    size_t n;
    struct detect_marks marks;
    bool over; /* a budget ended before the wrappings did */
    struct detect_out plain, clean, raw, text; /* its own memory */
};

/* Memory for texts up to DETECT_TEXT_MAX: about 450 KiB. */
void detect_views_init(struct detect_views *v);
void detect_views_done(struct detect_views *v);
/* All views of a text of at most DETECT_TEXT_MAX bytes. */
void detect_views_make(struct detect_views *v, struct wh_str text);

#endif
