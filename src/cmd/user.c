/*
 * user.c - `weighhouse user`: accounts of people, and ways to sign in.
 */
#include "cmd/cmd.h"
#include "cmd/noun.h"
#include <stdio.h>
#include <string.h>

/* Places of the options. */
enum { FULLNAME, EMAIL };

static const char help_text[] =
    "Usage: weighhouse user create NAME [--fullname TEXT] [--email ADDRESS]\n"
    "       weighhouse user signin\n"
    "\n"
    "create makes an account and prints its first token and a sign-in link "
    "that works "
    "once.\n"
    "Both are shown only now. This takes an operator's token of the role "
    "admin.\n"
    "\n"
    "signin prints a link that signs you in once, within a quarter of an hour; "
    "it\n"
    "takes a token of the role admin.\n"
    "\n"
    "  --json         the answer as JSON\n"
    "\n"
    "The house is WEIGHHOUSE_URL (http://127.0.0.1:8080), you are "
    "WEIGHHOUSE_TOKEN.\n"
    "Exit codes: 0 done, 1 refused, 2 wrong usage, 4 could not be asked.\n";

static void add(json_t *body, const char *key, const char *value)
{
    if (value) {
        json_object_set_new(body, key, wh_json_str(wh_str_of(value)));
    }
}

static bool create(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    json_t *body = wh_json_own(&c->client.arena, json_object());
    struct wh_str token, link;

    add(body, "name", c->words[1]);
    add(body, "fullname", c->options[FULLNAME]);
    add(body, "email", c->options[EMAIL]);
    if (!cmd_client_call(&c->client, "POST", WH_S("/api/weighhouse/v1/users"),
                         body, out, err) ||
        !wh_json_get_str(*out, "token", &token, err) ||
        !wh_json_get_str(*out, "signin", &link, err)) {
        return false;
    }
    if (!c->json) {
        printf("account %s\ntoken   %.*s\nsign in %.*s\n", c->words[1],
               WH_FMT(token), WH_FMT(link));
    }
    return true;
}

static bool signin(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    struct wh_str link;

    if (!cmd_client_call(&c->client, "POST",
                         WH_S("/api/weighhouse/v1/signin-links"), NULL, out,
                         err) ||
        !wh_json_get_str(*out, "signin", &link, err)) {
        return false;
    }
    if (!c->json) {
        printf("%.*s\n", WH_FMT(link));
    }
    return true;
}

static const struct cmd_verb VERBS[] = {{"create", 2, create},
                                        {"signin", 1, signin}};

int cmd_user(int argc, char **argv)
{
    static const struct cmd_noun noun = {.name = "user",
                                         .help = help_text,
                                         .options = {"--fullname", "--email"},
                                         .verbs = VERBS,
                                         .n = sizeof VERBS / sizeof *VERBS};

    return cmd_noun(&noun, argc, argv);
}
