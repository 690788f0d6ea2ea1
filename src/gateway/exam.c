/*
 * exam.c - one thread that watches over an exam, and a few that ask.
 *
 * Bare means: on a socket of the engine, as the gateway has one. Guarded means:
 * over a connection to this house's own server, made here, under a key that
 * exists for this exam alone; so what is examined is what people would get.
 */
#include "gateway/exam.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "gateway/exam_impl.h"
#include "line/exam.h"
#include "store/repo.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>

#define ASKERS_MAX 8u
#define ASKERS_ELSEWHERE 4u
#define ASK_US ((int64_t)300 * 1000000) /* for one answer */
#define PAUSE_US ((int64_t)500 * 1000)  /* before it is asked again */
#define STEP_US ((int64_t)100 * 1000)
#define PUBLISH_US ((int64_t)30 * 1000000)
#define ARENA ((size_t)64 << 20)

struct gateway_exams {
    struct gateway_exams_config c;
    _Atomic bool stop; /* all that run are to end */
    pthread_t thread;
    bool joinable;
    pthread_mutex_t lock; /* all below */
    char model[GATEWAY_MODEL_MAX + 1];
    struct gateway_exam_view view;
    struct gateway_sitting *sitting; /* the thread's, while it runs */
    size_t next;                     /* prompt to be asked */
    bool broken;
};

const char *gateway_exam_word(enum gateway_exam_state s)
{
    static const char *const words[] = {[GATEWAY_EXAM_NONE] = "none",
                                        [GATEWAY_EXAM_RUNS] = "running",
                                        [GATEWAY_EXAM_DONE] = "done",
                                        [GATEWAY_EXAM_FAILED] = "failed"};

    return words[s];
}

/* ---- how it is ---- */

void gateway_exams_look(struct gateway_exams *e, struct wh_str model,
                        struct gateway_exam_view *out)
{
    *out = (struct gateway_exam_view){.state = GATEWAY_EXAM_NONE};
    pthread_mutex_lock(&e->lock);
    if (wh_str_ieq(wh_str_of(e->model), model)) {
        *out = e->view;
    }
    pthread_mutex_unlock(&e->lock);
}

static void say_waits(struct gateway_exams *e, const char *what)
{
    pthread_mutex_lock(&e->lock);
    (void)snprintf(e->view.waits, sizeof e->view.waits, "%.250s", what);
    pthread_mutex_unlock(&e->lock);
}

/* The first reason stands. */
static void break_off(struct gateway_exams *e, const char *why)
{
    pthread_mutex_lock(&e->lock);
    if (!e->broken) {
        (void)snprintf(e->view.why, sizeof e->view.why, "%.250s", why);
    }
    e->broken = true;
    pthread_mutex_unlock(&e->lock);
}

static bool is_broken(struct gateway_exams *e)
{
    pthread_mutex_lock(&e->lock);
    bool broken = e->broken || e->stop;
    pthread_mutex_unlock(&e->lock);
    return broken;
}

static bool take_prompt(struct gateway_exams *e, size_t *i)
{
    const struct gateway_sitting *s = e->sitting;

    pthread_mutex_lock(&e->lock);
    *i = e->next;
    bool is = !e->broken && !e->stop && *i < s->harm + s->benign;
    e->next += is;
    pthread_mutex_unlock(&e->lock);
    return is;
}

static void count_one(struct gateway_exams *e)
{
    pthread_mutex_lock(&e->lock);
    e->view.asked++;
    e->view.waits[0] = '\0';
    pthread_mutex_unlock(&e->lock);
}

/* ---- asking ---- */

/* One asker, a thread of its own. */
struct hand {
    struct gateway_exams *e;
    struct db *db;
    struct gateway_asker *asker;
    pthread_t thread;
    bool running;
};

static int dial_house(struct gateway_exams *e, struct wh_err *err)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   pair) != 0) {
        (void)wh_fail_errno(err, WH_IO, "a connection to the house itself");
        return -1;
    }
    net_server_adopt(e->c.server, pair[1], GATEWAY_EXAM_PEER);
    return pair[0];
}

/* Is it still what is examined, and may it still be asked? *fd: a socket of its
 * engine, if `bare`. ENDED and AGAIN with *err. */
