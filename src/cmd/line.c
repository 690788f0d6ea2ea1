/*
 * line.c - `weighhouse line`: reading, checking, explaining and exporting the
 * lines, without a server.
 *
 * A line is named ("limited.default", newest version), labelled
 * ("limited.default.v1") or given as a file. Results go to standard output, as
 * text or with --json; what went wrong goes to standard error.
 */
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/line_print.h"
#include "rule/check.h"
#include "rule/export_jq.h"
#include "rule/shipped.h"

#include <stdio.h>
#include <unistd.h>

#define MEMORY (256U << 20)
#define EVIDENCE_MAX (1U << 20)
#define OUTPUT_MAX (64U << 20)
#define WORDS_MAX 32

/* One run of the command. */
struct run {
    struct wh_arena arena;
    struct wh_err err;
    bool json, jq;
    bool hosting; /* the table "hosting" of the line instead of the line */
    const char *word[WORDS_MAX]; /* verb and its arguments */
    int words;
    const char *evidence; /* --evidence */
};

static const char *const help_text =
    "Usage: weighhouse line VERB [ARGUMENT...] [--json]\n"
    "\n"
    "  list                     the shipped lines\n"
    "  show LINE                a line as people read law; --json: the "
    "document\n"
    "  check [LINE...]          is a line fit: its cases, and a case for each "
    "rule\n"
    "  explain LINE [--evidence] EVIDENCE\n"
    "                           what a line says about an evidence document, "
    "and "
    "why\n"
    "  export LINE --jq         the line as a program for plain jq\n"
    "  --hosting                with explain --json and export: the table "
    "\"hosting\",\n"
    "                           which says when a hosted model is served; "
    "\"below\"\n"
    "                           then means that it is\n"
    "  backtest [LINE]          a line over public models and over its own "
    "edges\n"
    "\n"
    "LINE is a name (limited.default), a name and version (limited.default.v1) "
    "or a\nfile. EVIDENCE is a file, or - for standard input. Exit codes: 0 "
    "good, and for\nexplain \"below\"; 1 unfit, a false answer, or not below; "
    "2 "
    "wrong usage.\n";

static int failed(const struct run *r)
{
    return cmd_fail("line", &r->err);
}

static bool usage(struct run *r, const char *what)
{
    return wh_fail(&r->err, WH_USAGE, "%s; see weighhouse line --help", what);
}

/* The exit code of wrong usage, with its message printed. */
static int wrong(struct run *r, const char *what)
{
    return usage(r, what) ? 0 : failed(r);
}

/* A JSON value on standard output: canonical when it is the answer of a line,
 * so that it can be compared with jq's, otherwise indented. */
static bool print_json(struct run *r, json_t *v, bool canonical)
{
    struct wh_buf b;
    bool ok = true;
    wh_buf_init(&b, OUTPUT_MAX);
    if (canonical) {
        ok = wh_json_canonical(&b, v, &r->err);
    } else {
        wh_json_write(&b, v, true);
    }
    wh_buf_char(&b, '\n');
    if (ok) {
        ok = wh_buf_ok(&b, &r->err) &&
             wh_fd_write(STDOUT_FILENO, b.p, b.n, &r->err);
    }
    wh_buf_done(&b);
    return ok;
}

static bool read_input(struct run *r, const char *path, struct wh_str *out)
{
    if (strcmp(path, "-") != 0) {
        return wh_file_read(&r->arena, path, EVIDENCE_MAX, out, &r->err);
    }
    struct wh_buf b;
    ssize_t n = 1;
    wh_buf_init(&b, EVIDENCE_MAX + 4096);
    while (n > 0 && b.n <= EVIDENCE_MAX) {
        char *room = wh_buf_room(&b, 4096);
        n = room ? read(STDIN_FILENO, room, 4096) : 0;
        wh_buf_grew(&b, n > 0 ? (size_t)n : 0);
    }
    bool fits = b.n <= EVIDENCE_MAX;
    *out = wh_arena_dup(&r->arena, wh_buf_str(&b));
    wh_buf_done(&b);
    if (n < 0) {
        return wh_fail_errno(&r->err, WH_OUTSIDE, "reading standard input");
    }
    return fits ||
           wh_fail(&r->err, WH_TOO_LARGE,
                   "an evidence document has at most %u bytes", EVIDENCE_MAX);
}

/* The text of a line: shipped, or a file. */
static bool find_text(struct run *r, const char *name, struct wh_str *out)
{
    const struct rule_file *f = rule_shipped_find(wh_str_of(name));
    if (f != NULL) {
        *out = f->text;
        return true;
    }
    if (access(name, F_OK) != 0) {
        return wh_fail(&r->err, WH_NOT_FOUND,
                       "there is no shipped line and no file \"%.200s\"; see "
                       "weighhouse line list",
                       name);
    }
    return wh_file_read(&r->arena, name, RULE_LINE_TEXT_MAX, out, &r->err);
}

