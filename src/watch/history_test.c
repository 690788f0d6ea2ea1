/*
 * Unit tests of watch/history.h.
 */
#include "base/unit.h"
#include "watch/history.h"

static struct watch_secrets secrets;
static struct watch_history h;
static struct wh_arena a;

static int begin(void **state)
{
    (void)state;
    memset(&h, 0, sizeof h);
    watch_secrets_begin(&secrets, 1000);
    wh_arena_init(&a, (size_t)1 << 24);
    return 0;
}

static int end(void **state)
{
    (void)state;
    wh_arena_done(&a);
    return 0;
}

static struct watch_look look(const struct watch_said *said, size_t n,
                              struct watch_chain *c)
{
    struct watch_look l;
    watch_chain_make(c, &secrets, true, &a, said, n);
    watch_history_look(&h, c, &a, &l);
    return l;
}

/* The key asks this; what the house answers; "" for nothing. */
static struct watch_look asks(const struct watch_said *said, size_t n,
                              const char *answer, bool open)
{
    struct watch_chain c;
    struct watch_look l = look(said, n, &c);
    struct watch_digest d;
    watch_history_asked(&h, &c, &l, false);
    if (answer[0]) {
        watch_digest_init(&d, secrets.now);
        watch_digest_add(&d, wh_str_of(answer));
        watch_history_answered(&h, c.turn, c.now[c.messages - 1],
                               watch_digest_end(&d), open);
    }
    return l;
}

static struct watch_said S(enum watch_voice v, size_t m, const char *text) {
    return (struct watch_said){v, m, wh_str_of(text)};
}

/* system, user, the assistant's turn as given, user. */
static enum watch_turn
turn(const char *user, const char *said)
{
    struct watch_said s[] = {S(WATCH_SYSTEM, 0, "s"), S(WATCH_USER, 1, user),
                             S(WATCH_ASSISTANT, 2, said),
                             S(WATCH_USER, 3, "more")};
    struct watch_chain c;
    return look(s, 4, &c).of[2];
}

static void ask_first(const char *user, const char *answer, bool open)
{
    struct watch_said s[] = {S(WATCH_SYSTEM, 0, "s"), S(WATCH_USER, 1, user)};
    (void)asks(s, 2, answer, open);
}

static void what_can_be_said_of_a_turn(void **state)
{
    (void)state;
    assert_int_equal(turn("q", "an answer"), WATCH_ELSEWHERE);
    ask_first("q", "an  answer\n", false);
    assert_int_equal(turn("q", "an answer"), WATCH_OURS);
    assert_int_equal(turn("q", "  an\nanswer "), WATCH_OURS);
    assert_int_equal(turn("q", "another answer"), WATCH_EDITED);
    assert_int_equal(turn("q", ""), WATCH_EDITED);
    /* of other beginnings nothing is known */
    assert_int_equal(turn("p", "another answer"), WATCH_ELSEWHERE);
    /* answered twice: either is ours */
    ask_first("q", "second", false);
    assert_int_equal(turn("q", "an answer"), WATCH_OURS);
    assert_int_equal(turn("q", "second"), WATCH_OURS);
    assert_int_equal(turn("q", "third"), WATCH_EDITED);
    /* one that was broken off may have been anything */
    ask_first("q", "bro", true);
    assert_int_equal(turn("q", "third"), WATCH_OURS);
}

/* What was forgotten is never held against anybody. */
static void forgetting_accuses_nobody(void **state)
{
    (void)state;
    char user[16], answer[16];
    ask_first("q", "first", false);
    ask_first("q", "second", false);
    for (int i = 0; i < WATCH_ANSWERS - 1; i++) {
        (void)snprintf(user, sizeof user, "u%d", i);
        (void)snprintf(answer, sizeof answer, "a%d", i);
        ask_first(user, answer, false);
    }
    assert_int_equal(turn("q", "first"), WATCH_OURS);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(user, sizeof user, "v%d", i);
        ask_first(user, "x", false);
    }
    assert_int_equal(turn("q", "first"), WATCH_ELSEWHERE);
}

