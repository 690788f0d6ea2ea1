/*
 * heard.c - chunks, answers and errors of llama.cpp, vLLM, SGLang and their kin
 * differ in what they add, not in what we take: choices with text, a reason to
 * end, usage. One reader takes all of them; where something stands (delta,
 * message, text) does not matter.
 */
#include "gateway/heard.h"

#include <stdio.h>
#include <stdlib.h>

/* Logprobs are rounded to this many nats (extraction needs more). */
#define GRAIN 0.05

static const struct wh_pull_limits limits = {
    .depth = 32,
    .keys = 4096,
    .string = (size_t)8 << 20,
    .surrogates = true,
};

static const char *const finish_words[] = {
    [GATEWAY_STOP] = "stop",
    [GATEWAY_LENGTH] = "length",
    [GATEWAY_TOOL_CALLS] = "tool_calls",
    [GATEWAY_FILTERED] = "content_filter",
};

static bool bad(struct gateway_ear *e, const char *why)
{
    return wh_fail(&e->err, WH_OUTSIDE, "%s", why);
}

static bool next(struct gateway_ear *e, enum wh_pull_token *t)
{
    return wh_pull_next(&e->pull, t);
}

/* Append the present text to the scratch. */
static size_t keep(struct gateway_ear *e, size_t *n)
{
    size_t from = e->scratch.n;
    struct wh_str s = wh_pull_text(&e->pull);
    wh_buf_add(&e->scratch, s);
    *n = s.n;
    return from;
}

/* --- the members of an object, one by one --------------------------------- */

/* The next key: *more is false at the end of the object. The key is copied to
 * `key`, cut if it is longer than any that is known. */
#define KEY_MAX 32
static bool next_key(struct gateway_ear *e, char key[KEY_MAX], bool *more,
                     enum wh_pull_token *value)
{
    enum wh_pull_token t;
    if (!next(e, &t)) {
        return false;
    }
    *more = t == WH_PULL_KEY;
    if (!*more) {
        return true;
    }
    struct wh_str s = wh_str_sub(wh_pull_text(&e->pull), 0, KEY_MAX - 1);
    if (s.n > 0) { /* of an empty key there may be no memory */
        memcpy(key, s.p, s.n);
    }
    key[s.n] = '\0';
    return next(e, value);
}

static bool is(const char *key, const char *name)
{
    return strcmp(key, name) == 0;
}

/* --- texts ---------------------------------------------------------------- */

static struct gateway_text *add_text(struct gateway_ear *e, unsigned choice,
                                     enum gateway_field field, unsigned call)
{
    struct gateway_heard *h = &e->heard;
    if (h->n_texts == GATEWAY_TEXTS_MAX) {
        return NULL;
    }
    struct gateway_text *t = &h->texts[h->n_texts++];
    *t = (struct gateway_text){.choice = choice, .field = field, .call = call};
    return t;
}

/* A value that is text, or null. */
static bool hear_text(struct gateway_ear *e, enum wh_pull_token t,
                      unsigned choice, enum gateway_field field, unsigned call)
{
    if (t == WH_PULL_NULL) {
        return true;
    }
    if (t != WH_PULL_STRING) {
        return bad(e, "a text that is no string");
    }
    if (wh_pull_text(&e->pull).n == 0) {
        return true;
    }
    struct gateway_text *x = add_text(e, choice, field, call);
    if (x == NULL) {
        return bad(e, "too many texts at once");
    }
    x->from = keep(e, &x->n);
    return true;
}

