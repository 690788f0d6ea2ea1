/* Tests of tokens, sessions, sign-in links and the first start (auth.c). */
#include "db/fault.h"
#include "db/testdb.h"
#include "store/auth.h"
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>

#define NOW 1000000000000LL

static struct store_over OVER; /* of the session made last */

/* One database with one account. */
struct house {
    struct testdb t;
    struct store_account ada;
};

static int open_h(void **state)
{
    static struct house h;
    struct wh_err err = {0};
    struct store_account_new in = {.name = WH_S("ada")};
    testdb_open(&h.t);
    *state = &h;
    return store_account_create(h.t.db, &in, &h.ada, &err) ? 0 : -1;
}

static int open_empty(void **state)
{
    static struct house h;
    testdb_open(&h.t);
    *state = &h;
    return 0;
}

static int close_h(void **state)
{
    testdb_close(&((struct house *)*state)->t);
    return 0;
}

/* Is this text anywhere in the files of the database? */
static bool on_disk(const struct house *h, const char *text)
{
    static const char *const ends[] = {"", "-wal"};
    static char bytes[1 << 22];
    bool found = false;
    for (size_t i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", h->t.path, ends[i]);
        FILE *f = fopen(path, "rb");
        size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
        assert_true(n < sizeof bytes);
        found = found || wh_str_find_str(wh_str_mem(bytes, n),
                                         wh_str_of(text)) != SIZE_MAX;
        if (f) {
            fclose(f);
        }
    }
    return found;
}

static void test_token_life(void **state)
{
    struct house *h = *state;
    struct db *db = h->t.db;
    struct wh_err err = {0};
    struct store_principal p;
    char text[STORE_TOKEN_LEN + 1], other[STORE_TOKEN_LEN + 1];
    assert_true(store_token_create(db, h->ada.id, WH_S("laptop"),
                                   STORE_ROLE_WRITE, 0, text, &err));
    assert_int_equal(strlen(text), STORE_TOKEN_LEN);
    assert_memory_equal(text, "hf_", 3);
    assert_int_equal(strspn(text + 3, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
                                      "nopqrstuvwxyz0123456789"),
                     40);
    assert_true(store_token_create(db, h->ada.id, WH_S("ci"), STORE_ROLE_READ,
                                   NOW + 5, other, &err));
    assert_string_not_equal(text, other);
    assert_true(store_token_auth(db, wh_str_of(text), NOW, &p, &err));
    assert_int_equal(p.account.id, h->ada.id);
    assert_string_equal(p.token.name, "laptop");
    assert_int_equal(p.token.role, STORE_ROLE_WRITE);
    assert_int_equal(p.token.expires, 0);
    /* Expiry: valid up to, not at, its moment. */
    assert_true(store_token_auth(db, wh_str_of(other), NOW + 4, &p, &err));
    assert_false(store_token_auth(db, wh_str_of(other), NOW + 5, &p, &err));
    assert_int_equal(err.code, WH_AUTH_INVALID);
    assert_string_equal(err.msg, "Invalid credentials in Authorization header");
    assert_false(on_disk(h, text));
    assert_true(on_disk(h, "laptop"));

    struct wh_arena a;
    struct store_token *list;
    size_t n = 0;
    wh_arena_init(&a, 1 << 20);
    assert_true(store_token_list(db, &a, h->ada.id, &list, &n, &err));
    assert_int_equal(n, 2);
    assert_string_equal(list[1].name, "ci");
    assert_int_equal(list[1].expires, NOW + 5);
    assert_false(store_token_revoke(db, h->ada.id + 1, list[0].id, &err));
    assert_int_equal(err.code, WH_NOT_FOUND);
    assert_true(store_token_revoke(db, h->ada.id, list[0].id, &err));
    assert_false(store_token_auth(db, wh_str_of(text), NOW, &p, &err));
    wh_arena_done(&a);
}

static void rotate(struct house *h, int64_t id, int64_t now, int64_t grace,
                   char out[STORE_TOKEN_LEN + 1])
{
    struct wh_err err = {0};
    assert_true(
        store_token_rotate(h->t.db, h->ada.id, id, now, grace, out, &err));
}

static bool works(struct house *h, const char *text, int64_t now)
{
    struct store_principal p;
    struct wh_err err = {0};
    return store_token_auth(h->t.db, wh_str_of(text), now, &p, &err);
}

