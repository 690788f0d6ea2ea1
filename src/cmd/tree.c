/*
 * tree.c - every open goes through openat2 from the folder's descriptor, so
 * that a link put there in between can not lead out of it.
 */
#include "cmd/tree.h"

#include "base/buf.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct walk {
    struct wh_arena *a;
    struct cmd_tree *t;
    size_t cap;
    struct wh_err *err;
};

/* Open a path below the tree's folder; "" is the folder itself. */
static int open_beneath(const struct cmd_tree *t, struct wh_str rel,
                        uint64_t flags)
{
    struct open_how how = {.flags = flags | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    struct wh_buf b;
    int fd;

    how.resolve |= t->links ? 0 : RESOLVE_NO_SYMLINKS;
    wh_buf_init(&b, PATH_MAX);
    wh_buf_cstr(&b, t->prefix ? t->prefix : ".");
    wh_buf_cstr(&b, rel.n ? "/" : "");
    wh_buf_add(&b, rel);
    wh_buf_char(&b, '\0');
    if (b.over) {
        errno = ENAMETOOLONG;
        fd = -1;
    } else {
        fd = (int)syscall(SYS_openat2, t->fd, b.p, &how, sizeof how);
    }
    wh_buf_done(&b);
    return fd;
}

/* What a link in hf's cache leads to; false if it leads out, or nowhere. */
static bool stat_link(const struct cmd_tree *t, struct wh_str rel,
                      struct stat *st)
{
    int fd = t->links ? open_beneath(t, rel, O_RDONLY | O_NONBLOCK) : -1;
    bool ok = fd >= 0 && fstat(fd, st) == 0;

    wh_fd_close(&fd);
    return ok;
}

static bool add_file(struct walk *w, struct wh_str rel)
{
    struct cmd_tree *t = w->t;
    if (t->n == CMD_TREE_FILES_MAX) {
        return wh_fail(w->err, WH_TOO_LARGE, "more than %u files",
                       CMD_TREE_FILES_MAX);
    }
    if (t->n == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 64;
        struct wh_str *p = wh_arena_array(w->a, cap, sizeof *p);
        if (t->n > 0) {
            memcpy(p, t->files, t->n * sizeof *p);
        }
        t->files = p;
        w->cap = cap;
    }
    t->files[t->n++] = rel;
    return true;
}

static bool walk(struct walk *w, struct wh_str rel, unsigned depth);

/* One entry of a folder. */
static bool entry(struct walk *w, int dir, const struct dirent *e,
                  struct wh_str rel, unsigned depth)
{
    struct stat st;
    struct wh_str name = wh_str_of(e->d_name);
    if (wh_str_is(name, ".") || wh_str_is(name, "..") ||
        wh_str_is(name, ".git")) {
        return true;
    }
    if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        w->t->skipped++; /* it went away, or may not be seen */
        return true;
    }
    struct wh_str path =
        rel.n ? wh_arena_fmt(w->a, "%.*s/%s", WH_FMT(rel), e->d_name)
              : wh_arena_dup(w->a, name);
    if (S_ISDIR(st.st_mode)) {
        return walk(w, path, depth + 1);
    }
    if (S_ISREG(st.st_mode) ||
        (S_ISLNK(st.st_mode) && stat_link(w->t, path, &st) &&
         S_ISREG(st.st_mode))) {
        return add_file(w, path);
    }
    w->t->skipped++;
    return true;
}

/* All files below a folder; recursion is bounded by the depth. */
static bool walk(struct walk *w, struct wh_str rel, unsigned depth)
{
    if (depth > CMD_TREE_DEPTH_MAX) {
        return wh_fail(w->err, WH_TOO_LARGE, "folders deeper than %u",
                       CMD_TREE_DEPTH_MAX);
    }
    int fd = open_beneath(w->t, rel, O_RDONLY | O_DIRECTORY);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        wh_fd_close(&fd);
        return wh_fail_errno(w->err, WH_IO, "read a folder");
    }
    bool ok = true;
    const struct dirent *e;
    while (ok && (e = readdir(dir)) != NULL) {
        ok = entry(w, fd, e, rel, depth);
    }
    (void)closedir(dir);
    return ok && !wh_arena_over(w->a, w->err);
}

