/*
 * owners.c - one table of folders and files with their owners.
 *
 * The two folders at the top are root's (the data) and the keeper's (the keys);
 * the group that may make files in them can not touch those of others there,
 * since they are sticky. Everything is opened without following links, and
 * owners are changed through what was opened. A folder that root owned is
 * walked, and its own owner is changed last, so that a start that was cut off
 * is taken up by the next.
 */
#include "cmd/owners.h"
#include "base/file.h"
#include "base/log.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 8u /* containers lie 2 deep, tiles 5 */

enum what { FOLDER, FILE_ALONE };

/* Under the top folder. A folder takes all below it along. */
struct row {
    const char *name;
    enum what what;
    enum cmd_who who;
    mode_t mode; /* of a folder */
};

static const struct row data_rows[] = {
    {"sealed", FOLDER, CMD_FRONT, 0700},
    {"open", FOLDER, CMD_FRONT, 0700},
    {"register", FOLDER, CMD_FRONT, 0700},
    {"watch", FOLDER, CMD_FRONT, 0700},
    {"custody", FOLDER, CMD_KEEPER, 0700},
    {"house.db", FILE_ALONE, CMD_FRONT, 0},
    {"house.db-wal", FILE_ALONE, CMD_FRONT, 0},
    {"house.db-shm", FILE_ALONE, CMD_FRONT, 0},
    {"house.db-journal", FILE_ALONE, CMD_FRONT, 0},
    {"admin.token", FILE_ALONE, CMD_FRONT, 0},
};
static const struct row keys_rows[] = {
    {"custody.key", FILE_ALONE, CMD_KEEPER, 0},
    {"log.key", FILE_ALONE, CMD_SIGNER, 0},
    {"log.memory", FILE_ALONE, CMD_SIGNER, 0},
    {"log.vkey", FILE_ALONE, CMD_SIGNER, 0},
};
#define NROWS(t) (sizeof(t) / sizeof *(t))

/* ---- whose is it ---- */

static bool not_ours(const char *where, uid_t is, uid_t should,
                     struct wh_err *err)
{
    char a[CMD_USER_TEXT], b[CMD_USER_TEXT];

    return wh_fail(err, WH_USAGE,
                   "%.200s belongs to user %s, not to %s: the house was run by "
                   "another user before. Start it as that user; or, once it is "
                   "stopped, as root: chown -R root the data folder and "
                   "keys.dir, and the next start as root takes them over",
                   where, cmd_user_text(is, a), cmd_user_text(should, b));
}

static bool any_of(const char *name, const char *const *list)
{
    for (; *list; list++) {
        if (strcmp(name, *list) == 0) {
            return true;
        }
    }
    return false;
}

/* Empty but for folders that may be mounted there, or with something in it that
 * only we make. */
static bool looks_ours(const char *path, bool data)
{
    static const char *const of_data[] = {"run", "sealed", "house.db", NULL};
    static const char *const of_keys[] = {"log.memory", "log.key",
                                          "custody.key", NULL};
    static const char *const harmless[] = {
        ".", "..", "lost+found", "open", "register", "custody", NULL};
    DIR *d = opendir(path);
    const struct dirent *e;
    bool ours = false, other = false;

    while (d && (e = readdir(d)) != NULL) {
        ours = ours || any_of(e->d_name, data ? of_data : of_keys);
        other = other || !any_of(e->d_name, harmless);
    }
    if (d) {
        (void)closedir(d);
    }
    return d && (ours || !other);
}

bool cmd_owners_check(const char *path, bool data, const struct cmd_users *u,
                      struct wh_err *err)
{
    uid_t keeper = u->of[CMD_KEEPER].uid;
    struct stat st;

    if (stat(path, &st) != 0) {
        return wh_fail_errno(err, WH_IO, path);
    }
    if (st.st_uid != geteuid() && (data || st.st_uid != keeper)) {
        return not_ours(path, st.st_uid, geteuid(), err);
    }
    if (u->own && !looks_ours(path, data)) {
        return wh_fail(err, WH_USAGE,
                       "%.200s holds other things: the %s need a folder of "
                       "their own, whose owner and mode may be changed",
                       path, data ? "data" : "keys");
    }
    return true;
}

