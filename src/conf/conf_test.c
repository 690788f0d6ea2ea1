/* Tests of the settings (conf.c). */
#include "conf/conf.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct wh_arena arena;

static int open_a(void **state)
{
    (void)state;
    wh_arena_init(&arena, 1 << 20);
    return 0;
}

static int close_a(void **state)
{
    (void)state;
    wh_arena_done(&arena);
    return 0;
}

static void test_defaults(void **state)
{
    struct conf c;
    struct wh_err err = {0};
    struct wh_str rest, item;
    (void)state;
    assert_true(conf_parse(&arena, WH_S(""), NULL, &c, &err));
    assert_true(wh_str_is(c.http_listen, "127.0.0.1:8080"));
    assert_int_equal(c.http_workers, 0);
    assert_int_equal(c.limits_file_size, 512LL << 30);
    assert_int_equal(c.log_level, WH_INFO);
    assert_int_equal(c.data_dir.n, 0);
    rest = c.lines_enforce;
    assert_true(conf_list_next(&rest, &item));
    assert_true(wh_str_is(item, "limited.default"));
    assert_true(conf_list_next(&rest, &item));
    assert_true(wh_str_is(item, "hold.unknown"));
    assert_false(conf_list_next(&rest, &item));
    rest = c.lines_shadow;
    assert_false(conf_list_next(&rest, &item));
}

static void test_every_row_is_complete(void **state)
{
    (void)state;
    for (int i = 0; i < CONF_COUNT; i++) {
        const struct conf_row *r = conf_row((enum conf_id)i);
        enum conf_id found;
        assert_true(conf_find(wh_str_of(r->name), &found));
        assert_int_equal(found, i);
        assert_true(strlen(r->name) <= 64);
        assert_true(strlen(r->doc) > 10 && r->doc[strlen(r->doc) - 1] == '.');
        assert_memory_equal(r->variable, "WEIGHHOUSE_", 11);
        assert_true(r->min <= r->max);
    }
}

static void test_file_environment_command(void **state)
{
    static const char text[] = "# a comment\n"
                               "\n"
                               "[http]\n"
                               "  listen =  0.0.0.0:80  \r\n"
                               "workers=7\n"
                               "[ limits ]\n"
                               "file_size = 3M\n"
                               "[log]\n"
                               "level = warn";
    char workers[] = "WEIGHHOUSE_HTTP_WORKERS=9",
         other[] = "WEIGHHOUSE_URL=http://x", path[] = "PATH=/bin";
    char *env[] = {path, other, workers, NULL};
    struct conf c;
    struct wh_err err = {0};
    (void)state;
    assert_true(conf_parse(&arena, wh_str_of(text), env, &c, &err));
    assert_true(wh_str_is(c.http_listen, "0.0.0.0:80"));
    assert_int_equal(c.http_workers, 9);
    assert_int_equal(c.limits_file_size, 3 << 20);
    assert_int_equal(c.log_level, WH_WARN);
    assert_int_equal(c.values[CONF_http_listen].origin, CONF_FILE);
    assert_int_equal(c.values[CONF_http_listen].line, 4);
    assert_int_equal(c.values[CONF_http_workers].origin, CONF_ENVIRONMENT);
    assert_int_equal(c.values[CONF_http_loops].origin, CONF_DEFAULT);
    assert_true(conf_set(&arena, &c, CONF_http_workers, WH_S("3"), &err));
    assert_int_equal(c.http_workers, 3);
    assert_string_equal(conf_origin_name(c.values[CONF_http_workers].origin),
                        "command line");
    assert_true(wh_str_is(conf_shown(&c, CONF_http_workers), "3"));
    /* A refused value changes nothing. */
    assert_false(conf_set(&arena, &c, CONF_http_workers, WH_S("x"), &err));
    assert_int_equal(err.code, WH_USAGE);
    assert_int_equal(c.http_workers, 3);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"[http]\nlisten = 127.0.0.1:1\nlisen = x", "line 3: "},
        {"[http]\nlisen = x", "did you mean http.listen?"},
        {"[limits]\nfilesize = 1G", "did you mean limits.file_size?"},
        {"[http]\nnonsense = x", "unknown setting http.nonsense"},
        {"[htpp]\nlisten = x", "unknown section [htpp]"},
        {"[]\n", "unknown section []"},
        {"[http\n", "a section is written [name]"},
        {"[", "a section is written [name]"},
        {"listen = x", "before the first [section]"},
        {"[http]\nlisten", "key = value"},
        {"[http]\n= x", "unknown setting"},
        {"[http]\nworkers = 1\nworkers = 1", "stands in line 2 already"},
        {"[http]\nworkers = -1", "http.workers wants a number"},
        {"[http]\nworkers = 1025", "from 0 to 1024"},
        {"[http]\nworkers = 1K", "wants a number"},
        {"[http]\nworkers =", "wants a number"},
        {"[http]\nworkers = 99999999999999999999", "wants a number"},
        {"[http]\nworkers = 7 # many", "wants a number"},
        {"[limits]\nfile_size = 1", "wants a number of bytes"},
        {"[limits]\nfile_size = 99999999T", "wants a number of bytes"},
        {"[limits]\nfile_size = 99999999999999999T", "number of bytes"},
        {"[limits]\nfile_size = G", "wants a number of bytes"},
        {"[limits]\nfile_size = 1g", "wants a number of bytes"},
        {"[lines]\nenforce =", "wants 1 to 32 names"},
        {"[lines]\nenforce = a,,b", "separated by commas"},
        {"[lines]\nenforce = a b", "separated by commas"},
        {"[log]\nlevel = loud", "debug, info, warn or error"},
        {"[log]\nlevel = INFO", "debug, info, warn or error"},
        {"[http]\nlisten = \x1b[31m", "printable"},
        {"[http]\nlisten = \xff\xff\xff", "printable"},
        {"[http]\n\xff\xff = 1", "(unprintable)"},
        {"[\x07]\n", "(unprintable)"},
        {"[http]\nlisten = x", "wants 3 to 256 bytes"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf c;
        struct wh_err err = {0};
        if (conf_parse(&arena, wh_str_of(cases[i].text), NULL, &c, &err) ||
            err.code != WH_USAGE || !strstr(err.msg, cases[i].says)) {
            fail_msg("\"%s\": %s", cases[i].text, err.msg);
        }
    }
}

