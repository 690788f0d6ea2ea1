/*
 * recover.c - from whatever a crash left to one state, or a refusal.
 *
 * Three memories are compared: the database (what was sequenced), the
 * checkpoint file (what the world saw) and the signer (what was promised).
 *
 *   found                               done
 *   nothing in any of the three         a new log begins with its genesis leaf
 *   database ahead of the checkpoint    tiles written anew, signed, published
 *   signed, not published               the same: signing again gives the same
 *   checkpoint or signer ahead          refused: the database was rolled back
 *   equal size, other root              refused for ever
 *   no database, but a checkpoint       refused
 *
 * Files beyond the checkpoint are written anew, not trusted: after a failed
 * sync the page cache may show what the disk does not have.
 */
#include "base/log.h"
#include "register/log.h"

static bool rolled_back(const char *what, struct wh_err *err)
{
    (void)wh_fail(err, WH_ROLLED_BACK,
                  "the register's database is older than what was already "
                  "signed or published");
    return wh_err_detail(err, "ahead: %s", what);
}

/* What the world saw; size 0 if nothing yet. */
static bool read_checkpoint(struct register_log *log,
                            struct tlog_checkpoint *out, struct wh_err *err)
{
    struct wh_buf note;
    wh_buf_init(&note, TLOG_NOTE_MAX);
    bool found = register_files_checkpoint(log->files, &note, err);
    bool ok =
        found && tlog_checkpoint_open(wh_buf_str(&note), &log->vkey, out, err);
    wh_buf_done(&note);
    if (!found && err->code == WH_NOT_FOUND) {
        *err = (struct wh_err){0};
        *out = (struct tlog_checkpoint){.size = 0};
        return true;
    }
    if (!ok && err->code == WH_NOT_VERIFIABLE) {
        err->code = WH_CORRUPT; /* there is one, and it is not ours */
    }
    return ok;
}

struct begin {
    const struct register_log *log;
    const char *vkey;
};

static json_t *genesis(const struct register_genesis *g)
{
    json_t *leaf = json_object(), *lines = json_array();
    json_object_set_new(leaf, "type", json_string("genesis"));
    json_object_set_new(leaf, "software", json_string(g->software));
    for (size_t i = 0; i < g->nlines; i++) {
        json_array_append_new(lines, register_digest_new(g->lines[i]));
    }
    json_object_set_new(leaf, "lines", lines);
    json_object_set_new(leaf, "roster", json_array());
    return leaf;
}

/* The first transaction: state and genesis leaf together. */
static bool begin(struct db *db, void *ctx, struct wh_err *err)
{
    const struct begin *b = ctx;
    static const struct tlog_frontier empty = {0};
    struct tlog_hash root;
    int64_t outbox;
    tlog_frontier_root(&empty, &root);
    struct db_stmt *s = db_start(db, DBQ_REGISTER_STATE_INIT);
    db_bind_cstr(s, 1, b->vkey);
    db_bind_hex(s, 2, root.b, TLOG_HASH);
    if (!db_exec(s, err)) {
        return false;
    }
    json_t *leaf = genesis(&b->log->cfg.genesis);
    bool ok = register_submit(db, leaf, &outbox, err);
    json_decref(leaf);
    return ok;
}

static bool raise_epoch(struct db *db, void *ctx, struct wh_err *err)
{
    (void)ctx;
    return db_exec(db_start(db, DBQ_REGISTER_STATE_EPOCH), err);
}

/* Hash number `index` of tile level `level + 1`: the root of a full tile, from
 * its file, or from the entries if there is no file yet. */
static bool tile_root(struct register_log *log, unsigned level, uint64_t index,
                      struct tlog_hash *out, struct wh_err *err)
{
    struct tlog_hash h[TLOG_TILE_WIDTH];
    struct tlog_tile t = {
        .level = level, .index = index, .width = TLOG_TILE_WIDTH};
    if (!register_files_tile(log->files, &t, h[0].b, err)) {
        if (err->code != WH_NOT_FOUND) {
            return false;
        }
        *err = (struct wh_err){0};
        uint64_t first = index * TLOG_TILE_WIDTH;
        if (level == 0 &&
            !register_row_hashes(log->db, first, first + TLOG_TILE_WIDTH, h,
                                 err)) {
            return false;
        }
        for (uint64_t i = 0; level > 0 && i < TLOG_TILE_WIDTH; i++) {
            if (!tile_root(log, level - 1, first + i, &h[i], err)) {
                return false;
            }
        }
    }
    tlog_tile_fold(h[0].b, 0, TLOG_TILE_HEIGHT, out);
    return true;
}

