/*
 * tell.c - what clients read: events and answers in OpenAI's form, printed from
 * what was heard. Nothing of an engine's JSON goes on as it is: an engine can
 * not add a field, name another model, or speak past the filter.
 */
#include "gateway/stream.h"

#include "base/mem.h"

static bool bit(const uint8_t *bits, unsigned i)
{
    return (bits[i / 8] >> (i % 8) & 1) != 0;
}

static void set_bit(uint8_t *bits, unsigned i)
{
    bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
}

/* --- the filter ----------------------------------------------------------- */

static struct gateway_channel *channel(struct gateway_stream *s,
                                       unsigned choice,
                                       enum gateway_field field, unsigned call)
{
    for (size_t i = 0; i < s->channels_n; i++) {
        struct gateway_channel *c = &s->channels[i];
        if (c->choice == choice && c->field == field && c->call == call) {
            return c;
        }
    }
    if (s->channels_n == GATEWAY_CHANNELS) {
        return NULL;
    }
    if (s->channels_n == s->channels_cap) {
        s->channels_cap = s->channels_cap == 0 ? 1 : s->channels_cap * 2;
        s->channels =
            wh_realloc(s->channels, s->channels_cap * sizeof *s->channels);
    }
    struct gateway_channel *c = &s->channels[s->channels_n++];
    *c = (struct gateway_channel){
        .choice = choice, .field = field, .call = call};
    wh_buf_init(&c->held, (size_t)16 << 20);
    return c;
}

static bool closed(struct gateway_stream *s, const char *why)
{
    s->is_cut = true;
    s->cut = (struct gateway_cut){.style = GATEWAY_CUT_QUIET,
                                  .code = "policy_violation",
                                  .message = wh_str_of(why)};
    return false;
}

/* Not in the middle of a character. */
static size_t boundary(struct wh_str text, size_t n)
{
    while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80) {
        n--;
    }
    return n;
}

/* New text of a channel: what may go now, in lane->text. False: cut. */
static bool pass(struct gateway_stream *s, struct gateway_channel *c,
                 struct wh_str fresh, bool last)
{
    struct wh_buf *out = &s->lane->text;
    const struct gateway_filter *filter = s->g->conf.filter;
    wh_buf_reset(out);
    if (s->filter_state == NULL) {
        wh_buf_add(out, fresh);
        return true;
    }
    wh_buf_add(&c->held, fresh);
    struct wh_str text = wh_buf_str(&c->held);
    struct gateway_piece piece = {.channel = (unsigned)(c - s->channels),
                                  .choice = c->choice,
                                  .field = c->field,
                                  .call = c->call,
                                  .text = text,
                                  .fresh = fresh.n,
                                  .last = last};
    size_t release = 0;
    bool go =
        filter->text(filter->ctx, s->filter_state, &piece, &release, &s->cut);
    release = boundary(text, release < text.n ? release : text.n);
    wh_buf_add(out, wh_str_sub(text, 0, release));
    wh_buf_drop(&c->held, release);
    if (!go) {
        s->is_cut = true;
        return false;
    }
    if (c->held.n == 0) {
        wh_buf_done(&c->held);
        wh_buf_init(&c->held, (size_t)16 << 20);
        return true;
    }
    if (last) {
        return closed(s, "the answer ended before it could be checked");
    }
    return c->held.n <= GATEWAY_HELD_MAX ||
           closed(s, "more text would have to be kept back than may be");
}

/* --- events --------------------------------------------------------------- */

static const char *object_of(const struct gateway_stream *s)
{
    if (s->endpoint == GATEWAY_TEXT) {
        return "text_completion";
    }
    return s->stream ? "chat.completion.chunk" : "chat.completion";
}

static void put_head(struct gateway_stream *s)
{
    struct wh_buf *b = &s->lane->out;
    wh_buf_cstr(b, s->endpoint == GATEWAY_CHAT ? "{\"id\":\"chatcmpl-"
                                               : "{\"id\":\"cmpl-");
    wh_buf_cstr(b, s->id);
    wh_buf_cstr(b, "\",\"object\":\"");
    wh_buf_cstr(b, object_of(s));
    wh_buf_cstr(b, "\",\"created\":");
    wh_buf_u64(b, (uint64_t)s->created);
    wh_buf_cstr(b, ",\"model\":\"");
    wh_buf_cstr(b, s->route->model);
    wh_buf_cstr(b, "\",\"choices\":[");
}

static void begin_event(struct gateway_stream *s)
{
    wh_buf_cstr(&s->lane->out, "data: ");
    put_head(s);
}