static enum gateway_reply reach(struct gateway_exams *e, struct db *db,
                                bool bare, int *fd, struct wh_err *err)
{
    const struct gateway_sitting *s = e->sitting;
    struct gateway_routes *routes = gateway_routes(e->c.gateway);
    struct gateway_route *route = NULL;
    enum gateway_reply reply = GATEWAY_ANSWERED;
    struct gateway_fault f = {0};
    struct wh_arena a;

    wh_arena_init(&a, ARENA);
    *fd = -1;
    if (!gateway_route_exam(routes, db, &a, wh_str_of(s->model), &route, &f)) {
        (void)wh_fail(err, WH_REFUSED, "%.200s", f.message);
        reply = GATEWAY_ENDED;
    } else if (route == NULL ||
               !wh_str_is(wh_str_of(route->weights), s->weights) ||
               !route->custody) {
        (void)wh_fail(err, WH_CONFLICT,
                      "the model has changed while it was examined");
        reply = GATEWAY_ENDED;
    } else if (bare) {
        *fd = gateway_route_dial(routes, route, &f);
        if (*fd < 0) {
            (void)wh_fail(err, WH_UNAVAILABLE, "%.200s", f.message);
            reply = GATEWAY_AGAIN;
        }
    }
    gateway_route_drop(&route);
    wh_arena_done(&a);
    return reply;
}

static enum gateway_reply ask_once(struct hand *h, size_t i, bool bare,
                                   struct wh_err *err)
{
    struct gateway_exams *e = h->e;
    const struct gateway_sitting *s = e->sitting;
    struct gateway_question q = {.model = wh_str_of(bare ? s->there : s->model),
                                 .token = bare ? WH_S("") : wh_str_of(s->key),
                                 .text = s->drawn[i]->text,
                                 .max_tokens = GATEWAY_EXAM_TOKENS,
                                 .seed = s->seed,
                                 .stop = &e->stop};
    enum gateway_reply reply = reach(e, h->db, bare, &q.fd, err);

    if (reply != GATEWAY_ANSWERED) {
        return reply;
    }
    if (!bare) {
        q.fd = dial_house(e, err);
    }
    if (q.fd < 0) {
        return GATEWAY_AGAIN;
    }
    q.deadline = wh_mono_us() + ASK_US;
    reply = gateway_asker_ask(h->asker, &q, err);
    if (reply == GATEWAY_ENDED) { /* perhaps it was closed just then */
        struct wh_err why = {0};
        if (reach(e, h->db, false, &q.fd, &why) == GATEWAY_ENDED) {
            *err = why;
        }
    }
    return reply;
}

static void pause_a_little(struct gateway_exams *e)
{
    const struct timespec step = {.tv_nsec = STEP_US * 1000};

    for (int64_t t = 0; t < PAUSE_US && !is_broken(e); t += STEP_US) {
        (void)nanosleep(&step, NULL);
    }
}

/* Until there is an answer. Engines that die come back by themselves. */
static bool ask(struct hand *h, size_t i, bool bare, uint8_t *mark)
{
    struct gateway_exams *e = h->e;
    int64_t until = wh_mono_us() + e->c.patience_us;

    while (!is_broken(e)) {
        struct wh_err err = {0};
        enum gateway_reply reply = ask_once(h, i, bare, &err);
        if (reply != GATEWAY_AGAIN && reply != GATEWAY_ENDED) {
            *mark = (uint8_t)reply;
            count_one(e);
            return true;
        }
        if (reply == GATEWAY_ENDED) {
            break_off(e, err.msg);
        } else if (wh_mono_us() > e->sitting->ends) {
            break_off(e, "the exam took longer than exam.minutes allows");
        } else if (wh_mono_us() > until) {
            char why[sizeof e->view.why];
            (void)snprintf(why, sizeof why,
                           "the engine does not answer (prompt %.64s): %.150s",
                           e->sitting->drawn[i]->id.p, err.msg);
            break_off(e, why);
        } else {
            say_waits(e, err.msg);
            pause_a_little(e);
        }
    }
    return false;
}

static void *hand_main(void *arg)
{
    struct hand *h = arg;
    size_t i;

    while (take_prompt(h->e, &i)) {
        struct gateway_marks *m = &h->e->sitting->marks[i];
        if (!ask(h, i, true, &m->bare) || !ask(h, i, false, &m->guarded)) {
            break;
        }
    }
    return NULL;
}