/* The old secret is good up to, not at, its end; the one before it not at all.
 */
static void test_rotation(void **state)
{
    struct house *h = *state;
    char t[4][STORE_TOKEN_LEN + 1];
    struct store_principal p;
    struct wh_err err = {0};
    assert_true(store_token_create(h->t.db, h->ada.id, WH_S("ci"),
                                   STORE_ROLE_WRITE, NOW + 1000, t[0], &err));
    assert_true(store_token_auth(h->t.db, wh_str_of(t[0]), NOW, &p, &err));
    rotate(h, p.token.id, NOW, 100, t[1]);
    assert_true(works(h, t[0], NOW + 99) && works(h, t[1], NOW + 99));
    assert_false(works(h, t[0], NOW + 100));
    rotate(h, p.token.id, NOW + 10, 100, t[2]);
    assert_false(works(h, t[0], NOW + 10));
    assert_true(works(h, t[1], NOW + 10) && works(h, t[2], NOW + 10));
    rotate(h, p.token.id, NOW + 20, 0, t[3]);
    assert_false(works(h, t[1], NOW + 20) || works(h, t[2], NOW + 20));
    /* a new secret is no longer life */
    assert_true(works(h, t[3], NOW + 999));
    assert_false(works(h, t[3], NOW + 1000));
    assert_false(store_token_rotate(h->t.db, h->ada.id, p.token.id, NOW,
                                    STORE_GRACE_MAX_US + 1, t[0], &err));
    assert_int_equal(err.code, WH_BAD_REQUEST);
    assert_false(store_token_rotate(h->t.db, h->ada.id + 1, p.token.id, NOW, 0,
                                    t[0], &err));
    assert_int_equal(err.code, WH_NOT_FOUND);
    for (int i = 0; i < 4; i++) {
        assert_false(on_disk(h, t[i]));
    }
}

static void test_scopes(void **state)
{
    struct house *h = *state;
    const struct store_scope of_ada = {h->ada.id, 0, STORE_ROLE_WRITE};
    struct store_token_new in = {.account = h->ada.id,
                                 .name = WH_S("narrow"),
                                 .role = STORE_ROLE_FINE,
                                 .scopes = &of_ada,
                                 .n_scopes = 1};
    char text[STORE_TOKEN_LEN + 1];
    struct store_principal p;
    struct store_scope_view *list;
    enum store_role role;
    struct wh_err err = {0};
    struct wh_arena a;
    size_t n;
    wh_arena_init(&a, 1 << 20);
    assert_true(store_token_make(h->t.db, &in, text, &err));
    assert_true(store_token_auth(h->t.db, wh_str_of(text), NOW, &p, &err));
    assert_true(
        store_token_scope(h->t.db, p.token.id, h->ada.id, 7, &role, &err));
    assert_int_equal(role, STORE_ROLE_WRITE);
    assert_true(
        store_token_scope(h->t.db, p.token.id, h->ada.id + 1, 0, &role, &err));
    assert_int_equal(role, STORE_ROLE_NONE);
    assert_true(store_token_scopes(h->t.db, &a, p.token.id, &list, &n, &err));
    assert_int_equal(n, 1);
    assert_true(wh_str_is(list[0].name, "ada"));
    assert_true(
        store_token_used(h->t.db, p.token.id, 5, &err) &&
        store_token_used(h->t.db, p.token.id, 4, &err) &&
        store_token_find(h->t.db, h->ada.id, p.token.id, &p.token, &err));
    assert_int_equal(p.token.used_day, 5);
    in.role = STORE_ROLE_READ;
    assert_false(store_token_make(h->t.db, &in, text, &err));
    assert_int_equal(err.code, WH_BAD_REQUEST);
    in = (struct store_token_new){
        .account = h->ada.id, .name = in.name, .role = STORE_ROLE_FINE};
    assert_false(store_token_make(h->t.db, &in, text, &err));
    wh_arena_done(&a);
}

