/*
 * Statements. The keeper has no database: what it once saw comes back to it
 * through front, so it is authenticated, typed, and bound to digests.
 */
#include "keeper/statement.h"

#include "base/enc.h"
#include "crypto/hmac.h"

#define MAC_HEX (2 * CRYPTO_HMAC_LEN)
#define DOMAIN "weighhouse statement v1\n"

/* MAC over domain and document. */
static void mac_of(const struct keeper_keys_set *k, struct wh_arena *a,
                   struct wh_str json, uint8_t out[CRYPTO_HMAC_LEN])
{
    size_t n = sizeof DOMAIN - 1;
    char *p = wh_arena_alloc(a, n + json.n);
    memcpy(p, DOMAIN, n);
    memcpy(p + n, json.p, json.n);
    crypto_hmac_sha256(wh_str_mem(k->mac, sizeof k->mac),
                       wh_str_mem(p, n + json.n), out);
}

bool keeper_statement_make(const struct keeper_keys_set *k, struct wh_arena *a,
                           const char *type, json_t *doc, struct wh_str *out,
                           struct wh_err *err)
{
    uint8_t mac[CRYPTO_HMAC_LEN];
    struct wh_buf b;
    wh_json_own(a, doc);
    json_object_set_new(doc, "v", json_integer(1));
    json_object_set_new(doc, "type", json_string(type));
    wh_buf_init(&b, KEEPER_STATEMENT_MAX);
    bool ok = wh_json_canonical(&b, doc, err) && wh_buf_ok(&b, err);
    if (ok) {
        mac_of(k, a, wh_buf_str(&b), mac);
        wh_buf_char(&b, '\n');
        wh_buf_hex(&b, mac, sizeof mac);
        ok = wh_buf_ok(&b, err);
        *out = wh_arena_dup(a, wh_buf_str(&b));
    }
    wh_buf_done(&b);
    return ok;
}

bool keeper_statement_open(const struct keeper_keys_set *k, struct wh_arena *a,
                           const char *type, struct wh_str text, json_t **doc,
                           struct wh_err *err)
{
    uint8_t mac[CRYPTO_HMAC_LEN], want[CRYPTO_HMAC_LEN];
    if (text.n < MAC_HEX + 3 || text.n > KEEPER_STATEMENT_MAX ||
        text.p[text.n - MAC_HEX - 1] != '\n' ||
        !wh_hex_dec(wh_str_sub(text, text.n - MAC_HEX, MAC_HEX), mac,
                    sizeof mac, false)) {
        return wh_fail(err, WH_FORBIDDEN, "not a statement of this keeper");
    }
    struct wh_str json = wh_str_sub(text, 0, text.n - MAC_HEX - 1);
    mac_of(k, a, json, want);
    if (!wh_str_eq_secret(wh_str_mem(mac, sizeof mac),
                          wh_str_mem(want, sizeof want))) {
        return wh_fail(err, WH_FORBIDDEN, "not a statement of this keeper");
    }
    struct wh_str found;
    if (!wh_json_parse(a, json, doc, err) ||
        !wh_json_get_str(*doc, "type", &found, err)) {
        return false;
    }
    return wh_str_is(found, type) ||
           wh_fail(err, WH_FORBIDDEN, "a statement of another kind");
}

/* sha256 and size, which both types hold. */
static bool read_file(const json_t *doc, struct wh_str *sha256, uint64_t *size,
                      struct wh_err *err)
{
    int64_t n = 0;
    if (!wh_json_get_str(doc, "sha256", sha256, err) ||
        !wh_json_get_i64(doc, "size", &n, err)) {
        return false;
    }
    *size = (uint64_t)n;
    return true;
}

bool keeper_statement_content(const struct keeper_keys_set *k,
                              struct wh_arena *a, struct wh_str text,
                              struct keeper_content_doc *out,
                              struct wh_err *err)
{
    json_t *doc = NULL;
    if (!keeper_statement_open(k, a, "content", text, &doc, err) ||
        !read_file(doc, &out->sha256, &out->size, err) ||
        !wh_json_get_str(doc, "repo", &out->repo, err)) {
        return false;
    }
    const json_t *list = json_object_get(doc, "containers");
    out->n = json_array_size(list);
    out->ids = wh_arena_array(a, out->n, STORE_CONTAINER_ID);
    for (size_t i = 0; i < out->n; i++) {
        const char *hex = json_string_value(json_array_get(list, i));
        if (!hex || !store_container_id(wh_str_of(hex), out->ids[i])) {
            return wh_fail(err, WH_INTERNAL, "malformed content statement");
        }
    }
    return true;
}

bool keeper_statement_scan(const struct keeper_keys_set *k, struct wh_arena *a,
                           struct wh_str text, struct keeper_scan_doc *out,
                           struct wh_err *err)
{
    json_t *doc = NULL;
    if (!keeper_statement_open(k, a, "scan", text, &doc, err) ||
        !read_file(doc, &out->sha256, &out->size, err)) {
        return false;
    }
    out->result = json_object_get(doc, "result");
    return true;
}
