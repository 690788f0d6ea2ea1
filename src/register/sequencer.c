/*
 * sequencer.c - the thread that turns the register, and its public face.
 *
 * A first event after idle is sequenced at once; under load a cycle begins at
 * most every cadence_us, unless a full batch says that more is waiting. A
 * failed turn drops everything in memory and starts from storage again, with
 * growing pauses. A contradiction (WH_CORRUPT, WH_ROLLED_BACK) halts the log
 * for good: only people can say which side is right.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "register/log.h"
#include <errno.h>
#include <signal.h>
#include <sys/statvfs.h>

#define CADENCE_US INT64_C(200000)
#define SWEEP_AGE_US INT64_C(600000000)
#define SWEEP_EVERY_US INT64_C(60000000)
#define POLL_US INT64_C(1000000)
#define PAUSE_MIN_US INT64_C(20000)
#define PAUSE_MAX_US INT64_C(5000000)
/* Whatever the part of the disk: enough for the files of some cycles. */
#define FREE_MIN (UINT64_C(4) << 20)

/* What the thread knows between turns, all in wh_mono_us time. */
struct turning {
    int64_t not_before; /* of the next turn */
    int64_t pause;      /* after a failure; 0 when well */
    int64_t next_sweep;
    bool halted;
    struct wh_err why; /* of a halt */
};

static bool fatal(const struct wh_err *err)
{
    return err->code == WH_CORRUPT || err->code == WH_ROLLED_BACK;
}

static void note_trouble(struct register_log *log, const struct wh_err *err,
                         bool stalled)
{
    pthread_mutex_lock(&log->lock);
    log->status.trouble = err ? err->code : WH_NONE;
    log->status.halted = err && fatal(err);
    log->status.stalled = stalled;
    pthread_mutex_unlock(&log->lock);
}

/* Room on the disk that holds the log. */
static void look_at_space(struct register_log *log)
{
    struct statvfs v;
    if (fstatvfs(register_files_fd(log->files), &v) != 0) {
        return;
    }
    uint64_t left = (uint64_t)v.f_bavail * v.f_frsize;
    uint64_t total = (uint64_t)v.f_blocks * v.f_frsize;
    pthread_mutex_lock(&log->lock);
    log->status.low_space =
        left < log->cfg.free_min || left < total / 100 * log->cfg.free_percent;
    pthread_mutex_unlock(&log->lock);
}

/* Until when nothing can happen. Under the lock. */
static int64_t quiet_until(const struct register_log *log,
                           const struct turning *t, int64_t now)
{
    int64_t until = log->kicked ? t->not_before : now + POLL_US;
    int64_t deadline = register_next_deadline(log);
    return deadline < until ? deadline : until;
}

/* Sleep until there is a turn to do or somebody to tell; false to stop. */
static bool rest(struct register_log *log, const struct turning *t)
{
    pthread_mutex_lock(&log->lock);
    int64_t now = wh_mono_us(), until = quiet_until(log, t, now);
    while (!log->stop && !log->asked && now < until) {
        struct timespec ts = {.tv_sec = until / 1000000,
                              .tv_nsec = until % 1000000 * 1000};
        int r = pthread_cond_clockwait(&log->wake, &log->lock, CLOCK_MONOTONIC,
                                       &ts);
        wh_assert(r == 0 || r == ETIMEDOUT);
        now = wh_mono_us();
        if (r == ETIMEDOUT) {
            break;
        }
        until = quiet_until(log, t, now);
    }
    log->asked = false;
    if (now >= t->not_before) {
        log->kicked = false; /* else the turn is still to come */
    }
    bool go = !log->stop;
    pthread_mutex_unlock(&log->lock);
    return go;
}

static void after_failure(struct register_log *log, struct turning *t,
                          const struct wh_err *err)
{
    log->loaded = false;
    note_trouble(log, err, false);
    wh_log_err(WH_ERROR, "register.cycle", err);
    if (fatal(err)) {
        t->halted = true;
        t->why = *err;
        wh_log(WH_ERROR, "register.halted", "size=%llu",
               (unsigned long long)log->published);
        return;
    }
    t->pause = t->pause == 0 ? PAUSE_MIN_US : t->pause * 2;
    t->pause = t->pause < PAUSE_MAX_US ? t->pause : PAUSE_MAX_US;
    t->not_before = wh_mono_us() + t->pause;
    register_kick(log);
}

static void sweep(struct register_log *log, struct turning *t)
{
    struct wh_err err = {0};
    if (wh_mono_us() < t->next_sweep) {
        return;
    }
    t->next_sweep = wh_mono_us() + SWEEP_EVERY_US;
    look_at_space(log);
    if (!register_sweep(log, &err)) {
        wh_log_err(WH_WARN, "register.sweep", &err);
    }
}

