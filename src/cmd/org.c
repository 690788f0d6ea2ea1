/*
 * org.c - `weighhouse org`: organisations and who belongs to them.
 */
#include "cmd/cmd.h"
#include "cmd/noun.h"
#include <stdio.h>
#include <string.h>

#define PATH "/api/weighhouse/v1/organizations"

/* Places of the options. */
enum { FULLNAME };

static const char help_text[] =
    "Usage: weighhouse org create NAME [--fullname TEXT]\n"
    "       weighhouse org member ORG ACCOUNT read|write|admin|none\n"
    "\n"
    "create founds an organisation; you are its admin. member gives an account "
    "a\n"
    "role in one of yours, or takes it away.\n"
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

    if (c->options[FULLNAME]) {
        json_object_set_new(body, "fullname",
                            wh_json_str(wh_str_of(c->options[FULLNAME])));
    }
    if (!cmd_client_call(&c->client, "POST", WH_S(PATH), body, out, err)) {
        return false;
    }
    if (!c->json) {
        printf("organisation %s founded; you are its admin\n", c->words[1]);
    }
    return true;
}

static bool member(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    struct cmd_client *client = &c->client;
    bool drop = strcmp(c->words[3], "none") == 0;
    struct wh_str org = cmd_client_segment(client, c->words[1]);
    struct wh_str path =
        wh_arena_fmt(&client->arena, PATH "/%.*s/members/%.*s", WH_FMT(org),
                     WH_FMT(cmd_client_segment(client, c->words[2])));
    json_t *body = drop ? NULL
                        : wh_json_own(&client->arena,
                                      json_pack("{s:s}", "role", c->words[3]));

    if (!cmd_client_call(client, drop ? "DELETE" : "PUT", path, body, out,
                         err)) {
        return false;
    }
    if (!c->json) {
        printf("%s has the role %s in %s\n", c->words[2], c->words[3],
               c->words[1]);
    }
    return true;
}

static const struct cmd_verb VERBS[] = {{"create", 2, create},
                                        {"member", 4, member}};

int cmd_org(int argc, char **argv)
{
    static const struct cmd_noun noun = {.name = "org",
                                         .help = help_text,
                                         .options = {"--fullname"},
                                         .verbs = VERBS,
                                         .n = sizeof VERBS / sizeof *VERBS};

    return cmd_noun(&noun, argc, argv);
}
