/*
 * err.h - the one error type of the house.
 * Owner: the caller owns the struct; the callee fills it on its first failure.
 * Never: allocates, logs, or is consulted when a function returned success.
 */
#ifndef WH_BASE_ERR_H
#define WH_BASE_ERR_H

#include <stdbool.h>

#define WH_CHECK __attribute__((warn_unused_result))
#define WH_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum wh_code {
#define WH_E(name, http, otype, hub, exit, msg, why) WH_##name,
#include "base/errors.tbl"
#undef WH_E
    WH_CODE_COUNT
};

/* One failure. `msg` is safe to show to the client; `detail` is for the log
 * only. Start with `struct wh_err err = {0}`; all bytes zero means "none". */
struct wh_err {
    enum wh_code code;
    int line;         /* where it was raised */
    const char *file; /* static string */
    char msg[512];
    char detail[512];
};

/* One row of errors.tbl. All strings are static. */
struct wh_err_row {
    const char *name; /* "NOT_FOUND" */
    int http;
    const char *openai_type;
    const char *hub_code; /* X-Error-Code, or "" */
    int exit_code;
    const char *msg;
    const char *why;
};

/* The row of a code; an unknown code gives the row of WH_INTERNAL. */
const struct wh_err_row *wh_err_row(enum wh_code code);

/* Always false: shows the compiler that a failing path does not go on, else it
 * takes out-parameters that are set only on success for uninitialized. */
static inline bool wh_false(bool result)
{
    (void)result;
    return false;
}

/* Fill *err and return false, so that `return wh_fail(err, WH_X, ...)` is how
 * every fallible function fails. fmt "" takes the table's default message.
 * The message must be fit for the client: no paths of ours, no secrets. */
#define wh_fail(err, code, ...) \
    wh_fail_at((err), (code), __FILE__, __LINE__, __VA_ARGS__)
bool wh_fail_at(struct wh_err *err, enum wh_code code, const char *file,
                int line, const char *fmt, ...) WH_PRINTF(5, 6);

/* The same for a failed system call: code WH_NOSPACE for ENOSPC and EDQUOT,
 * else `code`; errno's text goes into detail, `what` names the call's purpose.
 */
#define wh_fail_errno(err, code, what) \
    wh_fail_errno_at((err), (code), __FILE__, __LINE__, (what))
bool wh_fail_errno_at(struct wh_err *err, enum wh_code code, const char *file,
                      int line, const char *what);

/* Add to the private detail of an existing failure; returns false. */
bool wh_err_detail(struct wh_err *err, const char *fmt, ...) WH_PRINTF(2, 3);

/* Put context before the public message ("config.json: ..."); returns false. */
bool wh_err_wrap(struct wh_err *err, const char *fmt, ...) WH_PRINTF(2, 3);

/* A broken promise of our own: reports expression, place and the thread's
 * current task (wh_panic_context) on standard error, then aborts. On in
 * release builds. Input from outside is never asserted. */
#define wh_assert(e) \
    ((e) ? (void)0 : wh_panic(__FILE__, __LINE__, "assertion failed: " #e))
_Noreturn void wh_panic(const char *file, int line, const char *what);

/* Name what this thread is doing (request id and route); copied, null clears.
 * Printed by wh_panic. */
void wh_panic_context(const char *what);

#endif
