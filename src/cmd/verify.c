/*
 * verify.c - `weighhouse verify`: is this release, or are these files, what the
 * register says was decided?
 */
#include "base/time.h"
#include "cmd/cmd.h"
#include "cmd/local.h"
#include "cmd/released.h"
#include <stdio.h>
#include <string.h>

#define HOUR_US INT64_C(3600000000)
#define HOURS_DEFAULT 24
#define HOURS_MAX 87600

static const char help_text[] =
    "Usage: weighhouse verify URL [OPTION...]\n"
    "       weighhouse verify PATH --against URL [OPTION...]\n"
    "\n"
    "Checks a release against the public register of its house. URL names a "
    "repo\n"
    "(http://HOST/NS/NAME, /datasets/NS/NAME, /spaces/NS/NAME), with /tree/REV "
    "a\n"
    "revision; PATH is a downloaded file, a folder, or a snapshot in hf's "
    "cache.\n"
    "Checked are: the signature of the log, that the decision's entry is in "
    "it, that\n"
    "the log goes on from the one seen here before, that the manifest is what "
    "was\n"
    "decided about, and that each file has the digest of the manifest. "
    "Documents\n"
    "and data belong to no manifest.\n"
    "\n"
    "  --against URL    the release that PATH is compared with; without "
    "/tree/REV it\n"
    "                   is the commit that hf noted in PATH, else main\n"
    "  --key KEY        the log's verifier key, or a file with it; else the "
    "one kept\n"
    "                   from the first time\n"
    "  --state DIR      where key, last checkpoint and papers are kept "
    "(default\n"
    "                   ~/.local/state/weighhouse/verify)\n"
    "  --offline        ask nobody; use the papers kept\n"
    "  --max-age HOURS  older papers are stale (24)\n"
    "  --json           the result as JSON\n"
    "\n"
    "Exit codes: 0 good; 1 bad, a file is not what was decided about, or "
    "recalled by\nthe approvers of the house; 2 wrong usage; 3 stale, unknown "
    "to the register, or not verifiable; 4 the house "
    "could\n"
    "not be asked. For private repos WEIGHHOUSE_TOKEN is sent, to the house "
    "of\n"
    "WEIGHHOUSE_URL only.\n";

enum result { GOOD, STALE, UNKNOWN, BAD, UNVERIFIED, RECALLED };
static const char *const RESULTS[] = {"good", "stale",          "unknown",
                                      "bad",  "not verifiable", "recalled"};

struct run {
    struct cmd_client client;
    const char *words[1], *against, *hours;
    size_t n;
    bool json;
    struct cmd_release_options options;
    struct cmd_where where;
    struct cmd_release release;
    const char *path; /* null: a URL alone */
    struct cmd_local local;
    enum result result;
};

static bool is_url(const char *word)
{
    return strncmp(word, "http://", 7) == 0 ||
           strncmp(word, "https://", 8) == 0;
}

/* ---- options ---- */

static bool read_hours(struct run *r, struct wh_err *err)
{
    uint64_t hours = HOURS_DEFAULT;

    if (r->hours &&
        (!wh_str_u64(wh_str_of(r->hours), &hours) || hours > HOURS_MAX)) {
        return wh_fail(err, WH_USAGE, "--max-age takes hours, 0 to %d",
                       HOURS_MAX);
    }
    r->options.max_age_us = (int64_t)hours * HOUR_US;
    return true;
}

/* What is compared, and with what. */
static bool read_subject(struct run *r, struct wh_err *err)
{
    const char *url = r->words[0];

    if (!is_url(url)) {
        r->path = url;
        url = r->against;
    } else if (r->against) {
        return wh_fail(err, WH_USAGE, "--against goes with a path");
    }
    if (!url) {
        return wh_fail(err, WH_USAGE,
                       "a path needs --against URL, the release to compare it "
                       "with");
    }
    return cmd_where_parse(&r->client.arena, url, &r->where, err);
}

/* Without a revision of its own, the one that hf noted. */
static void find_revision(struct run *r)
{
    struct wh_str commit;

    if (r->path && !strstr(r->against, "/tree/") &&
        cmd_local_commit(&r->client.arena, r->path, &commit)) {
        r->where.rev = commit;
    }
}

/* ---- judging ---- */

static enum result judge_files(const struct cmd_local *l)
{
    if (l->other > 0) {
        return BAD;
    }
    if (l->failed > 0) {
        return UNVERIFIED;
    }
    return l->foreign > 0 || l->same == 0 ? UNKNOWN : GOOD;
}

