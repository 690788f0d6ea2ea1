/* Zygote and scanners: answers, and every way in which a job can go wrong. The
 * probe job tries what a scanner must not be able to do, and dies of it. */
#include "proc/zygote.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { J_SUM = 1, J_WRITE, J_PROBE, J_BIG, J_HOG, J_RAISE };

/* What the probe tries; each kills, save the two that are allowed. */
enum probe {
    P_NOTHING,
    P_MALLOC,
    P_OPEN,
    P_SOCKET,
    P_EXEC,
    P_MMAP_EXEC,
    P_MPROTECT_EXEC,
    P_MMAP_FILE,
    P_FORK,
    P_KILL,
    P_PWRITE,
    P_GETRANDOM,
    P_CRASH,
    P_LOOP,
    P_OVERFLOW,
    P_COUNT
};

struct world {
    char dir[64];
    int listen_fd;
    pid_t pid;
    struct proc_client *c;
    struct wh_arena a;
};

/* Sum of all bytes of all sources, read in steps of the size in params. */
static bool job_sum(struct proc_job *j, struct wh_buf *answer,
                    struct wh_err *err)
{
    unsigned n;
    const struct wh_src *src = proc_job_sources(j, &n);
    uint64_t step = 1, sum = 0;
    (void)wh_str_u64(proc_job_params(j), &step);
    uint8_t *buf = wh_alloc((size_t)step);
    bool ok = true;
    for (unsigned i = 0; i < n; i++) {
        for (uint64_t at = 0; ok && at < src[i].size; at += step) {
            uint64_t left = src[i].size - at;
            size_t k = (size_t)(left < step ? left : step);
            ok = wh_src_read(&src[i], at, buf, k, err);
            for (size_t b = 0; b < k; b++) {
                sum += buf[b];
            }
        }
    }
    wh_free(buf);
    wh_buf_fmt(answer, "%llu", (unsigned long long)sum);
    return ok;
}

/* Write the params times 1000 to the sink. */
static bool job_write(struct proc_job *j, struct wh_buf *answer,
                      struct wh_err *err)
{
    for (int i = 0; i < 1000; i++) {
        if (!proc_job_write(j, proc_job_params(j), err)) {
            return false;
        }
    }
    wh_buf_cstr(answer, "written");
    return true;
}

/* The compiler must not see that it never ends, or that it is unused. */
static int deeper(volatile char *p, int n)
{
    volatile char here[4096];
    here[0] = p[0];
    return n == 0 ? here[0] : deeper(here, n - 1) + here[0];
}

static void probe_memory(enum probe what)
{
    size_t n = 4096;
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0);
    if (what == P_MMAP_EXEC) {
        p = mmap(NULL, n, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                 -1, 0);
    } else if (what == P_MPROTECT_EXEC) {
        (void)mprotect(p, n, PROT_READ | PROT_EXEC);
    } else {
        p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, 4, 0);
    }
    (void)munmap(p, n);
}

static void probe_malloc(void)
{
    void *p[100];
    for (size_t i = 0; i < 100; i++) {
        p[i] = wh_alloc(i * 10000);
    }
    for (size_t i = 0; i < 100; i++) {
        wh_free(p[i]);
    }
}

static void probe_call(enum probe what)
{
    char *const argv[] = {NULL};
    char byte = 0;
    switch ((int)what) {
    case P_OPEN:
        (void)open("/etc/passwd", O_RDONLY);
        break;
    case P_SOCKET:
        (void)socket(AF_INET, SOCK_STREAM, 0);
        break;
    case P_EXEC:
        (void)execve("/bin/true", argv, argv);
        break;
    case P_FORK:
        (void)syscall(SYS_fork);
        break;
    case P_KILL:
        (void)kill(getppid(), SIGKILL);
        break;
    case P_PWRITE:
        (void)syscall(SYS_pwrite64, 4, &byte, 1, 0);
        break;
    case P_GETRANDOM:
        (void)syscall(SYS_getrandom, &byte, 1, 0);
        break;
    case P_CRASH:
        (void)raise(SIGSEGV);
        break;
    case P_LOOP:
        for (volatile unsigned long i = 0;; i++) {
        }
    case P_OVERFLOW:
        (void)deeper(&byte, 1 << 30);
        break;
    default:
        break;
    }
}

