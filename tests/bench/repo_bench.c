/*
 * Measures repo info, lists and search on a database that repo_population made.
 *
 * usage: repo_bench FILE [RATE [SECONDS]]
 *
 * Two threads, each with a reading connection, work off requests that fall due
 * at RATE a second (default 200) for SECONDS (default 20); times count from the
 * due moment, so that waiting behind a slow neighbour is seen. The mix: 60 %
 * info by name, 25 % lists (sort keys as people use them; none, one or two tags
 * of a repo that exists, or an author), 15 % searches (two words or a prefix of
 * three letters and more, from the name of a repo that exists). Pages have 30
 * rows; one list in ten asks for a later page. Database only, no HTTP. On a
 * machine that does other work too, the CPU time tells more.
 */
#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"
#include "store/repo_list.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define THREADS 2
#define SAMPLES 4000
#define ROWS 30

enum sort_of_request { INFO, LIST, LIST_TAGS, SEARCH, SORTS_OF_REQUEST };
static const char *const labels[] = {"info", "list", "list by tags", "search"};

struct sample {
    enum store_kind kind;
    int64_t owner;
    char full[STORE_FULL_MAX];
    struct wh_str tags[2];
    size_t n_tags;
};

struct bench {
    const char *path;
    struct sample *samples;
    size_t n_samples;
    struct store_names *names;
    int64_t start, gap_us;
    unsigned total;
    atomic_uint next;
    /* by request: its kind, its time from the due moment, its CPU time */
    unsigned char *what;
    int64_t *took, *cpu;
};

static void die(const struct wh_err *err)
{
    fprintf(stderr, "repo_bench: %s (%s)\n", err->msg, err->detail);
    _exit(4);
}

/* A number from the request's own number: every run asks the same. */
static unsigned mix(unsigned n, unsigned salt, size_t below)
{
    uint64_t x = ((uint64_t)n << 32 | salt) * 0x9e3779b97f4a7c15ULL;
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9ULL;
    x ^= x >> 32;
    return (unsigned)(x % below);
}

static void take_tags(struct wh_arena *a, struct wh_str json, struct sample *s)
{
    struct wh_err err = {0};
    json_t *v = NULL;
    if (!wh_json_parse(a, json, &v, &err)) {
        die(&err);
    }
    for (size_t i = 0; i < 2 && i < json_array_size(v); i++) {
        const char *t = json_string_value(json_array_get(v, i));
        s->tags[s->n_tags++] = wh_arena_dup(a, wh_str_of(t));
    }
}

static void take_samples(struct bench *b, struct wh_arena *a, struct db *db)
{
    int64_t n = 0, most = 0;
    struct wh_err err = {0};
    for (int k = STORE_MODEL; k <= STORE_SPACE; k++) {
        if (!store_repo_total(db, (enum store_kind)k, &n, &err)) {
            die(&err);
        }
        most += n;
    }
    if (most == 0) {
        wh_fail(&err, WH_USAGE, "the database has no public repo");
        die(&err);
    }
    b->samples = wh_arena_array(a, SAMPLES, sizeof *b->samples);
    for (unsigned i = 0; b->n_samples < SAMPLES && i < 10 * SAMPLES; i++) {
        struct store_repo r;
        struct sample *s = &b->samples[b->n_samples];
        if (!store_repo_by_id(db, a, 1 + mix(i, 1, (size_t)most), &r, &err) ||
            r.is_private) {
            continue;
        }
        s->kind = r.kind;
        s->owner = r.owner;
        memcpy(s->full, r.full, sizeof s->full);
        take_tags(a, r.head.tags, s);
        b->n_samples++;
    }
}

static enum store_sort some_sort(unsigned n)
{
    static const enum store_sort sorts[] = {
        STORE_SORT_DOWNLOADS, STORE_SORT_DOWNLOADS, STORE_SORT_DOWNLOADS,
        STORE_SORT_MODIFIED,  STORE_SORT_LIKES,     STORE_SORT_CREATED};
    return sorts[mix(n, 3, sizeof sorts / sizeof *sorts)];
}

/* Two words of the name after the slash, or its first three to six letters. */
static size_t some_words(unsigned n, const struct sample *s,
                         struct wh_str words[2])
{
    struct wh_str rest = wh_str_of(s->full), head;
    wh_str_cut(&rest, '/', &head);
    if (mix(n, 4, 2)) {
        words[0] = wh_str_sub(rest, 0, 3 + mix(n, 5, 4));
        return 1;
    }
    wh_str_cut(&rest, '-', &words[0]);
    wh_str_cut(&rest, '-', &words[1]);
    return 2;
}

static enum sort_of_request query(const struct bench *b, unsigned n,
                                  struct store_repo_query *q,
                                  struct wh_str words[2])
{
    const struct sample *s = &b->samples[mix(n, 2, b->n_samples)];
    *q = (struct store_repo_query){
        .kind = s->kind, .sort = some_sort(n), .limit = ROWS, .words = words};
    if (mix(n, 6, 40) < 15) {
        q->n_words = some_words(n, s, words);
        q->names = b->names;
        return SEARCH;
    }
    switch (mix(n, 7, 4)) {
    case 0:
        return LIST;
    case 1:
        q->owner = s->owner;
        return LIST;
    default:
        q->tags = s->tags;
        q->n_tags = s->n_tags < 1 + mix(n, 8, 2) ? s->n_tags : 1 + mix(n, 8, 2);
        return q->n_tags ? LIST_TAGS : LIST;
    }
}

