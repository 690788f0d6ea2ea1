/*
 * filter.h - what looks at a request before an engine sees it, and at every
 * piece of text of an engine before anybody sees that.
 * Owner: the filter's maker owns it and lets it outlive the gateway; the state
 * of one request is the filter's own, from `request` to `end`.
 * Never: blocks in `text` and `end`, which run on a loop between a read and a
 * write.
 *
 * The gateway keeps bytes back, the filter says how many may go. A piece that
 * is shown to `text` is everything of its channel that has not gone yet, so a
 * filter needs no copy of its own; what is cut is never sent, and every text
 * that a client could see is shown: content, reasoning, refusals, names and
 * arguments of tools, of each choice. What is none of these is not forwarded.
 */
#ifndef WH_GATEWAY_FILTER_H
#define WH_GATEWAY_FILTER_H

#include "base/arena.h"

/* Bytes of one channel that a filter may keep back at most; with more, the
 * stream is cut (fail closed). */
#define GATEWAY_HELD_MAX 16384u
/* Channels of one answer at most. */
#define GATEWAY_CHANNELS 256u

/* Who speaks in a prompt. Texts of completions count as USER. */
enum gateway_voice {
    GATEWAY_SYSTEM, /* system, developer */
    GATEWAY_USER,
    GATEWAY_ASSISTANT,
    GATEWAY_TOOL,    /* tool, function */
    GATEWAY_TOOL_USE /* names and arguments of calls in the history */
};

/* A piece of a prompt, unescaped. Lone surrogates read as U+FFFD. */
struct gateway_said {
    enum gateway_voice voice;
    size_t message; /* 0, 1, ... in the request */
    struct wh_str text;
};

/* A request that was found to be well-formed and permitted. All views live as
 * long as the arena of the request. */
struct gateway_asked {
    int64_t key, account;   /* rows */
    struct wh_str model;    /* "demo/smollm2" */
    const char *request;    /* its id, as the caller gets it */
    const char *peer;       /* address of the caller, text */
    struct wh_str base;     /* "http://host", as the caller spoke to us */
    struct wh_str end_user; /* `safety_identifier`, else `user`; a hint only */
    struct wh_str user_agent; /* with the X-Stainless headers a fingerprint */
    unsigned retry;           /* X-Stainless-Retry-Count: is no new attempt */
    const struct gateway_said *said;
    size_t n_said;
    size_t messages;
    bool chat, stream, logprobs, echo;
    bool exam;             /* the house asks: nobody's evidence, no case */
    bool prefill;          /* the last message is the assistant's */
    unsigned choices;      /* n */
    unsigned top_logprobs; /* as asked, before the gateway's own ceiling */
    size_t biased;         /* token ids in logit_bias */
    uint64_t max_tokens;   /* for one choice, as it will be sent */
};

enum gateway_no {
    GATEWAY_NO_POLICY,    /* 400 content_filter */
    GATEWAY_NO_SUSPENDED, /* 403 account_suspended */
    GATEWAY_NO_SLOWER     /* 429 rate_limit_exceeded */
};

/* Why not, for the one who asked. Texts live in the arena, or are static. */
struct gateway_refusal {
    enum gateway_no kind;
    struct wh_str message; /* one sentence: what, why, until when */
    struct wh_str url;     /* of the case: read on, appeal; may be empty */
    unsigned retry_after;  /* s; 0: none is named */
};

enum gateway_field {
    GATEWAY_CONTENT,
    GATEWAY_REASONING,
    GATEWAY_REFUSED, /* `refusal` */
    GATEWAY_TOOL_NAME,
    GATEWAY_TOOL_ARGUMENTS
};

/* Unescaped UTF-8 of one channel: what has not gone yet, of which the last
 * `fresh` bytes are new. A channel is one field of one choice (of one call of a
 * tool). `last`: nothing follows in this channel; what is not released then is
 * cut. An answer that is not streamed comes as one piece for each channel. */
struct gateway_piece {
    unsigned channel; /* 0 .. GATEWAY_CHANNELS - 1, dense, in order of birth */
    unsigned choice;
    enum gateway_field field;
    unsigned call; /* which call of a tool */
    struct wh_str text;
    size_t fresh;
    bool last;
};

enum gateway_cut_style {
    GATEWAY_CUT_QUIET, /* finish_reason content_filter, usage, [DONE] */
    GATEWAY_CUT_ERROR  /* an error event, then the end */
};

/* How a stream is to end. Texts are static or the filter's, to `end`. */
struct gateway_cut {
    enum gateway_cut_style style;
    const char *code;      /* "policy_violation", "account_suspended" */
    struct wh_str message; /* one sentence */
    struct wh_str url;     /* of the case; may be empty */
};

/* How a request ended, and what it used. */
struct gateway_ended {
    bool whole;   /* the engine finished by itself and the client got it all */
    bool cut;     /* by the filter */
    bool stopped; /* by gateway_stop */
    bool gone;    /* the client left */
    uint64_t prompt_tokens, completion_tokens;
};

struct gateway_filter {
    void *ctx;
    /* Requests to models that are not in custody need not be shown: `request`
     * is a formality for them, and may be left out. */
    bool only_custody;
    /* On a worker, with its reading connection. True: go on; *state is given to
     * the others, and null means that the answer need not be shown. False: *no
     * is the answer. */
    bool (*request)(void *ctx, void *worker, struct wh_arena *a,
                    const struct gateway_asked *asked, void **state,
                    struct gateway_refusal *no);
    /* On a loop. *release of the piece's bytes may go now: 0 .. text.n. False:
     * cut here; *release bytes still go before the end. */
    bool (*text)(void *ctx, void *state, const struct gateway_piece *piece,
                 size_t *release, struct gateway_cut *cut);
    /* Exactly once for each `request` that gave a state; on a loop or a worker.
     * The state is the filter's to free. */
    void (*end)(void *ctx, void *state, const struct gateway_ended *how);
};

/* Lets everything through and looks at nothing. */
extern const struct gateway_filter gateway_filter_none;

#endif
