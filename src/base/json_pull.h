/*
 * json_pull.h - strict JSON, one token at a time, over a window.
 * Owner: wh_pull_init .. wh_pull_done; the window is the caller's.
 * Never: builds a tree; accepts a duplicate key (compared after unescaping),
 * invalid UTF-8, a NUL, or more than its limits; a lone surrogate only where
 * the limits say so.
 *
 * Source: RFC 8259.
 */
#ifndef WH_BASE_JSON_PULL_H
#define WH_BASE_JSON_PULL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/keyset.h"
#include "base/win.h"

#define WH_PULL_DEPTH 64

enum wh_pull_token {
    WH_PULL_OBJECT,
    WH_PULL_OBJECT_END,
    WH_PULL_ARRAY,
    WH_PULL_ARRAY_END,
    WH_PULL_KEY,
    WH_PULL_STRING,
    WH_PULL_INT,  /* a non-negative integer below 2^64: `integer` */
    WH_PULL_REAL, /* any other number: its text */
    WH_PULL_TRUE,
    WH_PULL_FALSE,
    WH_PULL_NULL,
    WH_PULL_END, /* the value is complete; what follows was not touched */
};

enum wh_pull_fault {
    WH_PULL_FINE,
    WH_PULL_MALFORMED,
    WH_PULL_DUPLICATE,
    WH_PULL_LIMIT,
    WH_PULL_SOURCE, /* the window's source failed */
};

struct wh_pull_limits {
    unsigned depth;  /* containers inside each other; <= WH_PULL_DEPTH */
    size_t keys;     /* of one object */
    size_t string;   /* bytes of one string or key, unescaped */
    bool integers;   /* refuse every number that is not WH_PULL_INT */
    bool surrogates; /* an escaped surrogate without its other half reads as
                        U+FFFD; else it is refused */
};

struct wh_pull {
    struct wh_win *w;
    struct wh_pull_limits limits; /* may be changed between tokens */
    struct wh_buf text;
    unsigned depth;
    bool array[WH_PULL_DEPTH];
    struct wh_keyset keys[WH_PULL_DEPTH];
    int state;
    enum wh_pull_fault fault;
    uint64_t at;      /* where the last token began */
    uint64_t integer; /* of WH_PULL_INT */
    struct wh_err *err;
};

/* A reader at the start of the window; failures go to *err. done gives back its
 * memory. */
void wh_pull_init(struct wh_pull *j, struct wh_win *w,
                  const struct wh_pull_limits *limits, struct wh_err *err);
void wh_pull_done(struct wh_pull *j);
/* The same reader, with its memory, at the start of another document. */
void wh_pull_again(struct wh_pull *j, struct wh_win *w, struct wh_err *err);
/* The next token. Text of keys, strings and reals: wh_pull_text, valid until
 * the next call. On failure `fault` says which kind, `at` where, and *err (of
 * init) holds WH_BAD_JSON, WH_TOO_LARGE or the source's failure. */
bool wh_pull_next(struct wh_pull *j, enum wh_pull_token *out) WH_CHECK;
struct wh_str wh_pull_text(const struct wh_pull *j);
/* The next token must be `want`, else WH_BAD_JSON naming `what`. */
bool wh_pull_want(struct wh_pull *j, enum wh_pull_token want,
                  const char *what) WH_CHECK;
/* Step over a value whose first token was `first`. */
bool wh_pull_skip(struct wh_pull *j, enum wh_pull_token first) WH_CHECK;
/* Refuse the document at the current token; returns false. */
bool wh_pull_refuse(struct wh_pull *j, enum wh_pull_fault fault,
                    const char *fmt, ...) WH_PRINTF(3, 4);

#endif
