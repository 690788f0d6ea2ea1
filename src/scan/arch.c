/*
 * arch.c - tables of name patterns, and a few shapes: the embedding gives
 * vocabulary and width, the largest index behind a layer word the number of
 * layers.
 */
#include "scan/arch.h"

/* A family is known by two pieces of names (the second may be empty). First
 * match wins, so the special ones stand before the general ones. */
struct family {
    const char *a, *b;
    const char *name;
};

static const struct family families[] = {
    {"evoformer", "", "evoformer"},
    {"structure_module", "", "esmfold"},
    {"esm.encoder", "", "esm"},
    {"esm.embeddings", "", "esm"},
    {"mixer.filter_fn", "", "hyenadna"},
    {"filter.short_filter", "", "evo"},
    {"decoder_layers.0.W", "W_s.weight", "proteinmpnn"},
    {"lora_A", "", "lora"},
    {"lora_down", "", "lora"},
    {"unet.", "", "unet"},
    {"down_blocks.", "up_blocks.", "unet"},
    {"double_blocks.", "single_blocks.", "flux"},
    {"encoder.conv1.weight", "decoder.layers.", "whisper"},
    {"text_model.", "vision_model.", "clip"},
    {"block_sparse_moe", "", "mixtral"},
    {"kv_a_proj_with_mqa", "", "deepseek"},
    {"self_attn.q_norm", "", "qwen3"},
    {"self_attn.qkv_proj", "", "phi3"},
    {"self_attn.q_proj", "layers.", "llama"},
    {"mixer.in_proj", "", "mamba"},
    {"attn.c_attn", "", "gpt2"},
    {"gpt_neox.layers.", "", "gpt_neox"},
    {"self_attention.query_key_value", "", "bloom"},
    {"attention.self.query", "layer.", "bert"},
    {"attention.q_lin", "", "distilbert"},
    {"SelfAttention.q", "block.", "t5"},
    {"patch_embed", "", "vit"},
    {"layer4.", "conv1.weight", "resnet"},
};
#define NAMES_LOOKED_AT 20000u
#define FAMILIES (sizeof families / sizeof families[0])

static const char *const biological[] = {
    "esm",           "esmfold",      "evoformer", "alphafold",   "openfold",
    "hyenadna",      "evo",          "evo2",      "proteinmpnn", "prot_bert",
    "nucleotide",    "dnabert",      "caduceus",  "progen",      "protgpt2",
    "ankh",          "rita",         "boltz",     "rfdiffusion", "genslm",
    "striped_hyena", "stripedhyena", "gena",      "megadna",     "xtrimopglm"};

static const char *const exploit_words[] = {
    "exploit", "malware", "shellcode", "ransomware", "0day", "zeroday"};

static const char *const embeddings[] = {
    "embed_tokens.weight",   "word_embeddings.weight", "wte.weight",
    "tok_embeddings.weight", "token_embd.weight",      "embed_in.weight",
    "shared.weight",         "embeddings.weight",      "embedding.weight"};

static const char *const layer_words[] = {"layers", "layer",  "h",
                                          "blk",    "blocks", "block"};

static bool contains(struct wh_str s, const char *needle)
{
    return !*needle || wh_str_find_str(s, wh_str_of(needle)) != SIZE_MAX;
}

static bool contains_any_case(struct wh_str s, const char *needle)
{
    struct wh_str n = wh_str_of(needle);
    for (size_t i = 0; i + n.n <= s.n; i++) {
        if (wh_str_ieq(wh_str_sub(s, i, n.n), n)) {
            return true;
        }
    }
    return false;
}

bool scan_arch_biological(struct wh_str family)
{
    for (size_t i = 0; i < sizeof biological / sizeof biological[0]; i++) {
        if (wh_str_ieq(family, wh_str_of(biological[i]))) {
            return true;
        }
    }
    return contains_any_case(family, "protein") ||
           contains_any_case(family, "nucleotide") ||
           contains_any_case(family, "alphafold") ||
           contains_any_case(family, "dnabert") ||
           contains_any_case(family, "prot_bert");
}

bool scan_arch_exploit(struct wh_str name)
{
    for (size_t i = 0; i < sizeof exploit_words / sizeof exploit_words[0];
         i++) {
        if (contains_any_case(name, exploit_words[i])) {
            return true;
        }
    }
    return false;
}

/* Which patterns occur in any name: bit i of *a and *b for family i. */
static void match_names(const struct scan_tensors *t, uint64_t *a, uint64_t *b)
{
    *a = *b = 0;
    for (size_t i = 0; i < t->n && i < NAMES_LOOKED_AT; i++) {
        struct wh_str name = scan_tensor_name(t, &t->list[i]);
        for (size_t f = 0; f < FAMILIES; f++) {
            uint64_t bit = (uint64_t)1 << f;
            if (!(*a & bit) && contains(name, families[f].a)) {
                *a |= bit;
            }
            if (!(*b & bit) && contains(name, families[f].b)) {
                *b |= bit;
            }
        }
    }
}

