/*
 * Messages over UNIX SEQPACKET sockets: one packet, one message. The kernel
 * keeps the borders, so the only parsing is of an eight byte head; what can go
 * wrong is a peer that went away, a packet that was cut, and descriptors that
 * nobody asked for. Sockets are used without blocking plus poll, so that every
 * wait ends at the caller's deadline; scanners, which may not call poll, wait
 * in recvmsg and are killed from outside.
 */
#include "proc/msg.h"

#include "base/file.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BULK_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Room for one control message with descriptors, aligned as cmsg wants. */
union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(PROC_MSG_FDS * sizeof(int))];
};

/* Wait until fd is ready for `events`, or the deadline. */
static bool wait_fd(int fd, short events, int64_t deadline, struct wh_err *err)
{
    for (;;) {
        int64_t left = deadline - wh_mono_us();
        struct pollfd p = {.fd = fd, .events = events};
        int ms = left <= 0 ? 0 : (int)(left / 1000 + 1);
        int r = poll(&p, 1, ms);
        if (r > 0) {
            return true;
        }
        if (r < 0 && errno != EINTR) {
            return wh_fail_errno(err, WH_IO, "wait for a helper process");
        }
        if (r == 0 && left <= 0) {
            return wh_fail(err, WH_TIMEOUT, "a helper process took too long");
        }
    }
}

static bool peer_gone(int e)
{
    return e == EPIPE || e == ECONNRESET || e == ENOTCONN || e == ECONNREFUSED;
}

static void control_fill(struct msghdr *h, union control *c,
                         const struct proc_msg *m)
{
    if (m->nfds == 0) {
        return;
    }
    size_t n = m->nfds * sizeof(int);
    memset(c, 0, sizeof *c);
    h->msg_control = c->bytes;
    h->msg_controllen = CMSG_SPACE(n);
    struct cmsghdr *cm = CMSG_FIRSTHDR(h);
    cm->cmsg_level = SOL_SOCKET;
    cm->cmsg_type = SCM_RIGHTS;
    cm->cmsg_len = CMSG_LEN(n);
    memcpy(CMSG_DATA(cm), m->fds, n);
}

/* Take descriptors out of what was received; true unless the kernel had to
 * drop some. Those that came are owned by f in any case. */
static bool control_take(struct msghdr *h, struct proc_frame *f)
{
    for (struct cmsghdr *cm = CMSG_FIRSTHDR(h); cm; cm = CMSG_NXTHDR(h, cm)) {
        if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        wh_assert(n <= PROC_MSG_FDS);
        memcpy(f->msg.fds, CMSG_DATA(cm), n * sizeof(int));
        f->msg.nfds = (unsigned)n;
    }
    return (h->msg_flags & MSG_CTRUNC) == 0;
}

static bool frame_parse(struct proc_frame *f, size_t n, struct wh_err *err)
{
    struct wh_rd r;
    wh_rd_init(&r, f->bytes, n);
    f->msg.type = wh_rd_u16le(&r);
    uint16_t zero = wh_rd_u16le(&r);
    f->msg.id = wh_rd_u32le(&r);
    if (r.bad || zero != 0 || f->msg.type == 0) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed message");
    }
    f->msg.body = wh_rd_take(&r, wh_rd_left(&r));
    return true;
}

int64_t proc_deadline(int64_t ms)
{
    return wh_mono_us() + ms * 1000;
}

bool proc_msg_send(int fd, const struct proc_msg *m, int64_t deadline,
                   struct wh_err *err)
{
    wh_assert(m->type != 0 && m->nfds <= PROC_MSG_FDS);
    if (m->body.n > PROC_MSG_BODY) {
        return wh_fail(err, WH_TOO_LARGE, "message too large");
    }
    uint8_t head[PROC_MSG_HEAD] = {(uint8_t)m->type,
                                   (uint8_t)(m->type >> 8),
                                   0,
                                   0,
                                   (uint8_t)m->id,
                                   (uint8_t)(m->id >> 8),
                                   (uint8_t)(m->id >> 16),
                                   (uint8_t)(m->id >> 24)};
    struct iovec iov[2] = {
        {.iov_base = head, .iov_len = sizeof head},
        /* sendmsg does not write to it */
        {.iov_base = (void *)(uintptr_t)m->body.p, .iov_len = m->body.n}};
    struct msghdr h = {.msg_iov = iov, .msg_iovlen = m->body.n ? 2 : 1};
    union control c;
    control_fill(&h, &c, m);
    int flags = MSG_NOSIGNAL | (deadline == PROC_FOREVER ? 0 : MSG_DONTWAIT);
    for (;;) {
        ssize_t w = sendmsg(fd, &h, flags);
        if (w >= 0) {
            return true;
        }
        if (errno == EINTR) {
            continue;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            return wh_fail_errno(err, peer_gone(errno) ? WH_CHILD_DIED : WH_IO,
                                 "send to a helper process");
        }
        if (!wait_fd(fd, POLLOUT, deadline, err)) {
            return false;
        }
    }
}

