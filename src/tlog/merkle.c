/*
 * merkle.c - RFC 6962 trees without storage.
 *
 * A proof walks from the root to the leaf and notes the sibling at each turn,
 * so its hashes come out in reverse and are turned round at the end. Every
 * range on that walk starts at a multiple of the power of two that covers it,
 * which is what lets subtree() fold it from full subtrees.
 */
#include "tlog/merkle.h"
#include "base/sha256.h"

/* Entries up to this length are hashed in one call from the stack. */
#define SHORT_ENTRY 4096

bool tlog_hash_eq(const struct tlog_hash *a, const struct tlog_hash *b)
{
    return memcmp(a->b, b->b, TLOG_HASH) == 0;
}

void tlog_hash_leaf(struct wh_str entry, struct tlog_hash *out)
{
    if (entry.n <= SHORT_ENTRY) {
        uint8_t in[1 + SHORT_ENTRY];
        in[0] = 0;
        if (entry.n > 0) {
            memcpy(in + 1, entry.p, entry.n);
        }
        wh_sha256_of(wh_str_mem(in, 1 + entry.n), out->b);
        return;
    }
    struct wh_sha256 h;
    wh_sha256_init(&h);
    wh_sha256_add(&h, "", 1);
    wh_sha256_add(&h, entry.p, entry.n);
    wh_sha256_get(&h, out->b);
    wh_sha256_done(&h);
}

void tlog_hash_node(const struct tlog_hash *left, const struct tlog_hash *right,
                    struct tlog_hash *out)
{
    uint8_t in[1 + 2 * TLOG_HASH];
    in[0] = 1;
    memcpy(in + 1, left->b, TLOG_HASH);
    memcpy(in + 1 + TLOG_HASH, right->b, TLOG_HASH);
    wh_sha256_of(wh_str_mem(in, sizeof in), out->b);
}

void tlog_frontier_add(struct tlog_frontier *f, const struct tlog_hash *leaf)
{
    wh_assert(f->size < TLOG_SIZE_MAX);
    struct tlog_hash h = *leaf;
    unsigned level = 0;
    for (; (f->size >> level & 1) != 0; level++) {
        tlog_hash_node(&f->level[level], &h, &h);
    }
    f->level[level] = h;
    f->size++;
}

void tlog_frontier_root(const struct tlog_frontier *f, struct tlog_hash *out)
{
    if (f->size == 0) {
        wh_sha256_of(WH_S(""), out->b);
        return;
    }
    bool first = true;
    for (unsigned level = 0; level < 64; level++) {
        if ((f->size >> level & 1) == 0) {
            continue;
        }
        if (first) {
            *out = f->level[level];
        } else {
            tlog_hash_node(&f->level[level], out, out);
        }
        first = false;
    }
}

bool tlog_frontier_read(const struct tlog_reader *r, uint64_t size,
                        struct tlog_frontier *out, struct wh_err *err)
{
    if (size > TLOG_SIZE_MAX) {
        return wh_fail(err, WH_BAD_RANGE, "the tree is too large");
    }
    struct tlog_frontier f = {.size = size};
    for (unsigned level = 0; level < 63; level++) {
        if ((size >> level & 1) == 0) {
            continue;
        }
        /* full subtrees lie left to right from the largest to the smallest */
        uint64_t index = (size >> level) - 1;
        if (!r->node(r->ctx, level, index, &f.level[level], err)) {
            return false;
        }
    }
    *out = f;
    return true;
}

