/*
 * key.c - `weighhouse key`: one's own keys of the gateway, and what they used.
 */
#include "cmd/cmd.h"
#include "cmd/noun.h"
#include <stdio.h>
#include <string.h>

#define PATH "/api/weighhouse/v1/keys"

/* Places of the options. */
enum { MODEL, DAYS, REQUESTS, TOKENS, DAY_TOKENS, STREAMS };

static const char help_text[] =
    "Usage: weighhouse key create NAME [--model NS/NAME] [--days N]\n"
    "           [--requests N] [--tokens N] [--day-tokens N] [--streams N]\n"
    "       weighhouse key list\n"
    "       weighhouse key revoke NUMBER\n"
    "       weighhouse key usage\n"
    "\n"
    "Keys are for programs that ask hosted models over /v1, as OpenAI's "
    "clients do.\n"
    "create prints the new key, which is shown only now. With --model it is "
    "good for\n"
    "that one alone, without --days it lasts until it is revoked. The limits "
    "are per\n"
    "minute (--requests, --tokens), per day and at once; 0 is none, and the "
    "house has\n"
    "its own for those that are not given. revoke also ends what runs with "
    "the key.\n"
    "\n"
    "  --json         the answer as JSON\n"
    "\n"
    "The house is WEIGHHOUSE_URL (http://127.0.0.1:8080), you are "
    "WEIGHHOUSE_TOKEN.\n"
    "Exit codes: 0 done, 1 refused, 2 wrong usage, 4 could not be asked.\n";

/* A number of an option into an object, if it is given. */
static bool put_number(const struct cmd_call *c, int option, const char *flag,
                       json_t *o, const char *name, struct wh_err *err)
{
    uint64_t v;

    if (!c->options[option]) {
        return true;
    }
    if (!wh_str_u64(wh_str_of(c->options[option]), &v) || v > INT64_MAX) {
        return wh_fail(err, WH_USAGE, "%s takes a number", flag);
    }
    json_object_set_new(o, name, json_integer((json_int_t)v));
    return true;
}

static bool create(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    json_t *limits = wh_json_own(&c->client.arena, json_object());
    json_t *body =
        wh_json_own(&c->client.arena, json_pack("{s:s,s:O}", "name",
                                                c->words[1], "limits", limits));
    struct wh_str secret;

    if (c->options[MODEL]) {
        json_object_set_new(body, "models",
                            json_pack("[s]", c->options[MODEL]));
    }
    if (!put_number(c, DAYS, "--days", body, "days", err) ||
        !put_number(c, REQUESTS, "--requests", limits, "requests_per_minute",
                    err) ||
        !put_number(c, TOKENS, "--tokens", limits, "tokens_per_minute", err) ||
        !put_number(c, DAY_TOKENS, "--day-tokens", limits, "tokens_per_day",
                    err) ||
        !put_number(c, STREAMS, "--streams", limits, "streams", err) ||
        !cmd_client_call(&c->client, "POST", WH_S(PATH), body, out, err) ||
        !wh_json_get_str(*out, "secret", &secret, err)) {
        return false;
    }
    if (!c->json) {
        printf("%.*s\n", WH_FMT(secret));
    }
    return true;
}

/* A text of an object, or what stands there instead. */
static const char *text(const json_t *o, const char *key, const char *other)
{
    const char *v = json_string_value(json_object_get(o, key));

    return v ? v : other;
}

static long long number(const json_t *o, const char *key)
{
    return (long long)json_integer_value(json_object_get(o, key));
}

static bool list(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    const json_t *k;
    size_t i;

    if (!cmd_client_call(&c->client, "GET", WH_S(PATH), NULL, out, err)) {
        return false;
    }
    if (c->json) {
        return true;
    }
    printf("%8s  %-8s  %-24s  %-24s  %s\n", "number", "key", "created", "ends",
           "name");
    json_array_foreach(*out, i, k)
    {
        bool revoked = json_is_string(json_object_get(k, "revoked"));
        printf("%8lld  %-8s  %-24s  %-24s  %s\n", number(k, "id"),
               text(k, "key", ""), text(k, "created", ""),
               revoked ? "revoked" : text(k, "expires", "when revoked"),
               text(k, "name", ""));
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
        printf("key %s is revoked\n", c->words[1]);
    }
    return true;
}

static bool usage(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    const json_t *u;
    size_t i;

    if (!cmd_client_call(&c->client, "GET", WH_S("/api/weighhouse/v1/usage"),
                         NULL, out, err)) {
        return false;
    }
    if (c->json) {
        return true;
    }
    printf("%-10s  %-8s  %10s  %12s  %12s  %s\n", "day", "key", "requests",
           "asked", "answered", "model");
    json_array_foreach(*out, i, u)
    {
        printf("%-10s  %-8s  %10lld  %12lld  %12lld  %s\n", text(u, "day", ""),
               text(u, "shown", ""), number(u, "requests"),
               number(u, "prompt_tokens"), number(u, "completion_tokens"),
               text(u, "model", ""));
    }
    return true;
}

static const struct cmd_verb VERBS[] = {{"create", 2, create},
                                        {"list", 1, list},
                                        {"revoke", 2, revoke},
                                        {"usage", 1, usage}};

int cmd_key(int argc, char **argv)
{
    static const struct cmd_noun noun = {
        .name = "key",
        .help = help_text,
        .options = {"--model", "--days", "--requests", "--tokens",
                    "--day-tokens", "--streams"},
        .verbs = VERBS,
        .n = sizeof VERBS / sizeof *VERBS};

    return cmd_noun(&noun, argc, argv);
}
