/* Unit tests of the commit route's NDJSON reader. */
#include "hub/ops.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define H "{\"key\":\"header\",\"value\":{\"summary\":\"s\"}}\n"
#define F(path)                                     \
    "{\"key\":\"file\",\"value\":{\"path\":\"" path \
    "\",\"content\":\"aGVsbG8=\",\"encoding\":\"base64\"}}\n"
#define D(path) "{\"key\":\"deletedFile\",\"value\":{\"path\":\"" path "\"}}\n"
#define L(oid)                                                                \
    "{\"key\":\"lfsFile\",\"value\":{\"path\":\"w.bin\",\"algo\":\"sha256\"," \
    "\"oid\":\"" oid "\",\"size\":5}}\n"
#define OID "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static const struct {
    const char *body;
    enum wh_code code;
    size_t ops;
} CASES[] = {
    {H, WH_NONE, 0},
    {H F("a"), WH_NONE, 1},
    {H F("a") D("b") L(OID), WH_NONE, 3},
    {F("a"), WH_BAD_REQUEST, 0}, /* no header */
    {"", WH_BAD_REQUEST, 0},
    {H H, WH_BAD_REQUEST, 0},
    {F("a") H, WH_BAD_REQUEST, 0},
    {H F("a") D("a"), WH_BAD_REQUEST, 0}, /* twice */
    {H F("../a"), WH_BAD_NAME, 0},
    {H F(".git/config"), WH_BAD_NAME, 0},
    {H F(""), WH_BAD_NAME, 0},
    {H F("a\\\\b"), WH_BAD_NAME, 0},
    {H F("a\\u0001b"), WH_BAD_NAME, 0},
    {H L("2CF2"), WH_BAD_REQUEST, 0},
    {H "{\"key\":\"rename\",\"value\":{}}\n", WH_BAD_REQUEST, 0},
    {H "{\"key\":\"file\"}\n", WH_BAD_REQUEST, 0},
    {H "{\"key\":\"file\",\"value\":{\"path\":\"a\",\"content\":\"###\","
       "\"encoding\":\"base64\"}}\n",
     WH_BAD_REQUEST, 0},
    {H "{\"key\":\"file\",\"value\":{\"path\":\"a\",\"content\":\"x\","
       "\"encoding\":\"rot13\"}}\n",
     WH_BAD_REQUEST, 0},
    {H "{\"key\":\"file\",\"key\":\"file\",\"value\":{}}\n", WH_BAD_JSON, 0},
    {H "not json\n", WH_BAD_JSON, 0},
    {H "{\"key\":\"deletedFile\",\"value\":{\"path\":\"b\"}}", WH_NONE, 1},
};

/* Feed in pieces of `step` bytes. */
static enum wh_code run(const char *body, size_t step, size_t *ops)
{
    struct wh_arena a;
    struct hub_ops o;
    struct wh_err err = {0};
    struct wh_str rest = wh_str_of(body);
    bool ok = true;

    wh_arena_init(&a, 1 << 20);
    hub_ops_init(&o, &a);
    while (ok && rest.n > 0) {
        ok = hub_ops_feed(&o, wh_str_sub(rest, 0, step), &err);
        rest = wh_str_sub(rest, step, rest.n);
    }
    ok = ok && hub_ops_end(&o, &err);
    *ops = o.n;
    hub_ops_done(&o);
    wh_arena_done(&a);
    return ok ? WH_NONE : err.code;
}

static void test_cases(void **state)
{
    static const size_t STEPS[] = {1, 7, 100000};

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        for (size_t s = 0; s < 3; s++) {
            size_t ops = 0;
            enum wh_code code = run(CASES[i].body, STEPS[s], &ops);
            if (code != CASES[i].code ||
                (code == WH_NONE && ops != CASES[i].ops)) {
                fail_msg("case %zu in steps of %zu: code %d, %zu operations", i,
                         STEPS[s], (int)code, ops);
            }
        }
    }
}

static void test_data(void **state)
{
    struct wh_arena a;
    struct hub_ops o;
    struct wh_err err = {0};
    struct wh_str data;

    (void)state;
    wh_arena_init(&a, 1 << 20);
    hub_ops_init(&o, &a);
    assert_true(hub_ops_feed(&o, WH_S(H F("a") F("b")), &err));
    assert_true(hub_ops_end(&o, &err));
    assert_int_equal(o.list[1].spool_off, 5);
    assert_true(hub_ops_data(&o, &o.list[1], &a, &data, &err));
    assert_true(wh_str_is(data, "hello"));
    hub_ops_done(&o);
    wh_arena_done(&a);
}

static void test_line_bound(void **state)
{
    struct wh_arena a;
    struct hub_ops o;
    struct wh_err err = {0};
    char chunk[4096];
    bool ok = true;

    (void)state;
    memset(chunk, 'x', sizeof chunk);
    wh_arena_init(&a, 1 << 20);
    hub_ops_init(&o, &a);
    for (size_t n = 0; ok && n < (size_t)64 << 20; n += sizeof chunk) {
        ok = hub_ops_feed(&o, wh_str_mem(chunk, sizeof chunk), &err);
    }
    assert_false(ok);
    assert_int_equal(err.code, WH_TOO_LARGE);
    hub_ops_done(&o);
    wh_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_line_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
