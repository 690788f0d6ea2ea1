/*
 * request.c - from a parsed head to a handler that may assume the caller's
 * right to be there.
 */
#include "front/request.h"
#include "base/enc.h"
#include "base/log.h"
#include "base/time.h"
#include "front/answer.h"
#include "front/metrics.h"
#include "front/quota.h"
#include "front/used.h"

/* ---- finding the row ---- */

static const struct front_route *find_row(const struct front_house *house,
                                          enum net_method method,
                                          struct wh_str path,
                                          bool *other_method)
{
    enum net_method want = method == NET_HEAD ? NET_GET : method;

    *other_method = false;
    for (size_t t = 0; t < house->ntables; t++) {
        const struct front_table *table = house->tables[t];
        for (size_t i = 0; i < table->n; i++) {
            const struct front_route *row = &table->rows[i];
            if (!front_route_fits(row->pattern, path)) {
                continue;
            }
            if (row->method == want) {
                return row;
            }
            *other_method = true;
        }
    }
    return NULL;
}

/* ---- handlers of requests that have no row ---- */

static void handle_no_row(struct net_req *r, enum wh_code code)
{
    struct front_worker *w = net_req_worker(r);
    struct front_req q = {
        .net = r, .house = w->house, .db = w->db, .a = r->arena};
    struct wh_err err = {0};

    wh_fail(&err, code, "");
    front_req_fail(&q, &err);
}

static void handle_not_found(struct net_req *r)
{
    handle_no_row(r, WH_NOT_FOUND);
}

static void handle_bad_method(struct net_req *r)
{
    handle_no_row(r, WH_BAD_METHOD);
}

