/*
 * log.h - one line per event on standard error: time level event key=value.
 * Owner: nothing is owned; arguments are copied out at once.
 * Never: blocks on anything but write(2); prints secrets (callers' promise).
 */
#ifndef WH_BASE_LOG_H
#define WH_BASE_LOG_H

#include "base/err.h"
#include "base/str.h"

enum wh_level { WH_DEBUG, WH_INFO, WH_WARN, WH_ERROR };

/* Lines below this level are dropped; default WH_INFO. */
void wh_log_level(enum wh_level min);
/* Name of this process in each line ("front", "keeper"); static string. */
void wh_log_process(const char *name);
/* A ready line: event is a dotted word, fmt makes "key=value key=value". Values
 * that come from outside go through wh_log_q. */
void wh_log(enum wh_level lv, const char *event, const char *fmt, ...)
    WH_PRINTF(3, 4);
/* Quote a foreign value for the log, in one of 8 rotating buffers per thread
 * (cut at 400 bytes). */
const char *wh_log_q(struct wh_str s);
/* The standard line of a failure: code, message, detail, place. */
void wh_log_err(enum wh_level lv, const char *event, const struct wh_err *err);

#endif