static enum sort_of_request request(const struct bench *b, struct db *db,
                                    unsigned n)
{
    struct wh_arena a;
    struct wh_err err = {0};
    enum sort_of_request what = INFO;
    bool ok;
    wh_arena_init(&a, 1 << 22);
    if (mix(n, 9, 100) < 60) {
        const struct sample *s = &b->samples[mix(n, 2, b->n_samples)];
        struct store_repo r;
        ok = store_repo_by_name(db, &a, s->kind, wh_str_of(s->full), &r, &err);
    } else {
        struct store_repo_query q;
        struct store_repo_page page = {0};
        struct wh_str words[2];
        what = query(b, n, &q, words);
        ok = store_repo_list(db, &a, &q, &page, &err);
        if (ok && page.next.set && mix(n, 10, 10) == 0) {
            q.after = page.next;
            ok = store_repo_list(db, &a, &q, &page, &err);
        }
    }
    if (!ok) {
        die(&err);
    }
    wh_arena_done(&a);
    return what;
}

static void sleep_until(int64_t due)
{
    int64_t left;
    while ((left = due - wh_mono_us()) > 0) {
        struct timespec t = {left / 1000000, (left % 1000000) * 1000};
        nanosleep(&t, NULL);
    }
}

static int64_t thread_cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void *worker(void *arg)
{
    struct bench *b = arg;
    struct wh_err err = {0};
    struct db *db = db_open(b->path, true, &err);
    if (!db) {
        die(&err);
    }
    unsigned n;
    while ((n = atomic_fetch_add(&b->next, 1)) < b->total) {
        int64_t due = b->start + (int64_t)n * b->gap_us;
        sleep_until(due);
        int64_t cpu = thread_cpu_us();
        b->what[n] = (unsigned char)request(b, db, n);
        b->cpu[n] = thread_cpu_us() - cpu;
        b->took[n] = wh_mono_us() - due;
    }
    db_close(&db);
    return NULL;
}

/* Of n sorted times in microseconds, the one below which are so many percent;
 * in milliseconds. */
static double quantile(const int64_t *sorted, size_t n, unsigned percent)
{
    size_t at = n * percent / 100;
    return (double)sorted[at < n ? at : n - 1] / 1e3;
}

static int by_time(const void *x, const void *y)
{
    int64_t p = *(const int64_t *)x, q = *(const int64_t *)y;
    return p < q ? -1 : p > q;
}

static void report(const struct bench *b, enum sort_of_request what,
                   const int64_t *times, const char *unit)
{
    int64_t *t = wh_calloc(b->total + 1, sizeof *t);
    size_t n = 0;
    for (unsigned i = 0; i < b->total; i++) {
        if (b->what[i] == what) {
            t[n++] = times[i];
        }
    }
    if (n > 0) {
        qsort(t, n, sizeof *t, by_time);
        printf("%-14s %7zu  p50 %7.3f  p90 %7.3f  p99 %7.3f  max %7.3f ms %s\n",
               labels[what], n, quantile(t, n, 50), quantile(t, n, 90),
               quantile(t, n, 99), quantile(t, n, 100), unit);
    }
    wh_free(t);
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
    uint64_t rate = 200, seconds = 20;
    if (argc < 2 || argc > 4 ||
        (argc > 2 && !wh_str_u64(wh_str_of(argv[2]), &rate)) ||
        (argc > 3 && !wh_str_u64(wh_str_of(argv[3]), &seconds)) || rate < 1 ||
        rate > 100000 || seconds < 1 || seconds > 3600) {
        fprintf(stderr, "usage: repo_bench FILE [RATE [SECONDS]]\n");
        return 2;
    }
    struct wh_err err = {0};
    struct wh_arena a;
    struct bench b = {.path = argv[1],
                      .gap_us = 1000000 / (int64_t)rate,
                      .total = (unsigned)(rate * seconds)};
    wh_arena_init(&a, 1 << 26);
    struct db *db = db_open(b.path, true, &err);
    if (!db) {
        die(&err);
    }
    take_samples(&b, &a, db);
    b.names = store_names_new();
    int64_t before = wh_mono_us();
    if (!store_names_refresh(b.names, db, &err)) {
        die(&err);
    }
    printf("names read in %.2f s\n", (double)(wh_mono_us() - before) / 1e6);
    db_close(&db);
    b.what = wh_calloc(b.total, 1);
    b.took = wh_calloc(b.total, sizeof *b.took);
    b.cpu = wh_calloc(b.total, sizeof *b.cpu);
    double cpu = cpu_seconds();
    pthread_t threads[THREADS];
    b.start = wh_mono_us() + 100000;
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, worker, &b) != 0) {
            perror("repo_bench");
            return 4;
        }
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("%u requests at %llu/s, %.3f ms CPU each\n", b.total,
           (unsigned long long)rate,
           1e3 * (cpu_seconds() - cpu) / (double)b.total);
    for (int i = 0; i < SORTS_OF_REQUEST; i++) {
        report(&b, (enum sort_of_request)i, b.took, "");
        report(&b, (enum sort_of_request)i, b.cpu, "of CPU");
    }
    store_names_free(&b.names);
    wh_free(b.what);
    wh_free(b.took);
    wh_free(b.cpu);
    wh_arena_done(&a);
    return 0;
}
