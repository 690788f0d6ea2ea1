/*
 * engine_load.c - an engine that costs next to nothing, and the clients that a
 * gateway in front of it has; for tests/bench/gateway.py.
 *
 *   engine_load engine PORT CHUNKS EVERY_MS
 *       answers POSTs at once with 600 bytes of JSON; those whose body asks for
 *       a stream with CHUNKS events (0: without end), one each EVERY_MS
 *   engine_load post PORT CONNECTIONS SECONDS FILE [HEADER ...]
 *       POSTs the file, on each connection again as soon as it is answered
 *   engine_load streams PORT CONNECTIONS SECONDS FILE [HEADER ...]
 *       POSTs it once on each connection and counts the events that come; when
 *       all streams have begun, "open" is written to standard output, and after
 *       SECONDS, at the end of standard input, or when all have ended, the
 *       figures: one line of JSON
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKS 16384
#define SAMPLES 4000000
#define IN_MAX 65536

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "engine_load: %s: %s\n", what, strerrordesc_np(errno));
    _exit(4);
}

/* Who ignores what a peer that left does not take. */
static void put(int fd, const void *p, size_t n)
{
    (void)!send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static uint64_t number(const char *text)
{
    uint64_t v = 0;
    if (!wh_str_u64(wh_str_of(text), &v)) {
        fprintf(stderr, "engine_load: '%s' is no number\n", text);
        _exit(2);
    }
    return v;
}

static int poller;

static void watch(int fd, size_t i)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = i};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &ev) != 0) {
        die("epoll");
    }
}

/* --- the engine ----------------------------------------------------------- */

struct peer {
    int fd; /* 0: free */
    bool streaming;
    uint64_t sent;
    struct wh_buf in;
};

static struct peer peers[SOCKS];
static uint64_t chunks, every_ms;

static const char HEAD[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream"
                           "\r\nTransfer-Encoding: chunked\r\n\r\n";
static const char DELTA[] =
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\","
    "\"created\":1700000000,\"model\":\"m\",\"choices\":[{\"index\":0,"
    "\"delta\":{\"content\":\" word\"},\"finish_reason\":null}]}\n\n";
static const char LAST[] =
    "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\","
    "\"created\":1700000000,\"model\":\"m\",\"choices\":[{\"index\":0,"
    "\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

static void put_chunk(int fd, const char *p, size_t n)
{
    char out[1024];
    int len = snprintf(out, sizeof out, "%zx\r\n%.*s\r\n", n, (int)n, p);
    put(fd, out, (size_t)len);
}

static void answer_whole(int fd)
{
    static char out[1024];
    static int n;
    if (n == 0) {
        char body[700];
        int len = snprintf(
            body, sizeof body,
            "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":"
            "1700000000,\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{"
            "\"role\":\"assistant\",\"content\":\"%0300d\"},\"logprobs\":null,"
            "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":400,"
            "\"completion_tokens\":75,\"total_tokens\":475}}",
            7);
        n = snprintf(out, sizeof out,
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                     "Content-Length: %d\r\n\r\n%s",
                     len, body);
    }
    put(fd, out, (size_t)n);
}

/* A request, if it has come whole; true if one was taken. */
static bool take(struct peer *p)
{
    struct wh_str all = wh_buf_str(&p->in);
    size_t end = wh_str_find_str(all, WH_S("\r\n\r\n"));
    if (end == SIZE_MAX) {
        return false;
    }
    uint64_t length = 0;
    struct wh_str head = wh_str_sub(all, 0, end + 2), line;
    while (wh_str_cut(&head, '\n', &line)) {
        struct wh_str value = wh_str_trim(line), name;
        if (wh_str_cut(&value, ':', &name) &&
            wh_str_ieq(name, WH_S("content-length"))) {
            (void)wh_str_u64(wh_str_trim(value), &length);
        }
    }
    if (all.n < end + 4 + length) {
        return false;
    }
    struct wh_str body = wh_str_sub(all, end + 4, length);
    if (wh_str_find_str(body, WH_S("\"stream\":true")) != SIZE_MAX) {
        p->streaming = true;
        p->sent = 0;
        put(p->fd, HEAD, sizeof HEAD - 1);
    } else {
        answer_whole(p->fd);
    }
    wh_buf_drop(&p->in, end + 4 + length);
    return true;
}

static void drop(struct peer *p)
{
    (void)close(p->fd);
    wh_buf_done(&p->in);
    *p = (struct peer){0};
}

static void hear(struct peer *p)
{
    char *to = wh_buf_room(&p->in, IN_MAX);
    ssize_t n = to == NULL ? 0 : recv(p->fd, to, IN_MAX, 0);
    if (n <= 0) {
        drop(p);
        return;
    }
    wh_buf_grew(&p->in, (size_t)n);
    while (take(p)) {
    }
}

static void tick(void)
{
    for (size_t i = 1; i < SOCKS; i++) {
        struct peer *p = &peers[i];
        if (p->fd > 0 && p->streaming) {
            put_chunk(p->fd, DELTA, sizeof DELTA - 1);
            if (++p->sent == chunks) {
                put_chunk(p->fd, LAST, sizeof LAST - 1);
                put(p->fd, "0\r\n\r\n", 5);
                p->streaming = false;
            }
        }
    }
}

static void greet(int listener)
{
    int fd, one = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        size_t i = 1;
        while (i < SOCKS && peers[i].fd > 0) {
            i++;
        }
        if (i == SOCKS) {
            (void)close(fd);
            return;
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        peers[i].fd = fd;
        wh_buf_init(&peers[i].in, (size_t)4 << 20);
        watch(fd, i);
    }
}

static void engine(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct epoll_event ev[256];
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (void *)&at, sizeof at) != 0 || listen(fd, 4096) != 0) {
        die("listening");
    }
    watch(fd, 0);
    int64_t due = wh_mono_us() + (int64_t)every_ms * 1000;
    for (;;) {
        int64_t left = due - wh_mono_us();
        int n =
            epoll_wait(poller, ev, 256, left > 0 ? (int)(left / 1000) + 1 : 0);
        for (int i = 0; i < n; i++) {
            size_t which = (size_t)ev[i].data.u64;
            if (which == 0) {
                greet(fd);
            } else if (peers[which].fd > 0) {
                hear(&peers[which]);
            }
        }
        if (wh_mono_us() >= due) {
            tick();
            due += (int64_t)every_ms * 1000;
        }
    }
}