/* The largest power of two below n; n > 1. */
static uint64_t split(uint64_t n)
{
    return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* Root over the leaves [lo, hi), lo aligned as said above. */
static bool subtree(const struct tlog_reader *r, uint64_t lo, uint64_t hi,
                    struct tlog_hash *out, struct wh_err *err)
{
    uint64_t n = hi - lo, end = hi;
    bool first = true;
    for (unsigned level = 0; level < 63; level++) {
        if ((n >> level & 1) == 0) {
            continue;
        }
        uint64_t start = end - (UINT64_C(1) << level);
        struct tlog_hash h;
        if (!r->node(r->ctx, level, start >> level, &h, err)) {
            return false;
        }
        if (first) {
            *out = h;
        } else {
            tlog_hash_node(&h, out, out);
        }
        first = false;
        end = start;
    }
    wh_assert(!first && end == lo);
    return true;
}

static bool push(const struct tlog_reader *r, uint64_t lo, uint64_t hi,
                 struct tlog_path *path, struct wh_err *err)
{
    wh_assert(path->n < TLOG_PATH_MAX);
    return subtree(r, lo, hi, &path->h[path->n++], err);
}

static void reverse(struct tlog_path *path)
{
    for (size_t i = 0; i < path->n / 2; i++) {
        struct tlog_hash t = path->h[i];
        path->h[i] = path->h[path->n - 1 - i];
        path->h[path->n - 1 - i] = t;
    }
}

bool tlog_inclusion(const struct tlog_reader *r, uint64_t index, uint64_t size,
                    struct tlog_path *out, struct wh_err *err)
{
    if (index >= size || size > TLOG_SIZE_MAX) {
        return wh_fail(err, WH_BAD_RANGE, "the tree has no such leaf");
    }
    out->n = 0;
    uint64_t lo = 0, hi = size;
    while (hi - lo > 1) {
        uint64_t mid = lo + split(hi - lo);
        bool left = index < mid;
        if (!push(r, left ? mid : lo, left ? hi : mid, out, err)) {
            return false;
        }
        lo = left ? lo : mid;
        hi = left ? mid : hi;
    }
    reverse(out);
    return true;
}

bool tlog_consistency(const struct tlog_reader *r, uint64_t from, uint64_t to,
                      struct tlog_path *out, struct wh_err *err)
{
    if (from > to || to > TLOG_SIZE_MAX) {
        return wh_fail(err, WH_BAD_RANGE, "the tree never had this size");
    }
    out->n = 0;
    if (from == 0 || from == to) {
        return true;
    }
    uint64_t lo = 0, hi = to;
    while (hi != from) {
        uint64_t mid = lo + split(hi - lo);
        bool left = from <= mid;
        if (!push(r, left ? mid : lo, left ? hi : mid, out, err)) {
            return false;
        }
        lo = left ? lo : mid;
        hi = left ? mid : hi;
    }
    /* the verifier knows the old root itself: only a part of it is sent */
    if (lo > 0 && !push(r, lo, hi, out, err)) {
        return false;
    }
    reverse(out);
    return true;
}

/* Climb until fn is odd, as the verification of RFC 9162 does. */
static void climb(uint64_t *fn, uint64_t *sn)
{
    while ((*fn & 1) == 0 && *fn != 0) {
        *fn >>= 1;
        *sn >>= 1;
    }
}

bool tlog_inclusion_ok(const struct tlog_hash *leaf, uint64_t index,
                       uint64_t size, const struct tlog_path *path,
                       const struct tlog_hash *root)
{
    if (index >= size || size > TLOG_SIZE_MAX || path->n > TLOG_PATH_MAX) {
        return false;
    }
    uint64_t fn = index, sn = size - 1;
    struct tlog_hash r = *leaf;
    for (size_t i = 0; i < path->n; i++) {
        if (sn == 0) {
            return false;
        }
        if ((fn & 1) != 0 || fn == sn) {
            tlog_hash_node(&path->h[i], &r, &r);
            climb(&fn, &sn);
        } else {
            tlog_hash_node(&r, &path->h[i], &r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && tlog_hash_eq(&r, root);
}

/* Sizes 0 and equal sizes: no hash is needed. */
static bool trivial_ok(uint64_t from, const struct tlog_hash *from_root,
                       uint64_t to, const struct tlog_hash *to_root)
{
    if (from == 0) {
        static const struct tlog_frontier empty = {0};
        struct tlog_hash none;
        tlog_frontier_root(&empty, &none);
        if (!tlog_hash_eq(from_root, &none)) {
            return false;
        }
    }
    return from != to || tlog_hash_eq(from_root, to_root);
}

bool tlog_consistency_ok(uint64_t from, const struct tlog_hash *from_root,
                         uint64_t to, const struct tlog_hash *to_root,
                         const struct tlog_path *path)
{
    if (from > to || to > TLOG_SIZE_MAX || path->n > TLOG_PATH_MAX) {
        return false;
    }
    if (from == 0 || from == to) {
        return path->n == 0 && trivial_ok(from, from_root, to, to_root);
    }

    uint64_t fn = from - 1, sn = to - 1;
    while ((fn & 1) != 0) {
        fn >>= 1;
        sn >>= 1;
    }
    /* a power of two is itself the first subtree; it is left out of the proof
     */
    size_t i = 0;
    bool whole = (from & (from - 1)) == 0;
    if (!whole && path->n == 0) {
        return false;
    }
    struct tlog_hash fr = whole ? *from_root : path->h[i++];
    struct tlog_hash sr = fr;
    for (; i < path->n; i++) {
        if (sn == 0) {
            return false;
        }
        if ((fn & 1) != 0 || fn == sn) {
            tlog_hash_node(&path->h[i], &fr, &fr);
            tlog_hash_node(&path->h[i], &sr, &sr);
            climb(&fn, &sn);
        } else {
            tlog_hash_node(&sr, &path->h[i], &sr);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && tlog_hash_eq(&fr, from_root) &&
           tlog_hash_eq(&sr, to_root);
}
