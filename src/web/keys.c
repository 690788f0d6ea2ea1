/*
 * keys.c - keys for the gateway, and what was used with them. Fields have the
 * names that api/gateway.c gives them.
 */
#include "base/mem.h"
#include "base/time.h"
#include "gateway/gateway.h"
#include "hub/view.h"
#include "store/repo.h"
#include "web/handlers.h"
#include "web/page.h"

#define DAY_US (24 * STORE_HOUR_US)
#define KEY_DAYS_MAX 3650
#define CAP_MAX UINT64_C(1000000000000)

/* The drawing of usage: WIDTH units, a bar for each day. */
#define WIDTH 640
#define HEIGHT 130
#define LEFT 4
#define RIGHT 636
#define TOP 20
#define BOTTOM 108
#define USAGE_DAYS_MAX 90

static bool need_session(const struct front_req *q, struct wh_err *err)
{
    return q->cookie.n > 0 || wh_fail(err, WH_AUTH_REQUIRED, "");
}

/* ---- keys as JSON ---- */

static json_t *time_or_null(int64_t us)
{
    return us > 0 ? hub_view_time(us) : json_null();
}

static json_t *view_models(struct wh_str lines)
{
    json_t *list = json_array();
    struct wh_str one;

    while (lines.n > 0) {
        (void)wh_str_cut(&lines, '\n', &one);
        json_array_append_new(list, wh_json_str(one));
    }
    return list;
}

static json_t *view_key(const struct gateway_key_row *k, int64_t now)
{
    bool over = k->revoked > 0 || (k->expires > 0 && k->expires <= now);

    return json_pack(
        "{s:o,s:o,s:o,s:o,s:b,s:b,s:I,s:I,s:o,s:o,s:o,s:b}", "id",
        json_sprintf("%lld", (long long)k->id), "name", web_text(k->name),
        "key", web_text(k->shown), "models", view_models(k->models), "chat",
        (k->endpoints & GATEWAY_MAY_CHAT) != 0, "completions",
        (k->endpoints & GATEWAY_MAY_TEXT) != 0, "tokens_per_day",
        (json_int_t)k->caps.day_tokens, "requests_per_minute",
        (json_int_t)k->caps.minute_requests, "created",
        hub_view_time(k->created), "expires", time_or_null(k->expires),
        "revoked", time_or_null(k->revoked), "over", over);
}

/* ---- the page ---- */

struct made {
    struct gateway_key_row row;
    char text[GATEWAY_KEY_LEN + 1];
};

/* What was typed, for a form that comes back. */
static json_t *typed(const struct net_pairs *form)
{
    return json_pack(
        "{s:o,s:o,s:o}", "name",
        web_text(form ? web_field(form, "name") : WH_S("")), "models",
        web_text(form ? web_field(form, "models") : WH_S("")), "day",
        web_text(form ? web_field(form, "tokens_per_day") : WH_S("")));
}

static bool add_keys(struct front_req *q, json_t *page, struct wh_err *err)
{
    json_t *list = json_array(), *old = json_array();
    struct gateway_key_row *rows;
    int64_t now = wh_now_us();
    size_t n;

    json_object_set_new(page, "keys", list);
    json_object_set_new(page, "old", old);
    if (!gateway_key_list(q->db, q->a, q->who.account.id, &rows, &n, err)) {
        return false;
    }
    for (size_t i = n; i-- > 0;) {
        json_t *one = view_key(&rows[i], now);
        json_array_append_new(
            json_is_true(json_object_get(one, "over")) ? old : list, one);
    }
    return true;
}

static bool keys_page(struct front_req *q, int status, const struct made *made,
                      const struct net_pairs *form, const char *wrong,
                      struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("API keys"), "settings");
    const struct gateway_caps *caps = gateway_caps(q->house->gateway);

    json_object_set_new(page, "tab", json_pack("{s:b}", "keys", 1));
    json_object_set_new(page, "typed", typed(form));
    json_object_set_new(page, "dflt",
                        json_pack("{s:I,s:I,s:I,s:I}", "day",
                                  (json_int_t)caps->day_tokens, "minute",
                                  (json_int_t)caps->minute_tokens, "requests",
                                  (json_int_t)caps->minute_requests, "streams",
                                  (json_int_t)caps->streams));
    json_object_set_new(page, "created",
                        made ? json_pack("{s:o,s:s}", "name",
                                         web_text(made->row.name), "secret",
                                         made->text)
                             : json_null());
    json_object_set_new(page, "wrong",
                        wrong ? json_string(wrong) : json_null());
    return add_keys(q, page, err) &&
           web_page_send(q, status, "keys", page, err);
}

