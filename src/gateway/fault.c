/*
 * fault.c - the table of failures, and their form.
 */
#include "gateway/fault.h"

#include <stdarg.h>
#include <stdio.h>

static const struct gateway_fault_row rows[GATEWAY_CODES] = {
    [GATEWAY_FINE] = {200, "", "", false},
#define GATEWAY_FAULT(name, status, type, code, retry) \
    [GATEWAY_F_##name] = {status, type, code, retry},
#include "gateway/fault.tbl"
#undef GATEWAY_FAULT
};

/* Which of ours an error of the house is, for who asks over /v1. */
static const struct {
    enum wh_code from;
    enum gateway_code to;
} names[] = {
    {WH_AUTH_REQUIRED, GATEWAY_F_NO_KEY},
    {WH_AUTH_INVALID, GATEWAY_F_NO_KEY},
    {WH_FORBIDDEN, GATEWAY_F_SCOPE},
    {WH_HELD, GATEWAY_F_MODEL_DENIED},
    {WH_WEIGHING, GATEWAY_F_MODEL_DENIED},
    {WH_NOT_FOUND, GATEWAY_F_NOT_FOUND},
    {WH_REPO_NOT_FOUND, GATEWAY_F_NO_MODEL},
    {WH_TOO_LARGE, GATEWAY_F_TOO_LARGE},
    {WH_BAD_JSON, GATEWAY_F_BAD_JSON},
    {WH_BAD_REQUEST, GATEWAY_F_BAD_REQUEST},
    {WH_BAD_METHOD, GATEWAY_F_NOT_FOUND},
    {WH_RATE_LIMITED, GATEWAY_F_RATE},
    {WH_UNAVAILABLE, GATEWAY_F_OVERLOADED},
    {WH_CHILD_DIED, GATEWAY_F_LOADING},
    {WH_TIMEOUT, GATEWAY_F_LATE},
    {WH_OUTSIDE, GATEWAY_F_ENGINE},
};

const struct gateway_fault_row *gateway_fault_row(enum gateway_code code)
{
    return &rows[code > GATEWAY_FINE && code < GATEWAY_CODES
                     ? code
                     : GATEWAY_F_INTERNAL];
}

bool gateway_fail(struct gateway_fault *f, enum gateway_code code,
                  const char *param, const char *fmt, ...)
{
    va_list ap;
    *f = (struct gateway_fault){.code = code, .param = param};
    va_start(ap, fmt);
    (void)vsnprintf(f->message, sizeof f->message, fmt, ap);
    va_end(ap);
    return false;
}

bool gateway_fail_err(struct gateway_fault *f, const struct wh_err *err)
{
    enum gateway_code code = GATEWAY_F_INTERNAL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].from == err->code) {
            code = names[i].to;
        }
    }
    (void)gateway_fail(f, code, NULL, "%s", err->msg);
    f->retry_after = rows[code].status == 503 ? 2 : 0;
    return false;
}

/* A message may hold what a client sent; what is no UTF-8 is cut off. */
static struct wh_str text_of(const char *s)
{
    struct wh_str all = wh_str_of(s), rest = all;
    for (size_t n = 0; rest.n > 0 && (n = wh_str_utf8_len(rest)) > 0;) {
        rest = wh_str_sub(rest, n, rest.n);
    }
    return wh_str_sub(all, 0, all.n - rest.n);
}

void gateway_fault_write(const struct gateway_fault *f, struct wh_buf *b)
{
    const struct gateway_fault_row *row = gateway_fault_row(f->code);
    wh_buf_cstr(b, "{\"error\":{\"message\":");
    wh_buf_json(b, text_of(f->message));
    wh_buf_fmt(b, ",\"type\":\"%s\",\"param\":", row->type);
    if (f->param != NULL) {
        wh_buf_json(b, text_of(f->param));
    } else {
        wh_buf_cstr(b, "null");
    }
    wh_buf_fmt(b, ",\"code\":\"%s\"", row->code);
    if (f->url[0] != '\0') {
        wh_buf_cstr(b, ",\"url\":");
        wh_buf_json(b, text_of(f->url));
    }
    wh_buf_cstr(b, "}}");
}
