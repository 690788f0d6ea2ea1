/*
 * serve.c - `weighhouse serve`: the parent of all processes. It reads the
 * settings, makes the folders and the listening sockets, forks the children
 * and restarts them; it reads nothing from anybody.
 */
#include "base/file.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/owners.h"
#include "cmd/processes.h"
#include "net/server.h"
#include "proc/service.h"
#include "proc/supervise.h"
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOCK_STEPS 30 /* of a tenth of a second */

static int usage(FILE *out)
{
    fprintf(
        out,
        "Usage: weighhouse serve --data DIR [--listen ADDR:PORT] "
        "[--config FILE]\n\n"
        "Runs the house. The first start makes everything in DIR, writes\n"
        "DIR/admin.token and prints a sign-in link on standard error.\n"
        "Prints one line, \"ready URL\", when it answers requests; the log\n"
        "goes to standard error. SIGTERM ends it in order.\n");
    return out == stdout ? 0 : 2;
}

struct options {
    const char *data, *listen, *config;
};

/* Each option takes one value. */
static bool parse(int argc, char **argv, struct options *o)
{
    const struct {
        const char *name;
        const char **value;
    } table[] = {{"--data", &o->data},
                 {"--listen", &o->listen},
                 {"--config", &o->config}};

    for (int i = 1; i < argc; i++) {
        bool known = false;
        for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
            if (strcmp(argv[i], table[k].name) == 0 && i + 1 < argc) {
                *table[k].value = argv[++i];
                known = true;
                break;
            }
        }
        if (!known) {
            return false;
        }
    }
    return true;
}

/* A folder of the settings by its full name: processes have working folders
 * of their own. */
static void make_full(struct wh_arena *a, struct wh_str *path)
{
    char real[PATH_MAX];

    if (path->n > 0 && realpath(wh_arena_cstr(a, *path), real)) {
        *path = wh_arena_dup(a, wh_str_of(real));
    } /* else whoever opens it says so */
}

static bool load(struct wh_arena *a, const struct options *o, struct conf *conf,
                 struct wh_err *err)
{
    bool ok = conf_load(a, o->config, conf, err);

    if (ok) {
        make_full(a, &conf->lines_dir);
        make_full(a, &conf->house_templates);
    }
    return ok &&
           (!o->data ||
            conf_set(a, conf, CONF_data_dir, wh_str_of(o->data), err)) &&
           (!o->listen ||
            conf_set(a, conf, CONF_http_listen, wh_str_of(o->listen), err));
}

/* "127.0.0.1:8080", "[::1]:8080" */
static bool split_address(struct wh_arena *a, struct wh_str text,
                          const char **host, uint16_t *port, struct wh_err *err)
{
    struct wh_str h, p;
    uint64_t n;
    size_t colon = SIZE_MAX;

    for (size_t i = 0; i < text.n; i++) {
        colon = text.p[i] == ':' ? i : colon;
    }
    if (colon == SIZE_MAX) {
        return wh_fail(err, WH_USAGE, "http.listen must be ADDRESS:PORT");
    }
    h = wh_str_sub(text, 0, colon);
    p = wh_str_sub(text, colon + 1, text.n);
    if (h.n > 2 && h.p[0] == '[' && h.p[h.n - 1] == ']') {
        h = wh_str_sub(h, 1, h.n - 2);
    }
    if (!wh_str_u64(p, &n) || n > UINT16_MAX) {
        return wh_fail(err, WH_USAGE, "http.listen must be ADDRESS:PORT");
    }
    *host = wh_arena_cstr(a, h);
    *port = (uint16_t)n;
    return true;
}

static bool listen_one(const struct cmd_serve *s, const char *name,
                       enum cmd_who who, int *fd, struct wh_err *err)
{
    *fd = proc_listen(s->paths.run, name, s->users.own ? 0660 : 0600, err);
    return *fd >= 0 &&
           cmd_owners_socket(s->paths.run, name, who, &s->users, err);
}

