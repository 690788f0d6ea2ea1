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
                        struct wh_arena *a, struct keeper_bundle *out,
                        struct wh_err *err)
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
    out->steps = steps;
    out->nsteps = n;
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
        !write_steps(reader, db, a, &b, err)) {
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
