/*
 * custody.c - `weighhouse custody`: what is sealed, with which key, and what
 * is lost when that key is; and the way on after such a loss.
 */
#include "base/file.h"
#include "base/time.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/paths.h"
#include "hub/backup.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIST_MAX 10000u

static int usage(FILE *out)
{
    fputs("Usage: weighhouse custody [--data DIR] [--config FILE] [--json]\n"
          "       weighhouse custody give-up [--data DIR] [--config FILE] "
          "[--yes KEY-ID]\n\n"
          "Says which custody key this data folder is sealed with, whether it "
          "is in keys.dir,\nand which repos have files that exist in sealed "
          "form only: they are lost when the\nkey is. Needs no running "
          "house.\n\n"
          "give-up: the key is lost and will not come back. The house is "
          "stopped. What the key\nsealed is given up for good, the next start "
          "makes a new key, and the pages of these\nfiles say that they are "
          "lost. Wants the id of the lost key as a confirmation. Refused\n"
          "while custody.key is there.\n\n"
          "Exit codes: 0 good, 1 the key is missing, 2 wrong usage, 4 it could "
          "not be done.\n",
          out);
    return out == stdout ? 0 : 2;
}

struct call {
    const char *words[1];
    size_t n;
    const char *data, *config, *yes;
    bool json;
    struct wh_arena a;
    struct conf conf;
    struct cmd_paths paths;
    struct wh_str key_id; /* empty: nothing was ever sealed here */
    bool has_key;
};

static bool look(struct call *c, struct wh_err *err)
{
    const char *id;

    if (!conf_load(&c->a, c->config, &c->conf, err) ||
        (c->data &&
         !conf_set(&c->a, &c->conf, CONF_data_dir, wh_str_of(c->data), err)) ||
        !cmd_paths_name(&c->a, &c->conf, &c->paths, err)) {
        return false;
    }
    id = wh_arena_fmt(&c->a, "%s/key-id", c->paths.custody).p;
    if (!wh_file_read(&c->a, id, 64, &c->key_id, err)) {
        if (err->code != WH_NOT_FOUND) {
            return false;
        }
        *err = (struct wh_err){0};
    }
    c->key_id = wh_str_trim(c->key_id);
    c->has_key = access(wh_arena_fmt(&c->a, "%s/custody.key", c->paths.keys).p,
                        F_OK) == 0;
    return true;
}

static bool sealed(struct call *c, json_t **out, struct wh_err *err)
{
    struct db *db = db_open(c->paths.db, true, err);
    bool ok = db && hub_backup_sealed(db, LIST_MAX, out, err);

    db_close(&db);
    if (ok) {
        json_object_set_new(*out, "key",
                            c->key_id.n ? wh_json_str(c->key_id) : json_null());
        json_object_set_new(*out, "key_there", json_boolean(c->has_key));
    }
    return ok;
}

static long long number(const json_t *o, const char *name)
{
    return (long long)json_integer_value(json_object_get(o, name));
}

static void print(const struct call *c, const json_t *o)
{
    const json_t *row;
    size_t i;

    if (c->key_id.n == 0) {
        puts("nothing was ever sealed here");
    } else {
        printf("custody key %.*s: %s %s\n", WH_FMT(c->key_id),
               c->has_key ? "there is a custody.key in" : "NOT in",
               c->paths.keys);
    }
    printf("sealed only: %lld files of %lld repos, %lld bytes%s\n",
           number(o, "files"), number(o, "repos"), number(o, "bytes"),
           c->has_key || number(o, "files") == 0
               ? ""
               : "; lost unless the key comes back:");
    json_array_foreach(json_object_get(o, "list"), i, row)
    {
        printf("  %-8s %s  %lld files, %lld bytes\n",
               json_string_value(json_object_get(row, "kind")),
               json_string_value(json_object_get(row, "repo")),
               number(row, "files"), number(row, "bytes"));
    }
}

/* ---- give-up ---- */

