/*
 * The keeper's client: bodies are built and read here, transport is proc's.
 */
#include "keeper/client.h"

#include "base/enc.h"
#include "base/file.h"
#include "base/mem.h"
#include "keeper/wire.h"

/* Quick questions, and those that read or scan whole files. */
#define QUICK_MS 30000
#define LONG_MS (2LL * 60 * 60 * 1000)

struct keeper_session {
    struct proc_session *ps;
    struct proc_frame frame; /* of the last answer */
};

static void close_fds(struct proc_msg *m)
{
    for (unsigned i = 0; i < m->nfds; i++) {
        wh_fd_close(&m->fds[i]);
    }
}

static bool bad_answer(struct wh_err *err)
{
    return wh_fail(err, WH_INTERNAL, "malformed answer of the keeper");
}

/* Call in a session; then *r reads the answer's body. */
static bool ask(struct keeper_session *s, struct proc_msg *m, int64_t ms,
                struct wh_rd *r, struct wh_err *err)
{
    if (!proc_session_call(s->ps, m, proc_deadline(ms), &s->frame, err)) {
        return false;
    }
    wh_rd_init(r, s->frame.msg.body.p, s->frame.msg.body.n);
    return true;
}

static bool new_container(struct proc_client *keeper, struct wh_str repo,
                          bool with_key, struct keeper_new *out,
                          struct wh_err *err)
{
    struct proc_frame *f = wh_alloc(sizeof *f);
    struct wh_buf b;
    struct wh_rd r;
    wh_buf_init(&b, 1024);
    wh_buf_u8(&b, with_key ? 1 : 0);
    wh_buf_bytes(&b, repo);
    struct proc_msg m = {.type = KEEPER_MSG_NEW, .body = wh_buf_str(&b)};
    bool ok = proc_call(keeper, &m, proc_deadline(QUICK_MS), f, err);
    if (ok) {
        wh_rd_init(&r, f->msg.body.p, f->msg.body.n);
        wh_rd_copy(&r, out->id, sizeof out->id);
        wh_rd_copy(&r, out->wrapped, sizeof out->wrapped);
        if (with_key) {
            wh_rd_copy(&r, out->key, sizeof out->key);
        } else {
            memset(out->key, 0, sizeof out->key);
        }
        ok = wh_rd_end(&r) || bad_answer(err);
    }
    wh_buf_done(&b);
    proc_frame_done(f);
    wh_wipe(f, sizeof *f);
    wh_free(f);
    return ok;
}

bool keeper_new(struct proc_client *keeper, struct wh_str repo,
                struct keeper_new *out, struct wh_err *err)
{
    return new_container(keeper, repo, true, out, err);
}

bool keeper_new_target(struct proc_client *keeper, struct wh_str repo,
                       struct keeper_new *out, struct wh_err *err)
{
    return new_container(keeper, repo, false, out, err);
}

struct keeper_session *keeper_open(struct proc_client *keeper,
                                   struct wh_str repo, struct wh_err *err)
{
    struct keeper_session *s = wh_alloc(sizeof *s);
    struct wh_buf b;
    struct wh_rd r;
    wh_buf_init(&b, 1024);
    wh_buf_bytes(&b, repo);
    struct proc_msg m = {.type = KEEPER_MSG_BEGIN, .body = wh_buf_str(&b)};
    s->ps = proc_session_open(keeper, proc_deadline(QUICK_MS), err);
    if (!s->ps || !ask(s, &m, QUICK_MS, &r, err)) {
        keeper_close(&s);
    }
    wh_buf_done(&b);
    return s;
}

void keeper_close(struct keeper_session **sp)
{
    struct keeper_session *s = *sp;
    if (s) {
        proc_session_close(&s->ps);
        proc_frame_done(&s->frame);
        wh_wipe(&s->frame, sizeof s->frame); /* keys may have been in it */
        wh_free(s);
        *sp = NULL;
    }
}

/* At most as many as descriptors fit into a message. */
static bool add_some(struct keeper_session *s, const struct keeper_item *items,
                     size_t n, struct wh_err *err)
{
    struct proc_msg m = {.type = KEEPER_MSG_ADD, .nfds = (unsigned)n};
    struct wh_buf b;
    struct wh_rd r;
    wh_buf_init(&b, 1024);
    wh_buf_u8(&b, (uint8_t)n);
    for (size_t i = 0; i < n; i++) {
        wh_buf_mem(&b, items[i].id, sizeof items[i].id);
        wh_buf_mem(&b, items[i].wrapped, sizeof items[i].wrapped);
        m.fds[i] = items[i].fd;
    }
    m.body = wh_buf_str(&b);
    bool ok = ask(s, &m, QUICK_MS, &r, err);
    wh_buf_done(&b);
    return ok;
}

bool keeper_add(struct keeper_session *s, const struct keeper_item *items,
                size_t n, struct wh_err *err)
{
    while (n > 0) {
        size_t some = n < PROC_MSG_FDS ? n : PROC_MSG_FDS;
        if (!add_some(s, items, some, err)) {
            return false;
        }
        items += some;
        n -= some;
    }
    return true;
}

