/*
 * notice.c - `weighhouse notice`: recalls of a house.
 */
#include "cmd/cmd.h"
#include "cmd/noun.h"
#include <stdio.h>

static const char help_text[] =
    "Usage: weighhouse notice list\n"
    "       weighhouse notice show ID\n"
    "\n"
    "Recalls: what a quorum of approvers took its trust back from, why, and "
    "until\n"
    "when. They are made by the approvers' act recall, and ended by lift:\n"
    "weighhouse decision --help. Whether a release is recalled says weighhouse "
    "verify.\n"
    "\n"
    "  --json         the answer as JSON\n"
    "\n"
    "The house is WEIGHHOUSE_URL (http://127.0.0.1:8080).\n"
    "Exit codes: 0 done, 1 there is none of this name, 2 wrong usage, 4 could "
    "not be\nasked.\n";

#define NOTICES "/api/weighhouse/v1/notices"

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static bool list(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    if (!cmd_client_call(&c->client, "GET", WH_S(NOTICES), NULL, out, err)) {
        return false;
    }
    if (c->json) {
        return true;
    }
    for (size_t i = 0; i < json_array_size(*out); i++) {
        const json_t *n = json_array_get(*out, i);
        printf("%s  %-8s %-9s %.10s to %.10s  %.16s  %s\n", text(n, "id"),
               text(n, "state"), text(n, "reason"), text(n, "issued"),
               text(n, "until"), text(n, "subject"), text(n, "words"));
    }
    if (json_array_size(*out) == 0) {
        puts("nothing was ever recalled here");
    }
    return true;
}

static bool show(struct cmd_call *c, json_t **out, struct wh_err *err)
{
    struct wh_str id = cmd_client_segment(&c->client, c->words[1]);
    static const char *const keys[] = {
        "state", "reason", "reason_words", "words",  "scope",   "action",
        "order", "issued", "until",        "lifted", "subject", "statement"};

    if (!cmd_client_call(
            &c->client, "GET",
            wh_arena_fmt(&c->client.arena, NOTICES "/%.*s", WH_FMT(id)), NULL,
            out, err)) {
        return false;
    }
    for (size_t i = 0; !c->json && i < sizeof keys / sizeof *keys; i++) {
        if (text(*out, keys[i])[0]) {
            printf("%-13s %s\n", keys[i], text(*out, keys[i]));
        }
    }
    for (size_t i = 0;
         !c->json && i < json_array_size(json_object_get(*out, "files")); i++) {
        printf("%-13s %s\n", "file",
               json_string_value(
                   json_array_get(json_object_get(*out, "files"), i)));
    }
    return true;
}

static const struct cmd_verb VERBS[] = {{"list", 1, list}, {"show", 2, show}};

int cmd_notice(int argc, char **argv)
{
    static const struct cmd_noun noun = {.name = "notice",
                                         .help = help_text,
                                         .verbs = VERBS,
                                         .n = sizeof VERBS / sizeof *VERBS};

    return cmd_noun(&noun, argc, argv);
}
