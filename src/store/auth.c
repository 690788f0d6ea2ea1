/*
 * Secrets of callers. A token, a session cookie and a sign-in link are all the
 * same: random text with more than 200 bits, shown once, looked up by its
 * SHA-256. Such a digest needs no salt and no slow hash, because there is
 * nothing to guess; and looking up by digest leaks nothing through time.
 */
#include "store/auth.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/time.h"
#include "crypto/random.h"

#define SWEEP_ROWS 250

static const char ALPHABET[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* n random characters of ALPHABET: bytes that would favour some are dropped. */
static void random_text(char *out, size_t n)
{
    const unsigned letters = sizeof ALPHABET - 1;
    uint8_t raw[64];
    for (size_t i = 0; i < n;) {
        crypto_random(raw, sizeof raw);
        for (size_t j = 0; j < sizeof raw && i < n; j++) {
            if (raw[j] < 256 / letters * letters) {
                out[i++] = ALPHABET[raw[j] % letters];
            }
        }
    }
    out[n] = '\0';
    wh_wipe(raw, sizeof raw);
}

static void base64url(const uint8_t raw[32], char out[STORE_SECRET_LEN + 1])
{
    struct wh_buf b;
    wh_buf_init(&b, STORE_SECRET_LEN + 1);
    wh_buf_base64url(&b, raw, 32);
    wh_assert(b.n == STORE_SECRET_LEN && !b.over);
    memcpy(out, b.p, STORE_SECRET_LEN);
    out[STORE_SECRET_LEN] = '\0';
    wh_wipe(b.p, b.n);
    wh_buf_done(&b);
}

static void random_secret(char out[STORE_SECRET_LEN + 1])
{
    uint8_t raw[32];
    crypto_random(raw, sizeof raw);
    base64url(raw, out);
    wh_wipe(raw, sizeof raw);
}

/* Bind the digest under which a secret is kept. */
static void bind_secret(struct db_stmt *s, int i, struct wh_str secret)
{
    uint8_t digest[WH_SHA256_LEN];
    wh_sha256_of(secret, digest);
    db_bind_hex(s, i, digest, sizeof digest);
}

/* Columns from `at`: id, name, role, created, expires. */
static void read_token(struct db_stmt *s, int at, struct store_token *out)
{
    out->id = db_col_i64(s, at);
    db_col_cstr(s, at + 1, out->name, sizeof out->name);
    out->role = (enum store_role)db_col_i64(s, at + 2);
    out->created = db_col_i64(s, at + 3);
    out->expires = db_col_i64(s, at + 4);
}

static bool authenticate(struct db *db, enum db_query q, struct wh_str secret,
                         int64_t now, struct store_principal *out,
                         struct wh_err *err)
{
    struct store_principal found = {0};
    struct db_stmt *s = db_start(db, q);
    bind_secret(s, 1, secret);
    db_bind_i64(s, 2, now);
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        store_account_read(s, &found.account);
        read_token(s, 9, &found.token);
    }
    db_finish(&s);
    if (r == DB_ROW && found.account.disabled) {
        r = DB_DONE; /* whoever is locked out learns no more than a guesser */
    }
    if (!db_found(r, WH_AUTH_INVALID, err)) {
        return false;
    }
    *out = found;
    return true;
}

static bool check_token(struct db *db, int64_t account, struct wh_str name,
                        struct wh_err *err)
{
    int64_t n = 0;
    if (name.n == 0 || name.n > STORE_TOKEN_NAME_MAX || !wh_str_utf8_ok(name)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "a token's name is 1 to %d bytes of UTF-8",
                       STORE_TOKEN_NAME_MAX);
    }
    struct db_stmt *s = db_start(db, DBQ_TOKEN_COUNT);
    db_bind_i64(s, 1, account);
    if (!db_one_i64(s, 0, &n, err)) {
        return false;
    }
    return n < STORE_TOKENS_MAX ||
           wh_fail(err, WH_TOO_LARGE, "an account has at most %d tokens",
                   STORE_TOKENS_MAX);
}

