/*
 * serve.c - `weighhouse serve`: the parent of all processes. It reads the
 * settings, makes the folders and the listening sockets, forks the children
 * and restarts them; it reads nothing from anybody.
 */
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/processes.h"
#include "net/server.h"
#include "proc/service.h"
#include "proc/supervise.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

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

static bool load(struct wh_arena *a, const struct options *o, struct conf *conf,
                 struct wh_err *err)
{
    return conf_load(a, o->config, conf, err) &&
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

static bool listen_all(struct wh_arena *a, struct cmd_serve *s,
                       struct wh_err *err)
{
    const char *run = s->paths.run;
    const char *host = "";
    uint16_t port = 0;

    if (!split_address(a, s->conf->http_listen, &host, &port, err) ||
        !net_listen(host, port, &s->http_fd, &s->port, err)) {
        return false;
    }
    s->url =
        wh_arena_fmt(a, strchr(host, ':') ? "http://[%s]:%u" : "http://%s:%u",
                     host, s->port)
            .p;
    s->signer_fd = proc_listen(run, "signer", 0600, err);
    s->keeper_fd =
        s->signer_fd < 0 ? -1 : proc_listen(run, "keeper", 0600, err);
    s->zygote_fd =
        s->keeper_fd < 0 ? -1 : proc_listen(run, "zygote", 0600, err);
    return s->zygote_fd >= 0;
}

static bool prepare(struct wh_arena *a, struct cmd_serve *s, struct wh_err *err)
{
    void *shared;

    if (!cmd_paths_make(a, s->conf, &s->paths, err) || !listen_all(a, s, err)) {
        return false;
    }
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
        wh_log_level(conf.log_level);
        code = proc_supervise(children, sizeof children / sizeof *children);
    }
    wh_arena_done(&a);
    return code;
}