static bool has_gateway(const struct front_req *q, struct wh_err *err)
{
    return q->house->gateway ||
           wh_fail(err, WH_NOT_FOUND, "This house serves no models");
}

bool web_on_keys(struct front_req *q, struct wh_err *err)
{
    return need_session(q, err) && has_gateway(q, err) &&
           keys_page(q, 200, NULL, NULL, NULL, err);
}

/* ---- making one ---- */

/* Names, one a line or with commas between, as one a line. */
static bool read_models(struct front_req *q, struct wh_str text,
                        struct wh_str *out, struct wh_err *err)
{
    struct wh_buf b;
    size_t n = 0, i = 0;
    bool ok = true;

    wh_buf_init(&b, WEB_FORM_MAX);
    while (ok && i < text.n) {
        size_t end = i;
        while (end < text.n && text.p[end] != ',' &&
               (unsigned char)text.p[end] > ' ') {
            end++;
        }
        if (end > i) {
            struct wh_str one = wh_str_sub(text, i, end - i), ns, repo;
            ok = ++n <= GATEWAY_SCOPE_MAX &&
                 store_full_split(one, &ns, &repo, err);
            wh_buf_cstr(&b, b.n > 0 ? "\n" : "");
            wh_buf_add(&b, one);
        }
        i = end + 1;
    }
    *out = wh_arena_dup(q->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return ok || wh_fail(err, WH_BAD_REQUEST,
                         "Models are named like demo/smollm2, one a line, at "
                         "most %d.",
                         GATEWAY_SCOPE_MAX);
}

static bool read_number(const struct net_pairs *form, const char *name,
                        uint64_t most, uint64_t dflt, uint64_t *out,
                        struct wh_err *err)
{
    struct wh_str text = wh_str_trim(web_field(form, name));

    *out = dflt;
    return text.n == 0 || (wh_str_u64(text, out) && *out <= most) ||
           wh_fail(err, WH_BAD_REQUEST,
                   "The number in \"%s\" can not be read, or is too large.",
                   name);
}

static bool read_made(struct front_req *q, const struct net_pairs *form,
                      struct made *m, struct wh_err *err)
{
    struct gateway_key_row *row = &m->row;
    uint64_t days;

    row->account = q->who.account.id;
    row->name = wh_str_trim(web_field(form, "name"));
    row->created = wh_now_us();
    row->caps = *gateway_caps(q->house->gateway);
    row->endpoints =
        (web_field(form, "chat").n > 0 ? GATEWAY_MAY_CHAT : 0U) |
        (web_field(form, "completions").n > 0 ? GATEWAY_MAY_TEXT : 0U);
    if (row->endpoints == 0) {
        return wh_fail(err, WH_BAD_REQUEST, "Say what the key may ask for.");
    }
    if (!read_number(form, "days", KEY_DAYS_MAX, 0, &days, err) ||
        !read_number(form, "tokens_per_day", CAP_MAX, row->caps.day_tokens,
                     &row->caps.day_tokens, err)) {
        return false;
    }
    row->expires = days > 0 ? row->created + (int64_t)days * DAY_US : 0;
    return read_models(q, web_field(form, "models"), &row->models, err);
}

static bool made_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct made *m = ctx;

    return gateway_key_create(db, &m->row, m->text, err);
}

