/*
 * xet.c - tokens for the Xet protocol, and the routes that take its uploads.
 *
 * Clients talk to these routes with a token of their own, which names a repo,
 * an account and an end, and is signed like our links. It is good for nothing
 * else. Downloads go by plain HTTP, so there is nothing to read here.
 */
#include "api/xet.h"
#include "api/handlers.h"
#include "base/time.h"
#include "front/answer.h"
#include "front/quota.h"
#include "front/sign.h"

#define TOKEN_SECONDS 3600

/* ---- tokens ---- */

/* "xet.write.model.42.7.1790000000.<signature>" */
static struct wh_str token_text(struct front_req *q,
                                const struct front_grant *g)
{
    return wh_arena_fmt(q->a, "xet.%s.%s.%lld.%lld.%lld.%.*s", g->what + 4,
                        store_kind_name(q->repo.kind), (long long)g->repo,
                        (long long)g->account, (long long)g->expires,
                        WH_FMT(front_grant_sign(q->house, q->a, g)));
}

/* One place a repo and a time: clients remember by URL what they sent, and what
 * was sent to one repo can not be named in another. */
static struct wh_str cas_url(struct front_req *q)
{
    int64_t epoch =
        hub_xet_epoch(wh_now_us(), q->house->conf->uploads_expire_hours);

    return wh_arena_fmt(q->a, "%.*s/xet/%lld-%lld", WH_FMT(front_req_base(q)),
                        (long long)q->repo.id, (long long)epoch);
}

static bool answer_token(struct front_req *q, const char *what)
{
    struct front_grant g = {.what = what,
                            .repo = q->repo.id,
                            .account = front_req_account(q),
                            .a = (uint64_t)q->repo.kind,
                            .expires = wh_now_us() / 1000000 + TOKEN_SECONDS};
    struct wh_str token = token_text(q, &g), url = cas_url(q);
    json_t *o = wh_json_own(q->a, json_object());

    json_object_set_new(o, "accessToken", wh_json_str(token));
    json_object_set_new(o, "exp", json_integer(g.expires));
    json_object_set_new(o, "casUrl", wh_json_str(url));
    net_answer(q->net, 200);
    net_answer_header(q->net, "X-Xet-Access-Token", token);
    net_answer_header(q->net, "X-Xet-Cas-Url", url);
    net_answer_headerf(q->net, "X-Xet-Token-Expiration", "%lld",
                       (long long)g.expires);
    net_answer_header(q->net, "Cache-Control", WH_S("no-store"));
    front_answer_json_body(q->net, o);
    return true;
}

bool api_xet_write_token(struct front_req *q, struct wh_err *err)
{
    (void)err;
    return answer_token(q, "xet-write");
}

bool api_xet_read_token(struct front_req *q, struct wh_err *err)
{
    (void)err;
    return answer_token(q, "xet-read");
}

/* A number that may be multiplied into microseconds. */
static bool take_number(struct wh_str *rest, int64_t *out)
{
    struct wh_str one;
    uint64_t n;

    wh_str_cut(rest, '.', &one);
    if (!wh_str_u64(one, &n) || n > INT64_MAX / 1000000) {
        return false;
    }
    *out = (int64_t)n;
    return true;
}

static bool token_parse(struct wh_str text, struct front_grant *g,
                        enum store_kind *kind, struct wh_str *sig)
{
    struct wh_str word, scope, kind_name;

    if (!wh_str_cut(&text, '.', &word) || !wh_str_is(word, "xet") ||
        !wh_str_cut(&text, '.', &scope) ||
        !wh_str_cut(&text, '.', &kind_name) ||
        !store_kind_of(kind_name, kind) || !take_number(&text, &g->repo) ||
        !take_number(&text, &g->account) || !take_number(&text, &g->expires)) {
        return false;
    }
    g->what = wh_str_is(scope, "write") ? "xet-write" : "xet-read";
    g->a = (uint64_t)*kind;
    *sig = text;
    return true;
}

/* The place in the path is the one of this repo; its time does not matter. */
static bool place_fits(struct wh_str place, int64_t repo)
{
    struct wh_str id;
    uint64_t n;

    return wh_str_cut(&place, '-', &id) && wh_str_u64(id, &n) &&
           n == (uint64_t)repo;
}

bool api_xet_check_token(struct front_req *q, struct hub_xet *out,
                         struct wh_err *err)
{
    struct wh_str text = net_req_header(q->net, "authorization"), scheme, sig;
    struct front_grant g = {0};
    struct wh_err why = {0};
    enum store_kind kind;

    if (!wh_str_cut(&text, ' ', &scheme) ||
        !wh_str_ieq(scheme, WH_S("bearer")) ||
        !token_parse(wh_str_trim(text), &g, &kind, &sig) ||
        !front_grant_check(q->house, &g, sig, &why) ||
        !place_fits(q->at.b, g.repo)) {
        return wh_fail(err, WH_AUTH_INVALID,
                       "this is no token for Xet uploads, or it has expired: "
                       "ask for a new one");
    }
    if (strcmp(g.what, "xet-write") != 0) {
        return wh_fail(err, WH_FORBIDDEN, "this token is for reading only");
    }
    if (!front_grant_writes(q, &g, err)) {
        return false;
    }
    *out = (struct hub_xet){.vault = &q->house->vault,
                            .kind = kind,
                            .repo = g.repo,
                            .account = g.account};
    return true;
}

