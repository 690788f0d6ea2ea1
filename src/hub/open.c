/*
 * open.c - files of opened content come, are named, and go. The header says why
 * no file goes that is needed.
 */
#include "hub/open.h"
#include "base/file.h"
#include "base/log.h"
#include "store/content.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDERS 256u
/* Names after which a part of the sweep ends, with the folder it is in. */
#define NAMES_MAX 20000u
/* DATA/open, two digits, a digest. */
#define PATH_ROOM 4200

/* False if it does not fit, which no path of ours does. */
static bool path_of(char out[PATH_ROOM], const char *open_dir,
                    const char *sha256)
{
    int n = snprintf(out, PATH_ROOM, "%s/%.2s/%s", open_dir, sha256, sha256);

    return n > 0 && n < PATH_ROOM;
}

static int64_t written_us(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000 +
           (int64_t)st->st_mtim.tv_nsec / 1000;
}

/* ---- coming ---- */

bool hub_open_there(const char *open_dir, const char sha256[WH_SHA256_HEX + 1],
                    uint64_t size)
{
    char path[PATH_ROOM];
    struct stat st;

    return path_of(path, open_dir, sha256) && stat(path, &st) == 0 &&
           (uint64_t)st.st_size == size;
}

/* What is there already is made young, so that it is not swept right now. */
static bool freshen(const char *path, uint64_t size)
{
    struct stat st;

    return stat(path, &st) == 0 && (uint64_t)st.st_size == size &&
           utimensat(AT_FDCWD, path, NULL, 0) == 0;
}

bool hub_open_put(const char *open_dir, struct wh_str data,
                  const char sha256[WH_SHA256_HEX + 1], struct wh_err *err)
{
    char path[PATH_ROOM], dir[PATH_ROOM];

    if (!path_of(path, open_dir, sha256)) {
        return wh_fail(err, WH_INTERNAL, "");
    }
    if (freshen(path, data.n)) {
        return true;
    }
    (void)snprintf(dir, sizeof dir, "%.*s",
                   (int)(strlen(path) - WH_SHA256_HEX - 1), path);
    return wh_dir_make(dir, 0755, err) &&
           wh_file_write_atomic(path, data, 0644, err);
}

/* ---- going ---- */

struct collect {
    const char *open_dir;
    char (*sha256)[WH_SHA256_HEX + 1];
    size_t n;
    int64_t before;
    size_t removed;
};

static bool drop_rows_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct collect *c = ctx;

    for (size_t i = 0; i < c->n; i++) {
        bool needed;
        if (!store_open_needed(db, c->sha256[i], &needed, err) ||
            (!needed && !store_open_drop(db, c->sha256[i], err))) {
            return false;
        }
    }
    return true;
}

/* Does any row name the file, or need it? */
static bool is_named(struct db *db, const char *sha256, bool *named,
                     struct wh_err *err)
{
    uint64_t size;
    bool open;

    if (!store_open_needed(db, sha256, named, err) ||
        !store_open_find(db, sha256, &open, &size, err)) {
        return false;
    }
    *named = *named || open;
    return true;
}

static bool remove_file(struct collect *c, const char *sha256)
{
    char path[PATH_ROOM];
    struct stat st;

    return path_of(path, c->open_dir, sha256) && lstat(path, &st) == 0 &&
           S_ISREG(st.st_mode) && written_us(&st) < c->before &&
           unlink(path) == 0;
}

static bool drop_files_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct collect *c = ctx;

    for (size_t i = 0; i < c->n; i++) {
        bool named;
        if (!is_named(db, c->sha256[i], &named, err)) {
            return false;
        }
        c->removed += !named && remove_file(c, c->sha256[i]);
    }
    return true;
}

bool hub_open_collect(struct db_writer *writer, const char *open_dir,
                      char (*sha256)[WH_SHA256_HEX + 1], size_t n,
                      int64_t before, size_t *removed, struct wh_err *err)
{
    struct collect c = {
        .open_dir = open_dir, .sha256 = sha256, .n = n, .before = before};

    wh_assert(n <= HUB_OPEN_BATCH);
    if (n > 0 && (!db_write(writer, drop_rows_fn, &c, err) ||
                  !db_write(writer, drop_files_fn, &c, err))) {
        return false;
    }
    if (removed) {
        *removed += c.removed;
    }
    return true;
}

/* ---- the sweep ---- */