/* ---- giving ---- */

struct taking {
    const char *top; /* for messages */
    const struct cmd_user *to;
    dev_t dev;
    unsigned long long given;
    struct wh_err *err;
};

static bool refuse(const struct taking *t, const char *name, uid_t is)
{
    char where[PATH_MAX];

    (void)snprintf(where, sizeof where, "%s, in it %s,", t->top, name);
    return not_ours(where, is, t->to->uid, t->err);
}

static bool strange(const struct taking *t, const char *name)
{
    return wh_fail(t->err, WH_USAGE,
                   "%.200s: %.200s there is a link, or neither file nor "
                   "folder, or on another file system; started as root the "
                   "house follows none of these",
                   t->top, name);
}

/* Change the owner of what fd has open, if it is root's. */
static bool give(struct taking *t, int fd, const struct stat *st,
                 const char *name)
{
    if (st->st_uid == t->to->uid && st->st_gid == t->to->gid) {
        return true;
    }
    if (st->st_uid != 0 && st->st_uid != t->to->uid) {
        return refuse(t, name, st->st_uid);
    }
    if (fchownat(fd, "", t->to->uid, t->to->gid, AT_EMPTY_PATH) != 0) {
        return wh_fail_errno(t->err, WH_IO, "change an owner");
    }
    t->given++;
    return true;
}

/* A file without other names: a second one could be anybody's. */
static bool give_file(struct taking *t, int dir, const char *name)
{
    int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    bool ok;

    if (fd < 0) {
        return errno == ENOENT ||
               wh_fail_errno(t->err, WH_IO, "look at a file");
    }
    if (fstat(fd, &st) != 0) {
        ok = wh_fail_errno(t->err, WH_IO, "look at a file");
    } else if (!S_ISREG(st.st_mode) || st.st_dev != t->dev ||
               (st.st_nlink > 1 && st.st_uid != t->to->uid)) {
        ok = strange(t, name);
    } else {
        ok = give(t, fd, &st, name);
    }
    wh_fd_close(&fd);
    return ok;
}

/* Open a folder for its list; -1 with *err. */
static int open_folder(const struct taking *t, int dir, const char *name,
                       struct stat *st)
{
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR)) {
        strange(t, name);
    } else if (fd < 0 || fstat(fd, st) != 0) {
        wh_fail_errno(t->err, WH_IO, "open a folder");
        wh_fd_close(&fd);
    }
    return fd;
}

static bool give_tree(struct taking *t, int dir, const char *name,
                      unsigned depth);

static bool give_entry(struct taking *t, int dir, const char *name,
                       unsigned depth)
{
    struct stat st;

    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return wh_fail_errno(t->err, WH_IO, "look at a file");
    }
    if (S_ISDIR(st.st_mode)) {
        return depth < DEPTH_MAX ? give_tree(t, dir, name, depth + 1)
                                 : strange(t, name);
    }
    return give_file(t, dir, name);
}

/* All below a folder, then the folder. */
static bool give_tree(struct taking *t, int dir, const char *name,
                      unsigned depth)
{
    struct stat st;
    const struct dirent *e;
    int fd = open_folder(t, dir, name, &st);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    bool ok = d != NULL;

    if (ok && st.st_dev != t->dev) {
        ok = strange(t, name);
    }
    while (ok && (e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            ok = give_entry(t, fd, e->d_name, depth);
        }
    }
    ok = ok && give(t, fd, &st, name);
    if (d) {
        (void)closedir(d);
    }
    return ok;
}

/* A folder of the table: its content only when it was root's, since then only
 * root can have put something there. */
