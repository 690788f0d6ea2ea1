/*
 * The keeper's process: its start, and the operations that hand out and settle
 * containers. Scanning is in ops.c, opening in open.c and judge.c.
 */
#include "keeper/server.h"

#include "base/enc.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/random.h"
#include "proc/sandbox.h"
#include "proc/state.h"
#include "proc/supervise.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define ARENA (96u << 20) /* of one message: an opening with its blobs */
#define ITEMS_MAX PROC_MSG_FDS

struct keeper_set *keeper_rq_set(struct proc_request *rq, struct wh_err *err)
{
    if (!*rq->session) {
        wh_fail(err, WH_BAD_REQUEST, "no session was begun");
    }
    return *rq->session;
}

struct wh_rd keeper_rq_rd(const struct proc_request *rq)
{
    struct wh_rd r;
    wh_rd_init(&r, rq->msg->body.p, rq->msg->body.n);
    return r;
}

bool keeper_rq_end(const struct wh_rd *r, struct wh_err *err)
{
    return wh_rd_end(r) || wh_fail(err, WH_BAD_REQUEST, "malformed message");
}

bool keeper_rq_reply(struct proc_request *rq, const struct wh_buf *b,
                     struct wh_err *err)
{
    if (!wh_buf_ok(b, err)) {
        return false;
    }
    rq->reply->body = wh_arena_dup(rq->arena, wh_buf_str(b));
    return true;
}

/* A repo as front names it: a kind we know, and printable ASCII. */
static bool read_repo(struct wh_rd *r, struct wh_str *out, struct wh_err *err)
{
    struct wh_str s = wh_rd_bytes(r, KEEPER_REPO_MAX);
    bool ok = wh_str_starts(s, WH_S("model:")) ||
              wh_str_starts(s, WH_S("dataset:")) ||
              wh_str_starts(s, WH_S("space:"));
    for (size_t i = 0; i < s.n; i++) {
        ok = ok && s.p[i] > ' ' && s.p[i] <= '~';
    }
    if (r->bad || !ok) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed name of a repo");
    }
    *out = s;
    return true;
}

/* ---- NEW, BEGIN, ADD, FEED, SETTLE, STATUS ---- */

static bool op_new(struct keeper *k, struct proc_request *rq,
                   struct wh_err *err)
{
    struct wh_rd r = keeper_rq_rd(rq);
    bool with_key = wh_rd_u8(&r) != 0;
    struct wh_str repo = {0};
    struct keeper_new n;
    struct wh_buf b;
    if (!read_repo(&r, &repo, err) || !keeper_rq_end(&r, err)) {
        return false;
    }
    crypto_random(n.id, sizeof n.id);
    crypto_random(n.key, sizeof n.key);
    keeper_keys_wrap(&k->keys, repo, n.id, n.key, n.wrapped);
    wh_buf_init(&b, 256);
    wh_buf_mem(&b, n.id, sizeof n.id);
    wh_buf_mem(&b, n.wrapped, sizeof n.wrapped);
    wh_buf_mem(&b, n.key, with_key ? sizeof n.key : 0);
    bool ok = keeper_rq_reply(rq, &b, err);
    wh_wipe(b.p, b.n);
    wh_buf_done(&b);
    wh_wipe(&n, sizeof n);
    return ok;
}

static bool op_begin(struct keeper *k, struct proc_request *rq,
                     struct wh_err *err)
{
    struct wh_rd r = keeper_rq_rd(rq);
    struct wh_str repo = {0};
    (void)k;
    if (!read_repo(&r, &repo, err) || !keeper_rq_end(&r, err)) {
        return false;
    }
    struct keeper_set *old = *rq->session;
    keeper_set_free(&old);
    *rq->session = keeper_set_new(repo);
    return true;
}

static bool add_one(struct keeper *k, struct proc_request *rq, unsigned i,
                    struct wh_rd *r, struct wh_err *err)
{
    struct keeper_set *s = *rq->session;
    struct keeper_part part = {.fd = -1};
    uint8_t wrapped[KEEPER_WRAPPED];
    wh_rd_copy(r, part.id, sizeof part.id);
    wh_rd_copy(r, wrapped, sizeof wrapped);
    bool ok = keeper_keys_unwrap(&k->keys, keeper_set_repo(s), part.id, wrapped,
                                 part.key, err);
    if (ok) {
        part.fd = rq->msg->fds[i];
        ok = keeper_set_add(s, &part, err);
    }
    if (ok) { /* the set's now */
        (void)proc_frame_take_fd(rq->frame, i);
    }
    wh_wipe(&part, sizeof part);
    return ok;
}

static bool op_add(struct keeper *k, struct proc_request *rq,
                   struct wh_err *err)
{
    struct wh_rd r = keeper_rq_rd(rq);
    unsigned n = wh_rd_u8(&r);
    if (!keeper_rq_set(rq, err)) {
        return false;
    }
    if (n == 0 || n > ITEMS_MAX || n != rq->msg->nfds ||
        wh_rd_left(&r) != n * (STORE_CONTAINER_ID + (size_t)KEEPER_WRAPPED)) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed message");
    }
    for (unsigned i = 0; i < n; i++) {
        if (!add_one(k, rq, i, &r, err)) {
            return false;
        }
    }
    return true;
}

