/*
 * pass.c - passes: the key's fingerprint and the end, under our own signature
 * (front/sign.h), so that nothing is kept. That the key is still on the roster
 * is asked anew each time.
 */
#include "front/pass.h"
#include "base/time.h"
#include "front/sign.h"
#include "line/approve.h"

/* ---- the roster in force ---- */

/* Who has the key with this fingerprint; empty: nobody. */
static bool find_approver(struct front_req *q, struct wh_str key,
                          struct wh_str *out, struct wh_err *err)
{
    struct register_status status;
    struct line_roster *list;
    size_t n, at;

    *out = WH_S("");
    register_status_get(q->house->log, &status);
    if (!line_rosters(q->db, q->a, status.size, &list, &n, err)) {
        return false;
    }
    if (n > 0) {
        const struct rule_roster *r = list[n - 1].r;
        at = rule_roster_key(r, key);
        *out = at != SIZE_MAX ? r->approvers[r->keys[at].approver].id : *out;
    }
    return true;
}

/* ---- giving ---- */

struct wh_str front_pass_text(struct front_req *q, int64_t until)
{
    struct register_status status;
    char end[RULE_TIME_TEXT];

    register_status_get(q->house->log, &status);
    rule_time_write(until, end);
    return wh_arena_fmt(q->a, "weighhouse desk v1\nhouse %s\nuntil %s\n",
                        status.origin, end);
}

static struct front_grant grant_of(struct wh_str key, int64_t until)
{
    return (struct front_grant){
        .what = "desk", .object = key, .expires = until};
}

bool front_pass_give(struct front_req *q, int64_t until, struct wh_str armour,
                     struct front_pass *out, struct wh_err *err)
{
    int64_t now = wh_now_us() / 1000000;
    char key[WH_SHA256_HEX + 1];
    struct front_grant g;
    struct wh_str blob;

    if (until <= now || until - now > FRONT_PASS_SECONDS) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "a pass ends within %lld hours: take a new text to sign",
                       (long long)(FRONT_PASS_SECONDS / 3600));
    }
    if (!crypto_sshsig_unarmor(q->a, armour, &blob, err) ||
        !crypto_sshsig_check(NULL, blob, WH_S(FRONT_PASS_NS),
                             front_pass_text(q, until), key, err) ||
        !find_approver(q, wh_str_of(key), &out->approver, err)) {
        return false;
    }
    if (out->approver.n == 0) {
        return wh_fail(err, WH_FORBIDDEN,
                       "this key is not on the roster in force");
    }
    g = grant_of(wh_str_of(key), until);
    out->until = until;
    out->value = wh_arena_fmt(q->a, "%s.%lld.%.*s", key, (long long)until,
                              WH_FMT(front_grant_sign(q->house, q->a, &g)));
    return true;
}

/* ---- showing ---- */

static bool read_pass(struct front_req *q, struct wh_str value,
                      struct front_pass *out, struct wh_err *err)
{
    struct wh_str sig = value, key, end;
    struct front_grant g;
    uint64_t until;

    if (!wh_str_cut(&sig, '.', &key) || !wh_str_cut(&sig, '.', &end) ||
        !wh_str_u64(end, &until) || until > INT64_MAX / 1000000) {
        return wh_fail(err, WH_FORBIDDEN, "this is no pass of this house");
    }
    g = grant_of(key, (int64_t)until);
    if (!front_grant_check(q->house, &g, sig, err) ||
        !find_approver(q, key, &out->approver, err)) {
        return false;
    }
    out->value = value;
    out->until = (int64_t)until;
    return out->approver.n > 0 ||
           wh_fail(err, WH_FORBIDDEN,
                   "the key of this pass is no longer on the roster");
}

bool front_pass_shown(struct front_req *q, struct front_pass *out,
                      struct wh_err *err)
{
    struct wh_str header = net_req_header(q->net, "x-weighhouse-desk"), cookie;
    struct wh_err why = {0};

    *out = (struct front_pass){.approver = WH_S("")};
    if (header.n > 0) {
        return read_pass(q, header, out, err);
    }
    cookie = q->route->page ? front_req_cookie(q, FRONT_PASS_COOKIE) : WH_S("");
    if (cookie.n == 0 || read_pass(q, cookie, out, &why)) {
        return true;
    }
    *out = (struct front_pass){.approver = WH_S("")};
    if (why.code != WH_FORBIDDEN) {
        *err = why;
        return false;
    }
    return true;
}
