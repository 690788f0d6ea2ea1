/*
 * local.c - reading what is here, byte by byte, and comparing digests.
 */
#include "cmd/local.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "cmd/tree.h"
#include "weigh/part.h"
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>

#define PIECE ((size_t)1 << 20)
#define COMMIT_HEX 40
#define NOTES ".cache/huggingface/"
#define NOTE_MAX 4096

struct comparing {
    struct wh_arena *a;
    const struct cmd_tree *tree;
    const json_t *files;
    const char *path; /* as the person wrote it */
    struct cmd_local *out;
    char *piece;
};

static struct wh_str text(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return json_is_string(v)
               ? wh_str_mem(json_string_value(v), json_string_length(v))
               : WH_S("");
}

static bool digest(struct comparing *c, struct wh_str rel, struct wh_str *hex,
                   struct wh_err *err)
{
    uint8_t out[WH_SHA256_LEN];
    struct wh_sha256 h;
    struct wh_buf b;
    uint64_t size;
    bool ok = true;
    int fd;

    if (!cmd_tree_file(c->tree, rel, &fd, &size, err)) {
        return false;
    }
    wh_sha256_init(&h);
    for (uint64_t off = 0; ok && off < size; off += PIECE) {
        size_t n = size - off < PIECE ? (size_t)(size - off) : PIECE;
        ok = wh_fd_pread(fd, off, c->piece, n, err);
        if (ok) {
            wh_sha256_add(&h, c->piece, n);
        }
    }
    wh_sha256_get(&h, out);
    wh_sha256_done(&h);
    wh_fd_close(&fd);
    wh_buf_init(&b, WH_SHA256_HEX);
    wh_buf_hex(&b, out, sizeof out);
    *hex = wh_arena_dup(c->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return ok;
}

/* ---- which entry of the manifest ---- */

/* A manifest is sorted by path; in one that is not, files are not found, and
 * what is not found is never taken for good. */
static const json_t *by_path(const json_t *files, struct wh_str path)
{
    size_t lo = 0, hi = json_array_size(files);

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const json_t *f = json_array_get(files, mid);
        int order = wh_str_cmp(text(f, "path"), path);
        if (order == 0) {
            return f;
        }
        if (order < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return NULL;
}

static const json_t *by_digest(const json_t *files, struct wh_str hex)
{
    const json_t *f;
    size_t i;

    json_array_foreach(files, i, f)
    {
        if (wh_str_eq(text(f, "sha256"), hex)) {
            return f;
        }
    }
    return NULL;
}

/* The longest path of the manifest that the file's own path ends with. */
static const json_t *by_ending(const json_t *files, struct wh_str path)
{
    const json_t *f, *best = NULL;
    size_t i, longest = 0;

    json_array_foreach(files, i, f)
    {
        struct wh_str p = text(f, "path");
        bool whole =
            path.n == p.n || (path.n > p.n && path.p[path.n - p.n - 1] == '/');
        if (p.n > longest && wh_str_ends(path, p) && whole) {
            best = f;
            longest = p.n;
        }
    }
    return best;
}

/* ---- one file ---- */

static enum cmd_local_kind kind_of(const json_t *entry, struct wh_str hex)
{
    if (!entry) {
        return CMD_LOCAL_FOREIGN;
    }
    return wh_str_eq(text(entry, "sha256"), hex) ? CMD_LOCAL_SAME
                                                 : CMD_LOCAL_OTHER;
}

/* A file named by itself has lost its folder: its bytes say which one it is,
 * and only if no entry has these bytes does its name. */
static bool compare_alone(struct comparing *c, struct cmd_local_file *f,
                          struct wh_err *err)
{
    const json_t *entry;

    if (!digest(c, f->path, &f->sha256, err)) {
        return false;
    }
    f->path = wh_str_of(c->path);
    entry = by_digest(c->files, f->sha256);
    if (!entry) {
        entry = by_ending(c->files, f->path);
    }
    f->kind = kind_of(entry, f->sha256);
    f->want = text(entry, "sha256");
    return true;
}

static bool compare_in_folder(struct comparing *c, struct cmd_local_file *f,
                              struct wh_err *err)
{
    const json_t *entry = by_path(c->files, f->path);
    const char *why;

    if (!entry &&
        !weigh_part_in_subject(weigh_part_of(f->path, WH_S(""), &why))) {
        f->kind = CMD_LOCAL_BESIDE;
        return true;
    }
    if (!digest(c, f->path, &f->sha256, err)) {
        return false;
    }
    f->kind = kind_of(entry, f->sha256);
    f->want = text(entry, "sha256");
    return true;
}

static void count(struct cmd_local *out, enum cmd_local_kind kind)
{
    switch (kind) {
    case CMD_LOCAL_SAME:
        out->same++;
        break;
    case CMD_LOCAL_OTHER:
        out->other++;
        break;
    case CMD_LOCAL_FOREIGN:
        out->foreign++;
        break;
    case CMD_LOCAL_BESIDE:
        out->beside++;
        break;
    case CMD_LOCAL_FAILED:
        out->failed++;
        break;
    }
}

static void compare_all(struct comparing *c)
{
    const struct cmd_tree *t = c->tree;
    struct cmd_local *out = c->out;

    for (size_t i = 0; i < t->n; i++) {
        struct cmd_local_file *f = &out->files[out->n];
        struct wh_err why = {0};

        if (t->folder && wh_str_starts(t->files[i], WH_S(NOTES))) {
            continue; /* hf's own notes about the download */
        }
        f->path = t->files[i];
        if (!(t->folder ? compare_in_folder : compare_alone)(c, f, &why)) {
            f->kind = CMD_LOCAL_FAILED;
        }
        count(out, f->kind);
        out->n++;
    }
    if (t->folder) {
        out->absent = json_array_size(c->files) - out->same - out->other;
    }
}

bool cmd_local_compare(struct wh_arena *a, const char *path,
                       const json_t *files, struct cmd_local *out,
                       struct wh_err *err)
{
    struct cmd_tree tree;
    struct comparing c = {
        .a = a, .tree = &tree, .files = files, .path = path, .out = out};

    *out = (struct cmd_local){0};
    if (!cmd_tree_open_cached(a, path, &tree, err)) {
        return false;
    }
    out->files = wh_arena_array(a, tree.n + 1, sizeof *out->files);
    c.piece = wh_alloc(PIECE);
    compare_all(&c);
    wh_free(c.piece);
    cmd_tree_close(&tree);
    return true;
}

/* ---- the commit it came from ---- */

static bool is_commit(struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        if (!digit && (s.p[i] < 'a' || s.p[i] > 'f')) {
            return false;
        }
    }
    return s.n == COMMIT_HEX;
}

/* ".../snapshots/<commit>", and anything below it. */
static bool commit_of_snapshot(struct wh_arena *a, const char *path,
                               struct wh_str *commit)
{
    struct wh_str mark = WH_S("/snapshots/"), rest;
    char real[PATH_MAX];
    size_t at;