static bool op_feed(struct keeper *k, struct proc_request *rq,
                    struct wh_err *err)
{
    struct wh_rd r = keeper_rq_rd(rq);
    uint32_t index = wh_rd_u32le(&r);
    uint64_t ready = wh_rd_u64le(&r);
    struct keeper_set *s = keeper_rq_set(rq, err);
    (void)k;
    if (!s || !keeper_rq_end(&r, err)) {
        return false;
    }
    rq->reply->type = 0;
    return keeper_set_feed(s, index, ready, err);
}

bool keeper_settle_set(struct keeper *k, struct keeper_set *s,
                       struct wh_arena *a, struct keeper_content *out,
                       struct wh_err *err)
{
    if (!keeper_set_settle(s, out->sha256, &out->size, err)) {
        return false;
    }
    json_t *ids = json_array(), *doc = json_object();
    for (size_t i = 0; i < keeper_set_count(s); i++) {
        char name[STORE_CONTAINER_NAME];
        store_container_name(keeper_set_part(s, i)->id, name);
        json_array_append_new(ids, json_string(name));
    }
    json_object_set_new(doc, "containers", ids);
    json_object_set_new(doc, "repo", wh_json_str(keeper_set_repo(s)));
    json_object_set_new(doc, "sha256", json_string(out->sha256));
    json_object_set_new(doc, "size", json_integer((json_int_t)out->size));
    return keeper_statement_make(&k->keys, a, "content", doc, &out->statement,
                                 err);
}

static bool op_settle(struct keeper *k, struct proc_request *rq,
                      struct wh_err *err)
{
    struct wh_rd r = keeper_rq_rd(rq);
    struct keeper_set *s = keeper_rq_set(rq, err);
    struct keeper_content c;
    struct wh_buf b;
    if (!s || !keeper_rq_end(&r, err) ||
        !keeper_settle_set(k, s, rq->arena, &c, err)) {
        return false;
    }
    wh_buf_init(&b, PROC_MSG_BODY);
    wh_buf_u64le(&b, c.size);
    wh_buf_mem(&b, c.sha256, WH_SHA256_HEX);
    bool ok = keeper_blob_put(&b, rq->reply, c.statement, err) &&
              keeper_rq_reply(rq, &b, err);
    wh_buf_done(&b);
    return ok;
}

static bool op_status(struct keeper *k, struct proc_request *rq,
                      struct wh_err *err)
{
    char id[2 * KEEPER_KEY_ID + 1], head[65];
    uint64_t n;
    struct wh_buf b;
    wh_hex_enc(k->keys.id, KEEPER_KEY_ID, id);
    keeper_ledger_head(k->ledger, &n, head);
    wh_buf_init(&b, 256);
    wh_buf_mem(&b, id, sizeof id - 1);
    wh_buf_u64le(&b, n);
    wh_buf_mem(&b, head, 64);
    wh_buf_u32le(&b, k->missing);
    wh_buf_u8(&b, k->locked ? 1 : 0);
    wh_buf_u8(&b, store_container_sealed() ? 1 : 0);
    bool ok = keeper_rq_reply(rq, &b, err);
    wh_buf_done(&b);
    return ok;
}

bool keeper_check_content(struct keeper *k, struct keeper_set *s,
                          struct wh_arena *a, struct wh_str text,
                          struct keeper_content_doc *out, struct wh_err *err)
{
    if (!keeper_statement_content(&k->keys, a, text, out, err)) {
        return false;
    }
    bool same = wh_str_eq(out->repo, keeper_set_repo(s)) &&
                out->n == keeper_set_count(s);
    for (size_t i = 0; same && i < out->n; i++) {
        same = memcmp(out->ids[i], keeper_set_part(s, i)->id,
                      STORE_CONTAINER_ID) == 0;
    }
    return same || wh_fail(err, WH_FORBIDDEN,
                           "the statement is not about these containers");
}

bool keeper_give_keys(struct proc_request *rq, const struct keeper_set *s,
                      struct wh_err *err)
{
    struct wh_buf b;
    size_t n = keeper_set_count(s);
    wh_buf_init(&b, PROC_MSG_BODY);
    wh_buf_u32le(&b, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        wh_buf_mem(&b, keeper_set_part(s, i)->key, STORE_CONTAINER_KEY);
    }
    bool ok = keeper_rq_reply(rq, &b, err);
    wh_wipe(b.p, b.n);
    wh_buf_done(&b);
    return ok;
}

static const struct {
    uint16_t type;
    keeper_op *op;
} ops[] = {
    {KEEPER_MSG_NEW, op_new},          {KEEPER_MSG_BEGIN, op_begin},
    {KEEPER_MSG_ADD, op_add},          {KEEPER_MSG_FEED, op_feed},
    {KEEPER_MSG_SETTLE, op_settle},    {KEEPER_MSG_SCAN, keeper_op_scan},
    {KEEPER_MSG_XORB, keeper_op_xorb}, {KEEPER_MSG_REBUILD, keeper_op_rebuild},
    {KEEPER_MSG_OPEN, keeper_op_open}, {KEEPER_MSG_PLAIN, keeper_op_plain},
    {KEEPER_MSG_STATUS, op_status},    {KEEPER_MSG_HOST, keeper_op_host},
};

