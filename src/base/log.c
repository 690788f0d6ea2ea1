/*
 * The log: one write(2) of at most LINE_BYTES a line, so that lines of several
 * processes on one pipe do not mix (PIPE_BUF). Control characters that slip
 * into a line become blanks: one event is one line, whatever it carries.
 */
#include "base/log.h"
#include "base/buf.h"
#include "base/time.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_BYTES 4096U
#define QUOTE_SLOTS 8U
#define QUOTE_INPUT 400U
/* Each byte may become four, plus two quotes, three dots and a NUL. */
#define QUOTE_BYTES (QUOTE_INPUT * 4U + 8U)

static _Atomic int min_level = WH_INFO;
static _Atomic(const char *) process_name = "weighhouse";
static _Thread_local char quoted[QUOTE_SLOTS][QUOTE_BYTES];
static _Thread_local unsigned quote_slot;

static const char *level_name(enum wh_level lv)
{
    switch (lv) {
    case WH_DEBUG:
        return "debug";
    case WH_INFO:
        return "info";
    case WH_WARN:
        return "warn";
    case WH_ERROR:
        return "error";
    }
    return "error";
}

static void emit(char *line, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7F) {
            line[i] = ' ';
        }
    }
    line[n++] = '\n';
    size_t done = 0;
    while (done < n) {
        ssize_t w = write(STDERR_FILENO, line + done, n - done);
        if (w < 0 && errno != EINTR) {
            return; /* there is no place left to say so */
        }
        done += w > 0 ? (size_t)w : 0;
    }
}

void wh_log_level(enum wh_level min)
{
    atomic_store(&min_level, (int)min);
}

void wh_log_process(const char *name)
{
    atomic_store(&process_name, name);
}

void wh_log(enum wh_level lv, const char *event, const char *fmt, ...)
{
    if ((int)lv < atomic_load(&min_level)) {
        return;
    }
    char now[WH_TIME_TEXT];
    wh_time_text(wh_now_us(), now);
    char line[LINE_BYTES];
    size_t cap = sizeof line - 1; /* the newline */
    int head = snprintf(line, cap, "%s %s %s %s", now, level_name(lv),
                        atomic_load(&process_name), event);
    size_t n = head < 0 ? 0 : (size_t)head;
    n = n < cap - 1 ? n : cap - 1;
    if (fmt[0] != '\0' && n + 2 < cap) {
        line[n++] = ' ';
        va_list ap;
        va_start(ap, fmt);
        int tail = vsnprintf(line + n, cap - n, fmt, ap);
        va_end(ap);
        size_t left = cap - n - 1;
        n += tail < 0 ? 0 : ((size_t)tail < left ? (size_t)tail : left);
    }
    emit(line, n);
}

const char *wh_log_q(struct wh_str s)
{
    struct wh_buf b;
    wh_buf_init(&b, QUOTE_BYTES);
    wh_buf_logv(&b, wh_str_sub(s, 0, QUOTE_INPUT));
    if (s.n > QUOTE_INPUT) {
        wh_buf_cstr(&b, "...");
    }
    char *out = quoted[quote_slot++ % QUOTE_SLOTS];
    struct wh_str text = wh_buf_str(&b);
    wh_assert(!b.over && text.n < QUOTE_BYTES);
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    wh_buf_done(&b);
    return out;
}

void wh_log_err(enum wh_level lv, const char *event, const struct wh_err *err)
{
    wh_log(lv, event, "code=%s msg=%s detail=%s at=%s:%d",
           wh_err_row(err->code)->name, wh_log_q(wh_str_of(err->msg)),
           wh_log_q(wh_str_of(err->detail)), err->file ? err->file : "-",
           err->line);
}
