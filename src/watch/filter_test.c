/*
 * Unit tests of watch/watch.h: requests and answers through all of it. The
 * classifier alarms on "herring".
 */
#include "base/unit.h"
#include "watch/testing.h"
#include "watch/watch_impl.h"
#include <math.h>
#include <stdio.h>

static struct wh_arena keep;
static struct wh_str model;
static struct watch_testing t;

static int begin(void **state)
{
    (void)state;
    watch_testing_open(&t, model);
    return 0;
}

static int end(void **state)
{
    (void)state;
    watch_testing_close(&t);
    return 0;
}

/* Words that are like no others: number n. */
static struct wh_str plain(unsigned n, const char *with)
{
    static char text[512];
    size_t at = 0;
    unsigned x = n * 2654435761u + 12345;

    for (int i = 0; i < 14; i++) {
        size_t len = 2 + (x >> 24) % 7;
        for (size_t k = 0; k < len; k++) {
            x = x * 1664525u + 1013904223u;
            text[at++] = (char)('a' + (x >> 24) % 26);
        }
        text[at++] = ' ';
    }
    (void)snprintf(text + at, sizeof text - at, "%s", with);
    return wh_str_of(text);
}

static enum watch_met honest(int64_t key, unsigned n)
{
    t.now += 60 * INT64_C(1000000);
    return watch_testing_ask(&t, key, NULL, plain(n, "grain"));
}

static enum watch_met attack(int64_t key, unsigned n)
{
    t.now += 60 * INT64_C(1000000);
    return watch_testing_ask(&t, key, NULL, plain(n, "herring"));
}

static void ordinary_use_is_left_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(honest(1, i), WATCH_ANSWERED);
    }
    assert_true(watch_log_of(t.w, WATCH_KEY, 1) < 0);
    struct watch_case c;
    assert_false(watch_testing_case(&t, &c));
}

/* The ladder is climbed rung by rung, and what is done has a case. */
static void a_hijack_is_stopped(void **state)
{
    (void)state;
    enum watch_met met = WATCH_ANSWERED;
    bool policy = false;
    unsigned i;

    for (i = 0; i < 20 && met != WATCH_STOPPED; i++) {
        met = attack(7, i);
        policy = policy || met == WATCH_POLICY;
    }
    assert_int_equal(met, WATCH_STOPPED);
    assert_true(policy);
    assert_true(i <= 12);
    assert_int_equal(t.stops, 1);
    assert_int_equal(t.stopped_key, 7);
    assert_true(wh_str_starts(t.no.url, WH_S("http://house/cases/")));
    assert_int_equal(t.no.url.n, strlen("http://house/cases/") + 43);
    /* others are not concerned */
    assert_int_equal(honest(8, 1), WATCH_ANSWERED);
    struct watch_case c;
    assert_true(watch_testing_case(&t, &c));
    assert_true(c.rung >= DETECT_RUNG_SUSPEND);
    assert_int_equal(c.level, WATCH_KEY);
    assert_int_equal(c.key, 7);
    assert_true(c.until > t.now && c.until <= t.now + 14 * WATCH_DAY_US);
    assert_true(c.request.n > 0 && c.layer.n > 0);
    struct watch_alarm *alarms;
    size_t n;
    struct wh_err err;
    unit_ok(watch_case_alarms(t.db, &t.arena, &c, &alarms, &n, &err), err);
    assert_true(n >= 3 && n <= 12);
    assert_true(alarms[0].log_e[WATCH_KEY] > alarms[n - 1].log_e[WATCH_KEY]);
    assert_true(alarms[0].has_text);
}

static void a_stolen_key_is_stopped(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        assert_int_equal(honest(3, i), WATCH_ANSWERED);
    }
    unsigned i;
    for (i = 0; i < 60; i++) {
        if (attack(3, 5000 + i) == WATCH_STOPPED) {
            break;
        }
    }
    assert_true(i < 30);
}

