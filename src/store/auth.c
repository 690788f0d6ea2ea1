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
/* Names of tokens that were made for nobody in particular. */
#define NAME_FIRST "first start"
#define NAME_RENEWED "renewed on the host"
#define NAME_ADMIN "admin"

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

/* Columns from `at`: id, name, role, created, expires, metrics, used_day,
 * old_until. */
static void read_token(struct db_stmt *s, int at, struct store_token *out)
{
    out->id = db_col_i64(s, at);
    db_col_cstr(s, at + 1, out->name, sizeof out->name);
    out->role = (enum store_role)db_col_i64(s, at + 2);
    out->created = db_col_i64(s, at + 3);
    out->expires = db_col_i64(s, at + 4);
    out->metrics = db_col_bool(s, at + 5);
    out->used_day = db_col_i64(s, at + 6);
    out->old_until = db_col_i64(s, at + 7);
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

static bool check_scopes(const struct store_token_new *in, struct wh_err *err)
{
    bool fine = in->role == STORE_ROLE_FINE;
    if (!fine && (in->n_scopes > 0 || in->metrics)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "scopes are for tokens of the role %s",
                       store_role_name(STORE_ROLE_FINE));
    }
    if (fine && in->n_scopes == 0 && !in->metrics) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "a token of the role %s names at least one scope",
                       store_role_name(STORE_ROLE_FINE));
    }
    return in->n_scopes <= STORE_SCOPES_MAX ||
           wh_fail(err, WH_TOO_LARGE, "a token names at most %d scopes",
                   STORE_SCOPES_MAX);
}

static bool insert_token(struct db *db, const struct store_token_new *in,
                         const char *text, int64_t *id, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_TOKEN_INSERT);
    bind_secret(s, 1, wh_str_of(text));
    db_bind_i64(s, 2, in->account);
    db_bind_text(s, 3, in->name);
    db_bind_i64(s, 4, (int64_t)in->role);
    db_bind_i64(s, 5, wh_now_us());
    if (in->expires) {
        db_bind_i64(s, 6, in->expires);
    }
    db_bind_i64(s, 7, in->metrics);
    return db_one_i64(s, 0, id, err);
}

static bool insert_scope(struct db *db, int64_t token,
                         const struct store_scope *scope, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_TOKEN_SCOPE_INSERT);
    db_bind_i64(s, 1, token);
    if (scope->repo) {
        db_bind_i64(s, 3, scope->repo);
    } else {
        db_bind_i64(s, 2, scope->ns);
    }
    db_bind_i64(s, 4, (int64_t)scope->role);
    return db_exec(s, err);
}

bool store_token_make(struct db *db, const struct store_token_new *in,
                      char out[STORE_TOKEN_LEN + 1], struct wh_err *err)
{
    char text[STORE_TOKEN_LEN + 1] = "hf_";
    int64_t id = 0;
    wh_assert(in->role >= STORE_ROLE_READ && in->role <= STORE_ROLE_FINE);
    if (!check_scopes(in, err) ||
        !check_token(db, in->account, in->name, err)) {
        return false;
    }
    random_text(text + 3, STORE_TOKEN_LEN - 3);
    bool ok = insert_token(db, in, text, &id, err);
    for (size_t i = 0; ok && i < in->n_scopes; i++) {
        ok = insert_scope(db, id, &in->scopes[i], err);
    }
    if (ok) {
        memcpy(out, text, sizeof text);
    }
    wh_wipe(text, sizeof text);
    return ok;
}

bool store_token_create(struct db *db, int64_t account, struct wh_str name,
                        enum store_role role, int64_t expires,
                        char out[STORE_TOKEN_LEN + 1], struct wh_err *err)
{
    const struct store_token_new in = {
        .account = account, .name = name, .role = role, .expires = expires};
    return store_token_make(db, &in, out, err);
}

bool store_token_rotate(struct db *db, int64_t account, int64_t id, int64_t now,
                        int64_t grace_us, char out[STORE_TOKEN_LEN + 1],
                        struct wh_err *err)
{
    char text[STORE_TOKEN_LEN + 1] = "hf_";
    if (grace_us < 0 || grace_us > STORE_GRACE_MAX_US) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the old secret may work for at most %lld hours more",
                       (long long)(STORE_GRACE_MAX_US / STORE_HOUR_US));
    }
    random_text(text + 3, STORE_TOKEN_LEN - 3);
    struct db_stmt *s = db_start(db, DBQ_TOKEN_ROTATE);
    bind_secret(s, 1, wh_str_of(text));
    db_bind_i64(s, 2, account);
    db_bind_i64(s, 3, id);
    db_bind_i64(s, 4, now + grace_us);
    db_bind_i64(s, 5, now);
    bool ok = db_exec(s, err) &&
              db_found(db_changes(db) ? DB_ROW : DB_DONE, WH_NOT_FOUND, err);
    if (ok) {
        memcpy(out, text, sizeof text);
    }
    wh_wipe(text, sizeof text);
    return ok;
}

