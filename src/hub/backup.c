/*
 * backup.c - what belongs to a copy of the data folder, in which order.
 */
#include "hub/backup.h"
#include "base/file.h"
#include "base/keyset.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/backup.h"
#include "store/repo.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_ROOM 4500
#define DEPTH_MAX 10u
#define KEYS_MAX ((size_t)16 << 20)
#define STEP ((size_t)1 << 20)
#define BATCH 1000u
#define CHECKPOINT "register/checkpoint"

/* ---- what may be older than the database ---- */

/* Names that are not copied: sockets, what rows name (it comes later), what is
 * only half written, locks, the database itself, the keys of the watch (a copy
 * of them would outlive the day on which they are to be forgotten), and the
 * admin's token: whoever reads a backup is not thereby the admin. */
static bool is_left_out(const char *name, unsigned depth)
{
    static const char *const top[] = {
        "run",        "sealed",       "open",         "watch",
        "house.db",   "house.db-wal", "house.db-shm", "house.db-journal",
        "lost+found", HUB_ADMIN_TOKEN};
    struct wh_str s = wh_str_of(name);

    for (size_t i = 0; depth == 0 && i < sizeof top / sizeof *top; i++) {
        if (strcmp(name, top[i]) == 0) {
            return true;
        }
    }
    return name[0] == '.' || strcmp(name, "lock") == 0 ||
           strcmp(name, "tmp") == 0 || wh_str_ends(s, WH_S(".tmp")) ||
           wh_str_ends(s, WH_S(".new")) || wh_str_ends(s, WH_S(".part"));
}

struct copying {
    const char *data;
    struct hub_archive *ar;
};

/* A file as long as it is now; false in *there when it has gone. */
static bool put_path(const struct copying *c, const char *name, bool lasting,
                     bool *there, struct wh_err *err)
{
    char path[PATH_ROOM], in[PATH_ROOM];
    struct stat st;
    int fd, n = snprintf(in, sizeof in, "data/%s", name);
    bool ok;

    (void)snprintf(path, sizeof path, "%s/%s", c->data, name);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    *there = fd >= 0;
    if (fd < 0) {
        return errno == ENOENT || wh_fail_errno(err, WH_IO, path);
    }
    ok = n > 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
             ? hub_archive_put(c->ar, wh_str_mem(in, (size_t)n), fd,
                               (uint64_t)st.st_size, lasting, err)
             : wh_fail(err, WH_CORRUPT, "%.200s is no file", path);
    wh_fd_close(&fd);
    return ok;
}

static bool put_folder(const struct copying *c, const char *sub, unsigned depth,
                       struct wh_err *err)
{
    char path[PATH_ROOM], name[HUB_ARCHIVE_NAME * 3];
    const struct dirent *e;
    bool ok = true, there;
    DIR *d;

    (void)snprintf(path, sizeof path, "%s%s%s", c->data, *sub ? "/" : "", sub);
    d = opendir(path);
    if (!d) {
        return (depth > 0 && errno == ENOENT) ||
               wh_fail_errno(err, WH_IO, path);
    }
    while (ok && (e = readdir(d)) != NULL) {
        struct stat st;
        int n = snprintf(name, sizeof name, "%s%s%s", sub, *sub ? "/" : "",
                         e->d_name);
        if (is_left_out(e->d_name, depth) || n < 0 ||
            (size_t)n >= sizeof name ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        if (strcmp(name, CHECKPOINT) == 0) {
            continue; /* it came first */
        }
        if (S_ISDIR(st.st_mode)) {
            ok = depth < DEPTH_MAX ? put_folder(c, name, depth + 1, err)
                                   : wh_fail(err, WH_TOO_LARGE, "");
        } else if (S_ISREG(st.st_mode)) {
            ok = put_path(c, name, false, &there, err);
        }
    }
    closedir(d);
    return ok;
}

/* ---- what rows name ---- */

struct naming {
    struct copying c;
    struct wh_keyset done;
    uint64_t missing;
    char lacks[HUB_ARCHIVE_NAME * 2]; /* the first of them */
};

static bool put_named(struct naming *n, const char *folder, struct wh_str name,
                      struct wh_err *err)
{
    char path[HUB_ARCHIVE_NAME * 2], full[PATH_ROOM];
    bool there = false;