static void test_token_refusals(void **state)
{
    struct house *h = *state;
    struct wh_err err = {0};
    struct store_principal p;
    char text[STORE_TOKEN_LEN + 1];
    const struct wh_str bad_names[] = {
        WH_S(""), WH_S("\xff"), WH_S("a\0b"), {(char[129]){0}, 129}};
    for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++) {
        err = (struct wh_err){0};
        assert_false(store_token_create(h->t.db, h->ada.id, bad_names[i],
                                        STORE_ROLE_READ, 0, text, &err));
        assert_int_equal(err.code, WH_BAD_REQUEST);
    }
    /* No such account: the foreign key says so. */
    err = (struct wh_err){0};
    assert_false(store_token_create(h->t.db, 999, WH_S("x"), STORE_ROLE_READ, 0,
                                    text, &err));
    const struct wh_str bad[] = {
        WH_S(""),
        WH_S("hf_"),
        WH_S("hf_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        {NULL, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = (struct wh_err){0};
        assert_false(store_token_auth(h->t.db, bad[i], NOW, &p, &err));
        assert_int_equal(err.code, WH_AUTH_INVALID);
    }
}

static void test_session_life(void **state)
{
    struct house *h = *state;
    struct db *db = h->t.db;
    struct wh_err err = {0};
    struct store_principal p;
    char secret[STORE_SECRET_LEN + 1], csrf[STORE_SECRET_LEN + 1];
    assert_true(store_session_create(db, h->ada.id, NOW, secret, &OVER, &err));
    struct wh_str s = wh_str_of(secret);
    assert_int_equal(s.n, STORE_SECRET_LEN);
    assert_true(store_session_auth(db, s, NOW, &p, &err));
    assert_int_equal(p.account.id, h->ada.id);
    assert_int_equal(p.token.id, 0);
    assert_int_equal(p.token.role, STORE_ROLE_ADMIN);
    assert_int_equal(p.token.expires, NOW + STORE_SESSION_TTL_US);
    assert_false(
        store_session_auth(db, s, NOW + STORE_SESSION_TTL_US, &p, &err));
    assert_int_equal(err.code, WH_AUTH_INVALID);
    assert_false(on_disk(h, secret));

    store_session_csrf(s, csrf);
    assert_string_not_equal(csrf, secret);
    assert_true(store_session_csrf_ok(s, wh_str_of(csrf), &err));
    csrf[3] = csrf[3] == 'A' ? 'B' : 'A';
    assert_false(store_session_csrf_ok(s, wh_str_of(csrf), &err));
    assert_int_equal(err.code, WH_CSRF);
    assert_false(store_session_csrf_ok(s, WH_S(""), &err));
    assert_false(store_session_csrf_ok(s, s, &err));

    assert_true(store_session_end(db, s, &err));
    assert_true(store_session_end(db, s, &err));
    assert_false(store_session_auth(db, s, NOW, &p, &err));
}

static void test_link_is_for_once(void **state)
{
    struct house *h = *state;
    struct db *db = h->t.db;
    struct wh_err err = {0};
    char secret[STORE_SECRET_LEN + 1];
    int64_t id = 0;
    assert_true(store_link_create(db, h->ada.id, NOW, secret, &err));
    struct wh_str s = wh_str_of(secret);
    assert_false(on_disk(h, secret));
    assert_false(store_link_use(db, s, NOW + STORE_LINK_TTL_US, &id, &err));
    assert_int_equal(err.code, WH_AUTH_INVALID);
    /* looking does not use it up */
    assert_true(store_link_look(db, s, NOW, &id, &err));
    assert_true(store_link_look(db, s, NOW + STORE_LINK_TTL_US - 1, &id, &err));
    assert_false(store_link_look(db, s, NOW + STORE_LINK_TTL_US, &id, &err));
    assert_true(store_link_use(db, s, NOW + STORE_LINK_TTL_US - 1, &id, &err));
    assert_false(store_link_look(db, s, NOW, &id, &err));
    assert_int_equal(id, h->ada.id);
    assert_false(store_link_use(db, s, NOW, &id, &err));
    assert_int_equal(err.code, WH_AUTH_INVALID);
}

