/*
 * noun.h - a noun of the command line with its verbs, each of which is asked of
 * a running house: `weighhouse org create NAME --fullname TEXT`.
 * Owner: a noun is static; what a call reads lives in its client's arena.
 * Never: knows what a verb means.
 */
#ifndef WH_CMD_NOUN_H
#define WH_CMD_NOUN_H

#include "cmd/client.h"

#define CMD_NOUN_WORDS 4
#define CMD_NOUN_OPTIONS 8

/* One call, as the person wrote it. */
struct cmd_call {
    struct cmd_client client;
    const char *words[CMD_NOUN_WORDS]; /* the verb first */
    size_t n;
    const char *options[CMD_NOUN_OPTIONS]; /* in the noun's order, or null */
    bool json; /* the caller prints *out: the verb prints nothing */
};

struct cmd_verb {
    const char *name;
    size_t words; /* with the verb itself */
    bool (*run)(struct cmd_call *c, json_t **out, struct wh_err *err);
};

struct cmd_noun {
    const char *name, *help;
    const char *options[CMD_NOUN_OPTIONS]; /* "--fullname"; null: no more */
    const struct cmd_verb *verbs;
    size_t n;
};

/* Read the command line, find the verb and run it; the exit code. */
int cmd_noun(const struct cmd_noun *noun, int argc, char **argv);

#endif
