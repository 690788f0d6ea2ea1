/*
 * sse.h - server-sent events out of a stream of bytes (WHATWG HTML, 9.2.6).
 * Owner: gateway_sse_init .. gateway_sse_done; fed bytes stay the caller's.
 * Never: keeps more than its ceiling of an event that is not complete.
 */
#ifndef WH_GATEWAY_SSE_H
#define WH_GATEWAY_SSE_H

#include "base/buf.h"

/* Bytes of one event, and of one line. */
#define GATEWAY_EVENT_MAX ((size_t)1 << 20)

struct gateway_sse {
    struct wh_buf line; /* the beginning of a line whose end has not come */
    struct wh_buf data; /* the data of an event whose end has not come */
    bool some;          /* a data line was seen in this event */
    bool error;         /* its name is "error" */
    bool skip_lf;       /* the last line ended in CR: an LF may belong to it */
    bool given;         /* the event in `data` has been given out */
};

enum gateway_sse_got {
    GATEWAY_SSE_MORE,  /* all bytes were used */
    GATEWAY_SSE_EVENT, /* an event is complete */
    GATEWAY_SSE_OVER   /* longer than the ceiling */
};

/* An empty reader; done gives back its memory. */
void gateway_sse_init(struct gateway_sse *s);
void gateway_sse_done(struct gateway_sse *s);
/* Feed n bytes; stops after an event: *used tells how far it came, the rest is
 * fed again. Line ends are LF, CR or CRLF; several data lines are joined with
 * LF; comments and other fields are left out. */
enum gateway_sse_got gateway_sse_feed(struct gateway_sse *s, const char *p,
                                      size_t n, size_t *used);
/* After GATEWAY_SSE_EVENT, until the next feed: its data, and whether it is
 * named "error". */
struct wh_str gateway_sse_data(const struct gateway_sse *s);
bool gateway_sse_is_error(const struct gateway_sse *s);

#endif
