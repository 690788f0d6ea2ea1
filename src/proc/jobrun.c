/*
 * The requester's side of a job. It believes nothing that comes over the
 * channel: offsets, lengths and totals are checked here, whatever the scanner
 * was told. One thread runs one job from start to end.
 */
#include "base/file.h"
#include "base/mem.h"
#include "base/time.h"
#include "proc/job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* How long the zygote may take to say how a scanner died. */
#define END_MS 2000

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* A job as its requester sees it. */
struct run {
    const struct proc_job_request *rq;
    struct proc_session *session;
    int channel, window_fd;
    uint8_t *window;
    int64_t deadline;
    uint64_t out; /* bytes that went to the sink */
    struct wh_buf answer;
    struct proc_frame frame;
};

static bool window_make(struct run *r, struct wh_err *err)
{
    r->window_fd = memfd_create("window", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (r->window_fd < 0 || ftruncate(r->window_fd, PROC_JOB_WINDOW) != 0) {
        return wh_fail_errno(err, WH_IO, "make a window");
    }
    void *p = mmap(NULL, PROC_JOB_WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED,
                   r->window_fd, 0);
    if (p == MAP_FAILED) {
        return wh_fail_errno(err, WH_IO, "map a window");
    }
    r->window = p;
    /* its size is fixed, and nobody else can map it for writing */
    if (fcntl(r->window_fd, F_ADD_SEALS,
              F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE |
                  F_SEAL_SEAL) != 0) {
        return wh_fail_errno(err, WH_IO, "seal a window");
    }
    return true;
}

static enum proc_job_input input_of(const struct proc_job_request *rq)
{
    if (rq->data_fd >= 0) {
        return PROC_JOB_BY_FD;
    }
    return rq->nsources > 0 ? PROC_JOB_BY_WINDOW : PROC_JOB_NONE;
}

/* Fill the body of START. */
static bool start_body(const struct run *r, struct wh_buf *b,
                       struct wh_err *err)
{
    const struct proc_job_request *rq = r->rq;
    bool by_fd = rq->data_fd >= 0;
    wh_buf_u8(b, (uint8_t)rq->type);
    wh_buf_u8(b, (uint8_t)(rq->type >> 8));
    wh_buf_u8(b, (uint8_t)input_of(rq));
    wh_buf_u8(b, 0);
    wh_buf_u32le(b, rq->time_ms);
    wh_buf_u32le(b, (uint32_t)rq->answer_max);
    wh_buf_u64le(b, rq->sink_max);
    wh_buf_u32le(b, by_fd ? 1 : rq->nsources);
    if (by_fd) {
        off_t n = lseek(rq->data_fd, 0, SEEK_END);
        if (n < 0) {
            return wh_fail_errno(err, WH_IO, "find the size of a file");
        }
        wh_buf_u64le(b, (uint64_t)n);
    }
    for (unsigned i = 0; !by_fd && i < rq->nsources; i++) {
        wh_buf_u64le(b, rq->sources[i].size);
    }
    wh_buf_add(b, rq->params);
    return wh_buf_ok(b, err);
}

/* Send START with the scanner's end of a new channel. */
static bool start(struct run *r, struct wh_err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return wh_fail_errno(err, WH_IO, "make a channel");
    }
    r->channel = pair[0];
    struct wh_buf b;
    wh_buf_init(&b, PROC_MSG_BODY);
    struct proc_msg m = {.type = PROC_JOB_START, .nfds = 1};
    m.fds[0] = pair[1];
    enum proc_job_input in = input_of(r->rq);
    bool ok = start_body(r, &b, err);
    if (ok && in == PROC_JOB_BY_WINDOW) {
        ok = window_make(r, err);
        m.fds[m.nfds++] = r->window_fd;
    } else if (ok && in == PROC_JOB_BY_FD) {
        m.fds[m.nfds++] = r->rq->data_fd;
    }
    m.body = wh_buf_str(&b);
    ok = ok && proc_session_send(r->session, &m, r->deadline, err);
    wh_buf_done(&b);
    wh_fd_close(&pair[1]);
    return ok;
}