bool store_token_find(struct db *db, int64_t account, int64_t id,
                      struct store_token *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_TOKEN_BY_ID);
    db_bind_i64(s, 1, account);
    db_bind_i64(s, 2, id);
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        read_token(s, 0, out);
    }
    db_finish(&s);
    return db_found(r, WH_NOT_FOUND, err);
}

bool store_token_used(struct db *db, int64_t id, int64_t day,
                      struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_TOKEN_USED);
    db_bind_i64(s, 1, id);
    db_bind_i64(s, 2, day);
    return db_exec(s, err);
}

bool store_token_scope(struct db *db, int64_t id, int64_t ns, int64_t repo,
                       enum store_role *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_TOKEN_SCOPE_ROLE);
    int64_t role = 0;
    db_bind_i64(s, 1, id);
    db_bind_i64(s, 2, ns);
    db_bind_i64(s, 3, repo);
    if (!db_one_i64(s, 0, &role, err)) {
        return false;
    }
    *out = (enum store_role)role;
    return true;
}

bool store_token_scopes(struct db *db, struct wh_arena *a, int64_t id,
                        struct store_scope_view **out, size_t *n,
                        struct wh_err *err)
{
    struct store_scope_view *list =
        wh_arena_array(a, STORE_SCOPES_MAX, sizeof *list);
    size_t used = 0;
    enum db_row r;
    struct db_stmt *s = db_start(db, DBQ_TOKEN_SCOPE_LIST);
    db_bind_i64(s, 1, id);
    while ((r = db_step(s, err)) == DB_ROW && used < STORE_SCOPES_MAX) {
        struct store_scope_view *v = &list[used++];
        v->scope.ns = db_col_i64(s, 0);
        v->scope.repo = db_col_i64(s, 1);
        v->scope.role = (enum store_role)db_col_i64(s, 2);
        v->org = db_col_bool(s, 3);
        v->kind = (enum store_kind)db_col_i64(s, 5);
        v->name = db_col_dup(s, v->scope.repo ? 6 : 4, a);
    }
    db_finish(&s);
    if (r == DB_FAIL) {
        return false;
    }
    *out = list;
    *n = used;
    return true;
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

struct old_session {
    uint8_t hash[WH_SHA256_LEN];
    int64_t expires;
};

/* What an account has beyond `max` sessions, in list. */
static bool find_over(struct db *db, int64_t account, int64_t max,
                      struct old_session list[STORE_OVER_MAX], size_t *n,
                      struct wh_err *err)
{
    enum db_row r;
    struct db_stmt *s = db_start(db, DBQ_SESSION_OVER);
    db_bind_i64(s, 1, account);
    db_bind_i64(s, 2, max);
    db_bind_i64(s, 3, STORE_OVER_MAX);
    for (*n = 0; (r = db_step(s, err)) == DB_ROW && *n < STORE_OVER_MAX;
         (*n)++) {
        struct old_session *one = &list[*n];
        if (!db_col_hex(s, 0, one->hash, sizeof one->hash)) {
            r = DB_FAIL;
            wh_fail(err, WH_CORRUPT, "a session has no digest");
            break;
        }
        one->expires = db_col_i64(s, 1);
    }
    db_finish(&s);
    return r != DB_FAIL;
}

/* The session and its key; *key 0: it has none in force. */
static bool end_session(struct db *db, int64_t account,
                        const struct old_session *one, int64_t now,
                        int64_t *key, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_SESSION_DELETE);
    db_bind_hex(s, 1, one->hash, sizeof one->hash);
    if (!db_exec(s, err)) {
        return false;
    }
    s = db_start(db, DBQ_SESSION_KEY_END);
    db_bind_i64(s, 1, account);
    db_bind_i64(s, 2, one->expires);
    db_bind_i64(s, 3, now);
    return db_one_i64(s, 0, key, err);
}