/* --- the clients ---------------------------------------------------------- */

struct caller {
    int fd;
    int64_t began;
    bool begun;    /* its stream */
    uint64_t want; /* bytes of the answer that are missing; 0: head */
    struct wh_buf in;
};

static struct caller *callers;
static struct wh_buf request;
static uint64_t answered, failed, events, begun_n, ended;
static int32_t *took;

static int dial(uint16_t port, size_t i)
{
    /* one address may have only so many connections */
    struct sockaddr_in from = {
        .sin_family = AF_INET,
        .sin_addr = {htonl(INADDR_LOOPBACK + (uint32_t)(i / 1000))}};
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (bind(fd, (void *)&from, sizeof from) != 0 ||
        connect(fd, (void *)&at, sizeof at) != 0) {
        die("connecting");
    }
    return fd;
}

static void ask(struct caller *c)
{
    c->began = wh_mono_us();
    if (send(c->fd, request.p, request.n, MSG_NOSIGNAL) != (ssize_t)request.n) {
        die("sending");
    }
}

static void whole_answer(struct caller *c)
{
    if (answered < SAMPLES) {
        took[answered] = (int32_t)(wh_mono_us() - c->began);
    }
    answered++;
    ask(c);
}

static void read_whole(struct caller *c)
{
    for (;;) {
        struct wh_str all = wh_buf_str(&c->in), rest = all;
        size_t end = wh_str_find_str(all, WH_S("\r\n\r\n")), at;
        if (end == SIZE_MAX) {
            return;
        }
        failed += !wh_str_starts(all, WH_S("HTTP/1.1 200"));
        uint64_t length = 0;
        struct wh_str line;
        rest = wh_str_sub(all, 0, end + 2);
        while (wh_str_cut(&rest, '\n', &line)) {
            struct wh_str value = wh_str_trim(line), name;
            if (wh_str_cut(&value, ':', &name) &&
                wh_str_ieq(name, WH_S("content-length"))) {
                (void)wh_str_u64(wh_str_trim(value), &length);
            }
        }
        if (length == 0) { /* chunked, from Node's servers */
            struct wh_str body = wh_str_sub(all, end + 4, all.n);
            at = wh_str_find_str(body, WH_S("\r\n0\r\n\r\n"));
            if (at == SIZE_MAX) {
                return;
            }
            length = at + 7;
        }
        if (all.n < end + 4 + length) {
            return;
        }
        wh_buf_drop(&c->in, end + 4 + length);
        whole_answer(c);
    }
}

