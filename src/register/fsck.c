/*
 * fsck.c - the published log, checked by whoever likes to.
 *
 * The scrub rebuilds the tree in memory (the edge is all it needs) and compares
 * every tile with what it rebuilt, so a changed byte anywhere is found where it
 * is, not only by a root that does not come out.
 */
#include "register/fsck.h"
#include "base/mem.h"
#include "register/edge.h"
#include <stdio.h>

static bool get_file(void *ctx, const char *name, size_t max,
                     struct wh_buf *out, struct wh_err *err)
{
    struct tlog_tile t;
    (void)max;
    if (strcmp(name, "checkpoint") == 0) {
        return register_files_checkpoint(ctx, out, err);
    }
    if (!tlog_tile_parse(wh_str_of(name), &t)) {
        return wh_fail(err, WH_NOT_FOUND, "the register has no such file");
    }
    return register_files_get(ctx, &t, out, err);
}

struct register_source register_source_files(struct register_files *files)
{
    return (struct register_source){.get = get_file, .ctx = files};
}

/* What a check carries along. */
struct check {
    const struct register_source *src;
    struct register_fsck_report *report;
    struct wh_buf buf;
};

static void check_init(struct check *c, const struct register_source *src,
                       struct register_fsck_report *report)
{
    c->src = src;
    c->report = report;
    wh_buf_init(&c->buf, TLOG_BUNDLE_MAX);
}

/* Read into c->buf; a file that the checkpoint implies must be there. */
static bool fetch(struct check *c, const char *name, size_t max,
                  struct wh_err *err)
{
    snprintf(c->report->where, sizeof c->report->where, "%s", name);
    wh_buf_reset(&c->buf);
    if (!c->src->get(c->src->ctx, name, max, &c->buf, err)) {
        if (err->code == WH_NOT_FOUND) {
            return wh_fail(err, WH_CORRUPT, "a published file is missing");
        }
        return false;
    }
    return wh_buf_ok(&c->buf, err);
}

static bool fetch_tile(struct check *c, const struct tlog_tile *t,
                       struct wh_err *err)
{
    char name[TLOG_TILE_NAME];
    tlog_tile_name(t, name);
    if (!fetch(c, name, t->entries ? TLOG_BUNDLE_MAX : TLOG_TILE_BYTES, err)) {
        return false;
    }
    return t->entries || c->buf.n == (size_t)t->width * TLOG_HASH ||
           wh_fail(err, WH_CORRUPT, "a tile has the wrong length");
}

static bool get_tile(void *ctx, const struct tlog_tile *t, uint8_t *out,
                     struct wh_err *err)
{
    struct check *c = ctx;
    if (!fetch_tile(c, t, err)) {
        return false;
    }
    memcpy(out, c->buf.p, c->buf.n);
    c->report->tiles++;
    return true;
}

static bool open_checkpoint(struct check *c, const struct tlog_vkey *key,
                            struct wh_err *err)
{
    struct tlog_checkpoint *cp = &c->report->checkpoint;
    return fetch(c, "checkpoint", TLOG_NOTE_MAX, err) &&
           tlog_checkpoint_open(wh_buf_str(&c->buf), key, cp, err);
}

static bool same_root(const struct check *c, const struct tlog_frontier *f,
                      struct wh_err *err)
{
    struct tlog_hash root;
    tlog_frontier_root(f, &root);
    return tlog_hash_eq(&root, &c->report->checkpoint.root) ||
           wh_fail(err, WH_CORRUPT,
                   "the tiles do not lead to the root of the checkpoint");
}

bool register_fsck_light(const struct register_source *src,
                         const struct tlog_vkey *key,
                         struct register_fsck_report *report,
                         struct wh_err *err)
{
    struct check c;
    struct tlog_frontier f;
    memset(report, 0, sizeof *report);
    check_init(&c, src, report);
    struct tlog_tiles *tiles = wh_alloc(sizeof *tiles);
    bool ok = open_checkpoint(&c, key, err);
    if (ok) {
        uint64_t size = report->checkpoint.size;
        tlog_tiles_init(tiles, size, get_tile, &c);
        struct tlog_reader reader = tlog_tiles_reader(tiles);
        ok = tlog_frontier_read(&reader, size, &f, err) &&
             same_root(&c, &f, err);
    }
    wh_free(tiles);
    wh_buf_done(&c.buf);
    return ok;
}

/* A tile must be what the entries made of it. */
static bool check_tile(struct check *c, const struct register_edge *edge,
                       const struct tlog_tile *t, struct wh_err *err)
{
    if (!fetch_tile(c, t, err)) {
        return false;
    }
    if (!wh_str_eq(register_edge_tile(edge, t), wh_buf_str(&c->buf))) {
        return wh_fail(err, WH_CORRUPT,
                       "a tile does not match the entries below it");
    }
    c->report->tiles++;
    return true;
}

/* Tiles that are complete after `to` entries and were not after `from`; at the
 * end also the partial ones. */
static bool check_tiles(struct check *c, const struct register_edge *edge,
                        uint64_t from, uint64_t to, struct wh_err *err)
{
    bool end = to == c->report->checkpoint.size;
    for (unsigned level = 0; level < TLOG_TILE_LEVELS; level++) {
        struct tlog_tile t = {.level = level};
        t.index = (from >> (TLOG_TILE_HEIGHT * level)) / TLOG_TILE_WIDTH;
        t.width = tlog_tile_width(to, level, t.index);
        bool full = t.width == TLOG_TILE_WIDTH;
        if (t.width > 0 && (full || end) && !check_tile(c, edge, &t, err)) {
            return false;
        }
    }
    return true;
}

/* One bundle into the edge. */
static bool add_bundle(struct check *c, struct register_edge *edge,
                       uint64_t from, struct wh_err *err)
{
    struct wh_str entries[TLOG_TILE_WIDTH];
    struct tlog_tile t = {.entries = true, .index = from / TLOG_TILE_WIDTH};
    t.width = tlog_tile_width(c->report->checkpoint.size, 0, t.index);
    if (!fetch_tile(c, &t, err) ||
        !tlog_bundle_split(wh_buf_str(&c->buf), t.width, entries, err)) {
        return false;
    }
    for (unsigned i = 0; i < t.width; i++) {
        struct tlog_hash h;
        tlog_hash_leaf(entries[i], &h);
        register_edge_add(edge, &h);
    }
    c->report->entries += t.width;
    return check_tiles(c, edge, from, from + t.width, err);
}

bool register_fsck_scrub(const struct register_source *src,
                         const struct tlog_vkey *key,
                         register_progress *progress, void *ctx,
                         struct register_fsck_report *report,
                         struct wh_err *err)
{
    struct check c;
    memset(report, 0, sizeof *report);
    check_init(&c, src, report);
    struct register_edge *edge = wh_alloc(sizeof *edge);
    bool ok = open_checkpoint(&c, key, err);
    uint64_t size = ok ? report->checkpoint.size : 0;
    for (uint64_t at = 0; ok && at < size; at += TLOG_TILE_WIDTH) {
        ok = add_bundle(&c, edge, at, err);
        register_edge_trim(edge);
        if (ok && progress) {
            progress(ctx, report->entries, size);
        }
    }
    ok = ok && same_root(&c, &edge->frontier, err);
    wh_free(edge);
    wh_buf_done(&c.buf);
    return ok;
}