static bool check(struct run *r, struct wh_err *err)
{
    if (!read_hours(r, err) || !read_subject(r, err)) {
        return false;
    }
    find_revision(r);
    if (!wh_str_eq(r->client.url, r->where.house)) {
        r->client.token = NULL; /* it is a secret of the other house */
        r->client.url = r->where.house;
    }
    if (!cmd_release_get(&r->client, &r->where, &r->options, &r->release,
                         err)) {
        return false;
    }
    if (r->release.state == CMD_RELEASE_UNKNOWN) {
        r->result = UNKNOWN;
        return true;
    }
    if (r->path && !cmd_local_compare(&r->client.arena, r->path,
                                      r->release.files, &r->local, err)) {
        return false;
    }
    r->result = r->path ? judge_files(&r->local) : GOOD;
    if (r->result == GOOD && r->release.state == CMD_RELEASE_STALE) {
        r->result = STALE;
    }
    if (r->result != BAD && r->result != UNVERIFIED &&
        json_array_size(r->release.recalls) > 0) {
        r->result = RECALLED;
    }
    return true;
}

/* ---- printing ---- */

static const char *kind_name(enum cmd_local_kind kind)
{
    static const char *const names[] = {"same", "bad", "unknown", "beside",
                                        "unreadable"};

    return names[kind];
}

static void print_files(const struct run *r)
{
    const struct cmd_local *l = &r->local;

    for (size_t i = 0; i < l->n; i++) {
        const struct cmd_local_file *f = &l->files[i];
        if (f->kind == CMD_LOCAL_OTHER) {
            printf("  bad      %.*s\n           is     %.*s\n           "
                   "should be %.*s\n",
                   WH_FMT(f->path), WH_FMT(f->sha256), WH_FMT(f->want));
        } else if (f->kind == CMD_LOCAL_FOREIGN) {
            printf("  unknown  %.*s is not part of the release\n",
                   WH_FMT(f->path));
        } else if (f->kind == CMD_LOCAL_FAILED) {
            printf("  unreadable %.*s\n", WH_FMT(f->path));
        }
    }
    printf("  files    %zu as decided, %zu not, %zu documents or data beside, "
           "%zu of the release not here\n",
           l->same, l->other + l->foreign + l->failed, l->beside, l->absent);
}

static void print_tiers(json_t *tiers)
{
    const char *part;
    json_t *tier;
    const char *comma = "";

    json_object_foreach(tiers, part, tier)
    {
        printf("%s%s %s", comma, part, json_string_value(tier));
        comma = ", ";
    }
}

static void print_release(const struct cmd_release *rel)
{
    char at[WH_TIME_TEXT];

    wh_time_text(rel->at_us, at);
    printf("  subject  %.*s\n  commit   %.*s\n  decision entry %llu of %s: ",
           WH_FMT(rel->subject), WH_FMT(rel->commit),
           (unsigned long long)rel->index, rel->checkpoint.origin);
    print_tiers(json_object_get(rel->leaf, "tiers"));
    printf("\n  log      %llu entries, signed; as of %s%s\n",
           (unsigned long long)rel->checkpoint.size, at,
           rel->kept ? " (papers kept; the house was not asked)" : "");
    if (rel->first_use) {
        printf("  key      met for the first time and kept; compare it with "
               "one from elsewhere:\n           ");
        struct wh_buf b;
        wh_buf_init(&b, TLOG_VKEY_TEXT);
        tlog_vkey_text(&rel->key, &b);
        printf("%.*s\n", WH_FMT(wh_buf_str(&b)));
        wh_buf_done(&b);
    }
}

static void print_recalls(const struct cmd_release *rel)
{
    const json_t *n, *leaf;
    char until[WH_TIME_TEXT];
    size_t i;

    json_array_foreach(rel->recalls, i, n)
    {
        leaf = json_object_get(n, "leaf");
        wh_time_text(json_integer_value(json_object_get(leaf, "until")) *
                         1000000,
                     until);
        printf("  recalled %s: %s\n           until %s, entry %lld; asked of "
               "you: %s\n",
               json_string_value(json_object_get(leaf, "reason")),
               json_string_value(json_object_get(n, "words")), until,
               (long long)json_integer_value(json_object_get(n, "index")),
               json_string_value(json_object_get(leaf, "action")));
    }
}

static void print_text(const struct run *r)
{
    const struct cmd_release *rel = &r->release;
    const char *what = r->path ? r->path : r->words[0];

    printf("%s: %s", RESULTS[r->result], what);
    if (r->result == STALE || rel->state == CMD_RELEASE_UNKNOWN) {
        printf(": %.*s", WH_FMT(rel->why));
    }
    printf("\n");
    if (rel->state == CMD_RELEASE_UNKNOWN) {
        return;
    }
    print_recalls(rel);
    if (r->path) {
        print_files(r);
    }
    print_release(rel);
}

