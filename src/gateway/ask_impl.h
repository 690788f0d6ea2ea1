/*
 * ask_impl.h - between ask.c (fields) and ask_said.c (what is said in them).
 * Owner: the reader lies in the arena of the request.
 * Never: included by anything else.
 */
#ifndef WH_GATEWAY_ASK_IMPL_H
#define WH_GATEWAY_ASK_IMPL_H

#include "base/json_pull.h"
#include "gateway/ask.h"

#include <stdarg.h>
#include <stdio.h>

enum ask_kind {
    ASK_ANY,
    ASK_BOOL,
    ASK_INT,
    ASK_WHOLE,
    ASK_REAL,
    ASK_STRING,
    ASK_STRINGS,
    ASK_OBJECT,
    ASK_MESSAGES,
    ASK_PROMPT,
    ASK_OPTIONS,
    ASK_BIAS,
    ASK_TOOLS
};

struct ask_reader {
    struct wh_arena *arena;
    struct gateway_ask *ask;
    struct gateway_fault *fault;
    struct wh_str body;
    struct wh_win win;
    struct wh_pull *pull;
    struct wh_err err;
    size_t said_cap;
    const char *param; /* the field that is being read */
};

/* The next token; false with the fault filled, as with the two below. */
bool ask_next(struct ask_reader *r, enum wh_pull_token *t) WH_CHECK;
bool ask_skip(struct ask_reader *r, enum wh_pull_token first) WH_CHECK;
bool ask_fail(struct ask_reader *r, enum gateway_code code, const char *fmt,
              ...) WH_PRINTF(3, 4);
/* Text of the present token, until the next one. */
struct wh_str ask_text(const struct ask_reader *r);
/* Note it as said in the present message; always true. */
bool ask_say(struct ask_reader *r, enum gateway_voice voice);

/* The values of messages, prompt and tools, from their first token on. */
bool ask_messages(struct ask_reader *r, enum wh_pull_token t) WH_CHECK;
bool ask_prompt(struct ask_reader *r, enum wh_pull_token t) WH_CHECK;
bool ask_tools(struct ask_reader *r, enum wh_pull_token t) WH_CHECK;

#endif
