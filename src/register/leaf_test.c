/*
 * leaf_test.c - the schema lets through what leaves.tbl names and nothing that
 * could carry a person's data; commitments match the published vector.
 */
#include "base/enc.h"
#include "base/unit.h"
#include "register/leaf.h"
#include <string.h>

#define HEX64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DIGEST "\"sha256:" HEX64 "\""
#define HEAD \
    "\"v\":1,\"t\":1790000000,\"id\":\"00112233445566778899aabbccddeeff\","
#define SUBMISSION "{" HEAD "\"type\":\"submission\",\"kind\":\"model\","
#define DECISION                                                    \
    "{" HEAD "\"type\":\"decision\",\"subject\":[" DIGEST "],"      \
    "\"answer\":\"below\",\"by\":\"line\",\"evidence\":" DIGEST "," \
    "\"lines\":[" DIGEST "],\"rules\":[\"limited.default/compute\"],"

static bool lint(const char *text, struct wh_err *err)
{
    json_t *leaf = json_loads(text, 0, NULL);
    assert_non_null(leaf);
    bool ok = register_leaf_lint(leaf, err);
    json_decref(leaf);
    return ok;
}

static void leaves_that_may_be_logged(void **state)
{
    (void)state;
    static const char *const good[] = {
        SUBMISSION "\"subject\":[" DIGEST "]}",
        SUBMISSION "\"subject\":[" DIGEST "," DIGEST "],\"refs\":[0,12]}",
        SUBMISSION "\"c\":{\"subject\":\"" HEX64 "\",\"submitter\":\"" HEX64
                   "\"}}",
        DECISION "\"tiers\":{\"weights\":\"open\",\"source\":\"open\"}}",
        DECISION "\"tiers\":{\"weights\":\"held\"},\"until\":1800000000}",
        "{" HEAD "\"type\":\"genesis\",\"software\":\"0.1.0\",\"lines\":[],"
        "\"roster\":[]}",
        "{" HEAD "\"type\":\"erasure\",\"erased\":[3],\"fields\":[\"submitter\""
        "],\"basis\":\"request\"}",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct wh_err err;
        unit_ok(lint(good[i], &err), err);
    }
}

static void leaves_that_may_not(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[]",
        "{}",
        "{" HEAD "\"type\":\"rumour\"}",
        /* subject: missing, free, wrong form */
        SUBMISSION "\"refs\":[]}",
        SUBMISSION "\"subject\":\"sha256:" HEX64 "\"}",
        SUBMISSION "\"subject\":[\"" HEX64 "\"]}",
        SUBMISSION "\"subject\":[\"sha256:" HEX64 "0\"]}",
        SUBMISSION "\"subject\":[\"sha256:E3B0" HEX64 "\"]}",
        SUBMISSION "\"subject\":[\"ann@example.org\"]}",
        /* keys of no row, of another type, of another case */
        SUBMISSION "\"subject\":[" DIGEST "],\"name\":\"ann\"}",
        SUBMISSION "\"subject\":[" DIGEST "],\"answer\":\"below\"}",
        SUBMISSION "\"subject\":[" DIGEST "],\"Refs\":[]}",
        /* values of no kind */
        SUBMISSION "\"subject\":[" DIGEST "],\"refs\":[-1]}",
        SUBMISSION "\"subject\":[" DIGEST "],\"refs\":[9007199254740992]}",
        SUBMISSION "\"subject\":[" DIGEST "],\"refs\":[1.0]}",
        SUBMISSION "\"subject\":[" DIGEST "],\"refs\":\"1\"}",
        SUBMISSION "\"c\":{\"subject\":\"ann\"}}",
        SUBMISSION "\"c\":{\"ann@x\":\"" HEX64 "\",\"subject\":\"" HEX64 "\"}}",
        "{" HEAD
        "\"type\":\"submission\",\"kind\":\"my model\",\"subject\":[" DIGEST
        "]}",
        "{\"v\":2,\"t\":1,\"id\":\"00112233445566778899aabbccddeeff\","
        "\"type\":\"submission\",\"kind\":\"model\",\"subject\":[" DIGEST "]}",
        "{\"v\":1,\"t\":1,\"id\":\"0011\",\"type\":\"submission\","
        "\"kind\":\"model\",\"subject\":[" DIGEST "]}",
        /* decision: tiers and rules */
        DECISION "\"tiers\":{\"weights\":\"maybe\"}}",
        DECISION "\"tiers\":{\"everything\":\"open\"}}",
        DECISION "\"tiers\":[\"open\"]}",
        DECISION "\"until\":1}",
        "{" HEAD "\"type\":\"erasure\",\"erased\":[3],\"fields\":[\"10.0.0.1\"]"
        ",\"basis\":\"request\"}",
        "{" HEAD "\"type\":\"erasure\",\"erased\":[3],\"fields\":[\"a b\"],"
        "\"basis\":\"request\"}",
        "{" HEAD "\"type\":\"erasure\",\"erased\":[3],\"fields\":[\"a//b\"],"
        "\"basis\":\"request\"}",
        "{" HEAD "\"type\":\"genesis\",\"software\":\"0.1-ann\",\"lines\":[],"
        "\"roster\":[]}",
        "{" HEAD "\"type\":\"genesis\",\"software\":\"1..2\",\"lines\":[],"
        "\"roster\":[]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct wh_err err = {0};
        if (lint(bad[i], &err)) {
            fail_msg("let through %s", bad[i]);
        }
        assert_int_equal(err.code, WH_INTERNAL);
    }
}

