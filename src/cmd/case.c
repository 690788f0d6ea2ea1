/*
 * case.c - `weighhouse case`: cases of the watch, for reviewers and for those
 * whom they are about.
 */
#include "cmd/cmd.h"
#include "cmd/noun.h"
#include <stdio.h>
#include <string.h>

#define PATH "/api/weighhouse/v1/cases"

/* Places of the options. */
enum { REASON };

static const char help_text[] =
    "Usage: weighhouse case list\n"
    "       weighhouse case show CASE\n"
    "       weighhouse case appeal CASE --reason TEXT\n"
    "       weighhouse case decide CASE lift|confirm --reason TEXT\n"
    "       weighhouse case ask CASE --reason TEXT\n"
    "       weighhouse case texts CASE\n"
    "       weighhouse case reviewer NAME on|off\n"
    "\n"
    "CASE is its number, or the end of the address that a refusal named, which "
    "needs\n"
    "no token. list gives a reviewer the cases on the desk, and anybody else "
    "the own\n"
    "ones. Texts are read when two reviewers have asked for it; each reading "
    "is "
    "counted\n"
    "in public and told to the person. Operators name reviewers, and are "
    "none.\n"
    "\n"
    "  --reason TEXT  why; the person reads it\n"
    "  --json         the answer as JSON\n"
    "\n"
    "The house is WEIGHHOUSE_URL (http://127.0.0.1:8080), you are "
    "WEIGHHOUSE_TOKEN.\n"
    "Exit codes: 0 done, 1 refused, 2 wrong usage, 4 could not be asked.\n";

static const char *text(const json_t *o, const char *key)
{
    const char *v = json_string_value(json_object_get(o, key));

    return v ? v : "";
}

static struct wh_str path_of(struct cmd_call *c, const char *end)
{
    struct cmd_client *client = &c->client;

    return wh_arena_fmt(&client->arena, PATH "/%.*s%s",
                        WH_FMT(cmd_client_segment(client, c->words[1])), end);
}

static bool list(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    const json_t *one;
    size_t i;

    if (!cmd_client_call(&c->client, "GET", WH_S(PATH), NULL, out, err)) {
        return false;
    }
    if (c->json) {
        return true;
    }
    printf("%-32s  %-9s  %-8s  %-9s  %-10s  %s\n", "case", "state", "rung",
           "evidence", "until", "model");
    json_array_foreach(json_object_get(*out, "cases"), i, one)
    {
        printf("%-32s  %-9s  %-8s  %-9s  %.10s  %s\n", text(one, "id"),
               text(one, "state"), text(one, "rung"), text(one, "evidence"),
               text(one, "until"), text(one, "model"));
    }
    return true;
}

static void print_case(const json_t *o)
{
    const json_t *one, *why;
    size_t i, k;

    printf("case      %s, %s\nrung      %s: %s\nevidence  %s; of honest users "
           "at most a share of %s gets here\nuntil     %s. %s\n",
           text(o, "id"), text(o, "state"), text(o, "rung"), text(o, "does"),
           text(o, "evidence"), text(o, "alpha"), text(o, "until"),
           text(o, "lifts"));
    if (text(o, "reason")[0]) {
        printf("decided   %s\n", text(o, "reason"));
    }
    json_array_foreach(json_object_get(o, "alarms"), i, one)
    {
        printf("%.19s  %-24s  %-10s  score %s, evidence %s, %s\n",
               text(one, "at"), text(one, "request"), text(one, "layer"),
               text(one, "score"), text(one, "evidence"), text(one, "counted"));
        json_array_foreach(json_object_get(one, "reasons"), k, why)
        {
            printf("                     %s\n", json_string_value(why));
        }
    }
    json_array_foreach(json_object_get(o, "appeals"), i, one)
    {
        printf("appeal    %.19s  %s\n", text(one, "at"), text(one, "text"));
    }
    json_array_foreach(json_object_get(o, "readings"), i, one)
    {
        printf("read      %.19s  by two reviewers\n", text(one, "at"));
    }
}

static bool show(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    if (!cmd_client_call(&c->client, "GET", path_of(c, ""), NULL, out, err)) {
        return false;
    }
    if (!c->json) {
        print_case(*out);
    }
    return true;
}

/* A deed with a reason, sent under this key. */
static bool post(struct cmd_call *c, const char *end, const char *key,
                 const char *outcome, json_t **out, struct wh_err *err)
{
    json_t *body = wh_json_own(&c->client.arena, json_object());

    if (!c->options[REASON]) {
        return wh_fail(err, WH_USAGE, "--reason TEXT is needed");
    }
    json_object_set_new(body, key, wh_json_str(wh_str_of(c->options[REASON])));
    if (outcome) {
        json_object_set_new(body, "outcome", wh_json_str(wh_str_of(outcome)));
    }
    if (!cmd_client_call(&c->client, "POST", path_of(c, end), body, out, err)) {
        return false;
    }
    if (!c->json) {
        print_case(*out);
    }
    return true;
}

static bool appeal(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    return post(c, "/appeal", "text", NULL, out, err);
}

static bool decide(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    return post(c, "/decide", "reason", c->words[2], out, err);
}

static bool ask(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    return post(c, "/wish", "reason", NULL, out, err);
}

static bool texts(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    const json_t *one;
    size_t i;

    if (!cmd_client_call(&c->client, "POST", path_of(c, "/texts"), NULL, out,
                         err)) {
        return false;
    }
    json_array_foreach(*out, i, one)
    {
        if (!c->json) {
            printf("--- %s, %s\n%s\n", text(one, "request"), text(one, "at"),
                   text(one, "text"));
        }
    }
    return true;
}

static bool reviewer(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    struct cmd_client *client = &c->client;
    bool on = strcmp(c->words[2], "on") == 0;
    struct wh_str path =
        wh_arena_fmt(&client->arena, "/api/weighhouse/v1/reviewers/%.*s",
                     WH_FMT(cmd_client_segment(client, c->words[1])));

    if (!on && strcmp(c->words[2], "off") != 0) {
        return wh_fail(err, WH_USAGE, "reviewer NAME on, or off");
    }
    if (!cmd_client_call(client, on ? "PUT" : "DELETE", path, NULL, out, err)) {
        return false;
    }
    if (!c->json) {
        printf("%s is %s reviewer\n", c->words[1], on ? "a" : "no");
    }
    return true;
}

static const struct cmd_verb VERBS[] = {
    {"list", 1, list},        {"show", 2, show}, {"appeal", 2, appeal},
    {"decide", 3, decide},    {"ask", 2, ask},   {"texts", 2, texts},
    {"reviewer", 3, reviewer}};

int cmd_case(int argc, char **argv)
{
    static const struct cmd_noun noun = {.name = "case",
                                         .help = help_text,
                                         .options = {"--reason"},
                                         .verbs = VERBS,
                                         .n = sizeof VERBS / sizeof *VERBS};

    return cmd_noun(&noun, argc, argv);
}