/* CORS preflight: the same for every path. */
static void handle_options(struct net_req *r)
{
    net_answer(r, 204);
    front_answer_cors(r);
    net_answer_header(r, "Access-Control-Allow-Methods",
                      WH_S("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    net_answer_header(r, "Access-Control-Allow-Headers",
                      WH_S("Authorization, Content-Type, Range"));
    net_answer_header(r, "Access-Control-Max-Age", WH_S("86400"));
    net_answer_send(r);
}

/* ---- who asks ---- */

/* The password of Basic credentials: git and git-lfs put the token there. */
static bool basic_token(struct front_req *q, struct wh_str coded,
                        struct wh_str *out)
{
    char *raw = wh_arena_alloc(q->a, coded.n + 3);
    struct wh_str pair, user;
    size_t n;

    if (!wh_base64_dec(wh_str_trim(coded), raw, coded.n + 3, &n)) {
        return false;
    }
    pair = wh_str_mem(raw, n);
    if (!wh_str_cut(&pair, ':', &user)) {
        return false;
    }
    *out = pair;
    return true;
}

/* The token of the Authorization header; *given says that there is one. */
static bool header_token(struct front_req *q, bool *given, struct wh_str *out,
                         struct wh_err *err)
{
    struct wh_str h = net_req_header(q->net, "authorization"), scheme;

    *given = false;
    if (h.n == 0) {
        return true;
    }
    if (wh_str_cut(&h, ' ', &scheme)) {
        *given = true;
        if (wh_str_ieq(scheme, WH_S("bearer"))) {
            *out = wh_str_trim(h);
            return true;
        }
        if (wh_str_ieq(scheme, WH_S("basic")) && basic_token(q, h, out)) {
            return true;
        }
    }
    return wh_fail(err, WH_AUTH_INVALID, "");
}

struct wh_str front_req_cookie(const struct front_req *q, const char *name)
{
    struct wh_str all = net_req_header(q->net, "cookie"), one, key;

    while (all.n > 0) {
        wh_str_cut(&all, ';', &one);
        one = wh_str_trim(one);
        if (wh_str_cut(&one, '=', &key) && wh_str_is(key, name)) {
            return one;
        }
    }
    return WH_S("");
}

static bool sign_in_by_cookie(struct front_req *q, struct wh_err *err)
{
    struct wh_err ignored = {0};

    q->cookie = front_req_cookie(q, FRONT_SESSION_COOKIE);
    if (q->cookie.n == 0) {
        return true;
    }
    /* an old cookie is no credential: the page shows the anonymous view */
    q->signed_in =
        store_session_auth(q->db, q->cookie, wh_now_us(), &q->who, &ignored);
    if (!q->signed_in) {
        q->cookie = WH_S("");
        if (ignored.code != WH_AUTH_INVALID) {
            *err = ignored;
            return false;
        }
    }
    return true;
}

static bool identify(struct front_req *q, struct wh_err *err)
{
    struct wh_str token = WH_S("");
    bool given;

    if (q->route->who == FRONT_PUBLIC) {
        return true;
    }
    if (!header_token(q, &given, &token, err)) {
        return false;
    }
    if (q->route->who == FRONT_KEY) {
        return given ? q->house->enter_key(q, token, err)
                     : wh_fail(err, WH_AUTH_REQUIRED, "");
    }
    if (given) {
        if (!store_token_auth(q->db, token, wh_now_us(), &q->who, err)) {
            struct wh_err limited = {0};
            if (!front_quota_stranger(q, &limited)) {
                *err = limited;
            }
            return false;
        }
        q->signed_in = true;
        front_used_note(q->house, &q->who.token);
        return true;
    }
    return q->route->page ? sign_in_by_cookie(q, err) : true;
}

/* ---- what they may do ---- */

int64_t front_req_account(const struct front_req *q)
{
    return q->signed_in ? q->who.account.id : 0;
}

int64_t front_req_viewer(const struct front_req *q)
{
    return q->signed_in && q->who.token.role != STORE_ROLE_FINE
               ? q->who.account.id
               : 0;
}

int64_t front_req_ends(const struct front_req *q, int64_t wish)
{
    int64_t own = q->who.token.expires;

    return wish == 0 || (own != 0 && own < wish) ? own : wish;
}

/* FINE stands last in the enum, but holds nothing beyond its scopes. */
bool front_req_credential(const struct front_req *q, enum store_role role,
                          struct wh_err *err)
{
    enum store_role has = q->who.token.role;

    return (has != STORE_ROLE_FINE && has >= role) ||
           wh_fail(err, WH_FORBIDDEN,
                   "that takes credentials of the role %s; yours have the "
                   "role %s",
                   store_role_name(role), store_role_name(has));
}

/* A token can do no more than its own role, whatever its account may. */
static bool token_ceiling(struct front_req *q, int64_t ns, int64_t repo,
                          enum store_role *out, struct wh_err *err)
{
    const struct store_token *t = &q->who.token;

    if (t->role == STORE_ROLE_FINE) {
        return store_token_scope(q->db, t->id, ns, repo, out, err);
    }
    /* a write token also deletes, as the clients expect of it */
    *out = t->role == STORE_ROLE_WRITE ? STORE_ROLE_ADMIN : t->role;
    return true;
}

bool front_req_role(struct front_req *q, int64_t ns, enum store_role *out,
                    struct wh_err *err)
{
    return front_req_repo_role(q, ns, 0, out, err);
}

bool front_req_repo_role(struct front_req *q, int64_t ns, int64_t repo,
                         enum store_role *out, struct wh_err *err)
{
    enum store_role ceiling = STORE_ROLE_NONE;

    *out = STORE_ROLE_NONE;
    if (!q->signed_in) {
        return true;
    }
    if (!store_member_role(q->db, ns, q->who.account.id, out, err) ||
        !token_ceiling(q, ns, repo, &ceiling, err)) {
        return false;
    }
    *out = *out < ceiling ? *out : ceiling;
    return true;
}

bool front_req_sees_private(const struct front_req *q)
{
    return q->has_repo && q->role >= STORE_ROLE_READ;
}

/* Missing and forbidden look alike (see status_for). */
static bool load_repo(struct front_req *q, struct wh_err *err)
{
    struct wh_str full =
        wh_arena_fmt(q->a, "%.*s/%.*s", WH_FMT(q->at.ns), WH_FMT(q->at.name));

    if (!store_repo_by_name(q->db, q->a, q->at.kind, full, &q->repo, err) ||
        !front_req_repo_role(q, q->repo.owner, q->repo.id, &q->role, err)) {
        return false;
    }
    if (q->repo.is_private && q->role < STORE_ROLE_READ) {
        return wh_fail(err, WH_REPO_NOT_FOUND, "");
    }
    q->has_repo = true;
    return true;
}

static bool need_role(const struct front_req *q, enum store_role role,
                      struct wh_err *err)
{
    if (!q->signed_in) {
        return wh_fail(err, WH_AUTH_REQUIRED, "");
    }
    if (q->role < role) {
        return wh_fail(err, WH_FORBIDDEN,
                       "You have no %s access to %s with this token",
                       store_role_name(role), q->repo.full);
    }
    return true;
}

static bool permit(struct front_req *q, struct wh_err *err)
{
    switch (q->route->who) {
    case FRONT_PUBLIC:
    case FRONT_ANYONE:
    case FRONT_KEY:
        return true;
    case FRONT_NAMED:
        return q->signed_in || wh_fail(err, WH_AUTH_REQUIRED, "");
    case FRONT_SIGNED_IN:
        return (q->signed_in || wh_fail(err, WH_AUTH_REQUIRED, "")) &&
               front_req_credential(q, STORE_ROLE_READ, err);
    case FRONT_OPERATOR:
        if (!q->signed_in) {
            return wh_fail(err, WH_AUTH_REQUIRED, "");
        }
        return (q->who.account.is_operator || wh_fail(err, WH_FORBIDDEN, "")) &&
               front_req_credential(q, STORE_ROLE_ADMIN, err);
    case FRONT_METRICS:
        return front_metrics_may(q, err);
    case FRONT_READ:
        return load_repo(q, err);
    case FRONT_WRITE:
        return load_repo(q, err) && need_role(q, STORE_ROLE_WRITE, err);
    case FRONT_ADMIN:
        return load_repo(q, err) && need_role(q, STORE_ROLE_ADMIN, err);
    }
    wh_panic(__FILE__, __LINE__, "a route row without a permission");
}

/* Wrong credentials count as none: else they would be a way to ask for ever. */
static bool may_ask(struct front_req *q, struct wh_err *err)
{
    return q->signed_in || q->route->who == FRONT_PUBLIC ||
           q->route->who == FRONT_KEY || front_quota_stranger(q, err);
}

/* ---- running ---- */

/* The front_req of this request; false when its caller may not be here. */
static bool enter(struct net_req *r, struct front_req **out, struct wh_err *err)
{
    struct front_worker *w = net_req_worker(r);
    struct front_req *q = WH_NEW(r->arena, struct front_req);

    q->net = r;
    q->house = w->house;
    q->db = w->db;
    q->a = r->arena;
    q->route = r->route;
    r->user = *out = q;
    wh_panic_context(r->id);
    return front_route_capture(q->route->pattern, r->path, q->a, &q->at, err) &&
           identify(q, err) && may_ask(q, err) && permit(q, err);
}

/* Before a large body is taken. Strangers have small ones, and nobody sends
 * much to where he may not be. The handler asks again: until the body is there,
 * a right may have ended. */
static void admit_row(struct net_req *r)
{
    struct front_req *q;
    struct wh_err err = {0};
    bool good = enter(r, &q, &err);

    if (good && !q->signed_in && q->key == NULL) {
        net_body_limit(r, NET_ADMIT);
        good = r->length == NET_CHUNKED || r->length <= NET_ADMIT ||
               wh_fail(&err, WH_TOO_LARGE,
                       "without signing in, at most %u bytes are taken here",
                       NET_ADMIT);
    }
    if (!good) {
        front_req_fail(q, &err);
    }
    wh_panic_context(NULL);
}

static void handle_row(struct net_req *r)
{
    struct front_req *q;
    struct wh_err err = {0};

    if (!enter(r, &q, &err) || !q->route->handle(q, &err)) {
        front_req_fail(q, &err);
    }
    wh_panic_context(NULL);
}

/* What a key asks for, without a worker, if nothing of it can block. */
static bool quick_row(struct net_req *r)
{
    struct front_house *house = net_req_app(r);
    struct front_req *q = WH_NEW(r->arena, struct front_req);
    struct wh_str token = WH_S("");
    struct wh_err err = {0};
    bool given;

    q->net = r;
    q->house = house;
    q->a = r->arena;
    q->route = r->route;
    return header_token(q, &given, &token, &err) && given &&
           house->quick_key(q, token);
}

void front_request_plan(void *house, const struct net_req *r,
                        struct net_plan *plan)
{
    const struct front_house *h = house;
    const struct front_route *row;
    bool other_method;

    *plan = (struct net_plan){.body = NET_BODY_NONE, .handle = handle_options};
    if (r->method == NET_OPTIONS) {
        return;
    }
    row = find_row(house, r->method, r->path, &other_method);
    if (!row) {
        /* answered before any byte of a body is taken */
        plan->handle = other_method ? handle_bad_method : handle_not_found;
        plan->body = NET_BODY_STREAM;
        plan->limit = UINT64_MAX;
        return;
    }
    plan->route = row;
    plan->handle = handle_row;
    plan->body = row->body;
    plan->limit = row->limit;
    plan->lane = row->lane;
    if (row->who != FRONT_PUBLIC) {
        plan->admit = admit_row;
    }
    if (row->who == FRONT_KEY && row->method == NET_POST && h->quick_key) {
        plan->quick = quick_row;
    }
}

struct net_limits front_request_limits(const struct conf *conf)
{
    struct net_limits m = net_limits_default();

    m.body_memory = (uint64_t)conf->limits_body_memory;
    m.body_share = (uint64_t)conf->limits_body_share;
    return m;
}

struct front_req *front_req_enter_job(struct net_req *r)
{
    struct front_req *q = r->user;
    struct front_worker *w = net_req_worker(r);

    q->db = w->db;
    return q;
}

/* ---- failing ---- */

/* Does a person with a browser ask? */
static bool for_eyes(const struct net_req *r)
{
    struct wh_str accept = net_req_header(r, "accept");

    return !wh_str_starts(r->path, WH_S("/api/")) &&
           wh_str_find_str(accept, WH_S("text/html")) != SIZE_MAX;
}

/* Of the gateway, or of nothing that there is below /v1? */
static bool is_openai(const struct net_req *r)
{
    return wh_str_starts(r->path, WH_S("/v1/"));
}

static bool wants_page(const struct front_req *q)
{
    return q->house->fail_page && for_eyes(q->net);
}

/* HF's habit, which clients rely on: strangers get 401 for what they can not
 * see. The code word stays RepoNotFound. */
static int status_for(const struct front_req *q, const struct wh_err *err)
{
    if (err->code == WH_REPO_NOT_FOUND && !q->signed_in) {
        return 401;
    }
    if ((err->code == WH_HELD || err->code == WH_WEIGHING) && !q->signed_in) {
        return 401;
    }
    return wh_err_row(err->code)->http;
}

void front_req_fail(struct front_req *q, const struct wh_err *err)
{
    if (is_openai(q->net) && q->house->fail_key) {
        q->house->fail_key(q, err);
    } else if (wants_page(q)) {
        q->house->fail_page(q, err);
    } else {
        front_answer_error(q->net, status_for(q, err), err, q->commit_hex,
                           &q->rate);
    }
}

/* OpenAI's form of a failure that no handler has seen. */
static void openai_fault(struct net_fault fault, struct wh_buf *out)
{
    wh_buf_cstr(out, "{\"error\":{\"message\":");
    wh_buf_json(out, wh_str_of(fault.message));
    wh_buf_fmt(out, ",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}",
               fault.status >= 500 ? "server_error" : "invalid_request_error",
               fault.status == 413   ? "request_too_large"
               : fault.status == 503 ? "overloaded"
               : fault.status >= 500 ? "internal_error"
                                     : "invalid_request");
}

void front_request_fault(void *house, const struct net_req *r,
                         struct net_fault fault, struct wh_buf *out,
                         const char **type)
{
    (void)house;
    if (r && for_eyes(r)) {
        /* no worker, no templates: the sentence alone */
        wh_buf_cstr(out, fault.message);
        wh_buf_char(out, '\n');
        *type = "text/plain; charset=utf-8";
        return;
    }
    *type = "application/json; charset=utf-8";
    if (r && is_openai(r)) {
        openai_fault(fault, out);
        return;
    }
    wh_buf_cstr(out, "{\"error\":");
    wh_buf_json(out, wh_str_of(fault.message));
    wh_buf_cstr(out, "}");
}

/* ---- small readers ---- */

struct wh_str front_req_base(const struct front_req *q)
{
    return wh_arena_fmt(q->a, "%s://%.*s", q->house->tls ? "https" : "http",
                        WH_FMT(q->net->authority));
}

bool front_req_json(struct front_req *q, json_t **out, struct wh_err *err)
{
    struct wh_str body = net_req_body(q->net);

    if (body.n == 0) {
        body = WH_S("{}");
    }
    if (!wh_json_parse(q->a, body, out, err)) {
        return false;
    }
    return json_is_object(*out) ||
           wh_fail(err, WH_BAD_REQUEST, "the body must be a JSON object");
}