static json_t *json_files(const struct cmd_local *l)
{
    json_t *list = json_array();

    for (size_t i = 0; i < l->n; i++) {
        const struct cmd_local_file *f = &l->files[i];
        json_t *o = json_object();
        json_object_set_new(o, "path", wh_json_str(f->path));
        json_object_set_new(o, "result", json_string(kind_name(f->kind)));
        if (f->sha256.n > 0) {
            json_object_set_new(o, "sha256", wh_json_str(f->sha256));
        }
        if (f->kind == CMD_LOCAL_OTHER) {
            json_object_set_new(o, "expected", wh_json_str(f->want));
        }
        json_array_append_new(list, o);
    }
    return list;
}

static void print_json(struct run *r)
{
    const struct cmd_release *rel = &r->release;
    json_t *o = wh_json_own(&r->client.arena, json_object());

    json_object_set_new(o, "v", json_integer(1));
    json_object_set_new(o, "result", json_string(RESULTS[r->result]));
    json_object_set_new(o, "repo", wh_json_str(rel->repo));
    if (rel->why.n > 0) {
        json_object_set_new(o, "why", wh_json_str(rel->why));
    }
    if (rel->state != CMD_RELEASE_UNKNOWN) {
        char at[WH_TIME_TEXT];
        wh_time_text(rel->at_us, at);
        json_object_set_new(o, "commit", wh_json_str(rel->commit));
        json_object_set_new(o, "subject", wh_json_str(rel->subject));
        json_object_set_new(o, "index", json_integer((json_int_t)rel->index));
        json_object_set(o, "leaf", rel->leaf);
        json_object_set(o, "recalls", rel->recalls);
        json_object_set_new(o, "origin", json_string(rel->checkpoint.origin));
        json_object_set_new(o, "size",
                            json_integer((json_int_t)rel->checkpoint.size));
        json_object_set_new(o, "as_of", json_string(at));
        json_object_set_new(o, "kept", json_boolean(rel->kept));
        json_object_set_new(o, "first_use", json_boolean(rel->first_use));
    }
    if (r->path && rel->state != CMD_RELEASE_UNKNOWN) {
        json_object_set_new(o, "files", json_files(&r->local));
        json_object_set_new(o, "absent",
                            json_integer((json_int_t)r->local.absent));
    }
    cmd_print_json(o);
}

static int exit_code(enum result result)
{
    static const enum wh_code codes[] = {WH_NONE,           WH_NOT_VERIFIABLE,
                                         WH_NOT_VERIFIABLE, WH_DIGEST_MISMATCH,
                                         WH_NOT_VERIFIABLE, WH_HELD};

    return wh_err_row(codes[result])->exit_code;
}

/* What kept the check from ending: no answer is not an answer. */
static int failed(struct run *r, const struct wh_err *err)
{
    int code;

    if (r->json) {
        json_t *o = wh_json_own(&r->client.arena, json_object());
        json_object_set_new(o, "v", json_integer(1));
        json_object_set_new(o, "result", json_string(RESULTS[UNVERIFIED]));
        json_object_set_new(o, "code",
                            json_string(wh_err_row(err->code)->name));
        json_object_set_new(o, "why", json_string(err->msg));
        cmd_print_json(o);
    }
    code = cmd_fail("verify", err);
    /* papers of a form that is none of ours are such as do not verify */
    return code == 1 || err->code == WH_BAD_REQUEST || err->code == WH_BAD_JSON
               ? wh_err_row(WH_NOT_VERIFIABLE)->exit_code
               : code;
}

static bool parse(struct run *r, int argc, char **argv)
{
    const struct cmd_option options[] = {{"--against", &r->against},
                                         {"--key", &r->options.key},
                                         {"--state", &r->options.state},
                                         {"--max-age", &r->hours}};
    int n = 1;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--offline") == 0) {
            r->options.offline = true;
        } else {
            argv[n++] = argv[i];
        }
    }
    return cmd_words(n, argv, options, sizeof options / sizeof *options,
                     &r->json, r->words, 1, &r->n) &&
           r->n == 1;
}

int cmd_verify(int argc, char **argv)
{
    struct run r = {0};
    struct wh_err err = {0};
    int code;

    if (argc > 1 && strcmp(argv[argc - 1], "--help") == 0) {
        fputs(help_text, stdout);
        return 0;
    }
    if (!parse(&r, argc, argv)) {
        fputs(help_text, stderr);
        return wh_err_row(WH_USAGE)->exit_code;
    }
    if (!cmd_client_open(&r.client, NULL, &err) || !check(&r, &err)) {
        code = failed(&r, &err);
    } else {
        if (r.json) {
            print_json(&r);
        } else {
            print_text(&r);
        }
        code = exit_code(r.result);
    }
    cmd_client_close(&r.client);
    return code;
}
