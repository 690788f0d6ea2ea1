/*
 * The exported jq program and the evaluator give the same bytes: over 10,000
 * random documents for each shipped line, and over random lines.
 */
#include "base/file.h"
#include "base/unit.h"
#include "rule/chance.h"
#include "rule/eval.h"
#include "rule/export_jq.h"
#include "rule/shipped.h"

#include <fcntl.h>
#include <stdlib.h>

#define DOCUMENTS 10000U
#define TEXT_MAX (256U << 20)

static char folder[] = "/tmp/wh-jq-XXXXXX";

static struct wh_str path_of(struct wh_arena *a, const char *name)
{
    return wh_arena_fmt(a, "%s/%s", folder, name);
}

static void write_file(struct wh_arena *a, const char *name, struct wh_str text)
{
    struct wh_err err;
    unit_ok(wh_file_write_atomic(path_of(a, name).p, text, 0600, &err), err);
}

/* Plain jq, without a home and with an empty environment. */
static void run_jq(struct wh_arena *a)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char *const env[] = {NULL};
        const char *program = path_of(a, "line.jq").p;
        int in = open(path_of(a, "in").p, O_RDONLY);
        int out = open(path_of(a, "out").p, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (dup2(in, 0) == 0 && dup2(out, 1) == 1) {
            execle("/usr/bin/jq", "jq", "-cS", "-f", program, (char *)NULL,
                   env);
        }
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Tell the first line in which two texts differ. */
static void compare(struct wh_str in, struct wh_str ours, struct wh_str theirs)
{
    for (size_t n = 1; ours.n > 0 || theirs.n > 0; n++) {
        struct wh_str doc, x, y;
        (void)wh_str_cut(&in, '\n', &doc);
        (void)wh_str_cut(&ours, '\n', &x);
        (void)wh_str_cut(&theirs, '\n', &y);
        if (!wh_str_eq(x, y)) {
            print_error("document %zu: %.*s\nours:   %.*s\ntheirs: %.*s\n", n,
                        WH_FMT(doc), WH_FMT(x), WH_FMT(y));
            fail();
        }
    }
}

/* One jq process over `documents` random documents. */
static void agree(const struct rule_line *line, struct rule_chance *c,
                  unsigned documents, unsigned answers[RULE_ANSWER_COUNT])
{
    struct wh_arena a;
    struct wh_buf in, ours, program;
    struct wh_err err;
    struct wh_str theirs;

    wh_arena_init(&a, TEXT_MAX);
    wh_buf_init(&in, TEXT_MAX);
    wh_buf_init(&ours, TEXT_MAX);
    wh_buf_init(&program, 1U << 20);
    rule_export_jq(line, &program);
    assert_false(program.over);
    for (unsigned i = 0; i < documents; i++) {
        struct wh_arena each;
        wh_arena_init(&each, 16U << 20);
        json_t *doc = rule_chance_document(c, &each, line);
        const struct rule_result *r = rule_eval(&each, line, doc);
        wh_json_write(&in, doc, false);
        wh_buf_char(&in, '\n');
        unit_ok(wh_json_canonical(
                    &ours, wh_json_own(&each, rule_result_json(r)), &err),
                err);
        wh_buf_char(&ours, '\n');
        answers[r->answer]++;
        wh_arena_done(&each);
    }
    write_file(&a, "line.jq", wh_buf_str(&program));
    write_file(&a, "in", wh_buf_str(&in));
    run_jq(&a);
    unit_ok(wh_file_read(&a, path_of(&a, "out").p, TEXT_MAX, &theirs, &err),
            err);
    compare(wh_buf_str(&in), wh_buf_str(&ours), theirs);
    wh_buf_done(&program);
    wh_buf_done(&ours);
    wh_buf_done(&in);
    wh_arena_done(&a);
}

static void jq_agrees_on_shipped(const char *name)
{
    struct wh_arena a;
    struct wh_err err;
    const struct rule_line *line;
    struct rule_chance c = {20261123};
    unsigned answers[RULE_ANSWER_COUNT] = {0};

    wh_arena_init(&a, 16U << 20);
    unit_ok(rule_line_load(&a, rule_shipped_find(wh_str_of(name))->text, &line,
                           &err),
            err);
    agree(line, &c, DOCUMENTS, answers);
    print_message("# %s: %u below, %u above, %u unsure\n", name,
                  answers[RULE_BELOW], answers[RULE_ABOVE],
                  answers[RULE_UNSURE]);
    assert_true(answers[RULE_BELOW] > 50);
    assert_true(answers[RULE_UNSURE] > 50);
    wh_arena_done(&a);
}

static void jq_agrees_on_limited_default(void **state)
{
    (void)state;
    jq_agrees_on_shipped("limited.default");
}

static void jq_agrees_on_small_fast_track(void **state)
{
    (void)state;
    jq_agrees_on_shipped("small.fast-track");
}

static void jq_agrees_on_hold_unknown(void **state)
{
    (void)state;
    jq_agrees_on_shipped("hold.unknown");
}

static void jq_agrees_on_demo_low(void **state)
{
    (void)state;
    jq_agrees_on_shipped("demo.low.v1");
}

static void jq_agrees_on_random_lines(void **state)
{
    (void)state;
    struct rule_chance c = {7};
    unsigned answers[RULE_ANSWER_COUNT] = {0};
    for (int i = 0; i < 20; i++) {
        struct wh_arena a;
        wh_arena_init(&a, 16U << 20);
        agree(rule_chance_line(&c, &a), &c, 200, answers);
        wh_arena_done(&a);
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int drop_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"line.jq", "in", "out"};
    struct wh_arena a;
    wh_arena_init(&a, 1U << 16);
    for (size_t i = 0; i < 3; i++) {
        (void)unlink(path_of(&a, names[i]).p);
    }
    wh_arena_done(&a);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jq_agrees_on_limited_default),
        cmocka_unit_test(jq_agrees_on_small_fast_track),
        cmocka_unit_test(jq_agrees_on_hold_unknown),
        cmocka_unit_test(jq_agrees_on_demo_low),
        cmocka_unit_test(jq_agrees_on_random_lines),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
