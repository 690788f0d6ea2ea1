/*
 * fsck_db.c - the two checks that need more than published files: what lies in
 * the folder besides, and whether the database says the same as the log.
 */
#include "base/json.h"
#include "base/mem.h"
#include "register/fsck.h"
#include "register/leaf.h"
#include "register/rows.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 12 /* tile/L/ and seven groups of digits and .p */

struct walk {
    const char *dir;
    uint64_t size;
    struct register_fsck_report *report;
};

static bool name_allowed(const char *name, uint64_t size)
{
    static const char *const fixed[] = {"checkpoint", "lock", "tmp"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (strcmp(name, fixed[i]) == 0) {
            return true;
        }
    }
    struct tlog_tile t;
    return tlog_tile_parse(wh_str_of(name), &t) &&
           t.width <= tlog_tile_width(size, t.level, t.index);
}

static bool walk(const struct walk *w, const char *name, int depth,
                 struct wh_err *err);

/* One name below a folder. */
static bool walk_name(const struct walk *w, const char *folder,
                      const char *base, int depth, struct wh_err *err)
{
    char name[PATH_MAX], path[PATH_MAX];
    int n = snprintf(name, sizeof name, "%s%s%s", folder, folder[0] ? "/" : "",
                     base);
    int m = snprintf(path, sizeof path, "%s/%s", w->dir, name);
    struct stat st;
    if (n < 0 || (size_t)n >= sizeof name || m < 0 ||
        (size_t)m >= sizeof path || lstat(path, &st) != 0) {
        return wh_fail_errno(err, WH_IO, "looking at a file of the register");
    }
    if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
        return walk(w, name, depth + 1, err);
    }
    if (!S_ISREG(st.st_mode) || !name_allowed(name, w->size)) {
        snprintf(w->report->where, sizeof w->report->where, "%.63s", name);
        return wh_fail(err, WH_CORRUPT,
                       "a file that the checkpoint does not allow");
    }
    return true;
}

static bool walk(const struct walk *w, const char *name, int depth,
                 struct wh_err *err)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", w->dir, name);
    DIR *d = n > 0 && (size_t)n < sizeof path ? opendir(path) : NULL;
    if (!d) {
        return wh_fail_errno(err, WH_IO, "opening a folder of the register");
    }
    bool ok = true;
    for (const struct dirent *e; ok && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            ok = walk_name(w, name, e->d_name, depth, err);
        }
    }
    closedir(d);
    return ok;
}

bool register_fsck_extra(const char *dir, uint64_t size,
                         struct register_fsck_report *report,
                         struct wh_err *err)
{
    const struct walk w = {.dir = dir, .size = size, .report = report};
    return walk(&w, "", 0, err);
}

/* The database check's progress through the log. */
struct compare {
    struct db *db;
    const struct register_source *src;
    const struct tlog_vkey *key;
    struct register_fsck_report *report;
    struct tlog_frontier frontier;
    uint64_t next_cp; /* size of the next head to compare, or UINT64_MAX */
    struct tlog_hash next_root;
    int64_t subjects;
};

static bool differs(const char *what, uint64_t index, struct wh_err *err)
{
    return wh_fail(err, WH_CORRUPT,
                   "the database and the published log differ in %s at %llu",
                   what, (unsigned long long)index);
}

/* The next signed head above `size`; its note must be ours. */
static bool next_head(struct compare *c, uint64_t size, struct wh_err *err)
{
    struct tlog_checkpoint cp;
    struct db_stmt *s = db_start(c->db, DBQ_REGISTER_CP_LIST);
    db_bind_i64(s, 1, (int64_t)size);
    db_bind_i64(s, 2, 1);
    enum db_row r = db_step(s, err);
    bool ok = r != DB_FAIL;
    c->next_cp = UINT64_MAX;
    if (r == DB_ROW) {
        c->next_cp = (uint64_t)db_col_i64(s, 0);
        ok = tlog_checkpoint_open(db_col_text(s, 2), c->key, &cp, err) &&
             ((cp.size == c->next_cp &&
               db_col_hex(s, 1, c->next_root.b, TLOG_HASH) &&
               tlog_hash_eq(&cp.root, &c->next_root)) ||
              differs("a signed head", c->next_cp, err));
    }
    db_finish(&s);
    return ok;
}