static bool job_probe(struct proc_job *j, struct wh_buf *answer,
                      struct wh_err *err)
{
    (void)err;
    uint64_t what = 0;
    (void)wh_str_u64(proc_job_params(j), &what);
    switch ((int)what) {
    case P_NOTHING:
        break;
    case P_MALLOC:
        probe_malloc();
        break;
    case P_MMAP_EXEC:
    case P_MPROTECT_EXEC:
    case P_MMAP_FILE:
        probe_memory((enum probe)what);
        break;
    default:
        probe_call((enum probe)what);
        break;
    }
    wh_buf_cstr(answer, "alive");
    return true;
}

static bool job_big(struct proc_job *j, struct wh_buf *answer,
                    struct wh_err *err)
{
    (void)err;
    uint64_t n = 0;
    (void)wh_str_u64(proc_job_params(j), &n);
    for (uint64_t i = 0; i < n; i++) {
        wh_buf_char(answer, 'a');
    }
    return true;
}

/* Take memory, touching it, until there is none. */
static bool job_hog(struct proc_job *j, struct wh_buf *answer,
                    struct wh_err *err)
{
    (void)j;
    (void)err;
#ifdef WH_SANITIZED /* no limit on address space there: one that can not be */
    memset(wh_alloc((size_t)1 << 46), 1, 4096);
#else
    for (int i = 0; i < 4096; i++) {
        memset(wh_alloc((size_t)1 << 20), 1, (size_t)1 << 20);
    }
#endif
    wh_buf_cstr(answer, "had it all");
    return true;
}

static bool job_raise(struct proc_job *j, struct wh_buf *answer,
                      struct wh_err *err)
{
    (void)answer;
    return wh_fail(err, WH_DIGEST_MISMATCH, "%.*s", WH_FMT(proc_job_params(j)));
}

static const struct proc_job_type types[] = {
    {J_SUM, "test.sum", job_sum, 64 << 20, 20},
    {J_WRITE, "test.write", job_write, 64 << 20, 20},
    {J_PROBE, "test.probe", job_probe, 64 << 20, 20},
    {J_BIG, "test.big", job_big, 64 << 20, 20},
    {J_HOG, "test.hog", job_hog, 64 << 20, 20},
    {J_RAISE, "test.raise", job_raise, 64 << 20, 20},
};

static pid_t zygote(int listen_fd)
{
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    struct wh_err err = {0};
    struct proc_zygote z = {.listen_fd = listen_fd,
                            .types = types,
                            .ntypes = sizeof types / sizeof types[0],
                            .max_jobs = 2,
                            .peers = {geteuid()},
                            .npeers = 1};
    wh_log_level(WH_ERROR);
    _exit(proc_zygote_run(&z, false, &err) ? 0 : 1);
}

static int up(void **state)
{
    struct wh_err err = {0};
    struct world *w = wh_alloc(sizeof *w);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/wh-zygote-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->listen_fd = proc_listen(w->dir, "zygote", 0600, &err);
    assert_true(w->listen_fd >= 0);
    w->pid = zygote(w->listen_fd);
    w->c = proc_client_new(w->dir, "zygote", 4, 64, &err);
    assert_non_null(w->c);
    wh_arena_init(&w->a, 64 << 20);
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;
    char path[96];
    int status = 0;
    wh_arena_done(&w->a);
    proc_client_free(&w->c);
    kill(w->pid, SIGTERM);
    assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    wh_fd_close(&w->listen_fd);
    (void)snprintf(path, sizeof path, "%s/zygote.sock", w->dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(w->dir), 0);
    wh_free(w);
    return 0;
}

static struct proc_job_request request(uint16_t type, struct wh_str params)
{
    return (struct proc_job_request){.type = type,
                                     .params = params,
                                     .data_fd = -1,
                                     .answer_max = 1 << 20,
                                     .time_ms = 30000};
}

static void make_bytes(uint8_t *p, size_t n, uint64_t *sum)
{
    *sum = 0;
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(i * 7 + i / 4096);
        *sum += p[i];
    }
}

static void check_sum(struct world *w, const struct proc_job_request *rq,
                      uint64_t sum)
{
    struct wh_err err = {0};
    struct wh_str got = {0};
    char want[32];
    (void)snprintf(want, sizeof want, "%llu", (unsigned long long)sum);
    assert_true(proc_job_run(w->c, &w->a, rq, &got, &err));
    assert_true(wh_str_is(got, want));
    assert_true(proc_job_inline(&types[J_SUM - 1], &w->a, rq, &got, &err));
    assert_true(wh_str_is(got, want));
}

