/*
 * ask.c - reading a request: one pass of the pull reader over the body. Where a
 * field that goes on lies in the body is noted; texts are unescaped into the
 * arena, because the filter looks at what the engine will read.
 */
#include "gateway/ask.h"
#include "base/json_pull.h"
#include "base/mem.h"
#include "gateway/ask_impl.h"

#include <stdlib.h>

enum where { CHAT = 1, TEXT = 2, BOTH = 3 };
enum what { PASS, OWN, KEEP };

struct row {
    const char *name;
    size_t name_n;
    enum where where;
    enum ask_kind kind;
    enum what what;
    int64_t least, most;
};

static const struct row rows[GATEWAY_ASK_FIELDS] = {
#define ASK(name, where, kind, what, least, most) \
    {#name, sizeof #name - 1, where, ASK_##kind, what, least, most},
#include "gateway/ask.tbl"
#undef ASK
};

static const struct wh_pull_limits limits = {
    .depth = 48, .keys = 8192, .string = GATEWAY_BODY_MAX, .surrogates = true};

/* --- for the readers of fields -------------------------------------------- */

bool ask_fail(struct ask_reader *r, enum gateway_code code, const char *fmt,
              ...)
{
    char why[256];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    return gateway_fail(r->fault, code, r->param, "%s", why);
}

bool ask_next(struct ask_reader *r, enum wh_pull_token *t)
{
    if (wh_pull_next(r->pull, t)) {
        return true;
    }
    return gateway_fail(r->fault, GATEWAY_F_BAD_JSON, NULL,
                        "the body is not valid JSON: %s", r->err.msg);
}

bool ask_skip(struct ask_reader *r, enum wh_pull_token first)
{
    if (wh_pull_skip(r->pull, first)) {
        return true;
    }
    return gateway_fail(r->fault, GATEWAY_F_BAD_JSON, NULL,
                        "the body is not valid JSON: %s", r->err.msg);
}

struct wh_str ask_text(const struct ask_reader *r)
{
    return wh_pull_text(r->pull);
}

bool ask_say(struct ask_reader *r, enum gateway_voice voice)
{
    struct gateway_ask *ask = r->ask;
    struct wh_str text = ask_text(r);
    if (text.n == 0) {
        return true;
    }
    if (ask->n_said == r->said_cap) {
        size_t cap = r->said_cap == 0 ? 16 : r->said_cap * 2;
        struct gateway_said *more = wh_arena_array(r->arena, cap, sizeof *more);
        if (ask->n_said > 0) {
            memcpy(more, ask->said, ask->n_said * sizeof *more);
        }
        ask->said = more;
        r->said_cap = cap;
    }
    ask->said[ask->n_said++] = (struct gateway_said){
        voice, ask->messages, wh_arena_dup(r->arena, text)};
    ask->token_bound += text.n;
    return true;
}

/* --- fields of simple kinds ----------------------------------------------- */

static bool read_int(struct ask_reader *r, const struct row *row,
                     enum wh_pull_token t, uint64_t *out)
{
    if (t != WH_PULL_INT || r->pull->integer < (uint64_t)row->least ||
        r->pull->integer > (uint64_t)row->most) {
        return ask_fail(r, GATEWAY_F_BAD_VALUE,
                        "%s must be an integer from %lld to %lld", row->name,
                        (long long)row->least, (long long)row->most);
    }
    *out = r->pull->integer;
    return true;
}

/* A number as the reader left it; false for text that is none. */
static bool number(const struct ask_reader *r, enum wh_pull_token t,
                   double *out)
{
    char text[64];
    struct wh_str s = ask_text(r);
    if ((t != WH_PULL_INT && t != WH_PULL_REAL) || s.n >= sizeof text) {
        return false;
    }
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    *out = strtod(text, NULL);
    return true;
}

static bool read_real(struct ask_reader *r, const struct row *row,
                      enum wh_pull_token t)
{
    double v = 0;
    if (number(r, t, &v) && v >= (double)row->least && v <= (double)row->most) {
        return true;
    }
    return ask_fail(r, GATEWAY_F_BAD_VALUE,
                    "%s must be a number from %lld to %lld", row->name,
                    (long long)row->least, (long long)row->most);
}

/* An integer of any size: a sign, then digits. */
static bool read_whole(struct ask_reader *r, const struct row *row,
                       enum wh_pull_token t)
{
    struct wh_str s = ask_text(r);
    bool good = t == WH_PULL_INT || t == WH_PULL_REAL;
    for (size_t i = 0; good && t == WH_PULL_REAL && i < s.n; i++) {
        good = (s.p[i] >= '0' && s.p[i] <= '9') || (i == 0 && s.p[i] == '-');
    }
    return good ||
           ask_fail(r, GATEWAY_F_BAD_VALUE, "%s must be an integer", row->name);
}

static bool read_string(struct ask_reader *r, const struct row *row,
                        enum wh_pull_token t)
{
    size_t n = ask_text(r).n;
    if (t != WH_PULL_STRING) {
        return ask_fail(r, GATEWAY_F_BAD_VALUE, "%s must be a string",
                        row->name);
    }
    return (n >= (size_t)row->least && n <= (size_t)row->most) ||
           ask_fail(r, GATEWAY_F_BAD_VALUE, "%s must have %lld to %lld bytes",
                    row->name, (long long)row->least, (long long)row->most);
}

static bool read_strings(struct ask_reader *r, const struct row *row,
                         enum wh_pull_token t)
{
    int64_t n = 0;
    if (t == WH_PULL_STRING) {
        return true;
    }
    if (t != WH_PULL_ARRAY) {
        return ask_fail(r, GATEWAY_F_BAD_VALUE,
                        "%s must be a string or an array of strings",
                        row->name);
    }
    for (;;) {
        if (!ask_next(r, &t)) {
            return false;
        }
        if (t == WH_PULL_ARRAY_END) {
            return true;
        }
        if (t != WH_PULL_STRING || ++n > row->most) {
            return ask_fail(r, GATEWAY_F_BAD_VALUE,
                            "%s must have at most %lld strings", row->name,
                            (long long)row->most);
        }
    }
}

/* {"<token id>": <-100 .. 100>, ...} */
static bool read_bias(struct ask_reader *r, enum wh_pull_token t)
{
    uint64_t id;
    double v = 0;
    if (t != WH_PULL_OBJECT) {
        return ask_fail(r, GATEWAY_F_BAD_VALUE, "logit_bias must be an object");
    }
    for (;;) {
        if (!ask_next(r, &t)) {
            return false;
        }
        if (t == WH_PULL_OBJECT_END) {
            return true;
        }
        bool good = wh_str_u64(ask_text(r), &id);
        if (!ask_next(r, &t)) {
            return false;
        }
        if (!good || !number(r, t, &v) || v < -100 || v > 100) {
            return ask_fail(r, GATEWAY_F_BAD_VALUE,
                            "logit_bias must map token ids to numbers from "
                            "-100 to 100");
        }
        r->ask->biased++;
    }
}

static bool read_options(struct ask_reader *r, enum wh_pull_token t)
{
    if (t != WH_PULL_OBJECT) {
        return ask_fail(r, GATEWAY_F_BAD_VALUE,
                        "stream_options must be an object");
    }
    for (;;) {
        bool *flag = NULL;
        if (!ask_next(r, &t)) {
            return false;
        }
        if (t == WH_PULL_OBJECT_END) {
            return true;
        }
        if (wh_str_is(ask_text(r), "include_usage")) {
            flag = &r->ask->include_usage;
        } else if (wh_str_is(ask_text(r), "include_obfuscation")) {
            flag = &r->ask->obfuscate;
        }
        if (!ask_next(r, &t)) {
            return false;
        }
        bool plain = t == WH_PULL_TRUE || t == WH_PULL_FALSE;
        if (flag != NULL && plain) {
            *flag = t == WH_PULL_TRUE;
        } else if (flag != NULL && t != WH_PULL_NULL) {
            return ask_fail(r, GATEWAY_F_BAD_VALUE,
                            "stream_options holds something that is neither "
                            "true nor false");
        } else if (!ask_skip(r, t)) {
            return false;
        }
    }
}

/* chat: a flag; completions: how many. */
static bool read_logprobs(struct ask_reader *r, enum wh_pull_token t)
{
    struct gateway_ask *ask = r->ask;
    if (ask->endpoint == GATEWAY_CHAT) {
        ask->logprobs = t == WH_PULL_TRUE;
        return t == WH_PULL_TRUE || t == WH_PULL_FALSE ||
               ask_fail(r, GATEWAY_F_BAD_VALUE,
                        "logprobs must be true or false");
    }
    if (t != WH_PULL_INT || r->pull->integer > 5) {
        return ask_fail(r, GATEWAY_F_BAD_VALUE,
                        "logprobs must be an integer from 0 to 5");
    }
    ask->logprobs = true;
    ask->top_logprobs = (unsigned)r->pull->integer;
    return true;
}

/* --- one field ------------------------------------------------------------ */

static bool read_value(struct ask_reader *r, const struct row *row,
                       enum wh_pull_token t, uint64_t *number_out)
{
    switch (row->kind) {
    case ASK_ANY:
        return ask_skip(r, t);
    case ASK_BOOL:
        return t == WH_PULL_TRUE || t == WH_PULL_FALSE ||
               ask_fail(r, GATEWAY_F_BAD_VALUE, "%s must be true or false",
                        row->name);
    case ASK_INT:
        return read_int(r, row, t, number_out);
    case ASK_WHOLE:
        return read_whole(r, row, t);
    case ASK_REAL:
        return read_real(r, row, t);
    case ASK_STRING:
        return read_string(r, row, t);
    case ASK_STRINGS:
        return read_strings(r, row, t);
    case ASK_OBJECT:
        return t == WH_PULL_OBJECT
                   ? ask_skip(r, t)
                   : ask_fail(r, GATEWAY_F_BAD_VALUE, "%s must be an object",
                              row->name);
    case ASK_MESSAGES:
        return ask_messages(r, t);
    case ASK_PROMPT:
        return ask_prompt(r, t);
    case ASK_OPTIONS:
        return read_options(r, t);
    case ASK_BIAS:
        return read_bias(r, t);
    case ASK_TOOLS:
        return ask_tools(r, t);
    }
    wh_panic(__FILE__, __LINE__, "a field without a kind");
}

/* What the gateway itself needs of a field. */
static void note(struct ask_reader *r, enum gateway_ask_field id,
                 enum wh_pull_token t, uint64_t number_in)
{
    struct gateway_ask *ask = r->ask;
    switch ((int)id) {
    case GATEWAY_ASK_model:
        ask->model = wh_arena_dup(r->arena, ask_text(r));
        break;
    case GATEWAY_ASK_stream:
        ask->stream = t == WH_PULL_TRUE;
        break;
    case GATEWAY_ASK_echo:
        ask->echo = t == WH_PULL_TRUE;
        break;
    case GATEWAY_ASK_n:
        ask->n = (unsigned)number_in;
        break;
    case GATEWAY_ASK_best_of:
        ask->best_of = (unsigned)number_in;
        break;
    case GATEWAY_ASK_top_logprobs:
        ask->top_logprobs = (unsigned)number_in;
        break;
    case GATEWAY_ASK_max_tokens:
    case GATEWAY_ASK_max_completion_tokens:
        ask->max_tokens = number_in;
        break;
    case GATEWAY_ASK_user:
        if (ask->field[GATEWAY_ASK_safety_identifier].p == NULL) {
            ask->end_user = wh_arena_dup(r->arena, ask_text(r));
        }
        break;
    case GATEWAY_ASK_safety_identifier:
        ask->end_user = wh_arena_dup(r->arena, ask_text(r));
        break;
    case GATEWAY_ASK_tool_choice:
        ask->tool_forced =
            t != WH_PULL_STRING || (!wh_str_is(ask_text(r), "none") &&
                                    !wh_str_is(ask_text(r), "auto"));
        break;
    case GATEWAY_ASK_suffix:
        (void)ask_say(r, GATEWAY_USER);
        break;
    default:
        break;
    }
}

static bool read_field(struct ask_reader *r, const struct row *row)
{
    enum gateway_ask_field id = (enum gateway_ask_field)(row - rows);
    enum wh_pull_token t;
    uint64_t number_read = 0;
    r->param = row->name;
    if (!ask_next(r, &t)) {
        return false;
    }
    if (t == WH_PULL_NULL) {
        return true;
    }
    uint64_t from = r->pull->at;
    bool ok = id == GATEWAY_ASK_logprobs ? read_logprobs(r, t)
                                         : read_value(r, row, t, &number_read);
    if (!ok) {
        return false;
    }
    uint64_t end = wh_win_offset(&r->win);
    note(r, id, t, number_read);
    r->ask->field[id] = wh_str_sub(r->body, (size_t)from, (size_t)(end - from));
    r->param = NULL;
    return true;
}

static const struct row *find(enum gateway_endpoint e, struct wh_str name)
{
    enum where here = e == GATEWAY_CHAT ? CHAT : TEXT;
    for (size_t i = 0; i < GATEWAY_ASK_FIELDS; i++) {
        if (name.n == rows[i].name_n && (rows[i].where & here) != 0 &&
            memcmp(name.p, rows[i].name, name.n) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool read_object(struct ask_reader *r)
{
    enum wh_pull_token t;
    if (!ask_next(r, &t)) {
        return false;
    }
    if (t != WH_PULL_OBJECT) {
        return gateway_fail(r->fault, GATEWAY_F_BAD_JSON, NULL,
                            "the body must be a JSON object");
    }
    for (;;) {
        if (!ask_next(r, &t)) {
            return false;
        }
        if (t == WH_PULL_OBJECT_END) {
            break;
        }
        const struct row *row = find(r->ask->endpoint, ask_text(r));
        bool ok = row != NULL ? read_field(r, row)
                              : ask_next(r, &t) && ask_skip(r, t);
        if (!ok) {
            return false;
        }
    }
    /* nothing but blanks may follow */
    while (wh_win_left(&r->win) > 0) {
        uint8_t c = wh_win_u8(&r->win);
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            return gateway_fail(r->fault, GATEWAY_F_BAD_JSON, NULL,
                                "bytes follow after the JSON object");
        }
    }
    return true;
}

/* --- fields together ------------------------------------------------------ */

static bool given(const struct gateway_ask *ask, enum gateway_ask_field id)
{
    return ask->field[id].p != NULL;
}

static bool check_needed(const struct gateway_ask *ask, struct gateway_fault *f)
{
    bool chat = ask->endpoint == GATEWAY_CHAT;
    if (!given(ask, GATEWAY_ASK_model)) {
        return gateway_fail(f, GATEWAY_F_MISSING, "model",
                            "the field model is missing");
    }
    if (chat ? !given(ask, GATEWAY_ASK_messages)
             : !given(ask, GATEWAY_ASK_prompt)) {
        return gateway_fail(f, GATEWAY_F_MISSING, chat ? "messages" : "prompt",
                            "the field %s is missing",
                            chat ? "messages" : "prompt");
    }
    return true;
}

static bool check_together(const struct gateway_ask *ask,
                           struct gateway_fault *f)
{
    bool chat = ask->endpoint == GATEWAY_CHAT;
    const struct {
        bool wrong;
        const char *param, *why;
    } checks[] = {
        {given(ask, GATEWAY_ASK_max_tokens) &&
             given(ask, GATEWAY_ASK_max_completion_tokens),
         "max_tokens",
         "max_tokens and max_completion_tokens can not both be given"},
        {given(ask, GATEWAY_ASK_stream_options) && !ask->stream,
         "stream_options", "stream_options is for streams: stream is not true"},
        {chat && given(ask, GATEWAY_ASK_top_logprobs) && !ask->logprobs,
         "top_logprobs", "top_logprobs needs logprobs to be true"},
        {ask->tool_forced && !ask->has_tools, "tool_choice",
         "tool_choice needs tools"},
        {given(ask, GATEWAY_ASK_best_of) &&
             (ask->best_of > 1 || ask->best_of < ask->n),
         "best_of", "best_of is not offered here: use n"},
        {ask->echo && ask->logprobs, "echo",
         "echo together with logprobs is not offered here"},
        {ask->n * (uint64_t)ask->prompts > GATEWAY_CHOICES_MAX, "n",
         "n times the number of prompts must be at most 128"},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        if (checks[i].wrong) {
            return gateway_fail(f, GATEWAY_F_BAD_VALUE, checks[i].param, "%s",
                                checks[i].why);
        }
    }
    return true;
}

/* --- public --------------------------------------------------------------- */

struct wh_pull *gateway_ask_pull_new(void)
{
    struct wh_pull *pull = wh_alloc(sizeof *pull);
    /* window and error come with each document */
    wh_pull_init(pull, NULL, &limits, NULL);
    return pull;
}

void gateway_ask_pull_free(struct wh_pull **pull)
{
    if (*pull != NULL) {
        wh_pull_done(*pull);
        wh_free(*pull);
        *pull = NULL;
    }
}

bool gateway_ask_read(struct wh_arena *a, struct wh_pull *pull,
                      enum gateway_endpoint endpoint, struct wh_str body,
                      struct gateway_ask *out, struct gateway_fault *f)
{
    struct ask_reader *r = WH_NEW(a, struct ask_reader);
    *f = (struct gateway_fault){0};
    *out = (struct gateway_ask){.endpoint = endpoint,
                                .n = 1,
                                .best_of = 1,
                                .prompts = 1,
                                .obfuscate = true};
    r->arena = a;
    r->ask = out;
    r->fault = f;
    r->body = body;
    wh_win_mem(&r->win, body.p, body.n, &r->err);
    struct wh_pull own;
    bool lent = pull != NULL;
    if (lent) {
        wh_pull_again(pull, &r->win, &r->err);
    } else {
        wh_pull_init(&own, &r->win, &limits, &r->err);
    }
    r->pull = lent ? pull : &own;
    bool ok = read_object(r);
    if (!lent) {
        wh_pull_done(&own);
    }
    if (!ok || !check_needed(out, f) || !check_together(out, f)) {
        return false;
    }
    if (wh_arena_over(a, &r->err)) {
        return gateway_fail(f, GATEWAY_F_TOO_LARGE, NULL,
                            "the request needs more memory than it may have");
    }
    /* what a template puts around a message */
    out->token_bound += 64 + 16 * (uint64_t)out->messages;
    return true;
}

bool gateway_ask_custody(const struct gateway_ask *ask, struct gateway_fault *f)
{
    if (ask->biased > 0 && ask->logprobs) {
        return gateway_fail(f, GATEWAY_F_UNSUPPORTED, "logit_bias",
                            "logit_bias together with logprobs is not offered "
                            "for a model in custody");
    }
    if (ask->tokens) {
        return gateway_fail(f, GATEWAY_F_UNSUPPORTED, "prompt",
                            "prompts of a model in custody are text, not "
                            "tokens");
    }
    return true;
}

static void write_logprobs(const struct gateway_ask *ask, bool custody,
                           struct wh_buf *b)
{
    unsigned top = ask->top_logprobs;
    if (!ask->logprobs) {
        return;
    }
    if (custody && top > GATEWAY_TOP_LOGPROBS) {
        top = GATEWAY_TOP_LOGPROBS;
    }
    if (ask->endpoint == GATEWAY_TEXT) {
        wh_buf_fmt(b, ",\"logprobs\":%u", top);
    } else {
        wh_buf_cstr(b, ",\"logprobs\":true");
        if (given(ask, GATEWAY_ASK_top_logprobs)) {
            wh_buf_fmt(b, ",\"top_logprobs\":%u", top);
        }
    }
}

void gateway_ask_write(const struct gateway_ask *ask, struct wh_str model,
                       uint64_t max_tokens, bool custody, struct wh_buf *b)
{
    wh_buf_cstr(b, "{\"model\":");
    wh_buf_json(b, model);
    wh_buf_cstr(b, ",\"max_tokens\":");
    wh_buf_u64(b, max_tokens);
    if (ask->stream) {
        wh_buf_cstr(b, ",\"stream\":true,\"stream_options\":"
                       "{\"include_usage\":true}");
    }
    write_logprobs(ask, custody, b);
    for (size_t i = 0; i < GATEWAY_ASK_FIELDS; i++) {
        if (rows[i].what == PASS && ask->field[i].p != NULL) {
            wh_buf_cstr(b, ",\"");
            wh_buf_cstr(b, rows[i].name);
            wh_buf_cstr(b, "\":");
            wh_buf_add(b, ask->field[i]);
        }
    }
    wh_buf_char(b, '}');
}
