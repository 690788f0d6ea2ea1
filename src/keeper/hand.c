/*
 * The pair of sockets between keeper and engines.
 */
#include "keeper/hand.h"

#include "base/enc.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/time.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

/* The other side maps and locks the file before it answers. */
#define ANSWER_MS 60000
#define SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

struct keeper_giver {
    pthread_mutex_t lock; /* everything below */
    int fd;
    uint32_t id;
    struct proc_frame frame;
};

static bool malformed(struct wh_err *err)
{
    return wh_fail(err, WH_BAD_REQUEST, "malformed message");
}

static bool check_file(const struct keeper_hand *h, struct wh_err *err)
{
    struct stat st;
    int seals = fcntl(h->fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(h->fd, &st) != 0 ||
        (uint64_t)st.st_size != h->bytes) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "not a sealed memory file of that size");
    }
    return true;
}

bool keeper_hand_read(struct proc_frame *f, struct keeper_hand *out,
                      struct wh_err *err)
{
    struct wh_rd r;
    uint8_t digest[32];
    bool give = f->msg.type == KEEPER_HAND_GIVE;
    *out = (struct keeper_hand){.fd = -1};
    wh_rd_init(&r, f->msg.body.p, f->msg.body.n);
    wh_rd_copy(&r, out->sha256, WH_SHA256_HEX);
    out->bytes = wh_rd_u64le(&r);
    out->until = give ? wh_rd_u64le(&r) : 0;
    if (!wh_rd_end(&r) ||
        !wh_hex_dec(wh_str_mem(out->sha256, WH_SHA256_HEX), digest,
                    sizeof digest, false) ||
        f->msg.nfds != (give ? 1u : 0u)) {
        return malformed(err);
    }
    if (!give) {
        return true;
    }
    out->fd = proc_frame_take_fd(f, 0);
    if (!check_file(out, err)) {
        wh_fd_close(&out->fd);
        return false;
    }
    return true;
}

struct keeper_giver *keeper_giver_new(int fd)
{
    struct keeper_giver *g = wh_alloc(sizeof *g);
    pthread_mutex_init(&g->lock, NULL);
    g->fd = fd;
    /* answers to who was here before are not taken for ours */
    g->id = (uint32_t)wh_now_us();
    return g;
}

void keeper_giver_free(struct keeper_giver **g)
{
    if (*g) {
        proc_frame_done(&(*g)->frame);
        pthread_mutex_destroy(&(*g)->lock);
        wh_free(*g);
        *g = NULL;
    }
}

/* Wait for the answer to question g->id. */
static bool answer(struct keeper_giver *g, uint16_t type, int64_t deadline,
                   uint8_t *out, struct wh_err *err)
{
    const struct proc_msg *m = &g->frame.msg;
    do {
        if (!proc_msg_recv(g->fd, &g->frame, deadline, err)) {
            return false;
        }
    } while (m->id != g->id);
    if (m->type == PROC_MSG_ERROR) {
        return proc_msg_to_err(m, err);
    }
    if (m->type != (type | PROC_MSG_REPLY) || m->body.n != 1) {
        return wh_fail(err, WH_INTERNAL, "malformed answer of the engines");
    }
    *out = (uint8_t)m->body.p[0];
    return true;
}

static bool ask(struct keeper_giver *g, uint16_t type,
                const struct keeper_hand *h, bool *yes, struct wh_err *err)
{
    struct wh_buf b;
    uint8_t said = 0;
    int64_t deadline = proc_deadline(ANSWER_MS);
    if (g->fd < 0) {
        return wh_fail(err, WH_UNAVAILABLE, "this house runs no engines");
    }
    wh_buf_init(&b, 256);
    wh_buf_mem(&b, h->sha256, WH_SHA256_HEX);
    wh_buf_u64le(&b, h->bytes);
    if (type == KEEPER_HAND_GIVE) {
        wh_buf_u64le(&b, h->until);
    }
    pthread_mutex_lock(&g->lock);
    struct proc_msg m = {.type = type,
                         .id = ++g->id,
                         .body = wh_buf_str(&b),
                         .fds = {h->fd},
                         .nfds = type == KEEPER_HAND_GIVE ? 1 : 0};
    bool ok = proc_msg_send(g->fd, &m, deadline, err) &&
              answer(g, type, deadline, &said, err);
    pthread_mutex_unlock(&g->lock);
    wh_buf_done(&b);
    *yes = said != 0;
    if (!ok && (err->code == WH_TIMEOUT || err->code == WH_CHILD_DIED)) {
        return wh_fail(err, WH_UNAVAILABLE,
                       "the process of the engines does not answer");
    }
    return ok;
}

bool keeper_giver_room(struct keeper_giver *g, const struct keeper_hand *h,
                       bool *there, struct wh_err *err)
{
    return ask(g, KEEPER_HAND_ROOM, h, there, err);
}

bool keeper_giver_give(struct keeper_giver *g, const struct keeper_hand *h,
                       bool *locked, struct wh_err *err)
{
    return ask(g, KEEPER_HAND_GIVE, h, locked, err);
}