static void retries_and_repeats_are_no_new_evidence(void **state)
{
    (void)state;
    assert_int_equal(attack(4, 0), WATCH_ANSWERED);
    assert_int_equal(attack(4, 1), WATCH_POLICY);
    double before = watch_log_of(t.w, WATCH_KEY, 4);
    for (int i = 0; i < 30; i++) {
        t.now += 1000000;
        /* the same, and with a word more */
        (void)watch_testing_ask(&t, 4, NULL, plain(1, "herring"));
        (void)watch_testing_ask(&t, 4, NULL, plain(1, "herring please"));
    }
    assert_true(fabs(watch_log_of(t.w, WATCH_KEY, 4) - before) < 1e-9);
}

/* What was refused is refused again, though it adds nothing. */
static void known_alarms_stay_refused(void **state)
{
    (void)state;
    assert_int_equal(attack(5, 0), WATCH_ANSWERED);
    assert_int_equal(attack(5, 1), WATCH_POLICY);
    assert_int_equal(attack(5, 1), WATCH_POLICY);
    assert_int_equal(honest(5, 2), WATCH_ANSWERED);
}

static void very_many_repeats_go_to_a_person(void **state)
{
    (void)state;
    struct watch_case c;
    for (int i = 0; i < 60; i++) {
        char text[64];
        t.now += 11 * INT64_C(1000000);
        (void)snprintf(text, sizeof text, "herring number %d", i);
        enum watch_met met = watch_testing_ask(&t, 6, NULL, plain(1, text));
        assert_int_not_equal(met, WATCH_STOPPED);
    }
    assert_true(watch_testing_case(&t, &c));
    assert_int_equal(c.rung, DETECT_RUNG_QUEUE);
    assert_true(c.repeated);
}

static void noise_in_every_word_is_seen(void **state)
{
    (void)state;
    static const char base[] =
        "please describe exactly how the herring barrels were weighed and "
        "stored in winter by the merchants of the northern harbour towns";
    char text[sizeof base];
    enum watch_met met = WATCH_ANSWERED;
    int i;

    for (i = 0; i < 30 && met != WATCH_STOPPED; i++) {
        memcpy(text, base, sizeof base);
        for (size_t k = 0; i > 0 && text[k]; k++) {
            if (text[k] != ' ' && (k * 7 + (size_t)i) % 3 == 0) {
                text[k] = (char)('a' + (k + 5 * (size_t)i) % 26);
            }
        }
        t.now += 15 * INT64_C(1000000);
        met = watch_testing_ask(&t, 9, NULL, wh_str_of(text));
    }
    assert_int_equal(met, WATCH_STOPPED);
    assert_true(i < 20);
}

/* One bad customer of a reseller is stopped, the key is not. */
static void a_person_behind_a_key(void **state)
{
    (void)state;
    enum watch_met met = WATCH_ANSWERED;
    struct watch_case c;
    unsigned i;

    for (i = 0; i < 100; i++) {
        assert_int_equal(honest(11, i), WATCH_ANSWERED);
    }
    for (i = 0; i < 20 && met != WATCH_STOPPED; i++) {
        t.now += 60 * INT64_C(1000000);
        met = watch_testing_ask(&t, 11, "bad", plain(1000 + i, "herring"));
    }
    assert_int_equal(met, WATCH_STOPPED);
    assert_int_equal(t.stops, 0);
    assert_true(watch_testing_case(&t, &c));
    assert_int_equal(c.level, WATCH_PERSON);
    assert_int_equal(c.person.n, 16);
    t.now += 60 * INT64_C(1000000);
    assert_int_equal(watch_testing_ask(&t, 11, "good", plain(3000, "grain")),
                     WATCH_ANSWERED);
    /* but new names do not wash the key */
    for (i = 0; i < 200 && t.stops == 0; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "n%u", i / 20);
        t.now += 60 * INT64_C(1000000);
        (void)watch_testing_ask(&t, 11, name, plain(4000 + i, "herring"));
    }
    assert_int_equal(t.stops, 1);
}

