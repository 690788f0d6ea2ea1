/*
 * index.c - the map is read into pairs (shard, name); each shard's names are
 * then sorted and digested as its own report did. Equal digests mean equal
 * sets, so no list of names has to travel between processes.
 */
#include "scan/index.h"

#include "base/json_pull.h"
#include "base/mem.h"
#include "scan/tensor.h"

#include <stdlib.h>

#define DEPTH 16

/* One entry of weight_map; texts stand in the pool. */
struct pair {
    uint32_t shard;
    uint32_t name_len;
    uint64_t name_at;
};

struct parse {
    const struct scan_index_shard *shards;
    size_t nshards;
    struct scan_findings *out;
    struct wh_pull j;
    struct pair *pairs;
    size_t npairs, cap;
    struct wh_buf names;
    bool has_total, broken;
    uint64_t total;
};

#define MISMATCH(p, at, ...) \
    scan_findings_add((p)->out, SCAN_F_INDEX_MISMATCH, (at), __VA_ARGS__)

static struct wh_str name_of(const struct parse *p, const struct pair *x)
{
    return wh_str_sub(wh_buf_str(&p->names), (size_t)x->name_at, x->name_len);
}

/* Index of a shard by its file name; nshards if there is none. */
static size_t shard_of(const struct parse *p, struct wh_str file)
{
    for (size_t i = 0; i < p->nshards; i++) {
        if (wh_str_eq(p->shards[i].file, file)) {
            return i;
        }
    }
    return p->nshards;
}

static struct pair *add_pair(struct parse *p)
{
    if (p->npairs == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 256;
        p->pairs = wh_realloc(p->pairs, p->cap * sizeof *p->pairs);
    }
    return &p->pairs[p->npairs++];
}

/* One line of weight_map; the key is the current token. */
static bool read_pair(struct parse *p)
{
    struct wh_str name = wh_pull_text(&p->j);
    struct pair x = {.name_at = p->names.n, .name_len = (uint32_t)name.n};
    wh_buf_add(&p->names, name);
    if (!wh_pull_want(&p->j, WH_PULL_STRING, "a file name")) {
        return false;
    }
    struct wh_str file = wh_pull_text(&p->j);
    size_t shard = shard_of(p, file);
    if (shard == p->nshards) {
        if (!p->broken) {
            bool bare = wh_str_find(file, '/') == SIZE_MAX &&
                        wh_str_find(file, '\\') == SIZE_MAX;
            MISMATCH(p, p->j.at, "the index names %s, which %s",
                     scan_quote(p->out->a, file),
                     bare ? "is not there" : "is no bare file name");
        }
        p->broken = true;
        return true;
    }
    x.shard = (uint32_t)shard;
    *add_pair(p) = x;
    return true;
}

static bool read_map(struct parse *p)
{
    enum wh_pull_token t;
    if (!wh_pull_want(&p->j, WH_PULL_OBJECT, "an object")) {
        return false;
    }
    for (;;) {
        if (!wh_pull_next(&p->j, &t)) {
            return false;
        }
        if (t == WH_PULL_OBJECT_END) {
            return true;
        }
        if (!read_pair(p)) {
            return false;
        }
    }
}

static bool read_metadata(struct parse *p)
{
    enum wh_pull_token t;
    if (!wh_pull_want(&p->j, WH_PULL_OBJECT, "an object")) {
        return false;
    }
    for (;;) {
        if (!wh_pull_next(&p->j, &t)) {
            return false;
        }
        if (t == WH_PULL_OBJECT_END) {
            return true;
        }
        bool total = wh_str_is(wh_pull_text(&p->j), "total_size");
        if (!wh_pull_next(&p->j, &t) || !wh_pull_skip(&p->j, t)) {
            return false;
        }
        if (total && t == WH_PULL_INT) {
            p->has_total = true;
            p->total = p->j.integer;
        }
    }
}

