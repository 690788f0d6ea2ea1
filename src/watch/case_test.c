/*
 * Unit tests of watch/case.h, watch/text.h and watch/desk.h.
 */
#include "base/unit.h"
#include "store/account.h"
#include "watch/desk.h"
#include "watch/testing.h"
#include <stdio.h>
#include <unistd.h>

#define REASON WH_S("a reason that is long enough")

static struct wh_arena keep;
static struct watch_testing t;
static int64_t ada, bea, root, person;

static int64_t account(const char *name, bool operator_)
{
    struct db *db = NULL;
    struct wh_err err = {0};
    struct store_account a;
    struct store_account_new in = {.name = wh_str_of(name),
                                   .is_operator = operator_};
    db = db_open(t.t.path, false, &err);
    assert_non_null(db);
    unit_ok(store_account_create(db, &in, &a, &err), err);
    db_close(&db);
    return a.id;
}

static int begin(void **state)
{
    struct wh_err err;
    (void)state;
    watch_testing_open(&t, watch_testing_model(&keep));
    ada = account("ada", false);
    bea = account("bea", false);
    root = account("root", true);
    person = account("person", false);
    unit_ok(watch_desk_reviewer(t.w, ada, true, &err), err);
    unit_ok(watch_desk_reviewer(t.w, bea, true, &err), err);
    return 0;
}

static int end(void **state)
{
    (void)state;
    watch_testing_close(&t);
    return 0;
}

/* Somebody is suspended; the case. */
static void suspend(struct watch_case *c)
{
    char text[128];
    enum watch_met met = WATCH_ANSWERED;
    for (unsigned i = 0; i < 20 && met != WATCH_STOPPED; i++) {
        (void)snprintf(text, sizeof text,
                       "w%ux e%ur t%uy u%ui o%up a%us d%uf herring", i, i * 7,
                       i * 13, i * 17, i * 19, i * 23, i * 29);
        t.now += 60 * INT64_C(1000000);
        met = watch_testing_ask(&t, 5, NULL, wh_str_of(text));
    }
    assert_int_equal(met, WATCH_STOPPED);
    assert_true(watch_testing_case(&t, c));
    assert_true(c->rung >= DETECT_RUNG_SUSPEND);
}

static void reread(struct watch_case *c)
{
    struct wh_err err;
    unit_ok(watch_case_by_id(t.db, &t.arena, c->public_id, c, &err), err);
}

static void who_sees_a_case(void **state)
{
    (void)state;
    struct watch_case c, out;
    enum watch_seer seer;
    struct wh_err err;
    char secret[WATCH_CASE_SECRET + 1];
    suspend(&c);
    watch_secret_of(t.w, c.public_id, secret);
    assert_true(wh_str_ends(t.no.url, wh_str_of(secret)));
    unit_ok(watch_desk_find(t.db, &t.arena, wh_str_of(secret), 0, &out, &seer,
                            &err),
            err);
    assert_int_equal(seer, WATCH_HOLDER);
    unit_ok(
        watch_desk_find(t.db, &t.arena, c.public_id, ada, &out, &seer, &err),
        err);
    assert_int_equal(seer, WATCH_REVIEWER);
    unit_fails(
        watch_desk_find(t.db, &t.arena, c.public_id, root, &out, &seer, &err),
        err, WH_NOT_FOUND);
    unit_fails(
        watch_desk_find(t.db, &t.arena, c.public_id, 0, &out, &seer, &err), err,
        WH_NOT_FOUND);
    secret[3] = secret[3] == 'a' ? 'b' : 'a';
    unit_fails(watch_desk_find(t.db, &t.arena, wh_str_of(secret), 0, &out,
                               &seer, &err),
               err, WH_NOT_FOUND);
}