/* {"name": ..., "arguments": ...} */
static bool hear_function(struct gateway_ear *e, unsigned choice, unsigned call,
                          size_t id_from, size_t id_n)
{
    char key[KEY_MAX];
    enum wh_pull_token t;
    for (bool more = true;;) {
        if (!next_key(e, key, &more, &t)) {
            return false;
        }
        if (!more) {
            return true;
        }
        bool ok;
        size_t before = e->heard.n_texts;
        if (is(key, "name")) {
            ok = hear_text(e, t, choice, GATEWAY_TOOL_NAME, call);
            if (ok && e->heard.n_texts > before) {
                e->heard.texts[before].id_from = id_from;
                e->heard.texts[before].id_n = id_n;
            }
        } else if (is(key, "arguments")) {
            ok = hear_text(e, t, choice, GATEWAY_TOOL_ARGUMENTS, call);
        } else {
            ok = wh_pull_skip(&e->pull, t);
        }
        if (!ok) {
            return false;
        }
    }
}

/* One call: {"index", "id", "type", "function"}; the id may follow the
 * function. */
static bool hear_call(struct gateway_ear *e, unsigned choice, unsigned nth)
{
    char key[KEY_MAX];
    enum wh_pull_token t;
    unsigned call = nth;
    size_t first = e->heard.n_texts, id_from = 0, id_n = 0;
    for (bool more = true;;) {
        if (!next_key(e, key, &more, &t)) {
            return false;
        }
        if (!more) {
            break;
        }
        bool ok = true;
        if (is(key, "index")) {
            if (t != WH_PULL_INT || e->pull.integer >= GATEWAY_CALLS_MAX) {
                return bad(e, "a call of a tool with a number too high");
            }
            call = (unsigned)e->pull.integer;
        } else if (is(key, "id") && t == WH_PULL_STRING) {
            id_from = keep(e, &id_n);
        } else if (is(key, "function") && t == WH_PULL_OBJECT) {
            ok = hear_function(e, choice, call, id_from, id_n);
        } else {
            ok = wh_pull_skip(&e->pull, t);
        }
        if (!ok) {
            return false;
        }
    }
    for (size_t i = first; i < e->heard.n_texts; i++) {
        e->heard.texts[i].call = call;
        if (e->heard.texts[i].field == GATEWAY_TOOL_NAME) {
            e->heard.texts[i].id_from = id_from;
            e->heard.texts[i].id_n = id_n;
        }
    }
    return true;
}

static bool hear_calls(struct gateway_ear *e, enum wh_pull_token t,
                       unsigned choice)
{
    if (t == WH_PULL_NULL) {
        return true;
    }
    if (t != WH_PULL_ARRAY) {
        return bad(e, "tool_calls is no array");
    }
    for (unsigned nth = 0;; nth++) {
        if (!next(e, &t)) {
            return false;
        }
        if (t == WH_PULL_ARRAY_END) {
            return true;
        }
        if (t != WH_PULL_OBJECT || nth == GATEWAY_CALLS_MAX) {
            return bad(e, "tool_calls holds what is no call, or too many");
        }
        if (!hear_call(e, choice, nth)) {
            return false;
        }
    }
}

/* delta or message. */
static bool hear_delta(struct gateway_ear *e, struct gateway_choice *c)
{
    char key[KEY_MAX];
    enum wh_pull_token t;
    for (bool more = true;;) {
        if (!next_key(e, key, &more, &t)) {
            return false;
        }
        if (!more) {
            return true;
        }
        bool ok;
        if (is(key, "role")) {
            c->role = t == WH_PULL_STRING;
            ok = wh_pull_skip(&e->pull, t);
        } else if (is(key, "content")) {
            ok = hear_text(e, t, c->index, GATEWAY_CONTENT, 0);
        } else if (is(key, "reasoning_content") || is(key, "reasoning")) {
            ok = hear_text(e, t, c->index, GATEWAY_REASONING, 0);
        } else if (is(key, "refusal")) {
            ok = hear_text(e, t, c->index, GATEWAY_REFUSED, 0);
        } else if (is(key, "tool_calls")) {
            ok = hear_calls(e, t, c->index);
        } else {
            ok = wh_pull_skip(&e->pull, t);
        }
        if (!ok) {
            return false;
        }
    }
}

/* --- logprobs ------------------------------------------------------------- */

