/*
 * Fills a database with a population of repos like that of a large hub, for
 * measuring lists and search: 350,000 models, 75,000 datasets, 150,000 spaces,
 * 60,000 accounts, 200,000 tags by a power law, cards of about 0.9 KB.
 *
 * usage: repo_population FILE [PERCENT]
 *
 * PERCENT scales the counts. The same arguments give the same population, but
 * for public ids and times of registration.
 */
#include "base/buf.h"
#include "base/time.h"
#include "store/repo.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MODELS 350000
#define DATASETS 75000
#define SPACES 150000
#define ACCOUNTS 60000
#define TAGS 200000
#define TAGS_EACH 8
#define BATCH 500
#define DAY_US 86400000000LL

static const char *const stems[] = {
    "bert",     "roberta",   "gpt2",      "llama",  "Llama-3", "mistral",
    "Qwen2.5",  "gemma",     "phi",       "t5",     "whisper", "wav2vec2",
    "clip",     "vit",       "resnet",    "sdxl",   "flux",    "lora",
    "falcon",   "mpt",       "bloom",     "opt",    "pythia",  "olmo",
    "deepseek", "yolo",      "segformer", "marian", "minilm",  "e5",
    "bge",      "distilbert"};
static const char *const middles[] = {
    "base",    "large", "small",  "tiny", "7b",   "13b",
    "70b",     "1.5b",  "0.5B",   "8B",   "mini", "multilingual",
    "uncased", "cased", "medium", "xl",   "v2",   "v3",
    "en",      "zh",    "legal",  "med"};
static const char *const ends[] = {
    "finetuned", "instruct", "chat",   "gguf",    "GPTQ", "AWQ",       "lora",
    "sft",       "dpo",      "merged", "ner",     "qa",   "sentiment", "squad",
    "imdb",      "test",     "demo",   "emotion", "asr",  "4bit"};
#define N(a) (sizeof(a) / sizeof *(a))

struct population {
    uint64_t seed;
    struct store_account *accounts;
    unsigned n_accounts, n_tags;
    /* the batch at work */
    enum store_kind kind;
    unsigned first, count;
};

static double unit(struct population *p)
{
    p->seed = p->seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (double)(p->seed >> 11) / 9007199254740992.0;
}

static unsigned below(struct population *p, size_t n)
{
    return (unsigned)(unit(p) * (double)n);
}

/* 0..n-1 with a frequency of about 1/(rank+1). */
static unsigned zipf(struct population *p, unsigned n)
{
    unsigned r = (unsigned)(exp(unit(p) * log((double)n)) - 1.0);
    return r < n ? r : n - 1;
}

static void die(const struct wh_err *err)
{
    fprintf(stderr, "repo_population: %s (%s)\n", err->msg, err->detail);
    _exit(4);
}

static bool add_accounts(struct db *db, void *ctx, struct wh_err *err)
{
    struct population *p = ctx;
    for (unsigned i = p->first; i < p->first + p->count; i++) {
        char name[STORE_ACCOUNT_NAME_MAX + 1];
        snprintf(name, sizeof name, "%s-%s%u", stems[i % N(stems)],
                 i % 3 ? "lab" : "user", i);
        struct store_account_new in = {.name = wh_str_of(name)};
        if (!store_account_create(db, &in, &p->accounts[i], err)) {
            return false;
        }
    }
    return true;
}

/* Tags, and the JSON of them; returns how many. */
static size_t make_tags(struct population *p, struct wh_buf *json,
                        char names[][32], struct wh_str *tags)
{
    size_t n = 2 + below(p, 2 * TAGS_EACH - 3);
    wh_buf_char(json, '[');
    for (size_t i = 0; i < n; i++) {
        snprintf(names[i], 32, "tag-%u", zipf(p, p->n_tags));
        tags[i] = wh_str_of(names[i]);
        wh_buf_fmt(json, "%s\"%s\"", i ? "," : "", names[i]);
    }
    wh_buf_char(json, ']');
    return n;
}

static void make_card(struct population *p, struct wh_buf *card)
{
    wh_buf_cstr(card, "{\"license\":\"apache-2.0\",\"model-index\":\"");
    for (int i = 0; i < 100; i++) {
        wh_buf_fmt(card, "%s ", middles[below(p, N(middles))]);
    }
    wh_buf_cstr(card, "\"}");
}