static bool give_up_fn(struct db *db, void *ctx, struct wh_err *err)
{
    (void)ctx;
    return db_exec(db_start(db, DBQ_CUSTODY_CONTAINERS_GOING), err) &&
           db_exec(db_start(db, DBQ_CUSTODY_CONTAINERS_DROP), err) &&
           db_exec(db_start(db, DBQ_CUSTODY_CONTENTS_GIVE_UP), err) &&
           db_exec(db_start(db, DBQ_CUSTODY_UPLOADS_END), err);
}

static bool is_running(struct call *c)
{
    struct wh_err ignored = {0};
    struct wh_str text;
    uint64_t pid;

    return wh_file_read(&c->a, c->paths.pid, 64, &text, &ignored) &&
           wh_str_u64(wh_str_trim(text), &pid) && pid > 0 && pid < INT32_MAX &&
           kill((pid_t)pid, 0) == 0;
}

static bool set_aside(struct call *c, const char *name, struct wh_err *err)
{
    const char *from = wh_arena_fmt(&c->a, "%s/%s", c->paths.custody, name).p;
    const char *to = wh_arena_fmt(&c->a, "%s/%s.lost-%.*s", c->paths.custody,
                                  name, WH_FMT(c->key_id))
                         .p;

    return rename(from, to) == 0 || errno == ENOENT ||
           wh_fail_errno(err, WH_IO, from);
}

static bool may_give_up(struct call *c, struct wh_err *err)
{
    if (c->key_id.n == 0) {
        return wh_fail(err, WH_CONFLICT, "nothing was ever sealed here");
    }
    if (c->has_key) {
        return wh_fail(err, WH_REFUSED, "custody.key is in %s: nothing is lost",
                       c->paths.keys);
    }
    if (is_running(c)) {
        return wh_fail(err, WH_CONFLICT, "the house is running: stop it first");
    }
    return (c->yes && wh_str_is(c->key_id, c->yes)) ||
           wh_fail(err, WH_USAGE,
                   "this can not be taken back: confirm it with --yes %.*s",
                   WH_FMT(c->key_id));
}

/* Rows first: a key-id that is gone lets the keeper make a new key. */
static bool give_up(struct call *c, struct wh_err *err)
{
    struct db *db;
    bool ok;

    if (!may_give_up(c, err)) {
        return false;
    }
    db = db_open(c->paths.db, false, err);
    ok = db && db_tx(db, give_up_fn, NULL, err);
    db_close(&db);
    return ok && set_aside(c, "ledger", err) && set_aside(c, "key-id", err) &&
           wh_dir_sync(c->paths.custody, err);
}

static int run(struct call *c)
{
    struct wh_err err = {0};
    json_t *o = NULL;
    int code = 0;

    if (!look(c, &err) || !sealed(c, &o, &err)) {
        return cmd_fail("custody", &err);
    }
    if (c->n == 1) {
        if (!give_up(c, &err)) {
            code = cmd_fail("custody", &err);
        } else {
            printf("given up: %lld files of %lld repos, %lld bytes\n",
                   number(o, "files"), number(o, "repos"), number(o, "bytes"));
        }
    } else {
        if (c->json) {
            cmd_print_json(o);
        } else {
            print(c, o);
        }
        code = c->key_id.n > 0 && !c->has_key;
    }
    json_decref(o);
    return code;
}

int cmd_custody(int argc, char **argv)
{
    struct call c = {0};
    const struct cmd_option table[] = {
        {"--data", &c.data}, {"--config", &c.config}, {"--yes", &c.yes}};
    int code;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        return usage(stdout);
    }
    if (!cmd_words(argc, argv, table, 3, &c.json, c.words, 1, &c.n) ||
        (c.n == 1 && strcmp(c.words[0], "give-up") != 0)) {
        return usage(stderr);
    }
    wh_arena_init(&c.a, (size_t)64 << 20);
    code = run(&c);
    wh_arena_done(&c.a);
    return code;
}
