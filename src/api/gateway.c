/*
 * gateway.c - /v1 as OpenAI's clients speak it, and the keys for it.
 *
 * Who may ask is the key's business (front finds it), what may be asked the
 * gateway's. Keys are made by accounts for themselves: with credentials that
 * can write, since a key spends what belongs to the account.
 */
#include "gateway/gateway.h"
#include "api/gateway.h"
#include "api/handlers.h"
#include "base/time.h"
#include "front/answer.h"
#include "hub/view.h"

#define DAY_US (24 * STORE_HOUR_US)
#define KEY_DAYS_MAX 3650
#define USAGE_DAYS_MAX 400
#define CAP_MAX 1000000000000

/* ---- /v1 ---- */

static void drop_key(void *p)
{
    struct gateway_key *key = p;

    gateway_key_drop(&key);
}

bool api_gateway_enter(struct front_req *q, struct wh_str text,
                       struct wh_err *err)
{
    struct gateway_keys *keys = gateway_keys(q->house->gateway);

    if (!gateway_keys_find(keys, q->db, text, &q->key, err)) {
        return false;
    }
    wh_arena_defer(q->a, drop_key, q->key);
    return true;
}

bool api_gateway_quick(struct front_req *q, struct wh_str text)
{
    struct gateway *g = q->house->gateway;
    bool chat = q->route->handle == api_v1_chat, done;

    if (!chat && q->route->handle != api_v1_completions) {
        return false;
    }
    q->key = gateway_keys_peek(gateway_keys(g), text);
    done = q->key && gateway_answer_quick(g, q->net, q->key,
                                          chat ? GATEWAY_CHAT : GATEWAY_TEXT);
    gateway_key_drop(&q->key);
    return done;
}

void api_gateway_fail(struct front_req *q, const struct wh_err *err)
{
    struct gateway_fault f;

    (void)gateway_fail_err(&f, err);
    if (err->code == WH_AUTH_REQUIRED) {
        (void)gateway_fail(&f, GATEWAY_F_NO_KEY, NULL,
                           "no API key was given: it stands in the header "
                           "Authorization, after \"Bearer\"");
    } else if (err->code == WH_NOT_FOUND && !q->route) {
        (void)gateway_fail(&f, GATEWAY_F_NOT_FOUND, NULL,
                           "there is nothing under this path");
    } else if (err->code == WH_FORBIDDEN && q->key == NULL) {
        f.code = GATEWAY_F_SUSPENDED;
    }
    gateway_answer_fault(q->house->gateway, q->net, NULL, &f);
}

bool api_v1_chat(struct front_req *q, struct wh_err *err)
{
    (void)err;
    gateway_answer(q->house->gateway, q->net, q->db, q->key, GATEWAY_CHAT,
                   front_req_base(q));
    return true;
}

bool api_v1_completions(struct front_req *q, struct wh_err *err)
{
    (void)err;
    gateway_answer(q->house->gateway, q->net, q->db, q->key, GATEWAY_TEXT,
                   front_req_base(q));
    return true;
}

static json_t *view_model(const struct gateway_route *m)
{
    struct wh_str name = wh_str_of(m->model), owner;

    (void)wh_str_cut(&name, '/', &owner);
    return json_pack("{s:s,s:s,s:I,s:o}", "id", m->model, "object", "model",
                     "created", (json_int_t)m->created, "owned_by",
                     wh_json_str(owner));
}

static void answer_json(struct front_req *q, json_t *v)
{
    struct wh_buf b;

    wh_buf_init(&b, (size_t)8 << 20);
    wh_json_write(&b, v, false);
    json_decref(v);
    gateway_answer_json(q->house->gateway, q->net, q->key, wh_buf_str(&b));
    wh_buf_done(&b);
}

/* Is the name among the models of the list already? */
static bool has(const json_t *list, const char *id)
{
    const json_t *m;
    size_t i;

    json_array_foreach(list, i, m)
    {
        if (strcmp(json_string_value(json_object_get(m, "id")), id) == 0) {
            return true;
        }
    }
    return false;
}