/* No kind of value lets an address through, whatever the key. */
static void no_key_takes_an_address(void **state)
{
    (void)state;
    static const char *const personal[] = {"ann@example.org", "192.168.1.17",
                                           "/home/ann/model", "Ann Example",
                                           "fe80::1",         "\xc3\xa4rger"};
    size_t n;
    const struct register_leaf_row *rows = register_leaf_rows(&n);
    for (size_t i = 0; i < n; i++) {
        const char *type = rows[i].type[0] == '*' ? "close" : rows[i].type;
        for (size_t p = 0; p < sizeof personal / sizeof *personal; p++) {
            json_t *shapes[] = {json_string(personal[p]),
                                json_pack("[s]", personal[p]),
                                json_pack("{s:s}", "weights", personal[p]),
                                json_pack("{s:s}", personal[p], HEX64)};
            for (size_t s = 0; s < 4; s++) {
                json_t *leaf = json_loads(
                    "{" HEAD "\"type\":\"close\",\"subject\":[]}", 0, NULL);
                struct wh_err err = {0};
                json_object_del(leaf, "subject");
                json_object_set_new(leaf, "type", json_string(type));
                json_object_set_new(leaf, rows[i].key, shapes[s]);
                assert_false(register_leaf_lint(leaf, &err));
                json_decref(leaf);
            }
        }
    }
}

static void rows_are_well_formed(void **state)
{
    (void)state;
    size_t n;
    const struct register_leaf_row *rows = register_leaf_rows(&n);
    for (size_t i = 0; i < n; i++) {
        assert_true(strlen(rows[i].meaning) > 0);
        assert_int_equal(rows[i].kind == REGISTER_ENUM,
                         strlen(rows[i].words) > 0);
        for (size_t k = 0; k < i; k++) {
            assert_false(strcmp(rows[i].type, rows[k].type) == 0 &&
                         strcmp(rows[i].key, rows[k].key) == 0);
        }
    }
}

static bool parse(const char *text, struct wh_err *err)
{
    struct wh_arena a;
    json_t *leaf;
    wh_arena_init(&a, 1 << 20);
    bool ok = register_leaf_parse(&a, wh_str_of(text), &leaf, err);
    wh_arena_done(&a);
    return ok;
}

static void only_the_canonical_form_is_read_back(void **state)
{
    (void)state;
    struct wh_err err;
    static const char good[] =
        "{\"id\":\"00112233445566778899aabbccddeeff\",\"kind\":\"model\","
        "\"subject\":[" DIGEST "],\"t\":1,\"type\":\"submission\",\"v\":1}";
    char spaced[sizeof good + 1];
    snprintf(spaced, sizeof spaced, "%s ", good);
    unit_ok(parse(good, &err), err);
    unit_fails(parse(spaced, &err), err, WH_CORRUPT);
    unit_fails(parse(SUBMISSION "\"subject\":[" DIGEST "]}", &err), err,
               WH_CORRUPT);
    unit_fails(parse("", &err), err, WH_CORRUPT);
    unit_fails(parse("{\"v\":1}", &err), err, WH_CORRUPT);
}

static void published_commitment(void **state)
{
    (void)state;
    uint8_t salt[REGISTER_SALT], out[WH_SHA256_LEN];
    char hex[WH_SHA256_HEX + 1];
    for (size_t i = 0; i < sizeof salt; i++) {
        salt[i] = (uint8_t)i;
    }
    register_commit(WH_S("submitter"), salt,
                    WH_S("{\"email\":\"a@example.org\"}"), out);
    wh_hex_enc(out, sizeof out, hex);
    assert_string_equal(
        hex,
        "ef55d939ea03c4663585f9123fef33330fbae23df4af5cd95c98f4e8a80c9980");
    /* lengths are part of it: field and value can not borrow bytes */
    uint8_t other[WH_SHA256_LEN];
    register_commit(WH_S("ab"), salt, WH_S("c"), out);
    register_commit(WH_S("a"), salt, WH_S("bc"), other);
    assert_memory_not_equal(out, other, sizeof out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_that_may_be_logged),
        cmocka_unit_test(leaves_that_may_not),
        cmocka_unit_test(no_key_takes_an_address),
        cmocka_unit_test(rows_are_well_formed),
        cmocka_unit_test(only_the_canonical_form_is_read_back),
        cmocka_unit_test(published_commitment),
    };
    return cmocka_run_group_tests_name("register/leaf", tests, NULL, NULL);
}
