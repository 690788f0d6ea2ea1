/*
 * http_load.c - GET requests to a server on this machine, at a fixed rate or as
 * fast as they are answered, and how long each kind took.
 *
 *   http_load PORT RATE SECONDS CONNECTIONS FILE
 *
 * FILE has one request a line: a word for its kind, a blank, its target. They
 * are asked in this order, again and again. At a rate, times count from the
 * moment a request was due, so that waiting behind a slow neighbour is seen;
 * with RATE 0 each connection asks again at once. HTTP_LOAD_HEADER in the
 * environment is a header line for every request. Prints one line of JSON.
 */
#include "base/file.h"
#include "base/mem.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define KINDS 8
#define CONNECTIONS_MAX 256u
#define SAMPLES_MAX 4000000u
#define INPUT_MAX ((size_t)64 << 20)
#define ANSWER_MAX ((size_t)4 << 20)

struct target {
    unsigned kind;
    struct wh_str path;
};

struct load {
    uint16_t port;
    uint64_t rate;
    int64_t start, end;
    unsigned most; /* requests in all */
    const char *header;
    struct target *targets;
    size_t ntargets;
    struct wh_str kinds[KINDS];
    unsigned nkinds;
    atomic_uint next;
    /* by request */
    int32_t *took;
    unsigned char *kind;
    bool *failed;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "http_load: %s\n", what);
    _exit(4);
}

/* ---- what is to be asked ---- */

static unsigned kind_of(struct load *l, struct wh_str word)
{
    for (unsigned i = 0; i < l->nkinds; i++) {
        if (wh_str_eq(l->kinds[i], word)) {
            return i;
        }
    }
    if (l->nkinds == KINDS) {
        die("too many kinds of requests");
    }
    l->kinds[l->nkinds] = word;
    return l->nkinds++;
}

static void read_targets(struct load *l, struct wh_arena *a, const char *path)
{
    struct wh_err err = {0};
    struct wh_str text, one, word;
    size_t lines = 1;

    if (!wh_file_read(a, path, INPUT_MAX, &text, &err)) {
        die(err.msg);
    }
    for (size_t i = 0; i < text.n; i++) {
        lines += text.p[i] == '\n';
    }
    l->targets = wh_arena_array(a, lines, sizeof *l->targets);
    while (text.n > 0) {
        wh_str_cut(&text, '\n', &one);
        if (wh_str_cut(&one, ' ', &word)) {
            l->targets[l->ntargets++] =
                (struct target){.kind = kind_of(l, word), .path = one};
        }
    }
    if (l->ntargets == 0) {
        die("no requests to ask");
    }
}

/* ---- one connection ---- */

struct connection {
    struct load *load;
    pthread_t thread;
    int fd;
    char *buf; /* ANSWER_MAX bytes */
};

static int dial(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
        die("can not connect");
    }
    return fd;
}

/* Bytes of the whole answer; 0 while its head is incomplete. */
static size_t answer_size(const char *p, size_t n)
{
    struct wh_str head = wh_str_mem(p, n), one, name;
    uint64_t length = 0;
    size_t end = wh_str_find_str(head, WH_S("\r\n\r\n"));

    if (end == SIZE_MAX) {
        return 0;
    }
    head = wh_str_sub(head, 0, end);
    while (head.n > 0) {
        wh_str_cut(&head, '\n', &one);
        if (wh_str_cut(&one, ':', &name) &&
            wh_str_ieq(name, WH_S("content-length")) &&
            (!wh_str_u64(wh_str_trim(one), &length) || length > ANSWER_MAX)) {
            die("an answer that is too long");
        }
    }
    return end + 4 + (size_t)length;
}

/* Ask, and read the whole answer. False: it was not a 200. */
static bool ask(struct connection *c, const struct target *t)
{
    size_t have = 0, want = 0;
    int n = snprintf(c->buf, ANSWER_MAX,
                     "GET %.*s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s%s\r\n",
                     WH_FMT(t->path), c->load->port, c->load->header,
                     *c->load->header ? "\r\n" : "");

    if (send(c->fd, c->buf, (size_t)n, MSG_NOSIGNAL) != n) {
        die("the server closed a connection");
    }
    while (want == 0 || have < want) {
        ssize_t got = have < ANSWER_MAX
                          ? recv(c->fd, c->buf + have, ANSWER_MAX - have, 0)
                          : 0;
        if (got <= 0) {
            die("an answer ended early");
        }
        have += (size_t)got;
        want = want ? want : answer_size(c->buf, have);
    }
    return have > 12 && memcmp(c->buf, "HTTP/1.1 200", 12) == 0;
}

static void sleep_until(int64_t due)
{
    int64_t left;
    while ((left = due - wh_mono_us()) > 0) {
        struct timespec t = {left / 1000000, (left % 1000000) * 1000};
        nanosleep(&t, NULL);
    }
}