static void test_environment_refusals(void **state)
{
    static const struct {
        const char *variable, *says; /* says null: taken, or not ours */
    } cases[] = {
        {"WEIGHHOUSE_LINES_ENFROCE=a", "did you mean lines.enforce?"},
        {"WEIGHHOUSE_HTTP_WORKERS=many", "environment: http.workers wants"},
        {"WEIGHHOUSE_HTTP_=1", "unknown setting http."},
        {"WEIGHHOUSE_TOKEN=hf_x", NULL},
        {"WEIGHHOUSE_TEST_DIR=/x", NULL},
        {"WEIGHHOUSE_=", NULL},
        {"WEIGHHOUSE_HTTP_WORKERS", NULL},
        {"weighhouse_http_workers=many", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf c;
        struct wh_err err = {0};
        char *env[] = {wh_arena_cstr(&arena, wh_str_of(cases[i].variable)),
                       NULL};
        bool ok = conf_parse(&arena, WH_S(""), env, &c, &err);
        if (ok != !cases[i].says || (!ok && !strstr(err.msg, cases[i].says))) {
            fail_msg("%s: %s", cases[i].variable, err.msg);
        }
    }
}

static void test_load(void **state)
{
    char path[] = "/tmp/wh-conf-XXXXXX";
    struct conf c;
    struct wh_err err = {0};
    (void)state;
    assert_false(conf_load(&arena, "/nonexistent", &c, &err));
    assert_int_equal(err.code, WH_NOT_FOUND);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "[spaces]\nsuffix = apps.example\n", 31), 31);
    close(fd);
    assert_true(conf_load(&arena, path, &c, &err));
    assert_true(wh_str_is(c.spaces_suffix, "apps.example"));
    unlink(path);
    assert_true(conf_load(&arena, NULL, &c, &err));
    assert_true(wh_str_is(c.spaces_suffix, "spaces.localhost"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_a, close_a)
    const struct CMUnitTest tests[] = {
        T(test_defaults),
        T(test_every_row_is_complete),
        T(test_file_environment_command),
        T(test_refusals),
        T(test_environment_refusals),
        T(test_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
