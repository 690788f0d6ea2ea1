/*
 * watch_train.c - `weighhouse watch train`: make the classifier of the watch
 * out of rows of attempts and of honest text, without a server.
 */
#include "base/file.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "detect/train.h"
#include <stdio.h>
#include <string.h>

#define ROWS_MEMORY ((size_t)2 << 30)
#define WORDS_MAX 32

static const char help_text[] =
    "Usage: weighhouse watch train ROWS.jsonl[.gz]... -o FILE [--json]\n"
    "\n"
    "Trains the classifier that the watch uses beside its rules, and sets its\n"
    "thresholds on the worst honest source of rows that it has not learnt "
    "from.\n"
    "A row is a JSON object a line: id, source, family, kind (attack, benign "
    "or\n"
    "harm), cluster, and text or turns. docs/watch.md says what the result "
    "can\n"
    "and can not do. The file holds weights and no text.\n"
    "\n"
    "  -o FILE        where the classifier goes\n"
    "  --json         thresholds and segments as JSON\n"
    "\n"
    "Exit codes: 0 done, 1 rows that are not there, 2 wrong usage, or rows "
    "that\n"
    "can not be used, 4 a file that could not be written.\n";

struct run {
    const char *words[WORDS_MAX], *out;
    size_t n;
    bool json;
    struct wh_arena arena;
    struct detect_signatures *signatures;
    struct detect_screen *screen;
    struct detect_model *model;
};

static void say(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "watch train: %s\n", text);
}

static bool read_rows(struct run *r, struct detect_corpus *c,
                      struct wh_err *err)
{
    size_t i;

    detect_corpus_init(c, &r->arena);
    for (i = 1; i < r->n; i++) {
        if (!detect_corpus_read(c, r->words[i], err)) {
            return wh_err_wrap(err, "%s", r->words[i]);
        }
    }
    detect_corpus_finish(c);
    return true;
}

static bool write_model(const struct run *r, struct wh_err *err)
{
    struct wh_buf b;
    bool ok;

    wh_buf_init(&b, DETECT_MODEL_BYTES_MAX);
    detect_model_write(r->model, &b);
    ok = wh_buf_ok(&b, err) &&
         wh_file_write_atomic(r->out, wh_buf_str(&b), 0644, err);
    wh_buf_done(&b);
    return ok;
}

static bool train(struct run *r, struct wh_err *err)
{
    struct detect_train_options options = {.say = say};
    struct detect_corpus rows;

    return detect_signatures_new(detect_signatures_shipped, &r->signatures,
                                 err) &&
           detect_screen_new(r->signatures, &r->screen, err) &&
           read_rows(r, &rows, err) &&
           detect_train(&rows, r->screen, &options, &r->model, err) &&
           write_model(r, err);
}

/* A string: our JSON has no fractions. */
static json_t *number(double v)
{
    char text[40];

    (void)snprintf(text, sizeof(text), "%.5f", v);
    return json_string(text);
}

static json_t *as_json(struct run *r)
{
    const struct detect_model *m = r->model;
    json_t *segments = json_array(), *o = json_object();
    size_t i;

    for (i = 0; i < m->n_segments; i++) {
        const struct detect_segment *s = &m->segment[i];
        (void)json_array_append_new(
            segments, json_pack("{s:s, s:I, s:I, s:o}", "name", s->name, "rows",
                                (json_int_t)s->rows, "alarms",
                                (json_int_t)s->alarms, "p0", number(s->p0)));
    }
    (void)json_object_set_new(o, "examples", json_integer(m->rows));
    (void)json_object_set_new(o, "threshold", number(m->at[DETECT_POINT]));
    (void)json_object_set_new(o, "segments", segments);
    return wh_json_own(&r->arena, o);
}

static void print(const struct run *r)
{
    const struct detect_model *m = r->model;
    size_t i;

    printf("classifier: %s, from %u examples; alarm above %.2f\n", r->out,
           m->rows, m->at[DETECT_POINT]);
    for (i = 0; i < m->n_segments; i++) {
        const struct detect_segment *s = &m->segment[i];
        printf("  %-8s %llu of %llu honest clusters alarmed, at most %.2f %%\n",
               s->name, (unsigned long long)s->alarms,
               (unsigned long long)s->rows, 100 * s->p0);
    }
}

int cmd_watch(int argc, char **argv)
{
    struct run r = {0};
    const struct cmd_option options[] = {{"-o", &r.out}};
    struct wh_err err = {0};
    bool ok;

    if (argc > 1 && strcmp(argv[argc - 1], "--help") == 0) {
        fputs(help_text, stdout);
        return 0;
    }
    if (!cmd_words(argc, argv, options, 1, &r.json, r.words, WORDS_MAX, &r.n) ||
        r.n < 2 || strcmp(r.words[0], "train") != 0 || !r.out) {
        fputs(help_text, stderr);
        return wh_err_row(WH_USAGE)->exit_code;
    }
    wh_arena_init(&r.arena, ROWS_MEMORY);
    ok = train(&r, &err);
    if (ok && r.json) {
        cmd_print_json(as_json(&r));
    } else if (ok) {
        print(&r);
    }
    detect_model_free(&r.model);
    detect_screen_free(&r.screen);
    detect_signatures_free(&r.signatures);
    wh_arena_done(&r.arena);
    return ok ? 0 : cmd_fail("watch", &err);
}
