/*
 * org.c - `weighhouse org`: organisations and who belongs to them.
 */
#include "cmd/client.h"
#include "cmd/cmd.h"
#include <stdio.h>
#include <string.h>

#define PATH "/api/weighhouse/v1/organizations"

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

struct run {
    struct cmd_client client;
    const char *words[4], *fullname;
    size_t n;
    bool json;
};

static bool create(struct run *r, json_t **out, struct wh_err *err)
{
    json_t *body =
        wh_json_own(&r->client.arena, json_pack("{s:s}", "name", r->words[1]));

    if (r->fullname) {
        json_object_set_new(body, "fullname",
                            wh_json_str(wh_str_of(r->fullname)));
    }
    if (!cmd_client_call(&r->client, "POST", WH_S(PATH), body, out, err)) {
        return false;
    }
    if (!r->json) {
        printf("organisation %s founded; you are its admin\n", r->words[1]);
    }
    return true;
}

static bool member(struct run *r, json_t **out, struct wh_err *err)
{
    struct cmd_client *c = &r->client;
    bool drop = strcmp(r->words[3], "none") == 0;
    struct wh_str org = cmd_client_segment(c, r->words[1]);
    struct wh_str path =
        wh_arena_fmt(&c->arena, PATH "/%.*s/members/%.*s", WH_FMT(org),
                     WH_FMT(cmd_client_segment(c, r->words[2])));
    json_t *body =
        drop ? NULL
             : wh_json_own(&c->arena, json_pack("{s:s}", "role", r->words[3]));

    if (!cmd_client_call(c, drop ? "DELETE" : "PUT", path, body, out, err)) {
        return false;
    }
    if (!r->json) {
        printf("%s has the role %s in %s\n", r->words[2], r->words[3],
               r->words[1]);
    }
    return true;
}

static bool (*find_verb(const struct run *r))(struct run *, json_t **,
                                              struct wh_err *)
{
    if (r->n == 2 && strcmp(r->words[0], "create") == 0) {
        return create;
    }
    return r->n == 4 && strcmp(r->words[0], "member") == 0 ? member : NULL;
}

int cmd_org(int argc, char **argv)
{
    struct run r = {0};
    const struct cmd_option options[] = {{"--fullname", &r.fullname}};
    struct wh_err err = {0};
    json_t *out = NULL;
    bool ok;

    if (argc > 1 && strcmp(argv[argc - 1], "--help") == 0) {
        fputs(help_text, stdout);
        return 0;
    }
    if (!cmd_words(argc, argv, options, 1, &r.json, r.words, 4, &r.n) ||
        !find_verb(&r)) {
        fputs(help_text, stderr);
        return wh_err_row(WH_USAGE)->exit_code;
    }
    ok =
        cmd_client_open(&r.client, NULL, &err) && find_verb(&r)(&r, &out, &err);
    if (ok && r.json) {
        cmd_print_json(out);
    }
    cmd_client_close(&r.client);
    return ok ? 0 : cmd_fail("org", &err);
}
