/*
 * register_driver.c - the register without the rest of the server: for the
 * tests of recovery and for the bench.
 *
 *   register_driver DIR open             recover, print size and root
 *   register_driver DIR append N         N events, in groups of one transaction
 *   register_driver DIR single N         N events, each waited for
 *   register_driver DIR bench N THREADS  as many waiting at once; prints a row
 *   register_driver DIR hold             print the state, stay until input ends
 *
 * DIR holds house.db, register/ and keys/. With REGISTER_SIGNER_PROCESS set the
 * signer is a process of its own, as in the server. Each event that was
 * acknowledged is told: "ack <outbox> <index>". Exit code as the error table.
 */
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/time.h"
#include "proc/supervise.h"
#include "register/crash.h"
#include "register/register.h"
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUP 100
#define WAIT_US INT64_C(60000000)

struct house {
    char keys[PATH_MAX], dir[PATH_MAX], db_path[PATH_MAX], run[PATH_MAX];
    struct db_writer *writer;
    struct register_signer *signer;
    struct proc_client *client;
    pid_t signer_pid;
    struct register_log *log;
};

static int told(const struct wh_err *err)
{
    fprintf(stderr, "%s: %s (%s)\n", wh_err_row(err->code)->name, err->msg,
            err->detail);
    return wh_err_row(err->code)->exit_code;
}

/* The signer's process itself. */
static _Noreturn void run_signer(struct house *h, int fd)
{
    uid_t me = getuid();
    struct wh_err err = {0};
    proc_die_with_parent(SIGKILL);
    wh_log_process("signer");
    bool ok = register_signer_open(h->keys, &h->signer, &err) &&
              register_signer_serve(h->signer, fd, &me, 1, &err);
    register_signer_close(&h->signer);
    _exit(ok ? 0 : told(&err));
}

/* Starts it again when a crash point ended it, as the supervisor does. */
static _Noreturn void keep_signer(struct house *h, int fd)
{
    int status = 0;
    proc_die_with_parent(SIGKILL);
    for (;;) {
        pid_t pid = fork();
        if (pid == 0) {
            run_signer(h, fd);
        }
        waitpid(pid, &status, 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 99) {
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
        }
        register_crash_disarm();
    }
}

static bool fork_signer(struct house *h, struct wh_err *err)
{
    if (!wh_dir_make(h->run, 0700, err)) {
        return false;
    }
    int fd = proc_listen(h->run, REGISTER_SIGNER_NAME, 0600, err);
    if (fd < 0) {
        return false;
    }
    h->signer_pid = fork();
    if (h->signer_pid == 0) {
        keep_signer(h, fd);
    }
    close(fd);
    h->client = proc_client_new(h->run, REGISTER_SIGNER_NAME, 2, 0, err);
    return h->client != NULL;
}

static bool migrate(const char *path, struct wh_err *err)
{
    struct db *db = db_open(path, false, err);
    bool ok = db && db_migrate(db, err);
    db_close(&db);
    return ok;
}

static bool open_house(struct house *h, const char *dir, struct wh_err *err)
{
    snprintf(h->keys, sizeof h->keys, "%s/keys", dir);
    snprintf(h->dir, sizeof h->dir, "%s/register", dir);
    snprintf(h->run, sizeof h->run, "%s/run", dir);
    snprintf(h->db_path, sizeof h->db_path, "%s/house.db", dir);
    struct register_config cfg = {
        .dir = h->dir, .db_path = h->db_path, .genesis = {.software = "0.1.0"}};
    const char *free_min = getenv("REGISTER_FREE_MIN");
    cfg.free_min = free_min ? strtoull(free_min, NULL, 10) : 1;
    const char *sweep = getenv("REGISTER_SWEEP_US");
    cfg.sweep_age_us = sweep ? strtoll(sweep, NULL, 10) : 0;
    if (!wh_dir_make(dir, 0700, err)) {
        return false;
    }
    if (getenv("REGISTER_SIGNER_PROCESS")) {
        if (!fork_signer(h, err)) {
            return false;
        }
        cfg.signing = register_signer_remote(h->client);
    } else {
        if (!register_signer_open(h->keys, &h->signer, err)) {
            return false;
        }
        cfg.signing = register_signer_direct(h->signer);
    }
    if (!migrate(h->db_path, err)) {
        return false;
    }
    h->writer = db_writer_new(NULL, h->db_path, err);
    cfg.writer = h->writer;
    return h->writer && register_open(&cfg, &h->log, err);
}

static void close_house(struct house *h)
{
    register_close(&h->log);
    db_writer_free(&h->writer);
    proc_client_free(&h->client);
    register_signer_close(&h->signer);
    if (h->signer_pid > 0) {
        kill(h->signer_pid, SIGKILL); /* it holds nothing but what is synced */
        waitpid(h->signer_pid, NULL, 0);
    }
}

/* One event about a subject made from a number. */
static bool submit(struct db *db, uint64_t number, int64_t *outbox,
                   struct wh_err *err)
{
    char hex[WH_SHA256_HEX + 1];
    wh_sha256_hex_of(wh_str_mem(&number, sizeof number), hex);
    json_t *leaf = json_object();
    json_object_set_new(leaf, "type", json_string("submission"));
    json_object_set_new(leaf, "kind", json_string("model"));
    json_object_set_new(leaf, "subject", register_subject_new(wh_str_of(hex)));
    bool ok = register_submit(db, leaf, outbox, err);
    json_decref(leaf);
    return ok;
}

struct group {
    uint64_t number;
    size_t n;
    int64_t outbox[GROUP];
};