static bool load(struct run *r, const char *name, const struct rule_line **out)
{
    struct wh_str text = {"", 0};
    if (!find_text(r, name, &text)) {
        return false;
    }
    if (!rule_line_load(&r->arena, text, out, &r->err)) {
        (void)wh_err_wrap(&r->err, "%.200s", name);
        return false;
    }
    wh_assert(*out != NULL);
    return true;
}

/* The line, or with --hosting its table. */
static bool load_meant(struct run *r, const char *name,
                       const struct rule_line **out)
{
    if (!load(r, name, out)) {
        return false;
    }
    if (r->hosting && (*out)->hosting == NULL) {
        return wh_fail(&r->err, WH_NOT_FOUND,
                       "%.200s demands nothing before a hosted model is served",
                       name);
    }
    *out = r->hosting ? (*out)->hosting : *out;
    return true;
}

static bool shipped(struct run *r, size_t i, const struct rule_line **out)
{
    const struct rule_file *f = rule_shipped_line(i);
    *out = NULL;
    return f == NULL || rule_line_load(&r->arena, f->text, out, &r->err);
}

static int line_list(struct run *r)
{
    json_t *list = wh_json_own(&r->arena, json_array());
    const struct rule_line *line = NULL;
    for (size_t i = 0;; i++) {
        if (!shipped(r, i, &line)) {
            return failed(r);
        }
        if (line == NULL) {
            break;
        }
        if (r->json) {
            json_array_append_new(
                list, json_pack("{s:o, s:I, s:o, s:o, s:s}", "name",
                                wh_json_str(line->name), "version",
                                (json_int_t)line->version, "title",
                                wh_json_str(line->title), "last_checked",
                                wh_json_str(line->last_checked), "digest",
                                line->digest));
        } else {
            struct wh_str label = rule_line_label(&r->arena, line);
            printf("%-22.*s %.*s\n", WH_FMT(label), WH_FMT(line->title));
        }
    }
    return r->json && !print_json(r, list, false) ? failed(r) : 0;
}

static int line_show(struct run *r)
{
    const struct rule_line *line = NULL;
    if (r->words != 2) {
        return wrong(r, "show takes one line");
    }
    if (!load(r, r->word[1], &line)) {
        return failed(r);
    }
    if (r->json) {
        return print_json(r, line->doc, false) ? 0 : failed(r);
    }
    cmd_print_law(line);
    return 0;
}

/* Check one line; adds to the list and returns whether it is fit. */
static bool check_one(struct run *r, const struct rule_line *line, json_t *list)
{
    struct rule_problems *p = WH_NEW(&r->arena, struct rule_problems);
    bool fit = rule_line_check(&r->arena, line, p);
    json_t *problems = json_array();
    struct wh_str label = rule_line_label(&r->arena, line);

    if (!r->json) {
        printf("%.*s: %zu rules, %zu cases, %s\n", WH_FMT(label), line->n_rules,
               line->n_cases, fit ? "fit" : "unfit");
    }
    for (size_t i = 0; i < p->n; i++) {
        json_array_append_new(problems, wh_json_str(p->text[i]));
        if (!r->json) {
            printf("  %.*s\n", WH_FMT(p->text[i]));
        }
    }
    json_array_append_new(list, json_pack("{s:o, s:s, s:b, s:I, s:I, s:o}",
                                          "line", wh_json_str(label), "digest",
                                          line->digest, "fit", fit ? 1 : 0,
                                          "rules", (json_int_t)line->n_rules,
                                          "cases", (json_int_t)line->n_cases,
                                          "problems", problems));
    return fit;
}

static int line_check(struct run *r)
{
    json_t *list = wh_json_own(&r->arena, json_array());
    const struct rule_line *line = NULL;
    bool fit = true;
    for (size_t i = 0;; i++) {
        bool ok = true;
        if (r->words == 1) {
            ok = shipped(r, i, &line);
        } else if ((int)i + 1 < r->words) {
            ok = load(r, r->word[i + 1], &line);
        } else {
            line = NULL;
        }
        if (!ok) {
            return failed(r);
        }
        if (line == NULL) {
            break;
        }
        fit = check_one(r, line, list) && fit;
    }
    if (r->json && !print_json(r, list, false)) {
        return failed(r);
    }
    return fit ? 0 : 1;
}