static void begin_choice(struct gateway_stream *s, unsigned index)
{
    struct wh_buf *b = &s->lane->out;
    wh_buf_cstr(b, "{\"index\":");
    wh_buf_u64(b, index);
    wh_buf_cstr(b, s->endpoint == GATEWAY_CHAT ? ",\"delta\":{" : ",\"text\":");
}

static void put_finish(struct gateway_stream *s, enum gateway_finish f)
{
    struct wh_buf *b = &s->lane->out;
    if (f == GATEWAY_UNFINISHED) {
        wh_buf_cstr(b, ",\"finish_reason\":null}");
    } else {
        wh_buf_cstr(b, ",\"finish_reason\":\"");
        wh_buf_cstr(b, gateway_finish_word(f));
        wh_buf_cstr(b, "\"}");
    }
}

static void end_choice(struct gateway_stream *s, struct wh_str logprobs,
                       enum gateway_finish f)
{
    struct wh_buf *b = &s->lane->out;
    wh_buf_cstr(b, s->endpoint == GATEWAY_CHAT ? "},\"logprobs\":"
                                               : ",\"logprobs\":");
    wh_buf_add(b, logprobs.n > 0 ? logprobs : WH_S("null"));
    put_finish(s, f);
}

/* Padding to a multiple of 64 bytes: the length of a chunk shall not tell the
 * length of a word (`obfuscation` of OpenAI's API). */
static void put_padding(struct gateway_stream *s, size_t from)
{
    static const char filler[] =
        "q7TnYc2LwXe9RmVbK4sJzUoH1pGdAf6yNiB3hQtEv5ClSx8rMkWjZgOu0aDPFI7T";
    static const size_t around = sizeof ",\"obfuscation\":\"\"}\n\n" - 1;
    struct wh_buf *b = &s->lane->out;
    size_t n = b->n - from + around;
    size_t pad = (64 - n % 64) % 64;
    wh_buf_cstr(b, ",\"obfuscation\":\"");
    wh_buf_mem(b, filler, pad);
    wh_buf_char(b, '"');
}

static void end_event(struct gateway_stream *s, size_t from, bool usage_null)
{
    struct wh_buf *b = &s->lane->out;
    wh_buf_char(b, ']');
    if (usage_null && s->include_usage) {
        wh_buf_cstr(b, ",\"usage\":null");
    }
    if (s->obfuscate) {
        put_padding(s, from);
    }
    wh_buf_cstr(b, "}\n\n");
}

/* What a delta says of a text. */
static void put_delta(struct gateway_stream *s, struct gateway_channel *c,
                      struct wh_str text, struct wh_str call_id)
{
    struct wh_buf *b = &s->lane->out;
    if (s->endpoint == GATEWAY_TEXT) {
        wh_buf_json(b, text);
        return;
    }
    switch (c->field) {
    case GATEWAY_CONTENT:
        wh_buf_cstr(b, "\"content\":");
        break;
    case GATEWAY_REASONING:
        wh_buf_cstr(b, "\"reasoning_content\":");
        break;
    case GATEWAY_REFUSED:
        wh_buf_cstr(b, "\"refusal\":");
        break;
    case GATEWAY_TOOL_NAME:
        wh_buf_fmt(b, "\"tool_calls\":[{\"index\":%u,\"id\":", c->call);
        wh_buf_json(b, call_id);
        wh_buf_cstr(b, ",\"type\":\"function\",\"function\":{\"name\":");
        wh_buf_json(b, text);
        wh_buf_cstr(b, ",\"arguments\":\"\"}}]");
        return;
    case GATEWAY_TOOL_ARGUMENTS:
        wh_buf_fmt(b,
                   "\"tool_calls\":[{\"index\":%u,\"function\":{"
                   "\"arguments\":",
                   c->call);
        wh_buf_json(b, text);
        wh_buf_cstr(b, "}}]");
        return;
    }
    wh_buf_json(b, text);
}

/* The first event of a choice says who speaks. */
static void tell_role(struct gateway_stream *s, unsigned choice)
{
    if (s->endpoint != GATEWAY_CHAT || s->face != NULL ||
        bit(s->role_sent, choice)) {
        return;
    }
    set_bit(s->role_sent, choice);
    size_t from = s->lane->out.n;
    begin_event(s);
    begin_choice(s, choice);
    wh_buf_cstr(&s->lane->out, "\"role\":\"assistant\",\"content\":\"\"");
    end_choice(s, WH_S(""), GATEWAY_UNFINISHED);
    end_event(s, from, true);
}

