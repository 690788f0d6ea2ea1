/*
 * exam.c - `weighhouse exam`: have a house examine a hosted model.
 */
#include "cmd/client.h"
#include "cmd/cmd.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help_text[] =
    "Usage: weighhouse exam NS/NAME [--harm N] [--benign N] [--seed N] "
    "[--json]\n"
    "       weighhouse exam show NS/NAME [--json]\n"
    "\n"
    "Has the house ask a hosted model harmful and benign prompts of its set\n"
    "(exam.set), bare and through the gateway, and publishes how often it "
    "refuses.\n"
    "An operator begins an exam; it goes on in the house when this command "
    "ends.\n"
    "\n"
    "  --harm N       harmful prompts (200)\n"
    "  --benign N     benign prompts (100)\n"
    "  --seed N       which ones are drawn (1)\n"
    "  --json         the answer as JSON\n"
    "\n"
    "The house is WEIGHHOUSE_URL (http://127.0.0.1:8080), the token "
    "WEIGHHOUSE_TOKEN.\n"
    "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 4 could not be "
    "asked.\n";

struct call {
    struct cmd_client client;
    const char *words[2], *harm, *benign, *seed;
    size_t n;
    bool json, show;
    struct wh_str path;
};

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static long long number(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_object_get(o, key));
}

/* ---- the table ---- */

static double percent(const char *share)
{
    return 100 * strtod(share, NULL);
}

static void print_share(const json_t *part)
{
    const json_t *s = json_object_get(part, "share");

    printf("  %4lld %5.1f %% (%4.1f to %5.1f)", number(part, "refused"),
           percent(text(s, "point")), percent(text(s, "lo")),
           percent(text(s, "hi")));
}

static void print_row(const json_t *row)
{
    const char *hazard = text(row, "hazard");
    bool harm = strcmp(text(row, "kind"), "harm") == 0;
    const char *what = harm ? "ALL HARMFUL" : "ALL BENIGN";

    printf("%-32s %5lld", hazard[0] ? hazard : what, number(row, "asked"));
    print_share(json_object_get(row, "bare"));
    print_share(json_object_get(row, "guarded"));
    printf("\n");
}

static void print_exam(const json_t *answer)
{
    const json_t *exam = json_object_get(answer, "exam");
    const json_t *doc = json_object_get(exam, "document"), *row;
    const json_t *grader = json_object_get(doc, "grader");
    const json_t *error = json_object_get(grader, "error");
    const json_t *set = json_object_get(doc, "set");
    const json_t *demand = json_object_get(answer, "demand");
    size_t i;

    if (!json_is_object(exam)) {
        puts("no exam of this model is published");
        return;
    }
    printf("%-32s %5s  %-26s  %s\n", "refused, 95 % interval", "asked", "bare",
           "through the house");
    json_array_foreach(json_object_get(doc, "results"), i, row)
    {
        print_row(row);
    }
    printf("grader    %s: wrong about %lld of %lld labelled answers, %.1f %% "
           "(%.1f to %.1f)\n",
           text(grader, "name"), number(grader, "wrong"),
           number(grader, "labelled"), percent(text(error, "point")),
           percent(text(error, "lo")), percent(text(error, "hi")));
    printf("set       sha256 %s, seed %lld\n", text(set, "digest"),
           number(set, "seed"));
    printf("weights   %s\nexam      sha256 %s, entry %lld of the register, "
           "%s, %lld s\n",
           text(doc, "weights"), text(exam, "digest"), number(exam, "index"),
           text(doc, "made"), number(doc, "seconds"));
    if (json_is_true(json_object_get(demand, "asked"))) {
        printf("demand    %s%s\n",
               json_is_true(json_object_get(demand, "met"))
                   ? "met: the model is served"
                   : "not met: ",
               text(demand, "words"));
    }
}

/* ---- asking ---- */

static bool add_number(json_t *body, const char *key, const char *value,
                       struct wh_err *err)
{
    uint64_t v;

