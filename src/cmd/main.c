/*
 * main.c - the binary: one subcommand a file, found in commands.tbl.
 */
#include "cmd/cmd.h"
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} COMMANDS[] = {
#define CMD(name_, suffix, help_) {name_, cmd_##suffix, help_},
#include "cmd/commands.tbl"
#undef CMD
};

#define COUNT (sizeof COMMANDS / sizeof *COMMANDS)

int cmd_fail(const char *name, const struct wh_err *err)
{
    fprintf(stderr, "weighhouse %s: %s\n", name, err->msg);
    if (err->detail[0]) {
        fprintf(stderr, "  (%s)\n", err->detail);
    }
    return wh_err_row(err->code)->exit_code;
}

static int help(FILE *out)
{
    fprintf(out, "Weighhouse holds AI models, weighs them, and draws the line "
                 "in public.\n\nUsage: weighhouse COMMAND [ARGUMENT...]\n\n");
    for (size_t i = 0; i < COUNT; i++) {
        fprintf(out, "  %-10s %s\n", COMMANDS[i].name, COMMANDS[i].help);
    }
    fprintf(out, "\nEach command says more with --help. Exit codes: 0 good, "
                 "1 finding or refusal,\n2 wrong usage, 3 can not verify, "
                 "4 failure outside.\n");
    return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        return help(stderr);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        return help(stdout);
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("weighhouse %s\n", WH_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COUNT; i++) {
        if (strcmp(argv[1], COMMANDS[i].name) == 0) {
            return COMMANDS[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr,
            "weighhouse: there is no command \"%s\"; see weighhouse "
            "--help\n",
            argv[1]);
    return 2;
}