bool web_on_key_new(struct front_req *q, struct wh_err *err)
{
    struct made m = {.text = ""};
    struct net_pairs form;
    struct wh_err why = {0};
    bool ok;

    if (!web_form(q, &form, err) || !has_gateway(q, err)) {
        return false;
    }
    if (!read_made(q, &form, &m, &why) ||
        !db_write(q->house->writer, made_fn, &m, &why)) {
        if (wh_err_row(why.code)->http >= 500) {
            *err = why;
            return false;
        }
        return keys_page(q, 400, NULL, &form, why.msg, err);
    }
    ok = keys_page(q, 200, &m, NULL, NULL, err);
    wh_wipe(m.text, sizeof m.text);
    return ok;
}

/* ---- ending one ---- */

struct revoked {
    int64_t account, key, now;
};

static bool revoked_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct revoked *r = ctx;

    return gateway_key_revoke(db, r->account, r->key, r->now, err);
}

/* What runs with it ends too. */
bool web_on_key_revoke(struct front_req *q, struct wh_err *err)
{
    struct revoked r = {.account = q->who.account.id, .now = wh_now_us()};
    struct net_pairs form;
    uint64_t id;

    if (!web_form(q, &form, err) || !has_gateway(q, err)) {
        return false;
    }
    if (!wh_str_u64(q->at.a, &id) || id > INT64_MAX) {
        return wh_fail(err, WH_NOT_FOUND, "");
    }
    r.key = (int64_t)id;
    if (!db_write(q->house->writer, revoked_fn, &r, err)) {
        return false;
    }
    gateway_stop(q->house->gateway,
                 &(struct gateway_stop){
                     .whose = GATEWAY_OF_KEY,
                     .id = r.key,
                     .why = WH_S("the API key was revoked by its account"),
                     .url = wh_arena_fmt(q->a, "%.*s/settings/keys",
                                         WH_FMT(front_req_base(q)))});
    web_redirect(q, WH_S("/settings/keys"));
    return true;
}

/* ---- usage ---- */

/* Sums of one key and model, or of one day. */
struct sum {
    struct wh_str key, name, model;
    int64_t id, day;
    uint64_t requests, prompt, completion;
};

struct usage {
    int64_t first, days; /* the days shown, since 1970 */
    struct sum *of;      /* each key and model */
    size_t n, cap;
    struct sum day[USAGE_DAYS_MAX];
    struct sum all;
};

static void sum_add(struct sum *s, struct db_stmt *row)
{
    s->requests += (uint64_t)db_col_i64(row, 5);
    s->prompt += (uint64_t)db_col_i64(row, 6);
    s->completion += (uint64_t)db_col_i64(row, 7);
}

static struct sum *sum_of(struct front_req *q, struct usage *u,
                          struct db_stmt *row)
{
    int64_t id = db_col_i64(row, 0);

    for (size_t i = 0; i < u->n; i++) {
        if (u->of[i].id == id &&
            wh_str_eq(u->of[i].model, db_col_text(row, 4))) {
            return &u->of[i];
        }
    }
    if (u->n == u->cap) {
        struct sum *more;
        u->cap = u->cap ? u->cap * 2 : 16;
        more = wh_arena_array(q->a, u->cap, sizeof *more);
        if (u->n > 0) {
            memcpy(more, u->of, u->n * sizeof *more);
        }
        u->of = more;
    }
    u->of[u->n] = (struct sum){.id = id,
                               .key = db_col_dup(row, 1, q->a),
                               .name = db_col_dup(row, 2, q->a),
                               .model = db_col_dup(row, 4, q->a)};
    return &u->of[u->n++];
}

static bool read_usage(struct front_req *q, struct usage *u, struct wh_err *err)
{
    struct db_stmt *s = db_start(q->db, DBQ_API_USAGE_OF_ACCOUNT);
    enum db_row r;

    db_bind_i64(s, 1, q->who.account.id);
    db_bind_i64(s, 2, u->first);
    while ((r = db_step(s, err)) == DB_ROW) {
        int64_t at = db_col_i64(s, 3) - u->first;
        sum_add(sum_of(q, u, s), s);
        sum_add(&u->all, s);
        if (at >= 0 && at < u->days) {
            sum_add(&u->day[at], s);
        }
    }
    db_finish(&s);
    return r == DB_DONE;
}

