/*
 * hosted.c - what a page says about a model that is hosted.
 */
#include "web/hosted.h"
#include "base/enc.h"
#include "gateway/gateway.h"
#include "hub/view.h"
#include "line/approve.h"
#include "web/handlers.h"

/* ---- its engine ---- */

static const struct {
    const char *word, *says;
    bool moves; /* it will be another soon */
} STATES[] = {
    [GATEWAY_ENGINE_LOADING] = {"loading",
                                "The keeper checks the papers of its weights "
                                "and decrypts them into locked memory.",
                                true},
    [GATEWAY_ENGINE_REFUSED] = {"refused", "It is not run.", false},
    [GATEWAY_ENGINE_STARTING] = {"starting",
                                 "The engine reads the weights and warms up.",
                                 true},
    [GATEWAY_ENGINE_READY] = {"ready", "It answers.", false},
    [GATEWAY_ENGINE_FAILED] = {"failed", "It does not run, and is tried again.",
                               true},
    [GATEWAY_ENGINE_STOPPING] = {"stopping", "It is being ended.", true},
};

static json_t *engine(const char *state, const char *says, bool moves)
{
    return json_pack("{s:s,s:s,s:n,s:n,s:n,s:n,s:b,s:n}", "state", state,
                     "says", says, "why", "address", "percent", "again",
                     "moves", (int)moves, "facts");
}

/* "43 % Building CXX object ..." -> 43, or null. */
static json_t *percent_of(const char *line)
{
    struct wh_str rest = wh_str_of(line), n;
    uint64_t v;

    return wh_str_cut(&rest, ' ', &n) && wh_str_u64(n, &v) && v <= 100
               ? json_integer((json_int_t)v)
               : json_null();
}

static void add_why(json_t *o, const struct gateway_engine_view *v)
{
    const char *building = strstr(v->why, GATEWAY_ENGINE_BUILDING);

    if (building) {
        const char *line = building + strlen(GATEWAY_ENGINE_BUILDING);
        json_object_set_new(o, "state", json_string("building"));
        json_object_set_new(o, "says",
                            json_string("The program that runs models is being "
                                        "built on this machine, once."));
        json_object_set_new(o, "percent", percent_of(line));
        json_object_set_new(o, "why", web_text(wh_str_of(line)));
        return;
    }
    json_object_set_new(o, "why", web_text_or_null(wh_str_of(v->why)));
    if (v->retry_at > 0) {
        json_object_set_new(o, "again", hub_view_time(v->retry_at));
    }
}

static json_t *running(const struct gateway_engine_view *v)
{
    json_t *o = engine(STATES[v->state].word, STATES[v->state].says,
                       STATES[v->state].moves);

    add_why(o, v);
    if (v->state == GATEWAY_ENGINE_READY) {
        json_object_set_new(
            o, "facts",
            json_pack("{s:o,s:I,s:I,s:I,s:b,s:I}", "since",
                      hub_view_time(v->since), "slots", (json_int_t)v->slots,
                      "context", (json_int_t)v->context, "bytes",
                      (json_int_t)v->bytes, "locked", (int)v->locked,
                      "restarts", (json_int_t)v->restarts));
    }
    return o;
}

static json_t *unserved(const struct gateway_fault *f)
{
    json_t *o =
        engine("not served", "It can not be asked at the moment.", false);

    json_object_set_new(o, "why", web_text(wh_str_of(f->message)));
    json_object_set_new(o, "address", web_text_or_null(wh_str_of(f->url)));
    return o;
}

json_t *web_hosted_engine(struct front_req *q, struct wh_str name)
{
    struct gateway_routes *routes = gateway_routes(q->house->gateway);
    struct gateway_engine_view view;
    struct gateway_route *m = NULL;
    struct gateway_fault f = {0};
    json_t *o;

    if (!gateway_route_find(routes, q->db, q->a, name, front_req_account(q),
                            front_req_base(q), &m, &f)) {
        return unserved(&f);
    }
    if (m->place >= 0) {
        o = engine("elsewhere",
                   "An engine beside this house answers; the house sees no "
                   "more of it than its answers.",
                   false);
    } else if (gateway_route_look(routes, m, &view)) {
        o = running(&view);
    } else {
        o = engine("resting",
                   "Nothing runs at the moment. The first request starts it, "
                   "and is told to come again in a few seconds.",
                   false);
    }
    gateway_route_drop(&m);
    return o;
}