    (void)snprintf(path, sizeof path, "%s/%.2s/%.*s", folder, name.p,
                   WH_FMT(name));
    (void)snprintf(full, sizeof full, "%s/%s", n->c.data, path);
    if (access(full, F_OK) == 0) {
        if (!wh_keyset_add(&n->done, wh_str_of(path))) {
            return true;
        }
        if (!put_path(&n->c, path, true, &there, err)) {
            return false;
        }
    }
    if (!there && n->missing++ == 0) {
        memcpy(n->lacks, path, sizeof n->lacks);
    }
    return true;
}

/* All files of one kind, in the order of their names. */
static bool put_all(struct naming *n, struct db *db, enum db_query q,
                    const char *folder, struct wh_err *err)
{
    char after[80] = "";
    struct wh_arena a;
    bool ok = true;
    size_t count = 1;

    wh_arena_init(&a, (size_t)4 << 20);
    while (ok && count > 0) {
        struct wh_str *list;
        struct db_stmt *st;
        enum db_row row;
        wh_arena_reset(&a);
        list = wh_arena_array(&a, BATCH, sizeof *list);
        st = db_start(db, q);
        db_bind_cstr(st, 1, after);
        for (count = 0; (row = db_step(st, err)) == DB_ROW && count < BATCH;) {
            list[count++] = db_col_dup(st, 0, &a);
        }
        db_finish(&st);
        ok = row != DB_FAIL;
        for (size_t i = 0; ok && i < count; i++) {
            (void)snprintf(after, sizeof after, "%.*s", WH_FMT(list[i]));
            ok = put_named(n, folder, list[i], err);
        }
    }
    wh_arena_done(&a);
    return ok;
}

static bool describe(struct db *db, json_t *summary, struct wh_err *err)
{
    json_t *reg, *sealed;
    struct wh_arena a;
    bool ok;

    wh_arena_init(&a, (size_t)1 << 20);
    ok = hub_backup_register(db, &a, &reg, err);
    if (ok) {
        json_object_set_new(summary, "register", reg);
        ok = hub_backup_sealed(db, 0, &sealed, err);
    }
    if (ok) {
        json_object_set_new(summary, "sealed", sealed);
    }
    wh_arena_done(&a);
    return ok;
}

/* One copy of the database and what it names; *whole when all was there. */
static bool pass(struct naming *n, const char *from, const char *scratch,
                 json_t *summary, bool *whole, struct wh_err *err)
{
    struct db *db;
    bool ok;

    n->missing = 0;
    if (!db_backup(from, scratch, err)) {
        return false;
    }
    db = db_open(scratch, true, err);
    ok = db && put_all(n, db, DBQ_BACKUP_CONTAINERS, "sealed", err) &&
         put_all(n, db, DBQ_BACKUP_OPEN, "open", err);
    *whole = ok && n->missing == 0;
    ok = ok && (!*whole || describe(db, summary, err));
    db_close(&db);
    return ok;
}

static bool put_database(const struct naming *n, const char *scratch,
                         struct wh_err *err)
{
    struct stat st;
    int fd = open(scratch, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool ok = fd >= 0 && fstat(fd, &st) == 0;

    ok = ok ? hub_archive_put(n->c.ar, WH_S("data/house.db"), fd,
                              (uint64_t)st.st_size, false, err)
            : wh_fail_errno(err, WH_IO, scratch);
    wh_fd_close(&fd);
    return ok;
}

bool hub_backup(const char *data, const char *scratch, struct hub_archive *ar,
                json_t *summary, struct wh_err *err)
{
    struct naming n = {.c = {data, ar}};
    char from[PATH_ROOM];
    char lacked[sizeof n.lacks] = "";
    bool ok, there, whole = false;
    unsigned i = 0;

    (void)snprintf(from, sizeof from, "%s/house.db", data);
    wh_keyset_init(&n.done);
    /* the checkpoint before the tiles that it covers */
    ok = put_path(&n.c, CHECKPOINT, false, &there, err) &&
         put_folder(&n.c, "", 0, err);
    for (; ok && !whole && i < HUB_BACKUP_PASSES; i++) {
        if (i > 0 && unlink(scratch) != 0) {
            ok = wh_fail_errno(err, WH_IO, scratch);
        }
        memcpy(lacked, n.lacks, sizeof lacked);
        ok = ok && pass(&n, from, scratch, summary, &whole, err);
        if (ok && !whole && strcmp(lacked, n.lacks) == 0) {
            ok = wh_fail(err, WH_CORRUPT,
                         "the database names %s, which is not there: it is "
                         "lost, and there is no whole backup without it",
                         n.lacks);
        }
    }
    if (ok && !whole) {
        ok = wh_fail(err, WH_UNAVAILABLE,
                     "the house changes faster than it can be copied: try "
                     "again when fewer models open and close");
    }
    json_object_set_new(summary, "passes", json_integer(i));
    ok = ok && put_database(&n, scratch, err);
    (void)unlink(scratch);
    wh_keyset_done(&n.done);
    return ok;
}

/* ---- the way back ---- */

static bool keep_keys(struct hub_restore *r, const struct hub_archive_file *f,
                      struct wh_err *err)
{
    char *p;

    if (f->size > KEYS_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "");
    }
    p = wh_arena_alloc(r->arena, (size_t)f->size + 1);
    r->keys = wh_str_mem(p, (size_t)f->size);
    return f->read(f->from, p, (size_t)f->size, err);
}

static bool write_out(const struct hub_archive_file *f, int fd,
                      struct wh_err *err)
{
    char *step = wh_alloc(STEP);
    bool ok = true;

