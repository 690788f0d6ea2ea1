/*
 * The process of the engines. Three kinds of threads share one table under one
 * lock: the threads of the service answer front, one thread takes weights from
 * the keeper, and one runs the engines. Programs are started by that last
 * thread alone, because they die with the thread that started them.
 */
#include "gateway/engine_proc.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "gateway/engine_run.h"
#include "gateway/engine_wire.h"
#include "keeper/hand.h"
#include "proc/sandbox.h"
#include "proc/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 6u
#define CONNS 64u
#define ARENA ((size_t)1 << 20)
/* Left to the rest of the machine when weights come. */
#define MEMORY_SPARE ((uint64_t)256 << 20)
/* An engine that takes no connection for so long is busy. */
#define DIAL_US 1000000LL
#define DIAL_AGAIN_NS 5000000L
#define IDLE_MS 1000

struct engines {
    const struct gateway_engines_process *conf;
    struct engine_world w;
    uint64_t budget;
    unsigned missing;     /* guards */
    int wake;             /* eventfd: something was asked for */
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t changed;
    struct engine e[GATEWAY_ENGINES_MAX];
    uint64_t turn; /* counts changes, from 1 */
    bool stop;
    bool caged;        /* bubblewrap works here */
    char why_not[200]; /* why no engine can run here; "" */
};

/* ---- the table, under its lock ---- */

static struct engine *find(struct engines *s, const char *weights)
{
    for (size_t i = 0; i < GATEWAY_ENGINES_MAX; i++) {
        if (strcmp(s->e[i].weights, weights) == 0) {
            return &s->e[i];
        }
    }
    return NULL;
}

static uint64_t used(const struct engines *s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < GATEWAY_ENGINES_MAX; i++) {
        n += s->e[i].bytes;
    }
    return n;
}

static void wake(struct engines *s)
{
    uint64_t one = 1;
    ssize_t n = write(s->wake, &one, sizeof one);
    (void)n; /* it is awake already */
}

static void tell(struct engines *s)
{
    s->turn++;
    pthread_cond_broadcast(&s->changed);
}

static bool not_here(struct wh_err *err)
{
    return wh_fail(err, WH_NOT_FOUND,
                   "the weights of this engine are not in "
                   "memory");
}

/* ---- can anything run here? ---- */

/* Who builds the program says how far it is, in a file beside it. */
static void building(struct engines *s)
{
    char path[600], line[100];
    const char *slash = strrchr(s->conf->program, '/');
    if (!slash) {
        return;
    }
    (void)snprintf(path, sizeof path, "%.*s/progress",
                   (int)(slash - s->conf->program), s->conf->program);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    wh_fd_close(&fd);
    if (n > 0) {
        line[n] = '\0';
        line[strcspn(line, "\n")] = '\0';
        (void)snprintf(s->why_not, sizeof s->why_not,
                       GATEWAY_ENGINE_BUILDING "%s", line);
    }
}

/* Open the programs that are there, for as long as this user can. */
static void find_programs(struct engines *s, struct wh_err *err)
{
    struct engine_world *w = &s->w;
    if (w->bwrap.file < 0 && !proc_cage_find("bwrap", &w->bwrap, err)) {
        return;
    }
    if (w->program.file < 0 &&
        !proc_cage_find(s->conf->program, &w->program, err)) {
        return;
    }
}

/* Look for what is not there yet. */
static bool able(struct engines *s, struct wh_err *err)
{
    struct wh_err why = {0};
    find_programs(s, &why);
    if (s->w.bwrap.file >= 0 && !s->caged) {
        s->caged = proc_cage_check(&s->w.bwrap, &why);
    }
    if (s->w.filter < 0) {
        s->w.filter = proc_cage_filter(&why);
    }
    (void)snprintf(s->why_not, sizeof s->why_not, "%.190s", why.msg);
    if (why.code == WH_NONE) {
        return true;
    }
    if (why.code == WH_NOT_FOUND && s->w.bwrap.file >= 0) {
        building(s); /* it may come: to be tried again */
        return wh_fail(err, WH_UNAVAILABLE, "no engine can run here yet: %s",
                       s->why_not);
    }
    return wh_fail(err, WH_REFUSED, "no engine can run here: %s", s->why_not);
}

