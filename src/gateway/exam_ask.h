/*
 * exam_ask.h - one prompt of an exam, put over a socket, and whether the answer
 * refuses.
 * Owner: an asker is one thread's; the socket given is closed here.
 * Never: keeps a byte of an answer: what came is overwritten before this
 * returns; tells anybody what was answered, but for one word.
 */
#ifndef WH_GATEWAY_EXAM_ASK_H
#define WH_GATEWAY_EXAM_ASK_H

#include "gateway/heard.h"

/* Bytes of an answer with its head; more is no answer of so few tokens. */
#define GATEWAY_EXAM_ANSWER_MAX ((size_t)256 << 10)

enum gateway_reply {
    GATEWAY_ANSWERED, /* by the model, and it does not refuse */
    GATEWAY_REFUSES,  /* the model refuses */
    GATEWAY_KEPT,     /* the house refused the request, or cut the answer */
    GATEWAY_AGAIN,    /* not now: see err, ask again */
    GATEWAY_ENDED     /* there is nothing more to ask: see err */
};

struct gateway_asker;

/* Never null. */
struct gateway_asker *gateway_asker_new(void);
/* Null is fine; nulls the pointer. */
void gateway_asker_free(struct gateway_asker **a);

struct gateway_question {
    int fd;              /* connected, perhaps not yet; non-blocking */
    struct wh_str model; /* the name as the other end knows it */
    struct wh_str token; /* Authorization; empty: none */
    struct wh_str text;  /* the prompt */
    unsigned max_tokens;
    uint64_t seed;
    int64_t deadline;   /* wh_mono_us */
    _Atomic bool *stop; /* when it turns true, this ends: AGAIN */
};

/* Ask; the model's temperature is 0. */
enum gateway_reply gateway_asker_ask(struct gateway_asker *a,
                                     const struct gateway_question *q,
                                     struct wh_err *err);

#endif
