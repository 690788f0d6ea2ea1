/* Accounts and membership over the rows of 001_accounts.sql. */
#include "store/account.h"
#include "base/enc.h"
#include "base/time.h"
#include "crypto/random.h"

static const char *const role_names[] = {
    [STORE_ROLE_NONE] = "none",        [STORE_ROLE_READ] = "read",
    [STORE_ROLE_WRITE] = "write",      [STORE_ROLE_ADMIN] = "admin",
    [STORE_ROLE_FINE] = "fineGrained",
};
#define ROLES (sizeof role_names / sizeof *role_names)

static bool text_ok(struct wh_str s, size_t max, const char *what,
                    struct wh_err *err)
{
    if (s.n > max || !wh_str_utf8_ok(s) || wh_str_find(s, '\0') != SIZE_MAX) {
        return wh_fail(err, WH_BAD_REQUEST, "%s is at most %zu bytes of UTF-8",
                       what, max);
    }
    return true;
}

static bool lookup(struct db_stmt *s, struct store_account *out,
                   struct wh_err *err)
{
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        store_account_read(s, out);
    }
    db_finish(&s);
    return db_found(r, WH_NOT_FOUND, err);
}

/* Empty text where the schema wants text. */
static struct wh_str or_empty(struct wh_str s)
{
    return s.p ? s : WH_S("");
}

static bool insert(struct db *db, const struct store_account_new *in,
                   int64_t *id, struct wh_err *err)
{
    uint8_t raw[STORE_PUBLIC_ID_LEN / 2];
    crypto_random(raw, sizeof raw);
    struct db_stmt *s = db_start(db, DBQ_ACCOUNT_INSERT);
    db_bind_hex(s, 1, raw, sizeof raw);
    db_bind_i64(s, 2, in->org);
    db_bind_text(s, 3, in->name);
    db_bind_text(s, 4, or_empty(in->fullname));
    db_bind_text(s, 5, or_empty(in->email));
    db_bind_i64(s, 6, in->is_operator);
    db_bind_i64(s, 7, wh_now_us());
    if (db_one_i64(s, 0, id, err)) {
        return true;
    }
    if (err->code == WH_CONFLICT) {
        *err = (struct wh_err){0};
        return wh_fail(err, WH_CONFLICT, "an account of this name exists");
    }
    return false;
}

static bool put_member(struct db *db, int64_t org, int64_t account,
                       enum store_role role, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_MEMBER_SET);
    db_bind_i64(s, 1, org);
    db_bind_i64(s, 2, account);
    db_bind_i64(s, 3, (int64_t)role);
    db_bind_i64(s, 4, wh_now_us());
    return db_exec(s, err);
}

static bool drop_member(struct db *db, int64_t org, int64_t account,
                        struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_MEMBER_DROP);
    db_bind_i64(s, 1, org);
    db_bind_i64(s, 2, account);
    return db_exec(s, err);
}

/* An organisation without an admin could never be changed again. */
static bool keeps_an_admin(struct db *db, int64_t org, int64_t account,
                           struct wh_err *err)
{
    enum store_role now = STORE_ROLE_NONE;
    int64_t others = 0;
    if (!store_member_role(db, org, account, &now, err)) {
        return false;
    }
    if (now != STORE_ROLE_ADMIN) {
        return true;
    }
    struct db_stmt *s = db_start(db, DBQ_MEMBER_OTHER_ADMINS);
    db_bind_i64(s, 1, org);
    db_bind_i64(s, 2, account);
    if (!db_one_i64(s, 0, &others, err)) {
        return false;
    }
    return others > 0 || wh_fail(err, WH_CONFLICT,
                                 "an organisation keeps at least one admin");
}

bool store_account_by_name(struct db *db, struct wh_str name,
                           struct store_account *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_ACCOUNT_BY_NAME);
    db_bind_text(s, 1, name);
    return lookup(s, out, err);
}

bool store_account_by_id(struct db *db, int64_t id, struct store_account *out,
                         struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_ACCOUNT_BY_ID);
    db_bind_i64(s, 1, id);
    return lookup(s, out, err);
}

/* Each namespace may hold as much as any other. */
static bool may_found(struct db *db, const struct store_account_new *in,
                      struct wh_err *err)
{
    int64_t n = 0;
    struct db_stmt *s;
    if (!in->org) {
        return true;
    }
    s = db_start(db, DBQ_MEMBER_ADMIN_OF);
    db_bind_i64(s, 1, in->owner);
    return db_one_i64(s, 0, &n, err) &&
           (n < STORE_ORGS_MAX ||
            wh_fail(err, WH_RATE_LIMITED,
                    "you are admin of %lld organisations already, and that is "
                    "the most: who founds one more leaves another first",
                    (long long)n));
}