static bool add_head(struct population *p, struct db *db, int64_t id,
                     int64_t now, struct wh_err *err)
{
    char names[2 * TAGS_EACH][32];
    struct wh_str tags[2 * TAGS_EACH];
    struct wh_buf json, card;
    wh_buf_init(&json, 4096);
    wh_buf_init(&card, 4096);
    size_t n = make_tags(p, &json, names, tags);
    make_card(p, &card);
    struct store_repo_head head = {
        .sha = WH_S("0123456789abcdef0123456789abcdef01234567"),
        .tags = wh_buf_str(&json),
        .pipeline_tag = WH_S("text-generation"),
        .library = WH_S("transformers"),
        .state = STORE_REPO_DECIDED,
        .card = wh_buf_str(&card),
        .used = 1000000};
    bool ok = store_repo_head_set(db, id, &head, tags, n, now, err);
    wh_buf_done(&json);
    wh_buf_done(&card);
    return ok;
}

static bool add_repo(struct population *p, struct db *db, unsigned i,
                     struct wh_err *err)
{
    char name[STORE_REPO_NAME_MAX + 1];
    int64_t id = 0;
    snprintf(name, sizeof name, "%s-%s-%s-%u", stems[zipf(p, N(stems))],
             middles[below(p, N(middles))], ends[below(p, N(ends))], i);
    struct store_repo_new in = {.kind = p->kind,
                                .ns = &p->accounts[zipf(p, p->n_accounts)],
                                .name = wh_str_of(name),
                                .is_private = below(p, 20) == 0};
    int64_t now = 1600000000000000LL + (int64_t)(unit(p) * 2000.0) * DAY_US +
                  below(p, 1000000);
    /* Most repos are hardly ever fetched, a few are fetched by everyone. */
    int64_t downloads = (int64_t)pow(10.0, 8.0 * pow(unit(p), 6.0)) - 1;
    return store_repo_create(db, &in, &id, err) &&
           add_head(p, db, id, now, err) &&
           store_repo_downloads_add(db, id, downloads, err) &&
           store_repo_likes_add(db, id, downloads / 1000, err);
}

static bool add_repos(struct db *db, void *ctx, struct wh_err *err)
{
    struct population *p = ctx;
    for (unsigned i = p->first; i < p->first + p->count; i++) {
        if (!add_repo(p, db, i, err)) {
            return false;
        }
    }
    return true;
}

static void batches(struct population *p, struct db *db, db_fn *fn,
                    unsigned total, const char *what)
{
    struct wh_err err = {0};
    int64_t start = wh_mono_us();
    for (p->first = 0; p->first < total; p->first += BATCH) {
        p->count = total - p->first < BATCH ? total - p->first : BATCH;
        if (!db_tx(db, fn, p, &err)) {
            die(&err);
        }
        if (p->first % 50000 == 0) {
            fprintf(stderr, "%s %u of %u\n", what, p->first, total);
        }
    }
    fprintf(stderr, "%s: %u in %.1f s\n", what, total,
            (double)(wh_mono_us() - start) / 1e6);
}

int main(int argc, char **argv)
{
    static const unsigned counts[] = {[STORE_MODEL] = MODELS,
                                      [STORE_DATASET] = DATASETS,
                                      [STORE_SPACE] = SPACES};
    uint64_t percent = 100;
    if (argc < 2 || argc > 3 ||
        (argc == 3 &&
         (!wh_str_u64(wh_str_of(argv[2]), &percent) || percent > 100))) {
        fprintf(stderr, "usage: repo_population FILE [PERCENT]\n");
        return 2;
    }
    struct wh_err err = {0};
    struct db *db = db_open(argv[1], false, &err);
    if (!db || !db_migrate(db, &err)) {
        die(&err);
    }
    struct wh_arena a;
    unsigned scale = (unsigned)percent;
    struct population p = {.seed = 7};
    p.n_accounts = ACCOUNTS * scale / 100 + 1;
    p.n_tags = TAGS * scale / 100 + 1;
    wh_arena_init(&a, (p.n_accounts + 1) * sizeof *p.accounts);
    p.accounts = wh_arena_array(&a, p.n_accounts, sizeof *p.accounts);
    batches(&p, db, add_accounts, p.n_accounts, "accounts");
    for (int k = STORE_MODEL; k <= STORE_SPACE; k++) {
        p.kind = (enum store_kind)k;
        batches(&p, db, add_repos, counts[k] * scale / 100,
                store_kind_plural(p.kind));
    }
    wh_arena_done(&a);
    db_close(&db);
    return 0;
}
