/*
 * portal.c - the key of a session: its text is a digest of the session's
 * secret, so nothing has to be kept, and who has the cookie has the key.
 */
#include "gateway/portal.h"

#include "base/mem.h"
#include "base/sha256.h"
#include "base/time.h"

#define NAME "chat in a browser"
/* Where the secret is used for something else, it gives another digest. */
#define PURPOSE "weighhouse portal key\n"

static void derive(const struct gateway_seat *seat,
                   char out[GATEWAY_KEY_LEN + 1])
{
    char hex[WH_SHA256_HEX + 1];
    struct wh_buf b;
    wh_buf_init(&b, 4096);
    wh_buf_cstr(&b, PURPOSE);
    wh_buf_add(&b, seat->secret);
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
    derive(seat, text);
    bool ok = gateway_keys_find(gateway_keys(g), db, wh_str_of(text), out, err);
    wh_wipe(text, sizeof text);
    return ok;
}

struct making {
    struct gateway_key_row row;
    char text[GATEWAY_KEY_LEN + 1];
};

/* Two requests of a session may come at once: then the other one made it. */
static bool make_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct making *m = ctx;
    uint8_t hash[WH_SHA256_LEN];
    wh_sha256_of(wh_str_of(m->text), hash);
    struct db_stmt *s = db_start(db, DBQ_API_KEY_BY_HASH);
    db_bind_hex(s, 1, hash, sizeof hash);
    enum db_row r = db_step(s, err);
    db_finish(&s);
    return r == DB_ROW ||
           (r == DB_DONE && gateway_key_keep(db, &m->row, m->text, err));
}

static bool make(struct gateway *g, struct db_writer *writer,
                 const struct gateway_seat *seat, struct wh_err *err)
{
    struct making m = {.row = {.account = seat->account,
                               .name = WH_S(NAME),
                               .endpoints = GATEWAY_MAY_CHAT,
                               .caps = *gateway_caps(g),
                               .created = wh_now_us(),
                               .expires = seat->expires}};
    derive(seat, m.text);
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