static void test_disabled_account(void **state)
{
    struct house *h = *state;
    struct db *db = h->t.db;
    struct wh_err err = {0};
    struct store_principal p;
    char token[STORE_TOKEN_LEN + 1], session[STORE_SECRET_LEN + 1],
        link[STORE_SECRET_LEN + 1];
    int64_t id;
    assert_true(store_token_create(db, h->ada.id, WH_S("t"), STORE_ROLE_READ, 0,
                                   token, &err));
    assert_true(store_session_create(db, h->ada.id, NOW, session, &OVER, &err));
    assert_true(store_link_create(db, h->ada.id, NOW, link, &err));
    assert_true(store_account_disable(db, h->ada.id, true, &err));
    assert_false(store_token_auth(db, wh_str_of(token), NOW, &p, &err));
    assert_int_equal(err.code, WH_AUTH_INVALID);
    assert_false(store_session_auth(db, wh_str_of(session), NOW, &p, &err));
    assert_false(store_link_use(db, wh_str_of(link), NOW, &id, &err));
    assert_true(store_account_disable(db, h->ada.id, false, &err));
    assert_true(store_token_auth(db, wh_str_of(token), NOW, &p, &err));
    /* Signed out for good. */
    assert_false(store_session_auth(db, wh_str_of(session), NOW, &p, &err));
}

static void test_sweep(void **state)
{
    struct house *h = *state;
    struct db *db = h->t.db;
    struct wh_err err = {0};
    struct store_principal p;
    char old[STORE_SECRET_LEN + 1], fresh[STORE_SECRET_LEN + 1];
    size_t n;
    assert_true(store_session_create(db, h->ada.id, NOW, old, &OVER, &err));
    assert_true(
        store_session_create(db, h->ada.id, NOW + 9, fresh, &OVER, &err));
    assert_true(store_auth_sweep(db, NOW + STORE_SESSION_TTL_US, &n, &err));
    assert_int_equal(n, 1);
    /* Asked at an earlier time, only the row itself can say no. */
    assert_false(store_session_auth(db, wh_str_of(old), NOW, &p, &err));
    assert_true(store_session_auth(db, wh_str_of(fresh), NOW, &p, &err));
}

static void bind_mark(struct db_stmt *s, char mark)
{
    char hash[65];
    memset(hash, mark, 64);
    hash[64] = '\0';
    db_bind_cstr(s, 1, hash);
}

static bool key_ended(struct db *db, char mark)
{
    struct wh_err err = {0};
    struct db_stmt *s = db_start(db, DBQ_API_KEY_BY_HASH);
    bind_mark(s, mark);
    assert_int_equal(db_step(s, &err), DB_ROW);
    bool ended = db_col_i64(s, 12) != 0;
    db_finish(&s);
    return ended;
}

/* A key that a session has, as the gateway makes it. */
static void give_key(struct db *db, int64_t account, int64_t expires, char mark)
{
    struct wh_err err = {0};
    struct db_stmt *s = db_start(db, DBQ_API_KEY_INSERT);
    bind_mark(s, mark);
    db_bind_cstr(s, 2, "wh-");
    db_bind_i64(s, 3, account);
    db_bind_cstr(s, 4, "chat");
    db_bind_cstr(s, 5, "");
    db_bind_i64(s, 6, 1);
    for (int i = 7; i <= 10; i++) {
        db_bind_i64(s, i, 0);
    }
    db_bind_i64(s, 11, NOW);
    db_bind_i64(s, 12, expires);
    assert_true(db_exec(s, &err));
}

/* The oldest session makes room, with its key; other accounts keep theirs. */
static void test_so_many_sessions(void **state)
{
    struct house *h = *state;
    struct db *db = h->t.db;
    struct wh_err err = {0};
    struct store_principal p;
    char one[STORE_SECRET_LEN + 1], others[STORE_SECRET_LEN + 1];
    char secrets[STORE_SESSIONS_MAX + 3][STORE_SECRET_LEN + 1];
    size_t n, left = 0;
    struct store_account_new in = {.name = WH_S("bob")};
    struct store_account bob;

    assert_true(store_account_create(db, &in, &bob, &err));
    assert_true(store_session_create(db, bob.id, NOW - 9, others, &OVER, &err));
    for (int i = 0; i < STORE_SESSIONS_MAX + 3; i++) {
        assert_true(store_session_create(db, h->ada.id, NOW + i, secrets[i],
                                         &OVER, &err));
        if (i == 1) {
            give_key(db, h->ada.id, NOW + i + STORE_SESSION_TTL_US, 'a');
            give_key(db, bob.id, NOW + i + STORE_SESSION_TTL_US, 'b');
        }
        assert_int_equal(OVER.n, i == STORE_SESSIONS_MAX + 1 ? 1 : 0);
    }
    for (int i = 0; i < STORE_SESSIONS_MAX + 3; i++) {
        assert_int_equal(
            store_session_auth(db, wh_str_of(secrets[i]), NOW, &p, &err),
            i >= 3);
    }
    assert_true(store_session_auth(db, wh_str_of(others), NOW, &p, &err));
    assert_true(key_ended(db, 'a'));
    assert_false(key_ended(db, 'b'));

    /* a clock that went back: the new one is the one that counts */
    assert_true(
        store_session_create(db, h->ada.id, NOW - 99, one, &OVER, &err));
    assert_true(store_session_auth(db, wh_str_of(one), NOW, &p, &err));
    assert_false(store_session_auth(db, wh_str_of(secrets[3]), NOW, &p, &err));

    /* all go when their time is over, however many rounds it takes */
    do {
        assert_true(
            store_auth_sweep(db, NOW + 2 * STORE_SESSION_TTL_US, &n, &err));
        left += n;
    } while (n > 0);
    assert_int_equal(left, STORE_SESSIONS_MAX + 1);
}