static int by_name(const void *a, const void *b)
{
    return wh_str_cmp(*(const struct wh_str *)a, *(const struct wh_str *)b);
}

/* List what the opened descriptor is. */
static bool list(struct wh_arena *a, const struct stat *st,
                 struct cmd_tree *out, struct wh_err *err)
{
    struct walk w = {.a = a, .t = out, .err = err};
    bool ok;
    if (S_ISDIR(st->st_mode)) {
        out->folder = true;
        ok = walk(&w, WH_S(""), 0);
        if (ok && out->n > 1) {
            qsort(out->files, out->n, sizeof *out->files, by_name);
        }
    } else if (S_ISREG(st->st_mode)) {
        ok = add_file(&w, WH_S(""));
    } else {
        ok = wh_fail(err, WH_USAGE, "neither a file nor a folder");
    }
    return ok;
}

static bool open_tree(struct wh_arena *a, const char *folder, const char *path,
                      struct cmd_tree *out, struct wh_err *err)
{
    struct stat st;
    out->root = wh_str_of(path);
    out->fd = open(folder, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (out->fd < 0 || fstat(out->fd, &st) != 0) {
        (void)wh_fail_errno(err, errno == ENOENT ? WH_NOT_FOUND : WH_IO,
                            "open what is to be looked at");
    } else if (list(a, &st, out, err)) {
        return true;
    }
    cmd_tree_close(out);
    return wh_err_wrap(err, "%s", path);
}

bool cmd_tree_open(struct wh_arena *a, const char *path, struct cmd_tree *out,
                   struct wh_err *err)
{
    *out = (struct cmd_tree){0};
    return open_tree(a, path, path, out, err);
}

/* "/…/models--ns--name/snapshots/<commit>" is cut before "snapshots". */
static bool split_snapshot(struct wh_arena *a, const char *real, char **folder,
                           const char **prefix)
{
    struct wh_str all = wh_str_of(real);
    size_t at = SIZE_MAX, from = 0, next;
    struct wh_str mark = WH_S("/snapshots/");

    while ((next = wh_str_find_str(wh_str_sub(all, from, all.n), mark)) !=
           SIZE_MAX) {
        at = from + next;
        from = at + 1;
    }
    if (at == SIZE_MAX ||
        wh_str_find(wh_str_sub(all, at + mark.n, all.n), '/') != SIZE_MAX) {
        return false;
    }
    *folder = wh_arena_cstr(a, wh_str_sub(all, 0, at));
    *prefix = wh_arena_cstr(a, wh_str_sub(all, at + 1, all.n));
    return true;
}

bool cmd_tree_open_cached(struct wh_arena *a, const char *path,
                          struct cmd_tree *out, struct wh_err *err)
{
    char real[PATH_MAX], *folder;
    struct stat st;

    *out = (struct cmd_tree){0};
    if (realpath(path, real) && stat(real, &st) == 0 && S_ISDIR(st.st_mode) &&
        split_snapshot(a, real, &folder, &out->prefix)) {
        out->links = true;
        return open_tree(a, folder, path, out, err);
    }
    return open_tree(a, path, path, out, err);
}

void cmd_tree_close(struct cmd_tree *t)
{
    wh_fd_close(&t->fd);
}

bool cmd_tree_file(const struct cmd_tree *t, struct wh_str rel, int *fd,
                   uint64_t *size, struct wh_err *err)
{
    struct stat st;
    if (t->folder) {
        *fd = open_beneath(t, rel, O_RDONLY | O_NONBLOCK);
    } else {
        *fd = fcntl(t->fd, F_DUPFD_CLOEXEC, 0);
    }
    if (*fd < 0 || fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        (void)wh_fail_errno(err, WH_NOT_FOUND, "open a file");
        wh_fd_close(fd);
        return wh_err_wrap(err, "%.*s", WH_FMT(rel));
    }
    *size = (uint64_t)st.st_size;
    return true;
}
