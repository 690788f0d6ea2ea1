/*
 * approvals.c - between line/approve and what follows from it.
 */
#include "hub/approvals.h"
#include "base/time.h"
#include "keeper/bundle.h"

#include <time.h>

/* How long somebody who signs waits for the register. */
#define PUBLISH_US INT64_C(10000000)

/* ---- the keeper's bundle ---- */

static bool prove(const struct register_reader *reader, struct wh_arena *a,
                  int64_t index, struct wh_str *out, struct wh_err *err)
{
    struct wh_buf b;
    wh_buf_init(&b, 65536);
    bool ok = register_proof(reader, (uint64_t)index, &b, err);
    if (ok) {
        *out = wh_arena_dup(a, wh_buf_str(&b));
    }
    wh_buf_done(&b);
    return ok;
}

static bool write_steps(const struct register_reader *reader, struct db *db,
                        struct wh_arena *a, const struct keeper_step **out,
                        size_t *nsteps, struct wh_err *err)
{
    struct line_roster *list;
    size_t n;
    if (!line_rosters(db, a, INT64_MAX, &list, &n, err)) {
        return false;
    }
    struct keeper_step *steps = wh_arena_array(a, n + 1, sizeof *steps);
    for (size_t i = 0; i < n; i++) {
        steps[i] = (struct keeper_step){.roster = list[i].doc,
                                        .statement = list[i].statement,
                                        .signatures = list[i].signatures,
                                        .leaf = list[i].leaf};
        if (!prove(reader, a, list[i].index, &steps[i].proof, err)) {
            return false;
        }
    }
    *out = steps;
    *nsteps = n;
    return true;
}

bool hub_approvals_bundle(const struct register_reader *reader, struct db *db,
                          struct wh_arena *a, const struct line_row *row,
                          struct wh_str *out, struct wh_err *err)
{
    struct line_proposal p;
    struct keeper_bundle b = {0};
    struct wh_buf buf;
    *out = WH_S("");
    if (row->made_by == LINE_MADE_BY_LINE || row->proposal == 0) {
        return true;
    }
    if (!line_proposal_of(db, a, row->proposal, &p, err) ||
        !write_steps(reader, db, a, &b.steps, &b.nsteps, err)) {
        return false;
    }
    b.statement = p.text;
    b.signatures = p.signatures;
    b.approval = p.approval_leaf;
    if (p.approval_index >= 0 &&
        !prove(reader, a, p.approval_index, &b.approval_proof, err)) {
        return false;
    }
    wh_buf_init(&buf, KEEPER_BUNDLE_MAX);
    keeper_bundle_write(&b, &buf);
    bool ok = wh_buf_ok(&buf, err);
    if (ok) {
        *out = wh_arena_dup(a, wh_buf_str(&buf));
    }
    wh_buf_done(&buf);
    return ok;
}

/* ---- what the register says about lines ---- */

/* One entry with its proof and, where approvers signed it, their papers. */
static bool write_told(const struct register_reader *reader, struct db *db,
                       struct wh_arena *a, const struct line_told *t,
                       struct keeper_told *out, struct wh_err *err)
{
    struct line_proposal p;
    const char *s = json_string_value(json_object_get(t->doc, "statement"));
    struct wh_str digest = wh_str_of(s ? s : "");
    *out = (struct keeper_told){.leaf = t->leaf};
    if (!prove(reader, a, t->index, &out->proof, err)) {
        return false;
    }
    if (!t->by_people) {
        return true;
    }
    if (!line_proposal_get(db, a, wh_str_sub(digest, 7, digest.n), &p, err)) {
        return false;
    }
    out->statement = p.text;
    out->signatures = p.signatures;
    return true;
}

/* The documents of all lines that were ever in force. */
static bool write_texts(struct db *db, struct wh_arena *a,
                        const struct rule_past *past, struct wh_str *texts,
                        size_t *n, struct wh_err *err)
{
    *n = 0;
    for (size_t i = 0; i < past->n + past->n_gone && *n < KEEPER_TEXTS_MAX;
         i++) {
        struct wh_str digest =
            i < past->n ? past->now[i] : past->gone[i - past->n];
        if (line_document_get(db, a, digest, &texts[*n], err)) {
            ++*n;
        } else if (err->code == WH_NOT_FOUND) {
            *err = (struct wh_err){0}; /* the keeper has it, or says so */
        } else {
            return false;
        }
    }
    return true;
}

