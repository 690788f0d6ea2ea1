/*
 * register.c - `weighhouse register fsck`: checks a public register from its
 * first byte to its last, over HTTP or in a folder, with nothing but its key.
 */
#include "base/file.h"
#include "base/json.h"
#include "base/time.h"
#include "cmd/cmd.h"
#include "net/fetch.h"
#include "register/verify.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MEMORY (1U << 20)
#define FILE_TIMEOUT_MS 30000
#define URL_MAX 2048

/* One run of the command. */
struct run {
    struct wh_arena arena;
    struct wh_err err;
    bool json, light, quiet;
    const char *where, *key, *state, *db;
    struct tlog_vkey vkey;
    bool key_from_log;
    struct net_fetch *fetch;      /* for a URL ... */
    struct register_files *files; /* ... or a folder */
    struct register_source source;
    struct register_fsck_report report;
};

static const char help_text[] =
    "Usage: weighhouse register fsck URL|DIR [--key KEY] [OPTION...]\n"
    "\n"
    "Checks a register by what it publishes: signature, entries, tiles, root.\n"
    "URL is the house (http://host:port) or its register; DIR is a folder "
    "with\n"
    "checkpoint and tile/, such as DATA/register.\n"
    "\n"
    "  --key KEY      the log's verifier key, or a file that holds it; for a "
    "URL\n"
    "                 without it, the key that the log itself names is used\n"
    "  --light        only the checkpoint and the right edge of the tree\n"
    "  --state FILE   keep the checkpoint there, and refuse a log that does "
    "not\n"
    "                 continue the one kept\n"
    "  --db FILE      also compare with the house's database (DATA/house.db)\n"
    "  --json         the result as JSON\n"
    "  --quiet        no progress\n"
    "\n"
    "Exit codes: 0 good, 2 wrong usage, 3 does not verify, 4 could not be "
    "read.\n";

static bool is_url(const char *where)
{
    struct wh_str s = wh_str_of(where);
    return wh_str_starts(s, WH_S("http://")) ||
           wh_str_starts(s, WH_S("https://"));
}

/* "http://host/register/" + name */
static bool get_url(void *ctx, const char *name, size_t max, struct wh_buf *out,
                    struct wh_err *err)
{
    struct run *r = ctx;
    char url[URL_MAX];
    struct wh_str base = wh_str_of(r->where);
    while (wh_str_ends(base, WH_S("/"))) {
        base.n--;
    }
    const char *middle =
        wh_str_ends(base, WH_S("/register")) ? "" : "/register";
    int n = snprintf(url, sizeof url, "%.*s%s/%s", WH_FMT(base), middle, name);
    if (n < 0 || (size_t)n >= sizeof url) {
        return wh_fail(err, WH_USAGE, "the URL is too long");
    }
    return net_fetch_get(r->fetch, url, max, FILE_TIMEOUT_MS, out, err);
}

static bool open_source(struct run *r)
{
    if (is_url(r->where)) {
        r->fetch = net_fetch_new();
        r->source = (struct register_source){.get = get_url, .ctx = r};
        return true;
    }
    if (!register_files_open(r->where, false, &r->files, &r->err)) {
        return wh_err_wrap(&r->err, "%.200s", r->where);
    }
    r->source = register_source_files(r->files);
    return true;
}

/* The key given, or the one that the log names. */
static bool find_key(struct run *r)
{
    struct wh_str text;
    if (!r->key) {
        struct wh_buf b;
        if (!r->fetch) {
            return wh_fail(&r->err, WH_USAGE,
                           "a folder is checked with --key; see weighhouse "
                           "register --help");
        }
        wh_buf_init(&b, TLOG_VKEY_TEXT);
        bool ok =
            r->source.get(r->source.ctx, "vkey", TLOG_VKEY_TEXT, &b, &r->err);
        text = wh_arena_dup(&r->arena, wh_buf_str(&b));
        wh_buf_done(&b);
        r->key_from_log = true;
        if (!ok) {
            return wh_err_wrap(&r->err, "the log's key");
        }
    } else if (access(r->key, R_OK) != 0) {
        text = wh_str_of(r->key);
    } else if (!wh_file_read(&r->arena, r->key, TLOG_VKEY_TEXT, &text,
                             &r->err)) {
        return false;
    }
    return tlog_vkey_parse(wh_str_trim(text), &r->vkey, &r->err);
}

/* A line that is written over, for people at a terminal. */
static void progress(void *ctx, uint64_t done, uint64_t size)
{
    const struct run *r = ctx;
    if (!r->quiet && isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r%llu of %llu entries%s", (unsigned long long)done,
                (unsigned long long)size, done == size ? "\n" : "");
    }
}

