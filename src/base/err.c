/*
 * Errors: the table's rows, filling a struct wh_err, and the panic that ends
 * a process whose own promises are broken.
 */
#include "base/err.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct wh_err_row rows[] = {
#define WH_E(name, http, otype, hub, exit, msg, why) \
    {#name, http, otype, hub, exit, msg, why},
#include "base/errors.tbl"
#undef WH_E
};

static _Thread_local char panic_context[160];

/* Cut text that filled its buffer back to whole UTF-8 characters, so that a
 * long message never becomes an invalid JSON string. */
static void trim_utf8(char *text)
{
    struct wh_str s = wh_str_of(text);
    size_t back = 0;
    while (back < 3 && back < s.n &&
           ((unsigned char)s.p[s.n - 1 - back] & 0xC0U) == 0x80U) {
        back++;
    }
    if (back < s.n) {
        size_t lead = s.n - 1 - back;
        struct wh_str last = wh_str_sub(s, lead, back + 1);
        if (wh_str_utf8_len(last) != last.n) {
            text[lead] = '\0';
        }
    }
}

static void set_text(char *out, size_t cap, const char *text)
{
    size_t n = strnlen(text, cap - 1);
    memcpy(out, text, n);
    out[n] = '\0';
    if (n == cap - 1) {
        trim_utf8(out);
    }
}

const struct wh_err_row *wh_err_row(enum wh_code code)
{
    size_t i = (size_t)code;
    return i < WH_CODE_COUNT ? &rows[i] : &rows[WH_INTERNAL];
}

bool wh_fail_at(struct wh_err *err, enum wh_code code, const char *file,
                int line, const char *fmt, ...)
{
    /* Formatted aside: the arguments may point into *err. */
    char text[sizeof err->msg + 4];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err->code = code;
    err->file = file;
    err->line = line;
    err->detail[0] = '\0';
    set_text(err->msg, sizeof err->msg,
             text[0] != '\0' ? text : wh_err_row(code)->msg);
    return false;
}

bool wh_fail_errno_at(struct wh_err *err, enum wh_code code, const char *file,
                      int line, const char *what)
{
    int e = errno;
    bool full = e == ENOSPC || e == EDQUOT;
    (void)wh_fail_at(err, full ? WH_NOSPACE : code, file, line, "");
    char name[128];
    return wh_err_detail(err, "%s: %s", what, strerror_r(e, name, sizeof name));
}

bool wh_err_detail(struct wh_err *err, const char *fmt, ...)
{
    char text[sizeof err->detail + 4];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    char both[2 * sizeof err->detail + 8];
    (void)snprintf(both, sizeof both, "%s%s%s", err->detail,
                   err->detail[0] != '\0' ? "; " : "", text);
    set_text(err->detail, sizeof err->detail, both);
    return false;
}

bool wh_err_wrap(struct wh_err *err, const char *fmt, ...)
{
    char text[sizeof err->msg + 4];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    char both[2 * sizeof err->msg + 8];
    (void)snprintf(both, sizeof both, "%s: %s", text, err->msg);
    set_text(err->msg, sizeof err->msg, both);
    return false;
}

void wh_panic(const char *file, int line, const char *what)
{
    char text[512];
    int n = snprintf(text, sizeof text, "panic: %s (%s:%d) pid=%d task=%s\n",
                     what, file, line, (int)getpid(),
                     panic_context[0] != '\0' ? panic_context : "-");
    if (n > 0) {
        size_t len = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
        /* Nothing is left to do when even this write fails. */
        ssize_t written = write(STDERR_FILENO, text, len);
        (void)written;
    }
    abort();
}

void wh_panic_context(const char *what)
{
    set_text(panic_context, sizeof panic_context, what ? what : "");
}
