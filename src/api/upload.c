/*
 * upload.c - the bytes of large files coming in over signed links.
 */
#include "api/handlers.h"
#include "base/count.h"
#include "base/enc.h"
#include "base/time.h"
#include "front/answer.h"
#include "front/quota.h"
#include "front/sign.h"
#include "hub/lfs.h"

#define PARTS_MAX 1024u

/* One upload request; lives in its arena. */
struct put {
    struct front_req *q;
    struct front_grant grant;
    enum store_kind kind;
    char oid[WH_SHA256_HEX + 1];
    uint64_t expect; /* bytes that must come */
    uint32_t part;   /* 0: the whole file */
    int64_t upload;  /* row of the multipart upload */
    struct hub_receiver *r;
    struct wh_err err; /* of work done on the queue */
};

/* ---- reading and checking the link ---- */

static bool query_u64(struct front_req *q, const char *key, uint64_t *out)
{
    struct wh_str text;

    return front_query(q->net->query, key, 0, q->a, &text) &&
           wh_str_u64(text, out) && *out <= INT64_MAX;
}

static bool still_writes(struct front_req *q, const struct front_grant *g,
                         struct wh_err *err)
{
    if (front_grant_writes(q, g, err)) {
        return true;
    }
    /* whoever holds its link could see it: nobody is told to sign in */
    return err->code == WH_REPO_NOT_FOUND
               ? wh_fail(err, WH_NOT_FOUND,
                         "the repo of this upload was deleted meanwhile")
               : false;
}

static bool read_link(struct front_req *q, const char *what, struct put *p,
                      struct wh_err *err)
{
    uint64_t repo, account, expires, part = 0;
    struct wh_str kind, sig;
    uint8_t raw[WH_SHA256_LEN];

    if (!wh_hex_dec(q->at.a, raw, sizeof raw, false) ||
        !query_u64(q, "repo", &repo) || !query_u64(q, "account", &account) ||
        !query_u64(q, "size", &p->grant.a) ||
        !query_u64(q, "expires", &expires) ||
        !front_query(q->net->query, "kind", 0, q->a, &kind) ||
        !store_kind_of(kind, &p->kind) ||
        !front_query(q->net->query, "sig", 0, q->a, &sig)) {
        return wh_fail(err, WH_FORBIDDEN, "this is not a link for uploads");
    }
    wh_hex_enc(raw, sizeof raw, p->oid);
    if (strcmp(what, "part") == 0 &&
        (!query_u64(q, "part", &part) || part > PARTS_MAX)) {
        return wh_fail(err, WH_FORBIDDEN, "this is not a link for a part");
    }
    p->part = (uint32_t)part;
    p->grant.what = what;
    p->grant.repo = (int64_t)repo;
    p->grant.account = (int64_t)account;
    p->grant.expires = (int64_t)expires;
    p->grant.object = q->at.a;
    p->grant.b = part;
    return front_grant_check(q->house, &p->grant, sig, err) &&
           still_writes(q, &p->grant, err);
}

static void end_put(void *arg)
{
    struct put *p = arg;

    hub_receive_free(&p->r);
}

static struct put *new_put(struct front_req *q)
{
    struct put *p = WH_NEW(q->a, struct put);

    p->q = q;
    q->state = p;
    wh_arena_defer(q->a, end_put, p);
    return p;
}

/* ---- the body ---- */

static void take(struct net_req *r, void *ctx, struct wh_str chunk)
{
    struct put *p = ctx;
    struct wh_err err = {0};

    front_req_enter_job(r);
    if (hub_receive_size(p->r) + chunk.n > p->expect) {
        wh_fail(&err, WH_TOO_LARGE, "more bytes than the announced %llu",
                (unsigned long long)p->expect);
    } else if (hub_receive_data(p->r, chunk, &err)) {
        return;
    }
    front_req_fail(p->q, &err);
}

static bool complete_length(struct put *p, struct wh_err *err)
{
    if (hub_receive_size(p->r) != p->expect) {
        return wh_fail(
            err, WH_DIGEST_MISMATCH,
            "%llu bytes arrived, %llu were announced; nothing was kept",
            (unsigned long long)hub_receive_size(p->r),
            (unsigned long long)p->expect);
    }
    wh_count(WH_COUNT_UPLOADS, 1);
    wh_count(WH_COUNT_UPLOAD_BYTES, p->expect);
    front_quota_sent(p->q, p->grant.account, p->expect);
    return true;
}