/* ---- the whole ---- */

/* The engine is there: it may have to be started first. *slots: questions that
 * it works on at once. */
static bool wait_for_engine(struct gateway_exams *e, struct db *db,
                            unsigned *slots)
{
    struct gateway_sitting *s = e->sitting;
    struct gateway_engine_view view;

    while (!is_broken(e)) {
        struct wh_err err = {0};
        int fd;
        enum gateway_reply reply = reach(e, db, true, &fd, &err);
        wh_fd_close(&fd);
        if (reply == GATEWAY_ANSWERED) {
            bool ours = s->weights[0] && e->c.engines &&
                        gateway_engine_look(e->c.engines, s->weights, &view);
            *slots = ours ? view.slots : ASKERS_ELSEWHERE;
            return true;
        }
        if (reply == GATEWAY_ENDED) {
            break_off(e, err.msg);
        } else if (wh_mono_us() > s->ends) {
            break_off(e, "the engine was not ready in time");
        } else {
            say_waits(e, err.msg);
            pause_a_little(e);
        }
    }
    return false;
}

static bool start_hand(struct gateway_exams *e, struct hand *h,
                       struct wh_err *err)
{
    h->e = e;
    h->asker = gateway_asker_new();
    h->db = db_open(e->c.db_path, true, err);
    h->running = h->db && pthread_create(&h->thread, NULL, hand_main, h) == 0;
    return h->running || (err->code != WH_NONE) || wh_fail(err, WH_NOMEM, "");
}

static void ask_all(struct gateway_exams *e, unsigned slots)
{
    struct hand hands[ASKERS_MAX] = {0};
    unsigned n = slots < 1 ? 1 : slots > ASKERS_MAX ? ASKERS_MAX : slots;
    struct wh_err err = {0};

    for (unsigned i = 0; i < n; i++) {
        if (!start_hand(e, &hands[i], &err)) {
            break_off(e, err.msg);
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (hands[i].running) {
            (void)pthread_join(hands[i].thread, NULL);
        }
        gateway_asker_free(&hands[i].asker);
        db_close(&hands[i].db);
    }
}

struct keeping {
    struct gateway_exams *e;
    struct wh_arena *a;
    json_t *doc;
    int64_t now, outbox;
    char digest[WH_SHA256_HEX + 1];
};

static bool keep_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct keeping *k = ctx;
    const struct gateway_sitting *s = k->e->sitting;

    return line_exam_keep(db, k->a, wh_str_of(s->subject), s->private_repo,
                          k->doc, wh_str_of(s->set.digest), k->now, k->digest,
                          &k->outbox, err);
}

/* The subject is still the model's newest revision, and it is hosted. */
static bool same_subject(struct gateway_exams *e, struct db *db,
                         struct wh_arena *a, struct wh_err *err)
{
    const struct gateway_sitting *s = e->sitting;
    struct store_repo repo;
    struct wh_str subject;
    int fd;

    if (reach(e, db, false, &fd, err) == GATEWAY_ENDED ||
        !store_repo_by_name(db, a, STORE_MODEL, wh_str_of(s->model), &repo,
                            err) ||
        !line_revision_subject(db, a, repo.id, repo.head.sha, &subject, err)) {
        return false;
    }
    return wh_str_is(subject, s->subject) ||
           wh_fail(err, WH_CONFLICT,
                   "the model has changed while it was examined");
}

static bool publish(struct gateway_exams *e, struct db *db, struct wh_arena *a,
                    struct wh_err *err)
{
    struct gateway_engines_status status = {0};
    struct keeping k = {.e = e, .a = a, .now = wh_now_us()};
    struct register_place place;

    if (!same_subject(e, db, a, err)) {
        return false;
    }
    if (e->sitting->weights[0] && e->c.engines) {
        gateway_engines_ask(e->c.engines, &status);
    }
    k.doc = wh_json_own(a, gateway_exam_doc(e->sitting, status.program, k.now));
    if (!db_write(e->c.writer, keep_fn, &k, err) ||
        !register_wait(e->c.log, k.outbox, wh_mono_us() + PUBLISH_US, &place,
                       err)) {
        return false;
    }
    pthread_mutex_lock(&e->lock);
    memcpy(e->view.digest, k.digest, sizeof e->view.digest);
    pthread_mutex_unlock(&e->lock);
    wh_log(WH_INFO, "exam.done", "model=%s exam=%s index=%llu",
           e->sitting->model, k.digest, (unsigned long long)place.index);
    return true;
}