/* The scanner asks for bytes. */
static bool serve_read(struct run *r, struct wh_err *err)
{
    const struct proc_job_request *rq = r->rq;
    const struct proc_msg *m = &r->frame.msg;
    struct wh_rd rd;
    wh_rd_init(&rd, m->body.p, m->body.n);
    uint32_t i = wh_rd_u32le(&rd);
    uint64_t off = wh_rd_u64le(&rd);
    uint32_t n = wh_rd_u32le(&rd);
    if (!wh_rd_end(&rd) || !r->window || i >= rq->nsources ||
        n > PROC_JOB_WINDOW) {
        return wh_fail(err, WH_CHILD_DIED, "the scanner broke its rules");
    }
    struct wh_err why = {0};
    struct wh_buf b;
    wh_buf_init(&b, 2048);
    struct proc_msg reply = {.type = PROC_JOB_READ | PROC_MSG_REPLY,
                             .id = m->id};
    if (!wh_src_read(&rq->sources[i], off, r->window, n, &why)) {
        proc_msg_of_err(&reply, m->id, &why, &b);
    }
    bool ok = proc_msg_send(r->channel, &reply, r->deadline, err);
    wh_buf_done(&b);
    return ok;
}

static bool take_output(struct run *r, struct wh_err *err)
{
    const struct proc_job_request *rq = r->rq;
    struct wh_str s = r->frame.msg.body;
    r->out += s.n;
    if (!rq->sink || r->out > rq->sink_max) {
        return wh_fail(err, WH_TOO_LARGE, "the scanner gave too much output");
    }
    return rq->sink(rq->sink_ctx, s, err);
}

static bool take_done(struct run *r, struct wh_err *err)
{
    struct wh_rd rd;
    wh_rd_init(&rd, r->frame.msg.body.p, r->frame.msg.body.n);
    uint32_t n = wh_rd_u32le(&rd);
    if (!wh_rd_end(&rd) || n != r->answer.n) {
        return wh_fail(err, WH_CHILD_DIED, "the scanner broke its rules");
    }
    return true;
}

/* One message of the scanner; *done when it was the last. */
static bool take_message(struct run *r, bool *done, struct wh_err *err)
{
    switch (r->frame.msg.type) {
    case PROC_JOB_READ:
        return serve_read(r, err);
    case PROC_JOB_OUT:
        return take_output(r, err);
    case PROC_JOB_PART:
        wh_buf_add(&r->answer, r->frame.msg.body);
        return wh_buf_ok(&r->answer, err);
    case PROC_JOB_DONE:
        *done = true;
        return take_done(r, err);
    case PROC_MSG_ERROR:
        return proc_msg_to_err(&r->frame.msg, err);
    default:
        return wh_fail(err, WH_CHILD_DIED, "the scanner broke its rules");
    }
}

/* The channel ended without an answer: ask the zygote why. */
static bool died(struct run *r, struct wh_err *err)
{
    struct wh_err lost = {0};
    struct wh_rd rd;
    *err = (struct wh_err){0};
    bool told =
        proc_session_recv(r->session, proc_deadline(END_MS), &r->frame, &lost);
    wh_rd_init(&rd, r->frame.msg.body.p, r->frame.msg.body.n);
    uint8_t how = wh_rd_u8(&rd);
    uint32_t code = wh_rd_u32le(&rd);
    if (told && wh_rd_end(&rd) && how == PROC_JOB_TIMED_OUT) {
        return wh_fail(err, WH_TIMEOUT, "the scanner took too long");
    }
    if (told && wh_rd_end(&rd) && how == PROC_JOB_NOT_STARTED) {
        return wh_fail(err, WH_UNAVAILABLE, "no scanner could be started");
    }
    wh_fail(err, WH_CHILD_DIED, "the scanner died at work");
    if (!told || !wh_rd_end(&rd)) {
        return wh_err_detail(err, "no word from the zygote: %s", lost.msg);
    }
    return wh_err_detail(err, "%s %u",
                         how == PROC_JOB_KILLED ? "signal" : "exit code", code);
}