static void test_so_many_links(void **state)
{
    struct house *h = *state;
    struct db *db = h->t.db;
    struct wh_err err = {0};
    char links[STORE_LINKS_MAX + 2][STORE_SECRET_LEN + 1];
    int64_t id;

    for (int i = 0; i < STORE_LINKS_MAX + 2; i++) {
        assert_true(store_link_create(db, h->ada.id, NOW + i, links[i], &err));
    }
    for (int i = 0; i < STORE_LINKS_MAX + 2; i++) {
        assert_int_equal(
            store_link_look(db, wh_str_of(links[i]), NOW, &id, &err), i >= 2);
    }
}

static void test_first_start(void **state)
{
    struct house *h = *state;
    struct db *db = h->t.db;
    struct wh_err err = {0};
    struct store_first first, second;
    struct store_principal p;
    int64_t id = 0;
    assert_true(db_tx(db, store_bootstrap, &first, &err));
    assert_true(first.created);
    assert_true(store_token_auth(db, wh_str_of(first.token), NOW, &p, &err));
    assert_string_equal(p.account.name, "admin");
    assert_true(p.account.is_operator);
    assert_int_equal(p.token.role, STORE_ROLE_ADMIN);
    assert_true(store_link_use(db, wh_str_of(first.link), NOW, &id, &err));
    assert_int_equal(id, p.account.id);
    assert_true(db_tx(db, store_bootstrap, &second, &err));
    assert_false(second.created);
    assert_string_equal(second.token, "");
}

/* Everybody's ways in, as an account has them. */
struct ways {
    char token[STORE_TOKEN_LEN + 1];
    char session[STORE_SECRET_LEN + 1], link[STORE_SECRET_LEN + 1];
};

static void give_ways(struct db *db, int64_t account, struct ways *w)
{
    struct wh_err err = {0};
    assert_true(store_token_create(db, account, WH_S("mine"), STORE_ROLE_ADMIN,
                                   0, w->token, &err));
    assert_true(
        store_session_create(db, account, NOW, w->session, &OVER, &err));
    assert_true(store_link_create(db, account, NOW, w->link, &err));
}

/* t: the token is good, s: the session, l: the link. */
static void check_ways(struct db *db, const struct ways *w, const char *good)
{
    struct store_principal p;
    struct wh_err err = {0};
    int64_t id;
    assert_int_equal(store_token_auth(db, wh_str_of(w->token), NOW, &p, &err),
                     strchr(good, 't') != NULL);
    assert_int_equal(
        store_session_auth(db, wh_str_of(w->session), NOW, &p, &err),
        strchr(good, 's') != NULL);
    assert_int_equal(store_link_look(db, wh_str_of(w->link), NOW, &id, &err),
                     strchr(good, 'l') != NULL);
}