static json_t *view_sum(const struct sum *s)
{
    char day[WH_TIME_TEXT];

    wh_time_text(s->day * DAY_US, day);
    return json_pack("{s:o,s:o,s:o,s:o,s:I,s:I,s:I}", "shown", web_text(s->key),
                     "name", web_text(s->name), "model", web_text(s->model),
                     "day", json_stringn(day, 10), "requests",
                     (json_int_t)s->requests, "prompt_tokens",
                     (json_int_t)s->prompt, "completion_tokens",
                     (json_int_t)s->completion);
}

/* A bar for each day: what was read below, what was written above. */
static json_t *view_chart(const struct usage *u, uint64_t most)
{
    json_t *bars = json_array();
    wh_assert(u->days > 0);
    int64_t step = (RIGHT - LEFT) / u->days;
    int64_t width = step > 4 ? step - 2 : step;

    for (int64_t i = 0; i < u->days && most > 0; i++) {
        const struct sum *d = &u->day[i];
        const uint64_t room = BOTTOM - TOP;
        int64_t prompt = (int64_t)(d->prompt * room / most);
        int64_t both = (int64_t)((d->prompt + d->completion) * room / most);
        if (d->requests == 0) {
            continue;
        }
        both = both > 0 ? both : 1;
        json_array_append_new(
            bars, json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "x",
                            (json_int_t)(LEFT + i * step), "width",
                            (json_int_t)width, "y", (json_int_t)(BOTTOM - both),
                            "height", (json_int_t)(both - prompt), "y2",
                            (json_int_t)(BOTTOM - prompt), "height2",
                            (json_int_t)prompt));
    }
    return json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:o,s:I}", "width",
                     WIDTH, "height", HEIGHT, "left", LEFT, "right",
                     (int)(LEFT + step * u->days), "top", TOP, "top_text",
                     TOP - 6, "bottom", BOTTOM, "bottom_text", BOTTOM + 16,
                     "bars", bars, "most", (json_int_t)most);
}

static json_t *day_list(const struct usage *u, uint64_t *most)
{
    json_t *list = json_array();

    *most = 0;
    for (int64_t i = u->days; i-- > 0;) {
        uint64_t tokens = u->day[i].prompt + u->day[i].completion;
        *most = tokens > *most ? tokens : *most;
        if (u->day[i].requests > 0) {
            json_array_append_new(list, view_sum(&u->day[i]));
        }
    }
    return list;
}

static void fill_usage(json_t *page, const struct usage *u)
{
    json_t *list = json_array();
    uint64_t most;

    for (size_t i = 0; i < u->n; i++) {
        json_array_append_new(list, view_sum(&u->of[i]));
    }
    json_object_set_new(page, "usage", list);
    json_object_set_new(page, "days", day_list(u, &most));
    json_object_set_new(page, "chart", view_chart(u, most));
    json_object_set_new(page, "all", view_sum(&u->all));
    json_object_set_new(page, "first", view_sum(&u->day[0]));
    json_object_set_new(page, "last", view_sum(&u->day[u->days - 1]));
}

static json_t *spans(int64_t chosen)
{
    static const int rows[] = {7, 30, 90};
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_array_append_new(list, json_pack("{s:i,s:b}", "days", rows[i],
                                              "selected", rows[i] == chosen));
    }
    return list;
}

bool web_on_usage(struct front_req *q, struct wh_err *err)
{
    struct usage *u = WH_NEW(q->a, struct usage);
    json_t *page = web_page(q, WH_S("Usage"), "settings");

    if (!need_session(q, err)) {
        return false;
    }
    u->days = (int64_t)front_query_u64(q->net->query, "days", 30, 1,
                                       USAGE_DAYS_MAX, q->a);
    u->first = wh_now_us() / DAY_US - u->days + 1;
    for (int64_t i = 0; i < u->days; i++) {
        u->day[i].day = u->first + i;
    }
    if (!read_usage(q, u, err)) {
        return false;
    }
    fill_usage(page, u);
    json_object_set_new(page, "tab", json_pack("{s:b}", "usage", 1));
    json_object_set_new(page, "spans", spans(u->days));
    json_object_set_new(page, "n", json_integer((json_int_t)u->days));
    return web_page_send(q, 200, "usage", page, err);
}
