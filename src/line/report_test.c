/* Unit tests of reports: the clock of working hours, what is kept and what is
 * not, answers, incidents, and the public figures. */
#include "base/time.h"
#include "base/unit.h"
#include "db/testdb.h"
#include "line/report.h"
#include "store/repo.h"

static struct testdb T;
static struct wh_arena A;
static struct wh_err E;

#define NOW INT64_C(1795000000000000)
#define SUBJECT \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static int up(void **state)
{
    (void)state;
    E = (struct wh_err){0};
    wh_arena_init(&A, 16 << 20);
    testdb_open(&T);
    return 0;
}

static int down(void **state)
{
    (void)state;
    testdb_close(&T);
    wh_arena_done(&A);
    return 0;
}

static int64_t at(const char *text)
{
    int64_t us;
    assert_true(wh_time_parse(wh_str_of(text), &us));
    return us / 1000000;
}

static void the_clock(void **state)
{
    static const struct {
        const char *from;
        unsigned hours;
        const char *due;
    } cases[] = {
        /* a Monday */
        {"2026-11-23T09:00:00Z", 8, "2026-11-23T17:00:00Z"},
        {"2026-11-23T10:30:00Z", 1, "2026-11-23T11:30:00Z"},
        {"2026-11-23T10:00:00Z", 8, "2026-11-24T10:00:00Z"},
        {"2026-11-23T03:00:00Z", 8, "2026-11-23T17:00:00Z"},
        {"2026-11-23T18:00:00Z", 1, "2026-11-24T10:00:00Z"},
        /* Friday afternoon, and the days on which nobody works */
        {"2026-11-27T16:00:00Z", 8, "2026-11-30T16:00:00Z"},
        {"2026-11-28T12:00:00Z", 8, "2026-11-30T17:00:00Z"},
        {"2026-11-29T23:59:59Z", 16, "2026-12-01T17:00:00Z"},
        {"2026-11-23T09:00:00Z", 40, "2026-11-27T17:00:00Z"},
        {"2026-11-24T09:00:00Z", 40, "2026-11-30T17:00:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(line_report_due(at(cases[i].from), cases[i].hours),
                         at(cases[i].due));
    }
}

struct adding {
    struct line_report_new in;
    struct line_reported out;
    int64_t now;
};

static bool add_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct adding *x = ctx;
    return line_report_add(db, &x->in, x->now, &x->out, err);
}

static bool add(struct adding *x)
{
    E = (struct wh_err){0};
    return db_tx(T.db, add_fn, x, &E);
}

struct answering {
    const struct line_report *r;
    const char *outcome, *reasons;
    int64_t now;
};

static bool answer_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct answering *x = ctx;
    return strcmp(x->outcome, "closed") == 0
               ? line_incident_close(db, x->r, wh_str_of(x->reasons), 7, x->now,
                                     err)
               : line_report_answer(db, x->r, wh_str_of(x->outcome),
                                    wh_str_of(x->reasons), 7, x->now, err);
}

static enum wh_code answer(const struct line_report *r, const char *outcome,
                           const char *reasons, int64_t now)
{
    struct answering x = {r, outcome, reasons, now};
    E = (struct wh_err){0};
    return db_tx(T.db, answer_fn, &x, &E) ? WH_NONE : E.code;
}

static struct line_report taken(const char *subject)
{
    struct adding x = {.in = {.subject = wh_str_of(subject),
                              .kind = WH_S("harm"),
                              .text = WH_S("look at this")},
                       .now = NOW};
    struct line_report r;
    x.in.repo = 0;
    unit_ok(add(&x), E);
    unit_ok(line_report_get(T.db, &A, wh_str_of(x.out.id), &r, &E), E);
    assert_true(line_report_is_theirs(&r, wh_str_of(x.out.receipt)));
    assert_false(line_report_is_theirs(&r, wh_str_of(x.out.id)));
    assert_false(line_report_is_theirs(&r, WH_S("")));
    assert_int_equal(r.due, x.out.due);
    return r;
}

static void what_is_taken(void **state)
{
    static const struct {
        const char *kind, *text;
    } bad[] = {{"harm", ""},
               {"harm", " \n"},
               {"", "x"},
               {"spam", "x"},
               {"harm", "\xff"}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct adding x = {.in = {.kind = wh_str_of(bad[i].kind),
                                  .text = wh_str_of(bad[i].text)},
                           .now = NOW};
        assert_false(add(&x));
        assert_int_equal(E.code, WH_BAD_REQUEST);
    }
    struct line_report r = taken("");
    assert_int_equal(r.answered, 0);
    assert_int_equal(line_report_get(T.db, &A, WH_S("nothing"), &r, &E), false);
    assert_int_equal(E.code, WH_NOT_FOUND);
}

