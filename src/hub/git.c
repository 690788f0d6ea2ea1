/*
 * git.c - the libgit2 object database over our rows, and the overlay of new
 * objects that are not rows yet.
 *
 * libgit2 sees one backend. Its reads look into the overlay first and then
 * into the table; its writes go to the overlay only. References never pass
 * through libgit2: they are rows with a compare-and-swap (git_ref.c), because
 * its reference backend would have to know about transactions that it can not
 * see.
 */
#include "hub/git.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/mem.h"
#include "hub/git_impl.h"
#include <stdio.h>

/* Bytes that one job may add as new objects; large files are content. */
#define OVERLAY_MAX ((size_t)256 << 20)
/* The largest regular blob that is ever read back whole. */
#define BLOB_MAX ((uint64_t)64 << 20)

struct backend {
    git_odb_backend parent; /* first: libgit2 hands this pointer around */
    struct hub_git *g;
};

bool hub_git_fail(struct wh_err *err, enum wh_code code, const char *what)
{
    const git_error *e = git_error_last();

    wh_fail(err, code, "%s", what);
    return wh_err_detail(err, "%s: %s", what, e ? e->message : "no detail");
}

bool hub_git_init(struct wh_err *err)
{
    if (git_libgit2_init() < 0) {
        return hub_git_fail(err, WH_OUTSIDE, "libgit2 does not start");
    }
    for (int level = GIT_CONFIG_LEVEL_PROGRAMDATA;
         level <= GIT_CONFIG_LEVEL_GLOBAL; level++) {
        git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    }
    return true;
}

/* ---- the overlay: a list, and an open-addressed index over it ---- */

/* Object names are uniform already: their first bytes are the hash. */
static size_t first_slot(const struct hub_git *g, const git_oid *oid)
{
    uint64_t h;

    memcpy(&h, oid->id, sizeof h);
    return (size_t)(h % (2 * g->cap));
}

/* The slot of this name: the one that holds it, or the free one where it
 * belongs. The index is at most half full, so the walk ends. */
static size_t find_slot(const struct hub_git *g, const git_oid *oid)
{
    size_t i = first_slot(g, oid);

    while (g->slots[i] && !git_oid_equal(&g->fresh[g->slots[i] - 1].oid, oid)) {
        i = (i + 1) % (2 * g->cap);
    }
    return i;
}

struct hub_git_new *hub_git_overlay(struct hub_git *g, const git_oid *oid)
{
    uint32_t at = g->n ? g->slots[find_slot(g, oid)] : 0;

    return at ? &g->fresh[at - 1] : NULL;
}

static void grow_overlay(struct hub_git *g)
{
    g->cap = g->cap ? g->cap * 2 : 16;
    g->fresh = wh_realloc(g->fresh, g->cap * sizeof *g->fresh);
    wh_free(g->slots);
    g->slots = wh_calloc(2 * g->cap, sizeof *g->slots);
    for (size_t i = 0; i < g->n; i++) {
        g->slots[find_slot(g, &g->fresh[i].oid)] = (uint32_t)(i + 1);
    }
}

void hub_git_overlay_add(struct hub_git *g, const struct hub_git_new *o)
{
    if (hub_git_overlay(g, &o->oid)) {
        return;
    }
    if (g->n == g->cap) {
        grow_overlay(g);
    }
    wh_assert(g->fresh);
    g->fresh[g->n] = *o;
    g->fresh[g->n].data = wh_arena_dup(&g->overlay, o->data);
    g->slots[find_slot(g, &o->oid)] = (uint32_t)(g->n + 1);
    g->n++;
}

/* ---- rows ---- */

static void read_meta_row(struct db_stmt *st, struct hub_git_meta *out)
{
    *out = (struct hub_git_meta){0};
    out->type = (git_object_t)db_col_i64(st, 0);
    out->size = (uint64_t)db_col_i64(st, 1);
    if (!db_col_is_null(st, 2)) {
        db_col_cstr(st, 2, out->content, sizeof out->content);
    }
    if (!db_col_is_null(st, 3)) {
        out->lfs = true;
        db_col_cstr(st, 3, out->pointer.sha256, sizeof out->pointer.sha256);
        out->pointer.size = (uint64_t)db_col_i64(st, 4);
    }
    db_col_cstr(st, 5, out->class, sizeof out->class);
}

static struct db_stmt *start_by_oid(struct hub_git *g, enum db_query q,
                                    const git_oid *oid)
{
    struct db_stmt *st = db_start(g->db, q);

    db_bind_i64(st, 1, g->repo);
    db_bind_blob(st, 2, oid->id, GIT_OID_RAWSZ);
    return st;
}

bool hub_git_meta(struct hub_git *g, const git_oid *oid, bool *found,
                  struct hub_git_meta *out, struct wh_err *err)
{
    const struct hub_git_new *o = hub_git_overlay(g, oid);
    struct db_stmt *st;
    enum db_row row;