static bool read_index(struct parse *p, bool *has_map)
{
    enum wh_pull_token t;
    if (!wh_pull_want(&p->j, WH_PULL_OBJECT, "an object")) {
        return false;
    }
    for (;;) {
        if (!wh_pull_next(&p->j, &t)) {
            return false;
        }
        if (t == WH_PULL_OBJECT_END) {
            return true;
        }
        struct wh_str key = wh_pull_text(&p->j);
        bool ok;
        if (wh_str_is(key, "weight_map")) {
            *has_map = true;
            ok = read_map(p);
        } else if (wh_str_is(key, "metadata")) {
            ok = read_metadata(p);
        } else {
            ok = wh_pull_next(&p->j, &t) && wh_pull_skip(&p->j, t);
        }
        if (!ok) {
            return false;
        }
    }
}

static int by_shard_and_name(const void *a, const void *b, void *ctx)
{
    const struct parse *p = ctx;
    const struct pair *x = a, *y = b;
    if (x->shard != y->shard) {
        return x->shard < y->shard ? -1 : 1;
    }
    return wh_str_cmp(name_of(p, x), name_of(p, y));
}

/* Names that the map gives to one shard, digested as in its report. */
static void digest(const struct parse *p, size_t *at, uint32_t shard,
                   uint8_t out[WH_SHA256_LEN])
{
    struct wh_sha256 h;
    wh_sha256_init(&h);
    for (; *at < p->npairs && p->pairs[*at].shard == shard; ++*at) {
        scan_names_add(&h, name_of(p, &p->pairs[*at]));
    }
    wh_sha256_get(&h, out);
    wh_sha256_done(&h);
}

static void compare(struct parse *p)
{
    uint64_t total = 0;
    size_t at = 0;
    if (p->npairs > 1) {
        qsort_r(p->pairs, p->npairs, sizeof *p->pairs, by_shard_and_name, p);
    }
    for (uint32_t i = 0; i < p->nshards; i++) {
        uint8_t names[WH_SHA256_LEN];
        digest(p, &at, i, names);
        if (memcmp(names, p->shards[i].names, sizeof names) != 0) {
            MISMATCH(p, 0,
                     "the tensors of %s are not those that the index "
                     "gives it",
                     scan_quote(p->out->a, p->shards[i].file));
        }
        if (!wh_add_u64(total, p->shards[i].tensor_bytes, &total)) {
            total = UINT64_MAX;
        }
    }
    if (p->has_total && p->total != total) {
        MISMATCH(p, 0, "the index says %llu bytes in all, the shards have %llu",
                 (unsigned long long)p->total, (unsigned long long)total);
    }
}

bool scan_index_check(const struct wh_src *index,
                      const struct scan_index_shard *shards, size_t n,
                      struct scan_findings *out, struct wh_err *err)
{
    static const struct wh_pull_limits limits = {
        .depth = DEPTH, .keys = SCAN_TENSORS_MAX, .string = SCAN_NAME_MAX};
    struct parse p = {.shards = shards, .nshards = n, .out = out};
    struct wh_err why = {0};
    struct wh_win w;
    bool has_map = false;
    if (index->size > SCAN_INDEX_BYTES_MAX || n > SCAN_INDEX_FILES_MAX) {
        MISMATCH(&p, 0, "the index is larger than this scanner reads");
        return true;
    }
    wh_buf_init(&p.names, SCAN_INDEX_BYTES_MAX);
    wh_win_init(&w, index, 0, index->size, &why);
    wh_pull_init(&p.j, &w, &limits, &why);
    bool ok = read_index(&p, &has_map), failed = w.failed;
    if (ok && has_map) {
        compare(&p);
    } else if (!failed) {
        MISMATCH(&p, p.j.at, "the index is malformed: %s",
                 ok ? "it has no weight_map" : why.msg);
    } else {
        *err = why;
    }
    wh_pull_done(&p.j);
    wh_win_done(&w);
    wh_buf_done(&p.names);
    wh_free(p.pairs);
    return !failed;
}