static bool head_here(struct compare *c, struct wh_err *err)
{
    if (c->frontier.size != c->next_cp) {
        return true;
    }
    struct tlog_hash root;
    tlog_frontier_root(&c->frontier, &root);
    return (tlog_hash_eq(&root, &c->next_root) ||
            differs("a signed head", c->next_cp, err)) &&
           next_head(c, c->frontier.size, err);
}

/* Every subject of the leaf is in the index under this entry. */
static bool compare_subjects(struct compare *c, const json_t *leaf,
                             uint64_t index, struct wh_err *err)
{
    const json_t *list = json_object_get(leaf, "subject");
    size_t want = json_array_size(list), found = 0;
    struct db_stmt *s = db_start(c->db, DBQ_REGISTER_SUBJECTS_AT);
    db_bind_i64(s, 1, (int64_t)index);
    enum db_row r;
    while ((r = db_step(s, err)) == DB_ROW) {
        for (size_t i = 0; i < want; i++) {
            const char *d = json_string_value(json_array_get(list, i));
            if (wh_str_is(db_col_text(s, 0), d + strlen("sha256:"))) {
                found++;
                break;
            }
        }
        c->subjects++;
    }
    db_finish(&s);
    if (r == DB_FAIL) {
        return false;
    }
    return found == want || differs("the subject index", index, err);
}

static bool compare_entry(struct compare *c, struct wh_str published,
                          struct db_stmt *row, struct wh_err *err)
{
    uint64_t index = c->frontier.size;
    struct tlog_hash h;
    tlog_hash_leaf(published, &h);
    if ((uint64_t)db_col_i64(row, 0) != index ||
        !wh_str_eq(db_col_blob(row, 1), published) ||
        !wh_str_eq(db_col_blob(row, 2), wh_str_mem(h.b, TLOG_HASH))) {
        return differs("an entry", index, err);
    }
    struct wh_arena a;
    json_t *leaf;
    wh_arena_init(&a, 65536);
    bool ok = register_leaf_parse(&a, published, &leaf, err) &&
              compare_subjects(c, leaf, index, err);
    wh_arena_done(&a);
    tlog_frontier_add(&c->frontier, &h);
    return ok && head_here(c, err);
}

static bool compare_bundle(struct compare *c, struct wh_buf *buf,
                           struct wh_err *err)
{
    struct wh_str entries[TLOG_TILE_WIDTH];
    uint64_t from = c->frontier.size;
    struct tlog_tile t = {.entries = true, .index = from / TLOG_TILE_WIDTH};
    t.width = tlog_tile_width(c->report->checkpoint.size, 0, t.index);
    tlog_tile_name(&t, c->report->where);
    wh_buf_reset(buf);
    if (!c->src->get(c->src->ctx, c->report->where, TLOG_BUNDLE_MAX, buf,
                     err) ||
        !tlog_bundle_split(wh_buf_str(buf), t.width, entries, err)) {
        return false;
    }
    struct db_stmt *s = db_start(c->db, DBQ_REGISTER_ENTRY_LEAVES);
    db_bind_i64(s, 1, (int64_t)from);
    db_bind_i64(s, 2, (int64_t)(from + t.width));
    bool ok = true;
    for (unsigned i = 0; ok && i < t.width; i++) {
        enum db_row r = db_step(s, err);
        ok = r == DB_ROW ? compare_entry(c, entries[i], s, err)
                         : r == DB_DONE && differs("an entry", from + i, err);
    }
    db_finish(&s);
    return ok;
}

bool register_fsck_database(struct db *db, const struct register_source *src,
                            const struct tlog_vkey *key,
                            struct register_fsck_report *report,
                            struct wh_err *err)
{
    struct compare *c = wh_alloc(sizeof *c);
    *c = (struct compare){.db = db, .src = src, .key = key, .report = report};
    struct wh_buf buf;
    wh_buf_init(&buf, TLOG_BUNDLE_MAX);
    uint64_t size = report->checkpoint.size;
    bool ok = next_head(c, 0, err);
    while (ok && c->frontier.size < size) {
        ok = compare_bundle(c, &buf, err);
    }
    int64_t subjects = 0;
    ok = ok && db_one_i64(db_start(db, DBQ_REGISTER_SUBJECT_COUNT), 0,
                          &subjects, err);
    /* a log that grows meanwhile has more; fewer or foreign rows it never has
     */
    if (ok && subjects < c->subjects) {
        ok = differs("the subject index", size, err);
    }
    wh_buf_done(&buf);
    wh_free(c);
    return ok;
}