static bool converse(struct run *r, struct wh_err *err)
{
    bool done = false;
    while (!done) {
        if (!proc_msg_recv(r->channel, &r->frame, r->deadline, err)) {
            if (err->code == WH_CHILD_DIED) {
                return died(r, err);
            }
            if (err->code == WH_TIMEOUT) {
                *err = (struct wh_err){0};
                wh_fail(err, WH_TIMEOUT, "the scanner took too long");
            }
            return false;
        }
        if (!take_message(r, &done, err)) {
            return false;
        }
    }
    return true;
}

static void run_done(struct run *r)
{
    proc_session_close(&r->session);
    proc_frame_done(&r->frame);
    wh_fd_close(&r->channel);
    wh_fd_close(&r->window_fd);
    if (r->window) {
        wh_wipe(r->window, PROC_JOB_WINDOW);
        (void)munmap(r->window, PROC_JOB_WINDOW);
    }
    wh_buf_done(&r->answer);
    wh_free(r);
}

static bool request_ok(const struct proc_job_request *rq, struct wh_err *err)
{
    if (rq->params.n > PROC_JOB_PARAMS || rq->nsources > PROC_JOB_SOURCES ||
        rq->answer_max > PROC_JOB_ANSWER) {
        return wh_fail(err, WH_TOO_LARGE, "the job is larger than allowed");
    }
    return true;
}

bool proc_job_run(struct proc_client *zygote, struct wh_arena *a,
                  const struct proc_job_request *rq, struct wh_str *answer,
                  struct wh_err *err)
{
    if (!request_ok(rq, err)) {
        return false;
    }
    struct run *r = wh_alloc(sizeof *r);
    r->rq = rq;
    r->channel = r->window_fd = -1;
    r->deadline = proc_deadline(rq->time_ms);
    wh_buf_init(&r->answer, rq->answer_max);
    r->session = proc_session_open(zygote, r->deadline, err);
    bool ok = r->session && start(r, err) && converse(r, err);
    if (ok) {
        *answer = wh_arena_dup(a, wh_buf_str(&r->answer));
    }
    run_done(r);
    return ok;
}

/* A job in this process: its output goes straight to the sink. */
struct inlined {
    const struct proc_job_request *rq;
    uint64_t out;
};

static bool inline_write(struct proc_job *j, struct wh_str bytes,
                         struct wh_err *err)
{
    struct inlined *in = j->ctx;
    in->out += bytes.n;
    if (!in->rq->sink || in->out > in->rq->sink_max) {
        return wh_fail(err, WH_TOO_LARGE, "the scanner gave too much output");
    }
    return in->rq->sink(in->rq->sink_ctx, bytes, err);
}

bool proc_job_inline(const struct proc_job_type *t, struct wh_arena *a,
                     const struct proc_job_request *rq, struct wh_str *answer,
                     struct wh_err *err)
{
    if (!request_ok(rq, err)) {
        return false;
    }
    struct inlined in = {.rq = rq};
    struct wh_src file = {0};
    struct proc_job j = {.kind = rq->type,
                         .params = rq->params,
                         .sources = rq->sources,
                         .nsources = rq->nsources,
                         .write = inline_write,
                         .ctx = &in};
    if (rq->data_fd >= 0) {
        off_t n = lseek(rq->data_fd, 0, SEEK_END);
        if (n < 0) {
            return wh_fail_errno(err, WH_IO, "find the size of a file");
        }
        file = wh_src_fd(rq->data_fd, (uint64_t)n);
        j.sources = &file;
        j.nsources = 1;
    }
    struct wh_buf b;
    wh_buf_init(&b, rq->answer_max);
    bool ok = t->run(&j, &b, err) && wh_buf_ok(&b, err);
    if (ok) {
        *answer = wh_arena_dup(a, wh_buf_str(&b));
    }
    wh_buf_done(&b);
    return ok;
}