static void put_number(struct gateway_ear *e, bool real)
{
    char text[64];
    struct wh_str s = wh_pull_text(&e->pull);
    if (!real || !e->round || s.n >= sizeof text) {
        wh_buf_add(&e->scratch, s.n < sizeof text ? s : WH_S("null"));
        return;
    }
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    double v = strtod(text, NULL);
    if (!(v > -1e6 && v < 1e6)) {
        wh_buf_cstr(&e->scratch, "-9999.0");
        return;
    }
    long steps = (long)(v / GRAIN + (v < 0 ? -0.5 : 0.5));
    wh_buf_fmt(&e->scratch, "%.2f", (double)steps * GRAIN);
}

static void put_token(struct gateway_ear *e, enum wh_pull_token t)
{
    struct wh_buf *b = &e->scratch;
    switch (t) {
    case WH_PULL_OBJECT:
        wh_buf_char(b, '{');
        break;
    case WH_PULL_OBJECT_END:
        wh_buf_char(b, '}');
        break;
    case WH_PULL_ARRAY:
        wh_buf_char(b, '[');
        break;
    case WH_PULL_ARRAY_END:
        wh_buf_char(b, ']');
        break;
    case WH_PULL_KEY:
        wh_buf_json(b, wh_pull_text(&e->pull));
        wh_buf_char(b, ':');
        break;
    case WH_PULL_STRING:
        wh_buf_json(b, wh_pull_text(&e->pull));
        break;
    case WH_PULL_INT:
        put_number(e, false);
        break;
    case WH_PULL_REAL:
        put_number(e, true);
        break;
    case WH_PULL_TRUE:
        wh_buf_cstr(b, "true");
        break;
    case WH_PULL_FALSE:
        wh_buf_cstr(b, "false");
        break;
    case WH_PULL_NULL:
    case WH_PULL_END:
        wh_buf_cstr(b, "null");
        break;
    }
}

/* Copy the value token by token; every number that is no plain integer (those
 * are bytes and offsets) is a logprob. */
static bool hear_logprobs(struct gateway_ear *e, enum wh_pull_token t,
                          struct gateway_choice *c)
{
    if (t != WH_PULL_OBJECT) {
        return wh_pull_skip(&e->pull, t);
    }
    unsigned outer = e->pull.depth - 1;
    c->logprobs_from = e->scratch.n;
    put_token(e, t);
    for (enum wh_pull_token before = t; e->pull.depth > outer; before = t) {
        if (!next(e, &t)) {
            return false;
        }
        bool opens = before == WH_PULL_OBJECT || before == WH_PULL_ARRAY ||
                     before == WH_PULL_KEY;
        if (!opens && t != WH_PULL_OBJECT_END && t != WH_PULL_ARRAY_END) {
            wh_buf_char(&e->scratch, ',');
        }
        put_token(e, t);
    }
    c->logprobs_n = e->scratch.n - c->logprobs_from;
    return true;
}

/* --- choices -------------------------------------------------------------- */

static bool hear_finish(struct gateway_ear *e, enum wh_pull_token t,
                        struct gateway_choice *c)
{
    if (t != WH_PULL_STRING) {
        return t == WH_PULL_NULL || bad(e, "a finish_reason that is no string");
    }
    c->finish = GATEWAY_STOP; /* also for words that clients do not know */
    if (wh_str_is(wh_pull_text(&e->pull), "function_call")) {
        c->finish = GATEWAY_TOOL_CALLS;
    }
    for (int f = GATEWAY_STOP; f <= GATEWAY_FILTERED; f++) {
        if (wh_str_is(wh_pull_text(&e->pull), finish_words[f])) {
            c->finish = (enum gateway_finish)f;
        }
    }
    return true;
}

