/*
 * ask_said.c - what is said in a request: messages, prompts, descriptions of
 * tools. Every text that a template could show to the model is noted, also
 * under keys that nobody has heard of.
 */
#include "gateway/ask_impl.h"

#define PARTS_MAX 4096
#define TOOLS_MAX 128
#define PROMPTS_MAX 128

/* --- messages ------------------------------------------------------------- */

static const struct {
    const char *name;
    enum gateway_voice voice;
} roles[] = {
    {"user", GATEWAY_USER},     {"assistant", GATEWAY_ASSISTANT},
    {"system", GATEWAY_SYSTEM}, {"developer", GATEWAY_SYSTEM},
    {"tool", GATEWAY_TOOL},     {"function", GATEWAY_TOOL},
};

/* Note every string in a value, keys left out. */
static bool say_all(struct ask_reader *r, enum wh_pull_token t,
                    enum gateway_voice voice)
{
    unsigned outer = r->pull->depth;
    if (t == WH_PULL_STRING) {
        return ask_say(r, voice);
    }
    if (t != WH_PULL_OBJECT && t != WH_PULL_ARRAY) {
        return true;
    }
    /* Ends: every turn takes a token, or fails. */
    for (outer--; r->pull->depth > outer;) {
        if (!ask_next(r, &t)) {
            return false;
        }
        if (t == WH_PULL_STRING && !ask_say(r, voice)) {
            return false;
        }
    }
    return true;
}

/* {"url": "data:...", ...}: an engine fetches nothing for anybody. */
static bool read_image(struct ask_reader *r, enum wh_pull_token t)
{
    if (t != WH_PULL_OBJECT) {
        return ask_fail(r, GATEWAY_F_BAD_VALUE, "image_url must be an object");
    }
    for (;;) {
        if (!ask_next(r, &t)) {
            return false;
        }
        if (t == WH_PULL_OBJECT_END) {
            return true;
        }
        bool url = wh_str_is(ask_text(r), "url");
        if (!ask_next(r, &t)) {
            return false;
        }
        if (url && (t != WH_PULL_STRING ||
                    !wh_str_starts(ask_text(r), WH_S("data:")))) {
            return ask_fail(r, GATEWAY_F_UNSUPPORTED,
                            "image_url must be a data: URL; nothing is fetched "
                            "from elsewhere");
        }
        if (!ask_skip(r, t)) {
            return false;
        }
    }
}

/* One part of a content: text, refusal, image_url; others are not served. */
static bool read_part(struct ask_reader *r, enum wh_pull_token t)
{
    bool typed = false;
    if (t != WH_PULL_OBJECT) {
        return ask_fail(r, GATEWAY_F_BAD_VALUE,
                        "a part of a content must be an object");
    }
    for (;;) {
        if (!ask_next(r, &t)) {
            return false;
        }
        if (t == WH_PULL_OBJECT_END) {
            return typed || ask_fail(r, GATEWAY_F_MISSING,
                                     "a part of a content has no type");
        }
        bool type = wh_str_is(ask_text(r), "type"),
             image = wh_str_is(ask_text(r), "image_url");
        if (!ask_next(r, &t)) {
            return false;
        }
        if (type) {
            typed =
                t == WH_PULL_STRING && (wh_str_is(ask_text(r), "text") ||
                                        wh_str_is(ask_text(r), "refusal") ||
                                        wh_str_is(ask_text(r), "image_url"));
            if (!typed) {
                return ask_fail(r, GATEWAY_F_UNSUPPORTED,
                                "contents are text or image_url here");
            }
        } else if (image ? !read_image(r, t) : !say_all(r, t, GATEWAY_USER)) {
            return false;
        }
    }
}

static bool read_content(struct ask_reader *r, enum wh_pull_token t)
{
    if (t == WH_PULL_STRING) {
        return ask_say(r, GATEWAY_USER);
    }
    if (t == WH_PULL_NULL) {
        return true;
    }
    if (t != WH_PULL_ARRAY) {
        return ask_fail(r, GATEWAY_F_BAD_VALUE,
                        "content must be a string, an array of parts, or null");
    }
    for (unsigned n = 0;; n++) {
        if (!ask_next(r, &t)) {
            return false;
        }
        if (t == WH_PULL_ARRAY_END) {
            return true;
        }
        if (n == PARTS_MAX) {
            return ask_fail(r, GATEWAY_F_BAD_VALUE,
                            "a content has more than %d parts", PARTS_MAX);
        }
        if (!read_part(r, t)) {
            return false;
        }
    }
}

static bool read_role(struct ask_reader *r, enum wh_pull_token t,
                      enum gateway_voice *out)
{
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (t == WH_PULL_STRING && wh_str_is(ask_text(r), roles[i].name)) {
            *out = roles[i].voice;
            return true;
        }
    }
    return ask_fail(r, GATEWAY_F_BAD_VALUE,
                    "the role of message %zu must be developer, system, user, "
                    "assistant, tool or function",
                    r->ask->messages);
}

/* What was said before its speaker was known. */
static void settle_voice(struct ask_reader *r, size_t from,
                         enum gateway_voice voice)
{
    for (size_t i = from; i < r->ask->n_said; i++) {
        if (r->ask->said[i].voice != GATEWAY_TOOL_USE) {
            r->ask->said[i].voice = voice;
        }
    }
}