static void run(struct gateway_exams *e)
{
    struct gateway_sitting *s = e->sitting;
    struct gateway_keys *keys = gateway_keys(e->c.gateway);
    struct wh_err err = {0};
    struct wh_arena a;
    struct db *db = db_open(e->c.db_path, true, &err);
    unsigned slots;

    wh_arena_init(&a, ARENA);
    if (!db) {
        break_off(e, err.msg);
    } else if (wait_for_engine(e, db, &slots)) {
        gateway_keys_lend(keys, wh_str_of(s->model), s->key);
        ask_all(e, slots);
        gateway_keys_unlend(keys);
        if (!is_broken(e) && !publish(e, db, &a, &err)) {
            break_off(e, err.msg);
        }
    }
    db_close(&db);
    wh_arena_done(&a);
}

static void free_sitting(struct gateway_sitting **sitting)
{
    struct gateway_sitting *s = *sitting;

    if (s == NULL) {
        return;
    }
    *sitting = NULL;
    gateway_set_done(&s->set);
    wh_free(s->drawn);
    wh_free(s->marks);
    wh_wipe(s, sizeof *s);
    wh_free(s);
}

static void *exam_main(void *arg)
{
    struct gateway_exams *e = arg;
    struct gateway_routes *routes = gateway_routes(e->c.gateway);

    gateway_routes_examine(routes, wh_str_of(e->sitting->model));
    run(e);
    gateway_routes_examine(routes, WH_S(""));
    pthread_mutex_lock(&e->lock);
    bool good = !e->broken && !e->stop;
    if (!e->broken && e->stop) {
        (void)snprintf(e->view.why, sizeof e->view.why,
                       "the house was ended; start the exam again");
    }
    e->view.state = good ? GATEWAY_EXAM_DONE : GATEWAY_EXAM_FAILED;
    e->view.waits[0] = '\0';
    if (!good) {
        wh_log(WH_WARN, "exam.failed", "model=%s why=\"%s\"", e->model,
               e->view.why);
    }
    free_sitting(&e->sitting);
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

/* ---- beginning ---- */

static bool open_set(const struct gateway_exams *e, struct gateway_sitting *s,
                     struct wh_err *err)
{
    char dir[4097];

    if (e->c.set.n == 0 || e->c.set.n >= sizeof dir) {
        return wh_fail(err, WH_NOT_FOUND,
                       "this house has no set of prompts to examine with: name "
                       "a folder as `set` in the section [exam] of its "
                       "configuration");
    }
    memcpy(dir, e->c.set.p, e->c.set.n);
    dir[e->c.set.n] = '\0';
    if (!gateway_set_open(&s->set, dir, err)) {
        return wh_err_wrap(err, "exam.set");
    }
    return e->c.digest.n == 0 || wh_str_is(e->c.digest, s->set.digest) ||
           wh_fail(err, WH_BAD_REQUEST,
                   "the set of prompts has changed: its digest is %s, and "
                   "exam.digest names another",
                   s->set.digest);
}

static bool draw(struct gateway_sitting *s, const struct gateway_exam_wish *w,
                 struct wh_err *err)
{
    if (w->harm < 1 || w->benign < 1 || w->harm > GATEWAY_EXAM_MOST ||
        w->benign > GATEWAY_EXAM_MOST || w->seed >> 52 != 0) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "an exam asks 1 to %u prompts of each kind",
                       GATEWAY_EXAM_MOST);
    }
    s->harm = (size_t)w->harm;
    s->benign = (size_t)w->benign;
    s->seed = w->seed;
    s->drawn = wh_calloc(s->harm + s->benign, sizeof(struct gateway_prompt *));
    s->marks = wh_calloc(s->harm + s->benign, sizeof *s->marks);
    return gateway_set_draw(&s->set, s->seed, s->harm, s->benign, s->drawn,
                            err);
}

static void copy_text(char *out, size_t cap, struct wh_str s)
{
    (void)snprintf(out, cap, "%.*s", WH_FMT(s));
}