static bool hear_choice(struct gateway_ear *e)
{
    struct gateway_heard *h = &e->heard;
    char key[KEY_MAX];
    enum wh_pull_token t;
    if (h->n_choices == GATEWAY_CHOICES_MAX) {
        return bad(e, "more choices than were asked for");
    }
    size_t first = h->n_texts;
    struct gateway_choice *c = &h->choices[h->n_choices++];
    *c = (struct gateway_choice){0};
    for (bool more = true;;) {
        if (!next_key(e, key, &more, &t)) {
            return false;
        }
        if (!more) {
            break;
        }
        bool ok;
        if (is(key, "index")) {
            if (t != WH_PULL_INT || e->pull.integer >= e->choices) {
                return bad(e, "a choice that was not asked for");
            }
            c->index = (unsigned)e->pull.integer;
            ok = true;
        } else if ((is(key, "delta") || is(key, "message")) &&
                   t == WH_PULL_OBJECT) {
            ok = hear_delta(e, c);
        } else if (is(key, "text")) {
            ok = hear_text(e, t, c->index, GATEWAY_CONTENT, 0);
        } else if (is(key, "logprobs")) {
            ok = hear_logprobs(e, t, c);
        } else if (is(key, "finish_reason")) {
            ok = hear_finish(e, t, c);
        } else {
            ok = wh_pull_skip(&e->pull, t);
        }
        if (!ok) {
            return false;
        }
    }
    for (size_t i = first; i < h->n_texts; i++) {
        h->texts[i].choice = c->index;
    }
    for (size_t i = 0; i + 1 < h->n_choices; i++) {
        if (h->choices[i].index == c->index) {
            return bad(e, "a choice stands there twice");
        }
    }
    return true;
}

static bool hear_choices(struct gateway_ear *e, enum wh_pull_token t)
{
    if (t != WH_PULL_ARRAY) {
        return bad(e, "choices is no array");
    }
    for (;;) {
        if (!next(e, &t)) {
            return false;
        }
        if (t == WH_PULL_ARRAY_END) {
            return true;
        }
        if (t != WH_PULL_OBJECT) {
            return bad(e, "a choice that is no object");
        }
        if (!hear_choice(e)) {
            return false;
        }
    }
}

/* --- usage and errors ----------------------------------------------------- */

/* The one number of a details object that is passed on. */
static bool hear_detail(struct gateway_ear *e, enum wh_pull_token t,
                        const char *name, uint64_t *out)
{
    char key[KEY_MAX];
    if (t != WH_PULL_OBJECT) {
        return wh_pull_skip(&e->pull, t);
    }
    for (bool more = true;;) {
        if (!next_key(e, key, &more, &t)) {
            return false;
        }
        if (!more) {
            return true;
        }
        if (is(key, name) && t == WH_PULL_INT) {
            *out = e->pull.integer;
        } else if (!wh_pull_skip(&e->pull, t)) {
            return false;
        }
    }
}

static bool hear_usage(struct gateway_ear *e, enum wh_pull_token t)
{
    struct gateway_heard *h = &e->heard;
    char key[KEY_MAX];
    if (t != WH_PULL_OBJECT) {
        return wh_pull_skip(&e->pull, t);
    }
    h->has_usage = true;
    for (bool more = true;;) {
        if (!next_key(e, key, &more, &t)) {
            return false;
        }
        if (!more) {
            return true;
        }
        bool ok = true;
        if (is(key, "prompt_tokens") && t == WH_PULL_INT) {
            h->prompt_tokens = e->pull.integer;
        } else if (is(key, "completion_tokens") && t == WH_PULL_INT) {
            h->completion_tokens = e->pull.integer;
        } else if (is(key, "prompt_tokens_details")) {
            ok = hear_detail(e, t, "cached_tokens", &h->cached);
        } else if (is(key, "completion_tokens_details")) {
            ok = hear_detail(e, t, "reasoning_tokens", &h->reasoning);
        } else {
            ok = wh_pull_skip(&e->pull, t);
        }
        if (!ok) {
            return false;
        }
    }
}

