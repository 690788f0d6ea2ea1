/*
 * json_pull.h - strict JSON, one token at a time, over a window.
 * Owner: scan_json_init .. scan_json_done; the window is the caller's.
 * Never: builds a tree; accepts a duplicate key (compared after unescaping),
 * invalid UTF-8, a lone surrogate, a NUL, or more than its limits.
 *
 * Source: RFC 8259.
 */
#ifndef WH_SCAN_JSON_PULL_H
#define WH_SCAN_JSON_PULL_H

#include "base/buf.h"
#include "base/err.h"
#include "scan/keyset.h"
#include "scan/win.h"

#define SCAN_JSON_DEPTH 64

enum scan_json_token {
    SCAN_JSON_OBJECT,
    SCAN_JSON_OBJECT_END,
    SCAN_JSON_ARRAY,
    SCAN_JSON_ARRAY_END,
    SCAN_JSON_KEY,
    SCAN_JSON_STRING,
    SCAN_JSON_INT,  /* a non-negative integer below 2^64: `integer` */
    SCAN_JSON_REAL, /* any other number: its text */
    SCAN_JSON_TRUE,
    SCAN_JSON_FALSE,
    SCAN_JSON_NULL,
    SCAN_JSON_END, /* the value is complete; what follows was not touched */
};

enum scan_json_fault {
    SCAN_JSON_FINE,
    SCAN_JSON_MALFORMED,
    SCAN_JSON_DUPLICATE,
    SCAN_JSON_LIMIT,
    SCAN_JSON_SOURCE, /* the window's source failed */
};

struct scan_json_limits {
    unsigned depth; /* containers inside each other; <= SCAN_JSON_DEPTH */
    size_t keys;    /* of one object */
    size_t string;  /* bytes of one string or key, unescaped */
    bool integers;  /* refuse every number that is not SCAN_JSON_INT */
};

struct scan_json {
    struct scan_win *w;
    struct scan_json_limits limits; /* may be changed between tokens */
    struct wh_buf text;
    unsigned depth;
    bool array[SCAN_JSON_DEPTH];
    struct scan_keyset keys[SCAN_JSON_DEPTH];
    int state;
    enum scan_json_fault fault;
    uint64_t at;      /* where the last token began */
    uint64_t integer; /* of SCAN_JSON_INT */
    struct wh_err *err;
};

/* A reader at the start of the window; failures go to *err. done gives back its
 * memory. */
void scan_json_init(struct scan_json *j, struct scan_win *w,
                    const struct scan_json_limits *limits, struct wh_err *err);
void scan_json_done(struct scan_json *j);
/* The next token. Text of keys, strings and reals: scan_json_text, valid until
 * the next call. On failure `fault` says which kind, `at` where, and *err (of
 * init) holds WH_BAD_JSON, WH_TOO_LARGE or the source's failure. */
bool scan_json_next(struct scan_json *j, enum scan_json_token *out) WH_CHECK;
struct wh_str scan_json_text(const struct scan_json *j);
/* The next token must be `want`, else WH_BAD_JSON naming `what`. */
bool scan_json_want(struct scan_json *j, enum scan_json_token want,
                    const char *what) WH_CHECK;
/* Step over a value whose first token was `first`. */
bool scan_json_skip(struct scan_json *j, enum scan_json_token first) WH_CHECK;
/* Refuse the document at the current token; returns false. */
bool scan_json_refuse(struct scan_json *j, enum scan_json_fault fault,
                      const char *fmt, ...) WH_PRINTF(3, 4);

#endif