static bool handle(void *ctx, struct proc_request *rq, struct wh_err *err)
{
    rq->arena->wipe = true;
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        if (ops[i].type == rq->msg->type) {
            return ops[i].op(ctx, rq, err);
        }
    }
    return wh_fail(err, WH_BAD_REQUEST, "no such operation");
}

static void end_session(void *ctx, void *session)
{
    struct keeper_set *s = session;
    (void)ctx;
    keeper_set_free(&s);
}

/* ---- start ---- */

static bool load_lines(struct keeper *k, const struct keeper_config *c,
                       struct wh_err *err)
{
    for (unsigned i = 0; i < c->nlines; i++) {
        if (!rule_line_load(&k->lines_arena, c->lines[i], &k->lines[i], err)) {
            return false;
        }
    }
    k->nlines = c->nlines;
    k->names = c->names;
    k->nnames = c->nnames;
    k->known = c->known;
    k->nknown = c->nknown;
    return true;
}

static bool open_ledger(struct keeper *k, const struct keeper_config *c,
                        struct wh_err *err)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/ledger", c->custody_dir);
    k->ledger = keeper_ledger_open(path, &k->keys, &k->horizon.floor, err);
    k->horizon.top = k->horizon.floor;
    if (!k->ledger) {
        return false;
    }
    keeper_ledger_roster(k->ledger, &k->pin.version, k->pin.digest);
    keeper_ledger_lines(k->ledger, &k->told.at);
    return true;
}

/* Keep keys and plaintext out of swap: all memory, now and later, if the limit
 * allows that; else the custody keys alone. True when all of it is locked. */
static bool lock_memory(struct keeper *k)
{
    struct rlimit all = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    if (setrlimit(RLIMIT_MEMLOCK, &all) == 0 &&
        mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0) {
        return true;
    }
    bool keys = mlock(k, sizeof *k) == 0;
    wh_log(WH_WARN, "keeper.memory", "locked=%s", keys ? "keys" : "none");
    return false;
}

static bool lock_in(struct keeper *k, const struct keeper_config *c,
                    struct wh_err *err)
{
    /* the sockets' folder, for the zygote; the register's public key */
    struct proc_path paths[] = {{c->run_dir, false}, {c->keys_dir, false}};
    struct proc_sandbox s = {.uid = c->uid,
                             .gid = c->gid,
                             .paths = paths,
                             .npaths = 2,
                             .limit_files = 65536};
    k->locked = lock_memory(k);
    if (!proc_sandbox_enter(&s, &k->missing, err)) {
        return false;
    }
    proc_state_log(k->missing);
    return true;
}

static bool keeper_start(struct keeper *k, const struct keeper_config *c,
                         struct wh_err *err)
{
    wh_arena_init(&k->lines_arena, 64 << 20);
    pthread_mutex_init(&k->horizon.lock, NULL);
    pthread_mutex_init(&k->pin.lock, NULL);
    pthread_mutex_init(&k->told.lock, NULL);
    k->keys_dir = c->keys_dir;
    k->giver = keeper_giver_new(c->hand_fd > 0 ? c->hand_fd : -1);
    if (!store_container_sealed()) {
        wh_log(WH_ERROR, "keeper.unsealed",
               "test build: containers are NOT sealed");
    }
    k->zygote = proc_client_new(c->run_dir, "zygote", 1, 64, err);
    return k->zygote && load_lines(k, c, err) &&
           keeper_keys_open(c->keys_dir, c->custody_dir, &k->keys, err) &&
           open_ledger(k, c, err) && lock_in(k, c, err);
}

bool keeper_serve(const struct keeper_config *c, struct wh_err *err)
{
    wh_assert(c->nlines <= KEEPER_LINES_MAX);
    struct keeper *k = wh_alloc(sizeof *k);
    struct proc_service s = {.name = KEEPER_NAME,
                             .listen_fd = c->listen_fd,
                             .threads = c->threads,
                             .max_conns = c->max_sessions + 64,
                             .npeers = c->npeers,
                             .arena_ceiling = ARENA,
                             .ctx = k,
                             .handle = handle,
                             .close = end_session};
    memcpy(s.peers, c->peers, sizeof s.peers);
    bool ok = keeper_start(k, c, err) && proc_service_run(&s, err);
    proc_client_free(&k->zygote);
    keeper_giver_free(&k->giver);
    keeper_ledger_close(&k->ledger);
    keeper_keys_done(&k->keys);
    pthread_mutex_destroy(&k->horizon.lock);
    pthread_mutex_destroy(&k->pin.lock);
    pthread_mutex_destroy(&k->told.lock);
    wh_arena_done(&k->lines_arena);
    wh_free(k);
    return ok;
}
