/*
 * sse.c - events line by line. A line that lies whole in what is fed is not
 * copied; what is left over at the end is.
 */
#include "gateway/sse.h"

void gateway_sse_init(struct gateway_sse *s)
{
    *s = (struct gateway_sse){0};
    wh_buf_init(&s->line, GATEWAY_EVENT_MAX);
    wh_buf_init(&s->data, GATEWAY_EVENT_MAX);
}

void gateway_sse_done(struct gateway_sse *s)
{
    wh_buf_done(&s->line);
    wh_buf_done(&s->data);
}

/* Begin the next event. */
static void next_event(struct gateway_sse *s)
{
    /* what a long event needed is not kept: there are many streams */
    wh_buf_done(&s->data);
    wh_buf_init(&s->data, GATEWAY_EVENT_MAX);
    s->some = s->error = s->given = false;
}

/* One line without its end; true if it ends an event. */
static bool take_line(struct gateway_sse *s, struct wh_str line)
{
    struct wh_str name, value = line;
    if (line.n == 0) {
        if (!s->some) {
            s->error = false;
        }
        return s->some;
    }
    if (!wh_str_cut(&value, ':', &name)) {
        value = WH_S("");
    }
    if (value.n > 0 && value.p[0] == ' ') {
        value = wh_str_sub(value, 1, value.n);
    }
    if (wh_str_is(name, "data")) {
        if (s->some) {
            wh_buf_char(&s->data, '\n');
        }
        wh_buf_add(&s->data, value);
        s->some = true;
    } else if (wh_str_is(name, "event")) {
        s->error = wh_str_is(value, "error");
    }
    return false;
}

/* Bytes before the next CR or LF, or n. */
static size_t line_length(const char *p, size_t n)
{
    const char *lf = memchr(p, '\n', n);
    size_t end = lf != NULL ? (size_t)(lf - p) : n;
    const char *cr = memchr(p, '\r', end);
    return cr != NULL ? (size_t)(cr - p) : end;
}

enum gateway_sse_got gateway_sse_feed(struct gateway_sse *s, const char *p,
                                      size_t n, size_t *used)
{
    size_t at = 0;
    if (s->given) {
        next_event(s);
    }
    while (at < n) {
        if (s->skip_lf && p[at] == '\n') {
            at++;
            s->skip_lf = false;
            continue;
        }
        s->skip_lf = false;
        size_t len = line_length(p + at, n - at);
        struct wh_str piece = wh_str_mem(p + at, len);
        at += len;
        if (at == n) { /* its end has not come */
            wh_buf_add(&s->line, piece);
            break;
        }
        s->skip_lf = p[at] == '\r';
        at++;
        if (s->line.n > 0) {
            wh_buf_add(&s->line, piece);
            piece = wh_buf_str(&s->line);
        }
        bool whole = take_line(s, piece);
        bool over = s->line.over;
        if (s->line.n > 0) {
            wh_buf_done(&s->line);
            wh_buf_init(&s->line, GATEWAY_EVENT_MAX);
        }
        if (over || s->data.over) {
            *used = at;
            return GATEWAY_SSE_OVER;
        }
        if (whole) {
            s->given = true;
            *used = at;
            return GATEWAY_SSE_EVENT;
        }
    }
    *used = n;
    return s->line.over || s->data.over ? GATEWAY_SSE_OVER : GATEWAY_SSE_MORE;
}

struct wh_str gateway_sse_data(const struct gateway_sse *s)
{
    return wh_buf_str(&s->data);
}

bool gateway_sse_is_error(const struct gateway_sse *s)
{
    return s->error;
}