/* One event with what was released (lane->text). */
static void tell_text(struct gateway_stream *s, struct gateway_channel *c,
                      struct wh_str call_id, struct wh_str logprobs)
{
    struct wh_str text = wh_buf_str(&s->lane->text);
    if (text.n == 0) {
        return;
    }
    if (s->face != NULL) {
        if (c->field == GATEWAY_CONTENT || c->field == GATEWAY_REFUSED) {
            s->face->text(s->face_ctx, text, &s->lane->out);
        }
        return;
    }
    tell_role(s, c->choice);
    size_t from = s->lane->out.n;
    begin_event(s);
    begin_choice(s, c->choice);
    put_delta(s, c, text, call_id);
    end_choice(s, logprobs, GATEWAY_UNFINISHED);
    end_event(s, from, true);
}

/* An event that only ends a choice. */
static void tell_end(struct gateway_stream *s, unsigned choice,
                     enum gateway_finish f)
{
    if (bit(s->finished, choice)) {
        return;
    }
    set_bit(s->finished, choice);
    if (s->face != NULL) {
        s->face_finish = f;
        return;
    }
    tell_role(s, choice);
    size_t from = s->lane->out.n;
    begin_event(s);
    begin_choice(s, choice);
    if (s->endpoint == GATEWAY_TEXT) {
        wh_buf_cstr(&s->lane->out, "\"\"");
    }
    end_choice(s, WH_S(""), f);
    end_event(s, from, true);
}

/* All that is kept back of a choice that ends. */
static bool let_go(struct gateway_stream *s, unsigned choice)
{
    for (size_t i = 0; i < s->channels_n; i++) {
        struct gateway_channel *c = &s->channels[i];
        if (c->choice == choice && c->held.n > 0) {
            bool go = pass(s, c, WH_S(""), true);
            tell_text(s, c, WH_S(""), WH_S(""));
            if (!go) {
                return false;
            }
        }
    }
    return true;
}

static const struct gateway_choice *choice_of(const struct gateway_heard *h,
                                              unsigned index)
{
    for (size_t i = 0; i < h->n_choices; i++) {
        if (h->choices[i].index == index) {
            return &h->choices[i];
        }
    }
    return NULL;
}

static bool tell_one(struct gateway_stream *s, const struct gateway_heard *h,
                     const struct gateway_text *t)
{
    const struct gateway_ear *ear = s->lane->ear;
    const struct gateway_choice *choice = choice_of(h, t->choice);
    struct gateway_channel *c = channel(s, t->choice, t->field, t->call);
    struct wh_str text = gateway_ear_text(ear, t->from, t->n), logprobs = {0};
    if (c == NULL) {
        return closed(s, "more kinds of text at once than can be checked");
    }
    if (bit(s->finished, t->choice)) {
        return true; /* it said that it had ended */
    }
    s->pieces++;
    s->bytes += text.n;
    bool go = pass(s, c, text, t->field == GATEWAY_TOOL_NAME);
    /* logprobs spell the text out: they go with all of it, or not at all */
    if (choice != NULL && t->field == GATEWAY_CONTENT && c->held.n == 0 &&
        s->lane->text.n == text.n) {
        logprobs =
            gateway_ear_text(ear, choice->logprobs_from, choice->logprobs_n);
    }
    tell_text(s, c, gateway_ear_text(ear, t->id_from, t->id_n), logprobs);
    return go;
}

static void note_usage(struct gateway_stream *s, const struct gateway_heard *h)
{
    if (h->has_usage) {
        s->has_usage = true;
        s->prompt_tokens = h->prompt_tokens;
        s->completion_tokens = h->completion_tokens;
        s->cached = h->cached;
        s->reasoning = h->reasoning;
    }
}