static void deciding(void **state)
{
    (void)state;
    struct watch_case c;
    struct wh_err err;
    suspend(&c);
    unit_fails(watch_desk_decide(t.w, &c, root, true, REASON, &err), err,
               WH_FORBIDDEN);
    unit_fails(watch_desk_decide(t.w, &c, person, true, REASON, &err), err,
               WH_FORBIDDEN);
    unit_fails(watch_desk_decide(t.w, &c, ada, true, WH_S("so"), &err), err,
               WH_BAD_REQUEST);
    unit_ok(watch_desk_decide(t.w, &c, ada, false, REASON, &err), err);
    reread(&c);
    assert_int_equal(c.state, WATCH_CONFIRMED);
    assert_int_equal(c.until, t.now + WATCH_CONFIRMED_US);
    unit_fails(watch_desk_decide(t.w, &c, bea, false, REASON, &err), err,
               WH_CONFLICT);
    assert_int_equal(watch_testing_ask(&t, 5, NULL, WH_S("salt")),
                     WATCH_STOPPED);
    /* what is confirmed outlives a restart, and ends too */
    watch_testing_restart(&t, true);
    assert_int_equal(watch_testing_ask(&t, 5, NULL, WH_S("salt")),
                     WATCH_STOPPED);
    t.now += WATCH_CONFIRMED_US + 1;
    unit_ok(watch_tidy(t.w, &err), err);
    assert_int_equal(watch_testing_ask(&t, 5, NULL, WH_S("salt")),
                     WATCH_ANSWERED);
}

static void lifting_forgets(void **state)
{
    (void)state;
    struct watch_case c, stale;
    struct wh_err err;
    suspend(&c);
    stale = c;
    unit_ok(watch_desk_decide(t.w, &c, ada, true, REASON, &err), err);
    unit_fails(watch_desk_decide(t.w, &stale, bea, false, REASON, &err), err,
               WH_CONFLICT);
    assert_int_equal(watch_testing_ask(&t, 5, NULL, WH_S("salt")),
                     WATCH_ANSWERED);
    assert_true(watch_log_of(t.w, WATCH_KEY, 5) < 0.01);
    unit_fails(watch_desk_appeal(t.w, &c, WH_S("too late"), &err), err,
               WH_CONFLICT);
}

static void appealing(void **state)
{
    (void)state;
    struct watch_saying *s;
    struct watch_case c;
    struct wh_err err;
    size_t n;
    suspend(&c);
    unit_fails(watch_desk_appeal(t.w, &c, WH_S("  "), &err), err,
               WH_BAD_REQUEST);
    unit_fails(watch_desk_appeal(t.w, &c, WH_S("\xff\xfe"), &err), err,
               WH_BAD_REQUEST);
    for (int i = 0; i < WATCH_APPEALS_MAX; i++) {
        unit_ok(watch_desk_appeal(t.w, &c, WH_S(" I was baking "), &err), err);
    }
    unit_fails(watch_desk_appeal(t.w, &c, WH_S("again"), &err), err,
               WH_TOO_LARGE);
    unit_ok(watch_case_appeals(t.db, &t.arena, &c, &s, &n, &err), err);
    assert_int_equal(n, WATCH_APPEALS_MAX);
    unit_str(s[0].text, "I was baking");
}

static void two_read(void **state)
{
    (void)state;
    struct watch_case c;
    struct wh_err err;
    json_t *texts;
    suspend(&c);
    unit_fails(watch_desk_texts(t.w, t.db, &t.arena, &c, ada, &texts, &err),
               err, WH_FORBIDDEN);
    unit_fails(watch_desk_wish(t.w, &c, root, REASON, &err), err, WH_FORBIDDEN);
    unit_ok(watch_desk_wish(t.w, &c, ada, REASON, &err), err);
    unit_ok(watch_desk_wish(t.w, &c, ada, REASON, &err), err);
    unit_fails(watch_desk_texts(t.w, t.db, &t.arena, &c, ada, &texts, &err),
               err, WH_FORBIDDEN);
    unit_ok(watch_desk_wish(t.w, &c, bea, REASON, &err), err);
    unit_ok(watch_desk_texts(t.w, t.db, &t.arena, &c, bea, &texts, &err), err);
    assert_true(json_array_size(texts) >= 3);
    const char *text =
        json_string_value(json_object_get(json_array_get(texts, 0), "text"));
    assert_non_null(strstr(text, "herring"));
    /* who is no reviewer any more does not count */
    unit_ok(watch_desk_reviewer(t.w, ada, false, &err), err);
    unit_fails(watch_desk_texts(t.w, t.db, &t.arena, &c, bea, &texts, &err),
               err, WH_FORBIDDEN);
    unit_ok(watch_desk_reviewer(t.w, ada, true, &err), err);
    /* and a wish does not last */
    t.now += WATCH_WISH_US + 1;
    unit_fails(watch_desk_texts(t.w, t.db, &t.arena, &c, bea, &texts, &err),
               err, WH_FORBIDDEN);
}