static bool submit_group(struct db *db, void *ctx, struct wh_err *err)
{
    struct group *g = ctx;
    for (size_t i = 0; i < g->n; i++) {
        if (!submit(db, g->number + i, &g->outbox[i], err)) {
            return false;
        }
    }
    return true;
}

static bool one(struct house *h, struct group *g, struct wh_err *err)
{
    return db_write(h->writer, submit_group, g, err);
}

static bool acknowledge(struct house *h, const struct group *g,
                        struct wh_err *err)
{
    for (size_t i = 0; i < g->n; i++) {
        struct register_place place;
        if (!register_wait(h->log, g->outbox[i], wh_mono_us() + WAIT_US, &place,
                           err)) {
            return false;
        }
        printf("ack %lld %llu\n", (long long)g->outbox[i],
               (unsigned long long)place.index);
    }
    fflush(stdout);
    return true;
}

/* Groups are put in without waiting for each other, up to what may wait. */
static bool append(struct house *h, uint64_t n, struct wh_err *err)
{
    for (uint64_t done = 0; done < n;) {
        struct group g = {.number = (uint64_t)wh_now_us() << 8};
        g.n = n - done < GROUP ? (size_t)(n - done) : GROUP;
        if (!one(h, &g, err)) {
            if (err->code != WH_UNAVAILABLE) {
                return false;
            }
            *err = (struct wh_err){0};
            register_kick(h->log);
            usleep(10000);
            continue;
        }
        done += g.n;
        register_kick(h->log);
        if (done == n && !acknowledge(h, &g, err)) {
            return false;
        }
    }
    return true;
}

static bool single(struct house *h, uint64_t n, struct wh_err *err)
{
    for (uint64_t i = 0; i < n; i++) {
        struct group g = {.number = (uint64_t)wh_now_us(), .n = 1};
        if (!one(h, &g, err) || !acknowledge(h, &g, err)) {
            return false;
        }
    }
    return true;
}

struct worker {
    struct house *h;
    pthread_t thread;
    uint64_t n, seed;
    int64_t *took; /* us, submit to published */
    struct wh_err err;
    bool ok;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    w->ok = true;
    for (uint64_t i = 0; w->ok && i < w->n; i++) {
        struct group g = {.number = w->seed << 32 | i, .n = 1};
        struct register_place place;
        int64_t began = wh_mono_us();
        w->ok = one(w->h, &g, &w->err) &&
                register_wait(w->h->log, g.outbox[0], began + WAIT_US, &place,
                              &w->err);
        w->took[i] = wh_mono_us() - began;
    }
    return NULL;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool bench(struct house *h, uint64_t n, size_t threads,
                  struct wh_err *err)
{
    uint64_t each = n / threads, all = each * threads;
    struct worker *w = wh_calloc(threads, sizeof *w);
    int64_t *took = wh_calloc(all, sizeof *took);
    int64_t began = wh_mono_us();
    for (size_t i = 0; i < threads; i++) {
        w[i] = (struct worker){
            .h = h, .n = each, .seed = i + 1, .took = took + i * each};
        pthread_create(&w[i].thread, NULL, work, &w[i]);
    }
    bool ok = true;
    for (size_t i = 0; i < threads; i++) {
        pthread_join(w[i].thread, NULL);
        if (!w[i].ok) {
            *err = w[i].err;
            ok = false;
        }
    }
    double s = (double)(wh_mono_us() - began) / 1e6;
    size_t median = (size_t)(all / 2), late = (size_t)(all * 99 / 100);
    qsort(took, all, sizeof *took, by_time);
    if (ok) {
        printf("{\"events\":%llu,\"waiting\":%zu,\"seconds\":%.3f,"
               "\"per_second\":%.0f,\"p50_ms\":%.1f,\"p99_ms\":%.1f,"
               "\"max_ms\":%.1f}\n",
               (unsigned long long)all, threads, s, (double)all / s,
               (double)took[median] / 1e3, (double)took[late] / 1e3,
               (double)took[all - 1] / 1e3);
    }
    wh_free(took);
    wh_free(w);
    return ok;
}

static void print_state(struct house *h)
{
    struct register_status s;
    struct wh_buf root;
    register_status_get(h->log, &s);
    wh_buf_init(&root, 64);
    wh_buf_base64(&root, s.root.b, TLOG_HASH);
    printf("size %llu root %.*s vkey %s\n", (unsigned long long)s.size,
           WH_FMT(wh_buf_str(&root)), s.vkey);
    wh_buf_done(&root);
}

int main(int argc, char **argv)
{
    struct house h = {0};
    struct wh_err err = {0};
    wh_log_process("driver");
    wh_log_level(WH_WARN);
    if (argc < 3) {
        fprintf(stderr, "usage: register_driver DIR open|append N|single "
                        "N|bench N T|hold\n");
        return 2;
    }
    const char *verb = argv[2];
    uint64_t n = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    size_t threads = argc > 4 ? strtoul(argv[4], NULL, 10) : 64;
    bool ok = open_house(&h, argv[1], &err);
    if (ok && strcmp(verb, "append") == 0) {
        ok = append(&h, n, &err);
    } else if (ok && strcmp(verb, "single") == 0) {
        ok = single(&h, n, &err);
    } else if (ok && strcmp(verb, "bench") == 0) {
        ok = bench(&h, n, threads, &err);
    }
    if (ok) {
        print_state(&h);
    }
    if (ok && strcmp(verb, "hold") == 0) {
        fflush(stdout);
        (void)getchar();
    }
    close_house(&h);
    return ok ? 0 : told(&err);
}