static void test_admin_anew(void **state)
{
    struct house *h = *state;
    struct db *db = h->t.db;
    struct wh_err err = {0};
    struct store_first first;
    struct store_account_new in = {.name = WH_S("ada")};
    struct store_account ada;
    struct store_principal p;
    struct ways admins, adas;
    struct store_renewal made[3] = {{0}, {0}, {.restored = true}};

    assert_true(db_tx(db, store_admin_renew, &made[0], &err));
    assert_false(made[0].found); /* there is nobody yet */
    assert_string_equal(made[0].token, "");
    assert_true(db_tx(db, store_bootstrap, &first, &err));
    assert_true(store_token_auth(db, wh_str_of(first.token), NOW, &p, &err));
    assert_true(store_account_create(db, &in, &ada, &err));
    give_ways(db, p.account.id, &admins);
    give_ways(db, ada.id, &adas);
    give_key(db, p.account.id, NOW + STORE_SESSION_TTL_US, 'a');
    give_key(db, p.account.id, NOW + STORE_SESSION_TTL_US + 1, 'b');
    give_key(db, ada.id, NOW + STORE_SESSION_TTL_US, 'c');

    /* what was made for nobody in particular ends, what somebody made not */
    assert_true(db_tx(db, store_admin_renew, &made[0], &err));
    assert_true(made[0].found);
    assert_int_equal(made[0].ended, 1);
    assert_false(store_token_auth(db, wh_str_of(first.token), NOW, &p, &err));
    assert_true(store_token_auth(db, wh_str_of(made[0].token), NOW, &p, &err));
    assert_string_equal(p.account.name, "admin");
    assert_int_equal(p.token.role, STORE_ROLE_ADMIN);
    check_ways(db, &admins, "t");
    check_ways(db, &adas, "tsl");
    assert_true(key_ended(db, 'a'));
    assert_false(key_ended(db, 'b')); /* one that admin made */
    assert_false(key_ended(db, 'c'));

    assert_true(db_tx(db, store_admin_renew, &made[1], &err));
    assert_int_equal(made[1].ended, 1);
    assert_false(store_token_auth(db, wh_str_of(made[0].token), NOW, &p, &err));
    check_ways(db, &admins, "t");

    /* out of a backup: nothing of admin's, and nobody is signed in */
    assert_true(db_tx(db, store_admin_renew, &made[2], &err));
    assert_int_equal(made[2].ended, 2);
    assert_false(store_token_auth(db, wh_str_of(made[1].token), NOW, &p, &err));
    assert_true(store_token_auth(db, wh_str_of(made[2].token), NOW, &p, &err));
    check_ways(db, &admins, "");
    check_ways(db, &adas, "t");
    assert_false(key_ended(db, 'b'));
    assert_true(key_ended(db, 'c'));
    assert_false(on_disk(h, made[2].token));
}

/* Everything that writes, in one transaction. */
static bool story(struct db *db, void *ctx, struct wh_err *err)
{
    struct store_first first;
    struct store_renewal renewed = {.restored = true};
    struct store_principal p;
    char secret[STORE_SECRET_LEN + 1];
    int64_t id;
    size_t n;
    (void)ctx;
    return store_bootstrap(db, &first, err) &&
           store_token_auth(db, wh_str_of(first.token), NOW, &p, err) &&
           store_link_use(db, wh_str_of(first.link), NOW, &id, err) &&
           store_session_create(db, id, NOW, secret, &OVER, err) &&
           store_session_auth(db, wh_str_of(secret), NOW, &p, err) &&
           store_session_end(db, wh_str_of(secret), err) &&
           store_auth_sweep(db, NOW, &n, err) &&
           store_admin_renew(db, &renewed, err) && renewed.found;
}

static void test_faults(void **state)
{
    struct house *h = *state;
    struct wh_err err = {0};
    struct store_account a;
    struct db *db = db_open_with(db_fault_driver(), h->t.path, false, &err);
    assert_non_null(db);
    for (unsigned long n = 1;; n++) {
        assert_true(n < 500);
        err = (struct wh_err){0};
        db_fault_arm(n, WH_IO);
        bool ok = db_tx(db, story, NULL, &err);
        db_fault_arm(0, WH_IO);
        struct wh_err none = {0};
        assert_int_equal(store_account_by_name(db, WH_S("admin"), &a, &none),
                         ok);
        if (ok) {
            assert_true(n > 40);
            break;
        }
        assert_int_equal(err.code, WH_IO);
    }
    db_close(&db);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_h, close_h)
#define E(f) cmocka_unit_test_setup_teardown(f, open_empty, close_h)
    const struct CMUnitTest tests[] = {
        T(test_token_life),       T(test_token_refusals),
        T(test_session_life),     T(test_link_is_for_once),
        T(test_disabled_account), T(test_sweep),
        T(test_rotation),         T(test_scopes),
        T(test_so_many_sessions), T(test_so_many_links),
        E(test_first_start),      E(test_admin_anew),
        E(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
