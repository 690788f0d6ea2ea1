/*
 * range_test.c - the Range header.
 */
#include "net/range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
/* cmocka wants the headers above */
#include <cmocka.h>

static const struct {
    const char *header;
    uint64_t size;
    enum net_range_kind kind;
    uint64_t off, len;
} cases[] = {
    {"", 10, NET_RANGE_ALL, 0, 0},
    {"bytes=0-0", 10, NET_RANGE_PART, 0, 1},
    {"bytes=0-9", 10, NET_RANGE_PART, 0, 10},
    {"bytes=0-10", 10, NET_RANGE_PART, 0, 10},
    {"bytes=3-", 10, NET_RANGE_PART, 3, 7},
    {"bytes=9-", 10, NET_RANGE_PART, 9, 1},
    {"bytes=10-", 10, NET_RANGE_BAD, 0, 0},
    {"bytes=10-20", 10, NET_RANGE_BAD, 0, 0},
    {"bytes=-1", 10, NET_RANGE_PART, 9, 1},
    {"bytes=-10", 10, NET_RANGE_PART, 0, 10},
    {"bytes=-11", 10, NET_RANGE_PART, 0, 10},
    {"bytes=-0", 10, NET_RANGE_BAD, 0, 0},
    {"bytes=0-", 0, NET_RANGE_BAD, 0, 0},
    {"bytes=-5", 0, NET_RANGE_ALL, 0, 0},
    {"BYTES=1-2", 10, NET_RANGE_PART, 1, 2},
    {" bytes=1-2 ", 10, NET_RANGE_PART, 1, 2},
    {"bytes=001-002", 10, NET_RANGE_PART, 1, 2},
    {"bytes=5-4", 10, NET_RANGE_ALL, 0, 0},
    {"bytes=-", 10, NET_RANGE_ALL, 0, 0},
    {"bytes=", 10, NET_RANGE_ALL, 0, 0},
    {"bytes", 10, NET_RANGE_ALL, 0, 0},
    {"bytes=a-b", 10, NET_RANGE_ALL, 0, 0},
    {"bytes=1-2x", 10, NET_RANGE_ALL, 0, 0},
    {"bytes=1 - 2", 10, NET_RANGE_ALL, 0, 0},
    {"bytes=+1-2", 10, NET_RANGE_ALL, 0, 0},
    {"bytes=0-1,3-4", 10, NET_RANGE_ALL, 0, 0},
    {"items=0-1", 10, NET_RANGE_ALL, 0, 0},
    {"bytes=0-18446744073709551615", 10, NET_RANGE_PART, 0, 10},
    {"bytes=0-99999999999999999999", 10, NET_RANGE_PART, 0, 10},
    {"bytes=99999999999999999999-", 10, NET_RANGE_BAD, 0, 0},
    {"bytes=-99999999999999999999", 10, NET_RANGE_PART, 0, 10},
    {"bytes=18446744073709551614-", UINT64_MAX, NET_RANGE_PART, UINT64_MAX - 1,
     1},
};

static void test_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct net_range r = {0, 0};
        enum net_range_kind kind =
            net_range_parse(wh_str_of(cases[i].header), cases[i].size, &r);
        if (kind != cases[i].kind || r.off != cases[i].off ||
            r.len != cases[i].len) {
            fail_msg("'%s': %d %llu+%llu", cases[i].header, (int)kind,
                     (unsigned long long)r.off, (unsigned long long)r.len);
        }
    }
}

static void test_text(void **state)
{
    (void)state;
    char out[NET_RANGE_TEXT];
    struct net_range r = {3, 7};
    net_range_text(&r, 10, out);
    assert_string_equal(out, "bytes 3-9/10");
    net_range_text(NULL, UINT64_MAX, out);
    assert_string_equal(out, "bytes */18446744073709551615");
    r = (struct net_range){UINT64_MAX - 1, 1};
    net_range_text(&r, UINT64_MAX, out);
    assert_string_equal(out, "bytes 18446744073709551614-18446744073709551614/"
                             "18446744073709551615");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parse),
                                       cmocka_unit_test(test_text)};
    return cmocka_run_group_tests_name("net/range", tests, NULL, NULL);
}