    if (o) {
        *out = (struct hub_git_meta){.type = o->type,
                                     .size = o->size,
                                     .lfs = o->lfs,
                                     .pointer = o->pointer};
        memcpy(out->content, o->content, sizeof out->content);
        memcpy(out->class, o->class, sizeof out->class);
        *found = true;
        return true;
    }
    st = start_by_oid(g, DBQ_GIT_OBJECT_META, oid);
    row = db_step(st, err);
    *found = row == DB_ROW;
    if (*found) {
        read_meta_row(st, out);
    }
    db_finish(&st);
    return row != DB_FAIL;
}

/* ---- libgit2's callbacks; they answer libgit2's codes ---- */

/* Hand bytes to libgit2 in memory that it may free. */
static int give(git_odb_backend *be, struct wh_str data, void **out,
                size_t *size)
{
    void *p = git_odb_backend_data_alloc(be, data.n);

    if (!p) {
        return GIT_ERROR;
    }
    memcpy(p, data.p, data.n);
    *out = p;
    *size = data.n;
    return GIT_OK;
}

/* The bytes of a large regular blob, from opened content. */
static int give_content(git_odb_backend *be, const struct hub_git *g,
                        struct wh_str sha256, uint64_t size, void **out,
                        size_t *out_n)
{
    struct wh_arena a;
    struct wh_err err = {0};
    struct wh_str data, path;
    int rc = GIT_ERROR;

    if (size > BLOB_MAX || sha256.n < 2) {
        return GIT_ERROR;
    }
    wh_arena_init(&a, (size_t)size + 8192);
    path =
        wh_arena_fmt(&a, "%s/%.2s/%.*s", g->open_dir, sha256.p, WH_FMT(sha256));
    if (wh_file_read(&a, path.p, (size_t)size, &data, &err) && data.n == size) {
        rc = give(be, data, out, out_n);
    }
    wh_arena_done(&a);
    return rc;
}

static int cb_read(void **out, size_t *size, git_object_t *type,
                   git_odb_backend *be, const git_oid *oid)
{
    struct hub_git *g = ((struct backend *)be)->g;
    const struct hub_git_new *o = hub_git_overlay(g, oid);
    struct wh_err err = {0};
    struct db_stmt *st;
    int rc = GIT_ERROR;

    if (o && !o->content[0]) {
        *type = o->type;
        return give(be, o->data, out, size);
    }
    if (o) {
        *type = o->type;
        return give_content(be, g, wh_str_of(o->content), o->size, out, size);
    }
    st = start_by_oid(g, DBQ_GIT_OBJECT_READ, oid);
    switch (db_step(st, &err)) {
    case DB_ROW:
        *type = (git_object_t)db_col_i64(st, 0);
        rc = db_col_is_null(st, 3)
                 ? give(be, db_col_blob(st, 2), out, size)
                 : give_content(be, g, db_col_text(st, 3),
                                (uint64_t)db_col_i64(st, 1), out, size);
        break;
    case DB_DONE:
        rc = GIT_ENOTFOUND;
        break;
    case DB_FAIL:
        break;
    }
    db_finish(&st);
    return rc;
}

static int cb_read_header(size_t *size, git_object_t *type, git_odb_backend *be,
                          const git_oid *oid)
{
    struct hub_git *g = ((struct backend *)be)->g;
    struct hub_git_meta meta;
    struct wh_err err = {0};
    bool found;

    if (!hub_git_meta(g, oid, &found, &meta, &err)) {
        return GIT_ERROR;
    }
    if (!found) {
        return GIT_ENOTFOUND;
    }
    *size = (size_t)meta.size;
    *type = meta.type;
    return GIT_OK;
}

static int cb_exists(git_odb_backend *be, const git_oid *oid)
{
    struct hub_git_meta meta;
    struct wh_err err = {0};
    bool found = false;

    return hub_git_meta(((struct backend *)be)->g, oid, &found, &meta, &err) &&
           found;
}

/* Bounds of all object names that start with `len` digits of `prefix`. */
static void prefix_bounds(const git_oid *prefix, size_t len, git_oid *lo,
                          git_oid *hi)
{
    *lo = *prefix;
    *hi = *prefix;
    for (size_t i = len; i < GIT_OID_HEXSZ; i++) {
        int shift = i % 2 ? 0 : 4;
        unsigned char mask = (unsigned char)(0x0f << shift);
        lo->id[i / 2] = (unsigned char)(lo->id[i / 2] & ~mask);
        hi->id[i / 2] = (unsigned char)(hi->id[i / 2] | mask);
    }
}

static int cb_exists_prefix(git_oid *out, git_odb_backend *be,
                            const git_oid *prefix, size_t len)
{
    struct hub_git *g = ((struct backend *)be)->g;
    struct wh_err err = {0};
    struct db_stmt *st = db_start(g->db, DBQ_GIT_OBJECT_PREFIX);
    git_oid lo, hi;
    int rows = 0;

    prefix_bounds(prefix, len, &lo, &hi);
    db_bind_i64(st, 1, g->repo);
    db_bind_blob(st, 2, lo.id, GIT_OID_RAWSZ);
    db_bind_blob(st, 3, hi.id, GIT_OID_RAWSZ);
    while (db_step(st, &err) == DB_ROW) {
        struct wh_str oid = db_col_blob(st, 0);
        if (oid.n == GIT_OID_RAWSZ) {
            memcpy(out->id, oid.p, GIT_OID_RAWSZ);
            rows++;
        }
    }
    db_finish(&st);
    return rows == 0 ? GIT_ENOTFOUND : rows == 1 ? GIT_OK : GIT_EAMBIGUOUS;
}