/* The edge of the tree of `size` entries. */
static bool load_edge(struct register_log *log, uint64_t size,
                      struct wh_err *err)
{
    memset(&log->edge, 0, sizeof log->edge);
    for (unsigned l = 0; l < TLOG_TILE_LEVELS; l++) {
        struct register_edge_level *v = &log->edge.level[l];
        uint64_t hashes = size >> (TLOG_TILE_HEIGHT * l);
        v->n = hashes % TLOG_TILE_WIDTH;
        v->first = hashes - v->n;
        if (l == 0 && v->n > 0 &&
            !register_row_hashes(log->db, v->first, size, v->h, err)) {
            return false;
        }
        for (size_t i = 0; l > 0 && i < v->n; i++) {
            if (!tile_root(log, l - 1, v->first + i, &v->h[i], err)) {
                return false;
            }
        }
    }
    struct tlog_reader reader = register_log_reader(log);
    return tlog_frontier_read(&reader, size, &log->edge.frontier, err);
}

/* Grow the edge from `from` to `to`, writing what that completes. */
static bool rewrite(struct register_log *log, uint64_t from, uint64_t to,
                    struct wh_err *err)
{
    struct tlog_hash h[TLOG_TILE_WIDTH];
    struct register_range r = {.base = from, .rewrite = true};
    while (from < to) {
        uint64_t next = from - from % TLOG_TILE_WIDTH + TLOG_TILE_WIDTH;
        next = next < to ? next : to;
        if (!register_row_hashes(log->db, from, next, h, err)) {
            return false;
        }
        for (uint64_t i = 0; i < next - from; i++) {
            register_edge_add(&log->edge, &h[i]);
        }
        r.from = from;
        r.to = next;
        r.final = next == to;
        if (!register_write_tiles(log, &r, err)) {
            return false;
        }
        register_edge_trim(&log->edge);
        from = next;
    }
    return true;
}

static bool root_is(const struct register_log *log,
                    const struct tlog_hash *want, struct wh_err *err)
{
    struct tlog_hash root;
    tlog_frontier_root(&log->edge.frontier, &root);
    return tlog_hash_eq(&root, want) ||
           wh_fail(err, WH_CORRUPT,
                   "the register's entries, tiles and heads contradict each "
                   "other");
}

/* The signer's word against the database. */
static bool check_signer(const struct register_signer_state *signer,
                         const struct register_state_row *row,
                         struct wh_err *err)
{
    if (strcmp(signer->vkey, row->vkey) != 0) {
        return wh_fail(err, WH_ROLLED_BACK,
                       "the signer's key is not the key of this log");
    }
    if (signer->size > row->size) {
        return rolled_back("signer", err);
    }
    if (signer->size == row->size && !tlog_hash_eq(&signer->root, &row->root)) {
        return wh_fail(err, WH_CORRUPT,
                       "the signer knows another log of the same size");
    }
    return true;
}

/* Begin the log if there is none in any of the three places; *row is then
 * there. */
static bool find_state(struct register_log *log, bool first,
                       const struct register_signer_state *signer,
                       const struct tlog_checkpoint *seen,
                       struct register_state_row *row, struct wh_err *err)
{
    if (register_row_state(log->db, row, err)) {
        return true;
    }
    if (err->code != WH_NOT_FOUND) {
        return false;
    }
    *err = (struct wh_err){0};
    if (!first || seen->size > 0 || signer->size > 0) {
        return rolled_back(seen->size > 0 ? "checkpoint" : "signer", err);
    }
    struct begin b = {.log = log, .vkey = signer->vkey};
    return register_write(log, begin, &b, err) &&
           register_row_state(log->db, row, err);
}

/* Take over the stored state into memory; files up to its size. */
static bool take_over(struct register_log *log,
                      const struct tlog_checkpoint *seen,
                      const struct register_state_row *row, struct wh_err *err)
{
    log->size = row->size;
    log->root = row->root;
    log->published = seen->size;
    tlog_tiles_init(&log->tiles, 0, register_files_tile, log->files);
    return register_row_newest_time(log->db, &log->newest_t, &log->newest_at,
                                    err) &&
           load_edge(log, seen->size, err) &&
           (seen->size == 0 || root_is(log, &seen->root, err)) &&
           rewrite(log, seen->size, row->size, err) &&
           root_is(log, &row->root, err);
}

/* Is everything that should be there for the head at log->size there? */
static bool settled(struct register_log *log,
                    const struct register_state_row *row, bool *out,
                    struct wh_err *err)
{
    struct wh_arena a;
    struct register_cp_row cp = {0};
    wh_arena_init(&a, 2 * TLOG_NOTE_MAX);
    bool found = register_row_cp_newest(log->db, &a, &cp, err);
    wh_arena_done(&a);
    if (!found && err->code != WH_NOT_FOUND) {
        return false;
    }
    *err = (struct wh_err){0};
    if (cp.size > row->size) {
        return wh_fail(err, WH_CORRUPT, "a head beyond the log was signed");
    }
    if (cp.size < log->published) {
        return rolled_back("checkpoint", err);
    }
    *out = cp.size == row->size && log->published == row->size &&
           row->published_size == row->size && log->signer_size == row->size;
    return true;
}