/* Is the log the continuation of the one kept? */
static bool compare_with_kept(struct run *r)
{
    struct register_seen seen;
    return register_seen_read(r->state, &r->vkey, &seen, &r->err) &&
           register_seen_advance(&seen, &r->report.checkpoint, wh_now_us(),
                                 &r->source, &r->err) &&
           register_seen_write(r->state, &seen, &r->err);
}

static bool compare_with_database(struct run *r)
{
    struct db *db = db_open(r->db, true, &r->err);
    bool ok = db && register_fsck_database(db, &r->source, &r->vkey, &r->report,
                                           &r->err);
    db_close(&db);
    return ok;
}

static bool check(struct run *r)
{
    if (!open_source(r) || !find_key(r)) {
        return false;
    }
    bool ok = r->light ? register_fsck_light(&r->source, &r->vkey, &r->report,
                                             &r->err)
                       : register_fsck_scrub(&r->source, &r->vkey, progress, r,
                                             &r->report, &r->err);
    if (ok && !r->light && r->files) {
        ok = register_fsck_extra(r->where, r->report.checkpoint.size,
                                 &r->report, &r->err);
    }
    return ok && (!r->state || compare_with_kept(r)) &&
           (!r->db || compare_with_database(r));
}

static void print_json(struct run *r, bool good, struct wh_str root)
{
    json_t *o = json_object();
    json_object_set_new(o, "result", json_string(good ? "good" : "bad"));
    json_object_set_new(o, "depth", json_string(r->light ? "light" : "scrub"));
    json_object_set_new(o, "origin", json_string(r->vkey.name));
    json_object_set_new(o, "size",
                        json_integer((json_int_t)r->report.checkpoint.size));
    json_object_set_new(o, "root", wh_json_str(root));
    json_object_set_new(o, "entries",
                        json_integer((json_int_t)r->report.entries));
    json_object_set_new(o, "tiles", json_integer((json_int_t)r->report.tiles));
    json_object_set_new(o, "key_from_log", json_boolean(r->key_from_log));
    if (!good) {
        json_object_set_new(o, "code",
                            json_string(wh_err_row(r->err.code)->name));
        json_object_set_new(o, "message", json_string(r->err.msg));
        json_object_set_new(o, "file", json_string(r->report.where));
    }
    struct wh_buf b;
    wh_buf_init(&b, 65536);
    wh_json_write(&b, o, true);
    printf("%.*s\n", WH_FMT(wh_buf_str(&b)));
    wh_buf_done(&b);
    json_decref(o);
}

static int print_result(struct run *r, bool good)
{
    struct wh_buf root;
    wh_buf_init(&root, 64);
    wh_buf_base64(&root, r->report.checkpoint.root.b, TLOG_HASH);
    if (r->json) {
        print_json(r, good, wh_buf_str(&root));
    } else if (good) {
        printf("good: %s, %llu entries, root %.*s\n", r->vkey.name,
               (unsigned long long)r->report.checkpoint.size,
               WH_FMT(wh_buf_str(&root)));
        if (r->key_from_log) {
            printf("The key came from the log itself; keep it and give it "
                   "with --key next time.\n");
        }
    }
    wh_buf_done(&root);
    if (good) {
        return 0;
    }
    if (r->report.where[0]) {
        (void)wh_err_wrap(&r->err, "%s", r->report.where);
    }
    int code = cmd_fail("register", &r->err);
    /* a log that went back or was cut is one that does not verify */
    return code == 1 ? 3 : code;
}

/* The value of an option that takes one. */
static bool value(int argc, char **argv, int *i, const char *name,
                  const char **out)
{
    if (strcmp(argv[*i], name) != 0 || *i + 1 >= argc) {
        return false;
    }
    *out = argv[++*i];
    return true;
}

static bool parse(struct run *r, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            r->json = true;
        } else if (strcmp(argv[i], "--light") == 0) {
            r->light = true;
        } else if (strcmp(argv[i], "--quiet") == 0) {
            r->quiet = true;
        } else if (!value(argc, argv, &i, "--key", &r->key) &&
                   !value(argc, argv, &i, "--state", &r->state) &&
                   !value(argc, argv, &i, "--db", &r->db)) {
            if (argv[i][0] == '-' || r->where) {
                return false;
            }
            r->where = argv[i];
        }
    }
    return argc >= 3 && strcmp(argv[1], "fsck") == 0 && r->where != NULL;
}

int cmd_register(int argc, char **argv)
{
    struct run r = {0};
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 ||
                     (argc > 2 && strcmp(argv[2], "--help") == 0))) {
        fputs(help_text, stdout);
        return 0;
    }
    if (!parse(&r, argc, argv)) {
        fputs(help_text, stderr);
        return wh_err_row(WH_USAGE)->exit_code;
    }
    wh_arena_init(&r.arena, MEMORY);
    int code = print_result(&r, check(&r));
    register_files_close(&r.files);
    net_fetch_free(&r.fetch);
    wh_arena_done(&r.arena);
    return code;
}