/* ---- xorbs ---- */

/* A xorb on its way in; lives in the request's arena. */
struct coming {
    struct front_req *q;
    struct hub_xet x;
    struct scan_xet_hash hash;
    struct hub_receiver *r; /* null when the repo has it already */
    bool added;
    struct wh_err err; /* of work done on the queue */
};

static void end_coming(void *arg)
{
    struct coming *c = arg;

    hub_receive_free(&c->r);
}

static struct coming *new_coming(struct front_req *q)
{
    struct coming *c = WH_NEW(q->a, struct coming);

    c->q = q;
    q->state = c;
    wh_arena_defer(q->a, end_coming, c);
    return c;
}

void api_xet_fail(struct front_req *q, struct wh_err *err)
{
    if (err->code == WH_DIGEST_MISMATCH) {
        err->code = WH_BAD_REQUEST;
    }
    front_req_fail(q, err);
}

static void take_xorb(struct net_req *r, void *ctx, struct wh_str chunk)
{
    struct coming *c = ctx;
    struct wh_err err = {0};

    front_req_enter_job(r);
    if (c->r && !hub_receive_data(c->r, chunk, &err)) {
        api_xet_fail(c->q, &err);
    }
}

static void answer_xorb(struct net_req *r)
{
    struct coming *c = front_req_enter_job(r)->state;
    json_t *o = wh_json_own(c->q->a, json_object());

    if (c->err.code != WH_NONE) {
        api_xet_fail(c->q, &c->err);
        return;
    }
    json_object_set_new(o, "was_inserted", json_boolean(c->added));
    front_answer_json(r, 200, o);
}

static void settle_xorb(struct db *db, struct wh_arena *a, void *ctx)
{
    struct coming *c = ctx;

    (void)db;
    if (!hub_xorb_settle(&c->x, c->r, a, &c->hash, &c->added, &c->err)) {
        wh_assert(c->err.code != WH_NONE);
    }
    net_resume(c->q->net, answer_xorb);
}

static void drop_xorb(void *ctx)
{
    struct coming *c = ctx;

    wh_fail(&c->err, WH_UNAVAILABLE, "the house is stopping");
    net_resume(c->q->net, answer_xorb);
}

/* Verifying takes long: the request waits without a worker. */
static void wait_for_xorb(struct coming *c)
{
    struct net_req *r = c->q->net;
    struct wh_err err = {0};

    net_park(r);
    if (!hub_queue_add(c->q->house->queue, settle_xorb, drop_xorb, c, &err)) {
        c->err = err;
        net_resume(r, answer_xorb);
    }
}

static void end_xorb(struct net_req *r, void *ctx)
{
    struct coming *c = ctx;
    struct wh_err err = {0};

    front_req_enter_job(r);
    if (!c->r) {
        answer_xorb(r);
    } else if (!hub_receive_finish(c->r, &err)) {
        api_xet_fail(c->q, &err);
    } else {
        front_quota_sent(c->q, c->x.account, hub_receive_size(c->r));
        wait_for_xorb(c);
    }
}

static const struct net_sink XORB = {.data = take_xorb, .end = end_xorb};

static bool read_hash(struct front_req *q, struct scan_xet_hash *out,
                      struct wh_err *err)
{
    return scan_xet_parse(q->at.a, out) ||
           wh_fail(err, WH_BAD_REQUEST,
                   "a xorb is named by 64 lower-case hexadecimal digits");
}

bool api_xet_xorb(struct front_req *q, struct wh_err *err)
{
    struct coming *c = new_coming(q);
    bool known;

    if (!api_xet_check_token(q, &c->x, err) || !read_hash(q, &c->hash, err) ||
        !hub_xorb_known(&c->x, q->db, &c->hash, &known, err)) {
        return false;
    }
    /* one that the repo has is read to its end and dropped */
    if (!known &&
        (!hub_vault_room(c->x.vault, HUB_XORB_MAX, err) ||
         !front_quota_upload_to(q, c->x.repo, c->x.account,
                                q->net->length == NET_CHUNKED ? HUB_XORB_MAX
                                                              : q->net->length,
                                err) ||
         !hub_receive_begin(c->x.vault, c->x.kind, c->x.repo, false, &c->r,
                            err))) {
        return false;
    }
    net_stream(q->net, &XORB, c);
    return true;
}

bool api_xet_xorb_head(struct front_req *q, struct wh_err *err)
{
    struct scan_xet_hash hash;
    struct hub_xet x;
    bool known;

    if (!api_xet_check_token(q, &x, err) || !read_hash(q, &hash, err) ||
        !hub_xorb_known(&x, q->db, &hash, &known, err)) {
        return false;
    }
    if (!known) {
        return wh_fail(err, WH_NOT_FOUND, "the repo has no such xorb");
    }
    front_answer_json(q->net, 200, wh_json_own(q->a, json_object()));
    return true;
}

/* ---- what this house does not answer ---- */

bool api_xet_nothing(struct front_req *q, struct wh_err *err)
{
    (void)q;
    return wh_fail(err, WH_NOT_FOUND,
                   "nothing is known of this here; downloads go by HTTP");
}
