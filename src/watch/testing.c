/*
 * testing.c - a watch for tests.
 */
#include "watch/testing.h"
#include "base/mem.h"
#include "detect/screen.h"
#include "watch/watch_impl.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void must(bool ok, const struct wh_err *err)
{
    if (!ok) {
        fprintf(stderr, "watch_testing: %s (%s)\n", err->msg, err->detail);
        abort();
    }
}

struct wh_str watch_testing_model(struct wh_arena *a)
{
    struct detect_features *f = wh_alloc(sizeof *f);
    struct detect_model *m = detect_model_new();
    struct wh_str out;
    struct wh_buf b;

    m->scale = 1;
    m->bias = -3;
    m->at[DETECT_POINT] = 2;
    m->n_segments = 1;
    m->segment[0] =
        (struct detect_segment){.name = "ask", .rows = 1000, .p0 = 0.02};
    for (size_t i = 0; i < DETECT_LENGTHS; i++) {
        m->slope[i] = 1;
    }
    detect_features_make(f, WH_S("herring"));
    for (uint32_t i = 0; i < f->n; i++) {
        m->weight[f->slot[i]] = 120;
    }
    wh_buf_init(&b, DETECT_MODEL_BYTES_MAX);
    detect_model_write(m, &b);
    out = wh_arena_dup(a, wh_buf_str(&b));
    wh_buf_done(&b);
    wh_free(f);
    detect_model_free(&m);
    return out;
}

static int64_t clock_of(void *ctx)
{
    return ((struct watch_testing *)ctx)->now;
}

static bool all(void *ctx, struct db *db, struct wh_str model, bool *out,
                struct wh_err *err)
{
    (void)ctx;
    (void)db;
    if (wh_str_is(model, "broken/broken")) {
        return wh_fail(err, WH_IO, "");
    }
    *out = !wh_str_is(model, "free/free");
    return true;
}

static void on_stop(void *ctx, int64_t account, int64_t key, bool revoke,
                    struct wh_str why, struct wh_str url)
{
    struct watch_testing *t = ctx;

    (void)account;
    (void)why;
    (void)url;
    t->stops++;
    t->revokes += revoke;
    t->stopped_key = key;
}

static void begin(struct watch_testing *t)
{
    struct watch_config c = {.writer = t->t.w,
                             .db_path = t->t.path,
                             .dir = t->dir,
                             .classifier = t->classifier,
                             .now = clock_of,
                             .demands = all,
                             .stop = on_stop,
                             .ctx = t};
    struct wh_err err = {0};

    must(watch_open(&c, &t->w, &err), &err);
}

void watch_testing_open(struct watch_testing *t, struct wh_str classifier)
{
    memset(t, 0, sizeof *t);
    t->now = INT64_C(1795456800) * 1000000;
    t->classifier = classifier;
    testdb_open(&t->t);
    (void)testdb_writer(&t->t);
    t->db = testdb_reader(&t->t);
    (void)snprintf(t->dir, sizeof t->dir, "%s/watch", t->t.dir);
    wh_arena_init(&t->arena, (size_t)64 << 20);
    begin(t);
}

void watch_testing_restart(struct watch_testing *t, bool crash)
{
    if (crash) {
        t->w->c.writer = NULL; /* nothing is written at its end */
    }
    watch_close(&t->w);
    begin(t);
}

void watch_testing_close(struct watch_testing *t)
{
    const struct dirent *e;
    char path[512];
    DIR *d;

    watch_close(&t->w);
    db_close(&t->db);
    wh_arena_done(&t->arena);
    d = opendir(t->dir);
    while (d && (e = readdir(d))) {
        (void)snprintf(path, sizeof path, "%s/%.200s", t->dir, e->d_name);
        (void)unlink(path);
    }
    if (d) {
        (void)closedir(d);
    }
    (void)rmdir(t->dir);
    testdb_close(&t->t);
}

/* An answer of one piece. */
static void let_out(struct watch_testing *t, struct watch_run *run,
                    struct wh_str text, bool whole)
{
    struct watch_piece p = {
        .content = true, .text = text, .fresh = text.n, .last = whole};
    size_t release;
    const char *why;

    if (text.n > 0) {
        (void)watch_text(t->w, run, &p, &release, &why);
    }
    watch_end(t->w, run, whole);
}

enum watch_met watch_testing_say(struct watch_testing *t,
                                 const struct watch_asked *q,
                                 struct wh_str answer, bool whole)
{
    static const enum watch_met met[] = {[WATCH_NO_POLICY] = WATCH_POLICY,
                                         [WATCH_NO_SUSPENDED] = WATCH_STOPPED,
                                         [WATCH_NO_SLOWER] = WATCH_SLOW};
    struct watch_run *run;

    wh_arena_reset(&t->arena);
    if (!watch_request(t->w, t->db, &t->arena, q, &run, &t->no)) {
        return met[t->no.kind];
    }
    if (run) {
        let_out(t, run, answer, whole);
    }
    return WATCH_ANSWERED;
}

enum watch_met watch_testing_ask(struct watch_testing *t, int64_t key,
                                 const char *end_user, struct wh_str text)
{
    struct watch_said said = {.voice = WATCH_USER, .text = text};
    char id[32];
    struct watch_asked q = {.key = key,
                            .account = 1000 + key,
                            .model = WH_S("demo/model"),
                            .end_user = wh_str_of(end_user ? end_user : ""),
                            .base = WH_S("http://house"),
                            .chat = true,
                            .said = &said,
                            .n_said = 1};

    (void)snprintf(id, sizeof id, "req-%llu", (unsigned long long)t->serial++);
    q.request = wh_str_of(id);
    return watch_testing_say(t, &q, WH_S("ok"), true);
}

bool watch_testing_case(struct watch_testing *t, struct watch_case *out)
{
    struct watch_case *list;
    struct wh_err err = {0};
    size_t n;

    must(watch_flush(t->w, &err), &err);
    must(watch_case_list(t->db, &t->arena, DETECT_RUNG_LOOK, 0, 100, &list, &n,
                         &err),
         &err);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || list[i].id > out->id) {
            *out = list[i];
        }
    }
    return n > 0;
}
