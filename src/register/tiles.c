/*
 * tiles.c - steps 5 and 6 of a cycle: bundles out of the database, tiles out of
 * the edge, both to disk, and the bundles read back the way others read them.
 */
#include "register/crash.h"
#include "register/log.h"

static bool node(void *ctx, unsigned level, uint64_t index,
                 struct tlog_hash *out, struct wh_err *err)
{
    struct register_log *log = ctx;
    if (register_edge_node(&log->edge, level, index, out)) {
        return true;
    }
    struct tlog_reader tiles = tlog_tiles_reader(&log->tiles);
    return tiles.node(tiles.ctx, level, index, out, err);
}

struct tlog_reader register_log_reader(struct register_log *log)
{
    log->tiles.size = log->size;
    return (struct tlog_reader){.node = node, .ctx = log};
}

/* Write one bundle out of the database and read it back through the path that
 * others read it by: what is served hashes to what was signed. */
static bool write_bundle(struct register_log *log, const struct tlog_tile *t,
                         bool rewrite, struct wh_buf *b, struct wh_err *err)
{
    struct tlog_hash hashes[TLOG_TILE_WIDTH];
    uint64_t first = t->index * TLOG_TILE_WIDTH;
    wh_buf_reset(b);
    if (!register_row_bundle(log->db, first, first + t->width, b, hashes,
                             err) ||
        !wh_buf_ok(b, err)) {
        return false;
    }
    struct wh_str tile = register_edge_tile(&log->edge, t);
    if (memcmp(tile.p, hashes, tile.n) != 0) {
        return wh_fail(err, WH_CORRUPT, "stored entries do not match the tree");
    }
    return register_files_put(log->files, t, wh_buf_str(b), rewrite, err);
}

static bool read_back(struct register_log *log, const struct tlog_tile *t,
                      struct wh_buf *b, struct wh_err *err)
{
    struct wh_str entries[TLOG_TILE_WIDTH];
    struct wh_str tile = register_edge_tile(&log->edge, t);
    if (!register_files_get(log->files, t, b, err) ||
        !tlog_bundle_split(wh_buf_str(b), t->width, entries, err)) {
        return false;
    }
    for (unsigned i = 0; i < t->width; i++) {
        struct tlog_hash h;
        tlog_hash_leaf(entries[i], &h);
        if (memcmp(h.b, tile.p + (size_t)i * TLOG_HASH, TLOG_HASH) != 0) {
            return wh_fail(err, WH_CORRUPT,
                           "a bundle did not read back as written");
        }
    }
    return true;
}

static bool write_tile(struct register_log *log, unsigned level, uint64_t index,
                       uint64_t width, bool rewrite, struct wh_err *err)
{
    struct tlog_tile t = {
        .level = level, .index = index, .width = (unsigned)width};
    struct wh_str bytes = register_edge_tile(&log->edge, &t);
    if (!register_files_put(log->files, &t, bytes, rewrite, err)) {
        return false;
    }
    register_crash_point(REGISTER_AT_FIRST_FILE);
    return true;
}

/* One level: the tiles that became full between r->from and r->to, and at the
 * end the partial one, if the level has grown since r->base. */
static bool write_level(struct register_log *log, unsigned level,
                        const struct register_range *r, struct wh_err *err)
{
    unsigned shift = TLOG_TILE_HEIGHT * level;
    uint64_t full = (r->to >> shift) / TLOG_TILE_WIDTH;
    uint64_t rest = (r->to >> shift) % TLOG_TILE_WIDTH;
    for (uint64_t n = (r->from >> shift) / TLOG_TILE_WIDTH; n < full; n++) {
        if (!write_tile(log, level, n, TLOG_TILE_WIDTH, r->rewrite, err)) {
            return false;
        }
    }
    bool grown = r->to >> shift > r->base >> shift;
    return !r->final || rest == 0 || !grown ||
           write_tile(log, level, full, rest, r->rewrite, err);
}

bool register_write_tiles(struct register_log *log,
                          const struct register_range *r, struct wh_err *err)
{
    struct tlog_tile written[2];
    size_t n = 0;
    struct wh_buf b;
    wh_assert(r->from < r->to && r->to - r->from <= REGISTER_BATCH);
    wh_buf_init(&b, TLOG_BUNDLE_MAX);
    bool ok = true;
    for (uint64_t i = r->from / TLOG_TILE_WIDTH;
         ok && i * TLOG_TILE_WIDTH < r->to; i++) {
        struct tlog_tile t = {.entries = true, .index = i};
        t.width = tlog_tile_width(r->to, 0, i);
        if (t.width == TLOG_TILE_WIDTH || r->final) {
            ok = write_bundle(log, &t, r->rewrite, &b, err);
            written[n++] = t;
        }
    }
    for (unsigned level = 0; ok && level < TLOG_TILE_LEVELS; level++) {
        ok = write_level(log, level, r, err);
    }
    ok = ok && register_files_sync(log->files, err);
    register_crash_point(REGISTER_AT_WRITTEN);
    for (size_t i = 0; ok && i < n; i++) {
        ok = read_back(log, &written[i], &b, err);
    }
    wh_buf_done(&b);
    return ok;
}