bool store_account_create(struct db *db, const struct store_account_new *in,
                          struct store_account *out, struct wh_err *err)
{
    int64_t id = 0;
    if (!may_found(db, in, err) || !store_account_name_ok(in->name, err) ||
        !text_ok(in->fullname, STORE_FULLNAME_MAX, "the full name", err) ||
        !text_ok(in->email, STORE_EMAIL_MAX, "the email address", err)) {
        return false;
    }
    if (!insert(db, in, &id, err)) {
        return false;
    }
    if (in->org &&
        !store_member_set(db, id, in->owner, STORE_ROLE_ADMIN, err)) {
        return false;
    }
    return store_account_by_id(db, id, out, err);
}

bool store_account_disable(struct db *db, int64_t id, bool disabled,
                           struct wh_err *err)
{
    struct db_stmt *s;
    if (!disabled) {
        s = db_start(db, DBQ_ACCOUNT_ENABLE);
        db_bind_i64(s, 1, id);
        return db_exec(s, err);
    }
    s = db_start(db, DBQ_ACCOUNT_DISABLE);
    db_bind_i64(s, 1, id);
    db_bind_i64(s, 2, wh_now_us());
    if (!db_exec(s, err)) {
        return false;
    }
    s = db_start(db, DBQ_SESSION_DELETE_ALL);
    db_bind_i64(s, 1, id);
    return db_exec(s, err);
}

bool store_member_set(struct db *db, int64_t org, int64_t account,
                      enum store_role role, struct wh_err *err)
{
    struct store_account o = {0}, m = {0};
    wh_assert(role <= STORE_ROLE_ADMIN);
    if (!store_account_by_id(db, org, &o, err) ||
        !store_account_by_id(db, account, &m, err)) {
        return false;
    }
    if (!o.org || m.org) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "people are members of organisations");
    }
    if (role != STORE_ROLE_ADMIN && !keeps_an_admin(db, org, account, err)) {
        return false;
    }
    return role == STORE_ROLE_NONE ? drop_member(db, org, account, err)
                                   : put_member(db, org, account, role, err);
}

bool store_member_role(struct db *db, int64_t ns, int64_t account,
                       enum store_role *out, struct wh_err *err)
{
    int64_t role = STORE_ROLE_NONE;
    if (ns == account) {
        *out = STORE_ROLE_ADMIN;
        return true;
    }
    struct db_stmt *s = db_start(db, DBQ_MEMBER_ROLE);
    db_bind_i64(s, 1, ns);
    db_bind_i64(s, 2, account);
    if (!db_one_i64(s, STORE_ROLE_NONE, &role, err)) {
        return false;
    }
    wh_assert(role >= STORE_ROLE_NONE && role <= STORE_ROLE_ADMIN);
    *out = (enum store_role)role;
    return true;
}

bool store_member_orgs(struct db *db, struct wh_arena *a, int64_t account,
                       struct store_membership **out, size_t *n,
                       struct wh_err *err)
{
    struct store_membership *list = NULL;
    size_t used = 0, cap = 0;
    enum db_row r;
    struct db_stmt *s = db_start(db, DBQ_MEMBER_ORGS);
    db_bind_i64(s, 1, account);
    while ((r = db_step(s, err)) == DB_ROW) {
        if (used == cap) {
            struct store_membership *old = list;
            cap = cap ? cap * 2 : 8;
            list = wh_arena_array(a, cap, sizeof *list);
            if (used) {
                memcpy(list, old, used * sizeof *list);
            }
        }
        store_account_read(s, &list[used].org);
        list[used++].role = (enum store_role)db_col_i64(s, 9);
    }
    db_finish(&s);
    if (r == DB_FAIL) {
        return false;
    }
    *out = list;
    *n = used;
    return true;
}

const char *store_role_name(enum store_role role)
{
    wh_assert(role < ROLES);
    return role_names[role];
}

enum store_role store_role_of(struct wh_str name)
{
    for (size_t i = 1; i < ROLES; i++) {
        if (wh_str_is(name, role_names[i])) {
            return (enum store_role)i;
        }
    }
    return STORE_ROLE_NONE;
}

void store_account_read(struct db_stmt *s, struct store_account *out)
{
    *out = (struct store_account){.id = db_col_i64(s, 0)};
    db_col_cstr(s, 1, out->public_id, sizeof out->public_id);
    out->org = db_col_bool(s, 2);
    db_col_cstr(s, 3, out->name, sizeof out->name);
    db_col_cstr(s, 4, out->fullname, sizeof out->fullname);
    db_col_cstr(s, 5, out->email, sizeof out->email);
    out->is_operator = db_col_bool(s, 6);
    out->created = db_col_i64(s, 7);
    out->disabled = db_col_bool(s, 8);
}