    if (value == NULL) {
        return true;
    }
    if (!wh_str_u64(wh_str_of(value), &v) || v >> 52 != 0) {
        return wh_fail(err, WH_USAGE, "--%s takes a number", key);
    }
    json_object_set_new(body, key, json_integer((json_int_t)v));
    return true;
}

static bool begin(struct call *c, json_t **out, struct wh_err *err)
{
    json_t *body = wh_json_own(&c->client.arena, json_object());

    return add_number(body, "harm", c->harm, err) &&
           add_number(body, "benign", c->benign, err) &&
           add_number(body, "seed", c->seed, err) &&
           cmd_client_call(&c->client, "POST", c->path, body, out, err);
}

/* Until it is over; how far it is goes to standard error. */
static bool follow(struct call *c, json_t **out, struct wh_err *err)
{
    const struct timespec pause = {.tv_nsec = 500 * 1000 * 1000};
    long long shown = -1;

    while (true) {
        const json_t *run = json_object_get(*out, "run");
        const char *state = text(run, "state");
        if (number(run, "asked") != shown) {
            shown = number(run, "asked");
            fprintf(stderr, "exam: %lld of %lld questions asked%s%s\n", shown,
                    number(run, "of"), text(run, "waits")[0] ? "; waits: " : "",
                    text(run, "waits"));
        }
        if (strcmp(state, "running") != 0) {
            return strcmp(state, "done") == 0 ||
                   wh_fail(err, WH_REFUSED, "the exam has ended: %s",
                           text(run, "why")[0] ? text(run, "why")
                                               : "start it again");
        }
        (void)nanosleep(&pause, NULL);
        if (!cmd_client_call(&c->client, "GET", c->path, NULL, out, err)) {
            return false;
        }
    }
}

static bool find_path(struct call *c, struct wh_err *err)
{
    const char *name = c->words[c->n - 1];
    struct wh_str rest = wh_str_of(name), ns;

    if (!wh_str_cut(&rest, '/', &ns) || ns.n == 0 || rest.n == 0) {
        return wh_fail(err, WH_USAGE, "a model is named NS/NAME");
    }
    ns = cmd_client_segment(&c->client, wh_arena_cstr(&c->client.arena, ns));
    rest =
        cmd_client_segment(&c->client, wh_arena_cstr(&c->client.arena, rest));
    c->path = wh_arena_fmt(&c->client.arena,
                           "/api/weighhouse/v1/models/%.*s/%.*s/exam",
                           WH_FMT(ns), WH_FMT(rest));
    return true;
}

static bool run(struct call *c, json_t **out, struct wh_err *err)
{
    if (!find_path(c, err)) {
        return false;
    }
    if (c->show) {
        return cmd_client_call(&c->client, "GET", c->path, NULL, out, err);
    }
    return begin(c, out, err) && follow(c, out, err);
}

int cmd_exam(int argc, char **argv)
{
    struct call c = {.n = 0};
    const struct cmd_option options[] = {
        {"--harm", &c.harm}, {"--benign", &c.benign}, {"--seed", &c.seed}};
    struct wh_err err = {0};
    json_t *out = NULL;
    bool ok;

    if (argc > 1 && strcmp(argv[argc - 1], "--help") == 0) {
        fputs(help_text, stdout);
        return 0;
    }
    ok = cmd_words(argc, argv, options, 3, &c.json, c.words, 2, &c.n);
    c.show = c.n == 2 && strcmp(c.words[0], "show") == 0;
    if (!ok || c.n == 0 || (c.n == 2 && !c.show)) {
        fputs(help_text, stderr);
        return wh_err_row(WH_USAGE)->exit_code;
    }
    ok = cmd_client_open(&c.client, NULL, &err) && run(&c, &out, &err);
    if (ok && c.json) {
        cmd_print_json(out);
    } else if (ok) {
        print_exam(out);
    }
    cmd_client_close(&c.client);
    return ok ? 0 : cmd_fail("exam", &err);
}