    /* not realpath of the last part: a file there is a link to a blob */
    if (!realpath(path, real) && path[0] != '/') {
        return false;
    }
    rest = wh_str_of(wh_str_find_str(wh_str_of(real), mark) != SIZE_MAX ? real
                                                                        : path);
    at = wh_str_find_str(rest, mark);
    if (at == SIZE_MAX) {
        return false;
    }
    rest = wh_str_sub(rest, at + mark.n, rest.n);
    wh_str_cut(&rest, '/', commit);
    *commit = wh_arena_dup(a, *commit);
    return is_commit(*commit);
}

/* The first line of any note. */
static bool read_note(struct wh_arena *a, const char *file,
                      struct wh_str *commit)
{
    struct wh_err ignored = {0};
    struct wh_str note;

    if (!wh_file_read(a, file, NOTE_MAX, &note, &ignored)) {
        return false;
    }
    wh_str_cut(&note, '\n', commit);
    *commit = wh_str_trim(*commit);
    return is_commit(*commit);
}

static bool commit_of_notes(struct wh_arena *a, const char *path,
                            struct wh_str *commit)
{
    struct wh_str folder = wh_arena_fmt(a, "%s/" NOTES "download", path);
    DIR *dir = opendir(folder.p);
    const struct dirent *e;
    bool found = false;

    while (dir && !found && (e = readdir(dir)) != NULL) {
        found = wh_str_ends(wh_str_of(e->d_name), WH_S(".metadata")) &&
                read_note(
                    a, wh_arena_fmt(a, "%.*s/%s", WH_FMT(folder), e->d_name).p,
                    commit);
    }
    if (dir) {
        (void)closedir(dir);
    }
    return found;
}

bool cmd_local_commit(struct wh_arena *a, const char *path,
                      struct wh_str *commit)
{
    return commit_of_snapshot(a, path, commit) ||
           commit_of_notes(a, path, commit);
}
