/*
 * xet.c - xorbs and shards: what a scanner reads of them, held against rows.
 */
#include "hub/xet.h"
#include "base/enc.h"
#include "base/time.h"
#include "hub/lfs.h"
#include "hub/rebuild.h"
#include "hub/xet_tables.h"
#include "proc/zygote.h"
#include "scan/job.h"
#include "store/xet.h"

#define HOUR_US INT64_C(3600000000)
#define SHARD_MS 120000u
/* A parsed shard of 64 MiB takes about 100 MB. */
#define SHARD_MEMORY ((size_t)256 << 20)
/* What one segment of a file needs: rows of its xorbs, a statement. */
#define SEGMENT_MEMORY ((size_t)8 << 20)

/* ---- xorbs ---- */

static bool touch_fn(struct db *db, void *ctx, struct wh_err *err)
{
    return store_xorb_touch(db, *(const int64_t *)ctx, wh_now_us(), err);
}

bool hub_xorb_known(const struct hub_xet *x, struct db *db,
                    const struct scan_xet_hash *hash, bool *known,
                    struct wh_err *err)
{
    int64_t id;

    if (!store_xorb_find(db, x->repo, hash->b, &id, err)) {
        return false;
    }
    *known = id != 0;
    return !*known || db_write(x->vault->writer, touch_fn, &id, err);
}

struct add {
    int64_t repo;
    const struct store_container_row *row;
    const struct scan_xet_hash *hash;
    struct wh_str chunks;
    bool added;
};

static bool add_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct add *x = ctx;

    return store_container_done(db, x->row->id, x->row->size, err) &&
           store_xorb_add(db, x->repo, x->hash->b, x->row->id, x->chunks,
                          wh_now_us(), &x->added, err) &&
           (x->added || store_container_give_up(db, x->row->id, err));
}

/* The scanner has read strangers' bytes: its table goes through the bounded
 * reader before it becomes a row. */
static bool check_table(struct wh_arena *a, struct wh_str text,
                        const struct scan_xet_hash *hash, struct wh_err *err)
{
    struct scan_xorb_table t;

    return scan_xorb_table_read(text, a, &t, err) &&
           (scan_xet_eq(&t.hash, hash) ||
            wh_fail(err, WH_CORRUPT, "a scanner answered for another xorb"));
}

bool hub_xorb_settle(const struct hub_xet *x, struct hub_receiver *r,
                     struct wh_arena *a, const struct scan_xet_hash *hash,
                     bool *added, struct wh_err *err)
{
    struct add add = {.repo = x->repo, .row = hub_receive_row(r), .hash = hash};
    struct keeper_session *s;
    struct keeper_xorb answer;
    bool ok;

    if (!hub_vault_session(x->vault, x->kind, x->repo, add.row, 1, &s, err)) {
        return false;
    }
    ok = keeper_xorb(s, a, hash->b, &answer, err) &&
         check_table(a, answer.table, hash, err);
    keeper_close(&s);
    if (!ok) {
        return false;
    }
    add.chunks = answer.table;
    if (!db_write(x->vault->writer, add_fn, &add, err)) {
        return false;
    }
    hub_receive_keep(r);
    *added = add.added;
    return true;
}

/* ---- shards ---- */

struct shard {
    const struct hub_xet *x;
    struct db *db;
    struct wh_arena a;
    struct scan_shard parsed;
    struct hub_tables *tables;
    uint64_t *sizes; /* of the files */
    uint64_t done, all;
};

static void advance(struct shard *s, uint64_t bytes)
{
    s->done += bytes;
    if (s->x->progress) {
        s->x->progress(s->x->ctx, s->done, s->all);
    }
}

static bool to_buf(void *ctx, struct wh_str bytes, struct wh_err *err)
{
    wh_buf_add(ctx, bytes);
    return wh_buf_ok(ctx, err);
}

/* Let a scanner parse it. */
static bool parse(struct shard *s, struct wh_str body, struct wh_buf *out,
                  struct wh_err *err)
{
    struct wh_src src = wh_src_mem(body.p, body.n);
    struct wh_buf params;
    struct wh_str answer;
    bool ok;

    wh_buf_init(&params, PROC_JOB_PARAMS);
    scan_job_shard_params(&params);
    struct proc_job_request rq = {.type = SCAN_JOB_SHARD,
                                  .params = wh_buf_str(&params),
                                  .sources = &src,
                                  .nsources = 1,
                                  .data_fd = -1,
                                  .sink = to_buf,
                                  .sink_ctx = out,
                                  .sink_max = SCAN_JOB_SHARD_OUT,
                                  .answer_max = SCAN_JOB_SHARD_ANSWER,
                                  .time_ms = SHARD_MS};
    ok = proc_job_run(s->x->vault->zygote, &s->a, &rq, &answer, err);
    wh_buf_done(&params);
    return ok;
}

static bool read_shard(struct shard *s, struct wh_buf *body, struct wh_err *err)
{
    struct wh_buf out;
    bool ok;

    wh_buf_init(&out, SCAN_JOB_SHARD_OUT);
    ok = parse(s, wh_buf_str(body), &out, err);
    wh_buf_done(body);
    ok = ok && scan_shard_read(wh_buf_str(&out), &s->a, &s->parsed, err);
    wh_buf_done(&out);
    return ok;
}