bool api_v1_models(struct front_req *q, struct wh_err *err)
{
    struct gateway_routes *routes = gateway_routes(q->house->gateway);
    json_t *list = wh_json_own(q->a, json_array());
    struct wh_str *names;
    size_t n;

    if (!gateway_route_names(routes, q->db, q->a, &names, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct gateway_route *m;
        struct gateway_fault f;

        if (!gateway_key_may(q->key, names[i]) ||
            !gateway_route_find(routes, q->db, q->a, names[i], q->key->account,
                                front_req_base(q), &m, &f)) {
            continue;
        }
        if (!has(list, m->model)) {
            json_array_append_new(list, view_model(m));
        }
        gateway_route_drop(&m);
    }
    answer_json(q, json_pack("{s:s,s:O}", "object", "list", "data", list));
    return true;
}

bool api_v1_model(struct front_req *q, struct wh_err *err)
{
    struct wh_str name = q->at.ns.n > 0
                             ? wh_arena_fmt(q->a, "%.*s/%.*s", WH_FMT(q->at.ns),
                                            WH_FMT(q->at.name))
                             : q->at.a;
    struct gateway_route *m;
    struct gateway_fault f;

    (void)err;
    if (!gateway_route_find(gateway_routes(q->house->gateway), q->db, q->a,
                            name, q->key->account, front_req_base(q), &m, &f)) {
        gateway_answer_fault(q->house->gateway, q->net, q->key, &f);
        return true;
    }
    answer_json(q, view_model(m));
    gateway_route_drop(&m);
    return true;
}

bool api_v1_nothing(struct front_req *q, struct wh_err *err)
{
    return wh_fail(err, WH_NOT_FOUND, "there is nothing at %.*s",
                   (int)(q->net->path.n > 200 ? 200 : q->net->path.n),
                   q->net->path.p);
}

/* ---- keys ---- */

static json_t *time_or_null(int64_t us)
{
    return us > 0 ? hub_view_time(us) : json_null();
}

static json_t *view_names(struct wh_str lines)
{
    json_t *list = json_array();
    struct wh_str one;

    while (lines.n > 0) {
        (void)wh_str_cut(&lines, '\n', &one);
        json_array_append_new(list, wh_json_str(one));
    }
    return list;
}

static json_t *view_key(const struct gateway_key_row *k)
{
    json_t *o = json_object(), *ends = json_array(), *limits = json_object();

    if (k->endpoints & GATEWAY_MAY_CHAT) {
        json_array_append_new(ends, json_string("chat"));
    }
    if (k->endpoints & GATEWAY_MAY_TEXT) {
        json_array_append_new(ends, json_string("completions"));
    }
#define CAP(name, v) \
    json_object_set_new(limits, name, json_integer((json_int_t)(v)))
    CAP("requests_per_minute", k->caps.minute_requests);
    CAP("tokens_per_minute", k->caps.minute_tokens);
    CAP("tokens_per_day", k->caps.day_tokens);
    CAP("streams", k->caps.streams);
#undef CAP
    json_object_set_new(o, "id", json_integer((json_int_t)k->id));
    json_object_set_new(o, "name", wh_json_str(k->name));
    json_object_set_new(o, "key", wh_json_str(k->shown));
    json_object_set_new(o, "models", view_names(k->models));
    json_object_set_new(o, "endpoints", ends);
    json_object_set_new(o, "limits", limits);
    json_object_set_new(o, "created", hub_view_time(k->created));
    json_object_set_new(o, "expires", time_or_null(k->expires));
    json_object_set_new(o, "revoked", time_or_null(k->revoked));
    return o;
}

/* A key can do nothing that its maker's credentials can not. */
static bool may_write(const struct front_req *q, struct wh_err *err)
{
    enum store_role role = q->who.token.role;

    return role == STORE_ROLE_WRITE || role == STORE_ROLE_ADMIN ||
           wh_fail(err, WH_FORBIDDEN,
                   "keys are made and revoked with credentials that can "
                   "write");
}

bool api_key_list(struct front_req *q, struct wh_err *err)
{
    json_t *list = wh_json_own(q->a, json_array());
    struct gateway_key_row *rows;
    size_t n;

    if (!gateway_key_list(q->db, q->a, q->who.account.id, &rows, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(list, view_key(&rows[i]));
    }
    front_answer_json(q->net, 200, list);
    return true;
}

struct new_key {
    struct gateway_key_row row;
    char text[GATEWAY_KEY_LEN + 1];
};

static bool key_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct new_key *k = ctx;

    return gateway_key_create(db, &k->row, k->text, err);
}

/* Names of models, one a line. */
static bool read_models(struct front_req *q, const json_t *body,
                        struct wh_str *out, struct wh_err *err)
{
    const json_t *list = json_object_get(body, "models"), *m;
    struct wh_buf b;
    size_t i;

    *out = WH_S("");
    if (!list || json_is_null(list)) {
        return true;
    }
    if (!json_is_array(list) || json_array_size(list) > GATEWAY_SCOPE_MAX) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "models must be an array of at most %d names",
                       GATEWAY_SCOPE_MAX);
    }
    wh_buf_init(&b, 32768);
    json_array_foreach(list, i, m)
    {
        struct wh_str name = wh_str_of(json_string_value(m)), ns, repo;
        if (name.n == 0 || !store_full_split(name, &ns, &repo, err)) {
            wh_buf_done(&b);
            return wh_fail(err, WH_BAD_REQUEST,
                           "models must be names like \"demo/smollm2\"");
        }
        if (i > 0) {
            wh_buf_char(&b, '\n');
        }
        wh_buf_add(&b, name);
    }
    *out = wh_arena_dup(q->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return true;
}