bool keeper_feed(struct keeper_session *s, uint32_t index, uint64_t ready,
                 struct wh_err *err)
{
    struct wh_buf b;
    wh_buf_init(&b, 64);
    wh_buf_u32le(&b, index);
    wh_buf_u64le(&b, ready);
    struct proc_msg m = {.type = KEEPER_MSG_FEED, .body = wh_buf_str(&b)};
    bool ok = proc_session_send(s->ps, &m, proc_deadline(QUICK_MS), err);
    wh_buf_done(&b);
    return ok;
}

/* The answer of SETTLE and REBUILD. */
static bool read_content(struct keeper_session *s, struct wh_rd *r,
                         struct wh_arena *a, struct keeper_content *out,
                         struct wh_err *err)
{
    unsigned fd = 0;
    struct wh_str statement;
    out->size = wh_rd_u64le(r);
    wh_rd_copy(r, out->sha256, WH_SHA256_HEX);
    out->sha256[WH_SHA256_HEX] = '\0';
    if (!keeper_blob_get(r, &s->frame.msg, &fd, a, &statement, err)) {
        return false;
    }
    out->statement = wh_arena_dup(a, statement);
    return wh_rd_end(r) || bad_answer(err);
}

bool keeper_settle(struct keeper_session *s, struct wh_arena *a,
                   struct keeper_content *out, struct wh_err *err)
{
    struct proc_msg m = {.type = KEEPER_MSG_SETTLE};
    struct wh_rd r;
    return ask(s, &m, LONG_MS, &r, err) && read_content(s, &r, a, out, err);
}

/* The answer of SCAN and XORB: two blobs. */
static bool read_two(struct keeper_session *s, struct wh_rd *r,
                     struct wh_arena *a, struct wh_str *x, struct wh_str *y,
                     struct wh_err *err)
{
    unsigned fd = 0;
    struct wh_str p, q;
    if (!keeper_blob_get(r, &s->frame.msg, &fd, a, &p, err) ||
        !keeper_blob_get(r, &s->frame.msg, &fd, a, &q, err)) {
        return false;
    }
    *x = wh_arena_dup(a, p);
    *y = wh_arena_dup(a, q);
    return wh_rd_end(r) || bad_answer(err);
}

bool keeper_scan(struct keeper_session *s, struct wh_arena *a,
                 struct wh_str content, struct wh_str path,
                 struct wh_str config, struct keeper_scan *out,
                 struct wh_err *err)
{
    struct proc_msg m = {.type = KEEPER_MSG_SCAN};
    struct wh_buf b;
    struct wh_rd r;
    wh_buf_init(&b, PROC_MSG_BODY);
    bool ok = keeper_blob_put(&b, &m, content, err);
    wh_buf_bytes(&b, path);
    ok = ok && keeper_blob_put(&b, &m, config, err) && wh_buf_ok(&b, err);
    m.body = wh_buf_str(&b);
    ok = ok && ask(s, &m, LONG_MS, &r, err) &&
         read_two(s, &r, a, &out->result, &out->statement, err);
    close_fds(&m);
    wh_buf_done(&b);
    return ok;
}

bool keeper_xorb(struct keeper_session *s, struct wh_arena *a,
                 const uint8_t hash[32], struct keeper_xorb *out,
                 struct wh_err *err)
{
    struct proc_msg m = {.type = KEEPER_MSG_XORB, .body = wh_str_mem(hash, 32)};
    struct wh_rd r;
    return ask(s, &m, LONG_MS, &r, err) &&
           read_two(s, &r, a, &out->table, &out->statement, err);
}

bool keeper_rebuild(struct keeper_session *s, struct wh_arena *a,
                    const struct keeper_rebuild *rq, struct keeper_content *out,
                    struct wh_err *err)
{
    static const uint8_t no_hash[32];
    struct proc_msg m = {.type = KEEPER_MSG_REBUILD, .nfds = 1};
    struct wh_buf b;
    struct wh_rd r;
    m.fds[0] = rq->target.fd;
    wh_buf_init(&b, PROC_MSG_BODY);
    wh_buf_mem(&b, rq->target.id, sizeof rq->target.id);
    wh_buf_mem(&b, rq->target.wrapped, sizeof rq->target.wrapped);
    wh_buf_u8(&b, rq->hash ? 1 : 0);
    wh_buf_mem(&b, rq->hash ? rq->hash : no_hash, 32);
    wh_buf_u64le(&b, rq->size);
    wh_buf_u32le(&b, rq->nterms);
    bool ok = keeper_blob_put(&b, &m, rq->terms, err) && wh_buf_ok(&b, err);
    m.body = wh_buf_str(&b);
    ok = ok && ask(s, &m, LONG_MS, &r, err) && read_content(s, &r, a, out, err);
    m.fds[0] = -1; /* the caller's */
    close_fds(&m);
    wh_buf_done(&b);
    return ok;
}