static void a_restart_keeps_the_evidence(void **state)
{
    (void)state;
    struct wh_err err;
    for (unsigned i = 0; i < 50; i++) {
        (void)honest(1, i);
    }
    double before = watch_log_of(t.w, WATCH_KEY, 1);
    unit_ok(watch_flush(t.w, &err), err);
    watch_testing_restart(&t, true);
    (void)honest(1, 60);
    assert_true(watch_log_of(t.w, WATCH_KEY, 1) < before);
    enum watch_met met = WATCH_ANSWERED;
    for (unsigned i = 0; i < 20 && met != WATCH_STOPPED; i++) {
        met = attack(1, 100 + i);
    }
    assert_int_equal(met, WATCH_STOPPED);
    /* a suspension was on disk before it was told */
    watch_testing_restart(&t, true);
    assert_int_equal(honest(1, 70), WATCH_STOPPED);
}

/* Nothing that is done lasts for ever. */
static void what_nobody_confirms_lapses(void **state)
{
    (void)state;
    struct watch_case c;
    struct wh_err err;
    for (unsigned i = 0; i < 20 && attack(2, i) != WATCH_STOPPED; i++) {
    }
    assert_int_equal(honest(2, 100), WATCH_STOPPED);
    t.now += 15 * WATCH_DAY_US;
    unit_ok(watch_tidy(t.w, &err), err);
    assert_int_equal(honest(2, 101), WATCH_ANSWERED);
    assert_true(watch_log_of(t.w, WATCH_KEY, 2) < 0.1);
    assert_true(watch_testing_case(&t, &c));
    assert_int_equal(c.state, WATCH_LAPSED);
}

static void only_what_is_demanded_is_watched(void **state)
{
    (void)state;
    struct watch_said said = {.voice = WATCH_USER, .text = plain(1, "herring")};
    struct watch_asked q = {.key = 1,
                            .account = 2,
                            .model = WH_S("free/free"),
                            .request = WH_S("r"),
                            .base = WH_S(""),
                            .said = &said,
                            .n_said = 1};
    struct watch_run *run = NULL;
    assert_true(watch_request(t.w, t.db, &t.arena, &q, &run, &t.no));
    assert_null(run);
    /* and what can not be found out is refused */
    q.model = WH_S("broken/broken");
    assert_false(watch_request(t.w, t.db, &t.arena, &q, &run, &t.no));
    assert_int_equal(t.no.kind, WATCH_NO_SLOWER);
}

/* ---- conversations ---- */

static enum watch_met talk(int64_t key, const struct watch_said *said, size_t n,
                           const char *answer, bool whole)
{
    struct watch_asked q = {.key = key,
                            .account = 1000 + key,
                            .model = WH_S("demo/model"),
                            .request = WH_S("r"),
                            .base = WH_S("http://house"),
                            .chat = true,
                            .said = said,
                            .n_said = n};
    t.now += 60 * INT64_C(1000000);
    return watch_testing_say(&t, &q, wh_str_of(answer), whole);
}

/* Words that the house said itself are not held against anybody; the same words
 * put into its mouth are. */
static void answers_of_the_house(void **state)
{
    (void)state;
    struct watch_said said[] = {
        {WATCH_USER, 0, WH_S("what swims in the sea north of here")},
        {WATCH_ASSISTANT, 1, WH_S("  the herring\n swims there ")},
        {WATCH_USER, 2, WH_S("thank you for this kind answer")}};
    assert_int_equal(talk(1, said, 1, "the herring swims there", true),
                     WATCH_ANSWERED);
    assert_int_equal(talk(1, said, 3, "", true), WATCH_ANSWERED);
    struct watch_case c;
    assert_false(watch_testing_case(&t, &c));
    assert_true(watch_log_of(t.w, WATCH_KEY, 1) < 0);
    /* another key never had this answer */
    assert_int_equal(talk(2, said, 3, "", true), WATCH_ANSWERED);
    assert_true(watch_log_of(t.w, WATCH_KEY, 2) > 0.5);
    /* nor did this one have that */
    assert_int_equal(talk(3, said, 1, "cod", true), WATCH_ANSWERED);
    assert_true(watch_log_of(t.w, WATCH_KEY, 3) < 0);
    assert_int_equal(talk(3, said, 3, "", true), WATCH_ANSWERED);
    assert_true(watch_log_of(t.w, WATCH_KEY, 3) > 0.5);
}