bool store_token_create(struct db *db, int64_t account, struct wh_str name,
                        enum store_role role, int64_t expires,
                        char out[STORE_TOKEN_LEN + 1], struct wh_err *err)
{
    char text[STORE_TOKEN_LEN + 1] = "hf_";
    int64_t id = 0;
    wh_assert(role >= STORE_ROLE_READ && role <= STORE_ROLE_FINE);
    if (!check_token(db, account, name, err)) {
        return false;
    }
    random_text(text + 3, STORE_TOKEN_LEN - 3);
    struct db_stmt *s = db_start(db, DBQ_TOKEN_INSERT);
    bind_secret(s, 1, wh_str_of(text));
    db_bind_i64(s, 2, account);
    db_bind_text(s, 3, name);
    db_bind_i64(s, 4, (int64_t)role);
    db_bind_i64(s, 5, wh_now_us());
    if (expires) {
        db_bind_i64(s, 6, expires);
    }
    bool ok = db_one_i64(s, 0, &id, err);
    if (ok) {
        memcpy(out, text, sizeof text);
    }
    wh_wipe(text, sizeof text);
    return ok;
}

bool store_token_auth(struct db *db, struct wh_str text, int64_t now,
                      struct store_principal *out, struct wh_err *err)
{
    if (text.n != STORE_TOKEN_LEN) {
        return db_found(DB_DONE, WH_AUTH_INVALID, err);
    }
    return authenticate(db, DBQ_TOKEN_BY_HASH, text, now, out, err);
}

bool store_token_list(struct db *db, struct wh_arena *a, int64_t account,
                      struct store_token **out, size_t *n, struct wh_err *err)
{
    struct store_token *list =
        wh_arena_array(a, STORE_TOKENS_MAX, sizeof *list);
    size_t used = 0;
    enum db_row r;
    struct db_stmt *s = db_start(db, DBQ_TOKEN_LIST);
    db_bind_i64(s, 1, account);
    while ((r = db_step(s, err)) == DB_ROW && used < STORE_TOKENS_MAX) {
        read_token(s, 0, &list[used++]);
    }
    db_finish(&s);
    if (r == DB_FAIL) {
        return false;
    }
    *out = list;
    *n = used;
    return true;
}

bool store_token_revoke(struct db *db, int64_t account, int64_t id,
                        struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_TOKEN_DELETE);
    db_bind_i64(s, 1, account);
    db_bind_i64(s, 2, id);
    if (!db_exec(s, err)) {
        return false;
    }
    return db_found(db_changes(db) ? DB_ROW : DB_DONE, WH_NOT_FOUND, err);
}

/* Run an insert whose first value is the digest of a fresh secret, and give the
 * secret. */
static bool insert_secret(struct db_stmt *s, char out[STORE_SECRET_LEN + 1],
                          struct wh_err *err)
{
    char secret[STORE_SECRET_LEN + 1];
    random_secret(secret);
    bind_secret(s, 1, wh_str_of(secret));
    bool ok = db_exec(s, err);
    if (ok) {
        memcpy(out, secret, sizeof secret);
    }
    wh_wipe(secret, sizeof secret);
    return ok;
}

bool store_session_create(struct db *db, int64_t account, int64_t now,
                          char out[STORE_SECRET_LEN + 1], struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_SESSION_INSERT);
    db_bind_i64(s, 2, account);
    db_bind_i64(s, 3, now);
    db_bind_i64(s, 4, now + STORE_SESSION_TTL_US);
    return insert_secret(s, out, err);
}

bool store_session_auth(struct db *db, struct wh_str secret, int64_t now,
                        struct store_principal *out, struct wh_err *err)
{
    if (secret.n != STORE_SECRET_LEN) {
        return db_found(DB_DONE, WH_AUTH_INVALID, err);
    }
    return authenticate(db, DBQ_SESSION_BY_HASH, secret, now, out, err);
}

