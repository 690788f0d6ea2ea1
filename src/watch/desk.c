/*
 * desk.c - what people see of cases, and what they do.
 */
#include "watch/desk.h"
#include "base/time.h"
#include "watch/watch_impl.h"
#include <math.h>

#define LIST_MAX 200u
#define DAYS_SHOWN 30

static json_t *time_json(int64_t us)
{
    char text[WH_TIME_TEXT];

    if (us == 0) {
        return json_null();
    }
    wh_time_text(us, text);
    return json_string(text);
}

/* Our JSON has no fractions. */
static json_t *share(double v)
{
    return json_sprintf("%.4g", v);
}

/* An e-value; long ones without a fraction. */
static json_t *evidence_json(double e)
{
    return json_sprintf(e >= 100 ? "%.0f" : "%.3g", e);
}

/* 1/alpha, exact: the alphas are powers of ten. */
static json_t *one_in(double alpha)
{
    return json_integer((json_int_t)llround(1 / alpha));
}

static const char *level_word(enum watch_level level)
{
    static const char *const words[WATCH_LEVELS] = {[WATCH_KEY] = "key",
                                                    [WATCH_PERSON] = "person",
                                                    [WATCH_ACCOUNT] =
                                                        "account"};

    return words[level];
}

static const char *state_word(enum watch_state state)
{
    static const char *const words[] = {"open", "lifted", "confirmed",
                                        "lapsed"};

    return words[state];
}

/* ---- one case, in short ---- */

static json_t *brief(const struct watch_case *c)
{
    const struct watch_step *step = watch_ladder_step(c->rung);

    return json_pack(
        "{s:o, s:s, s:s, s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:o}",
        "id", wh_json_str(c->public_id), "about", level_word(c->level), "state",
        state_word(c->state), "open", c->state == WATCH_OPEN, "rung",
        step->name, "does", step->does, "alpha",
        share(detect_rung_row(c->rung)->alpha), "one_in",
        one_in(detect_rung_row(c->rung)->alpha), "evidence",
        evidence_json(exp((double)c->log_e / 1e6)), "opened",
        time_json(c->opened), "acted", time_json(c->acted), "until",
        time_json(c->until), "closed", time_json(c->closed), "model",
        wh_json_str(c->model));
}

bool watch_desk_list(struct watch *w, struct db *db, struct wh_arena *a,
                     int64_t account, json_t **out, struct wh_err *err)
{
    json_t *list = json_array(), *o;
    struct watch_case *cases;
    bool reviewer;
    size_t n;

    (void)w;
    o = wh_json_own(a, json_pack("{s:o}", "cases", list));
    if (!watch_reviewer_is(db, account, &reviewer, err) ||
        !watch_case_list(db, a, reviewer ? DETECT_RUNG_QUEUE : DETECT_RUNG_LOOK,
                         reviewer ? 0 : account, LIST_MAX, &cases, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, brief(&cases[i]));
    }
    json_object_set_new(o, "reviewer", json_boolean(reviewer));
    *out = o;
    return true;
}

bool watch_desk_find(struct db *db, struct wh_arena *a, struct wh_str name,
                     int64_t account, struct watch_case *out,
                     enum watch_seer *seer, struct wh_err *err)
{
    bool reviewer = false;

    *seer = WATCH_SEES_NOTHING;
    if (name.n == WATCH_CASE_SECRET) {
        *seer = WATCH_HOLDER;
        return watch_case_by_secret(db, a, name, out, err);
    }
    if (!watch_case_by_id(db, a, name, out, err) ||
        (account && !watch_reviewer_is(db, account, &reviewer, err))) {
        return false;
    }
    if (account && out->account == account) {
        *seer = WATCH_HOLDER;
    } else if (reviewer && out->rung >= DETECT_RUNG_QUEUE) {
        *seer = WATCH_REVIEWER;
    }
    return *seer != WATCH_SEES_NOTHING ||
           wh_fail(err, WH_NOT_FOUND, "there is no such case");
}

/* ---- all of it ---- */

static json_t *reasons_json(struct wh_str reasons)
{
    json_t *list = json_array();
    struct wh_str one;

    while (reasons.n > 0) {
        (void)wh_str_cut(&reasons, '\n', &one);
        if (one.n > 0) {
            json_array_append_new(list, wh_json_str(one));
        }
    }
    return list;
}