static bool check_file(struct shard *s, uint32_t i, struct wh_err *err)
{
    const struct scan_shard_file *f = &s->parsed.files[i];
    char name[SCAN_XET_TEXT];

    if (!f->has_sha256) {
        scan_xet_text(&f->hash, name);
        return wh_fail(err, WH_BAD_REQUEST,
                       "shard: file %s comes without its SHA-256, by which "
                       "this house names files",
                       name);
    }
    return scan_shard_check_file(f, hub_tables_world(s->tables), &s->sizes[i],
                                 err) ||
           hub_tables_why(s->tables, err);
}

/* Everything in the shard holds against the repo's own xorbs, or nothing is
 * done. */
static bool check_shard(struct shard *s, struct wh_err *err)
{
    s->sizes = wh_arena_array(&s->a, s->parsed.nfiles + 1, sizeof *s->sizes);
    for (uint32_t i = 0; i < s->parsed.nxorbs; i++) {
        if (!scan_shard_check_xorb(&s->parsed.xorbs[i],
                                   hub_tables_world(s->tables), err)) {
            return hub_tables_why(s->tables, err);
        }
    }
    for (uint32_t i = 0; i < s->parsed.nfiles; i++) {
        if (!check_file(s, i, err)) {
            return false;
        }
        s->all += s->sizes[i];
    }
    advance(s, 0);
    return hub_tables_touch(s->tables, err);
}

static bool make_segments(struct shard *s, struct hub_plan *p,
                          struct hub_rebuild *r, const char *sha256,
                          uint64_t size, struct wh_err *err)
{
    struct wh_arena a;
    bool ok = true;

    wh_arena_init(&a, SEGMENT_MEMORY);
    while (ok && !hub_plan_done(p)) {
        bool first = p->at == 0;
        wh_arena_reset(&a);
        ok = hub_plan_next(p, err) || hub_tables_why(s->tables, err);
        ok = ok && hub_rebuild_segment(r, s->db, &a, p,
                                       first && hub_plan_done(p), err);
        if (ok) {
            advance(s, p->size);
        }
    }
    ok = ok && hub_rebuild_settle(r, &a, sha256, size, err);
    wh_arena_done(&a);
    return ok;
}

static bool make_file(struct shard *s, const struct scan_shard_file *f,
                      const char *sha256, uint64_t size, struct wh_err *err)
{
    const struct hub_xet *x = s->x;
    struct hub_rebuild *r;
    struct hub_plan *p;
    bool ok;

    if (!hub_vault_room(x->vault, size, err)) {
        return false;
    }
    p = WH_NEW(&s->a, struct hub_plan);
    hub_plan_begin(p, f, hub_tables_world(s->tables), HUB_PLAN_LIMITS);
    r = hub_rebuild_begin(x->vault, x->kind, x->repo);
    ok = make_segments(s, p, r, sha256, size, err);
    hub_rebuild_end(&r);
    hub_plan_end(p);
    return ok;
}

/* One file of the shard becomes a content, unless the repo possesses it. */
static bool settle_file(struct shard *s, uint32_t i, size_t *added,
                        struct wh_err *err)
{
    const struct scan_shard_file *f = &s->parsed.files[i];
    char sha256[WH_SHA256_HEX + 1];
    uint64_t size = 0;
    bool found;

    wh_hex_enc(f->sha256, sizeof f->sha256, sha256);
    if (!hub_lfs_exists(s->db, s->x->repo, s->x->account, sha256, &found, &size,
                        err)) {
        return false;
    }
    if (!found) {
        ++*added;
        return make_file(s, f, sha256, s->sizes[i], err);
    }
    advance(s, s->sizes[i]);
    return size == s->sizes[i] ||
           wh_fail(err, WH_DIGEST_MISMATCH,
                   "shard: the file with the SHA-256 %s has not %llu bytes",
                   sha256, (unsigned long long)s->sizes[i]);
}

bool hub_shard_settle(const struct hub_xet *x, struct db *db,
                      struct wh_buf *body, size_t *added, struct wh_err *err)
{
    struct shard s = {.x = x, .db = db};
    bool ok;

    *added = 0;
    wh_arena_init(&s.a, SHARD_MEMORY);
    s.tables = hub_tables_new(db, x->vault->writer, x->repo);
    ok = read_shard(&s, body, err) && check_shard(&s, err);
    for (uint32_t i = 0; ok && i < s.parsed.nfiles; i++) {
        ok = settle_file(&s, i, added, err);
    }
    hub_tables_free(&s.tables);
    wh_arena_done(&s.a);
    return ok;
}

/* ---- expiry ---- */

int64_t hub_xet_epoch(int64_t now, int64_t expire_hours)
{
    return now / (expire_hours * HOUR_US);
}

bool hub_xet_expire(struct db *db, int64_t now, int64_t expire_hours, size_t *n,
                    struct wh_err *err)
{
    /* an epoch for what is remembered, another for uploads still under way */
    return store_xorb_expire(db, now - 2 * expire_hours * HOUR_US, n, err);
}