/* ---- what the keeper says ---- */

/* Bytes that the machine can still give, by its own word. */
static uint64_t available(void)
{
    char text[4096];
    uint64_t kib = 0;
    int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    wh_fd_close(&fd);
    text[n > 0 ? n : 0] = '\0';
    const char *at = strstr(text, "MemAvailable:");
    if (at) {
        kib = strtoull(at + 13, NULL, 10);
    }
    return kib << 10;
}

static unsigned long long mib(uint64_t bytes)
{
    return (bytes + (1u << 20) - 1) >> 20;
}

/* Does it fit? The reason is for people. */
static bool room_for(struct engines *s, uint64_t bytes, struct wh_err *err)
{
    uint64_t in_use = used(s), free_now = available();
    if (bytes > s->budget || in_use > s->budget - bytes) {
        return wh_fail(err, WH_TOO_LARGE,
                       "not hosted: the weights need %llu MiB, and of the %llu "
                       "MiB for engines (gateway.memory) %llu are free",
                       mib(bytes), mib(s->budget),
                       (unsigned long long)((s->budget - in_use) >> 20));
    }
    if (bytes + MEMORY_SPARE > free_now) {
        return wh_fail(err, WH_TOO_LARGE,
                       "not hosted: the weights need %llu MiB, and this "
                       "machine has %llu MiB of memory left",
                       mib(bytes), (unsigned long long)(free_now >> 20));
    }
    return find(s, "") ||
           wh_fail(err, WH_TOO_LARGE, "not hosted: too many engines at once");
}

static bool room(struct engines *s, const struct keeper_hand *h, bool *there,
                 struct wh_err *err)
{
    pthread_mutex_lock(&s->lock);
    *there = find(s, h->sha256) != NULL;
    bool ok = *there || (able(s, err) && room_for(s, h->bytes, err));
    pthread_mutex_unlock(&s->lock);
    return ok;
}

/* Keep it out of swap, if this host lets us. */
static void *lock_file(int fd, uint64_t bytes)
{
    void *p = mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        return NULL;
    }
    if (mlock(p, (size_t)bytes) != 0) {
        (void)munmap(p, (size_t)bytes);
        return NULL;
    }
    return p;
}

static bool take(struct engines *s, struct keeper_hand *h, bool *locked,
                 struct wh_err *err)
{
    void *map = lock_file(h->fd, h->bytes);
    pthread_mutex_lock(&s->lock);
    struct engine *e = find(s, h->sha256);
    bool ok = e || room_for(s, h->bytes, err);
    if (ok && !e) {
        engine_take(find(s, ""), h->sha256, h->fd, map, h->bytes,
                    (int64_t)h->until);
        *locked = map != NULL;
        h->fd = -1;
        map = NULL;
        tell(s);
        wh_log(WH_INFO, "engine.weights", "weights=%.16s bytes=%llu locked=%d",
               h->sha256, (unsigned long long)h->bytes, *locked);
    }
    pthread_mutex_unlock(&s->lock);
    if (map) {
        (void)munmap(map, (size_t)h->bytes);
    }
    wh_fd_close(&h->fd);
    return ok;
}

static bool hand_one(struct engines *s, struct proc_frame *f, bool *yes,
                     struct wh_err *err)
{
    struct keeper_hand h;
    uint16_t type = f->msg.type;
    if (type != KEEPER_HAND_ROOM && type != KEEPER_HAND_GIVE) {
        return wh_fail(err, WH_BAD_REQUEST, "no such operation");
    }
    if (!keeper_hand_read(f, &h, err)) {
        return false;
    }
    return type == KEEPER_HAND_ROOM ? room(s, &h, yes, err)
                                    : take(s, &h, yes, err);
}

