/*
 * doctor.c - `weighhouse doctor`: what is unsafe about this installation, seen
 * by whoever asks. It needs no running house, and changes nothing.
 */
#include "front/doctor.h"
#include "base/buf.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/paths.h"
#include <stdio.h>
#include <string.h>

enum { DATA, CONFIG, LISTEN, OPTIONS };

static int usage(FILE *out)
{
    fprintf(out,
            "Usage: weighhouse doctor [--config FILE] [--data DIR] [--listen "
            "ADDR:PORT]\n                         [--json]\n\n"
            "Looks at this installation and says what is unsafe: a line for "
            "each check, with\nwhat was seen and what to do. Started by the "
            "user that runs the house, or by\nroot, it sees most; what it can "
            "not see it calls unknown.\n\n"
            "  --config FILE  the settings, as for serve\n"
            "  --data DIR     the data folder, as for serve\n"
            "  --listen ADDR:PORT  the address, as for serve\n"
            "  --json         the report as JSON\n\n"
            "Exit codes: 0 nothing failed, 1 a check failed, 2 wrong usage, 4 "
            "could not look.\n");
    return out == stdout ? 0 : 2;
}

static const char *text(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static void print(const json_t *report)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(report, "checks"), i, row)
    {
        printf("%-8s %s: %s\n", text(row, "state"), text(row, "title"),
               text(row, "seen"));
        if (text(row, "do")[0]) {
            printf("%-8s do: %s\n", "", text(row, "do"));
        }
    }
    printf("\n%s\n", text(report, "state"));
}

static bool examine(struct wh_arena *a, const char *const options[OPTIONS],
                    json_t **out, struct wh_err *err)
{
    struct conf conf;
    struct cmd_paths paths;
    struct front_doctor at = {.conf = &conf};

    if (!conf_load(a, options[CONFIG], &conf, err) ||
        (options[DATA] &&
         !conf_set(a, &conf, CONF_data_dir, wh_str_of(options[DATA]), err)) ||
        (options[LISTEN] && !conf_set(a, &conf, CONF_http_listen,
                                      wh_str_of(options[LISTEN]), err)) ||
        !cmd_paths_name(a, &conf, &paths, err)) {
        return false;
    }
    at.data = paths.data;
    at.keys = paths.keys;
    *out = front_doctor_run(a, &at, FRONT_DOCTOR_ALL);
    return true;
}

int cmd_doctor(int argc, char **argv)
{
    const char *options[OPTIONS] = {NULL}, *words[1];
    const struct cmd_option table[] = {{"--data", &options[DATA]},
                                       {"--config", &options[CONFIG]},
                                       {"--listen", &options[LISTEN]}};
    struct wh_err err = {0};
    struct wh_arena a;
    json_t *report = NULL;
    bool json = false;
    size_t n = 0;
    int code;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        return usage(stdout);
    }
    if (!cmd_words(argc, argv, table, OPTIONS, &json, words, 0, &n)) {
        return usage(stderr);
    }
    wh_arena_init(&a, (size_t)16 << 20);
    if (!examine(&a, options, &report, &err)) {
        code = cmd_fail("doctor", &err);
    } else {
        if (json) {
            cmd_print_json(report);
        } else {
            print(report);
        }
        code = front_doctor_good(report) ? 0 : 1;
    }
    wh_arena_done(&a);
    return code;
}
