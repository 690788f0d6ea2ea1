/*
 * token.c - `weighhouse token`: one's own tokens.
 */
#include "cmd/cmd.h"
#include "cmd/noun.h"
#include "cmd/token_renew.h"
#include <stdio.h>
#include <string.h>

#define PATH "/api/weighhouse/v1/tokens"

/* Places of the options. */
enum { ROLE, DAYS, ONLY, METRICS, GRACE };

static const char help_text[] =
    "Usage: weighhouse token create NAME [--role read|write|admin] [--days N]\n"
    "                               [--for NAME,...] [--metrics yes]\n"
    "       weighhouse token list\n"
    "       weighhouse token rotate NUMBER [--grace HOURS]\n"
    "       weighhouse token revoke NUMBER\n"
    "       weighhouse token renew-admin [--data DIR] [--config FILE]\n"
    "\n"
    "create prints the new token, which is shown only now; it can do no more "
    "than\n"
    "the one it is made with. Without --role it is write, without --days it "
    "lasts\n"
    "until it is revoked. With --for it may read or write (--role) in these "
    "places\n"
    "alone: a namespace, owner/model, datasets/owner/name. With --metrics yes "
    "it may\n"
    "also read /metrics (operators). rotate prints a new secret; the old one "
    "works for\n"
    "--grace hours more (24). list gives the numbers that rotate and revoke "
    "take.\n"
    "\n"
    "renew-admin is for whoever is at the house's own host, as its user or "
    "root, and asks\n"
    "nobody: it writes a new token of admin into DIR/admin.token, and ends the "
    "one that\n"
    "was written there before, admin's sessions and its sign-in links.\n"
    "\n"
    "  --json         the answer as JSON\n"
    "\n"
    "The house is WEIGHHOUSE_URL (http://127.0.0.1:8080), you are "
    "WEIGHHOUSE_TOKEN.\n"
    "Exit codes: 0 done, 1 refused, 2 wrong usage, 4 could not be asked.\n";

/* --for a,b: the role of the command line becomes that of the scopes. */
static void add_scopes(struct cmd_call *c, json_t *body)
{
    struct wh_str rest = wh_str_of(c->options[ONLY]), one;
    json_t *list = json_array();

    json_object_set_new(body, "role", json_string("fineGrained"));
    json_object_set_new(body, "scopes", list);
    while (rest.n > 0) {
        (void)wh_str_cut(&rest, ',', &one);
        json_array_append_new(
            list, json_pack("{s:o,s:s}", "entity", wh_json_str(one), "role",
                            c->options[ROLE] ? c->options[ROLE] : "read"));
    }
}

static bool create(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    json_t *body =
        wh_json_own(&c->client.arena, json_pack("{s:s}", "name", c->words[1]));
    struct wh_str token;
    uint64_t days;

    if (c->options[ROLE]) {
        json_object_set_new(body, "role",
                            wh_json_str(wh_str_of(c->options[ROLE])));
    }
    if (c->options[ONLY]) {
        add_scopes(c, body);
    }
    if (c->options[METRICS]) {
        json_object_set_new(body, "role", json_string("fineGrained"));
        json_object_set_new(
            body, "metrics",
            json_boolean(strcmp(c->options[METRICS], "yes") == 0));
    }
    if (c->options[DAYS]) {
        if (!wh_str_u64(wh_str_of(c->options[DAYS]), &days) ||
            days > INT32_MAX) {
            return wh_fail(err, WH_USAGE, "--days takes a number");
        }
        json_object_set_new(body, "days", json_integer((json_int_t)days));
    }
    if (!cmd_client_call(&c->client, "POST", WH_S(PATH), body, out, err) ||
        !wh_json_get_str(*out, "token", &token, err)) {
        return false;
    }
    if (!c->json) {
        printf("%.*s\n", WH_FMT(token));
    }
    return true;
}

/* A text of an object, "" if it is none. */
static const char *text(const json_t *o, const char *key)
{
    const char *v = json_string_value(json_object_get(o, key));

    return v ? v : "";
}

static bool list(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    const json_t *t;
    size_t i;

    if (!cmd_client_call(&c->client, "GET", WH_S(PATH), NULL, out, err)) {
        return false;
    }
    if (c->json) {
        return true;
    }
    printf("%8s  %-11s %-10s  %-24s  %s\n", "number", "role", "last used",
           "expires", "name");
    json_array_foreach(*out, i, t)
    {
        const char *expires = text(t, "expires");
        const char *used = text(t, "last_used");
        printf("%8lld  %-11s %-10s  %-24s  %s\n",
               (long long)json_integer_value(json_object_get(t, "id")),
               text(t, "role"), used[0] ? used : "never",
               expires[0] ? expires : "when revoked", text(t, "name"));
    }
    return true;
}

static bool revoke(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    struct cmd_client *client = &c->client;
    struct wh_str path =
        wh_arena_fmt(&client->arena, PATH "/%.*s",
                     WH_FMT(cmd_client_segment(client, c->words[1])));

    if (!cmd_client_call(client, "DELETE", path, NULL, out, err)) {
        return false;
    }
    if (!c->json) {
        printf("token %s is revoked\n", c->words[1]);
    }
    return true;
}

static bool rotate(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    struct cmd_client *client = &c->client;
    struct wh_str path =
        wh_arena_fmt(&client->arena, PATH "/%.*s/rotate",
                     WH_FMT(cmd_client_segment(client, c->words[1])));
    json_t *body = wh_json_own(&client->arena, json_object());
    uint64_t hours;

    if (c->options[GRACE]) {
        if (!wh_str_u64(wh_str_of(c->options[GRACE]), &hours) ||
            hours > INT32_MAX) {
            return wh_fail(err, WH_USAGE, "--grace takes a number of hours");
        }
        json_object_set_new(body, "grace_hours",
                            json_integer((json_int_t)hours));
    }
    if (!cmd_client_call(client, "POST", path, body, out, err)) {
        return false;
    }
    if (!c->json) {
        printf("%s\n", text(*out, "token"));
    }
    return true;
}

static const struct cmd_verb VERBS[] = {{"create", 2, create},
                                        {"list", 1, list},
                                        {"rotate", 2, rotate},
                                        {"revoke", 2, revoke}};

int cmd_token(int argc, char **argv)
{
    static const struct cmd_noun noun = {
        .name = "token",
        .help = help_text,
        .options = {"--role", "--days", "--for", "--metrics", "--grace"},
        .verbs = VERBS,
        .n = sizeof VERBS / sizeof *VERBS};

    if (argc > 1 && strcmp(argv[1], "renew-admin") == 0 &&
        strcmp(argv[argc - 1], "--help") != 0) {
        int code = cmd_token_renew_admin(argc - 1, argv + 1);
        if (code == wh_err_row(WH_USAGE)->exit_code) {
            fputs(help_text, stderr);
        }
        return code;
    }
    return cmd_noun(&noun, argc, argv);
}
