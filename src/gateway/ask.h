/*
 * ask.h - a request to /v1/chat/completions or /v1/completions: read, checked,
 * and written anew for an engine.
 * Owner: everything lies in the arena given, or is a view of the body.
 * Never: builds a tree; prints again what it forwards: a field goes on as the
 * bytes it came as, or not at all.
 */
#ifndef WH_GATEWAY_ASK_H
#define WH_GATEWAY_ASK_H

#include "gateway/fault.h"
#include "gateway/filter.h"

/* Ceilings of one request. */
#define GATEWAY_BODY_MAX ((size_t)8 << 20)
#define GATEWAY_MESSAGES_MAX 20000u
#define GATEWAY_CHOICES_MAX 128u
/* Most likely tokens shown of a model in custody. */
#define GATEWAY_TOP_LOGPROBS 5u

enum gateway_endpoint { GATEWAY_CHAT, GATEWAY_TEXT };

enum gateway_ask_field {
#define ASK(name, where, kind, what, least, most) GATEWAY_ASK_##name,
#include "gateway/ask.tbl"
#undef ASK
    GATEWAY_ASK_FIELDS
};

struct gateway_ask {
    enum gateway_endpoint endpoint;
    struct wh_str field[GATEWAY_ASK_FIELDS]; /* the value's bytes; p null: not
                                                given, or null */
    struct wh_str model;                     /* unescaped */
    bool stream, include_usage, obfuscate;
    bool logprobs, echo;
    bool tokens;           /* the prompt is given as tokens, not as text */
    unsigned top_logprobs; /* also the number of completions' logprobs */
    unsigned n, best_of;   /* choices a prompt; 1 if not given */
    unsigned prompts;      /* completions may have several; else 1 */
    uint64_t max_tokens;   /* 0: not given */
    size_t biased;         /* token ids in logit_bias */
    uint64_t token_bound;  /* the prompt is not more tokens than this */
    struct wh_str end_user;
    struct gateway_said *said;
    size_t n_said, messages;
    bool prefill;
    bool has_tools;
    bool tool_forced; /* tool_choice names one, or wants any */
};

struct wh_pull;

/* A reader that can be lent to gateway_ask_read, again and again, by one
 * thread: it keeps its memory. */
struct wh_pull *gateway_ask_pull_new(void);
void gateway_ask_pull_free(struct wh_pull **pull);
/* Read and check a body, with this reader, or null for one of its own. False
 * with what is wrong, and where. */
bool gateway_ask_read(struct wh_arena *a, struct wh_pull *pull,
                      enum gateway_endpoint endpoint, struct wh_str body,
                      struct gateway_ask *out,
                      struct gateway_fault *f) WH_CHECK;
/* What a model in custody does not answer, and nobody needs but who extracts
 * its weights. */
bool gateway_ask_custody(const struct gateway_ask *ask,
                         struct gateway_fault *f) WH_CHECK;
/* The request for an engine that knows the model by this name; every choice may
 * have max_tokens. */
void gateway_ask_write(const struct gateway_ask *ask, struct wh_str model,
                       uint64_t max_tokens, bool custody, struct wh_buf *b);

#endif