static bool read_message(struct ask_reader *r, enum wh_pull_token t)
{
    size_t from = r->ask->n_said;
    enum gateway_voice voice = GATEWAY_USER;
    bool has_role = false, has_words = false;
    if (t != WH_PULL_OBJECT) {
        return ask_fail(r, GATEWAY_F_BAD_VALUE, "message %zu is no object",
                        r->ask->messages);
    }
    for (;;) {
        if (!ask_next(r, &t)) {
            return false;
        }
        if (t == WH_PULL_OBJECT_END) {
            break;
        }
        struct wh_str key = ask_text(r);
        bool role = wh_str_is(key, "role"), content = wh_str_is(key, "content"),
             call = wh_str_is(key, "tool_calls") ||
                    wh_str_is(key, "function_call"),
             words = content || call || wh_str_is(key, "refusal");
        if (!ask_next(r, &t)) {
            return false;
        }
        has_words = has_words || (words && t != WH_PULL_NULL);
        bool ok = role ? read_role(r, t, &voice)
                  : content
                      ? read_content(r, t)
                      : say_all(r, t, call ? GATEWAY_TOOL_USE : GATEWAY_USER);
        if (!ok) {
            return false;
        }
        has_role = has_role || role;
    }
    if (!has_role) {
        return ask_fail(r, GATEWAY_F_MISSING, "message %zu has no role",
                        r->ask->messages);
    }
    if (!has_words) { /* engines differ in what they make of it */
        return ask_fail(r, GATEWAY_F_MISSING, "message %zu has no content",
                        r->ask->messages);
    }
    settle_voice(r, from, voice);
    r->ask->prefill = voice == GATEWAY_ASSISTANT;
    r->ask->messages++;
    return true;
}

bool ask_messages(struct ask_reader *r, enum wh_pull_token t)
{
    if (t != WH_PULL_ARRAY) {
        return ask_fail(r, GATEWAY_F_BAD_VALUE, "messages must be an array");
    }
    for (;;) {
        if (!ask_next(r, &t)) {
            return false;
        }
        if (t == WH_PULL_ARRAY_END) {
            break;
        }
        if (r->ask->messages == GATEWAY_MESSAGES_MAX) {
            return ask_fail(r, GATEWAY_F_BAD_VALUE,
                            "there are more than %u messages",
                            GATEWAY_MESSAGES_MAX);
        }
        if (!read_message(r, t)) {
            return false;
        }
    }
    return r->ask->messages > 0 ||
           ask_fail(r, GATEWAY_F_BAD_VALUE, "messages must not be empty");
}

/* --- tools ---------------------------------------------------------------- */

bool ask_tools(struct ask_reader *r, enum wh_pull_token t)
{
    unsigned n = 0;
    if (t != WH_PULL_ARRAY) {
        return ask_fail(r, GATEWAY_F_BAD_VALUE, "tools must be an array");
    }
    for (;; n++) {
        if (!ask_next(r, &t)) {
            return false;
        }
        if (t == WH_PULL_ARRAY_END) {
            break;
        }
        if (t != WH_PULL_OBJECT || n == TOOLS_MAX) {
            return ask_fail(r, GATEWAY_F_BAD_VALUE,
                            "tools must be at most %d objects", TOOLS_MAX);
        }
        if (!say_all(r, t, GATEWAY_SYSTEM)) {
            return false;
        }
    }
    r->ask->has_tools = n > 0;
    return true;
}

/* --- prompts of completions ----------------------------------------------- */

static bool bad_prompt(struct ask_reader *r)
{
    return ask_fail(r, GATEWAY_F_BAD_VALUE,
                    "prompt must be a string, an array of strings, an array of "
                    "token ids, or an array of such arrays; at most %d prompts",
                    PROMPTS_MAX);
}

/* The rest of an array of token ids, after `[`. */
static bool read_ids(struct ask_reader *r)
{
    enum wh_pull_token t;
    for (;;) {
        if (!ask_next(r, &t)) {
            return false;
        }
        if (t == WH_PULL_ARRAY_END) {
            return true;
        }
        if (t != WH_PULL_INT) {
            return bad_prompt(r);
        }
        r->ask->token_bound++;
    }
}

bool ask_prompt(struct ask_reader *r, enum wh_pull_token t)
{
    struct gateway_ask *ask = r->ask;
    unsigned strings = 0, arrays = 0;
    uint64_t ids = 0;
    if (t == WH_PULL_STRING) {
        return ask_say(r, GATEWAY_USER);
    }
    if (t != WH_PULL_ARRAY) {
        return bad_prompt(r);
    }
    for (;;) {
        if (!ask_next(r, &t)) {
            return false;
        }
        if (t == WH_PULL_ARRAY_END) {
            break;
        }
        if (t == WH_PULL_STRING) {
            ask->messages = strings++;
            (void)ask_say(r, GATEWAY_USER);
        } else if (t == WH_PULL_INT) {
            ids++;
        } else if (t != WH_PULL_ARRAY || !read_ids(r)) {
            return r->fault->code == GATEWAY_FINE ? bad_prompt(r) : false;
        } else {
            arrays++;
        }
        if (strings + arrays > PROMPTS_MAX ||
            (strings > 0) + (arrays > 0) + (ids > 0) > 1) {
            return bad_prompt(r);
        }
    }
    ask->tokens = strings == 0;
    ask->token_bound += ids;
    ask->prompts = strings + arrays > 0 ? strings + arrays : 1;
    ask->messages = ask->prompts;
    return strings + arrays + ids > 0 || bad_prompt(r);
}