bool proc_msg_recv(int fd, struct proc_frame *f, int64_t deadline,
                   struct wh_err *err)
{
    proc_frame_done(f);
    int flags = MSG_CMSG_CLOEXEC;
    if (deadline != PROC_FOREVER) {
        flags |= MSG_DONTWAIT;
    }
    for (;;) {
        union control c;
        struct iovec iov = {.iov_base = f->bytes, .iov_len = sizeof f->bytes};
        struct msghdr h = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = c.bytes,
                           .msg_controllen = sizeof c.bytes};
        ssize_t n = recvmsg(fd, &h, flags);
        if (n > 0) {
            bool whole = control_take(&h, f);
            if (!whole || (h.msg_flags & MSG_TRUNC)) {
                proc_frame_done(f);
                return wh_fail(err, WH_BAD_REQUEST, "message too large");
            }
            if (!frame_parse(f, (size_t)n, err)) {
                proc_frame_done(f);
                return false;
            }
            return true;
        }
        if (n == 0) {
            return wh_fail(err, WH_CHILD_DIED, "");
        }
        if (errno == EINTR) {
            continue;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            return wh_fail_errno(err, peer_gone(errno) ? WH_CHILD_DIED : WH_IO,
                                 "receive from a helper process");
        }
        if (!wait_fd(fd, POLLIN, deadline, err)) {
            return false;
        }
    }
}

int proc_frame_take_fd(struct proc_frame *f, unsigned i)
{
    if (i >= f->msg.nfds) {
        return -1;
    }
    int fd = f->msg.fds[i];
    f->msg.fds[i] = -1;
    return fd;
}

void proc_frame_done(struct proc_frame *f)
{
    for (unsigned i = 0; i < f->msg.nfds; i++) {
        wh_fd_close(&f->msg.fds[i]);
    }
    f->msg = (struct proc_msg){0};
}

void proc_msg_of_err(struct proc_msg *m, uint32_t id, const struct wh_err *e,
                     struct wh_buf *buf)
{
    wh_buf_reset(buf);
    wh_buf_u32le(buf, (uint32_t)e->code);
    wh_buf_bytes(buf, wh_str_of(e->msg));
    wh_buf_bytes(buf, wh_str_of(e->detail));
    *m = (struct proc_msg){
        .type = PROC_MSG_ERROR, .id = id, .body = wh_buf_str(buf)};
}

bool proc_msg_to_err(const struct proc_msg *m, struct wh_err *err)
{
    struct wh_rd r;
    wh_rd_init(&r, m->body.p, m->body.n);
    uint32_t code = wh_rd_u32le(&r);
    struct wh_str msg = wh_rd_bytes(&r, sizeof err->msg);
    struct wh_str detail = wh_rd_bytes(&r, sizeof err->detail);
    if (m->type != PROC_MSG_ERROR || !wh_rd_end(&r) || code == WH_NONE ||
        code >= WH_CODE_COUNT || !wh_str_utf8_ok(msg)) {
        return wh_fail(err, WH_INTERNAL, "malformed answer of a helper");
    }
    wh_fail(err, (enum wh_code)code, "%.*s", WH_FMT(msg));
    return wh_err_detail(err, "%.*s", WH_FMT(detail));
}

bool proc_bulk_make(struct wh_str s, int *out, struct wh_err *err)
{
    int fd = memfd_create("bulk", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return wh_fail_errno(err, WH_IO, "make a memory file");
    }
    if (!wh_fd_write(fd, s.p, s.n, err)) {
        wh_fd_close(&fd);
        return false;
    }
    if (fcntl(fd, F_ADD_SEALS, BULK_SEALS) != 0) {
        wh_fail_errno(err, WH_IO, "seal a memory file");
        wh_fd_close(&fd);
        return false;
    }
    *out = fd;
    return true;
}

bool proc_bulk_read(struct wh_arena *a, int fd, size_t max, struct wh_str *out,
                    struct wh_err *err)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & BULK_SEALS) != BULK_SEALS ||
        fstat(fd, &st) != 0) {
        return wh_fail(err, WH_BAD_REQUEST, "not a sealed memory file");
    }
    if ((uint64_t)st.st_size > max) {
        return wh_fail(err, WH_TOO_LARGE, "message too large");
    }
    size_t n = (size_t)st.st_size;
    char *p = wh_arena_alloc(a, n + 1);
    if (!wh_fd_pread(fd, 0, p, n, err)) {
        return false;
    }
    *out = wh_str_mem(p, n);
    return true;
}