/* ---- who let it be hosted ---- */

/* "SHA256:<base64>", as `ssh-keygen -l` prints a fingerprint. */
static json_t *print_of(struct wh_str hex)
{
    uint8_t raw[WH_SHA256_LEN];
    struct wh_buf b;
    json_t *out;

    if (!wh_hex_dec(hex, raw, sizeof raw, false)) {
        return json_null();
    }
    wh_buf_init(&b, 128);
    wh_buf_cstr(&b, "SHA256:");
    wh_buf_base64(&b, raw, sizeof raw);
    out = web_text(wh_str_sub(wh_buf_str(&b), 0, b.n - 1)); /* no padding */
    wh_buf_done(&b);
    return out;
}

/* Is it a key of somebody who is no real person, on the newest roster that has
 * it? */
static bool is_demo(const struct line_roster *list, size_t n, struct wh_str key)
{
    for (size_t i = n; i > 0; i--) {
        const struct rule_roster *r = list[i - 1].r;
        size_t at = rule_roster_key(r, key);
        if (at != SIZE_MAX) {
            return r->approvers[r->keys[at].approver].demo;
        }
    }
    return false;
}

static bool add_signatures(struct front_req *q, int64_t proposal, json_t *o,
                           struct wh_err *err)
{
    json_t *yes = json_array(), *no = json_array();
    struct line_signature_row *rows;
    struct register_status status;
    struct line_roster *rosters;
    size_t n, rosters_n;
    bool demo = false;

    json_object_set_new(o, "approvals", yes);
    json_object_set_new(o, "dissent", no);
    register_status_get(q->house->log, &status);
    if (!line_rosters(q->db, q->a, status.size, &rosters, &rosters_n, err) ||
        !line_proposal_signatures(q->db, q->a, proposal, &rows, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        bool one = is_demo(rosters, rosters_n, rows[i].key);
        demo = demo || one;
        json_array_append_new(
            rows[i].dissent ? no : yes,
            json_pack("{s:o,s:o,s:b,s:o,s:o}", "approver",
                      web_text(rows[i].approver), "affiliation",
                      web_text(rows[i].affiliation), "demo", (int)one, "print",
                      print_of(rows[i].key), "at",
                      hub_view_time(rows[i].created)));
    }
    json_object_set_new(o, "demo", json_boolean(demo));
    return true;
}

static json_t *reasons_of(struct wh_str statement)
{
    json_t *list = json_array();
    struct wh_err ignored = {0};
    struct rule_statement st;

    if (rule_statement_read(statement, &st, &ignored)) {
        for (size_t i = 0; i < st.n_reasons; i++) {
            json_array_append_new(list, web_text(st.reasons[i]));
        }
    }
    return list;
}

bool web_hosted_by(struct web_repo *r, json_t **out, struct wh_err *err)
{
    struct front_req *q = r->q;
    struct line_proposal p;
    struct line_row row;
    json_t *o;

    *out = json_null();
    if (!r->papers.decided) {
        return true;
    }
    if (!line_grant_of(q->db, q->a, &r->papers.row, &row, err)) {
        return false;
    }
    if (row.made_by != LINE_MADE_BY_APPROVERS || row.proposal == 0) {
        return true;
    }
    if (!line_proposal_of(q->db, q->a, row.proposal, &p, err)) {
        return false;
    }
    o = json_pack("{s:I,s:o,s:o,s:o,s:o}", "index", (json_int_t)row.index,
                  "decided", hub_view_time(row.decided * 1000000), "until",
                  row.until ? hub_view_time(row.until * 1000000) : json_null(),
                  "reasons", reasons_of(p.text), "proposal",
                  /* the desk shows nothing of private repos */
                  row.repo == 0 ? web_text(p.public_id) : json_null());
    if (!add_signatures(q, p.id, o, err)) {
        json_decref(o);
        return false;
    }
    *out = o;
    return true;
}

/* ---- the engine alone, for the script of a page ---- */

bool web_on_engine(struct front_req *q, struct wh_err *err)
{
    json_t *page = wh_json_own(q->a, json_object());

    if (q->repo.kind != STORE_MODEL || !q->house->gateway) {
        return wh_fail(err, WH_NOT_FOUND, "no engine is asked for this");
    }
    json_object_set_new(page, "engine",
                        web_hosted_engine(q, wh_str_of(q->repo.full)));
    return web_page_send(q, 200, "engine", page, err);
}