static void *run(void *arg)
{
    struct connection *c = arg;
    struct load *l = c->load;
    unsigned i;

    while ((i = atomic_fetch_add(&l->next, 1)) < l->most) {
        const struct target *t = &l->targets[i % l->ntargets];
        int64_t due = wh_mono_us();
        if (l->rate > 0) {
            due = l->start + (int64_t)(i * UINT64_C(1000000) / l->rate);
            sleep_until(due);
        } else if (due >= l->end) {
            break;
        }
        l->failed[i] = !ask(c, t);
        l->kind[i] = (unsigned char)(t->kind + 1);
        l->took[i] = (int32_t)(wh_mono_us() - due);
    }
    return NULL;
}

/* ---- the report ---- */

static int by_time(const void *x, const void *y)
{
    int32_t p = *(const int32_t *)x, q = *(const int32_t *)y;
    return p < q ? -1 : p > q;
}

/* Of n sorted times in microseconds, in milliseconds. */
static double quantile(const int32_t *sorted, size_t n, unsigned percent)
{
    size_t at = n * percent / 100;
    return (double)sorted[at < n ? at : n - 1] / 1e3;
}

static void report_kind(const struct load *l, unsigned kind, int32_t *times)
{
    size_t n = 0, failed = 0;

    for (unsigned i = 0; i < l->most; i++) {
        if (l->kind[i] == kind + 1) {
            times[n++] = l->took[i];
            failed += l->failed[i];
        }
    }
    if (n == 0) {
        return;
    }
    qsort(times, n, sizeof *times, by_time);
    printf(", \"%.*s\": {\"n\": %zu, \"failed\": %zu, \"p50\": %.3f, \"p90\": "
           "%.3f, \"p99\": %.3f, \"max\": %.3f}",
           WH_FMT(l->kinds[kind]), n, failed, quantile(times, n, 50),
           quantile(times, n, 90), quantile(times, n, 99),
           quantile(times, n, 100));
}

static void report(const struct load *l, int64_t us)
{
    int32_t *times = wh_calloc(l->most, sizeof *times);
    size_t n = 0;

    for (unsigned i = 0; i < l->most; i++) {
        n += l->kind[i] != 0;
    }
    printf("{\"requests\": %zu, \"seconds\": %.3f", n, (double)us / 1e6);
    for (unsigned k = 0; k < l->nkinds; k++) {
        report_kind(l, k, times);
    }
    printf("}\n");
    wh_free(times);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
    uint64_t n;
    if (!wh_str_u64(wh_str_of(text), &n) || n < least || n > most) {
        die("usage: http_load PORT RATE SECONDS CONNECTIONS FILE");
    }
    return n;
}

int main(int argc, char **argv)
{
    struct wh_arena a;
    struct load l = {0};
    const char *header = getenv("HTTP_LOAD_HEADER");

    if (argc != 6) {
        die("usage: http_load PORT RATE SECONDS CONNECTIONS FILE");
    }
    l.port = (uint16_t)number(argv[1], 1, UINT16_MAX);
    l.rate = number(argv[2], 0, 100000);
    l.header = header ? header : "";
    uint64_t seconds = number(argv[3], 1, 600);
    unsigned n = (unsigned)number(argv[4], 1, CONNECTIONS_MAX);
    l.most = SAMPLES_MAX;
    if (l.rate > 0 && l.rate * seconds < l.most) {
        l.most = (unsigned)(l.rate * seconds);
    }
    wh_arena_init(&a, 2 * INPUT_MAX);
    read_targets(&l, &a, argv[5]);
    l.took = wh_calloc(l.most, sizeof *l.took);
    l.kind = wh_calloc(l.most, sizeof *l.kind);
    l.failed = wh_calloc(l.most, sizeof *l.failed);
    struct connection *c = wh_calloc(n, sizeof *c);
    for (unsigned i = 0; i < n; i++) {
        c[i] = (struct connection){
            .load = &l, .fd = dial(l.port), .buf = wh_alloc(ANSWER_MAX)};
    }
    l.start = wh_mono_us();
    l.end = l.start + (int64_t)seconds * 1000000;
    for (unsigned i = 0; i < n; i++) {
        if (pthread_create(&c[i].thread, NULL, run, &c[i]) != 0) {
            die("no thread");
        }
    }
    for (unsigned i = 0; i < n; i++) {
        pthread_join(c[i].thread, NULL);
        wh_fd_close(&c[i].fd);
        wh_free(c[i].buf);
    }
    report(&l, wh_mono_us() - l.start);
    wh_free(c);
    wh_free(l.took);
    wh_free(l.kind);
    wh_free(l.failed);
    wh_arena_done(&a);
    return 0;
}