static bool find_subject(struct db *db, struct gateway_sitting *s,
                         struct wh_str model, struct wh_err *err)
{
    struct wh_arena a;
    struct store_repo repo;
    struct wh_str subject;

    wh_arena_init(&a, ARENA);
    bool ok =
        store_repo_by_name(db, &a, STORE_MODEL, model, &repo, err) &&
        line_revision_subject(db, &a, repo.id, repo.head.sha, &subject, err);
    if (ok) {
        copy_text(s->subject, sizeof s->subject, subject);
        s->private_repo = repo.is_private ? repo.id : 0;
    }
    wh_arena_done(&a);
    return ok;
}

/* What is to be asked, and under which name. */
static bool find_model(const struct gateway_exams *e, struct db *db,
                       struct gateway_sitting *s, struct wh_str model,
                       struct wh_err *err)
{
    struct gateway_routes *routes = gateway_routes(e->c.gateway);
    struct gateway_route *route = NULL;
    struct gateway_fault f = {0};
    struct wh_arena a;

    wh_arena_init(&a, ARENA);
    bool ok = gateway_route_exam(routes, db, &a, model, &route, &f) ||
              wh_fail(err, WH_REFUSED, "%.300s", f.message);
    ok = ok && (route->custody ||
                wh_fail(err, WH_REFUSED,
                        "%s is not hosted: open weights are examined by "
                        "whoever runs them",
                        route->model));
    if (ok) {
        const struct gateway_place *p =
            gateway_routes_place(routes, route->place);
        copy_text(s->model, sizeof s->model, wh_str_of(route->model));
        copy_text(s->there, sizeof s->there,
                  p && p->there.n > 0 ? p->there : wh_str_of(route->model));
        copy_text(s->weights, sizeof s->weights, wh_str_of(route->weights));
    }
    gateway_route_drop(&route);
    wh_arena_done(&a);
    return ok && find_subject(db, s, model, err);
}

/* Under the lock. */
static bool launch(struct gateway_exams *e, struct gateway_sitting **s,
                   struct wh_err *err)
{
    if (e->sitting != NULL) {
        return wh_fail(err, WH_CONFLICT,
                       "an exam of %s is running (%u of %u questions); there "
                       "is one at a time",
                       e->model, e->view.asked, e->view.of);
    }
    if (e->joinable) {
        (void)pthread_join(e->thread, NULL); /* it has said its last */
        e->joinable = false;
    }
    e->view = (struct gateway_exam_view){
        .state = GATEWAY_EXAM_RUNS,
        .of = (uint32_t)(2 * ((*s)->harm + (*s)->benign))};
    memcpy(e->model, (*s)->model, sizeof e->model);
    e->next = 0;
    e->broken = false;
    e->sitting = *s;
    e->joinable = pthread_create(&e->thread, NULL, exam_main, e) == 0;
    if (!e->joinable) {
        e->sitting = NULL;
        e->view.state = GATEWAY_EXAM_NONE;
        return wh_fail(err, WH_NOMEM, "");
    }
    *s = NULL; /* the thread's */
    return true;
}

bool gateway_exams_start(struct gateway_exams *e, struct db *db,
                         const struct gateway_exam_wish *wish,
                         struct wh_err *err)
{
    struct gateway_sitting *s = wh_alloc(sizeof *s);

    s->began = wh_mono_us();
    s->ends = s->began + e->c.minutes * 60 * 1000000;
    bool ok = find_model(e, db, s, wish->model, err) && open_set(e, s, err) &&
              draw(s, wish, err);
    if (ok) {
        pthread_mutex_lock(&e->lock);
        ok = launch(e, &s, err);
        pthread_mutex_unlock(&e->lock);
    }
    free_sitting(&s);
    return ok;
}

struct gateway_exams *gateway_exams_new(const struct gateway_exams_config *c)
{
    struct gateway_exams *e = wh_alloc(sizeof *e);

    e->c = *c;
    pthread_mutex_init(&e->lock, NULL);
    return e;
}

void gateway_exams_free(struct gateway_exams **exams)
{
    struct gateway_exams *e = *exams;

    if (e == NULL) {
        return;
    }
    *exams = NULL;
    e->stop = true;
    if (e->joinable) {
        (void)pthread_join(e->thread, NULL);
    }
    pthread_mutex_destroy(&e->lock);
    wh_free(e);
}