/* ---- whole files ---- */

static void answer_put(struct net_req *r)
{
    struct front_req *q = front_req_enter_job(r);
    struct put *p = q->state;

    if (p->err.code != WH_NONE) {
        front_req_fail(q, &p->err);
        return;
    }
    front_answer_json(r, 200, wh_json_own(q->a, json_object()));
}

/* On the queue: reading back may take as long as the keeper lies behind. */
static void settle_whole(struct db *db, struct wh_arena *a, void *ctx)
{
    struct put *p = ctx;

    (void)db;
    if (!hub_settle_whole(p->r, a, p->oid, &p->err)) {
        wh_assert(p->err.code != WH_NONE);
    }
    net_resume(p->q->net, answer_put);
}

static void settle_dropped(void *ctx)
{
    struct put *p = ctx;

    wh_fail(&p->err, WH_UNAVAILABLE, "the house is stopping");
    net_resume(p->q->net, answer_put);
}

/* Hand the rest to the queue; the request waits without a worker. */
static void wait_for(struct put *p, hub_work *work)
{
    struct net_req *r = p->q->net;
    struct wh_err err = {0};

    net_park(r);
    if (!hub_queue_add(p->q->house->queue, work, settle_dropped, p, &err)) {
        p->err = err;
        net_resume(r, answer_put);
    }
}

static void end_whole(struct net_req *r, void *ctx)
{
    struct put *p = ctx;
    struct wh_err err = {0};

    front_req_enter_job(r);
    if (!complete_length(p, &err) || !hub_receive_finish(p->r, &err)) {
        front_req_fail(p->q, &err);
        return;
    }
    wait_for(p, settle_whole);
}

static const struct net_sink WHOLE = {.data = take, .end = end_whole};

bool api_upload_whole(struct front_req *q, struct wh_err *err)
{
    struct put *p = new_put(q);

    if (!read_link(q, "whole", p, err) ||
        !hub_vault_room(&q->house->vault, p->grant.a, err) ||
        !front_quota_upload_to(q, p->grant.repo, p->grant.account, p->grant.a,
                               err) ||
        !hub_receive_begin(&q->house->vault, p->kind, p->grant.repo, true,
                           &p->r, err)) {
        return false;
    }
    p->expect = p->grant.a;
    net_stream(q->net, &WHOLE, p);
    return true;
}

/* ---- parts ---- */

/* Bytes that part n of an upload has. */
static uint64_t part_bytes(const struct store_upload *up, uint32_t n)
{
    uint64_t off = (uint64_t)(n - 1) * up->part_size;

    return off >= up->size                  ? 0
           : up->size - off < up->part_size ? up->size - off
                                            : up->part_size;
}

static bool part_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct put *p = ctx;
    const struct store_container_row *row = hub_receive_row(p->r);
    struct store_upload up;

    if (!store_upload_find(db, p->grant.repo, p->oid, &up, err)) {
        return err->code == WH_NOT_FOUND
                   ? wh_fail(err, WH_NOT_FOUND,
                             "the upload was completed or given up meanwhile")
                   : false;
    }
    /* its number may have gone to another upload since */
    if (up.id != p->upload || p->expect != part_bytes(&up, p->part)) {
        return wh_fail(err, WH_CONFLICT, "the upload has begun anew meanwhile");
    }
    return store_container_done(db, row->id, row->size, err) &&
           store_upload_part(db, p->upload, p->part, row->id, err);
}

static void end_part(struct net_req *r, void *ctx)
{
    struct put *p = ctx;
    struct wh_err err = {0};
    char name[STORE_CONTAINER_NAME];

    front_req_enter_job(r);
    if (!complete_length(p, &err) || !hub_receive_finish(p->r, &err) ||
        !db_write(p->q->house->writer, part_fn, p, &err)) {
        front_req_fail(p->q, &err);
        return;
    }
    hub_receive_keep(p->r);
    store_container_name(hub_receive_row(p->r)->id, name);
    net_answer(r, 200);
    net_answer_headerf(r, "ETag", "\"%s\"", name);
    front_answer_json_body(r, wh_json_own(p->q->a, json_object()));
}

static const struct net_sink PART = {.data = take, .end = end_part};