static struct wh_str family_of(const struct scan_tensors *t)
{
    uint64_t a, b;
    _Static_assert(FAMILIES <= 64, "one bit per family");
    match_names(t, &a, &b);
    for (size_t f = 0; f < FAMILIES; f++) {
        if ((a & b) >> f & 1) {
            return wh_str_of(families[f].name);
        }
    }
    return WH_S("");
}

/* The index behind a layer word: "model.layers.11.mlp" gives 11. */
static bool layer_index(struct wh_str name, uint64_t *out)
{
    struct wh_str part, number;
    while (wh_str_cut(&name, '.', &part)) {
        for (size_t i = 0; i < sizeof layer_words / sizeof layer_words[0];
             i++) {
            struct wh_str rest = name;
            if (wh_str_is(part, layer_words[i]) &&
                wh_str_cut(&rest, '.', &number) && wh_str_u64(number, out)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_embedding(const struct scan_tensors *t,
                         const struct scan_tensor *x)
{
    struct wh_str name = scan_tensor_name(t, x);
    for (size_t i = 0; i < sizeof embeddings / sizeof embeddings[0]; i++) {
        if (x->rank == 2 && wh_str_ends(name, wh_str_of(embeddings[i])) &&
            !contains(name, "position") && !contains(name, "token_type")) {
            return true;
        }
    }
    return false;
}

/* Layers, width and vocabulary as the shapes tell them. */
static void measure(const struct scan_tensors *t, struct scan_arch *out)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct scan_tensor *x = &t->list[i];
        uint64_t n;
        if (layer_index(scan_tensor_name(t, x), &n) && n < SCAN_TENSORS_MAX &&
            n + 1 > out->layers) {
            out->layers = n + 1;
        }
        /* The largest embedding is that of the tokens. */
        if (is_embedding(t, x) && x->dims[0] > out->vocab) {
            out->vocab = x->dims[0];
            out->width = x->dims[1];
        }
    }
}

static void take(uint64_t *mine, uint64_t theirs)
{
    if (*mine == 0) {
        *mine = theirs;
    }
}

static void contradict(struct scan_ctx *c, const char *what, uint64_t tensors,
                       uint64_t words)
{
    if (tensors && words && tensors != words) {
        scan_findings_add(&c->r->findings, SCAN_F_CONFIG_CONTRADICTION, 0,
                          "the tensors have %s %llu, the configuration says "
                          "%llu",
                          what, (unsigned long long)tensors,
                          (unsigned long long)words);
    }
}

/* Take from `said` what the tensors did not tell. */
static void merge(struct scan_arch *a, const struct scan_arch *said)
{
    if (said->family.n > 0) {
        a->family = said->family;
    }
    take(&a->layers, said->layers);
    take(&a->width, said->width);
    take(&a->vocab, said->vocab);
    take(&a->heads, said->heads);
    take(&a->kv_heads, said->kv_heads);
    take(&a->feed_forward, said->feed_forward);
    take(&a->context, said->context);
    take(&a->experts, said->experts);
    take(&a->experts_used, said->experts_used);
}

void scan_arch_tensors(struct scan_ctx *c, const struct scan_tensors *t,
                       const struct scan_config *config)
{
    struct scan_arch *a = &c->r->arch;
    a->family = family_of(t);
    measure(t, a);
    if (config && config->json) {
        contradict(c, "width", a->width, config->arch.width);
        /* A file may hold one shard of the layers, never more than all. */
        if (a->layers > config->arch.layers) {
            contradict(c, "layers", a->layers, config->arch.layers);
        }
        merge(a, &config->arch);
    }
}

void scan_arch_gguf(struct scan_ctx *c, const struct scan_tensors *t,
                    const struct scan_gguf *g)
{
    struct scan_arch *a = &c->r->arch;
    struct scan_arch said = {
        .family = g->architecture,
        .layers = scan_gguf_number(g, "block_count"),
        .width = scan_gguf_number(g, "embedding_length"),
        .vocab = g->vocab,
        .heads = scan_gguf_number(g, "attention.head_count"),
        .kv_heads = scan_gguf_number(g, "attention.head_count_kv"),
        .feed_forward = scan_gguf_number(g, "feed_forward_length"),
        .context = scan_gguf_number(g, "context_length"),
        .experts = scan_gguf_number(g, "expert_count"),
        .experts_used = scan_gguf_number(g, "expert_used_count"),
    };
    a->family = family_of(t);
    measure(t, a);
    contradict(c, "width", a->width, said.width);
    if (a->layers > said.layers) {
        contradict(c, "layers", a->layers, said.layers);
    }
    merge(a, &said);
}