static json_t *alarm_json(const struct watch_case *c,
                          const struct watch_alarm *m)
{
    double e = (double)m->log_e[c->level] / 1e6;

    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:b, s:o, s:o}", "at",
        time_json(m->at), "request", wh_json_str(m->request), "model",
        wh_json_str(m->model), "layer", wh_json_str(m->layer), "reasons",
        reasons_json(m->reasons), "score", share((double)m->score / 1e6),
        "honest_rate", share((double)m->p0 / 1e6), "counted",
        watch_counted_words((enum watch_counted)m->counted), "text_kept",
        m->has_text, "evidence", evidence_json(exp(e)),
        "ln_evidence_millionths", json_integer((json_int_t)m->log_e[c->level]));
}

static bool add_alarms(struct db *db, struct wh_arena *a,
                       const struct watch_case *c, json_t *o,
                       struct wh_err *err)
{
    json_t *list = json_array();
    struct watch_alarm *alarms;
    size_t n;

    json_object_set_new(o, "alarms", list);
    if (!watch_case_alarms(db, a, c, &alarms, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, alarm_json(c, &alarms[i]));
    }
    return true;
}

static json_t *sayings_json(const struct watch_saying *s, size_t n,
                            const char *key)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) {
        json_t *o = json_pack("{s:o}", "at", time_json(s[i].at));
        if (key) {
            json_object_set_new(o, key, wh_json_str(s[i].text));
        }
        json_array_append_new(list, o);
    }
    return list;
}

static bool add_sayings(struct db *db, struct wh_arena *a,
                        const struct watch_case *c, json_t *o,
                        struct wh_err *err)
{
    struct watch_saying *s;
    size_t n;

    if (!watch_case_appeals(db, a, c, &s, &n, err)) {
        return false;
    }
    json_object_set_new(o, "appeals", sayings_json(s, n, "text"));
    if (!watch_case_readings(db, a, c, &s, &n, err)) {
        return false;
    }
    json_object_set_new(o, "readings", sayings_json(s, n, NULL));
    return true;
}

static bool add_wishes(struct watch *w, struct db *db, struct wh_arena *a,
                       const struct watch_case *c, int64_t account, json_t *o,
                       struct wh_err *err)
{
    json_t *list = json_array();
    struct watch_reviewing *wishes;
    bool mine = false;
    size_t n;

    json_object_set_new(o, "wishes", list);
    if (!watch_case_wishes(db, a, c, watch_now(w), &wishes, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        mine = mine || wishes[i].account == account;
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:o}", "reviewer",
                                        wh_json_str(wishes[i].name), "reason",
                                        wh_json_str(wishes[i].reason), "at",
                                        time_json(wishes[i].at)));
    }
    json_object_set_new(o, "may_read",
                        json_boolean(mine && n >= WATCH_READERS));
    return true;
}

static const char *lifts(const struct watch_case *c)
{
    switch (c->state) {
    case WATCH_LIFTED:
    case WATCH_LAPSED:
        return "It is over; nothing is done any more.";
    case WATCH_CONFIRMED:
        return "A reviewer lifts it, also after an appeal; else it ends at the "
               "time above.";
    case WATCH_OPEN:
    default:
        return c->rung >= DETECT_RUNG_QUEUE
                   ? "A reviewer lifts it, or nobody confirms it until the "
                     "time above."
                   : "Requests without an alarm bring the evidence down, and "
                     "the time above ends it.";
    }
}

bool watch_desk_case(struct watch *w, struct db *db, struct wh_arena *a,
                     const struct watch_case *c, enum watch_seer seer,
                     int64_t account, json_t **out, struct wh_err *err)
{
    json_t *o = wh_json_own(a, brief(c));

    json_object_set_new(o, "request", wh_json_str(c->request));
    json_object_set_new(o, "layer", wh_json_str(c->layer));
    json_object_set_new(o, "score", share((double)c->score / 1e6));
    json_object_set_new(o, "repeated", json_boolean(c->repeated));
    json_object_set_new(o, "lifts", json_string(lifts(c)));
    json_object_set_new(o, "reason",
                        c->reason.n ? wh_json_str(c->reason) : json_null());
    json_object_set_new(
        o, "may_appeal",
        json_boolean(seer == WATCH_HOLDER &&
                     (c->state == WATCH_OPEN || c->state == WATCH_CONFIRMED)));
    json_object_set_new(
        o, "may_decide",
        json_boolean(seer == WATCH_REVIEWER &&
                     (c->state == WATCH_OPEN || c->state == WATCH_CONFIRMED)));
    *out = o;
    return add_alarms(db, a, c, o, err) && add_sayings(db, a, c, o, err) &&
           (seer != WATCH_REVIEWER || add_wishes(w, db, a, c, account, o, err));
}

