/*
 * act.c - from the evidence to an action, and to the case that explains it.
 *
 * The narrowest one that has earned it is acted on: a person behind a key
 * before the key, a key before its account. What a narrower one is stopped for
 * is taken off the wider ones, three times: so one bad customer does not cost
 * a reseller his key, and new names do not wash a key clean for ever.
 */
#include "base/enc.h"
#include "base/mem.h"
#include "crypto/random.h"
#include "watch/watch_impl.h"
#include <math.h>
#include <stdio.h>

/* Most of a key's traffic is one person's: then it is the key. */
static bool is_most(const struct watch_entry *narrow,
                    const struct watch_entry *wide)
{
    return 2 * narrow->trace.requests > wide->trace.requests;
}

static void put_case(struct watch *w, struct watch_entry *e,
                     enum detect_rung before, struct wh_str model,
                     struct wh_str request, int64_t now)
{
    struct watch_pending_case *c = wh_alloc(sizeof *c);
    uint8_t id[16];

    c->is_new = e->case_id[0] == '\0';
    if (c->is_new) {
        crypto_random(id, sizeof id);
        wh_hex_enc(id, sizeof id, e->case_id);
        w->waiting.counts[WATCH_N_CASES]++;
    }
    e->case_rung = e->rung;
    e->until = now + watch_ladder_step(e->rung)->lasts_us;
    if (e->request[0] == '\0') {
        (void)snprintf(e->request, sizeof e->request, "%.*s", WH_FMT(request));
    }
    c->level = e->level;
    c->account = e->account;
    c->key = e->level == WATCH_ACCOUNT ? 0 : e->id;
    c->log_e = (int64_t)(1e6 * watch_trace_log(&e->trace));
    c->score = e->score;
    c->acted = now;
    c->until = e->until;
    c->before = before;
    c->rung = e->rung;
    c->layer = e->layer;
    c->repeated = e->repeated;
    c->model = wh_alloc(model.n + 1);
    memcpy(c->model, model.p, model.n);
    watch_person_text(e->person, c->person);
    memcpy(c->id, e->case_id, sizeof c->id);
    memcpy(c->request, e->request, sizeof c->request);
    *w->waiting.cases_end = c;
    w->waiting.cases_end = &c->next;
    w->waiting.n++;
}

static void count_rung(struct watch *w, enum detect_rung before,
                       enum detect_rung rung)
{
    const struct watch_step *a = watch_ladder_step(before);
    const struct watch_step *b = watch_ladder_step(rung);

    w->waiting.counts[WATCH_N_QUEUED] += b->human && !a->human;
    w->waiting.counts[WATCH_N_SUSPENDED] += b->stop && !a->stop;
    w->waiting.counts[WATCH_N_REVOKED] += b->revoke && !a->revoke;
}

/* One of them; says whether it is stopped that was not. */
static bool act_on(struct watch *w, struct watch_entry *e,
                   enum detect_rung covered, struct wh_str model,
                   struct wh_str request, int64_t now)
{
    enum detect_rung before = e->rung;
    enum detect_rung next =
        watch_ladder_next(e->rung, watch_trace_log(&e->trace));

    if (e->repeated && next < DETECT_RUNG_QUEUE) {
        next = DETECT_RUNG_QUEUE;
    }
    if (next > e->rung && next <= covered) {
        return false;
    }
    e->rung = next;
    if (next > DETECT_RUNG_NONE && next > e->case_rung) {
        count_rung(w, e->case_rung, next);
        put_case(w, e, before, model, request, now);
    }
    return watch_ladder_step(next)->stop && !watch_ladder_step(before)->stop;
}

static void forgive(struct watch_entry *e)
{
    if (e && e->forgiven < WATCH_FORGIVEN_MAX && e->rung < DETECT_RUNG_QUEUE) {
        watch_trace_init(&e->trace);
        e->forgiven++;
        e->dirty = true;
    }
}

bool watch_act(struct watch *w, struct watch_entry *const e[WATCH_LEVELS],
               struct wh_str model, struct wh_str request, int64_t now)
{
    static const enum watch_level order[WATCH_LEVELS] = {
        WATCH_PERSON, WATCH_KEY, WATCH_ACCOUNT};
    enum detect_rung covered = DETECT_RUNG_NONE;
    bool stopped = false;

    for (size_t i = 0; i < WATCH_LEVELS; i++) {
        struct watch_entry *one = e[order[i]];
        if (!one || (order[i] == WATCH_PERSON && is_most(one, e[WATCH_KEY]) &&
                     !one->case_id[0])) {
            continue;
        }
        if (act_on(w, one, covered, model, request, now)) {
            stopped = true;
            for (size_t k = i + 1; k < WATCH_LEVELS; k++) {
                forgive(e[order[k]]);
            }
        }
        covered = one->rung > covered ? one->rung : covered;
    }
    return stopped;
}