struct sweep {
    struct db_writer *writer;
    const char *open_dir;
    struct db *db;
    int64_t before;
    DIR *d;
    char name[3]; /* of the folder */
    char batch[HUB_OPEN_BATCH][WH_SHA256_HEX + 1];
    size_t n;             /* in the batch */
    size_t seen, removed; /* names, files */
};

static bool collect_batch(struct sweep *s, struct wh_err *err)
{
    size_t n = s->n;

    s->n = 0;
    return hub_open_collect(s->writer, s->open_dir, s->batch, n, s->before,
                            &s->removed, err);
}

/* Sixty-four digits, as we write them, in the folder of the first two. */
static bool is_digest(const struct sweep *s, struct wh_str name)
{
    bool ok =
        name.n == WH_SHA256_HEX && wh_str_starts(name, wh_str_of(s->name));

    for (size_t i = 0; ok && i < name.n; i++) {
        ok = strchr("0123456789abcdef", name.p[i]) != NULL;
    }
    return ok;
}

static bool is_unfinished(struct wh_str name)
{
    return wh_str_ends(name, WH_S(HUB_OPEN_UNFINISHED)) ||
           wh_str_ends(name, WH_S(".tmp"));
}

/* One name: nothing of ours stays as it is, what is needed too. */
static bool visit(struct sweep *s, const char *text, struct wh_err *err)
{
    struct wh_str name = wh_str_of(text);
    struct stat st;
    bool named;

    s->seen++;
    if (fstatat(dirfd(s->d), text, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode) || written_us(&st) >= s->before) {
        return true;
    }
    if (is_unfinished(name)) {
        s->removed += unlinkat(dirfd(s->d), text, 0) == 0;
        return true;
    }
    if (!is_digest(s, name)) {
        return true;
    }
    if (!store_open_needed(s->db, text, &named, err)) {
        return false;
    }
    if (named) {
        return true;
    }
    memcpy(s->batch[s->n++], text, WH_SHA256_HEX + 1);
    return s->n < HUB_OPEN_BATCH || collect_batch(s, err);
}

/* Something else than a folder of ours bears the name: that is for people, and
 * no reason to stop. */
static bool passes_by(const struct sweep *s, int why)
{
    bool strange = why == ENOTDIR || why == ELOOP || why == EACCES;

    if (strange) {
        wh_log(WH_WARN, "open.folder", "name=%s why=\"%s\"", s->name,
               why == EACCES ? "it can not be read" : "it is no folder");
    }
    return strange || why == ENOENT;
}

/* Open the next folder; *there is false when there is none of this name that
 * can be gone through. */
static bool open_folder(struct sweep *s, unsigned number, bool *there,
                        struct wh_err *err)
{
    char path[PATH_ROOM];
    int fd;

    (void)snprintf(s->name, sizeof s->name, "%02x", number % FOLDERS);
    (void)snprintf(path, sizeof path, "%s/%s", s->open_dir, s->name);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    s->d = fd < 0 ? NULL : fdopendir(fd);
    *there = s->d != NULL;
    if (*there || passes_by(s, errno)) {
        return true;
    }
    wh_fail_errno(err, WH_IO, "the folder of opened content");
    wh_fd_close(&fd);
    return false;
}

static bool sweep_folder(struct sweep *s, unsigned number, struct wh_err *err)
{
    bool there, ok = open_folder(s, number, &there, err);

    if (!ok || !there) {
        return ok;
    }
    for (const struct dirent *e; ok && (e = readdir(s->d)) != NULL;) {
        ok = e->d_name[0] == '.' || visit(s, e->d_name, err);
    }
    closedir(s->d);
    return ok && collect_batch(s, err);
}

bool hub_open_sweep(struct db_writer *writer, const char *open_dir,
                    struct db *db, struct hub_open_walk *w, int64_t before,
                    struct wh_err *err)
{
    struct sweep s = {
        .writer = writer, .open_dir = open_dir, .db = db, .before = before};
    bool ok = true;

    for (unsigned i = 0; ok && i < FOLDERS && s.seen < NAMES_MAX; i++) {
        ok = sweep_folder(&s, w->folder, err);
        w->folder = (w->folder + 1) % FOLDERS;
    }
    if (s.removed > 0) {
        wh_log(WH_INFO, "open.swept", "files=%zu", s.removed);
    }
    return ok;
}