static void hand_answer(struct engines *s, struct proc_frame *f)
{
    struct wh_err err = {0}, why = {0};
    struct wh_buf b;
    bool yes = false;
    wh_buf_init(&b, 2048);
    struct proc_msg m = {.type = (uint16_t)(f->msg.type | PROC_MSG_REPLY),
                         .id = f->msg.id};
    if (hand_one(s, f, &yes, &err)) {
        wh_buf_u8(&b, yes ? 1 : 0);
        m.body = wh_buf_str(&b);
    } else {
        wh_log_err(WH_INFO, "engine.refused", &err);
        proc_msg_of_err(&m, f->msg.id, &err, &b);
    }
    if (!proc_msg_send(s->conf->hand_fd, &m, proc_deadline(IDLE_MS), &why)) {
        wh_log_err(WH_WARN, "engine.hand", &why);
    }
    wh_buf_done(&b);
}

static bool stopping(struct engines *s)
{
    pthread_mutex_lock(&s->lock);
    bool stop = s->stop;
    pthread_mutex_unlock(&s->lock);
    return stop;
}

static void *hand_main(void *arg)
{
    struct engines *s = arg;
    struct proc_frame *f = wh_alloc(sizeof *f);
    wh_panic_context("weights");
    while (!stopping(s)) {
        struct wh_err err = {0};
        if (proc_msg_recv(s->conf->hand_fd, f, proc_deadline(IDLE_MS), &err)) {
            hand_answer(s, f);
            proc_frame_done(f);
        } else if (err.code != WH_TIMEOUT) {
            wh_log_err(WH_WARN, "engine.hand", &err);
            (void)usleep(IDLE_MS * 100);
        }
    }
    proc_frame_done(f);
    wh_free(f);
    return NULL;
}

/* ---- what front asks ---- */

static bool reply(struct proc_request *rq, const struct wh_buf *b,
                  struct wh_err *err)
{
    if (!wh_buf_ok(b, err)) {
        return false;
    }
    rq->reply->body = wh_arena_dup(rq->arena, wh_buf_str(b));
    return true;
}

static bool on_start(struct engines *s, struct proc_request *rq,
                     struct wh_err *err)
{
    char weights[WH_SHA256_HEX + 1];
    struct gateway_engine_wish wish;
    if (!engine_read_wish(rq->msg, weights, &wish, err)) {
        return false;
    }
    pthread_mutex_lock(&s->lock);
    struct engine *e = find(s, weights);
    if (e && !e->wanted) {
        memcpy(e->name, wish.name.p, wish.name.n);
        e->name[wish.name.n] = '\0';
        e->slots = wish.slots;
        e->context = wish.context;
        if (wish.until != 0 && (e->until == 0 || wish.until < e->until)) {
            e->until = wish.until;
        }
        e->wanted = e->ask_start = true;
        wake(s);
    }
    pthread_mutex_unlock(&s->lock);
    return e || not_here(err);
}

static bool on_stop(struct engines *s, struct proc_request *rq,
                    struct wh_err *err)
{
    char weights[WH_SHA256_HEX + 1];
    if (!engine_read_weights(rq->msg, weights, err)) {
        return false;
    }
    pthread_mutex_lock(&s->lock);
    struct engine *e = find(s, weights);
    if (e) {
        e->ask_stop = true;
        wake(s);
    }
    pthread_mutex_unlock(&s->lock);
    return true;
}

/* The folder of a ready engine (a copy of the descriptor), or -1. */
static int ready_dir(struct engines *s, const char *weights, struct wh_err *err)
{
    int dir = -1;
    pthread_mutex_lock(&s->lock);
    const struct engine *e = find(s, weights);
    if (!e) {
        (void)not_here(err);
    } else if (e->m.phase != ENGINE_READY) {
        struct gateway_engine_view v;
        engine_view(e, &s->w, &v);
        wh_fail(err, WH_UNAVAILABLE, "the engine of this model is %s%s%s",
                gateway_engine_word(v.state), v.why[0] ? ": " : "", v.why);
    } else {
        dir = fcntl(e->dir, F_DUPFD_CLOEXEC, 3);
        if (dir < 0) {
            wh_fail_errno(err, WH_UNAVAILABLE, "connect to an engine");
        }
    }
    pthread_mutex_unlock(&s->lock);
    return dir;
}

