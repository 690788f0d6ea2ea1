/*
 * net_bench.c - the server alone, for paired measurements against nginx:
 * /json is 200 bytes by a worker, /loop the same by the loop itself, /file a
 * file by sendfile, PUT /drop takes a body and forgets it.
 *
 *   net_bench PORT LOOPS FILE      prints "ready PORT", ends on SIGTERM
 */
#include "net/server.h"

#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct bench {
    const char *file;
    char json[201];
};

static void answer_json(struct net_req *r)
{
    const struct bench *b = r->route;
    net_answer(r, 200);
    net_answer_header(r, "Content-Type", WH_S("application/json"));
    net_answer_bytes(r, wh_str_mem(b->json, sizeof b->json - 1));
    net_answer_send(r);
}

static void answer_file(struct net_req *r)
{
    const struct bench *b = r->route;
    struct stat st;
    int fd = open(b->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        wh_fd_close(&fd);
        net_answer_fault(r, 404, "no such file");
        return;
    }
    net_answer(r, 200);
    net_answer_file(r, fd, 0, (uint64_t)st.st_size);
    net_answer_send(r);
}

static void drop(struct net_req *r, void *ctx, struct wh_str piece)
{
    (void)r;
    *(uint64_t *)ctx += piece.n;
}

static void dropped(struct net_req *r, void *ctx)
{
    net_answer(r, 200);
    net_answer_bytes(
        r, wh_arena_fmt(r->arena, "%llu\n", *(unsigned long long *)ctx));
    net_answer_send(r);
}

static void take(struct net_req *r)
{
    static const struct net_sink sink = {drop, dropped, NULL};
    net_stream(r, &sink, WH_NEW(r->arena, unsigned long long));
}

static void plan(void *app, const struct net_req *r, struct net_plan *p)
{
    p->route = app;
    p->handle = answer_json;
    if (wh_str_is(r->path, "/loop")) {
        p->on_loop = true;
    } else if (wh_str_is(r->path, "/file")) {
        p->handle = answer_file;
    } else if (wh_str_is(r->path, "/drop")) {
        p->body = NET_BODY_STREAM;
        p->limit = UINT64_MAX - 1;
        p->handle = take;
    }
}

static bool number(const char *text, uint64_t max, uint64_t *out)
{
    return wh_str_u64(wh_str_of(text), out) && *out <= max;
}

int main(int argc, char **argv)
{
    struct bench b = {.file = argc == 4 ? argv[3] : NULL};
    struct wh_err err = {0};
    struct net_server *srv = NULL;
    uint64_t port = 0, loops = 0;
    uint16_t real = 0;
    sigset_t stop;
    if (argc != 4 || !number(argv[1], UINT16_MAX, &port) ||
        !number(argv[2], 64, &loops)) {
        fprintf(stderr, "usage: net_bench PORT LOOPS FILE\n");
        return 2;
    }
    memset(b.json, 'x', sizeof b.json - 1);
    struct net_conf conf = {.loops = (unsigned)loops,
                            .limits = net_limits_default(),
                            .app = &b,
                            .plan = plan};
    wh_log_level(WH_WARN); /* nginx is measured without its log too */
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    if (!net_listen("127.0.0.1", (uint16_t)port, &conf.listen_fd, &real,
                    &err) ||
        !net_server_start(&conf, &srv, &err)) {
        wh_log_err(WH_ERROR, "bench", &err);
        return 4;
    }
    printf("ready %u\n", (unsigned)real);
    fflush(stdout);
    while (sigwaitinfo(&stop, NULL) < 0 && errno == EINTR) {
    }
    net_server_stop(&srv, 1000);
    return 0;
}
