/*
 * user.c - `weighhouse user`: accounts of people, and ways to sign in.
 */
#include "cmd/client.h"
#include "cmd/cmd.h"
#include <stdio.h>
#include <string.h>

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

struct run {
    struct cmd_client client;
    const char *words[2], *fullname, *email;
    size_t n;
    bool json;
};

static void add(json_t *body, const char *key, const char *value)
{
    if (value) {
        json_object_set_new(body, key, wh_json_str(wh_str_of(value)));
    }
}

static bool create(struct run *r, struct wh_err *err)
{
    json_t *out, *body = wh_json_own(&r->client.arena, json_object());
    struct wh_str token, link;

    add(body, "name", r->words[1]);
    add(body, "fullname", r->fullname);
    add(body, "email", r->email);
    if (!cmd_client_call(&r->client, "POST", WH_S("/api/weighhouse/v1/users"),
                         body, &out, err) ||
        !wh_json_get_str(out, "token", &token, err) ||
        !wh_json_get_str(out, "signin", &link, err)) {
        return false;
    }
    if (r->json) {
        cmd_print_json(out);
    } else {
        printf("account %s\ntoken   %.*s\nsign in %.*s\n", r->words[1],
               WH_FMT(token), WH_FMT(link));
    }
    return true;
}

static bool signin(struct run *r, struct wh_err *err)
{
    struct wh_str link;
    json_t *out;

    if (!cmd_client_call(&r->client, "POST",
                         WH_S("/api/weighhouse/v1/signin-links"), NULL, &out,
                         err) ||
        !wh_json_get_str(out, "signin", &link, err)) {
        return false;
    }
    if (r->json) {
        cmd_print_json(out);
    } else {
        printf("%.*s\n", WH_FMT(link));
    }
    return true;
}

static bool (*find_verb(const struct run *r))(struct run *, struct wh_err *)
{
    if (r->n == 2 && strcmp(r->words[0], "create") == 0) {
        return create;
    }
    return r->n == 1 && strcmp(r->words[0], "signin") == 0 ? signin : NULL;
}

int cmd_user(int argc, char **argv)
{
    struct run r = {0};
    const struct cmd_option options[] = {{"--fullname", &r.fullname},
                                         {"--email", &r.email}};
    struct wh_err err = {0};
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
    ok = cmd_client_open(&r.client, NULL, &err) && find_verb(&r)(&r, &err);
    cmd_client_close(&r.client);
    return ok ? 0 : cmd_fail("user", &err);
}