static bool on_connect(struct engines *s, struct proc_request *rq,
                       struct wh_err *err)
{
    char weights[WH_SHA256_HEX + 1];
    const struct timespec nap = {0, DIAL_AGAIN_NS};
    if (!engine_read_weights(rq->msg, weights, err)) {
        return false;
    }
    int dir = ready_dir(s, weights, err);
    if (dir < 0) {
        return false;
    }
    int64_t end = wh_mono_us() + DIAL_US;
    int fd = engine_dial(dir);
    while (fd < 0 && errno == EAGAIN && wh_mono_us() < end) {
        (void)nanosleep(&nap, NULL);
        fd = engine_dial(dir);
    }
    wh_fd_close(&dir);
    if (fd < 0) {
        return wh_fail_errno(err, WH_UNAVAILABLE,
                             "the engine of this model takes no connection");
    }
    rq->reply->fds[0] = fd;
    rq->reply->nfds = 1;
    return true;
}

/* Wait until the count of changes is another one. */
static void wait_turn(struct engines *s, uint64_t seen, uint32_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    int r = 0;
    while (s->turn == seen && !s->stop && r == 0) {
        r = pthread_cond_timedwait(&s->changed, &s->lock, &until);
    }
}

static bool on_wait(struct engines *s, struct proc_request *rq,
                    struct wh_err *err)
{
    struct wh_rd r;
    struct wh_buf b;
    uint32_t n = 0;
    wh_rd_init(&r, rq->msg->body.p, rq->msg->body.n);
    uint64_t seen = wh_rd_u64le(&r);
    uint32_t ms = wh_rd_u32le(&r);
    if (!wh_rd_end(&r) || ms > ENGINE_WAIT_MS) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed message");
    }
    wh_buf_init(&b, PROC_MSG_BODY);
    pthread_mutex_lock(&s->lock);
    wait_turn(s, seen, ms);
    wh_buf_u64le(&b, s->turn);
    for (size_t i = 0; i < GATEWAY_ENGINES_MAX; i++) {
        n += s->e[i].weights[0] && s->e[i].wanted ? 1 : 0;
    }
    wh_buf_u32le(&b, n);
    for (size_t i = 0; i < GATEWAY_ENGINES_MAX; i++) {
        if (s->e[i].weights[0] && s->e[i].wanted) {
            struct gateway_engine_view v;
            engine_view(&s->e[i], &s->w, &v);
            engine_put_view(&b, &v);
        }
    }
    pthread_mutex_unlock(&s->lock);
    bool ok = reply(rq, &b, err);
    wh_buf_done(&b);
    return ok;
}

/* Is there swap that could take what is not locked? Compressed memory and what
 * device-mapper encrypts are told apart by nobody here: it is said to exist. */
static bool has_swap(void)
{
    char text[1024];
    int fd = open("/proc/swaps", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    wh_fd_close(&fd);
    text[n > 0 ? n : 0] = '\0';
    const char *line = strchr(text, '\n');
    return n <= 0 || (line && line[1] != '\0');
}

static bool on_status(struct engines *s, struct proc_request *rq,
                      struct wh_err *err)
{
    struct gateway_engines_status st = {
        .there = true, .budget = s->budget, .missing = s->missing};
    struct wh_err why = {0};
    struct wh_buf b;
    pthread_mutex_lock(&s->lock);
    (void)able(s, &why);
    st.used = used(s);
    (void)snprintf(st.program, sizeof st.program, "%.250s", s->w.program.path);
    (void)snprintf(st.why_not, sizeof st.why_not, "%s", s->why_not);
    pthread_mutex_unlock(&s->lock);
    st.swap = has_swap();
    wh_buf_init(&b, PROC_MSG_BODY);
    engine_put_status(&b, &st);
    bool ok = reply(rq, &b, err);
    wh_buf_done(&b);
    return ok;
}

static const struct {
    uint16_t type;
    bool (*op)(struct engines *s, struct proc_request *rq, struct wh_err *err);
} ops[] = {
    {ENGINE_MSG_START, on_start},     {ENGINE_MSG_STOP, on_stop},
    {ENGINE_MSG_CONNECT, on_connect}, {ENGINE_MSG_WAIT, on_wait},
    {ENGINE_MSG_STATUS, on_status},
};

static bool handle(void *ctx, struct proc_request *rq, struct wh_err *err)
{
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (ops[i].type == rq->msg->type) {
            return ops[i].op(ctx, rq, err);
        }
    }
    return wh_fail(err, WH_BAD_REQUEST, "no such operation");
}

