/*
 * approver.c - `weighhouse approver`: who may decide in a house.
 */
#include "cmd/cmd.h"
#include "cmd/noun.h"
#include <stdio.h>

static const char help_text[] =
    "Usage: weighhouse approver list\n"
    "\n"
    "Who may decide what the lines leave open, with which keys. They change "
    "by\n"
    "statements that they sign: weighhouse decision --help.\n"
    "\n"
    "  --json         the answer as JSON, with the roster itself\n"
    "\n"
    "The house is WEIGHHOUSE_URL (http://127.0.0.1:8080).\n"
    "Exit codes: 0 done, 2 wrong usage, 4 could not be asked.\n";

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static bool list(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    if (!cmd_client_call(&c->client, "GET",
                         WH_S("/api/weighhouse/v1/approvers"), NULL, out,
                         err)) {
        return false;
    }
    if (c->json) {
        return true;
    }
    const json_t *people = json_object_get(*out, "approvers");
    if (json_is_true(json_object_get(*out, "self_run"))) {
        puts("self-run: nothing above the line opens here");
    }
    for (size_t i = 0; i < json_array_size(people); i++) {
        const json_t *p = json_array_get(people, i);
        printf("%-16s %s%s%s\n", text(p, "id"), text(p, "affiliation"),
               json_is_true(json_object_get(p, "outside")) ? ", outside" : "",
               json_is_true(json_object_get(p, "demo")) ? ", DEMO" : "");
    }
    return true;
}

static const struct cmd_verb VERBS[] = {{"list", 1, list}};

int cmd_approver(int argc, char **argv)
{
    static const struct cmd_noun noun = {.name = "approver",
                                         .help = help_text,
                                         .verbs = VERBS,
                                         .n = sizeof VERBS / sizeof *VERBS};

    return cmd_noun(&noun, argc, argv);
}