/* ---- openings ---- */

static bool read_keys(struct keeper_session *s, struct wh_rd *r,
                      uint8_t (*keys)[STORE_CONTAINER_KEY], size_t n,
                      struct wh_err *err)
{
    uint32_t count = wh_rd_u32le(r);
    for (size_t i = 0; i < n && count == n; i++) {
        wh_rd_copy(r, keys[i], STORE_CONTAINER_KEY);
    }
    bool ok = count == n && wh_rd_end(r);
    wh_wipe(s->frame.bytes, sizeof s->frame.bytes);
    return ok || bad_answer(err);
}

/* The blob of papers; see open.c. */
static void put_papers(struct wh_buf *b, const struct keeper_opening *o)
{
    wh_buf_u8(b, 3);
    wh_buf_bytes(b, o->content);
    wh_buf_bytes(b, o->manifest);
    wh_buf_bytes(b, o->leaf);
    wh_buf_bytes(b, o->proof);
    wh_buf_bytes(b, o->evidence);
    wh_buf_bytes(b, o->subject_salt);
    wh_buf_bytes(b, o->evidence_salt);
    wh_buf_bytes(b, o->bundle);
    wh_buf_bytes(b, o->told);
    wh_buf_u32le(b, (uint32_t)o->nscans);
    for (size_t i = 0; i < o->nscans; i++) {
        wh_buf_bytes(b, o->scans[i]);
    }
}

/* OPEN and HOST: one blob of papers; then *r reads the answer. */
static bool show_papers(struct keeper_session *s, uint16_t type,
                        const struct keeper_opening *o, struct wh_rd *r,
                        struct wh_err *err)
{
    struct proc_msg m = {.type = type};
    struct wh_buf blob, b;
    wh_buf_init(&blob, KEEPER_BLOB_MAX);
    wh_buf_init(&b, PROC_MSG_BODY);
    put_papers(&blob, o);
    bool ok = wh_buf_ok(&blob, err) &&
              keeper_blob_put(&b, &m, wh_buf_str(&blob), err);
    m.body = wh_buf_str(&b);
    ok = ok && ask(s, &m, LONG_MS, r, err);
    close_fds(&m);
    wh_buf_done(&b);
    wh_buf_done(&blob);
    return ok;
}

bool keeper_keys(struct keeper_session *s, const struct keeper_opening *o,
                 uint8_t (*keys)[STORE_CONTAINER_KEY], size_t n,
                 struct wh_err *err)
{
    struct wh_rd r;
    return show_papers(s, KEEPER_MSG_OPEN, o, &r, err) &&
           read_keys(s, &r, keys, n, err);
}

bool keeper_host(struct keeper_session *s, const struct keeper_opening *o,
                 bool *locked, struct wh_err *err)
{
    struct wh_rd r;
    if (!show_papers(s, KEEPER_MSG_HOST, o, &r, err)) {
        return false;
    }
    (void)wh_rd_u8(&r); /* 1: it was there already */
    *locked = wh_rd_u8(&r) != 0;
    return wh_rd_end(&r) || bad_answer(err);
}

bool keeper_keys_plain(struct keeper_session *s, struct wh_str content,
                       struct wh_str scan, uint8_t (*keys)[STORE_CONTAINER_KEY],
                       size_t n, struct wh_err *err)
{
    struct proc_msg m = {.type = KEEPER_MSG_PLAIN};
    struct wh_buf b;
    struct wh_rd r;
    wh_buf_init(&b, PROC_MSG_BODY);
    bool ok = keeper_blob_put(&b, &m, content, err) &&
              keeper_blob_put(&b, &m, scan, err);
    m.body = wh_buf_str(&b);
    ok = ok && ask(s, &m, QUICK_MS, &r, err) && read_keys(s, &r, keys, n, err);
    close_fds(&m);
    wh_buf_done(&b);
    return ok;
}

bool keeper_status(struct proc_client *keeper, struct keeper_status *out,
                   struct wh_err *err)
{
    struct proc_frame *f = wh_alloc(sizeof *f);
    struct proc_msg m = {.type = KEEPER_MSG_STATUS};
    struct wh_rd r;
    bool ok = proc_call(keeper, &m, proc_deadline(QUICK_MS), f, err);
    if (ok) {
        *out = (struct keeper_status){0};
        wh_rd_init(&r, f->msg.body.p, f->msg.body.n);
        wh_rd_copy(&r, out->key_id, sizeof out->key_id - 1);
        out->openings = wh_rd_u64le(&r);
        wh_rd_copy(&r, out->ledger_head, sizeof out->ledger_head - 1);
        out->missing = wh_rd_u32le(&r);
        out->memory_locked = wh_rd_u8(&r) != 0;
        out->sealed = wh_rd_u8(&r) != 0;
        ok = wh_rd_end(&r) || bad_answer(err);
    }
    proc_frame_done(f);
    wh_free(f);
    return ok;
}