/* ---- running them ---- */

/* One turn of all; fills the places to poll. Returns how many, and in owner[]
 * whose they are. Under the lock. */
static unsigned turn_all(struct engines *s, struct pollfd *p, size_t *owner,
                         int64_t *next)
{
    unsigned n = 0;
    int64_t now = wh_mono_us();
    for (size_t i = 0; i < GATEWAY_ENGINES_MAX; i++) {
        struct engine *e = &s->e[i];
        if (e->weights[0] && engine_turn(e, &s->w, now)) {
            tell(s);
        }
        if (e->weights[0]) {
            owner[n / ENGINE_POLLS] = i;
            n += engine_polls(e, p + n, next);
        }
    }
    return n;
}

static void *run_main(void *arg)
{
    struct engines *s = arg;
    struct pollfd p[GATEWAY_ENGINES_MAX * ENGINE_POLLS + 1];
    size_t owner[GATEWAY_ENGINES_MAX];
    uint64_t eaten;
    wh_panic_context("engines");
    for (;;) {
        int64_t next = wh_mono_us() + IDLE_MS * 1000LL;
        pthread_mutex_lock(&s->lock);
        bool stop = s->stop;
        unsigned n = turn_all(s, p + 1, owner, &next);
        pthread_mutex_unlock(&s->lock);
        if (stop) {
            return NULL;
        }
        int64_t left = next - wh_mono_us();
        p[0] = (struct pollfd){.fd = s->wake, .events = POLLIN};
        (void)poll(p, n + 1, left > 0 ? (int)(left / 1000 + 1) : 0);
        ssize_t ate = read(s->wake, &eaten, sizeof eaten);
        (void)ate; /* one read takes the whole count */
        pthread_mutex_lock(&s->lock);
        for (unsigned i = 0; i < n; i += ENGINE_POLLS) {
            struct engine *e = &s->e[owner[i / ENGINE_POLLS]];
            if (e->weights[0] && engine_events(e, &s->w, p + 1 + i,
                                               ENGINE_POLLS, wh_mono_us())) {
                tell(s);
            }
        }
        pthread_mutex_unlock(&s->lock);
    }
}

/* ---- begin and end ---- */

/* Remove what a former process left there, perhaps as another user. */
static void empty_dir(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
        int sub = openat(dir, e->d_name,
                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (e->d_name[0] != '.' && sub >= 0) {
            (void)unlinkat(sub, ENGINE_SOCKET, 0);
            (void)unlinkat(dir, e->d_name, AT_REMOVEDIR);
        }
        wh_fd_close(&sub);
    }
    if (d) {
        (void)closedir(d);
    }
}

