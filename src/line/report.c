/*
 * report.c - reports of danger as rows, and their clock.
 */
#include "line/report.h"
#include "base/enc.h"
#include "base/time.h"
#include "crypto/random.h"
#include <string.h>

#define HOUR INT64_C(3600)
#define DAY (24 * HOUR)
#define OPENS 9   /* hour of the day */
#define CLOSES 17 /* the same */
#define FORGET_US (180 * DAY * 1000000)
#define HOURS_WORDS "Monday to Friday, 9 to 17 UTC"

static const struct {
    const char *word;
    unsigned hours;
    const char *words;
} KINDS[] = {
#define LINE_REPORT(word_, hours_, words_) {word_, hours_, words_},
#include "line/reports.tbl"
#undef LINE_REPORT
};
#define NKINDS (sizeof KINDS / sizeof *KINDS)

static const char *const OUTCOMES[] = {"incident", "known", "elsewhere",
                                       "unfounded"};

static size_t kind_of(struct wh_str word)
{
    size_t i = 0;

    while (i < NKINDS && !wh_str_is(word, KINDS[i].word)) {
        i++;
    }
    return i;
}

/* ---- the clock ---- */

/* Day 0 of the epoch was a Thursday; Monday is 0 here. */
static bool is_working_day(int64_t day)
{
    return (day + 3) % 7 < 5;
}

int64_t line_report_due(int64_t from_s, unsigned hours)
{
    int64_t left = (int64_t)hours * HOUR, at = from_s;

    while (true) {
        int64_t day = at / DAY, opens = day * DAY + OPENS * HOUR,
                closes = day * DAY + CLOSES * HOUR;
        int64_t begin = at > opens ? at : opens;
        if (is_working_day(day) && begin < closes) {
            if (left <= closes - begin) {
                return begin + left;
            }
            left -= closes - begin;
        }
        at = (day + 1) * DAY;
    }
}

/* ---- taking one ---- */

static bool has_text(struct wh_str s)
{
    return wh_str_trim(s).n > 0 && s.n <= LINE_REPORT_TEXT && wh_str_utf8_ok(s);
}

static bool has_room(struct db *db, int64_t repo, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPORT_WAITING_COUNT);
    enum db_row r;
    bool room;

    db_bind_i64(s, 1, repo);
    r = db_step(s, err);
    room = r == DB_ROW && db_col_i64(s, 0) < LINE_REPORT_WAITING &&
           db_col_i64(s, 1) < LINE_REPORT_WAITING_REPO;
    db_finish(&s);
    return r != DB_FAIL &&
           (room || wh_fail(err, WH_RATE_LIMITED,
                            "so many reports wait for an answer that no more "
                            "are taken now; those that wait are read"));
}

static void random_hex(char out[33])
{
    uint8_t raw[16];

    crypto_random(raw, sizeof raw);
    wh_hex_enc(raw, sizeof raw, out);
}

bool line_report_add(struct db *db, const struct line_report_new *in,
                     int64_t now_us, struct line_reported *out,
                     struct wh_err *err)
{
    char digest[WH_SHA256_HEX + 1];
    size_t kind = kind_of(in->kind);

    if (kind == NKINDS || !has_text(in->text)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "a report says what it is about, and in at most %d "
                       "bytes why",
                       LINE_REPORT_TEXT);
    }
    if (!has_room(db, in->repo, err)) {
        return false;
    }
    random_hex(out->id);
    random_hex(out->receipt);
    wh_sha256_hex_of(wh_str_of(out->receipt), digest);
    out->due = line_report_due(now_us / 1000000, KINDS[kind].hours) * 1000000;
    struct db_stmt *s = db_start(db, DBQ_REPORT_ADD);
    db_bind_cstr(s, 1, out->id);
    db_bind_cstr(s, 2, digest);
    if (in->repo > 0) {
        db_bind_i64(s, 3, in->repo);
    }
    if (in->subject.n > 0) {
        db_bind_text(s, 4, in->subject);
    }
    db_bind_text(s, 5, in->kind);
    db_bind_text(s, 6, in->text);
    db_bind_i64(s, 7, now_us);
    db_bind_i64(s, 8, out->due);
    return db_exec(s, err);
}

/* ---- reading ---- */

static void read_row(struct db_stmt *s, struct wh_arena *a,
                     struct line_report *out)
{
    *out = (struct line_report){
        .id = db_col_i64(s, 0),
        .public_id = db_col_dup(s, 1, a),
        .receipt = db_col_dup(s, 2, a),
        .repo = db_col_i64(s, 3),
        .subject = db_col_dup(s, 4, a),
        .kind = db_col_dup(s, 5, a),
        .text = db_col_dup(s, 6, a),
        .received = db_col_i64(s, 7),
        .due = db_col_i64(s, 8),
        .outcome = db_col_dup(s, 9, a),
        .answer = db_col_dup(s, 10, a),
        .answered = db_col_i64(s, 11),
        .incident = db_col_bool(s, 12),
        .incident_closed = db_col_i64(s, 13),
        .repo_name = db_col_dup(s, 14, a),
        .repo_kind = (int)db_col_i64(s, 15),
    };
}