static void read_stream(struct caller *c)
{
    struct wh_str rest = wh_buf_str(&c->in);
    size_t at;
    while ((at = wh_str_find_str(rest, WH_S(" word\""))) != SIZE_MAX) {
        events++;
        begun_n += !c->begun;
        c->begun = true;
        rest = wh_str_sub(rest, at + 6, rest.n);
    }
    bool over = wh_str_find_str(rest, WH_S("0\r\n\r\n")) != SIZE_MAX;
    size_t keep = rest.n < 16 ? rest.n : 16;
    wh_buf_drop(&c->in, over ? c->in.n : c->in.n - keep);
    if (over) {
        answered++;
        ended++;
    }
}

static int by_time(const void *a, const void *b)
{
    const int32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void report(int64_t us)
{
    size_t n = answered < SAMPLES ? (size_t)answered : SAMPLES;
    size_t half = n / 2, most = n * 99 / 100;
    qsort(took, n, sizeof *took, by_time);
    printf("{\"requests\":%llu,\"failed\":%llu,\"events\":%llu,\"ended\":%llu,"
           "\"seconds\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
           (unsigned long long)answered, (unsigned long long)failed,
           (unsigned long long)events, (unsigned long long)ended,
           (double)us / 1e6, n > 0 ? (double)took[half] / 1e3 : 0.0,
           n > 0 ? (double)took[most] / 1e3 : 0.0);
}

static bool input_ended(void)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    char c;
    return poll(&p, 1, 0) > 0 && read(STDIN_FILENO, &c, 1) <= 0;
}

static void call(bool streams, uint16_t port, size_t n, uint64_t seconds)
{
    struct epoll_event ev[256];
    callers = wh_calloc(n, sizeof *callers);
    took = wh_calloc(SAMPLES, sizeof *took);
    for (size_t i = 0; i < n; i++) {
        callers[i].fd = dial(port, i);
        wh_buf_init(&callers[i].in, (size_t)1 << 20);
        watch(callers[i].fd, i);
        ask(&callers[i]);
    }
    int64_t start = wh_mono_us(), end = start + (int64_t)seconds * 1000000;
    bool open = !streams;
    while (wh_mono_us() < end && ended < n && !(streams && input_ended())) {
        int got = epoll_wait(poller, ev, 256, 50);
        for (int i = 0; i < got; i++) {
            struct caller *c = &callers[ev[i].data.u64];
            char *to = wh_buf_room(&c->in, IN_MAX);
            ssize_t r = to == NULL ? 0 : recv(c->fd, to, IN_MAX, MSG_DONTWAIT);
            if (r <= 0) {
                ended++;
                (void)epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
                continue;
            }
            wh_buf_grew(&c->in, (size_t)r);
            if (streams) {
                read_stream(c);
            } else {
                read_whole(c);
            }
        }
        if (!open && begun_n == n) {
            open = true;
            printf("open\n");
            (void)fflush(stdout);
            start = wh_mono_us();
            end = start + (int64_t)seconds * 1000000;
            events = 0;
        }
    }
    report(wh_mono_us() - start);
}

int main(int argc, char **argv)
{
    struct wh_arena a;
    struct wh_str body;
    struct wh_err err = {0};
    poller = epoll_create1(0);
    if (argc == 5 && strcmp(argv[1], "engine") == 0) {
        chunks = number(argv[3]);
        every_ms = number(argv[4]);
        engine((uint16_t)number(argv[2]));
    }
    if (argc < 6) {
        fprintf(stderr, "see the top of engine_load.c\n");
        return 2;
    }
    wh_arena_init(&a, (size_t)64 << 20);
    if (!wh_file_read(&a, argv[5], (size_t)8 << 20, &body, &err)) {
        die(err.msg);
    }
    wh_buf_init(&request, (size_t)16 << 20);
    wh_buf_fmt(&request,
               "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n"
               "Content-Type: application/json\r\nContent-Length: %zu\r\n",
               argv[2], body.n);
    for (int i = 6; i < argc; i++) {
        wh_buf_fmt(&request, "%s\r\n", argv[i]);
    }
    wh_buf_cstr(&request, "\r\n");
    wh_buf_add(&request, body);
    call(strcmp(argv[1], "streams") == 0, (uint16_t)number(argv[2]),
         (size_t)number(argv[3]), number(argv[4]));
    return 0;
}