/* DATA/run/engines, this process's own. */
static bool open_dir(struct engines *s, struct wh_err *err)
{
    const struct gateway_engines_process *c = s->conf;
    int run = open(c->run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    bool ok = run >= 0 &&
              (mkdirat(run, ENGINE_SERVICE, 0700) == 0 || errno == EEXIST);
    if (ok) {
        s->w.dir = openat(run, ENGINE_SERVICE,
                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        ok = s->w.dir >= 0 &&
             (c->uid == 0 || fchown(s->w.dir, c->uid, c->gid) == 0);
    }
    wh_fd_close(&run);
    if (!ok) {
        return wh_fail_errno(err, WH_IO, "open the folder of the engines");
    }
    empty_dir(s->w.dir);
    return true;
}

static bool lock_in(struct engines *s, struct wh_err *err)
{
    struct rlimit all = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    struct proc_sandbox box = {.uid = s->conf->uid,
                               .gid = s->conf->gid,
                               .files = true,
                               .limit_files = 4096};
    (void)setrlimit(RLIMIT_MEMLOCK, &all); /* told by `locked` if it fails */
    proc_cage_prepare();
    if (!proc_sandbox_enter(&box, &s->missing, err)) {
        return false;
    }
    proc_state_log(s->missing);
    return true;
}

static unsigned cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 1 ? (unsigned)n - 1 : 1;
}

static bool begin(struct engines *s, struct wh_err *err)
{
    const struct gateway_engines_process *c = s->conf;
    pthread_condattr_t attr;
    struct sysinfo si;
    struct wh_err why = {0};
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attr);
    pthread_condattr_destroy(&attr);
    for (size_t i = 0; i < GATEWAY_ENGINES_MAX; i++) {
        engine_clear(&s->e[i]);
    }
    s->turn = 1;
    s->w = (struct engine_world){.times = c->times ? *c->times
                                                   : engine_times_usual(),
                                 .bwrap = {.file = -1, .dir = -1},
                                 .program = {.file = -1, .dir = -1},
                                 .filter = -1,
                                 .dir = -1,
                                 .memory = c->memory,
                                 .threads = c->threads ? c->threads : cores()};
    s->budget = c->budget;
    if (s->budget == 0 && sysinfo(&si) == 0) {
        s->budget = (uint64_t)si.totalram * si.mem_unit / 2;
    }
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->wake < 0 || !open_dir(s, err)) {
        return s->wake >= 0 ? false
                            : wh_fail_errno(err, WH_OUTSIDE, "make an event");
    }
    /* what this user can reach may be out of reach for the next one */
    find_programs(s, &why);
    if (!lock_in(s, err)) {
        return false;
    }
    why = (struct wh_err){0};
    if (!able(s, &why)) {
        wh_log_err(WH_WARN, "engine.none", &why);
    }
    return true;
}

static void finish(struct engines *s)
{
    for (size_t i = 0; i < GATEWAY_ENGINES_MAX; i++) {
        struct engine *e = &s->e[i];
        if (e->pid != 0) {
            (void)kill(e->pid, SIGKILL);
            (void)waitpid(e->pid, NULL, 0);
            e->pid = 0;
        }
        if (e->weights[0]) {
            engine_drop(e);
        }
    }
    proc_cage_program_done(&s->w.bwrap);
    proc_cage_program_done(&s->w.program);
    wh_fd_close(&s->w.filter);
    wh_fd_close(&s->w.dir);
    wh_fd_close(&s->wake);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
}

/* The two threads beside the service; SIGTERM is the service's. */
static bool start_threads(struct engines *s, pthread_t t[2], unsigned *n,
                          struct wh_err *err)
{
    void *(*const mains[2])(void *) = {run_main, hand_main};
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, NULL);
    for (*n = 0; *n < 2; (*n)++) {
        int r = pthread_create(&t[*n], NULL, mains[*n], s);
        if (r != 0) {
            errno = r;
            return wh_fail_errno(err, WH_IO, "start a thread");
        }
    }
    return true;
}

bool gateway_engines_serve(const struct gateway_engines_process *c,
                           struct wh_err *err)
{
    struct engines *s = wh_alloc(sizeof *s);
    pthread_t threads[2];
    unsigned n = 0;
    s->conf = c;
    struct proc_service service = {.name = ENGINE_SERVICE,
                                   .listen_fd = c->listen_fd,
                                   .threads = THREADS,
                                   .max_conns = CONNS,
                                   .npeers = c->npeers,
                                   .arena_ceiling = ARENA,
                                   .ctx = s,
                                   .handle = handle};
    memcpy(service.peers, c->peers, sizeof service.peers);
    bool ok = begin(s, err) && start_threads(s, threads, &n, err) &&
              proc_service_run(&service, err);
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    wake(s);
    for (unsigned i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }
    finish(s);
    wh_free(s);
    return ok;
}