bool store_session_end(struct db *db, struct wh_str secret, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_SESSION_DELETE);
    bind_secret(s, 1, secret);
    return db_exec(s, err);
}

void store_session_csrf(struct wh_str secret, char out[STORE_SECRET_LEN + 1])
{
    static const char label[] = "weighhouse form token"; /* with its NUL */
    uint8_t digest[WH_SHA256_LEN];
    struct wh_sha256 h;
    wh_sha256_init(&h);
    wh_sha256_add(&h, label, sizeof label);
    wh_sha256_add(&h, secret.p, secret.n);
    wh_sha256_get(&h, digest);
    wh_sha256_done(&h);
    base64url(digest, out);
}

bool store_session_csrf_ok(struct wh_str secret, struct wh_str given,
                           struct wh_err *err)
{
    char want[STORE_SECRET_LEN + 1];
    store_session_csrf(secret, want);
    if (!wh_str_eq_secret(wh_str_of(want), given)) {
        return wh_fail(err, WH_CSRF, "%s", wh_err_row(WH_CSRF)->msg);
    }
    return true;
}

bool store_link_create(struct db *db, int64_t account, int64_t now,
                       char out[STORE_SECRET_LEN + 1], struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_SIGNIN_LINK_INSERT);
    db_bind_i64(s, 2, account);
    db_bind_i64(s, 3, now + STORE_LINK_TTL_US);
    return insert_secret(s, out, err);
}

/* The account that a query over links gives. */
static bool link_account(struct db *db, enum db_query q, struct wh_str secret,
                         int64_t now, int64_t *account, struct wh_err *err)
{
    int64_t found = 0;
    struct db_stmt *s = db_start(db, q);
    bind_secret(s, 1, secret);
    db_bind_i64(s, 2, now);
    if (!db_one_i64(s, 0, &found, err)) {
        return false;
    }
    if (!found) {
        return wh_fail(err, WH_AUTH_INVALID,
                       "this sign-in link is unknown, used or expired");
    }
    *account = found;
    return true;
}

bool store_link_look(struct db *db, struct wh_str secret, int64_t now,
                     int64_t *account, struct wh_err *err)
{
    return link_account(db, DBQ_SIGNIN_LINK_LOOK, secret, now, account, err);
}

bool store_link_use(struct db *db, struct wh_str secret, int64_t now,
                    int64_t *account, struct wh_err *err)
{
    return link_account(db, DBQ_SIGNIN_LINK_USE, secret, now, account, err);
}

static bool sweep(struct db *db, enum db_query q, int64_t now,
                  struct wh_err *err)
{
    struct db_stmt *s = db_start(db, q);
    db_bind_i64(s, 1, now);
    db_bind_i64(s, 2, SWEEP_ROWS);
    return db_exec(s, err);
}

bool store_auth_sweep(struct db *db, int64_t now, struct wh_err *err)
{
    return sweep(db, DBQ_SESSION_SWEEP, now, err) &&
           sweep(db, DBQ_SIGNIN_LINK_SWEEP, now, err);
}

bool store_bootstrap(struct db *db, void *ctx, struct wh_err *err)
{
    struct store_first *first = ctx;
    struct store_account admin;
    int64_t any = 0;
    *first = (struct store_first){0};
    if (!db_one_i64(db_start(db, DBQ_ACCOUNT_ANY), 0, &any, err)) {
        return false;
    }
    if (any) {
        return true;
    }
    struct store_account_new in = {.is_operator = true, .name = WH_S("admin")};
    if (!store_account_create(db, &in, &admin, err) ||
        !store_token_create(db, admin.id, WH_S("first start"), STORE_ROLE_ADMIN,
                            0, first->token, err) ||
        !store_link_create(db, admin.id, wh_now_us(), first->link, err)) {
        return false;
    }
    first->created = true;
    return true;
}
