/*
 * token.c - `weighhouse token`: one's own tokens.
 */
#include "cmd/cmd.h"
#include "cmd/noun.h"
#include <stdio.h>
#include <string.h>

#define PATH "/api/weighhouse/v1/tokens"

/* Places of the options. */
enum { ROLE, DAYS };

static const char help_text[] =
    "Usage: weighhouse token create NAME [--role read|write|admin] [--days N]\n"
    "       weighhouse token list\n"
    "       weighhouse token revoke NUMBER\n"
    "\n"
    "create prints the new token, which is shown only now; it can do no more "
    "than\n"
    "the one it is made with. Without --role it is write, without --days it "
    "lasts\n"
    "until it is revoked. list gives the numbers that revoke takes.\n"
    "\n"
    "  --json         the answer as JSON\n"
    "\n"
    "The house is WEIGHHOUSE_URL (http://127.0.0.1:8080), you are "
    "WEIGHHOUSE_TOKEN.\n"
    "Exit codes: 0 done, 1 refused, 2 wrong usage, 4 could not be asked.\n";

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
    printf("%8s  %-6s %-24s  %-24s  %s\n", "number", "role", "created",
           "expires", "name");
    json_array_foreach(*out, i, t)
    {
        const char *expires = text(t, "expires");
        printf("%8lld  %-6s %-24s  %-24s  %s\n",
               (long long)json_integer_value(json_object_get(t, "id")),
               text(t, "role"), text(t, "created"),
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

static const struct cmd_verb VERBS[] = {
    {"create", 2, create}, {"list", 1, list}, {"revoke", 2, revoke}};

int cmd_token(int argc, char **argv)
{
    static const struct cmd_noun noun = {.name = "token",
                                         .help = help_text,
                                         .options = {"--role", "--days"},
                                         .verbs = VERBS,
                                         .n = sizeof VERBS / sizeof *VERBS};

    return cmd_noun(&noun, argc, argv);
}
