/*
 * xet_tables.c - a cache over rows: filled on demand, emptied when full.
 */
#include "hub/xet_tables.h"
#include "base/mem.h"
#include "base/time.h"
#include "store/xet.h"

#define SLOTS 4096u /* a power of two */
#define TABLES_MAX (SLOTS / 2)
#define TABLES_BYTES ((size_t)64 << 20)
/* One table at most, and room to read it. */
#define ONE_BYTES ((size_t)2 << 20)
/* Tables that one shard may make us load, repetitions included. */
#define LOADS_MAX 65536u
/* Rows that one transaction writes. */
#define TOUCH_BATCH 250u

struct hub_tables {
    struct db *db;
    struct db_writer *writer;
    int64_t repo;
    struct wh_arena a;
    struct scan_xorb_table *slots[SLOTS];
    size_t n, loads;
    int64_t *used; /* rows that were asked for and not noted down yet */
    size_t nused;
    struct scan_shard_world world;
    struct wh_err err;
};

/* The slot that holds this hash, or the free one where it belongs. Xet hashes
 * are hashes: any eight bytes of them spread well. */
static struct scan_xorb_table **slot_of(struct hub_tables *t,
                                        const struct scan_xet_hash *hash)
{
    uint32_t i;

    memcpy(&i, hash->b, sizeof i);
    /* ends: at most half of the slots are taken */
    while (t->slots[i % SLOTS] &&
           !scan_xet_eq(&t->slots[i % SLOTS]->hash, hash)) {
        i++;
    }
    return &t->slots[i % SLOTS];
}

static void make_room(struct hub_tables *t)
{
    if (t->n < TABLES_MAX && t->a.used < TABLES_BYTES) {
        return;
    }
    wh_arena_reset(&t->a);
    memset(t->slots, 0, sizeof t->slots);
    t->n = 0;
}

static bool read_table(struct hub_tables *t, const struct scan_xet_hash *hash,
                       struct scan_xorb_table **out)
{
    struct wh_str chunks;
    struct wh_arena a;
    int64_t id;
    bool ok;

    *out = NULL;
    wh_arena_init(&a, ONE_BYTES);
    ok = store_xorb_chunks(t->db, &a, t->repo, hash->b, &id, &chunks, &t->err);
    if (ok && id != 0) {
        *out = WH_NEW(&t->a, struct scan_xorb_table);
        ok = scan_xorb_table_read(chunks, &t->a, *out, &t->err);
        t->used[t->nused++] = id; /* fits: as many as loads */
    }
    wh_arena_done(&a);
    return ok;
}

static const struct scan_xorb_table *load(struct hub_tables *t,
                                          const struct scan_xet_hash *hash)
{
    struct scan_xorb_table *x;

    if (t->loads++ == LOADS_MAX) {
        wh_fail(&t->err, WH_TOO_LARGE,
                "shard: its files go to and fro between too many xorbs");
        return NULL;
    }
    make_room(t);
    if (!read_table(t, hash, &x) || !x) {
        return NULL;
    }
    if (!scan_xet_eq(&x->hash, hash)) {
        wh_fail(&t->err, WH_CORRUPT, "a xorb's row is damaged");
        return NULL;
    }
    *slot_of(t, hash) = x;
    t->n++;
    return x;
}

static const struct scan_xorb_table *find(void *ctx,
                                          const struct scan_xet_hash *hash)
{
    struct hub_tables *t = ctx;
    struct scan_xorb_table *x = *slot_of(t, hash);

    if (t->err.code != WH_NONE) {
        return NULL;
    }
    return x ? x : load(t, hash);
}

struct hub_tables *hub_tables_new(struct db *db, struct db_writer *writer,
                                  int64_t repo)
{
    struct hub_tables *t = wh_alloc(sizeof *t);

    t->db = db;
    t->writer = writer;
    t->repo = repo;
    t->used = wh_calloc(LOADS_MAX, sizeof *t->used);
    t->world = (struct scan_shard_world){
        .xorb = find, .ctx = t, .chunks_left = SCAN_SHARD_CHUNKS_MAX};
    wh_arena_init(&t->a, TABLES_BYTES + ONE_BYTES);
    return t;
}

void hub_tables_free(struct hub_tables **tp)
{
    struct hub_tables *t = *tp;

    if (t) {
        wh_arena_done(&t->a);
        wh_free(t->used);
        wh_free(t);
        *tp = NULL;
    }
}

struct scan_shard_world *hub_tables_world(struct hub_tables *t)
{
    return &t->world;
}

bool hub_tables_why(const struct hub_tables *t, struct wh_err *err)
{
    if (t->err.code != WH_NONE) {
        *err = t->err;
    }
    return false;
}

struct touch {
    const int64_t *ids;
    size_t n;
};

static bool touch_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct touch *x = ctx;
    int64_t now = wh_now_us();

    for (size_t i = 0; i < x->n; i++) {
        if (!store_xorb_touch(db, x->ids[i], now, err)) {
            return false;
        }
    }
    return true;
}

bool hub_tables_touch(struct hub_tables *t, struct wh_err *err)
{
    for (size_t at = 0; at < t->nused; at += TOUCH_BATCH) {
        size_t left = t->nused - at;
        struct touch x = {t->used + at,
                          left < TOUCH_BATCH ? left : TOUCH_BATCH};
        if (!db_write(t->writer, touch_fn, &x, err)) {
            return false;
        }
    }
    t->nused = 0;
    return true;
}