static void show_status(struct register_log *log,
                        const struct register_state_row *row, int64_t outbox)
{
    pthread_mutex_lock(&log->lock);
    struct register_status *s = &log->status;
    memcpy(s->origin, log->vkey.name, sizeof s->origin);
    memcpy(s->vkey, row->vkey, sizeof s->vkey);
    if (log->published == log->size) {
        s->size = log->size;
        s->root = log->root;
    }
    s->published_at = row->published_at;
    log->published_outbox = outbox;
    pthread_mutex_unlock(&log->lock);
}

/* Publish what is sequenced but not visible, then tell the status. */
static bool settle(struct register_log *log,
                   const struct register_state_row *row, struct wh_err *err)
{
    bool done = true;
    int64_t outbox = 0;
    if (row->size > 0 && !settled(log, row, &done, err)) {
        return false;
    }
    if (!done) {
        show_status(log, row, 0);
        wh_log(WH_INFO, "register.recover", "published=%llu size=%llu",
               (unsigned long long)log->published,
               (unsigned long long)log->size);
        return register_publish(log, err);
    }
    if (row->size > 0 &&
        !register_row_outbox_at(log->db, row->size - 1, &outbox, err)) {
        return false;
    }
    show_status(log, row, outbox);
    return true;
}

bool register_recover(struct register_log *log, bool first, struct wh_err *err)
{
    struct register_signer_state signer;
    struct register_state_row row;
    struct tlog_checkpoint seen;
    log->loaded = false;
    if (!log->cfg.signing.state(log->cfg.signing.ctx, &signer, err) ||
        !tlog_vkey_parse(wh_str_of(signer.vkey), &log->vkey, err) ||
        !read_checkpoint(log, &seen, err) ||
        !find_state(log, first, &signer, &seen, &row, err)) {
        return false;
    }
    log->signer_size = signer.size;
    if (!check_signer(&signer, &row, err)) {
        return false;
    }
    if (seen.size > row.size) {
        return rolled_back("checkpoint", err);
    }
    if (first) {
        if (!register_write(log, raise_epoch, NULL, err)) {
            return false;
        }
        log->epoch = row.epoch + 1;
    } else if (row.epoch != log->epoch) {
        return wh_fail(err, WH_CORRUPT, "another sequencer runs this log");
    }
    if (!take_over(log, &seen, &row, err) || !settle(log, &row, err)) {
        return false;
    }
    log->loaded = true;
    return true;
}

/* Tiles of one level that are full at `to` and were not at `from`. */
static bool sweep_level(struct register_log *log, unsigned level, uint64_t from,
                        uint64_t to, struct wh_err *err)
{
    unsigned shift = TLOG_TILE_HEIGHT * (level + 1);
    for (uint64_t i = from >> shift; i < to >> shift; i++) {
        if (!register_files_sweep(log->files, level, i, err)) {
            return false;
        }
    }
    return true;
}

struct swept {
    int64_t epoch;
    uint64_t size;
};

static bool record_swept(struct db *db, void *ctx, struct wh_err *err)
{
    const struct swept *w = ctx;
    struct db_stmt *s = db_start(db, DBQ_REGISTER_STATE_SWEPT);
    db_bind_i64(s, 1, w->epoch);
    db_bind_i64(s, 2, (int64_t)w->size);
    return db_exec(s, err);
}

bool register_sweep(struct register_log *log, struct wh_err *err)
{
    struct register_state_row row;
    int64_t old;
    if (!register_row_state(log->db, &row, err)) {
        return false;
    }
    struct db_stmt *s = db_start(log->db, DBQ_REGISTER_CP_OLDER);
    db_bind_i64(s, 1, register_now(log) - log->cfg.sweep_age_us);
    if (!db_one_i64(s, 0, &old, err)) {
        return false;
    }
    struct swept w = {.epoch = log->epoch, .size = (uint64_t)old};
    uint64_t most = row.swept_size + TLOG_TILE_WIDTH * TLOG_TILE_WIDTH;
    w.size = w.size < row.published_size ? w.size : row.published_size;
    w.size = w.size < most ? w.size : most;
    /* nothing is full before a bundle is */
    if (w.size / TLOG_TILE_WIDTH <= row.swept_size / TLOG_TILE_WIDTH) {
        return true;
    }
    for (unsigned level = 0; level < TLOG_TILE_LEVELS - 1; level++) {
        if (!sweep_level(log, level, row.swept_size, w.size, err)) {
            return false;
        }
    }
    return register_write(log, record_swept, &w, err);
}
