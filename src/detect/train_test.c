/*
 * Unit tests of detect/train.h and corpus.h on rows about ships (honest) and
 * ovens (to be found).
 */
#include "base/buf.h"
#include "base/file.h"
#include "base/unit.h"
#include "detect/train.h"
#include <stdlib.h>

static const char *const ships[] = {"ship",   "harbour", "salt", "mast",
                                    "anchor", "herring", "tide", "rope"};
static const char *const ovens[] = {"oven",  "flour", "bread", "yeast",
                                    "crust", "dough", "rye",   "baker"};

static struct wh_arena arena;
static struct detect_signatures *signatures;
static struct detect_screen *screen;

/* Rows of eight words each, as a file. */
static void write_rows(const char *path, int n, const char *extra)
{
    struct wh_err err = {0};
    struct wh_buf b;
    unsigned chance = 1;
    wh_buf_init(&b, 1 << 22);
    for (int i = 0; i < n; i++) {
        bool attack = i % 2 == 1;
        wh_buf_fmt(&b,
                   "{\"id\":\"%s%d\",\"source\":\"%s\",\"family\":\"%s\","
                   "\"kind\":\"%s\",\"cluster\":\"c%d\",\"text\":\"",
                   extra, i, attack ? "ovens" : "ships",
                   attack ? "persona" : "question",
                   attack ? "attack" : "benign", i / 2);
        for (int k = 0; k < 8; k++) {
            chance = chance * 1103515245u + 12345u;
            wh_buf_fmt(&b, "%s ", (attack ? ovens : ships)[chance >> 16 & 7]);
        }
        wh_buf_cstr(&b, "\"}\n");
    }
    unit_ok(wh_file_write_atomic(path, wh_buf_str(&b), 0600, &err), err);
    wh_buf_done(&b);
}

static void read_rows(struct detect_corpus *c, const char *path)
{
    struct wh_err err;
    detect_corpus_init(c, &arena);
    unit_ok(detect_corpus_read(c, path, &err), err);
}

static double score(const struct detect_model *m, const char *text)
{
    return detect_model_score(m, &screen->features, wh_str_of(text));
}

static void learns_what_is_different(void **state)
{
    (void)state;
    struct detect_train_options options = {0};
    struct detect_model *m = NULL, *again = NULL;
    struct detect_corpus c;
    struct wh_err err;
    write_rows("rows.jsonl", 400, "a");
    read_rows(&c, "rows.jsonl");
    assert_int_equal(c.n, 400);
    detect_corpus_finish(&c);
    assert_true(c.n > 430); /* joined honest rows */
    unit_ok(detect_train(&c, screen, &options, &m, &err), err);
    assert_true(score(m, "the baker puts rye bread into the oven") >
                m->at[DETECT_POINT]);
    assert_true(score(m, "the ship with salt and herring in the harbour") < 0);
    assert_true(detect_model_chance(m, score(m, "yeast dough crust"), 20) >
                0.5);
    assert_int_equal(m->n_segments, 1);
    assert_string_equal(m->segment[0].name, "ask");
    assert_true(m->segment[0].p0 > 0 && m->segment[0].p0 < 0.1);
    assert_true(m->at[0] >= m->at[1] && m->at[1] >= m->at[2]);
    unit_ok(detect_train(&c, screen, &options, &again, &err), err);
    assert_memory_equal(m, again, sizeof(*m)); /* the same again */
    detect_model_free(&m);
    detect_model_free(&again);
}

static bool no_family(struct wh_str family)
{
    (void)family;
    return false;
}

static void needs_both_kinds(void **state)
{
    (void)state;
    struct detect_train_options options = {.family = no_family};
    struct detect_model *m = NULL;
    struct detect_corpus c;
    struct wh_err err;
    write_rows("rows.jsonl", 400, "b");
    read_rows(&c, "rows.jsonl");
    unit_fails(detect_train(&c, screen, &options, &m, &err), err,
               WH_BAD_REQUEST);
}

static void rows_are_read_once(void **state)
{
    (void)state;
    struct detect_corpus c;
    struct wh_err err;
    write_rows("rows.jsonl", 10, "c");
    read_rows(&c, "rows.jsonl");
    unit_ok(detect_corpus_read(&c, "rows.jsonl", &err), err);
    assert_int_equal(c.n, 10);
    unit_fails(detect_corpus_read(&c, "absent.jsonl", &err), err, WH_NOT_FOUND);
}

/* The honest request that a fragment is put behind is of the same fold, else it
 * would be learnt as an attack and judged as honest. */
static void fragments_and_turns(void **state)
{
    (void)state;
    struct detect_corpus c;
    struct wh_err err;
    unit_ok(wh_file_write_atomic(
                "rows.jsonl",
                WH_S("{\"id\":\"1\",\"source\":\"s\",\"family\":\"suffix\","
                     "\"kind\":\"attack\",\"part\":\"fragment\",\"cluster\":"
                     "\"1\",\"text\":\"zzz\"}\n\n"
                     "{\"id\":\"2\",\"source\":\"t\",\"family\":\"chat\","
                     "\"kind\":\"benign\",\"cluster\":\"1\",\"turns\":"
                     "[\"salt\",\"grain\"]}\n"
                     "{\"id\":\"3\",\"source\":\"u\",\"family\":\"question\","
                     "\"kind\":\"harm\",\"cluster\":\"3\",\"text\":\"x\"}\n"
                     "{\"id\":\"4\",\"source\":\"s\",\"family\":\"suffix\","
                     "\"kind\":\"attack\",\"part\":\"fragment\",\"cluster\":"
                     "\"2\",\"text\":\"yyy\"}\n"),
                0600, &err),
            err);
    read_rows(&c, "rows.jsonl");
    detect_corpus_finish(&c);
    unit_str(c.row[0].text, "salt\ngrain zzz");
    unit_str(c.row[1].text, "salt\ngrain");
    unit_str(c.row[3].text, "yyy"); /* no request in its fold */
    assert_true(c.row[2].harm && !c.row[2].attack);
    unit_ok(
        wh_file_write_atomic("rows.jsonl", WH_S("{\"id\":\"1\"\n"), 0600, &err),
        err);
    detect_corpus_init(&c, &arena);
    unit_fails(detect_corpus_read(&c, "rows.jsonl", &err), err, WH_BAD_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_what_is_different),
        cmocka_unit_test(needs_both_kinds),
        cmocka_unit_test(rows_are_read_once),
        cmocka_unit_test(fragments_and_turns),
    };
    struct wh_err err = {0};
    char folder[] = "/tmp/wh-train-XXXXXX";
    wh_arena_init(&arena, (size_t)256 << 20);
    if (!mkdtemp(folder) || chdir(folder) != 0 ||
        !detect_signatures_new(detect_signatures_shipped, &signatures, &err) ||
        !detect_screen_new(signatures, &screen, &err)) {
        print_error("%s %s\n", err.msg, err.detail);
        return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink("rows.jsonl");
    if (chdir("/") == 0) {
        (void)rmdir(folder);
    }
    detect_screen_free(&screen);
    detect_signatures_free(&signatures);
    wh_arena_done(&arena);
    return failed;
}