bool line_report_get(struct db *db, struct wh_arena *a, struct wh_str id,
                     struct line_report *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPORT_GET);
    enum db_row r;

    db_bind_text(s, 1, id);
    r = db_step(s, err);
    if (r == DB_ROW) {
        read_row(s, a, out);
    }
    db_finish(&s);
    return r == DB_ROW || (r == DB_DONE && wh_fail(err, WH_NOT_FOUND,
                                                   "there is no such report"));
}

bool line_report_is_theirs(const struct line_report *r, struct wh_str receipt)
{
    char digest[WH_SHA256_HEX + 1];

    wh_sha256_hex_of(receipt, digest); /* of a secret: nothing to be timed */
    return wh_str_is(r->receipt, digest);
}

bool line_report_desk(struct db *db, struct wh_arena *a, unsigned limit,
                      struct line_report **out, size_t *n, struct wh_err *err)
{
    struct line_report *list = wh_arena_array(a, limit + 1U, sizeof *list);
    struct db_stmt *s = db_start(db, DBQ_REPORT_DESK);
    enum db_row r;

    *n = 0;
    db_bind_i64(s, 1, limit);
    while ((r = db_step(s, err)) == DB_ROW && *n < limit) {
        read_row(s, a, &list[(*n)++]);
    }
    db_finish(&s);
    *out = list;
    return r != DB_FAIL;
}

/* ---- answering ---- */

static bool is_outcome(struct wh_str s)
{
    for (size_t i = 0; i < sizeof OUTCOMES / sizeof *OUTCOMES; i++) {
        if (wh_str_is(s, OUTCOMES[i])) {
            return true;
        }
    }
    return false;
}

bool line_report_answer(struct db *db, const struct line_report *r,
                        struct wh_str outcome, struct wh_str reasons,
                        int64_t account, int64_t now_us, struct wh_err *err)
{
    struct db_stmt *s;
    int64_t id;

    if (!is_outcome(outcome) || !has_text(reasons)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "an answer is incident, known, elsewhere or unfounded, "
                       "with reasons");
    }
    if (wh_str_is(outcome, "incident") && r->subject.n == 0) {
        return wh_fail(err, WH_REFUSED,
                       "nothing of it was weighed when it was reported: there "
                       "is no subject that the incident could count against");
    }
    s = db_start(db, DBQ_REPORT_ANSWER);
    db_bind_i64(s, 1, r->id);
    db_bind_text(s, 2, outcome);
    db_bind_text(s, 3, reasons);
    db_bind_i64(s, 4, now_us);
    db_bind_i64(s, 5, account);
    if (!db_one_i64(s, 0, &id, err)) {
        return false;
    }
    if (id == 0) {
        return wh_fail(err, WH_CONFLICT, "it was answered already");
    }
    if (!wh_str_is(outcome, "incident")) {
        return true;
    }
    s = db_start(db, DBQ_INCIDENT_ADD);
    db_bind_i64(s, 1, r->id);
    db_bind_text(s, 2, r->subject);
    db_bind_i64(s, 3, now_us);
    return db_exec(s, err);
}

bool line_incident_close(struct db *db, const struct line_report *r,
                         struct wh_str reasons, int64_t account, int64_t now_us,
                         struct wh_err *err)
{
    struct db_stmt *s;
    int64_t id;

    if (!has_text(reasons)) {
        return wh_fail(err, WH_BAD_REQUEST, "say why the incident is over");
    }
    s = db_start(db, DBQ_INCIDENT_CLOSE);
    db_bind_i64(s, 1, r->id);
    db_bind_i64(s, 2, now_us);
    db_bind_text(s, 3, reasons);
    db_bind_i64(s, 4, account);
    return db_one_i64(s, 0, &id, err) &&
           (id != 0 || wh_fail(err, WH_CONFLICT, "no incident is open here"));
}

bool line_incidents_open(struct db *db, struct wh_str subject, int64_t *out,
                         struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_INCIDENT_COUNT);

    db_bind_text(s, 1, subject);
    return db_one_i64(s, 0, out, err);
}

bool line_report_forget(struct db *db, int64_t now_us, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPORT_FORGET);

    db_bind_i64(s, 1, now_us - FORGET_US);
    return db_exec(s, err);
}

/* ---- figures ---- */

json_t *line_report_kinds(void)
{
    json_t *list = json_array();

    for (size_t i = 0; i < NKINDS; i++) {
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:i}", "kind", KINDS[i].word, "words",
                            KINDS[i].words, "hours", (int)KINDS[i].hours));
    }
    return list;
}

