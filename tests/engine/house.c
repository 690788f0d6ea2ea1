/*
 * engine_house RUN PROGRAM BUDGET MEMORY SPEED UID: the process of the engines,
 * and one that plays front and keeper at once, for tests. Commands come line by
 * line on standard input, each has one line of answer:
 *
 *   open NAME FILE SLOTS   a name and the bytes of a file are to be hosted
 *   close SHA256
 *   look SHA256            state, restarts, locked, why
 *   list                   digests of all that are open
 *   connect SHA256         "ok", and the socket goes over descriptor 3
 *   ask                    used, budget, program, why not
 *   changes                how often something was said to have changed
 *
 * SPEED is "usual", "fast" for short times, or "patient" between the two. At
 * the end of the input everything stops.
 */
#include "base/enc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/engine.h"
#include "gateway/engine_proc.h"
#include "keeper/hand.h"
#include "proc/supervise.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 64
#define FD_SOCKET 3

struct house {
    const char *run;
    struct gateway_engines_process engines;
    struct engine_times times;
    int hand; /* the keeper's end */
    struct keeper_giver *giver;
    struct gateway_engines *g;
    struct file {
        char sha256[WH_SHA256_HEX + 1];
        char path[1024];
    } files[FILES_MAX];
    unsigned nfiles;
    atomic_uint changes;
};

/* ---- the keeper's part ---- */

static int sealed(const char *path, uint64_t *bytes)
{
    struct stat st;
    int in = open(path, O_RDONLY | O_CLOEXEC);
    int fd = memfd_create("weights", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    char *piece = wh_alloc((size_t)1 << 20);
    ssize_t n;
    wh_assert(in >= 0 && fd >= 0 && fstat(in, &st) == 0);
    while ((n = read(in, piece, (size_t)1 << 20)) > 0) {
        wh_assert(write(fd, piece, (size_t)n) == n);
    }
    wh_free(piece);
    wh_fd_close(&in);
    wh_assert(fcntl(fd, F_ADD_SEALS,
                    F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) ==
              0);
    *bytes = (uint64_t)st.st_size;
    return fd;
}

static bool load(void *ctx, const char *weights, struct wh_err *err)
{
    struct house *h = ctx;
    struct keeper_hand hand = {.fd = -1};
    bool there = false, locked = false, ok = false;
    memcpy(hand.sha256, weights, sizeof hand.sha256);
    for (unsigned i = 0; i < h->nfiles; i++) {
        struct stat st;
        if (strcmp(h->files[i].sha256, weights) == 0 &&
            stat(h->files[i].path, &st) == 0) {
            hand.bytes = (uint64_t)st.st_size;
            ok = keeper_giver_room(h->giver, &hand, &there, err);
            if (ok && !there) {
                hand.fd = sealed(h->files[i].path, &hand.bytes);
                ok = keeper_giver_give(h->giver, &hand, &locked, err);
                wh_fd_close(&hand.fd);
            }
            return ok;
        }
    }
    return wh_fail(err, WH_NOT_FOUND, "no such file");
}

/* ---- commands ---- */

static void digest(const char *path, char hex[WH_SHA256_HEX + 1])
{
    struct wh_sha256 sha;
    uint8_t out[WH_SHA256_LEN];
    char *piece = wh_alloc((size_t)1 << 20);
    int in = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    wh_assert(in >= 0);
    wh_sha256_init(&sha);
    while ((n = read(in, piece, (size_t)1 << 20)) > 0) {
        wh_sha256_add(&sha, piece, (size_t)n);
    }
    wh_sha256_get(&sha, out);
    wh_sha256_done(&sha);
    wh_hex_enc(out, sizeof out, hex);
    wh_fd_close(&in);
    wh_free(piece);
}

static void do_open(struct house *h, char *name, char *path, char *slots)
{
    struct wh_err err = {0};
    wh_assert(h->nfiles < FILES_MAX && strlen(path) < sizeof h->files[0].path);
    struct file *f = &h->files[h->nfiles];
    memcpy(f->path, path, strlen(path) + 1);
    digest(path, f->sha256);
    h->nfiles++;
    struct gateway_engine_wish w = {.weights = f->sha256,
                                    .name = wh_str_of(name),
                                    .slots = (unsigned)strtoul(slots, NULL, 10),
                                    .context = 1024};
    bool ok = gateway_engine_open(h->g, &w, &err);
    printf("%s %s\n", ok ? "ok" : "no", ok ? f->sha256 : err.msg);
}

static void do_look(struct house *h, const char *weights)
{
    struct gateway_engine_view v;
    if (!gateway_engine_look(h->g, weights, &v)) {
        printf("none\n");
        return;
    }
    printf("%s %u %d %s\n", gateway_engine_word(v.state), v.restarts, v.locked,
           v.why);
}

static void do_list(struct house *h)
{
    struct gateway_engine_view v[GATEWAY_ENGINES_MAX];
    size_t n = gateway_engine_list(h->g, v, GATEWAY_ENGINES_MAX);
    for (size_t i = 0; i < n; i++) {
        printf("%s%s", i ? " " : "", v[i].weights);
    }
    printf("\n");
}

static void pass_fd(int fd)
{
    char byte = 'f';
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec iov = {&byte, 1};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    wh_assert(sendmsg(FD_SOCKET, &m, MSG_NOSIGNAL) == 1);
}

static void do_connect(struct house *h, const char *weights)
{
    struct wh_err err = {0};
    int fd = gateway_engine_connect(h->g, weights, &err);
    if (fd < 0) {
        printf("no %s %s\n", wh_err_row(err.code)->name, err.msg);
        return;
    }
    pass_fd(fd);
    wh_fd_close(&fd);
    printf("ok\n");
}

static void do_ask(struct house *h)
{
    struct gateway_engines_status s;
    gateway_engines_ask(h->g, &s);
    printf("%llu %llu [%s] %s\n", (unsigned long long)s.used,
           (unsigned long long)s.budget, s.program, s.why_not);
}

static void command(struct house *h, char *line)
{
    char *save = NULL, *w[4] = {NULL, NULL, NULL, NULL};
    char none[] = "";
    line[strcspn(line, "\n")] = '\0';
    for (int i = 0; i < 4; i++) {
        w[i] = strtok_r(i == 0 ? line : NULL, " ", &save);
        w[i] = w[i] ? w[i] : none;
    }
    if (strcmp(w[0], "open") == 0) {
        do_open(h, w[1], w[2], w[3]);
    } else if (strcmp(w[0], "close") == 0) {
        gateway_engine_close(h->g, w[1]);
        printf("ok\n");
    } else if (strcmp(w[0], "look") == 0) {
        do_look(h, w[1]);
    } else if (strcmp(w[0], "list") == 0) {
        do_list(h);
    } else if (strcmp(w[0], "connect") == 0) {
        do_connect(h, w[1]);
    } else if (strcmp(w[0], "ask") == 0) {
        do_ask(h);
    } else if (strcmp(w[0], "changes") == 0) {
        printf("%u\n", atomic_load(&h->changes));
    } else {
        printf("what?\n");
    }
    (void)fflush(stdout);
}

/* ---- processes ---- */

static void changed(void *ctx)
{
    struct house *h = ctx;
    atomic_fetch_add(&h->changes, 1);
}

static int engines_main(void *arg)
{
    struct house *h = arg;
    struct wh_err err = {0};
    wh_fd_close(&h->hand);
    bool ok = gateway_engines_serve(&h->engines, &err);
    if (!ok) {
        wh_log_err(WH_ERROR, "engines", &err);
    }
    return ok ? 0 : 4;
}

static int front_main(void *arg)
{
    struct house *h = arg;
    struct wh_err err = {0};
    char line[2048];
    wh_fd_close(&h->engines.hand_fd);
    h->giver = keeper_giver_new(h->hand);
    struct gateway_engines_config c = {.run_dir = h->run,
                                       .load = load,
                                       .load_ctx = h,
                                       .changed = changed,
                                       .changed_ctx = h};
    h->g = gateway_engines_new(&c, &err);
    wh_assert(h->g != NULL);
    proc_child_ready();
    printf("ready\n");
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        command(h, line);
    }
    gateway_engines_free(&h->g);
    keeper_giver_free(&h->giver);
    return 2; /* that is all: the parent stops the others */
}