bool gateway_tell_event(struct gateway_stream *s, const struct gateway_heard *h)
{
    note_usage(s, h);
    for (size_t i = 0; i < h->n_choices; i++) {
        if (h->choices[i].role) {
            tell_role(s, h->choices[i].index);
        }
    }
    for (size_t i = 0; i < h->n_texts; i++) {
        if (!tell_one(s, h, &h->texts[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < h->n_choices; i++) {
        const struct gateway_choice *c = &h->choices[i];
        if (c->finish != GATEWAY_UNFINISHED) {
            if (!let_go(s, c->index)) {
                return false;
            }
            tell_end(s, c->index, c->finish);
        }
    }
    return true;
}

void gateway_tell_finish(struct gateway_stream *s, enum gateway_finish why)
{
    for (unsigned i = 0; i < s->choices; i++) {
        tell_end(s, i, why);
    }
}

static void put_usage(struct gateway_stream *s)
{
    struct wh_buf *b = &s->lane->out;
    gateway_stream_count(s);
    wh_buf_cstr(b, "{\"prompt_tokens\":");
    wh_buf_u64(b, s->prompt_tokens);
    wh_buf_cstr(b, ",\"completion_tokens\":");
    wh_buf_u64(b, s->completion_tokens);
    wh_buf_cstr(b, ",\"total_tokens\":");
    wh_buf_u64(b, s->prompt_tokens + s->completion_tokens);
    wh_buf_cstr(b, ",\"prompt_tokens_details\":{\"cached_tokens\":");
    wh_buf_u64(b, s->cached);
    wh_buf_cstr(b, "},\"completion_tokens_details\":{\"reasoning_tokens\":");
    wh_buf_u64(b, s->reasoning);
    wh_buf_cstr(b, "}}");
}

/* What a limit leaves when the request is settled. */
static struct gateway_left left_of(const struct gateway_stream *s)
{
    struct gateway_left left = gateway_key_left(s->g->keys, s->key);
    uint64_t used = s->prompt_tokens + s->completion_tokens;
    if (s->reserved > used) {
        left.tokens += s->reserved - used;
    }
    if (left.tokens > s->key->caps.minute_tokens) {
        left.tokens = s->key->caps.minute_tokens;
    }
    return left;
}

static void end_face(struct gateway_stream *s, const struct gateway_fault *f)
{
    gateway_stream_count(s);
    bool ended = f == NULL && s->face_finish != GATEWAY_UNFINISHED;
    struct gateway_told told = {
        .request = s->id,
        .finish = ended ? gateway_finish_word(s->face_finish) : "",
        .fault = f,
        .cut = s->is_cut ? s->cut.code : "",
        .why = s->is_cut ? s->cut.message : WH_S(""),
        .url = s->is_cut ? s->cut.url : WH_S(""),
        .prompt_tokens = s->prompt_tokens,
        .completion_tokens = s->completion_tokens,
        .caps = s->key->caps,
        .left = left_of(s)};
    s->face->end(s->face_ctx, &told, &s->lane->out);
}

void gateway_tell_done(struct gateway_stream *s)
{
    struct wh_buf *b = &s->lane->out;
    if (s->face != NULL) {
        end_face(s, NULL);
        return;
    }
    if (s->include_usage) {
        begin_event(s);
        wh_buf_cstr(b, "],\"usage\":");
        put_usage(s);
        wh_buf_cstr(b, "}\n\n");
    }
    wh_buf_cstr(b, "data: [DONE]\n\n");
}

void gateway_tell_error(struct gateway_stream *s, const struct gateway_fault *f)
{
    if (s->face != NULL) {
        end_face(s, f);
        return;
    }
    wh_buf_cstr(&s->lane->out, "data: ");
    gateway_fault_write(f, &s->lane->out);
    wh_buf_cstr(&s->lane->out, "\n\n");
}

/* --- whole answers -------------------------------------------------------- */

static void put_name(struct wh_buf *b, const char *name)
{
    wh_buf_char(b, '"');
    wh_buf_cstr(b, name);
    wh_buf_cstr(b, "\":");
}

/* The text of a field of a choice, let go, or null if there is none. *cut is
 * set when the filter wants the end of it. */
static void put_field(struct gateway_stream *s, const struct gateway_heard *h,
                      const char *name, unsigned choice,
                      enum gateway_field field, bool always, bool *cut)
{
    struct wh_buf *b = &s->lane->out;
    for (size_t i = 0; i < h->n_texts; i++) {
        const struct gateway_text *t = &h->texts[i];
        if (t->choice == choice && t->field == field && !*cut) {
            struct gateway_channel *c = channel(s, choice, field, 0);
            struct wh_str text = gateway_ear_text(s->lane->ear, t->from, t->n);
            s->bytes += text.n;
            *cut = c == NULL ? !closed(s, "too many texts")
                             : !pass(s, c, text, true);
            put_name(b, name);
            wh_buf_json(b, c == NULL ? WH_S("") : wh_buf_str(&s->lane->text));
            wh_buf_char(b, ',');
            return;
        }
    }
    if (always) {
        put_name(b, name);
        wh_buf_cstr(b, s->endpoint == GATEWAY_TEXT ? "\"\"," : "null,");
    }
}

static const struct gateway_text *arguments_of(const struct gateway_heard *h,
                                               const struct gateway_text *name)
{
    for (size_t i = 0; i < h->n_texts; i++) {
        const struct gateway_text *t = &h->texts[i];
        if (t->choice == name->choice && t->call == name->call &&
            t->field == GATEWAY_TOOL_ARGUMENTS) {
            return t;
        }
    }
    return NULL;
}

/* One call of a tool; false: cut, nothing was written. */
static bool put_call(struct gateway_stream *s, const struct gateway_heard *h,
                     const struct gateway_text *name, bool first)
{
    struct wh_buf *b = &s->lane->out;
    const struct gateway_ear *ear = s->lane->ear;
    const struct gateway_text *args = arguments_of(h, name);
    size_t from = b->n;
    struct gateway_channel *c =
        channel(s, name->choice, GATEWAY_TOOL_NAME, name->call);
    if (c == NULL ||
        !pass(s, c, gateway_ear_text(ear, name->from, name->n), true)) {
        return c != NULL ? false : closed(s, "too many calls of tools");
    }
    wh_buf_cstr(b, first ? "\"tool_calls\":[{\"id\":" : ",{\"id\":");
    wh_buf_json(b, gateway_ear_text(ear, name->id_from, name->id_n));
    wh_buf_cstr(b, ",\"type\":\"function\",\"function\":{\"name\":");
    wh_buf_json(b, wh_buf_str(&s->lane->text));
    wh_buf_cstr(b, ",\"arguments\":");
    wh_buf_reset(&s->lane->text);
    if (args != NULL) {
        s->bytes += args->n;
        c = channel(s, name->choice, GATEWAY_TOOL_ARGUMENTS, name->call);
        if (c == NULL ||
            !pass(s, c, gateway_ear_text(ear, args->from, args->n), true)) {
            b->n = from;
            return c != NULL ? false : closed(s, "too many calls of tools");
        }
    }
    wh_buf_json(b, wh_buf_str(&s->lane->text));
    wh_buf_cstr(b, "}}");
    return true;
}

static void put_calls(struct gateway_stream *s, const struct gateway_heard *h,
                      unsigned choice, bool *cut)
{
    bool first = true;
    for (size_t i = 0; i < h->n_texts && !*cut; i++) {
        const struct gateway_text *t = &h->texts[i];
        if (t->choice == choice && t->field == GATEWAY_TOOL_NAME) {
            *cut = !put_call(s, h, t, first);
            first = first && *cut;
        }
    }
    if (!first) {
        wh_buf_cstr(&s->lane->out, "],");
    }
}

static void put_whole_choice(struct gateway_stream *s,
                             const struct gateway_heard *h,
                             const struct gateway_choice *c, bool *cut)
{
    struct wh_buf *b = &s->lane->out;
    bool chat = s->endpoint == GATEWAY_CHAT;
    wh_buf_cstr(b, "{\"index\":");
    wh_buf_u64(b, c->index);
    wh_buf_char(b, ',');
    if (chat) {
        wh_buf_cstr(b, "\"message\":{\"role\":\"assistant\",");
    }
    put_field(s, h, chat ? "content" : "text", c->index, GATEWAY_CONTENT, true,
              cut);
    if (chat) {
        put_field(s, h, "reasoning_content", c->index, GATEWAY_REASONING, false,
                  cut);
        put_calls(s, h, c->index, cut);
        put_field(s, h, "refusal", c->index, GATEWAY_REFUSED, true, cut);
        b->n--; /* the comma */
        wh_buf_cstr(b, "},");
    }
    wh_buf_cstr(b, "\"logprobs\":");
    wh_buf_add(
        b, c->logprobs_n > 0 && !*cut
               ? gateway_ear_text(s->lane->ear, c->logprobs_from, c->logprobs_n)
               : WH_S("null"));
    put_finish(s, *cut                              ? GATEWAY_FILTERED
                  : c->finish == GATEWAY_UNFINISHED ? GATEWAY_STOP
                                                    : c->finish);
}

bool gateway_tell_whole(struct gateway_stream *s, const struct gateway_heard *h)
{
    bool cut = false;
    note_usage(s, h);
    put_head(s);
    for (size_t i = 0; i < h->n_choices; i++) {
        if (i > 0) {
            wh_buf_char(&s->lane->out, ',');
        }
        put_whole_choice(s, h, &h->choices[i], &cut);
    }
    wh_buf_cstr(&s->lane->out, "],\"usage\":");
    put_usage(s);
    wh_buf_char(&s->lane->out, '}');
    return !s->is_cut;
}