static bool collect_told(const struct register_reader *reader, struct db *db,
                         struct wh_arena *a, struct keeper_lines *out,
                         struct wh_err *err)
{
    struct rule_past *past = WH_NEW(a, struct rule_past);
    struct line_told *list;
    bool people = false;
    size_t n;
    if (!line_told(db, a, &list, &n, err) || !line_past(db, a, past, err)) {
        return false;
    }
    struct keeper_told *told = wh_arena_array(a, n + 1, sizeof *told);
    struct wh_str *texts = wh_arena_array(a, KEEPER_TEXTS_MAX, sizeof *texts);
    for (size_t i = 0; i < n && list[i].index >= 0; i++) {
        people = people || list[i].by_people;
        if (!write_told(reader, db, a, &list[i], &told[out->ntold++], err)) {
            return false;
        }
    }
    out->told = told;
    out->texts = texts;
    return write_texts(db, a, past, texts, &out->ntexts, err) &&
           (!people ||
            write_steps(reader, db, a, &out->steps, &out->nsteps, err));
}

bool hub_approvals_lines(const struct register_reader *reader, struct db *db,
                         struct wh_arena *a, struct wh_str *out,
                         struct wh_err *err)
{
    struct keeper_lines lines = {.nsteps = 0};
    struct wh_buf buf;
    if (!collect_told(reader, db, a, &lines, err)) {
        return false;
    }
    wh_buf_init(&buf, KEEPER_BUNDLE_MAX);
    keeper_lines_write(&lines, &buf);
    bool ok = wh_buf_ok(&buf, err);
    if (ok) {
        *out = wh_arena_dup(a, wh_buf_str(&buf));
    }
    wh_buf_done(&buf);
    return ok;
}

/* ---- into effect ---- */

struct catching {
    uint64_t size;
};

static bool catch_up_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct catching *c = ctx;
    size_t n;
    return line_decisions_catch_up(db, c->size, wh_now_us(), &n, err);
}

/* Everything that the published checkpoint covers is in effect now. */
static bool catch_up(const struct hub_approvals *c, struct wh_err *err)
{
    struct register_status status;
    register_status_get(c->log, &status);
    struct catching x = {status.size};
    return db_write(c->writer, catch_up_fn, &x, err);
}

static void follow(const struct hub_approvals *c, struct wh_str subject)
{
    if (c->retier && subject.n > 0) {
        hub_retier(c->retier, subject);
    }
}

/* ---- signing ---- */

struct signing {
    struct wh_arena *a;
    struct line_house h;
    const struct line_signing *in;
    struct line_signed *out;
};

static bool sign_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct signing *s = ctx;
    return line_sign(db, s->a, &s->h, s->in, s->out, err);
}

bool hub_approvals_sign(const struct hub_approvals *c, struct wh_arena *a,
                        const struct line_signing *in, struct line_signed *out,
                        struct wh_err *err)
{
    struct signing s = {.a = a, .in = in, .out = out};
    struct register_place place;
    line_house_make(a, c->log, c->lines, c->software, &s.h);
    if (!db_write(c->writer, sign_fn, &s, err)) {
        return false;
    }
    if (out->outbox == 0) {
        return true;
    }
    if (!register_wait(c->log, out->outbox, wh_mono_us() + PUBLISH_US, &place,
                       err) ||
        !catch_up(c, err)) {
        return false;
    }
    follow(c, out->subject);
    return true;
}

/* ---- time ---- */

struct turn {
    struct wh_arena *a;
    struct line_house h;
    struct wh_str subjects[LINE_ROUND_MAX];
    size_t n;
};

static bool round_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct turn *t = ctx;
    return line_approve_round(db, t->a, &t->h, t->subjects, &t->n, err);
}

/* The leaves of this round are published a moment later; its subjects are
 * followed up then, and again by whoever looks at them. */
bool hub_approvals_round(const struct hub_approvals *c, struct wh_err *err)
{
    struct wh_arena a;
    wh_arena_init(&a, (size_t)64 << 20);
    struct turn *t = WH_NEW(&a, struct turn);
    t->a = &a;
    line_house_make(&a, c->log, c->lines, c->software, &t->h);
    bool ok = catch_up(c, err) && db_write(c->writer, round_fn, t, err);
    if (ok && t->n > 0) {
        const struct timespec moment = {0, 50000000};
        int64_t until = wh_mono_us() + PUBLISH_US;
        struct register_status status;
        register_kick(c->log);
        do {
            (void)nanosleep(&moment, NULL);
            register_status_get(c->log, &status);
        } while (status.size <= t->h.size && wh_mono_us() < until);
        ok = catch_up(c, err);
        for (size_t i = 0; ok && i < t->n; i++) {
            follow(c, t->subjects[i]);
        }
    }
    wh_arena_done(&a);
    return ok;
}