/* ---- what people do ---- */

struct deed {
    const struct watch_case *c;
    int64_t who, now;
    struct wh_str text;
    bool flag;
    size_t n;
};

static bool appeal_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct deed *d = ctx;

    return watch_case_appeal(db, d->c, d->text, d->now, err);
}

bool watch_desk_appeal(struct watch *w, const struct watch_case *c,
                       struct wh_str text, struct wh_err *err)
{
    struct deed d = {.c = c, .now = watch_now(w), .text = text};

    return db_write(w->c.writer, appeal_fn, &d, err);
}

static bool decide_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct deed *d = ctx;

    return watch_case_decide(db, d->c, d->who, d->flag, d->text, d->now, err);
}

bool watch_desk_decide(struct watch *w, struct watch_case *c, int64_t reviewer,
                       bool lift, struct wh_str reason, struct wh_err *err)
{
    struct deed d = {.c = c,
                     .who = reviewer,
                     .now = watch_now(w),
                     .text = reason,
                     .flag = lift};

    if (!db_write(w->c.writer, decide_fn, &d, err)) {
        return false;
    }
    c->state = lift ? WATCH_LIFTED : WATCH_CONFIRMED;
    c->until = lift ? d.now : d.now + WATCH_CONFIRMED_US;
    watch_case_changed(w, c);
    return true;
}

static bool wish_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct deed *d = ctx;

    return watch_case_wish(db, d->c, d->who, d->text, d->now, err);
}

bool watch_desk_wish(struct watch *w, const struct watch_case *c,
                     int64_t reviewer, struct wh_str reason, struct wh_err *err)
{
    struct deed d = {
        .c = c, .who = reviewer, .now = watch_now(w), .text = reason};

    return db_write(w->c.writer, wish_fn, &d, err);
}

static bool reviewer_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct deed *d = ctx;

    return watch_reviewer_set(db, d->who, d->flag, d->now, err);
}

bool watch_desk_reviewer(struct watch *w, int64_t account, bool on,
                         struct wh_err *err)
{
    struct deed d = {.who = account, .now = watch_now(w), .flag = on};

    return db_write(w->c.writer, reviewer_fn, &d, err);
}

static bool read_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct deed *d = ctx;

    return watch_case_read(db, d->c, d->who, d->n, d->now, err);
}

/* One text; what is past its time is left out. */
static bool add_text(struct watch *w, struct db *db, struct wh_arena *a,
                     const struct watch_alarm *m, json_t *list,
                     struct wh_err *err)
{
    struct wh_err why = {0};
    struct wh_str text;
    bool cut;

    if (!m->has_text) {
        return true;
    }
    if (!watch_text_of(w, db, a, m, &text, &cut, &why)) {
        if (why.code != WH_NOT_FOUND) {
            *err = why;
        }
        return why.code == WH_NOT_FOUND;
    }
    json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:b}", "request",
                                          wh_json_str(m->request), "at",
                                          time_json(m->at), "text",
                                          wh_json_str(text), "cut", cut));
    return true;
}

bool watch_desk_texts(struct watch *w, struct db *db, struct wh_arena *a,
                      const struct watch_case *c, int64_t reviewer,
                      json_t **out, struct wh_err *err)
{
    struct deed d = {.c = c, .who = reviewer, .now = watch_now(w)};
    json_t *list = wh_json_own(a, json_array());
    struct watch_alarm *alarms;
    size_t n;

    if (!watch_case_alarms(db, a, c, &alarms, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        d.n += alarms[i].has_text;
    }
    if (!db_write(w->c.writer, read_fn, &d, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!add_text(w, db, a, &alarms[i], list, err)) {
            return false;
        }
    }
    *out = list;
    return true;
}

/* ---- in public ---- */

static json_t *ladder_json(void)
{
    json_t *list = json_array();

    for (int i = DETECT_RUNG_LOOK; i < DETECT_RUNG_COUNT; i++) {
        const struct watch_step *s = watch_ladder_step((enum detect_rung)i);
        double alpha = detect_rung_row((enum detect_rung)i)->alpha;
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:o, s:o, s:o, s:b, s:I}", "name",
                            s->name, "does", s->does, "alpha", share(alpha),
                            "one_in", one_in(alpha), "evidence",
                            share(1 / alpha), "human", s->human, "days",
                            (json_int_t)(s->lasts_us / WATCH_DAY_US)));
    }
    return list;
}

