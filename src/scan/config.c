/*
 * config.c - one walk over the tokens, remembering the key that leads to each
 * value. Most keys are looked at wherever they stand, because loaders read
 * nested configurations too; sizes only at the top or inside text_config.
 */
#include "scan/config.h"

#include "base/json_pull.h"
#include "scan/template.h"

#define STRING_MAX (1u << 20)
#define KEYS_MAX (1u << 20)

struct walk {
    struct scan_ctx *c;
    struct scan_config *out;
    struct wh_pull j;
    bool report;
    /* Depth at which text_config or quantization_config, or a vocabulary, was
     * opened; 0: not inside one. */
    unsigned text_config, quant, vocab;
};

/* Keys that stand for one number of the architecture. */
struct size_key {
    const char *key;
    size_t at; /* offset of the field in struct scan_arch */
};

#define FIELD(f) offsetof(struct scan_arch, f)

static const struct size_key size_keys[] = {
    {"num_hidden_layers", FIELD(layers)},
    {"n_layer", FIELD(layers)},
    {"num_layers", FIELD(layers)},
    {"hidden_size", FIELD(width)},
    {"n_embd", FIELD(width)},
    {"d_model", FIELD(width)},
    {"vocab_size", FIELD(vocab)},
    {"num_attention_heads", FIELD(heads)},
    {"n_head", FIELD(heads)},
    {"num_key_value_heads", FIELD(kv_heads)},
    {"intermediate_size", FIELD(feed_forward)},
    {"max_position_embeddings", FIELD(context)},
    {"num_local_experts", FIELD(experts)},
    {"num_experts", FIELD(experts)},
    {"n_routed_experts", FIELD(experts)},
    {"num_experts_per_tok", FIELD(experts_used)},
};

static bool sizes_count_here(const struct walk *k)
{
    return k->j.depth == 1 || (k->text_config && k->j.depth == k->text_config);
}

static void keep_size(struct walk *k, struct wh_str key)
{
    if (k->quant && wh_str_is(key, "bits") && k->j.integer <= 64) {
        k->out->quant_bits = (unsigned)k->j.integer;
    }
    if (!sizes_count_here(k)) {
        return;
    }
    for (size_t i = 0; i < sizeof size_keys / sizeof size_keys[0]; i++) {
        uint64_t *f =
            (uint64_t *)(void *)((char *)&k->out->arch + size_keys[i].at);
        if (*f == 0 && wh_str_is(key, size_keys[i].key)) {
            *f = k->j.integer;
        }
    }
}

static void names_code(struct walk *k, struct wh_str key, uint64_t at)
{
    if (k->report) {
        scan_findings_add(&k->c->r->findings, SCAN_F_CODE_AUTO_MAP, at,
                          "the key %s names code or another repository",
                          scan_quote(k->c->a, key));
    }
}

/* Attention implementations that the libraries bring themselves; any other
 * value can name a repository to fetch a kernel from. */
static bool built_in_attention(struct wh_str v)
{
    static const char *const known[] = {"eager", "sdpa", "flash_attention_2",
                                        "flash_attention_3", "flex_attention"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (wh_str_is(v, known[i])) {
            return true;
        }
    }
    return false;
}

static bool is_template_key(struct wh_str key)
{
    return wh_str_is(key, "chat_template") || wh_str_is(key, "template");
}

static void judge_string(struct walk *k, struct wh_str key, uint64_t at)
{
    struct wh_str v = wh_pull_text(&k->j);
    if (wh_str_starts(key, WH_S("_attn_implementation")) &&
        !built_in_attention(v)) {
        names_code(k, key, at);
    } else if (wh_str_is(key, "model_type") && sizes_count_here(k) &&
               k->out->arch.family.n == 0 && scan_is_word(v)) {
        k->out->arch.family = wh_arena_dup(k->c->a, v);
    } else if (is_template_key(key) && k->report) {
        scan_template_check(k->c, key, v, at);
    }
}

static void judge_value(struct walk *k, enum wh_pull_token t, struct wh_str key,
                        uint64_t at)
{
    bool absent = t == WH_PULL_NULL || t == WH_PULL_FALSE;
    if ((wh_str_is(key, "auto_map") || wh_str_is(key, "trust_remote_code") ||
         wh_str_is(key, "model_file")) &&
        !absent) {
        names_code(k, key, at);
    }
    if (t == WH_PULL_STRING) {
        judge_string(k, key, at);
    } else if (t == WH_PULL_INT) {
        keep_size(k, key);
    } else if (t == WH_PULL_OBJECT) {
        if (wh_str_is(key, "text_config")) {
            k->text_config = k->j.depth;
        } else if (wh_str_is(key, "quantization_config") ||
                   wh_str_is(key, "quantization")) {
            k->quant = k->j.depth;
        } else if (wh_str_is(key, "vocab")) {
            k->vocab = k->j.depth;
        }
    }
}

static void left_object(struct walk *k)
{
    unsigned closed = k->j.depth + 1;
    k->text_config = k->text_config == closed ? 0 : k->text_config;
    k->quant = k->quant == closed ? 0 : k->quant;
    k->vocab = k->vocab == closed ? 0 : k->vocab;
}

/* All tokens up to the end of the text. */
static bool walk(struct walk *k)
{
    char text[SCAN_NAME_MAX];
    struct wh_str key = {0};
    enum wh_pull_token t;
    for (;;) {
        if (!wh_pull_next(&k->j, &t)) {
            return false;
        }
        if (t == WH_PULL_END) {
            return true;
        }
        if (t == WH_PULL_KEY) {
            struct wh_str s = wh_str_sub(wh_pull_text(&k->j), 0, sizeof text);
            if (k->vocab && k->j.depth == k->vocab) {
                scan_alphabet_add(&k->out->alphabet, s);
            }
            if (s.n > 0) { /* an empty key has no bytes to copy */
                memcpy(text, s.p, s.n);
            }
            key = wh_str_mem(text, s.n);
            continue;
        }
        if (t == WH_PULL_OBJECT_END) {
            left_object(k);
        } else if (t != WH_PULL_ARRAY_END) {
            judge_value(k, t, key, k->j.at);
        }
        if (k->j.depth > 0 && !k->j.array[k->j.depth - 1]) {
            key.n = 0; /* the next value in an object has its own key */
        }
    }
}

/* Nothing but blanks may follow the value. */
static bool only_blanks(struct wh_win *w)
{
    while (wh_win_fill(w)) {
        if (!strchr(" \t\r\n", w->buf[w->at]) || w->buf[w->at] == 0) {
            return false;
        }
        w->at++;
    }
    return !w->failed;
}

bool scan_config_read(struct scan_ctx *c, const struct wh_src *src, bool report,
                      struct scan_config *out, struct wh_err *err)
{
    static const struct wh_pull_limits limits = {
        .depth = WH_PULL_DEPTH, .keys = KEYS_MAX, .string = STRING_MAX};
    struct wh_win w;
    *out = (struct scan_config){0};
    struct wh_err json_err = {0};
    struct walk k = {.c = c, .out = out, .report = report};
    wh_win_init(&w, src, 0, src->size, &json_err);
    wh_pull_init(&k.j, &w, &limits, &json_err);
    out->json = walk(&k) && only_blanks(&w);
    bool failed = w.failed;
    wh_pull_done(&k.j);
    wh_win_done(&w);
    if (failed) {
        *err = json_err;
    }
    return !failed;
}
