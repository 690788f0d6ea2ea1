/*
 * portal.c - the key of a session: its text is a digest of the session's
 * secret, so nothing has to be kept, and who has the cookie has the key.
 */
#include "gateway/portal.h"

#include "base/mem.h"
#include "base/sha256.h"
#include "base/time.h"
#include "store/auth.h"

#define NAME "chat in a browser"
/* Where the secret is used for something else, it gives another digest. */
#define PURPOSE "weighhouse portal key\n"

static void derive(struct wh_str secret, char out[GATEWAY_KEY_LEN + 1])
{
    char hex[WH_SHA256_HEX + 1];
    struct wh_buf b;
    wh_buf_init(&b, 4096);
    wh_buf_cstr(&b, PURPOSE);
    wh_buf_add(&b, secret);
    wh_sha256_hex_of(wh_buf_str(&b), hex);
    wh_wipe(b.p, b.n);
    wh_buf_done(&b);
    memcpy(out, "wh-", 3);
    memcpy(out + 3, hex, GATEWAY_KEY_LEN - 3);
    out[GATEWAY_KEY_LEN] = '\0';
    wh_wipe(hex, sizeof hex);
}

bool gateway_portal_peek(struct gateway *g, struct db *db,
                         const struct gateway_seat *seat,
                         struct gateway_key **out, struct wh_err *err)
{
    char text[GATEWAY_KEY_LEN + 1];
    derive(seat->secret, text);
    bool ok = gateway_keys_find(gateway_keys(g), db, wh_str_of(text), out, err);
    wh_wipe(text, sizeof text);
    return ok;
}

struct making {
    struct gateway_key_row row;
    struct wh_str secret;
    char text[GATEWAY_KEY_LEN + 1];
};

/* The row of a key: DB_ROW with its id, account and end. */
static enum db_row find_row(struct db *db, const char *text,
                            struct gateway_key_row *out, struct wh_err *err)
{
    uint8_t hash[WH_SHA256_LEN];
    wh_sha256_of(wh_str_of(text), hash);
    struct db_stmt *s = db_start(db, DBQ_API_KEY_BY_HASH);
    db_bind_hex(s, 1, hash, sizeof hash);
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        *out = (struct gateway_key_row){.id = db_col_i64(s, 0),
                                        .account = db_col_i64(s, 2),
                                        .revoked = db_col_i64(s, 12)};
    }
    db_finish(&s);
    return r;
}

/* Two requests of a session may come at once: then the other one made it. It
 * may have ended meanwhile: then nobody makes one. */
static bool make_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct making *m = ctx;
    struct gateway_key_row there;
    struct store_principal who;
    if (!store_session_auth(db, m->secret, m->row.created, &who, err)) {
        return false;
    }
    enum db_row r = find_row(db, m->text, &there, err);
    return r == DB_ROW ||
           (r == DB_DONE && gateway_key_keep(db, &m->row, m->text, err));
}

static bool make(struct gateway *g, struct db_writer *writer,
                 const struct gateway_seat *seat, struct wh_err *err)
{
    struct making m = {.secret = seat->secret,
                       .row = {.account = seat->account,
                               .name = WH_S(NAME),
                               .endpoints = GATEWAY_MAY_CHAT,
                               .caps = *gateway_caps(g),
                               .created = wh_now_us(),
                               .expires = seat->expires}};
    derive(seat->secret, m.text);
    bool ok = db_write(writer, make_fn, &m, err);
    wh_wipe(m.text, sizeof m.text);
    return ok;
}

bool gateway_portal_key(struct gateway *g, struct db_writer *writer,
                        struct db *db, const struct gateway_seat *seat,
                        struct gateway_key **out, struct wh_err *err)
{
    struct wh_err why = {0};
    if (gateway_portal_peek(g, db, seat, out, &why)) {
        return true;
    }
    if (why.code != WH_AUTH_INVALID) {
        *err = why;
        return false;
    }
    if (!make(g, writer, seat, err)) {
        return false;
    }
    why = (struct wh_err){0};
    if (gateway_portal_peek(g, db, seat, out, &why)) {
        return true;
    }
    if (why.code != WH_AUTH_INVALID) {
        *err = why;
        return false;
    }
    return wh_fail(err, WH_FORBIDDEN,
                   "the key of this session was revoked; sign out and in "
                   "again to have another");
}

bool gateway_portal_end(struct db *db, struct wh_str secret, int64_t now,
                        int64_t *id, struct wh_err *err)
{
    char text[GATEWAY_KEY_LEN + 1];
    struct gateway_key_row row = {0};
    *id = 0;
    derive(secret, text);
    enum db_row r = find_row(db, text, &row, err);
    wh_wipe(text, sizeof text);
    if (r != DB_ROW || row.revoked != 0) {
        return r != DB_FAIL;
    }
    *id = row.id;
    return gateway_key_revoke(db, row.account, row.id, now, err);
}
