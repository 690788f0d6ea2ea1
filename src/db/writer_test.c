/* Tests of the writer thread (writer.c). */
#include "base/mem.h"
#include "db/fault.h"
#include "db/testdb.h"
#include "db/writer.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8
#define EACH 40
#define BASE 1000 /* rows of ours in schema_migration start here */

static bool put(struct db *db, int64_t n, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_DB_MIGRATION_INSERT);
    db_bind_i64(s, 1, n);
    db_bind_cstr(s, 2, "test");
    db_bind_cstr(s, 3, "00");
    db_bind_i64(s, 4, 0);
    return db_exec(s, err);
}

/* Rows 2n and 2n+1: only both or none may ever be seen. */
static bool put_pair(struct db *db, void *ctx, struct wh_err *err)
{
    int64_t n = BASE + 2 * *(int64_t *)ctx;
    return put(db, n, err) && put(db, n + 1, err);
}

static bool put_then_fail(struct db *db, void *ctx, struct wh_err *err)
{
    return put_pair(db, ctx, err) && wh_fail(err, WH_REFUSED, "on purpose");
}

/* Pairs in the database; a half pair fails the test. */
static int64_t pairs(struct db *db, bool *seen, int64_t cap)
{
    struct wh_err err = {0};
    struct db_stmt *s = db_start(db, DBQ_DB_MIGRATIONS_APPLIED);
    int64_t n = 0, last = -1;
    enum db_row r;
    while ((r = db_step(s, &err)) == DB_ROW) {
        int64_t i = db_col_i64(s, 0) - BASE;
        if (i < 0) {
            continue;
        }
        assert_true(i % 2 == 0 ? last % 2 != 0 : last == i - 1);
        n += i % 2;
        if (seen && i / 2 < cap) {
            seen[i / 2] = true;
        }
        last = i;
    }
    assert_int_equal(r, DB_DONE);
    assert_true(last % 2 != 0);
    db_finish(&s);
    return n;
}

static int open_t(void **state)
{
    static struct testdb t;
    testdb_open(&t);
    testdb_writer(&t);
    *state = &t;
    return 0;
}

static int close_t(void **state)
{
    testdb_close(*state);
    return 0;
}

static int64_t pairs_in(struct testdb *t)
{
    struct db *db = testdb_reader(t);
    int64_t n = pairs(db, NULL, 0);
    db_close(&db);
    return n;
}

static void test_write_then_read(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    assert_true(db_write(t->w, put_pair, &(int64_t){0}, &err));
    assert_int_equal(pairs_in(t), 1);
    assert_false(db_write(t->w, put_pair, &(int64_t){0}, &err));
    assert_int_equal(err.code, WH_CONFLICT);
    assert_false(db_write(t->w, put_then_fail, &(int64_t){1}, &err));
    assert_int_equal(err.code, WH_REFUSED);
    assert_int_equal(pairs_in(t), 1);
    assert_true(db_write(t->w, put_pair, &(int64_t){1}, &err));
    assert_int_equal(pairs_in(t), 2);
}

struct job {
    struct db_writer *w;
    int64_t first;
    int ok, refused;
};

static void *many(void *arg)
{
    struct job *j = arg;
    for (int64_t i = 0; i < EACH; i++) {
        struct wh_err err = {0};
        int64_t n = j->first + i;
        bool fails = i % 5 == 4;
        bool ok = db_write(j->w, fails ? put_then_fail : put_pair, &n, &err);
        j->ok += ok;
        j->refused += !ok && err.code == WH_REFUSED;
    }
    return NULL;
}

static void test_eight_threads(void **state)
{
    struct testdb *t = *state;
    pthread_t threads[THREADS];
    struct job jobs[THREADS];
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.w = t->w, .first = (int64_t)i * EACH};
        assert_int_equal(pthread_create(&threads[i], NULL, many, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(jobs[i].ok, EACH * 4 / 5);
        assert_int_equal(jobs[i].refused, EACH / 5);
    }
    assert_int_equal(pairs_in(t), THREADS * EACH * 4 / 5);
    assert_int_equal(db_writer_depth(t->w), 0);
}

/* Holds the writer until it is let go, so that a queue can form behind. */
struct gate {
    sem_t entered, leave;
};