bool api_upload_part(struct front_req *q, struct wh_err *err)
{
    struct put *p = new_put(q);
    struct store_upload up;

    if (!read_link(q, "part", p, err)) {
        return false;
    }
    if (!store_upload_find(q->db, p->grant.repo, p->oid, &up, err)) {
        return false;
    }
    p->upload = up.id;
    p->expect = p->part ? part_bytes(&up, p->part) : 0;
    if (p->expect == 0) {
        return wh_fail(err, WH_BAD_REQUEST, "the upload has no such part");
    }
    if (!hub_vault_room(&q->house->vault, p->expect, err) ||
        !front_quota_upload_to(q, p->grant.repo, p->grant.account, p->expect,
                               err) ||
        !hub_receive_begin(&q->house->vault, p->kind, p->grant.repo, false,
                           &p->r, err)) {
        return false;
    }
    net_stream(q->net, &PART, p);
    return true;
}

/* ---- completion ---- */

static bool check_parts(const struct store_upload *up,
                        const struct store_container_row *parts, size_t n,
                        struct wh_err *err)
{
    uint64_t want = (up->size + up->part_size - 1) / up->part_size;

    for (size_t i = 0; i < n && i < want; i++) {
        if (parts[i].part != i + 1) {
            return wh_fail(err, WH_BAD_REQUEST, "part %zu has not arrived",
                           i + 1);
        }
    }
    return n == want ||
           wh_fail(err, WH_BAD_REQUEST, "%zu of %llu parts have arrived", n,
                   (unsigned long long)want);
}

/* Another completion of the same upload was faster. */
static bool is_complete(struct db *db, struct wh_arena *a, struct put *p)
{
    struct store_content c;
    struct wh_err ignored = {0};
    bool found;

    return store_content_find(db, a, p->grant.repo, p->oid, &found, &c,
                              &ignored) &&
           found;
}

static void settle_parts(struct db *db, struct wh_arena *a, void *ctx)
{
    struct put *p = ctx;
    struct store_container_row *parts;
    struct store_upload up;
    size_t n;

    if (store_upload_find(db, p->grant.repo, p->oid, &up, &p->err) &&
        store_upload_parts(db, a, up.id, &parts, &n, &p->err) &&
        check_parts(&up, parts, n, &p->err) &&
        hub_settle_parts(&p->q->house->vault, a, p->kind, &up, parts, n,
                         &p->err)) {
        p->err = (struct wh_err){0};
    }
    if (p->err.code != WH_NONE && is_complete(db, a, p)) {
        p->err = (struct wh_err){0};
    }
    net_resume(p->q->net, answer_put);
}

bool api_upload_complete(struct front_req *q, struct wh_err *err)
{
    struct put *p = new_put(q);
    uint64_t size;
    bool found;

    if (!read_link(q, "complete", p, err) ||
        !hub_lfs_exists(q->db, p->grant.repo, p->grant.account, p->oid, &found,
                        &size, err)) {
        return false;
    }
    if (found) { /* the answer to the first completion was lost */
        front_answer_json(q->net, 200, wh_json_own(q->a, json_object()));
        return true;
    }
    wait_for(p, settle_parts);
    return true;
}

/* ---- verify ---- */

bool api_upload_verify(struct front_req *q, struct wh_err *err)
{
    uint64_t repo, stored;
    struct store_repo row;
    enum store_role role;
    int64_t size;
    json_t *body;
    bool found;

    if (!query_u64(q, "repo", &repo) || !front_req_json(q, &body, err) ||
        !wh_json_get_i64(body, "size", &size, err)) {
        return err->code != WH_NONE ? false : wh_fail(err, WH_BAD_REQUEST, "");
    }
    if (!store_repo_by_id(q->db, q->a, (int64_t)repo, &row, err) ||
        !front_req_repo_role(q, row.owner, row.id, &role, err)) {
        return false;
    }
    if (role < STORE_ROLE_WRITE) {
        return wh_fail(err, WH_REPO_NOT_FOUND, "");
    }
    if (!hub_lfs_exists(q->db, row.id, front_req_account(q),
                        wh_arena_cstr(q->a, q->at.a), &found, &stored, err)) {
        return false;
    }
    if (!found || stored != (uint64_t)size) {
        return wh_fail(err, WH_NOT_FOUND, "this object has not arrived whole");
    }
    front_answer_json(q->net, 200, wh_json_own(q->a, json_object()));
    return true;
}
