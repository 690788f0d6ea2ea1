/*
 * stream.h - output that leaves only after it was checked.
 * Owner: one struct detect_stream for each choice of an answer; signatures,
 * scratch and protected text are the caller's and outlive it.
 * Never: gives out a byte of a region that a rule or the protected text
 * matches, however the bytes were cut; half a character; anything after a cut.
 */
#ifndef WH_DETECT_STREAM_H
#define WH_DETECT_STREAM_H

#include "detect/signatures.h"

/* Held back at least, whatever the rules' width. */
#define DETECT_STREAM_HOLD_MIN ((size_t)256)
/* Most bytes held: while paused, or one chunk. What goes beyond is a cut. */
#define DETECT_STREAM_CAP ((size_t)64 * 1024)

/* ---- text that must not come out, e.g. a system prompt ---- */

struct detect_protected;

#define DETECT_PROTECTED_MIN 16
#define DETECT_PROTECTED_WINDOW 48
#define DETECT_PROTECTED_MAX ((size_t)32 * 1024)

/* Any DETECT_PROTECTED_WINDOW bytes of text in a row are a match: as they are,
 * reversed, or in base64; ASCII case does not matter. A text shorter than the
 * window matches whole. Fails with WH_BAD_REQUEST when it has not between MIN
 * and MAX bytes. Shared by threads. */
bool detect_protected_new(struct wh_str text, struct detect_protected **out,
                          struct wh_err *err) WH_CHECK;
void detect_protected_free(struct detect_protected **p);

/* ---- the stream ---- */

enum detect_verdict {
    DETECT_VERDICT_GOOD,
    DETECT_VERDICT_RULE,      /* an output rule matched */
    DETECT_VERDICT_PROTECTED, /* protected text was coming out */
    DETECT_VERDICT_OVERFLOW   /* more was held than may be: treated alike */
};

struct detect_stream;

/* Memory and matcher state, about 70 KiB; may be used again by _begin. */
bool detect_stream_new(const struct detect_signatures *signatures,
                       struct detect_stream **out, struct wh_err *err) WH_CHECK;
void detect_stream_free(struct detect_stream **s);
/* Start a new answer. protected_text may be null. */
void detect_stream_begin(struct detect_stream *s,
                         struct detect_scratch *scratch,
                         const struct detect_protected *protected_text);
/* Check the next bytes; *out is what may leave now (maybe nothing), valid until
 * the next call. After anything but GOOD every call gives the same verdict and
 * nothing to send. Scratch: the calling thread's. */
enum detect_verdict detect_stream_add(struct detect_stream *s,
                                      struct detect_scratch *scratch,
                                      struct wh_str bytes, struct wh_str *out);
/* The answer is complete: the rest, or the verdict. */
enum detect_verdict detect_stream_end(struct detect_stream *s,
                                      struct detect_scratch *scratch,
                                      struct wh_str *out);
/* While paused (somebody else's verdict is awaited) everything is held. */
void detect_stream_pause(struct detect_stream *s, bool paused);
/* The rule behind DETECT_VERDICT_RULE, else null. */
const struct detect_rule *detect_stream_rule(const struct detect_stream *s);
/* How many bytes stay back behind what was checked. */
size_t detect_stream_hold(const struct detect_stream *s);

#endif
