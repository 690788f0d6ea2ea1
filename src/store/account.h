/*
 * account.h - accounts: people and organisations, and who belongs to which.
 * Owner: results are plain values in the caller's memory.
 * Never: opens a transaction; functions that change rows run inside a db_write
 * (or db_tx) function, the others on any connection.
 */
#ifndef WH_STORE_ACCOUNT_H
#define WH_STORE_ACCOUNT_H

#include "db/db.h"
#include "store/name.h"

#define STORE_PUBLIC_ID_LEN 24
#define STORE_FULLNAME_MAX 128
#define STORE_EMAIL_MAX 254
#define STORE_ORGS_MAX 200 /* that one account is admin of, and founds more */

/* What somebody may do in a namespace, or with a token. Ordered: more is more.
 * FINE is a token's role only: what it may do, its scopes say. */
enum store_role {
    STORE_ROLE_NONE,
    STORE_ROLE_READ,
    STORE_ROLE_WRITE,
    STORE_ROLE_ADMIN,
    STORE_ROLE_FINE,
};

struct store_account {
    int64_t id;
    char public_id[STORE_PUBLIC_ID_LEN + 1]; /* 24 hex digits, never changes */
    bool org;
    char name[STORE_ACCOUNT_NAME_MAX + 1];
    char fullname[STORE_FULLNAME_MAX + 1]; /* UTF-8, may be empty */
    char email[STORE_EMAIL_MAX + 1];       /* may be empty */
    bool is_operator; /* may use the operator's routes; opens nothing by itself
                       */
    int64_t created;
    bool disabled;
};

/* What a new account is made of. fullname and email may be empty. */
struct store_account_new {
    bool org;
    bool is_operator;
    struct wh_str name, fullname, email;
    int64_t owner; /* of an org: the account that becomes its admin */
};

/* Look up; the name's case is ignored. WH_NOT_FOUND when there is none. */
bool store_account_by_name(struct db *db, struct wh_str name,
                           struct store_account *out,
                           struct wh_err *err) WH_CHECK;
bool store_account_by_id(struct db *db, int64_t id, struct store_account *out,
                         struct wh_err *err) WH_CHECK;
/* Make one: WH_BAD_NAME by the rules of name.h, WH_CONFLICT when the name is
 * taken in any case, WH_BAD_REQUEST for fullname or email too long or not
 * UTF-8, WH_RATE_LIMITED for an org of who is admin of STORE_ORGS_MAX. */
bool store_account_create(struct db *db, const struct store_account_new *in,
                          struct store_account *out,
                          struct wh_err *err) WH_CHECK;
/* Lock out or let in again: tokens and sessions of a disabled account are
 * refused, sessions also deleted. Idempotent. */
bool store_account_disable(struct db *db, int64_t id, bool disabled,
                           struct wh_err *err) WH_CHECK;

/* Membership. org must be an organisation, account a person (WH_BAD_REQUEST).
 * STORE_ROLE_NONE takes the membership away. The last admin of an org stays
 * (WH_CONFLICT). */
bool store_member_set(struct db *db, int64_t org, int64_t account,
                      enum store_role role, struct wh_err *err) WH_CHECK;
/* What account may do in namespace ns (an account's id): ADMIN in one's own,
 * else the membership's role, or NONE. */
bool store_member_role(struct db *db, int64_t ns, int64_t account,
                       enum store_role *out, struct wh_err *err) WH_CHECK;

struct store_membership {
    struct store_account org;
    enum store_role role;
};
/* The organisations of an account by name, in the arena. */
bool store_member_orgs(struct db *db, struct wh_arena *a, int64_t account,
                       struct store_membership **out, size_t *n,
                       struct wh_err *err) WH_CHECK;

/* "read", "write", "admin", "fineGrained" and back; NONE for anything else. */
const char *store_role_name(enum store_role role);
enum store_role store_role_of(struct wh_str name);

/* Columns 0..8 of the account queries into *out; for store/ only. */
void store_account_read(struct db_stmt *s, struct store_account *out);

#endif