static void test_sources(void **state)
{
    struct world *w = *state;
    size_t n = (3u << 20) + 12345;
    uint8_t *p = wh_alloc(n);
    uint64_t sum;
    make_bytes(p, n, &sum);
    struct wh_src src[3] = {wh_src_mem(p, 1000), wh_src_mem(p, 0),
                            wh_src_mem(p + 1000, n - 1000)};
    const char *steps[] = {"7777", "65536", "1048576", "4000000"};
    for (size_t i = 0; i < 4; i++) {
        struct proc_job_request rq = request(J_SUM, wh_str_of(steps[i]));
        rq.sources = src;
        rq.nsources = 3;
        check_sum(w, &rq, sum);
    }
    wh_free(p);
}

static void test_descriptor(void **state)
{
    struct world *w = *state;
    size_t n = 300001;
    uint8_t *p = wh_alloc(n);
    uint64_t sum;
    struct wh_err err = {0};
    make_bytes(p, n, &sum);
    int fd = memfd_create("data", MFD_CLOEXEC);
    assert_true(wh_fd_write(fd, p, n, &err));
    struct proc_job_request rq = request(J_SUM, WH_S("5000"));
    rq.data_fd = fd;
    check_sum(w, &rq, sum);
    wh_fd_close(&fd);
    wh_free(p);
}

/* A source that fails at its second half, in the requester. */
static bool half_read(void *ctx, uint64_t off, void *buf, size_t n,
                      struct wh_err *err)
{
    (void)ctx;
    if (off + n > 500000) {
        return wh_fail(err, WH_CORRUPT, "bad record");
    }
    memset(buf, 1, n);
    return true;
}

static void test_source_fails(void **state)
{
    struct world *w = *state;
    struct wh_err err = {0};
    struct wh_str got;
    struct wh_src src = {.size = 1000000, .read_at = half_read};
    struct proc_job_request rq = request(J_SUM, WH_S("4096"));
    rq.sources = &src;
    rq.nsources = 1;
    assert_false(proc_job_run(w->c, &w->a, &rq, &got, &err));
    assert_int_equal(err.code, WH_CORRUPT);
    assert_string_equal(err.msg, "bad record");
}

static bool sink(void *ctx, struct wh_str bytes, struct wh_err *err)
{
    (void)err;
    wh_buf_add(ctx, bytes);
    return true;
}

static bool sink_full(void *ctx, struct wh_str bytes, struct wh_err *err)
{
    (void)ctx;
    (void)bytes;
    return wh_fail(err, WH_NOSPACE, "disk full");
}

static void test_output(void **state)
{
    struct world *w = *state;
    struct wh_err err = {0};
    struct wh_str got;
    struct wh_buf b;
    wh_buf_init(&b, 1 << 20);
    struct proc_job_request rq = request(J_WRITE, WH_S("0123456789"));
    rq.sink = sink;
    rq.sink_ctx = &b;
    rq.sink_max = 10000;
    assert_true(proc_job_run(w->c, &w->a, &rq, &got, &err));
    assert_true(wh_str_is(got, "written"));
    assert_int_equal(b.n, 10000);
    assert_true(wh_str_ends(wh_buf_str(&b), WH_S("67890123456789")));
    rq.sink_max = 9999;
    assert_false(proc_job_run(w->c, &w->a, &rq, &got, &err));
    assert_int_equal(err.code, WH_TOO_LARGE);
    err = (struct wh_err){0};
    assert_false(proc_job_inline(&types[J_WRITE - 1], &w->a, &rq, &got, &err));
    assert_int_equal(err.code, WH_TOO_LARGE);
    rq.sink = sink_full;
    err = (struct wh_err){0};
    assert_false(proc_job_run(w->c, &w->a, &rq, &got, &err));
    assert_int_equal(err.code, WH_NOSPACE);
    rq.sink = NULL;
    err = (struct wh_err){0};
    assert_false(proc_job_run(w->c, &w->a, &rq, &got, &err));
    assert_int_equal(err.code, WH_TOO_LARGE);
    wh_buf_done(&b);
}

static void test_raise(void **state)
{
    struct world *w = *state;
    struct wh_err err = {0};
    struct wh_str got;
    struct proc_job_request rq = request(J_RAISE, WH_S("not the digest"));
    assert_false(proc_job_run(w->c, &w->a, &rq, &got, &err));
    assert_int_equal(err.code, WH_DIGEST_MISMATCH);
    assert_string_equal(err.msg, "not the digest");
}

