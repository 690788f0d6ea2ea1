/*
 * The table, and what it does not say: how long, how often, and why.
 */
#include "gateway/engine_state.h"

#include <stddef.h>

#define SECOND 1000000LL

struct row {
    bool known;
    enum engine_phase next;
    enum engine_act act;
};

static const struct row rows[ENGINE_PHASES][ENGINE_EVENTS] = {
#define ENGINE_ROW(phase, event, to, what) \
    [ENGINE_##phase][ENGINE_EV_##event] = {true, ENGINE_##to, ENGINE_DO_##what},
#include "gateway/engine_state.tbl"
#undef ENGINE_ROW
};

static const struct {
    const char *word;
    bool alive;
} phases[ENGINE_PHASES] = {
    [ENGINE_IDLE] = {"idle", false},
    [ENGINE_STARTING] = {"starting", true},
    [ENGINE_READY] = {"ready", true},
    [ENGINE_ENDING] = {"ending", true},
    [ENGINE_WAITING] = {"waiting", false},
    [ENGINE_STOPPING] = {"stopping", true},
};

struct engine_times engine_times_usual(void)
{
    return (struct engine_times){.start = 600 * SECOND,
                                 .stop = 5 * SECOND,
                                 .backoff_first = SECOND,
                                 .backoff_most = 60 * SECOND,
                                 .calm = 60 * SECOND,
                                 .probe_every = SECOND,
                                 .probe_wait = 5 * SECOND,
                                 .misses = 3};
}

/* How long to wait after so many failures in a row, at least one. */
static int64_t backoff(const struct engine_times *t, unsigned fails)
{
    int64_t wait = t->backoff_first;
    for (unsigned i = 1; i < fails && wait < t->backoff_most; i++) {
        wait *= 2;
    }
    return wait < t->backoff_most ? wait : t->backoff_most;
}

/* When the phase has lasted too long, or long enough. */
static int64_t due(const struct engine_machine *m, const struct engine_times *t,
                   int64_t now)
{
    switch (m->phase) {
    case ENGINE_STARTING:
        return now + t->start;
    case ENGINE_ENDING:
    case ENGINE_STOPPING:
        return now + t->stop;
    case ENGINE_WAITING:
        return now + backoff(t, m->fails);
    case ENGINE_IDLE:
    case ENGINE_READY:
    case ENGINE_PHASES:
    default:
        return 0;
    }
}

/* It worked for a while, so what was wrong before is over. */
static void forget(struct engine_machine *m, const struct engine_times *t,
                   int64_t now)
{
    if (m->phase == ENGINE_READY && now - m->since >= t->calm) {
        m->fails = 0;
    }
}

static void note(struct engine_machine *m, enum engine_event ev)
{
    if (ev == ENGINE_EV_ENDED) {
        m->fails++;
    } else if (ev == ENGINE_EV_DUE && m->phase == ENGINE_STARTING) {
        m->slow = true;
    } else if (ev == ENGINE_EV_SICK) {
        m->hung = true;
    } else if (ev == ENGINE_EV_START) {
        m->fails = 0; /* somebody wants it now */
    }
}

static void spawned(struct engine_machine *m)
{
    m->restarts += m->spawned ? 1 : 0;
    m->spawned = true;
    m->hung = m->slow = false;
}

enum engine_act engine_step(struct engine_machine *m,
                            const struct engine_times *t, enum engine_event ev,
                            int64_t now)
{
    struct row r = rows[m->phase][ev];
    if (!r.known) {
        return ENGINE_DO_NOTHING;
    }
    forget(m, t, now);
    m->misses = ev == ENGINE_EV_SICK ? m->misses + 1 : 0;
    if (ev == ENGINE_EV_SICK && m->misses >= t->misses) {
        r = (struct row){true, ENGINE_ENDING, ENGINE_DO_KILL};
    }
    bool again = r.next == m->phase && r.act == ENGINE_DO_NOTHING;
    if (again) {
        return r.act;
    }
    note(m, ev);
    if (r.act == ENGINE_DO_SPAWN) {
        spawned(m);
    }
    if (r.next != m->phase) {
        m->phase = r.next;
        m->since = now;
    }
    m->due = due(m, t, now);
    return r.act;
}

bool engine_phase_alive(enum engine_phase p)
{
    return phases[p].alive;
}

const char *engine_phase_word(enum engine_phase p)
{
    return phases[p].word;
}