static bool add_totals(struct db *db, int64_t now_us, json_t *o,
                       struct wh_err *err)
{
    static const char *const names[] = {"received", "waiting", "overdue",
                                        "in_time", "incidents_open"};
    struct db_stmt *s = db_start(db, DBQ_REPORT_FIGURES);
    enum db_row r;
    int64_t median;

    db_bind_i64(s, 1, now_us);
    r = db_step(s, err);
    for (int i = 0; r == DB_ROW && i < 5; i++) {
        json_object_set_new(o, names[i],
                            json_integer((json_int_t)db_col_i64(s, i)));
    }
    if (r == DB_ROW) {
        json_object_set_new(
            o, "answered",
            json_integer((json_int_t)(db_col_i64(s, 0) - db_col_i64(s, 1))));
    }
    db_finish(&s);
    if (r == DB_FAIL ||
        !db_one_i64(db_start(db, DBQ_REPORT_MEDIAN), -1, &median, err)) {
        return false;
    }
    json_object_set_new(o, "median_seconds",
                        median < 0
                            ? json_null()
                            : json_integer((json_int_t)(median / 1000000)));
    return true;
}

static bool add_kinds(struct db *db, json_t *o, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPORT_BY_KIND);
    json_t *list = line_report_kinds(), *one;
    enum db_row r;
    size_t i;

    json_array_foreach(list, i, one)
    {
        json_object_set_new(one, "received", json_integer(0));
        json_object_set_new(one, "waiting", json_integer(0));
    }
    while ((r = db_step(s, err)) == DB_ROW) {
        size_t k = kind_of(db_col_text(s, 0));
        if (k < NKINDS) {
            one = json_array_get(list, k);
            json_object_set_new(one, "received",
                                json_integer((json_int_t)db_col_i64(s, 1)));
            json_object_set_new(one, "waiting",
                                json_integer((json_int_t)db_col_i64(s, 2)));
        }
    }
    db_finish(&s);
    json_object_set_new(o, "kinds", list);
    return r != DB_FAIL;
}

static bool add_outcomes(struct db *db, json_t *o, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REPORT_BY_OUTCOME);
    json_t *list = json_array();
    enum db_row r;

    while ((r = db_step(s, err)) == DB_ROW) {
        json_array_append_new(list,
                              json_pack("{s:o,s:I}", "outcome",
                                        wh_json_str(db_col_text(s, 0)), "n",
                                        (json_int_t)db_col_i64(s, 1)));
    }
    db_finish(&s);
    json_object_set_new(o, "outcomes", list);
    return r != DB_FAIL;
}

bool line_report_figures(struct db *db, struct wh_arena *a, int64_t now_us,
                         json_t **out, struct wh_err *err)
{
    json_t *o = wh_json_own(a, json_object());

    json_object_set_new(o, "hours", json_string(HOURS_WORDS));
    *out = o;
    return add_totals(db, now_us, o, err) && add_kinds(db, o, err) &&
           add_outcomes(db, o, err);
}

/* ---- showing ---- */

static json_t *time_json(int64_t us)
{
    char text[WH_TIME_TEXT];

    if (us == 0) {
        return json_null();
    }
    wh_time_text(us, text);
    return json_string(text);
}

static json_t *text_or_null(struct wh_str s)
{
    return s.n > 0 ? wh_json_str(s) : json_null();
}

json_t *line_report_view(const struct line_report *r, bool desk, int64_t now_us)
{
    size_t kind = kind_of(r->kind);
    json_t *o = json_object();

    json_object_set_new(o, "id", wh_json_str(r->public_id));
    json_object_set_new(o, "kind", wh_json_str(r->kind));
    json_object_set_new(o, "words",
                        json_string(kind < NKINDS ? KINDS[kind].words : ""));
    json_object_set_new(o, "state",
                        json_string(r->answered ? "answered" : "received"));
    json_object_set_new(o, "received", time_json(r->received));
    json_object_set_new(o, "due", time_json(r->due));
    json_object_set_new(o, "overdue",
                        json_boolean(!r->answered && r->due < now_us));
    json_object_set_new(o, "outcome", text_or_null(r->outcome));
    json_object_set_new(o, "answered", time_json(r->answered));
    json_object_set_new(o, "answer", text_or_null(r->answer));
    json_object_set_new(o, "incident", json_boolean(r->incident));
    json_object_set_new(o, "incident_closed", time_json(r->incident_closed));
    if (desk) {
        json_object_set_new(o, "text", wh_json_str(r->text));
        json_object_set_new(o, "repo", text_or_null(r->repo_name));
        json_object_set_new(o, "subject", text_or_null(r->subject));
    }
    return o;
}