static void test_answer_limit(void **state)
{
    struct world *w = *state;
    struct wh_err err = {0};
    struct wh_str got;
    struct proc_job_request rq = request(J_BIG, WH_S("200000"));
    rq.answer_max = 200000;
    assert_true(proc_job_run(w->c, &w->a, &rq, &got, &err));
    assert_int_equal(got.n, 200000);
    rq.answer_max = 199999;
    assert_false(proc_job_run(w->c, &w->a, &rq, &got, &err));
    assert_int_equal(err.code, WH_TOO_LARGE);
    rq.answer_max = PROC_JOB_ANSWER + 1;
    err = (struct wh_err){0};
    assert_false(proc_job_run(w->c, &w->a, &rq, &got, &err));
    assert_int_equal(err.code, WH_TOO_LARGE);
}

/* Run a probe; the code of what came of it. */
static enum wh_code probe(struct world *w, enum probe what, uint32_t time_ms,
                          struct wh_err *err)
{
    struct wh_str got;
    char params[16];
    struct wh_src src = wh_src_mem(types, 16);
    (void)snprintf(params, sizeof params, "%d", (int)what);
    struct proc_job_request rq = request(J_PROBE, wh_str_of(params));
    rq.time_ms = time_ms;
    rq.sources = &src;
    rq.nsources = 1;
    *err = (struct wh_err){0};
    if (proc_job_run(w->c, &w->a, &rq, &got, err)) {
        assert_true(wh_str_is(got, "alive"));
    }
    return err->code;
}

static void test_locked_in(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    assert_int_equal(probe(w, P_NOTHING, 30000, &err), WH_NONE);
    assert_int_equal(probe(w, P_MALLOC, 30000, &err), WH_NONE);
    for (int what = P_OPEN; what <= P_GETRANDOM; what++) {
        assert_int_equal(probe(w, (enum probe)what, 30000, &err),
                         WH_CHILD_DIED);
        assert_non_null(strstr(err.detail, "signal 31"));
    }
    assert_int_equal(probe(w, P_NOTHING, 30000, &err), WH_NONE);
}

static void test_crash(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    assert_int_equal(probe(w, P_CRASH, 30000, &err), WH_CHILD_DIED);
    assert_int_equal(probe(w, P_OVERFLOW, 30000, &err), WH_CHILD_DIED);
    assert_int_equal(probe(w, P_NOTHING, 30000, &err), WH_NONE);
}

static void test_endless(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    assert_int_equal(probe(w, P_LOOP, 200, &err), WH_TIMEOUT);
    assert_int_equal(probe(w, P_LOOP, 200, &err), WH_TIMEOUT);
    assert_int_equal(probe(w, P_LOOP, 200, &err), WH_TIMEOUT);
    /* both places for jobs are free again */
    assert_int_equal(probe(w, P_NOTHING, 30000, &err), WH_NONE);
}

static void test_hog(void **state)
{
    struct world *w = *state;
    struct wh_err err = {0};
    struct wh_str got;
    struct proc_job_request rq = request(J_HOG, WH_S(""));
    assert_false(proc_job_run(w->c, &w->a, &rq, &got, &err));
    assert_int_equal(err.code, WH_CHILD_DIED);
}

static void test_unknown_job(void **state)
{
    struct world *w = *state;
    struct wh_err err = {0};
    struct wh_str got;
    struct proc_job_request rq = request(999, WH_S(""));
    assert_false(proc_job_run(w->c, &w->a, &rq, &got, &err));
    assert_int_equal(err.code, WH_CHILD_DIED);
}

static void test_killed_and_restarted(void **state)
{
    struct world *w = *state;
    struct wh_err err = {0};
    int status;
    assert_int_equal(probe(w, P_NOTHING, 30000, &err), WH_NONE);
    kill(w->pid, SIGKILL);
    assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
    assert_int_equal(probe(w, P_NOTHING, 100, &err), WH_TIMEOUT);
    w->pid = zygote(w->listen_fd);
    assert_int_equal(probe(w, P_NOTHING, 30000, &err), WH_NONE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_sources),   T(test_descriptor),  T(test_source_fails),
        T(test_output),    T(test_raise),       T(test_answer_limit),
        T(test_locked_in), T(test_crash),       T(test_endless),
        T(test_hog),       T(test_unknown_job), T(test_killed_and_restarted),
    };
    return cmocka_run_group_tests_name("proc/zygote", tests, NULL, NULL);
}