static bool wait_at_gate(struct db *db, void *ctx, struct wh_err *err)
{
    struct gate *g = ctx;
    (void)db;
    (void)err;
    sem_post(&g->entered);
    sem_wait(&g->leave);
    return true;
}

struct outcome {
    int64_t n;
    int calls;
    enum wh_code code;
    int order;
};
static int next_order;

static bool put_outcome(struct db *db, void *ctx, struct wh_err *err)
{
    return put_pair(db, &((struct outcome *)ctx)->n, err);
}

static void done(void *ctx, const struct wh_err *err)
{
    struct outcome *o = ctx;
    o->calls++;
    o->code = err ? err->code : WH_NONE;
    o->order = next_order++;
}

static void gate_done(void *ctx, const struct wh_err *err)
{
    (void)ctx;
    (void)err; /* in a round of faults it may be hit as well */
}

static bool nothing(struct db *db, void *ctx, struct wh_err *err)
{
    (void)db;
    (void)ctx;
    (void)err;
    return true;
}

/* Return when all that was queued before has been answered: the second write
 * is of a later batch than everything before the first. */
static void flush(struct db_writer *w)
{
    struct wh_err err = {0};
    bool first = db_write(w, nothing, NULL, &err);
    bool second = db_write(w, nothing, NULL, &err);
    assert_true(first || second); /* one fault hits one of them at most */
}

static void close_gate(struct gate *g, struct db_writer *w)
{
    struct wh_err err = {0};
    sem_init(&g->entered, 0, 0);
    sem_init(&g->leave, 0, 0);
    assert_true(db_write_async(w, wait_at_gate, g, gate_done, &err));
    sem_wait(&g->entered);
}

static void test_async_order_and_full_queue(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    struct gate g;
    struct outcome *o = wh_calloc(DB_WRITER_QUEUE, sizeof *o);
    close_gate(&g, t->w);
    for (int i = 0; i < DB_WRITER_QUEUE; i++) {
        o[i].n = i;
        assert_true(db_write_async(t->w, put_outcome, &o[i], done, &err));
    }
    assert_int_equal(db_writer_depth(t->w), DB_WRITER_QUEUE);
    struct outcome extra = {0};
    assert_false(db_write_async(t->w, put_outcome, &extra, done, &err));
    assert_int_equal(err.code, WH_UNAVAILABLE);
    assert_false(db_write(t->w, put_pair, &(int64_t){0}, &err));
    assert_int_equal(err.code, WH_UNAVAILABLE);
    sem_post(&g.leave);
    db_writer_free(&t->w); /* finishes what is queued */
    for (int i = 0; i < DB_WRITER_QUEUE; i++) {
        assert_int_equal(o[i].calls, 1);
        assert_int_equal(o[i].code, WH_NONE);
        assert_int_equal(o[i].order, i);
    }
    assert_int_equal(extra.calls, 0);
    assert_int_equal(pairs_in(t), DB_WRITER_QUEUE);
    wh_free(o);
}

/* A batch of five behind the gate; the fault hits call n of it. Whoever was
 * told yes must be stored, whoever was told no must not. */
static bool fault_round(struct testdb *t, struct db_writer *w, int64_t first,
                        unsigned long n)
{
    struct wh_err err = {0};
    struct gate g;
    struct outcome o[5] = {0};
    bool seen[512] = {false};
    close_gate(&g, w);
    for (int i = 0; i < 5; i++) {
        o[i].n = first + i;
        assert_true(db_write_async(w, put_outcome, &o[i], done, &err));
    }
    db_fault_arm(n, WH_NOSPACE);
    sem_post(&g.leave);
    flush(w);
    bool reached = db_fault_calls() >= n;
    db_fault_arm(0, WH_IO);
    struct db *db = testdb_reader(t);
    pairs(db, seen, 512);
    db_close(&db);
    int failures = 0;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(o[i].calls, 1);
        assert_int_equal(o[i].code == WH_NONE, seen[first + i]);
        assert_true(o[i].code == WH_NONE || o[i].code == WH_NOSPACE);
        failures += o[i].code != WH_NONE;
    }
    return reached && failures > 0;
}

