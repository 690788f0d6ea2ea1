/*
 * noun.c - from a command line to the verb that it means.
 */
#include "cmd/noun.h"
#include "cmd/cmd.h"
#include <stdio.h>
#include <string.h>

static const struct cmd_verb *find_verb(const struct cmd_noun *noun,
                                        const struct cmd_call *c)
{
    for (size_t i = 0; c->n > 0 && i < noun->n; i++) {
        if (strcmp(c->words[0], noun->verbs[i].name) == 0 &&
            c->n == noun->verbs[i].words) {
            return &noun->verbs[i];
        }
    }
    return NULL;
}

static bool read_words(const struct cmd_noun *noun, int argc, char **argv,
                       struct cmd_call *c)
{
    struct cmd_option options[CMD_NOUN_OPTIONS];
    size_t n = 0;

    while (n < CMD_NOUN_OPTIONS && noun->options[n]) {
        options[n] = (struct cmd_option){noun->options[n], &c->options[n]};
        n++;
    }
    return cmd_words(argc, argv, options, n, &c->json, c->words, CMD_NOUN_WORDS,
                     &c->n);
}

int cmd_noun(const struct cmd_noun *noun, int argc, char **argv)
{
    struct cmd_call c = {0};
    const struct cmd_verb *verb = NULL;
    struct wh_err err = {0};
    json_t *out = NULL;
    bool ok;

    if (argc > 1 && strcmp(argv[argc - 1], "--help") == 0) {
        fputs(noun->help, stdout);
        return 0;
    }
    if (read_words(noun, argc, argv, &c)) {
        verb = find_verb(noun, &c);
    }
    if (!verb) {
        fputs(noun->help, stderr);
        return wh_err_row(WH_USAGE)->exit_code;
    }
    ok = cmd_client_open(&c.client, NULL, &err) && verb->run(&c, &out, &err);
    if (ok && c.json) {
        cmd_print_json(out);
    }
    cmd_client_close(&c.client);
    return ok ? 0 : cmd_fail(noun->name, &err);
}
