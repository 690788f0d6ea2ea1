/*
 * paths.c - the folders of an installation.
 */
#include "cmd/paths.h"
#include "base/file.h"
#include "base/sha256.h"
#include "cmd/owners.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

/* The absolute path of a folder, made if missing. */
static bool make_folder(struct wh_arena *a, const char *path, mode_t mode,
                        const char **out, struct wh_err *err)
{
    char real[PATH_MAX];

    if (!wh_dir_make(path, mode, err)) {
        return false;
    }
    if (!realpath(path, real)) {
        return wh_fail_errno(err, WH_IO, path);
    }
    *out = wh_arena_cstr(a, wh_str_of(real));
    return true;
}

/* Keys of several installations on one host must not meet: the folder's name
 * comes from the data folder. */
static const char *default_keys(struct wh_arena *a, const char *data)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char digest[WH_SHA256_HEX + 1];

    wh_sha256_hex_of(wh_str_of(data), digest);
    if (geteuid() == 0) {
        return wh_arena_fmt(a, "/etc/weighhouse/keys-%.12s", digest).p;
    }
    if (state && state[0] == '/') {
        return wh_arena_fmt(a, "%s/weighhouse/keys-%.12s", state, digest).p;
    }
    return wh_arena_fmt(a, "%s/.local/state/weighhouse/keys-%.12s",
                        home ? home : "/nonexistent", digest)
        .p;
}

static bool check_outside(const struct cmd_paths *p, struct wh_err *err)
{
    struct wh_str keys = wh_str_of(p->keys), data = wh_str_of(p->data);

    if (wh_str_starts(keys, data) &&
        (keys.n <= data.n || keys.p[data.n] == '/')) {
        return wh_fail(err, WH_USAGE,
                       "keys.dir must lie outside the data folder, so that a "
                       "copy of the data is no copy of the keys");
    }
    return true;
}

static bool make_inner(struct wh_arena *a, const char *data, const char *name,
                       const char **out, struct wh_err *err)
{
    *out = wh_arena_fmt(a, "%s/%s", data, name).p;
    return wh_dir_make(*out, 0700, err);
}

static void name_files(struct wh_arena *a, struct cmd_paths *p)
{
    p->db = wh_arena_fmt(a, "%s/house.db", p->data).p;
    p->token = wh_arena_fmt(a, "%s/admin.token", p->data).p;
    p->pid = wh_arena_fmt(a, "%s/parent.pid", p->run).p;
}

bool cmd_paths_make(struct wh_arena *a, const struct conf *conf,
                    const struct cmd_users *users, struct cmd_paths *out,
                    struct wh_err *err)
{
    struct cmd_paths p = {0};
    const char *keys;

    if (conf->data_dir.n == 0) {
        return wh_fail(err, WH_USAGE, "say where the data lie: --data DIR");
    }
    if (!make_folder(a, wh_arena_cstr(a, conf->data_dir), 0700, &p.data, err) ||
        !cmd_owners_check(p.data, true, users, err)) {
        return false;
    }
    keys = conf->keys_dir.n ? wh_arena_cstr(a, conf->keys_dir)
                            : default_keys(a, p.data);
    if (!make_folder(a, keys, 0700, &p.keys, err) || !check_outside(&p, err) ||
        !cmd_owners_check(p.keys, false, users, err) ||
        !make_inner(a, p.data, "run", &p.run, err) ||
        !make_inner(a, p.data, "sealed", &p.sealed, err) ||
        !make_inner(a, p.data, "open", &p.open, err) ||
        !make_inner(a, p.data, "register", &p.log, err) ||
        !make_inner(a, p.data, "custody", &p.custody, err) ||
        !make_inner(a, p.data, "watch", &p.watch, err)) {
        return false;
    }
    name_files(a, &p);
    *out = p;
    return true;
}

bool cmd_paths_name(struct wh_arena *a, const struct conf *conf,
                    struct cmd_paths *out, struct wh_err *err)
{
    char real[PATH_MAX];
    struct cmd_paths p = {0};

    if (conf->data_dir.n == 0) {
        return wh_fail(err, WH_USAGE, "say where the data lie: --data DIR");
    }
    if (!realpath(wh_arena_cstr(a, conf->data_dir), real)) {
        return wh_fail(err, WH_NOT_FOUND, "there is no folder %.*s",
                       WH_FMT(conf->data_dir));
    }
    p.data = wh_arena_cstr(a, wh_str_of(real));
    p.keys = conf->keys_dir.n ? wh_arena_cstr(a, conf->keys_dir)
                              : default_keys(a, p.data);
    p.run = wh_arena_fmt(a, "%s/run", p.data).p;
    p.sealed = wh_arena_fmt(a, "%s/sealed", p.data).p;
    p.open = wh_arena_fmt(a, "%s/open", p.data).p;
    p.log = wh_arena_fmt(a, "%s/register", p.data).p;
    p.custody = wh_arena_fmt(a, "%s/custody", p.data).p;
    p.watch = wh_arena_fmt(a, "%s/watch", p.data).p;
    name_files(a, &p);
    *out = p;
    return true;
}

struct cmd_paths cmd_paths_inside(const struct cmd_paths *p)
{
    struct cmd_paths in = *p;

    in.data = ".";
    in.run = "run";
    in.db = "house.db";
    in.sealed = "sealed";
    in.open = "open";
    in.log = "register";
    in.custody = "custody";
    in.watch = "watch";
    in.token = "admin.token";
    in.pid = "run/parent.pid";
    return in;
}