static int line_explain(struct run *r)
{
    const struct rule_line *line = NULL;
    struct wh_str text = {"", 0};
    json_t *doc = NULL;
    if (r->words != (r->evidence ? 2 : 3)) {
        return wrong(r, "explain takes a line and an evidence document");
    }
    const char *path = r->evidence ? r->evidence : r->word[2];
    if (!load_meant(r, r->word[1], &line) || !read_input(r, path, &text) ||
        !wh_json_parse(&r->arena, text, &doc, &r->err)) {
        return failed(r);
    }
    const struct rule_result *result = rule_eval(&r->arena, line, doc);
    int code = result->answer == RULE_BELOW ? 0 : 1;
    if (r->json) {
        json_t *v = wh_json_own(&r->arena, rule_result_json(result));
        return print_json(r, v, true) ? code : failed(r);
    }
    if (r->hosting) {
        cmd_print_demand(result);
        return code;
    }
    cmd_print_result(result);
    if (line->hosting != NULL) {
        cmd_print_demand(rule_eval(&r->arena, line->hosting, doc));
    }
    return code;
}

static int line_export(struct run *r)
{
    const struct rule_line *line = NULL;
    struct wh_buf b;
    if (r->words != 2 || !r->jq) {
        return wrong(r, "export takes a line and --jq");
    }
    if (!load_meant(r, r->word[1], &line)) {
        return failed(r);
    }
    wh_buf_init(&b, OUTPUT_MAX);
    rule_export_jq(line, &b);
    bool ok =
        wh_buf_ok(&b, &r->err) && wh_fd_write(STDOUT_FILENO, b.p, b.n, &r->err);
    wh_buf_done(&b);
    return ok ? 0 : failed(r);
}

static bool backtest_one(struct run *r, const struct rule_line *line,
                         json_t *list, bool *good)
{
    const struct rule_model *models = NULL;
    size_t n = 0;
    struct rule_backtest *b = WH_NEW(&r->arena, struct rule_backtest);
    if (!rule_models_read(&r->arena, rule_shipped_text(WH_S("models.tsv")),
                          &models, &n, &r->err) ||
        !rule_backtest_run(&r->arena, line, models, n, b, &r->err)) {
        return false;
    }
    *good = *good && b->files.wrong + b->table.wrong + b->edge.wrong == 0;
    if (r->json) {
        json_array_append_new(list, rule_backtest_json(b));
    } else {
        cmd_print_backtest(b);
    }
    return true;
}

static int line_backtest(struct run *r)
{
    json_t *list = wh_json_own(&r->arena, json_array());
    const struct rule_line *line = NULL;
    bool good = true;
    if (r->words > 2) {
        return wrong(r, "backtest takes one line or none");
    }
    if (r->words == 2) {
        if (!load(r, r->word[1], &line) ||
            !backtest_one(r, line, list, &good)) {
            return failed(r);
        }
    }
    for (size_t i = 0; r->words == 1; i++) {
        if (!shipped(r, i, &line)) {
            return failed(r);
        }
        if (line == NULL) {
            break;
        }
        if (!backtest_one(r, line, list, &good)) {
            return failed(r);
        }
    }
    if (r->json && !print_json(r, list, false)) {
        return failed(r);
    }
    return good ? 0 : 1;
}

static const struct {
    const char *verb;
    int (*run)(struct run *r);
} verbs[] = {
    {"list", line_list},     {"show", line_show},
    {"check", line_check},   {"explain", line_explain},
    {"export", line_export}, {"backtest", line_backtest},
};

/* Options may stand anywhere; the rest is the verb and its arguments. */
static bool read_arguments(struct run *r, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            r->json = true;
        } else if (strcmp(argv[i], "--jq") == 0) {
            r->jq = true;
        } else if (strcmp(argv[i], "--hosting") == 0) {
            r->hosting = true;
        } else if (strcmp(argv[i], "--evidence") == 0 && i + 1 < argc) {
            r->evidence = argv[++i];
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            return wh_fail(&r->err, WH_USAGE,
                           "there is no option \"%.60s\"; see weighhouse line "
                           "--help",
                           argv[i]);
        } else if (r->words == WORDS_MAX) {
            return usage(r, "too many arguments");
        } else {
            r->word[r->words++] = argv[i];
        }
    }
    return r->words > 0 || usage(r, "a verb is missing");
}

int cmd_line(int argc, char **argv)
{
    struct run r = {.words = 0};
    int code = -1;

    if (argc == 2 &&
        (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        printf("%s", help_text);
        return 0;
    }
    wh_arena_init(&r.arena, MEMORY);
    if (!read_arguments(&r, argc, argv)) {
        code = failed(&r);
    }
    for (size_t i = 0; code < 0 && i < sizeof(verbs) / sizeof(*verbs); i++) {
        if (strcmp(verbs[i].verb, r.word[0]) == 0) {
            code = verbs[i].run(&r);
        }
    }
    if (code < 0) {
        code = wrong(&r, "there is no such verb");
    }
    wh_arena_done(&r.arena);
    return code;
}
