/*
 * server.c - starting and stopping; accepting. Each loop has a duplicate of the
 * one listening socket; the kernel wakes one loop per connection.
 */
#include "net/conn.h"
#include "net/live.h"
#include "net/upstream.h"

#include "base/enc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_WORKERS 8
#define BACKLOG 1024
#define ACCEPT_TURN 64         /* connections accepted before others come */
#define ACCEPT_PAUSE_US 100000 /* after the process ran out of descriptors */
#define SPARE_BUFFERS 32

/* One loop, its thread and its listener. */
struct net_shard {
    struct net_loop loop;
    struct net_sock listener; /* fd -1: not accepting */
    pthread_t thread;
    bool running;
    struct net_server *srv;
    struct net_news stop_news;
    struct net_timer cut_timer;
    unsigned grace_ms;
    bool stopping;
};

static struct net_shard *shard_of_listener(struct net_sock *s)
{
    return (void *)((char *)s - offsetof(struct net_shard, listener));
}

/* --- accepting ------------------------------------------------------------ */

static void refuse(struct net_server *srv, int fd)
{
    static const char text[] =
        "HTTP/1.1 503 Service Unavailable\r\nServer: weighhouse\r\n"
        "Content-Type: application/json\r\nContent-Length: 33\r\n"
        "Retry-After: 5\r\nX-Error-Message: too many connections\r\n"
        "Connection: close\r\n\r\n{\"error\":\"too many connections\"}\n";
    (void)!send(fd, text, sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    wh_fd_close(&fd);
    uint64_t n = ++srv->refused;
    if ((n & (n - 1)) == 0) { /* the 1st, 2nd, 4th, ... */
        wh_log(WH_WARN, "http.refused", "connections_refused=%llu",
               (unsigned long long)n);
    }
}

static void admit(struct net_shard *sh, int fd,
                  const struct sockaddr_storage *addr)
{
    struct net_server *srv = sh->srv;
    struct net_peer_key key = net_peer_key_of(addr);
    char peer[NET_PEER] = "";
    int one = 1;
    srv->accepted++;
    if (srv->connections >= srv->conf.limits.connections ||
        !net_peers_enter(&srv->peers, &key)) {
        refuse(srv, fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    net_peer_text(addr, peer);
    net_conn_open(&sh->loop, srv, fd, &key, peer, srv->conf.tls);
}

static bool open_listener(struct net_shard *sh, struct wh_err *err)
{
    int fd = fcntl(sh->srv->conf.listen_fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return wh_fail_errno(err, WH_IO, "duplicating the listening socket");
    }
    if (!net_sock_listen(&sh->loop, &sh->listener, fd, err)) {
        wh_fd_close(&fd);
        return false;
    }
    return true;
}

static void on_connections(struct net_sock *s)
{
    struct net_shard *sh = shard_of_listener(s);
    for (unsigned i = 0; i < ACCEPT_TURN; i++) {
        struct sockaddr_storage addr = {0};
        socklen_t n = sizeof addr;
        int fd = accept4(s->fd, (struct sockaddr *)&addr, &n,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            admit(sh, fd, &addr);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
            /* the connection stays in the backlog: look again a little later
             * and not at once, again and again */
            wh_log(WH_ERROR, "http.accept", "errno=%d", errno);
            net_sock_pause(s, s->loop->now_us + ACCEPT_PAUSE_US);
        }
        if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

static void accept_again(struct net_sock *s)
{
    net_sock_unpause(s);
}

static void listener_closed(struct net_sock *s)
{
    s->fd = -1;
}

/* --- a shard -------------------------------------------------------------- */

static void for_all(struct net_shard *sh, void (*fn)(struct net_conn *c))
{
    for (struct net_sock *s = sh->loop.all, *next; s != NULL; s = next) {
        next = s->next;
        struct net_conn *c = net_conn_of(s);
        if (c != NULL) {
            fn(c);
        }
    }
}

static void cut(struct net_conn *c)
{
    net_conn_cut(c, "server stops");
}

static void on_cut(struct net_timer *t)
{
    struct net_shard *sh =
        (void *)((char *)t - offsetof(struct net_shard, cut_timer));
    for_all(sh, cut);
}

static void on_stop(struct net_news *n)
{
    struct net_shard *sh =
        (void *)((char *)n - offsetof(struct net_shard, stop_news));
    sh->stopping = true;
    net_loop_quit(&sh->loop);
    net_sock_close(&sh->listener, false);
    for_all(sh, net_conn_stop);
    net_up_close_idle(&sh->loop);
    net_timer_set(&sh->loop.wheel, &sh->cut_timer,
                  sh->loop.now_us + (int64_t)sh->grace_ms * 1000);
}

static void *shard_main(void *arg)
{
    struct net_shard *sh = arg;
    net_loop_run(&sh->loop);
    net_timer_clear(&sh->loop.wheel, &sh->cut_timer);
    return NULL;
}

static bool shard_init(struct net_shard *sh, struct net_server *srv,
                       struct wh_err *err)
{
    sh->srv = srv;
    sh->listener = (struct net_sock){.fd = -1,
                                     .advance = on_connections,
                                     .expire = accept_again,
                                     .release = listener_closed};
    sh->stop_news.fn = on_stop;
    sh->cut_timer.fire = on_cut;
    return net_loop_init(&sh->loop, srv, err) && open_listener(sh, err);
}

static void server_free(struct net_server *srv)
{
    for (unsigned i = 0; i < srv->shard_n; i++) {
        struct net_loop *l = &srv->shards[i].loop;
        if (l->rbuf != NULL && l->all != NULL) { /* never ran */
            net_sock_close(&srv->shards[i].listener, false);
        }
        net_loop_done(l);
    }
    net_pool_done(&srv->pool);
    net_peers_done(&srv->peers);
    net_budget_done(&srv->budget);
    wh_fd_close(&srv->conf.listen_fd);
    wh_free(srv->shards);
    wh_free(srv);
}

static void stop_loops(struct net_server *srv, unsigned grace_ms)
{
    for (unsigned i = 0; i < srv->shard_n; i++) {
        if (srv->shards[i].running) {
            srv->shards[i].grace_ms = grace_ms;
            net_loop_post(&srv->shards[i].loop, &srv->shards[i].stop_news);
        }
    }
    for (unsigned i = 0; i < srv->shard_n; i++) {
        if (srv->shards[i].running) {
            pthread_join(srv->shards[i].thread, NULL);
        }
    }
}

static bool start_loops(struct net_server *srv, struct wh_err *err)
{
    for (unsigned i = 0; i < srv->shard_n; i++) {
        struct net_shard *sh = &srv->shards[i];
        if (pthread_create(&sh->thread, NULL, shard_main, sh) != 0) {
            stop_loops(srv, 0);
            return wh_fail(err, WH_IO, "a loop thread could not be started");
        }
        sh->running = true;
    }
    return true;
}

/* Those of the first n lanes. */
static void stop_workers(struct net_server *srv, unsigned n)
{
    while (n-- > 0) {
        net_work_stop(&srv->work[n]);
    }
}

static bool start_workers(struct net_server *srv, struct wh_err *err)
{
    for (unsigned i = 0; i < NET_LANES; i++) {
        if (!net_work_start(&srv->work[i], &srv->conf, (enum net_lane)i, err)) {
            stop_workers(srv, i);
            return false;
        }
    }
    return true;
}

/* Threads of ours take no signals: those are the main thread's; and a broken
 * pipe is a return value. On failure no thread is left. */
static bool start_threads(struct net_server *srv, struct wh_err *err)
{
    sigset_t all, old;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    bool good = start_workers(srv, err);
    if (good && !start_loops(srv, err)) {
        stop_workers(srv, NET_LANES);
        good = false;
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return good;
}

static unsigned cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 64 ? 64 : (unsigned)n;
}

static void random_bytes(void *p, size_t n)
{
    wh_assert(getrandom(p, n, 0) == (ssize_t)n);
}

/* No share is larger than the whole, no body larger than a share. */
static void init_budget(struct net_server *srv, uint64_t seed)
{
    struct net_limits *m = &srv->conf.limits;
    if (m->body_share > m->body_memory) {
        m->body_share = m->body_memory;
    }
    if (m->body_bytes > m->body_share) {
        m->body_bytes = m->body_share;
    }
    net_budget_init(&srv->budget, m->body_memory, m->body_share,
                    (size_t)m->body_queue, seed);
}

/* --- public --------------------------------------------------------------- */

struct net_limits net_limits_default(void)
{
    return (struct net_limits){
#define NET_L(field, dflt, unit, why) .field = (dflt),
#include "net/limits.tbl"
#undef NET_L
    };
}

bool net_listen(const char *host, uint16_t port, int *fd, uint16_t *out_port,
                struct wh_err *err)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                               .sin6_port = htons(port)};
    bool six = inet_pton(AF_INET6, host, &in6.sin6_addr) == 1;
    if (!six && inet_pton(AF_INET, host, &in4.sin_addr) != 1) {
        return wh_fail(err, WH_USAGE, "'%s' is not a numeric address", host);
    }
    int one = 1;
    int s = socket(six ? AF_INET6 : AF_INET,
                   SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0) {
        return wh_fail_errno(err, WH_IO, "socket");
    }
    (void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    const struct sockaddr *a = six ? (const void *)&in6 : (const void *)&in4;
    struct sockaddr_storage got;
    socklen_t n = sizeof got;
    if (bind(s, a, six ? sizeof in6 : sizeof in4) != 0 ||
        listen(s, BACKLOG) != 0 ||
        getsockname(s, (struct sockaddr *)&got, &n) != 0) {
        (void)wh_fail_errno(err, WH_IO, "listening");
        wh_fd_close(&s);
        return wh_err_wrap(err, "%s port %u", host, (unsigned)port);
    }
    memcpy(&in4, &got,
           sizeof in4); /* the port lies in the same place in both */
    *out_port = ntohs(in4.sin_port);
    *fd = s;
    return true;
}

bool net_server_start(const struct net_conf *conf, struct net_server **out,
                      struct wh_err *err)
{
    wh_assert(conf->plan != NULL && conf->listen_fd >= 0);
    wh_assert(conf->limits.head_bytes > 0 && conf->limits.connections > 0);
    struct net_server *srv = wh_alloc(sizeof *srv);
    uint8_t boot[6];
    uint64_t seed;
    random_bytes(boot, sizeof boot);
    random_bytes(&seed, sizeof seed);
    wh_hex_enc(boot, sizeof boot, srv->boot);
    srv->conf = *conf;
    srv->conf.workers = conf->workers == 0 ? DEFAULT_WORKERS : conf->workers;
    srv->conf.long_workers = conf->long_workers == 0
                                 ? (srv->conf.workers + 1) / 2
                                 : conf->long_workers;
    srv->shard_n = conf->loops == 0 ? cores() : conf->loops;
    srv->shards = wh_calloc(srv->shard_n, sizeof *srv->shards);
    net_pool_init(&srv->pool, SPARE_BUFFERS);
    net_peers_init(&srv->peers, conf->limits.per_address, seed);
    init_budget(srv, seed);
    for (unsigned i = 0; i < srv->shard_n; i++) {
        if (!shard_init(&srv->shards[i], srv, err)) {
            srv->shard_n = i + 1;
            server_free(srv);
            return false;
        }
    }
    if (!start_threads(srv, err)) {
        server_free(srv);
        return false;
    }
    *out = srv;
    return true;
}

void net_server_stop(struct net_server **s, unsigned grace_ms)
{
    struct net_server *srv = *s;
    if (srv == NULL) {
        return;
    }
    *s = NULL;
    stop_loops(srv, grace_ms);
    stop_workers(srv, NET_LANES);
    server_free(srv);
}

unsigned net_server_loops(const struct net_server *s)
{
    return s->shard_n;
}

struct net_loop *net_server_loop(struct net_server *s, unsigned i)
{
    wh_assert(i < s->shard_n);
    return &s->shards[i].loop;
}

unsigned net_req_loop(const struct net_req *r)
{
    const struct net_loop *l = net_req_task(r)->loop;
    unsigned i = 0;
    while (&r->server->shards[i].loop != l) {
        i++;
    }
    return i;
}

struct guest {
    struct net_news news;
    struct net_shard *shard;
    int fd;
    char peer[NET_PEER];
};

static void on_guest(struct net_news *n)
{
    struct guest *g = (void *)n;
    struct net_server *srv = g->shard->srv;
    const struct net_peer_key nobody = {{0}};
    if (g->shard->stopping || !net_peers_enter(&srv->peers, &nobody)) {
        wh_fd_close(&g->fd);
    } else {
        srv->accepted++;
        net_conn_open(&g->shard->loop, srv, g->fd, &nobody, g->peer, NULL);
    }
    wh_free(g);
}

void net_server_adopt(struct net_server *s, int fd, const char *peer)
{
    struct guest *g = wh_alloc(sizeof *g);
    g->news.fn = on_guest;
    g->shard = &s->shards[(unsigned)fd % s->shard_n];
    g->fd = fd;
    (void)snprintf(g->peer, sizeof g->peer, "%s", peer);
    net_loop_post(&g->shard->loop, &g->news);
}

struct sweep {
    struct net_news news;
    struct net_shard *shard;
    uint8_t tag[NET_TAG];
};

static void on_sweep(struct net_news *n)
{
    struct sweep *sw = (void *)n;
    for (struct net_sock *s = sw->shard->loop.all, *next; s != NULL; s = next) {
        next = s->next;
        struct net_conn *c = net_conn_of(s);
        if (c != NULL && c->task != NULL &&
            net_task_has_tag(c->task, sw->tag)) {
            net_conn_cut(c, "ended");
        }
    }
    wh_free(sw);
}

void net_server_end_matching(struct net_server *s, const uint8_t tag[NET_TAG])
{
    for (unsigned i = 0; i < s->shard_n; i++) {
        struct sweep *sw = wh_alloc(sizeof *sw);
        sw->news.fn = on_sweep;
        sw->shard = &s->shards[i];
        memcpy(sw->tag, tag, NET_TAG);
        net_loop_post(&s->shards[i].loop, &sw->news);
    }
}

struct loose_job {
    struct net_job job;
    void (*fn)(void *worker, void *arg);
    void *arg;
};

static void run_loose(struct net_job *j, void *worker)
{
    struct loose_job *l = (void *)j;
    l->fn(worker, l->arg);
    wh_free(l);
}

void net_server_run(struct net_server *s, void (*fn)(void *worker, void *arg),
                    void *arg)
{
    struct loose_job *l = wh_alloc(sizeof *l);
    *l = (struct loose_job){{.fn = run_loose}, fn, arg};
    net_work_push(&s->work[NET_LANE_SHORT], &l->job);
}

struct net_stats net_server_stats(struct net_server *s)
{
    uint64_t body_bytes, body_waiting, parked = 0, jobs = 0;
    net_budget_figures(&s->budget, &body_bytes, &body_waiting);
    for (unsigned i = 0; i < NET_LANES; i++) {
        parked += s->work[i].parked;
        jobs += net_work_waiting(&s->work[i]);
    }
    return (struct net_stats){
        .connections = s->connections,
        .accepted = s->accepted,
        .refused = s->refused,
        .requests = s->requests,
        .faults = s->faults,
        .bytes_in = s->bytes_in,
        .bytes_out = s->bytes_out,
        .parked = parked,
        .buffers = net_pool_taken(&s->pool),
        .jobs_waiting = jobs,
        .body_bytes = body_bytes,
        .body_waiting = body_waiting,
    };
}