/* Room for one more session. */
static bool make_room(struct db *db, int64_t account, int64_t now,
                      struct store_over *over, struct wh_err *err)
{
    struct old_session list[STORE_OVER_MAX];
    size_t n;
    *over = (struct store_over){0};
    if (!find_over(db, account, STORE_SESSIONS_MAX - 1, list, &n, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        int64_t key = 0;
        if (!end_session(db, account, &list[i], now, &key, err)) {
            return false;
        }
        if (key != 0) {
            over->keys[over->n++] = key;
        }
    }
    return true;
}

bool store_session_create(struct db *db, int64_t account, int64_t now,
                          char out[STORE_SECRET_LEN + 1],
                          struct store_over *over, struct wh_err *err)
{
    if (!make_room(db, account, now, over, err)) {
        return false;
    }
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
    struct db_stmt *s = db_start(db, DBQ_SIGNIN_LINK_OVER);
    db_bind_i64(s, 1, account);
    db_bind_i64(s, 2, STORE_LINKS_MAX - 1);
    db_bind_i64(s, 3, STORE_OVER_MAX);
    if (!db_exec(s, err)) {
        return false;
    }
    s = db_start(db, DBQ_SIGNIN_LINK_INSERT);
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

static bool sweep(struct db *db, enum db_query q, int64_t now, size_t *n,
                  struct wh_err *err)
{
    struct db_stmt *s = db_start(db, q);
    db_bind_i64(s, 1, now);
    db_bind_i64(s, 2, SWEEP_ROWS);
    if (!db_exec(s, err)) {
        return false;
    }
    *n += (size_t)db_changes(db);
    return true;
}

bool store_auth_sweep(struct db *db, int64_t now, size_t *n, struct wh_err *err)
{
    *n = 0;
    return sweep(db, DBQ_SESSION_SWEEP, now, n, err) &&
           sweep(db, DBQ_SIGNIN_LINK_SWEEP, now, n, err);
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
    struct store_account_new in = {.is_operator = true,
                                   .name = WH_S(NAME_ADMIN)};
    if (!store_account_create(db, &in, &admin, err) ||
        !store_token_create(db, admin.id, WH_S(NAME_FIRST), STORE_ROLE_ADMIN, 0,
                            first->token, err) ||
        !store_link_create(db, admin.id, wh_now_us(), first->link, err)) {
        return false;
    }
    first->created = true;
    return true;
}

/* What lets an account in without a token, and the keys of its sessions. */
static bool end_entries(struct db *db, int64_t account, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_SESSION_KEYS_END_ALL);
    db_bind_i64(s, 1, account);
    db_bind_i64(s, 2, wh_now_us());
    if (!db_exec(s, err)) {
        return false;
    }
    s = db_start(db, DBQ_SESSION_DELETE_ALL);
    db_bind_i64(s, 1, account);
    if (!db_exec(s, err)) {
        return false;
    }
    s = db_start(db, DBQ_SIGNIN_LINK_DELETE_ALL);
    db_bind_i64(s, 1, account);
    return db_exec(s, err);
}

static bool end_everybodys_entries(struct db *db, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_SESSION_KEYS_END_EVERY);
    db_bind_i64(s, 1, wh_now_us());
    return db_exec(s, err) &&
           db_exec(db_start(db, DBQ_SESSION_DELETE_EVERY), err) &&
           db_exec(db_start(db, DBQ_SIGNIN_LINK_DELETE_EVERY), err);
}

static bool end_tokens(struct db *db, int64_t account, bool all,
                       uint64_t *ended, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_TOKEN_DELETE_NAMED);
    db_bind_i64(s, 1, account);
    db_bind_i64(s, 2, all);
    db_bind_cstr(s, 3, NAME_FIRST);
    db_bind_cstr(s, 4, NAME_RENEWED);
    if (!db_exec(s, err)) {
        return false;
    }
    *ended = (uint64_t)db_changes(db);
    return true;
}

bool store_admin_renew(struct db *db, void *ctx, struct wh_err *err)
{
    struct store_renewal *r = ctx;
    struct store_account admin;
    *r = (struct store_renewal){.restored = r->restored};
    if (r->restored && !end_everybodys_entries(db, err)) {
        return false;
    }
    if (!store_account_by_name(db, WH_S(NAME_ADMIN), &admin, err)) {
        if (err->code != WH_NOT_FOUND) {
            return false;
        }
        *err = (struct wh_err){0};
        return true;
    }
    r->found = true;
    return end_entries(db, admin.id, err) &&
           end_tokens(db, admin.id, r->restored, &r->ended, err) &&
           store_token_create(db, admin.id, WH_S(NAME_RENEWED),
                              STORE_ROLE_ADMIN, 0, r->token, err);
}