/* "error": {...} or a text; llama.cpp's code is a number, vLLM's too. */
static bool hear_error(struct gateway_ear *e, enum wh_pull_token t)
{
    struct gateway_heard *h = &e->heard;
    char key[KEY_MAX];
    if (t == WH_PULL_NULL) {
        return true;
    }
    h->is_error = true;
    if (t == WH_PULL_STRING) {
        h->message_from = keep(e, &h->message_n);
        return true;
    }
    if (t != WH_PULL_OBJECT) {
        return wh_pull_skip(&e->pull, t);
    }
    for (bool more = true;;) {
        if (!next_key(e, key, &more, &t)) {
            return false;
        }
        if (!more) {
            return true;
        }
        bool text = t == WH_PULL_STRING;
        if (is(key, "message") && text) {
            h->message_from = keep(e, &h->message_n);
        } else if (is(key, "code") && t == WH_PULL_INT) {
            h->status = e->pull.integer <= 599 ? (int)e->pull.integer : 0;
        } else if (text && (is(key, "type") || is(key, "code"))) {
            struct wh_str s = wh_pull_text(&e->pull);
            h->context = h->context ||
                         wh_str_is(s, "exceed_context_size_error") ||
                         wh_str_is(s, "context_length_exceeded");
        } else if (!wh_pull_skip(&e->pull, t)) {
            return false;
        }
    }
}

static bool hear_all(struct gateway_ear *e)
{
    char key[KEY_MAX];
    enum wh_pull_token t;
    if (!next(e, &t)) {
        return false;
    }
    if (t != WH_PULL_OBJECT) {
        return bad(e, "an answer that is no object");
    }
    for (bool more = true;;) {
        if (!next_key(e, key, &more, &t)) {
            return false;
        }
        if (!more) {
            return true;
        }
        bool ok;
        if (is(key, "choices")) {
            ok = hear_choices(e, t);
        } else if (is(key, "usage")) {
            ok = hear_usage(e, t);
        } else if (is(key, "error")) {
            ok = hear_error(e, t);
        } else if (is(key, "message") && t == WH_PULL_STRING) {
            /* vLLM's bare form of an error */
            e->heard.message_from = keep(e, &e->heard.message_n);
            ok = true;
        } else if (is(key, "object") && t == WH_PULL_STRING) {
            e->heard.is_error =
                e->heard.is_error || wh_str_is(wh_pull_text(&e->pull), "error");
            ok = true;
        } else {
            ok = wh_pull_skip(&e->pull, t);
        }
        if (!ok) {
            return false;
        }
    }
}

/* --- public --------------------------------------------------------------- */

void gateway_ear_init(struct gateway_ear *e)
{
    wh_win_mem(&e->win, "", 0, &e->err);
    wh_pull_init(&e->pull, &e->win, &limits, &e->err);
    wh_buf_init(&e->scratch, (size_t)64 << 20);
}

void gateway_ear_done(struct gateway_ear *e)
{
    wh_pull_done(&e->pull);
    wh_buf_done(&e->scratch);
}

bool gateway_ear_hear(struct gateway_ear *e, struct wh_str json,
                      unsigned choices, bool round)
{
    struct gateway_heard *h = &e->heard;
    /* the arrays behind their counts need no clearing */
    memset(h, 0, offsetof(struct gateway_heard, choices));
    e->err = (struct wh_err){0};
    e->round = round;
    e->choices = choices;
    wh_buf_reset(&e->scratch);
    wh_win_mem(&e->win, json.p, json.n, &e->err);
    wh_pull_again(&e->pull, &e->win, &e->err);
    return hear_all(e) && wh_buf_ok(&e->scratch, &e->err);
}

struct wh_str gateway_ear_text(const struct gateway_ear *e, size_t from,
                               size_t n)
{
    return wh_str_sub(wh_buf_str(&e->scratch), from, n);
}

const char *gateway_finish_word(enum gateway_finish f)
{
    return finish_words[f];
}