static void known_beginnings(void **state)
{
    (void)state;
    struct watch_said s[] = {S(WATCH_SYSTEM, 0, "s"), S(WATCH_USER, 1, "q"),
                             S(WATCH_ASSISTANT, 2, "a"), S(WATCH_USER, 3, "r")};
    struct watch_said t[] = {S(WATCH_SYSTEM, 0, "s"), S(WATCH_USER, 1, "z")};
    struct watch_chain c;
    assert_int_equal(asks(s, 2, "a", false).known, 0);
    struct watch_look l = look(s, 4, &c);
    assert_int_equal(l.known, 2);
    assert_int_equal(l.of[3], WATCH_CALLERS);
    /* instructions that were seen are not looked at in the next conversation */
    assert_int_equal(look(t, 2, &c).known, 1);
    /* the same text in another voice is another message */
    s[1].voice = WATCH_TOOL;
    assert_int_equal(look(s, 4, &c).known, 1);
}

static void alarms_stay_with_a_conversation(void **state)
{
    (void)state;
    struct watch_said s[] = {S(WATCH_USER, 0, "q"), S(WATCH_ASSISTANT, 1, "a"),
                             S(WATCH_USER, 2, "r")};
    struct watch_chain c;
    struct watch_look l = look(s, 1, &c);
    assert_false(l.tainted);
    watch_history_asked(&h, &c, &l, true);
    l = look(s, 3, &c);
    assert_true(l.tainted && l.known == 1);
    watch_history_asked(&h, &c, &l, false);
    assert_true(look(s, 3, &c).tainted);
}

/* Secrets live for a day; the day after, the past can still be read; then it is
 * gone. */
static void secrets_turn(void **state)
{
    (void)state;
    struct watch_secrets first = secrets;
    ask_first("q", "a", false);
    assert_false(watch_secrets_turn(&secrets, 1000 + WATCH_TURN_US - 1));
    assert_true(watch_secrets_turn(&secrets, 1000 + WATCH_TURN_US));
    assert_true(watch_history_reaches(&h, secrets.turn));
    assert_memory_equal(secrets.before, first.now, WATCH_SECRET);
    assert_memory_not_equal(secrets.now, first.now, WATCH_SECRET);
    assert_int_equal(turn("q", "a"), WATCH_OURS);
    assert_int_equal(turn("q", "b"), WATCH_EDITED);
    assert_true(watch_secrets_turn(&secrets, 1000 + 2 * WATCH_TURN_US));
    assert_int_equal(turn("q", "b"), WATCH_ELSEWHERE);
    /* after a long pause both are new */
    first = secrets;
    assert_true(watch_secrets_turn(&secrets, 1000 + 9 * WATCH_TURN_US));
    assert_memory_not_equal(secrets.before, first.now, WATCH_SECRET);
    assert_int_equal(secrets.turn, first.turn + 2);
}

static void calls_are_not_words(void **state)
{
    (void)state;
    struct watch_said s[] = {S(WATCH_SYSTEM, 0, "s"), S(WATCH_USER, 1, "q"),
                             S(WATCH_TOOL_USE, 2, "f {}"),
                             S(WATCH_ASSISTANT, 2, "a"), S(WATCH_USER, 3, "r")};
    struct watch_chain c;
    ask_first("q", "a", false);
    struct watch_look l = look(s, 5, &c);
    assert_int_equal(c.messages, 4);
    assert_int_equal(l.of[2], WATCH_OURS);
}

static void thinking_is_taken_out_by_clients(void **state)
{
    (void)state;
    struct watch_digest d;
    watch_digest_init(&d, secrets.now);
    watch_digest_add(&d, WH_S("\n<thi"));
    assert_false(watch_digest_thinks(&d));
    watch_digest_add(&d, WH_S("nk>well"));
    assert_true(watch_digest_thinks(&d));
    (void)watch_digest_end(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_can_be_said_of_a_turn, begin, end),
        cmocka_unit_test_setup_teardown(forgetting_accuses_nobody, begin, end),
        cmocka_unit_test_setup_teardown(known_beginnings, begin, end),
        cmocka_unit_test_setup_teardown(alarms_stay_with_a_conversation, begin,
                                        end),
        cmocka_unit_test_setup_teardown(secrets_turn, begin, end),
        cmocka_unit_test_setup_teardown(calls_are_not_words, begin, end),
        cmocka_unit_test_setup_teardown(thinking_is_taken_out_by_clients, begin,
                                        end),
    };
    return cmocka_run_group_tests_name("watch/history", tests, NULL, NULL);
}