static void turn(struct register_log *log, struct turning *t)
{
    struct wh_err err = {0};
    int64_t began = wh_mono_us();
    if (began < t->not_before) {
        return;
    }
    if (!log->loaded && !register_recover(log, false, &err)) {
        after_failure(log, t, &err);
        return;
    }
    enum register_turn r = register_cycle(log, &err);
    if (r == REGISTER_TURN_FAILED) {
        after_failure(log, t, &err);
        return;
    }
    note_trouble(log, NULL, r == REGISTER_TURN_STALLED);
    t->pause = 0;
    if (r == REGISTER_TURN_MORE) {
        t->not_before = 0;
        register_kick(log);
    } else if (r != REGISTER_TURN_IDLE) {
        t->not_before = began + log->cfg.cadence_us;
        register_kick(log); /* what came in meanwhile */
    }
    sweep(log, t);
}

static void *run(void *arg)
{
    struct register_log *log = arg;
    struct turning t = {0};
    while (rest(log, &t)) {
        if (!t.halted) {
            turn(log, &t);
        }
        register_tell(log, t.halted ? &t.why : NULL);
    }
    struct wh_err err = {0};
    (void)wh_fail(&err, WH_UNAVAILABLE, "the register is closing");
    register_tell(log, &err);
    return NULL;
}

static void defaults(struct register_config *cfg)
{
    cfg->cadence_us = cfg->cadence_us ? cfg->cadence_us : CADENCE_US;
    cfg->sweep_age_us = cfg->sweep_age_us ? cfg->sweep_age_us : SWEEP_AGE_US;
    cfg->free_min = cfg->free_min ? cfg->free_min : FREE_MIN;
    cfg->now_us = cfg->now_us ? cfg->now_us : wh_now_us;
}

/* Recover, then publish what still waits from an earlier run. */
static bool begin(struct register_log *log, struct wh_err *err)
{
    if (!register_files_open(log->cfg.dir, true, &log->files, err)) {
        return false;
    }
    log->db = db_open(log->cfg.db_path, true, err);
    if (!log->db || !register_recover(log, true, err)) {
        return false;
    }
    enum register_turn r;
    do {
        r = register_cycle(log, err);
    } while (r == REGISTER_TURN_MORE);
    look_at_space(log);
    return r != REGISTER_TURN_FAILED;
}

/* The thread takes no signals: they belong to the server. */
static void start_thread(struct register_log *log)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = pthread_create(&log->thread, NULL, run, log);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    wh_assert(r == 0);
    log->threaded = true;
}

bool register_open(const struct register_config *cfg, struct register_log **out,
                   struct wh_err *err)
{
    struct register_log *log = wh_alloc(sizeof *log);
    log->cfg = *cfg;
    defaults(&log->cfg);
    pthread_mutex_init(&log->lock, NULL);
    pthread_cond_init(&log->wake, NULL);
    if (!begin(log, err)) {
        register_close(&log);
        return false;
    }
    start_thread(log);
    *out = log;
    return true;
}

void register_close(struct register_log **log)
{
    if (!log || !*log) {
        return;
    }
    struct register_log *l = *log;
    if (l->threaded) {
        pthread_mutex_lock(&l->lock);
        l->stop = true;
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->lock);
        pthread_join(l->thread, NULL);
    }
    wh_assert(l->waiters == NULL);
    db_close(&l->db);
    register_files_close(&l->files);
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->lock);
    wh_free(l);
    *log = NULL;
}

bool register_admit(struct register_log *log, struct wh_err *err)
{
    struct register_status s;
    register_status_get(log, &s);
    if (s.halted) {
        return wh_fail(err, WH_UNAVAILABLE,
                       "the register has halted and takes no events");
    }
    if (s.stalled) {
        return wh_fail(err, WH_UNAVAILABLE,
                       "the clock of the house went back; the register waits");
    }
    if (s.low_space) {
        return wh_fail(err, WH_NOSPACE,
                       "the disk of the register is nearly full: no new event "
                       "is taken now");
    }
    return true;
}

void register_kick(struct register_log *log)
{
    pthread_mutex_lock(&log->lock);
    log->kicked = true;
    pthread_cond_signal(&log->wake);
    pthread_mutex_unlock(&log->lock);
}

void register_status_get(struct register_log *log, struct register_status *out)
{
    pthread_mutex_lock(&log->lock);
    *out = log->status;
    pthread_mutex_unlock(&log->lock);
}