static bool take_folder(struct taking *t, int dir, const struct row *r)
{
    struct stat st = {0};
    int fd = open_folder(t, dir, r->name, &st);
    bool ok;

    if (fd < 0) {
        return false;
    }
    t->dev = st.st_dev; /* it may be a file system of its own */
    ok = st.st_uid == 0 ? give_tree(t, dir, r->name, 0)
                        : give(t, fd, &st, r->name);
    if (ok && fchmod(fd, r->mode) != 0) {
        ok = wh_fail_errno(t->err, WH_IO, "set a folder's mode");
    }
    wh_fd_close(&fd);
    return ok;
}

static bool take_rows(const char *top, int dir, const struct row *rows,
                      size_t n, const struct cmd_users *u, struct wh_err *err)
{
    struct taking t = {.top = top, .err = err};
    struct stat st;
    bool ok = true;

    if (fstat(dir, &st) != 0) {
        return wh_fail_errno(err, WH_IO, "look at a folder");
    }
    for (size_t i = 0; ok && i < n; i++) {
        t.to = &u->of[rows[i].who];
        t.dev = st.st_dev;
        ok = rows[i].what == FOLDER ? take_folder(&t, dir, &rows[i])
                                    : give_file(&t, dir, rows[i].name);
    }
    if (t.given > 0) {
        wh_log(WH_INFO, "serve.owners", "folder=%s given=%llu",
               wh_log_q(wh_str_of(top)), t.given);
    }
    return ok;
}

static int open_top(const char *path, struct wh_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0) {
        wh_fail_errno(err, WH_IO, path);
    }
    return fd;
}

static bool set_top(int fd, uid_t uid, gid_t gid, mode_t mode,
                    struct wh_err *err)
{
    return (fchown(fd, uid, gid) == 0 && fchmod(fd, mode) == 0) ||
           wh_fail_errno(err, WH_IO, "set the owner of a folder");
}

static bool take_data(const struct cmd_paths *p, const struct cmd_users *u,
                      struct wh_err *err)
{
    int fd = open_top(p->data, err), run;
    bool ok = fd >= 0;

    if (!ok) {
        return false;
    }
    run = openat(fd, "run", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (run < 0) {
        ok = wh_fail_errno(err, WH_IO, "open the folder of sockets");
    }
    ok = ok && set_top(run, 0, 0, 0711, err) &&
         set_top(fd, 0, u->of[CMD_FRONT].gid, 01770, err) &&
         take_rows(p->data, fd, data_rows, NROWS(data_rows), u, err);
    wh_fd_close(&run);
    wh_fd_close(&fd);
    return ok;
}

static bool take_keys(const struct cmd_paths *p, const struct cmd_users *u,
                      struct wh_err *err)
{
    int fd = open_top(p->keys, err);
    bool ok =
        fd >= 0 &&
        take_rows(p->keys, fd, keys_rows, NROWS(keys_rows), u, err) &&
        set_top(fd, u->of[CMD_KEEPER].uid, u->of[CMD_SIGNER].gid, 01770, err);

    wh_fd_close(&fd);
    return ok;
}

bool cmd_owners_take(const struct cmd_paths *p, const struct cmd_users *u,
                     struct wh_err *err)
{
    return !u->own || (take_data(p, u, err) && take_keys(p, u, err));
}

bool cmd_owners_socket(const char *run, const char *name, enum cmd_who who,
                       const struct cmd_users *u, struct wh_err *err)
{
    uid_t peers[CMD_WHO_COUNT];
    unsigned n = cmd_users_peers(u, who, peers);
    char file[64];
    int dir;
    bool ok;

    wh_assert(n >= 1 && n <= 2 && peers[0] == u->of[CMD_FRONT].uid);
    if (!u->own) {
        return true;
    }
    (void)snprintf(file, sizeof file, "%s.sock", name);
    dir = open_top(run, err);
    ok =
        dir >= 0 && (fchownat(dir, file, n > 1 ? peers[1] : 0,
                              u->of[CMD_FRONT].gid, AT_SYMLINK_NOFOLLOW) == 0 ||
                     wh_fail_errno(err, WH_IO, "set the owner of a socket"));
    wh_fd_close(&dir);
    return ok;
}
