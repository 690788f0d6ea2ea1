/*
 * weigh.c - `weighhouse weigh`: look inside files and folders without a server,
 * each file read by a scanner process of its own.
 */
#include "cmd/cmd.h"
#include "cmd/weighed.h"

#include <stdio.h>

#define MEMORY ((size_t)256 << 20)
#define OUTPUT_MAX ((size_t)1 << 30)

static const char help_text[] =
    "Usage: weighhouse weigh PATH... [--json]\n"
    "\n"
    "Looks inside model files, or every file of a folder: format, parameters,\n"
    "architecture, an interval of the training compute, and findings "
    "(programs,\n"
    "unexplained bytes, suspicious templates). Nothing is loaded or run.\n"
    "\n"
    "Exit codes: 0 nothing to worry about, 1 a finding to look at, 2 wrong\n"
    "usage, 3 a file that can not be verified to its last byte, 4 a file that\n"
    "could not be read.\n";

struct run {
    struct cmd_scanner *scanner;
    bool json;
    json_t *out; /* array of trees */
    size_t dangers, warnings, unverified, failed;
};

/* Weigh one path; false only for wrong paths and failures of ours. */
static bool weigh_path(struct run *r, const char *path, struct wh_err *err)
{
    struct cmd_weighed weighed;
    struct cmd_tree tree;
    struct wh_arena a;
    wh_arena_init(&a, MEMORY);
    bool ok = cmd_tree_open(&a, path, &tree, err);
    if (ok) {
        ok = cmd_weigh_tree(r->scanner, &a, &tree, &weighed, err);
        cmd_tree_close(&tree);
    }
    if (ok) {
        r->dangers += weighed.dangers;
        r->warnings += weighed.warnings;
        r->unverified += weighed.unverified;
        r->failed += weighed.failed;
        if (r->json) {
            (void)json_array_append_new(r->out, cmd_weighed_json(&weighed));
        } else {
            cmd_print_weighed(&weighed);
        }
    }
    wh_arena_done(&a);
    return ok;
}

static int exit_code(const struct run *r)
{
    if (r->failed > 0) {
        return wh_err_row(WH_OUTSIDE)->exit_code;
    }
    if (r->dangers > 0) {
        return wh_err_row(WH_REFUSED)->exit_code;
    }
    if (r->unverified > 0) {
        return wh_err_row(WH_NOT_VERIFIABLE)->exit_code;
    }
    return r->warnings > 0 ? wh_err_row(WH_REFUSED)->exit_code : 0;
}

static void print_json(struct run *r)
{
    struct wh_buf b;
    json_t *o = json_object();
    (void)json_object_set_new(o, "v", json_integer(1));
    (void)json_object_set_new(o, "sandboxed",
                              json_boolean(cmd_scanner_locked(r->scanner)));
    (void)json_object_set(o, "weighed", r->out);
    wh_buf_init(&b, OUTPUT_MAX);
    wh_json_write(&b, o, true);
    (void)fwrite(b.p, 1, b.n, stdout);
    (void)putchar('\n');
    wh_buf_done(&b);
    json_decref(o);
}

/* All paths, then the exit code. */
static int weigh_all(struct run *r, int argc, char **argv)
{
    int code = 0;
    r->out = json_array();
    for (int i = 1; i < argc; i++) {
        struct wh_err err = {0};
        if (wh_str_is(wh_str_of(argv[i]), "--json")) {
            continue;
        }
        if (!weigh_path(r, argv[i], &err)) {
            code = cmd_fail("weigh", &err);
            if (err.code == WH_NOT_FOUND) { /* 1 would mean a finding */
                code = wh_err_row(WH_USAGE)->exit_code;
            }
        }
    }
    if (r->json) {
        print_json(r);
    }
    json_decref(r->out);
    return code ? code : exit_code(r);
}

static int wrong_usage(const char *what, const char *arg)
{
    struct wh_err err = {0};
    (void)wh_fail(&err, WH_USAGE, "%s%s; see weighhouse weigh --help", what,
                  arg);
    return cmd_fail("weigh", &err);
}

int cmd_weigh(int argc, char **argv)
{
    struct run r = {0};
    struct wh_err err = {0};
    int paths = 0;
    for (int i = 1; i < argc; i++) {
        struct wh_str arg = wh_str_of(argv[i]);
        if (wh_str_is(arg, "--help") || wh_str_is(arg, "-h")) {
            (void)fputs(help_text, stdout);
            return 0;
        }
        if (wh_str_is(arg, "--json")) {
            r.json = true;
        } else if (wh_str_starts(arg, WH_S("--"))) {
            return wrong_usage("no such option: ", argv[i]);
        } else {
            paths++;
        }
    }
    if (paths == 0) {
        return wrong_usage("nothing to weigh", "");
    }
    r.scanner = cmd_scanner_new(&err);
    if (!r.scanner) {
        return cmd_fail("weigh", &err);
    }
    if (!cmd_scanner_locked(r.scanner)) {
        (void)fputs("weighhouse weigh: this system has no system call filter; "
                    "files are read in this process, without a sandbox\n",
                    stderr);
    }
    int code = weigh_all(&r, argc, argv);
    cmd_scanner_free(&r.scanner);
    return code;
}