/* After thirty days the key is gone, whatever rows are left somewhere. */
static void texts_end(void **state)
{
    (void)state;
    struct watch_alarm *alarms;
    struct wh_str text;
    struct watch_case c;
    struct wh_err err;
    char path[256];
    bool cut;
    size_t n;
    suspend(&c);
    unit_ok(watch_case_alarms(t.db, &t.arena, &c, &alarms, &n, &err), err);
    unit_ok(watch_text_of(t.w, t.db, &t.arena, &alarms[0], &text, &cut, &err),
            err);
    /* a text belongs to its request */
    struct watch_alarm other = alarms[0];
    other.request = WH_S("another");
    unit_fails(watch_text_of(t.w, t.db, &t.arena, &other, &text, &cut, &err),
               err, WH_CORRUPT);
    (void)snprintf(path, sizeof path, "%s/%lld.key", t.dir,
                   (long long)(t.now / (INT64_C(86400) * 1000000)));
    assert_int_equal(access(path, F_OK), 0);
    t.now += INT64_C(31) * 86400 * 1000000;
    unit_ok(watch_tidy(t.w, &err), err);
    assert_int_not_equal(access(path, F_OK), 0);
    unit_fails(
        watch_text_of(t.w, t.db, &t.arena, &alarms[0], &text, &cut, &err), err,
        WH_NOT_FOUND);
}

/* A backup holds the database, and not the watch's folder. */
static void a_lost_key_costs_no_case_its_address(void **state)
{
    (void)state;
    struct watch_case c, out;
    enum watch_seer seer;
    struct wh_err err;
    char path[256], was[WATCH_CASE_SECRET + 1], is[WATCH_CASE_SECRET + 1];
    suspend(&c);
    watch_secret_of(t.w, c.public_id, was);
    (void)snprintf(path, sizeof path, "%s/house.key", t.dir);
    assert_int_equal(unlink(path), 0);
    watch_testing_restart(&t, false);
    watch_secret_of(t.w, c.public_id, is);
    assert_string_not_equal(was, is);
    unit_ok(
        watch_desk_find(t.db, &t.arena, wh_str_of(is), 0, &out, &seer, &err),
        err);
    assert_int_equal(watch_testing_ask(&t, 5, NULL, WH_S("salt")),
                     WATCH_STOPPED);
    assert_true(wh_str_ends(t.no.url, wh_str_of(is)));
}

static void operators_do_not_review(void **state)
{
    (void)state;
    struct wh_err err;
    unit_fails(watch_desk_reviewer(t.w, root, true, &err), err, WH_FORBIDDEN);
    unit_fails(watch_desk_reviewer(t.w, 424242, true, &err), err, WH_NOT_FOUND);
}

/* The register gets numbers, once a day. */
static void counts_are_logged(void **state)
{
    (void)state;
    struct watch_case c;
    struct wh_err err;
    json_t *o;
    suspend(&c);
    unit_ok(watch_tidy(t.w, &err), err);
    t.now += INT64_C(86400) * 1000000;
    unit_ok(watch_tidy(t.w, &err), err);
    unit_ok(watch_tidy(t.w, &err), err);
    struct db_stmt *s = db_start(t.db, DBQ_WATCH_LOGGED_LAST);
    int64_t day;
    unit_ok(db_one_i64(s, 0, &day, &err), err);
    assert_int_equal(day, t.now / (INT64_C(86400) * 1000000) - 1);
    unit_ok(watch_desk_public(t.w, t.db, &t.arena, &o, &err), err);
    const json_t *ever = json_object_get(o, "ever");
    assert_int_equal(json_integer_value(json_object_get(ever, "suspended")), 1);
    assert_int_equal(json_integer_value(json_object_get(o, "reviewers")), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_sees_a_case, begin, end),
        cmocka_unit_test_setup_teardown(deciding, begin, end),
        cmocka_unit_test_setup_teardown(lifting_forgets, begin, end),
        cmocka_unit_test_setup_teardown(appealing, begin, end),
        cmocka_unit_test_setup_teardown(two_read, begin, end),
        cmocka_unit_test_setup_teardown(texts_end, begin, end),
        cmocka_unit_test_setup_teardown(a_lost_key_costs_no_case_its_address,
                                        begin, end),
        cmocka_unit_test_setup_teardown(operators_do_not_review, begin, end),
        cmocka_unit_test_setup_teardown(counts_are_logged, begin, end),
    };
    wh_arena_init(&keep, (size_t)64 << 20);
    int failed = cmocka_run_group_tests_name("watch/case", tests, NULL, NULL);
    wh_arena_done(&keep);
    return failed;
}
