/*
 * token_renew.c - a new token of admin on the house's own host.
 */
#include "cmd/token_renew.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/paths.h"
#include "hub/admin.h"
#include <stdio.h>

struct call {
    const char *data, *config;
    bool json;
    struct wh_arena a;
    struct cmd_paths paths;
    struct hub_admin admin;
};

static bool renew(struct call *c, struct wh_err *err)
{
    struct conf conf;

    if (!conf_load(&c->a, c->config, &conf, err) ||
        (c->data &&
         !conf_set(&c->a, &conf, CONF_data_dir, wh_str_of(c->data), err)) ||
        !cmd_paths_name(&c->a, &conf, &c->paths, err)) {
        return false;
    }
    c->admin.data = c->paths.data;
    return hub_admin_renew(&c->admin, err) &&
           (c->admin.made ||
            wh_fail(err, WH_NOT_FOUND,
                    "this house has no account admin: its first start makes "
                    "one"));
}

static void say(const struct call *c)
{
    json_t *o;

    if (!c->json) {
        printf("a new token of admin is in %s; %llu ended\n", c->paths.token,
               (unsigned long long)c->admin.ended);
        return;
    }
    o = json_pack("{s:s,s:I}", "file", c->paths.token, "ended",
                  (json_int_t)c->admin.ended);
    cmd_print_json(o);
    json_decref(o);
}

int cmd_token_renew_admin(int argc, char **argv)
{
    struct call c = {0};
    const struct cmd_option table[] = {{"--data", &c.data},
                                       {"--config", &c.config}};
    struct wh_err err = {0};
    const char *word;
    size_t n;
    int code = 0;

    if (!cmd_words(argc, argv, table, 2, &c.json, &word, 1, &n) || n > 0) {
        return wh_err_row(WH_USAGE)->exit_code;
    }
    wh_arena_init(&c.a, (size_t)1 << 20);
    if (renew(&c, &err)) {
        say(&c);
    } else {
        code = cmd_fail("token", &err);
    }
    wh_arena_done(&c.a);
    return code;
}
