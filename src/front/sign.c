/*
 * sign.c - HMAC over the fields of a grant, each with its length, so that no
 * two grants have the same bytes.
 */
#include "front/sign.h"
#include "base/enc.h"
#include "base/time.h"
#include "crypto/hmac.h"

static void grant_bytes(const struct front_grant *g, struct wh_buf *b)
{
    wh_buf_cstr(b, "weighhouse grant v1");
    wh_buf_u8(b, 0);
    wh_buf_bytes(b, wh_str_of(g->what));
    wh_buf_u64le(b, (uint64_t)g->repo);
    wh_buf_u64le(b, (uint64_t)g->account);
    wh_buf_bytes(b, g->object);
    wh_buf_u64le(b, g->a);
    wh_buf_u64le(b, g->b);
    wh_buf_u64le(b, (uint64_t)g->expires);
}

static struct wh_str key_of(const struct front_house *h)
{
    return wh_str_mem(h->url_key, sizeof h->url_key);
}

struct wh_str front_grant_sign(const struct front_house *h, struct wh_arena *a,
                               const struct front_grant *g)
{
    uint8_t mac[CRYPTO_HMAC_LEN];
    struct wh_str text;
    struct wh_buf b;

    wh_buf_init(&b, 4096);
    grant_bytes(g, &b);
    crypto_hmac_sha256(key_of(h), wh_buf_str(&b), mac);
    wh_buf_reset(&b);
    wh_buf_base64url(&b, mac, sizeof mac);
    text = wh_arena_dup(a, wh_buf_str(&b));
    wh_buf_done(&b);
    return text;
}

bool front_grant_check(const struct front_house *h, const struct front_grant *g,
                       struct wh_str text, struct wh_err *err)
{
    uint8_t mac[CRYPTO_HMAC_LEN];
    struct wh_buf b;
    size_t n;
    bool ok;

    wh_buf_init(&b, 4096);
    grant_bytes(g, &b);
    ok = wh_base64url_dec(text, mac, sizeof mac, &n) && n == sizeof mac &&
         !b.over && crypto_hmac_ok(key_of(h), wh_buf_str(&b), mac);
    wh_buf_done(&b);
    if (!ok) {
        return wh_fail(err, WH_FORBIDDEN,
                       "this link was not given out by this house, or the "
                       "house was restarted since: ask for a new one");
    }
    return g->expires * 1000000 > wh_now_us() ||
           wh_fail(err, WH_FORBIDDEN, "this link has expired");
}

bool front_grant_writes(struct front_req *q, const struct front_grant *g,
                        struct wh_err *err)
{
    struct store_repo repo;
    struct store_account who;
    enum store_role role;

    if (!store_repo_by_id(q->db, q->a, g->repo, &repo, err) ||
        !store_account_by_id(q->db, g->account, &who, err) ||
        !store_member_role(q->db, repo.owner, g->account, &role, err)) {
        return false;
    }
    return (!who.disabled && role >= STORE_ROLE_WRITE) ||
           wh_fail(err, WH_FORBIDDEN, "You may not write to %s any more",
                   repo.full);
}
