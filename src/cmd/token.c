/*
 * token.c - `weighhouse token`: one's own tokens.
 */
#include "cmd/client.h"
#include "cmd/cmd.h"
#include <stdio.h>
#include <string.h>

#define PATH "/api/weighhouse/v1/tokens"

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

struct run {
    struct cmd_client client;
    const char *words[2], *role, *days;
    size_t n;
    bool json;
};

static bool create(struct run *r, json_t **out, struct wh_err *err)
{
    json_t *body =
        wh_json_own(&r->client.arena, json_pack("{s:s}", "name", r->words[1]));
    struct wh_str token;
    uint64_t days;

    if (r->role) {
        json_object_set_new(body, "role", wh_json_str(wh_str_of(r->role)));
    }
    if (r->days) {
        if (!wh_str_u64(wh_str_of(r->days), &days) || days > INT32_MAX) {
            return wh_fail(err, WH_USAGE, "--days takes a number");
        }
        json_object_set_new(body, "days", json_integer((json_int_t)days));
    }
    if (!cmd_client_call(&r->client, "POST", WH_S(PATH), body, out, err) ||
        !wh_json_get_str(*out, "token", &token, err)) {
        return false;
    }
    if (!r->json) {
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

static bool list(struct run *r, json_t **out, struct wh_err *err)
{
    const json_t *t;
    size_t i;

    if (!cmd_client_call(&r->client, "GET", WH_S(PATH), NULL, out, err)) {
        return false;
    }
    if (r->json) {
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

static bool revoke(struct run *r, json_t **out, struct wh_err *err)
{
    struct cmd_client *c = &r->client;
    struct wh_str path = wh_arena_fmt(
        &c->arena, PATH "/%.*s", WH_FMT(cmd_client_segment(c, r->words[1])));

    if (!cmd_client_call(c, "DELETE", path, NULL, out, err)) {
        return false;
    }
    if (!r->json) {
        printf("token %s is revoked\n", r->words[1]);
    }
    return true;
}

static const struct verb {
    const char *name;
    size_t words;
    bool (*run)(struct run *r, json_t **out, struct wh_err *err);
} VERBS[] = {{"create", 2, create}, {"list", 1, list}, {"revoke", 2, revoke}};

static const struct verb *find_verb(const struct run *r)
{
    for (size_t i = 0; r->n > 0 && i < sizeof VERBS / sizeof *VERBS; i++) {
        if (strcmp(r->words[0], VERBS[i].name) == 0 && r->n == VERBS[i].words) {
            return &VERBS[i];
        }
    }
    return NULL;
}

int cmd_token(int argc, char **argv)
{
    struct run r = {0};
    const struct cmd_option options[] = {{"--role", &r.role},
                                         {"--days", &r.days}};
    struct wh_err err = {0};
    json_t *out = NULL;
    bool ok;

    if (argc > 1 && strcmp(argv[argc - 1], "--help") == 0) {
        fputs(help_text, stdout);
        return 0;
    }
    if (!cmd_words(argc, argv, options, 2, &r.json, r.words, 2, &r.n) ||
        !find_verb(&r)) {
        fputs(help_text, stderr);
        return wh_err_row(WH_USAGE)->exit_code;
    }
    ok = cmd_client_open(&r.client, NULL, &err) &&
         find_verb(&r)->run(&r, &out, &err);
    if (ok && r.json) {
        cmd_print_json(out);
    }
    cmd_client_close(&r.client);
    return ok ? 0 : cmd_fail("token", &err);
}
