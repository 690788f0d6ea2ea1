/*
 * doctor_test.c - reports are put together right, and an address that others
 * reach is known as one. What the checks see is tested with a house.
 */
#include "base/unit.h"
#include "front/doctor.h"

static void test_addresses(void **state)
{
    static const struct {
        const char *listen;
        bool open;
    } rows[] = {{"127.0.0.1:8080", false}, {"127.9.9.9:1", false},
                {"[::1]:8080", false},     {"localhost:80", false},
                {"0.0.0.0:8080", true},    {"[::]:8080", true},
                {"192.168.1.4:80", true},  {"[fe80::1]:80", true},
                {"12.7.0.0:80", true},     {"[::11]:80", true}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(front_doctor_public(wh_str_of(rows[i].listen)),
                         rows[i].open);
    }
}

static const char *text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

/* Rows stand in the order of the table, whichever half they come from, and the
 * worst of them is the report's. */
static void test_join(void **state)
{
    static const struct {
        const char *a, *b, *worst;
        bool good;
    } rows[] = {{"ok", "ok", "ok", true},
                {"unknown", "ok", "ok", true},
                {"warn", "unknown", "warn", true},
                {"ok", "fail", "fail", false},
                {"fail", "warn", "fail", false}};
    struct wh_arena a;

    (void)state;
    wh_arena_init(&a, (size_t)1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wh_str start = wh_arena_fmt(
            &a, "{\"checks\":[{\"id\":\"host.swap\",\"state\":\"%s\"}]}",
            rows[i].a);
        json_t *now = wh_json_own(
            &a, json_pack("{s:s,s:[{s:s,s:s}]}", "time", "then", "checks", "id",
                          "front.closed", "state", rows[i].b));
        json_t *o = front_doctor_join(&a, start, now);
        json_t *list = json_object_get(o, "checks");

        assert_int_equal(json_array_size(list), 2);
        assert_string_equal(text(json_array_get(list, 0), "id"),
                            "front.closed");
        assert_string_equal(text(json_array_get(list, 1), "id"), "host.swap");
        assert_string_equal(text(o, "state"), rows[i].worst);
        assert_string_equal(text(o, "time"), "then");
        assert_int_equal(front_doctor_good(o), rows[i].good);
    }
    wh_arena_done(&a);
}

/* Of a house that is not there nothing is called good that was not seen. */
static void test_nothing_there(void **state)
{
    struct conf conf;
    struct wh_arena a;
    struct wh_err err = {0};
    struct front_doctor at = {.conf = &conf, .data = "/nonexistent"};
    json_t *o, *row;
    size_t i, unknown = 0;

    (void)state;
    wh_arena_init(&a, (size_t)4 << 20);
    assert_true(conf_parse(&a, WH_S(""), NULL, &conf, &err));
    o = front_doctor_run(&a, &at, FRONT_DOCTOR_ALL);
    json_array_foreach(json_object_get(o, "checks"), i, row)
    {
        const char *id = text(row, "id");
        bool of_house = strncmp(id, "processes.", 10) == 0 ||
                        strncmp(id, "data.", 5) == 0 ||
                        strncmp(id, "keys.", 5) == 0 ||
                        strncmp(id, "sockets.", 8) == 0 ||
                        strncmp(id, "database.", 9) == 0 ||
                        strncmp(id, "register.", 9) == 0;
        assert_true(text(row, "seen")[0] != 0);
        if (of_house) {
            assert_string_not_equal(text(row, "state"), "ok");
            unknown++;
        }
    }
    assert_true(unknown >= 7);
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses),
                                       cmocka_unit_test(test_join),
                                       cmocka_unit_test(test_nothing_there)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