static void test_faults_leave_the_writer_usable(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    db_writer_free(&t->w);
    db_fault_arm(0, WH_IO);
    struct db_writer *w = db_writer_new(db_fault_driver(), t->path, &err);
    assert_non_null(w);
    int hurt = 0;
    for (unsigned long n = 1; n <= 64; n++) {
        hurt += fault_round(t, w, (int64_t)n * 5, n);
        int64_t probe = 100000 + (int64_t)n;
        assert_true(db_write(w, put_pair, &probe, &err));
    }
    assert_true(hurt > 20);
    db_writer_free(&w);
}

static void test_real_write_error(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    struct rlimit old, tight = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_true(db_write(t->w, put_pair, &(int64_t){0}, &err));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    bool ok = db_write(t->w, put_pair, &(int64_t){1}, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_false(ok);
    assert_true(err.code == WH_IO || err.code == WH_NOSPACE);
    assert_true(db_write(t->w, put_pair, &(int64_t){2}, &err));
    assert_int_equal(pairs_in(t), 2);
}

/* One row of 64 KiB. */
static bool put_large(struct db *db, void *ctx, struct wh_err *err)
{
    static char text[65536];
    memset(text, 'x', sizeof text);
    struct db_stmt *s = db_start(db, DBQ_DB_MIGRATION_INSERT);
    db_bind_i64(s, 1, *(int64_t *)ctx);
    db_bind_text(s, 2, wh_str_mem(text, sizeof text));
    db_bind_cstr(s, 3, "00");
    db_bind_i64(s, 4, 0);
    return db_exec(s, err);
}

/* Several times what the log may grow to, by the writer and without it. */
static void test_log_stays_small(void **state)
{
    struct testdb *t = *state;
    struct wh_err err = {0};
    struct stat st;
    char log[96];
    snprintf(log, sizeof log, "%s-wal", t->path);
    for (int64_t i = BASE; i < BASE + 300; i++) {
        assert_true(db_write(t->w, put_large, &i, &err));
    }
    assert_true(db_write(t->w, nothing, NULL, &err));
    assert_int_equal(stat(log, &st), 0);
    assert_in_range(st.st_size, 1, 8 << 20);
    db_writer_free(&t->w);
    t->db = db_open(t->path, false, &err);
    assert_non_null(t->db);
    for (int64_t i = BASE + 300; i < BASE + 600; i++) {
        assert_true(db_tx(t->db, put_large, &i, &err));
    }
    assert_int_equal(stat(log, &st), 0);
    assert_in_range(st.st_size, 1, 8 << 20);
}

/* In the child: write pairs for ever, reporting each that was acknowledged. */
static void write_until_killed(const char *path, int64_t first, int fd)
{
    struct wh_err err = {0};
    struct db_writer *w = db_writer_new(NULL, path, &err);
    for (int64_t i = first; w && db_write(w, put_pair, &i, &err); i++) {
        if (write(fd, &i, sizeof i) != sizeof i) {
            break;
        }
    }
    _exit(1);
}

static void test_kill_loses_nothing_acknowledged(void **state)
{
    struct testdb *t = *state;
    db_writer_free(&t->w);
    int64_t acknowledged = -1, want = 20;
    for (int round = 0; round < 3; round++, want += 37) {
        struct wh_err err = {0};
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        t->db = db_open(t->path, false, &err);
        assert_non_null(t->db);
        bool seen[4096] = {false};
        int64_t kept = pairs(t->db, seen, 4096);
        assert_true(kept > acknowledged);
        for (int64_t i = 0; i <= acknowledged; i++) {
            assert_true(seen[i]);
        }
        db_close(&t->db);
        pid_t pid = fork();
        if (pid == 0) {
            close(fds[0]);
            write_until_killed(t->path, kept, fds[1]);
        }
        close(fds[1]);
        while (acknowledged < want) {
            assert_int_equal(read(fds[0], &acknowledged, 8), 8);
        }
        kill(pid, SIGKILL);
        int64_t more;
        while (read(fds[0], &more, 8) == 8) {
            acknowledged = more;
        }
        close(fds[0]);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
    struct db *db = testdb_reader(t);
    assert_true(pairs(db, NULL, 0) > acknowledged);
    db_close(&db);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_t, close_t)
    const struct CMUnitTest tests[] = {
        T(test_write_then_read),
        T(test_eight_threads),
        T(test_async_order_and_full_queue),
        T(test_faults_leave_the_writer_usable),
        T(test_real_write_error),
        T(test_log_stays_small),
        T(test_kill_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