static void answers(void **state)
{
    struct line_report r = taken(SUBJECT);
    int64_t n;
    (void)state;
    assert_int_equal(answer(&r, "maybe", "x", NOW), WH_BAD_REQUEST);
    assert_int_equal(answer(&r, "unfounded", " ", NOW), WH_BAD_REQUEST);
    assert_int_equal(answer(&r, "closed", "x", NOW), WH_CONFLICT);
    assert_int_equal(answer(&r, "unfounded", "because", NOW + 5), WH_NONE);
    assert_int_equal(answer(&r, "incident", "because", NOW), WH_CONFLICT);
    unit_ok(line_incidents_open(T.db, WH_S(SUBJECT), &n, &E), E);
    assert_int_equal(n, 0);
    r = taken("");
    assert_int_equal(answer(&r, "incident", "because", NOW), WH_REFUSED);
}

/* A person's word makes it evidence, and takes that back. */
static void incidents(void **state)
{
    struct line_report r = taken(SUBJECT), *desk;
    int64_t count;
    size_t n;
    (void)state;
    assert_int_equal(answer(&r, "incident", "it was seen", NOW), WH_NONE);
    unit_ok(line_incidents_open(T.db, WH_S(SUBJECT), &count, &E), E);
    assert_int_equal(count, 1);
    unit_ok(line_report_desk(T.db, &A, 10, &desk, &n, &E), E);
    assert_int_equal(n, 1); /* until it is closed it stays on the desk */
    assert_true(desk[0].incident);
    assert_int_equal(answer(&r, "closed", "", NOW), WH_BAD_REQUEST);
    assert_int_equal(answer(&r, "closed", "fixed", NOW + 9), WH_NONE);
    assert_int_equal(answer(&r, "closed", "again", NOW + 9), WH_CONFLICT);
    unit_ok(line_incidents_open(T.db, WH_S(SUBJECT), &count, &E), E);
    assert_int_equal(count, 0);
    unit_ok(line_report_desk(T.db, &A, 10, &desk, &n, &E), E);
    assert_int_equal(n, 0);
}

static int64_t figure(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static void figures(void **state)
{
    struct line_report r[3];
    json_t *o;
    (void)state;
    unit_ok(line_report_figures(T.db, &A, NOW, &o, &E), E);
    assert_true(json_is_null(json_object_get(o, "median_seconds")));
    for (size_t i = 0; i < 3; i++) {
        r[i] = taken(SUBJECT);
    }
    assert_int_equal(answer(&r[0], "known", "x", NOW + 60000000), WH_NONE);
    assert_int_equal(answer(&r[1], "known", "x", r[1].due + 1), WH_NONE);
    unit_ok(line_report_figures(T.db, &A, r[2].due + 1, &o, &E), E);
    assert_int_equal(figure(o, "received"), 3);
    assert_int_equal(figure(o, "waiting"), 1);
    assert_int_equal(figure(o, "overdue"), 1);
    assert_int_equal(figure(o, "answered"), 2);
    assert_int_equal(figure(o, "in_time"), 1);
    assert_int_equal(figure(o, "median_seconds"), 60);
}

static bool forget_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const int64_t *now = ctx;
    return line_report_forget(db, *now, err);
}

static void texts_are_erased(void **state)
{
    struct line_report r = taken(SUBJECT), waits = taken(SUBJECT), now_r;
    int64_t later = NOW + INT64_C(181) * 86400 * 1000000;
    (void)state;
    assert_int_equal(answer(&r, "known", "x", NOW), WH_NONE);
    unit_ok(db_tx(T.db, forget_fn, &later, &E), E);
    unit_ok(line_report_get(T.db, &A, r.public_id, &now_r, &E), E);
    unit_str(now_r.text, "");
    unit_str(now_r.answer, "x");
    unit_ok(line_report_get(T.db, &A, waits.public_id, &now_r, &E), E);
    unit_str(now_r.text, "look at this");
}

static bool make_repo(struct db *db, void *ctx, struct wh_err *err)
{
    struct store_account_new person = {.name = WH_S("ann")};
    struct store_account owner;
    struct store_repo_new repo = {
        .kind = STORE_MODEL, .ns = &owner, .name = WH_S("m")};
    return store_account_create(db, &person, &owner, err) &&
           store_repo_create(db, &repo, ctx, err);
}

/* Nobody fills the desk. */
static void only_so_many_wait(void **state)
{
    struct adding x = {
        .in = {.kind = WH_S("other"), .text = WH_S("x"), .repo = 0},
        .now = NOW};
    unsigned n = 0;
    (void)state;
    unit_ok(db_tx(T.db, make_repo, &x.in.repo, &E), E);
    while (n <= LINE_REPORT_WAITING_REPO && add(&x)) {
        n++;
    }
    assert_int_equal(n, LINE_REPORT_WAITING_REPO);
    assert_int_equal(E.code, WH_RATE_LIMITED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, up, down)
        CASE(the_clock),        CASE(what_is_taken), CASE(answers),
        CASE(incidents),        CASE(figures),       CASE(texts_are_erased),
        CASE(only_so_many_wait)};
    return cmocka_run_group_tests_name("line/report", tests, NULL, NULL);
}