static void output_is_checked_and_counted(void **state)
{
    (void)state;
    struct watch_said said[] = {{WATCH_USER, 0, WH_S("count to a thousand")}};
    struct watch_asked q = {.key = 1,
                            .account = 2,
                            .model = WH_S("demo/model"),
                            .request = WH_S("r"),
                            .base = WH_S(""),
                            .chat = true,
                            .said = said,
                            .n_said = 1};
    struct watch_run *run = NULL;
    assert_true(watch_request(t.w, t.db, &t.arena, &q, &run, &t.no));
    assert_non_null(run);
    char text[4000];
    size_t sent = 0, have = 0, release;
    const char *why;
    for (size_t i = 0; i < 400; i++) {
        have += (size_t)snprintf(text + have, sizeof text - have, "%zu, ", i);
        struct watch_piece p = {.content = true,
                                .text = wh_str_mem(text + sent, have - sent),
                                .fresh = i < 10    ? 3
                                         : i < 100 ? 4
                                                   : 5,
                                .last = i == 399};
        assert_true(watch_text(t.w, run, &p, &release, &why));
        assert_true(release <= p.text.n);
        sent += release;
        assert_true(i == 399 ? sent == have : have - sent < 16384);
    }
    watch_end(t.w, run, true);
}

/* A name in each request fills the table: the names of a minute ago go, those
 * with a case stay, and others are answered. */
static void many_names_keep_nobody_out(void **state)
{
    struct wh_err err = {0};
    struct watch_entry *e = NULL;

    (void)state;
    for (uint64_t i = 1; i <= WATCH_ENTRIES_MAX; i++) {
        assert_true(
            watch_entry_get(t.w, NULL, WATCH_PERSON, 1, i, 1, &e, &err));
    }
    e->case_id[0] = 'x';
    e->until = t.now + WATCH_DAY_US;
    /* not in the same minute: somebody may be at work with them */
    assert_int_equal(watch_testing_ask(&t, 2, NULL, WH_S("good morning")),
                     WATCH_SLOW);
    t.now += 61 * (int64_t)1000000;
    assert_int_equal(watch_testing_ask(&t, 2, NULL, WH_S("good morning")),
                     WATCH_ANSWERED);
    assert_true(t.w->entries < 10);
    assert_ptr_equal(watch_entry_find(t.w, WATCH_PERSON, 1, WATCH_ENTRIES_MAX),
                     e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ordinary_use_is_left_alone, begin, end),
        cmocka_unit_test_setup_teardown(a_hijack_is_stopped, begin, end),
        cmocka_unit_test_setup_teardown(a_stolen_key_is_stopped, begin, end),
        cmocka_unit_test_setup_teardown(retries_and_repeats_are_no_new_evidence,
                                        begin, end),
        cmocka_unit_test_setup_teardown(known_alarms_stay_refused, begin, end),
        cmocka_unit_test_setup_teardown(very_many_repeats_go_to_a_person, begin,
                                        end),
        cmocka_unit_test_setup_teardown(noise_in_every_word_is_seen, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_person_behind_a_key, begin, end),
        cmocka_unit_test_setup_teardown(a_restart_keeps_the_evidence, begin,
                                        end),
        cmocka_unit_test_setup_teardown(what_nobody_confirms_lapses, begin,
                                        end),
        cmocka_unit_test_setup_teardown(only_what_is_demanded_is_watched, begin,
                                        end),
        cmocka_unit_test_setup_teardown(answers_of_the_house, begin, end),
        cmocka_unit_test_setup_teardown(output_is_checked_and_counted, begin,
                                        end),
        cmocka_unit_test_setup_teardown(many_names_keep_nobody_out, begin, end),
    };
    wh_arena_init(&keep, (size_t)4 << 20);
    model = watch_testing_model(&keep);
    int failed = cmocka_run_group_tests_name("watch/filter", tests, NULL, NULL);
    wh_arena_done(&keep);
    return failed;
}