static bool read_endpoints(const json_t *body, unsigned *out,
                           struct wh_err *err)
{
    const json_t *list = json_object_get(body, "endpoints"), *e;
    size_t i;

    *out = GATEWAY_MAY_CHAT | GATEWAY_MAY_TEXT;
    if (!list || json_is_null(list)) {
        return true;
    }
    *out = 0;
    json_array_foreach(list, i, e)
    {
        struct wh_str name = wh_str_of(json_string_value(e));
        unsigned one = wh_str_is(name, "chat")          ? GATEWAY_MAY_CHAT
                       : wh_str_is(name, "completions") ? GATEWAY_MAY_TEXT
                                                        : 0U;
        if (one == 0) {
            *out = 0;
            break;
        }
        *out |= one;
    }
    return *out != 0 ||
           wh_fail(err, WH_BAD_REQUEST,
                   "endpoints must be an array of chat and completions");
}

static bool read_cap(const json_t *limits, const char *name, uint64_t dflt,
                     uint64_t *out, struct wh_err *err)
{
    int64_t v;

    if (!wh_json_opt_i64(limits, name, (int64_t)dflt, &v, err)) {
        return false;
    }
    if (v < 0 || v > CAP_MAX) {
        return wh_fail(err, WH_BAD_REQUEST, "%s must be from 0 (none) to %lld",
                       name, (long long)CAP_MAX);
    }
    *out = (uint64_t)v;
    return true;
}

static bool read_caps(struct front_req *q, const json_t *body,
                      struct gateway_caps *out, struct wh_err *err)
{
    const struct gateway_caps *d = gateway_caps(q->house->gateway);
    const json_t *l = json_object_get(body, "limits");
    json_t *none = wh_json_own(q->a, json_object());

    if (l && !json_is_object(l) && !json_is_null(l)) {
        return wh_fail(err, WH_BAD_REQUEST, "limits must be an object");
    }
    l = json_is_object(l) ? l : none;
    return read_cap(l, "requests_per_minute", d->minute_requests,
                    &out->minute_requests, err) &&
           read_cap(l, "tokens_per_minute", d->minute_tokens,
                    &out->minute_tokens, err) &&
           read_cap(l, "tokens_per_day", d->day_tokens, &out->day_tokens,
                    err) &&
           read_cap(l, "streams", d->streams, &out->streams, err);
}

static bool read_key(struct front_req *q, struct gateway_key_row *row,
                     struct wh_err *err)
{
    int64_t days;
    json_t *body;