/* Short ones, so that a test sees an engine fail more than once. */
static void set_times(struct engine_times *t, const char *speed)
{
    *t = engine_times_usual();
    if (strcmp(speed, "fast") == 0) {
        *t = (struct engine_times){.start = 5000000,
                                   .stop = 500000,
                                   .backoff_first = 100000,
                                   .backoff_most = 400000,
                                   .calm = 60000000,
                                   .probe_every = 100000,
                                   .probe_wait = 1500000,
                                   .misses = 3};
    } else if (strcmp(speed, "patient") == 0) {
        t->backoff_first = 100000;
        t->probe_wait = 2000000;
    }
}

int main(int argc, char **argv)
{
    static struct house h;
    struct wh_err err = {0};
    int pair[2];
    if (argc != 7) {
        fprintf(stderr, "usage: see the top of house.c\n");
        return 2;
    }
    wh_log_level(getenv("WH_TEST_LOG") ? WH_INFO : WH_ERROR);
    h.run = argv[1];
    set_times(&h.times, argv[5]);
    wh_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    h.hand = pair[0];
    uid_t uid = (uid_t)strtoul(argv[6], NULL, 10);
    int listener = proc_listen(h.run, "engines", 0600, &err);
    wh_assert(listener >= 0);
    h.engines =
        (struct gateway_engines_process){.listen_fd = listener,
                                         .hand_fd = pair[1],
                                         .run_dir = h.run,
                                         .peers = {geteuid()},
                                         .npeers = 1,
                                         .uid = uid,
                                         .gid = uid,
                                         .program = argv[2],
                                         .budget = strtoull(argv[3], NULL, 10),
                                         .memory = strtoull(argv[4], NULL, 10),
                                         .times = &h.times};
    const struct proc_child children[] = {
        {"engines", engines_main, &h, 5000},
        {"front", front_main, &h, 5000},
    };
    return proc_supervise(children, 2);
}