static json_t *layers_json(const struct detect_model *m)
{
    json_t *segments = json_array();

    for (size_t i = 0; m && i < m->n_segments; i++) {
        const struct detect_segment *s = &m->segment[i];
        json_array_append_new(
            segments, json_pack("{s:s, s:I, s:I, s:o}", "name", s->name, "rows",
                                (json_int_t)s->rows, "alarms",
                                (json_int_t)s->alarms, "p0", share(s->p0)));
    }
    return json_pack("{s:b, s:I, s:o, s:o}", "classifier", m != NULL, "rows",
                     (json_int_t)(m ? m->rows : 0), "segments", segments,
                     "mutation_p0", share(WATCH_MUTATION_P0));
}

static json_t *counts_json(const int64_t n[WATCH_HAPPENED])
{
    static const char *const names[WATCH_HAPPENED] = {
        [WATCH_N_REQUESTS] = "requests",   [WATCH_N_ALARMS] = "alarms",
        [WATCH_N_REFUSED] = "refused",     [WATCH_N_CUT] = "cut",
        [WATCH_N_CASES] = "cases",         [WATCH_N_QUEUED] = "queued",
        [WATCH_N_SUSPENDED] = "suspended", [WATCH_N_REVOKED] = "revoked",
        [WATCH_N_LIFTED] = "lifted",       [WATCH_N_CONFIRMED] = "confirmed",
        [WATCH_N_LAPSED] = "lapsed",       [WATCH_N_APPEALS] = "appeals",
        [WATCH_N_READINGS] = "readings"};
    json_t *o = json_object();

    for (size_t i = 0; i < WATCH_HAPPENED; i++) {
        json_object_set_new(o, names[i], json_integer((json_int_t)n[i]));
    }
    return o;
}

static bool add_counts(struct db *db, int64_t now, json_t *o,
                       struct wh_err *err)
{
    int64_t today = now / WATCH_DAY_US, n[WATCH_HAPPENED];

    if (!watch_counts(db, 0, today, n, err)) {
        return false;
    }
    json_object_set_new(o, "ever", counts_json(n));
    if (!watch_counts(db, today - DAYS_SHOWN + 1, today, n, err)) {
        return false;
    }
    json_object_set_new(o, "month", counts_json(n));
    return true;
}

static bool add_models(struct db *db, json_t *o, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_HOSTED);
    json_t *list = json_array();
    enum db_row r;

    json_object_set_new(o, "models", list);
    while ((r = db_step(s, err)) == DB_ROW) {
        json_array_append_new(list, wh_json_str(db_col_text(s, 0)));
    }
    db_finish(&s);
    return r != DB_FAIL;
}

bool watch_desk_public(struct watch *w, struct db *db, struct wh_arena *a,
                       json_t **out, struct wh_err *err)
{
    json_t *o = wh_json_own(a, json_object());
    struct watch_reviewing *reviewers;
    int64_t waiting, texts;
    struct db_stmt *s;
    size_t n;

    json_object_set_new(o, "layers", layers_json(watch_model(w)));
    json_object_set_new(o, "ladder", ladder_json());
    json_object_set_new(o, "text_days", json_integer(WATCH_TEXT_DAYS));
    s = db_start(db, DBQ_WATCH_CASE_OPEN_COUNT);
    db_bind_i64(s, 1, DETECT_RUNG_QUEUE);
    if (!add_models(db, o, err) || !add_counts(db, watch_now(w), o, err) ||
        !watch_reviewer_list(db, a, &reviewers, &n, err)) {
        db_finish(&s);
        return false;
    }
    if (!db_one_i64(s, 0, &waiting, err) ||
        !db_one_i64(db_start(db, DBQ_WATCH_TEXT_COUNT), 0, &texts, err)) {
        return false;
    }
    json_object_set_new(o, "waiting", json_integer(waiting));
    json_object_set_new(o, "texts_kept", json_integer(texts));
    json_object_set_new(o, "reviewers", json_integer((json_int_t)n));
    *out = o;
    return true;
}
