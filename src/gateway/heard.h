/*
 * heard.h - what an engine says: a whole answer, one event of a stream, or an
 * error, in whatever dialect, read into one form.
 * Owner: gateway_ear_init .. gateway_ear_done; what was heard is valid until
 * the next call.
 * Never: believes a length; keeps a field that it does not know: what is not
 * here is not forwarded.
 */
#ifndef WH_GATEWAY_HEARD_H
#define WH_GATEWAY_HEARD_H

#include "base/json_pull.h"
#include "gateway/ask.h"

/* Pieces of text in one event or answer, and calls of tools of a choice. */
#define GATEWAY_TEXTS_MAX 512u
#define GATEWAY_CALLS_MAX 128u

enum gateway_finish {
    GATEWAY_UNFINISHED,
    GATEWAY_STOP,
    GATEWAY_LENGTH,
    GATEWAY_TOOL_CALLS,
    GATEWAY_FILTERED
};

/* A piece of text; from and n: in the ear's scratch. */
struct gateway_text {
    unsigned choice;
    enum gateway_field field;
    unsigned call;
    size_t from, n;
    size_t id_from, id_n; /* GATEWAY_TOOL_NAME: the id of the call */
};

struct gateway_choice {
    unsigned index;
    bool role; /* it says who speaks */
    enum gateway_finish finish;
    size_t logprobs_from, logprobs_n; /* JSON, rounded; n 0: none */
};

struct gateway_heard {
    bool is_error;
    int status; /* of an error, if it says one; else 0 */
    size_t message_from, message_n;
    bool context; /* the error is that the prompt is too long */
    bool has_usage;
    uint64_t prompt_tokens, completion_tokens, cached, reasoning;
    size_t n_choices, n_texts;
    struct gateway_choice choices[GATEWAY_CHOICES_MAX];
    struct gateway_text texts[GATEWAY_TEXTS_MAX];
};

/* Reads one JSON text after the other. Big: one for each loop. */
struct gateway_ear {
    struct wh_pull pull;
    struct wh_win win;
    struct wh_buf scratch;
    struct wh_err err;
    struct gateway_heard heard;
    bool round;       /* logprobs are rounded */
    uint64_t choices; /* indexes of choices are below this */
};

/* A reader; done gives back its memory. */
void gateway_ear_init(struct gateway_ear *e);
void gateway_ear_done(struct gateway_ear *e);
/* Read one. `choices`: how many were asked for. False when it is not what an
 * engine may say (e->err tells). */
bool gateway_ear_hear(struct gateway_ear *e, struct wh_str json,
                      unsigned choices, bool round) WH_CHECK;
/* A view into the scratch. */
struct wh_str gateway_ear_text(const struct gateway_ear *e, size_t from,
                               size_t n);
/* "stop", ...; GATEWAY_UNFINISHED is null. */
const char *gateway_finish_word(enum gateway_finish f);

#endif