    if (!front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "name", &row->name, err) ||
        !wh_json_opt_i64(body, "days", 0, &days, err)) {
        return false;
    }
    if (days < 0 || days > KEY_DAYS_MAX) {
        return wh_fail(err, WH_BAD_REQUEST, "days must be between 0 and %d",
                       KEY_DAYS_MAX);
    }
    row->account = q->who.account.id;
    row->created = wh_now_us();
    row->expires =
        front_req_ends(q, days > 0 ? row->created + days * DAY_US : 0);
    return read_models(q, body, &row->models, err) &&
           read_endpoints(body, &row->endpoints, err) &&
           read_caps(q, body, &row->caps, err);
}

/* The key stands in this answer, and nowhere after it. */
bool api_key_create(struct front_req *q, struct wh_err *err)
{
    struct new_key k = {0};
    json_t *o;

    if (!may_write(q, err) || !read_key(q, &k.row, err) ||
        !db_write(q->house->writer, key_fn, &k, err)) {
        return false;
    }
    k.row.shown = wh_str_mem(k.text, GATEWAY_KEY_SHOWN);
    o = wh_json_own(q->a, view_key(&k.row));
    json_object_set_new(o, "secret", json_string(k.text));
    front_answer_json(q->net, 201, o);
    return true;
}

struct old_key {
    int64_t account, now;
    uint64_t id;
};

static bool revoke_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct old_key *k = ctx;

    return gateway_key_revoke(db, k->account, (int64_t)k->id, k->now, err);
}

/* What runs with the key ends with it. */
bool api_key_revoke(struct front_req *q, struct wh_err *err)
{
    struct old_key k = {.account = q->who.account.id, .now = wh_now_us()};

    if (!may_write(q, err)) {
        return false;
    }
    if (!wh_str_u64(q->at.a, &k.id) || k.id > INT64_MAX) {
        return wh_fail(err, WH_NOT_FOUND, "you have no such key in force");
    }
    if (!db_write(q->house->writer, revoke_fn, &k, err)) {
        return false;
    }
    gateway_stop(q->house->gateway,
                 &(struct gateway_stop){
                     .whose = GATEWAY_OF_KEY,
                     .id = (int64_t)k.id,
                     .why = WH_S("the API key was revoked by its account"),
                     .url = wh_arena_fmt(q->a, "%.*s/settings",
                                         WH_FMT(front_req_base(q)))});
    front_answer_json(q->net, 200, wh_json_own(q->a, json_object()));
    return true;
}

/* ---- usage ---- */

static json_t *view_usage(struct db_stmt *s)
{
    char day[WH_TIME_TEXT];
    json_t *o = json_object();

    wh_time_text(db_col_i64(s, 3) * DAY_US, day);
    json_object_set_new(o, "key", json_integer((json_int_t)db_col_i64(s, 0)));
    json_object_set_new(o, "shown", wh_json_str(db_col_text(s, 1)));
    json_object_set_new(o, "name", wh_json_str(db_col_text(s, 2)));
    json_object_set_new(o, "day", wh_json_str(wh_str_mem(day, 10)));
    json_object_set_new(o, "model", wh_json_str(db_col_text(s, 4)));
    json_object_set_new(o, "requests",
                        json_integer((json_int_t)db_col_i64(s, 5)));
    json_object_set_new(o, "prompt_tokens",
                        json_integer((json_int_t)db_col_i64(s, 6)));
    json_object_set_new(o, "completion_tokens",
                        json_integer((json_int_t)db_col_i64(s, 7)));
    return o;
}

bool api_usage(struct front_req *q, struct wh_err *err)
{
    uint64_t days =
        front_query_u64(q->net->query, "days", 30, 1, USAGE_DAYS_MAX, q->a);
    json_t *list = wh_json_own(q->a, json_array());
    struct db_stmt *s = db_start(q->db, DBQ_API_USAGE_OF_ACCOUNT);
    enum db_row r;

    db_bind_i64(s, 1, q->who.account.id);
    db_bind_i64(s, 2, wh_now_us() / DAY_US - (int64_t)days + 1);
    while ((r = db_step(s, err)) == DB_ROW) {
        json_array_append_new(list, view_usage(s));
    }
    db_finish(&s);
    if (r != DB_DONE) {
        return false;
    }
    front_answer_json(q->net, 200, list);
    return true;
}