static int cb_read_prefix(git_oid *found, void **out, size_t *size,
                          git_object_t *type, git_odb_backend *be,
                          const git_oid *prefix, size_t len)
{
    int rc = cb_exists_prefix(found, be, prefix, len);

    return rc == GIT_OK ? cb_read(out, size, type, be, found) : rc;
}

static int cb_write(git_odb_backend *be, const git_oid *oid, const void *data,
                    size_t len, git_object_t type)
{
    struct hub_git *g = ((struct backend *)be)->g;
    struct hub_git_new o = {.oid = *oid, .type = type, .size = len};

    if (len > OVERLAY_MAX - g->overlay.used) {
        return GIT_ERROR;
    }
    o.data = wh_str_mem(data, len);
    o.lfs = type == GIT_OBJECT_BLOB && hub_pointer_parse(o.data, &o.pointer);
    hub_git_overlay_add(g, &o);
    return GIT_OK;
}

static int cb_foreach(git_odb_backend *be, git_odb_foreach_cb cb, void *payload)
{
    struct hub_git *g = ((struct backend *)be)->g;
    struct wh_err err = {0};
    struct db_stmt *st = db_start(g->db, DBQ_GIT_OBJECT_EACH);
    int rc = 0;

    db_bind_i64(st, 1, g->repo);
    while (rc == 0 && db_step(st, &err) == DB_ROW) {
        struct wh_str raw = db_col_blob(st, 0);
        git_oid oid;
        if (raw.n == GIT_OID_RAWSZ) {
            memcpy(oid.id, raw.p, GIT_OID_RAWSZ);
            rc = cb(&oid, payload);
        }
    }
    db_finish(&st);
    return rc;
}

static void cb_free(git_odb_backend *be)
{
    wh_free(be);
}

static git_odb_backend *make_backend(struct hub_git *g)
{
    struct backend *b = wh_alloc(sizeof *b);

    git_odb_init_backend(&b->parent, GIT_ODB_BACKEND_VERSION);
    b->parent.read = cb_read;
    b->parent.read_prefix = cb_read_prefix;
    b->parent.read_header = cb_read_header;
    b->parent.write = cb_write;
    b->parent.exists = cb_exists;
    b->parent.exists_prefix = cb_exists_prefix;
    b->parent.foreach = cb_foreach;
    b->parent.free = cb_free;
    b->g = g;
    return &b->parent;
}

/* ---- opening and closing ---- */

/* An empty configuration, so that libgit2 never reads the host's. */
static bool set_empty_config(git_repository *git)
{
    git_config *config = NULL;
    bool ok = git_config_new(&config) == 0 &&
              git_repository_set_config(git, config) == 0;

    git_config_free(config);
    return ok;
}

bool hub_git_open(struct db *db, int64_t repo, const char *open_dir,
                  struct hub_git **out, struct wh_err *err)
{
    struct hub_git *g = wh_alloc(sizeof *g);
    git_odb_backend *backend;

    g->db = db;
    g->repo = repo;
    g->open_dir = open_dir;
    wh_arena_init(&g->overlay, OVERLAY_MAX);
    if (git_odb_new(&g->odb) < 0) {
        goto fail;
    }
    backend = make_backend(g);
    if (git_odb_add_backend(g->odb, backend, 1) < 0) {
        cb_free(backend);
        goto fail;
    }
    if (git_repository_wrap_odb(&g->git, g->odb) < 0 ||
        !set_empty_config(g->git)) {
        goto fail;
    }
    *out = g;
    return true;
fail:
    hub_git_fail(err, WH_OUTSIDE, "the repository does not open");
    hub_git_close(&g);
    return false;
}

void hub_git_close(struct hub_git **g)
{
    if (!*g) {
        return;
    }
    git_repository_free((*g)->git);
    git_odb_free((*g)->odb);
    wh_arena_done(&(*g)->overlay);
    wh_free((*g)->fresh);
    wh_free((*g)->slots);
    wh_free(*g);
    *g = NULL;
}

/* ---- object names ---- */

void hub_oid_hex(const struct hub_oid *oid, char out[HUB_OID_HEX + 1])
{
    wh_hex_enc(oid->b, HUB_OID_LEN, out);
}

bool hub_oid_parse(struct wh_str hex, struct hub_oid *out)
{
    return wh_hex_dec(hex, out->b, HUB_OID_LEN, false);
}

bool hub_oid_eq(const struct hub_oid *a, const struct hub_oid *b)
{
    return memcmp(a->b, b->b, HUB_OID_LEN) == 0;
}

bool hub_oid_zero(const struct hub_oid *a)
{
    static const struct hub_oid zero;

    return hub_oid_eq(a, &zero);
}
