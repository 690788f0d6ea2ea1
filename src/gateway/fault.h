/*
 * fault.h - failures in the form of OpenAI's API: an object of four keys,
 * string codes, the status that makes clients retry or not.
 * Owner: a fault is a plain value; its texts are static, its message its own.
 * Never: carries a number as a code, or a detail that is not for the client.
 */
#ifndef WH_GATEWAY_FAULT_H
#define WH_GATEWAY_FAULT_H

#include "base/buf.h"
#include "base/err.h"

enum gateway_code {
    GATEWAY_FINE,
#define GATEWAY_FAULT(name, status, type, code, retry) GATEWAY_F_##name,
#include "gateway/fault.tbl"
#undef GATEWAY_FAULT
    GATEWAY_CODES
};

struct gateway_fault {
    enum gateway_code code;
    const char *param;    /* the field it is about; null: none */
    unsigned retry_after; /* s; 0: not said */
    bool no_retry;        /* clients are told not to try again */
    char message[512];
    char url[256]; /* where to read on; "" if there is no such place */
};

/* One row of fault.tbl. */
struct gateway_fault_row {
    int status;
    const char *type, *code;
    bool retry; /* clients try again by themselves */
};

/* The row of a code; unknown ones are GATEWAY_F_INTERNAL. */
const struct gateway_fault_row *gateway_fault_row(enum gateway_code code);
/* Fill *f, param null for none, and return false. */
bool gateway_fail(struct gateway_fault *f, enum gateway_code code,
                  const char *param, const char *fmt, ...) WH_PRINTF(4, 5);
/* The same out of an error of the house. */
bool gateway_fail_err(struct gateway_fault *f, const struct wh_err *err);
/* {"error":{"message","type","param","code"}}, and "url" where there is one. */
void gateway_fault_write(const struct gateway_fault *f, struct wh_buf *b);

#endif