    for (uint64_t off = 0; ok && off < f->size;) {
        size_t n = f->size - off < STEP ? (size_t)(f->size - off) : STEP;
        ok = f->read(f->from, step, n, err) && wh_fd_write(fd, step, n, err);
        off += n;
    }
    wh_free(step);
    return ok;
}

bool hub_restore_take(void *ctx, const struct hub_archive_file *f,
                      struct wh_err *err)
{
    struct hub_restore *r = ctx;
    struct wh_str name = f->name, top;
    char path[PATH_ROOM], *slash;
    bool ok;
    int fd;

    if (wh_str_is(name, "keys.sealed")) {
        return keep_keys(r, f, err);
    }
    if (!wh_str_cut(&name, '/', &top) || !wh_str_is(top, "data")) {
        return wh_fail(err, WH_CORRUPT, "%.*s is no part of a backup",
                       WH_FMT(f->name));
    }
    (void)snprintf(path, sizeof path, "%s/%.*s", r->data, WH_FMT(name));
    slash = strrchr(path, '/');
    *slash = 0;
    if (!wh_dir_make(path, 0700, err)) {
        return false;
    }
    *slash = '/';
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return wh_fail_errno(err, WH_IO, path);
    }
    ok = write_out(f, fd, err);
    wh_fd_close(&fd);
    r->files++;
    r->bytes += f->size;
    return ok;
}

bool hub_restore_end(struct hub_restore *r, struct wh_err *err)
{
    char path[PATH_ROOM];
    int fd;
    bool ok;

    (void)snprintf(path, sizeof path, "%s/house.db", r->data);
    if (access(path, F_OK) != 0) {
        return wh_fail(err, WH_CORRUPT, "the backup holds no database");
    }
    r->admin = (struct hub_admin){.data = r->data, .restored = true};
    if (!db_sound(path, err) || !hub_admin_renew(&r->admin, err)) {
        return false;
    }
    fd = open(r->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok = fd >= 0 && syncfs(fd) == 0;
    if (!ok) {
        wh_fail_errno(err, WH_IO, r->data);
    }
    wh_fd_close(&fd);
    return ok;
}

/* ---- figures ---- */

bool hub_backup_register(struct db *db, struct wh_arena *a, json_t **out,
                         struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_REGISTER_STATE_GET);
    enum db_row row = db_step(st, err);
    json_t *o;

    if (row == DB_FAIL) {
        db_finish(&st);
        return false;
    }
    o = json_object();
    json_object_set_new(
        o, "size",
        json_integer(row == DB_ROW ? (json_int_t)db_col_i64(st, 2) : 0));
    json_object_set_new(o, "vkey",
                        row == DB_ROW ? wh_json_str(db_col_dup(st, 0, a))
                                      : json_null());
    json_object_set_new(o, "root",
                        row == DB_ROW ? wh_json_str(db_col_dup(st, 3, a))
                                      : json_null());
    db_finish(&st);
    *out = o;
    return true;
}

static bool add_list(struct db *db, unsigned limit, json_t *o,
                     struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_SEALED_ONLY);
    json_t *list = json_array();
    enum db_row row;

    json_object_set_new(o, "list", list);
    db_bind_i64(st, 1, limit);
    while ((row = db_step(st, err)) == DB_ROW) {
        json_t *e = json_object();
        json_object_set_new(
            e, "kind",
            json_string(store_kind_name((enum store_kind)db_col_i64(st, 0))));
        json_object_set_new(e, "repo", wh_json_str(db_col_text(st, 1)));
        json_object_set_new(e, "private", json_boolean(db_col_bool(st, 2)));
        json_object_set_new(e, "files",
                            json_integer((json_int_t)db_col_i64(st, 3)));
        json_object_set_new(e, "bytes",
                            json_integer((json_int_t)db_col_i64(st, 4)));
        json_array_append_new(list, e);
    }
    db_finish(&st);
    return row != DB_FAIL;
}

bool hub_backup_sealed(struct db *db, unsigned limit, json_t **out,
                       struct wh_err *err)
{
    static const char *const names[] = {"files", "bytes", "repos"};
    struct db_stmt *st = db_start(db, DBQ_SEALED_ONLY_TOTAL);
    enum db_row row = db_step(st, err);
    json_t *o = json_object();

    for (int i = 0; row == DB_ROW && i < 3; i++) {
        json_object_set_new(o, names[i],
                            json_integer((json_int_t)db_col_i64(st, i)));
    }
    db_finish(&st);
    if (row == DB_FAIL || (limit > 0 && !add_list(db, limit, o, err))) {
        json_decref(o);
        return false;
    }
    *out = o;
    return true;
}