static bool listen_all(struct wh_arena *a, struct cmd_serve *s,
                       struct wh_err *err)
{
    const char *host = "";
    uint16_t port = 0;

    if (!split_address(a, s->conf->http_listen, &host, &port, err) ||
        !net_listen(host, port, &s->http_fd, &s->port, err)) {
        return false;
    }
    s->url = wh_arena_fmt(a, strchr(host, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
                          s->conf->tls_certificate.n > 0 ? "https" : "http",
                          host, s->port)
                 .p;
    return listen_one(s, "signer", CMD_SIGNER, &s->signer_fd, err) &&
           listen_one(s, "keeper", CMD_KEEPER, &s->keeper_fd, err) &&
           listen_one(s, "zygote", CMD_SCANNER, &s->zygote_fd, err) &&
           listen_one(s, "engines", CMD_ENGINES, &s->engines_fd, err);
}

/* One house for each data folder: a second one would take the sockets away from
 * the first. The lock is the descriptor's, which all children have and nobody
 * closes; those of a parent that was killed may need a moment to go. */
static bool lock_data(const struct cmd_serve *s, struct wh_err *err)
{
    const struct timespec step = {.tv_nsec = 100 * 1000 * 1000};
    int fd = open(s->paths.run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    for (int i = 0; fd >= 0 && i < LOCK_STEPS; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            return true;
        }
        (void)nanosleep(&step, NULL);
    }
    return fd < 0 ? wh_fail_errno(err, WH_IO, s->paths.run)
                  : wh_fail(err, WH_CONFLICT,
                            "%.200s is the data folder of a house that runs",
                            s->paths.data);
}

/* For `weighhouse doctor`, who looks for our children. */
static bool write_pid(const struct cmd_serve *s, struct wh_err *err)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%d\n", (int)getpid());
    return wh_file_write_atomic(s->paths.pid, wh_str_of(text), 0644, err);
}

static bool prepare(struct wh_arena *a, struct cmd_serve *s, struct wh_err *err)
{
    void *shared;

    wh_log_level(s->conf->log_level);
    if (!cmd_users_find(a, s->conf, &s->users, err) ||
        !cmd_paths_make(a, s->conf, &s->users, &s->paths, err) ||
        !lock_data(s, err) || !cmd_owners_take(&s->paths, &s->users, err) ||
        !listen_all(a, s, err) || !write_pid(s, err) ||
        !cmd_engines_prepare(a, s, err)) {
        return false;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s->hand_fds) !=
        0) {
        return wh_fail_errno(err, WH_OUTSIDE, "make a pair of sockets");
    }
    cmd_users_log(&s->users);
    shared = mmap(NULL, sizeof *s->announced, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        return wh_fail_errno(err, WH_OUTSIDE, "shared memory");
    }
    s->announced = shared;
    return true;
}

int cmd_serve(int argc, char **argv)
{
    struct options o = {0};
    struct wh_err err = {0};
    struct wh_arena a;
    struct conf conf;
    struct cmd_serve s = {.conf = &conf};
    const struct proc_child children[] = {
        {"signer", cmd_signer_main, &s, 10000},
        {"zygote", cmd_zygote_main, &s, 5000},
        {"keeper", cmd_keeper_main, &s, 10000},
        {"engines", cmd_engines_main, &s, 5000},
        {"front", cmd_front_main, &s, 20000},
    };
    int code;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        return usage(stdout);
    }
    if (!parse(argc, argv, &o)) {
        return usage(stderr);
    }
    wh_log_process("parent");
    wh_arena_init(&a, (size_t)8 << 20);
    if (!load(&a, &o, &conf, &err) || !prepare(&a, &s, &err)) {
        code = cmd_fail("serve", &err);
    } else {
        code = proc_supervise(children, sizeof children / sizeof *children);
    }
    cmd_engines_leave(&s);
    wh_arena_done(&a);
    return code;
}
