/*
 * auth.h - who is asking: tokens, sessions, one-time sign-in links, and the
 * first account.
 * Owner: results are plain values; secrets are shown once, by the call that
 * makes them, and kept as SHA-256 only.
 * Never: opens a transaction; writes on a request that only reads: the day of
 * the last use is noted apart (store_token_used).
 */
#ifndef WH_STORE_AUTH_H
#define WH_STORE_AUTH_H

#include "store/account.h"
#include "store/repo.h"

/* "hf_" + 40 letters and digits: the shape that the clients insist on. */
#define STORE_TOKEN_LEN 43
/* 32 random bytes as URL-safe base64. */
#define STORE_SECRET_LEN 43
#define STORE_TOKEN_NAME_MAX 128
/* Tokens one account may have. */
#define STORE_TOKENS_MAX 1000
/* Namespaces and repos that one token may name. */
#define STORE_SCOPES_MAX 32
/* Sessions and sign-in links that one account may have; the oldest go first. */
#define STORE_SESSIONS_MAX 50
#define STORE_LINKS_MAX 20
/* So many go at once, when an account has more. */
#define STORE_OVER_MAX 20
/* How long an old secret may work beside the new one. */
#define STORE_GRACE_MAX_US (30 * 24 * STORE_HOUR_US)
#define STORE_DAY_US (24 * STORE_HOUR_US)

#define STORE_HOUR_US 3600000000LL
#define STORE_SESSION_TTL_US (14 * 24 * STORE_HOUR_US)
#define STORE_LINK_TTL_US (STORE_HOUR_US / 4)

struct store_token {
    int64_t id; /* 0 for a session */
    char name[STORE_TOKEN_NAME_MAX + 1];
    enum store_role role;
    int64_t created, expires; /* expires 0: until revoked */
    bool metrics;             /* may read /metrics */
    int64_t used_day;         /* days since 1970; 0: never used */
    int64_t old_until;        /* its secret before this one works until then */
};

/* What a token of role FINE may do: in all repos of a namespace, or in one
 * repo; the other is 0. */
struct store_scope {
    int64_t ns, repo;
    enum store_role role; /* READ or WRITE */
};

/* One of them for people. */
struct store_scope_view {
    struct store_scope scope;
    bool org;             /* the namespace is an organisation's */
    enum store_kind kind; /* of the repo */
    struct wh_str name;   /* "ada", "ada/model" */
};

/* A token to be made. */
struct store_token_new {
    int64_t account;
    struct wh_str name;
    enum store_role role;
    int64_t expires;                  /* or 0 */
    bool metrics;                     /* for role FINE */
    const struct store_scope *scopes; /* for role FINE, at most */
    size_t n_scopes;                  /* STORE_SCOPES_MAX */
};

/* A caller who has shown a valid secret. */
struct store_principal {
    struct store_account account;
    struct store_token token;
};

/* Make a token; `expires` in microseconds since 1970, or 0. The text is written
 * to out (with a NUL) and can not be shown again. WH_BAD_REQUEST for a bad
 * name, WH_TOO_LARGE when the account has too many. */
bool store_token_create(struct db *db, int64_t account, struct wh_str name,
                        enum store_role role, int64_t expires,
                        char out[STORE_TOKEN_LEN + 1],
                        struct wh_err *err) WH_CHECK;
/* The same, with all that a token can be; whether its maker may give these
 * rights is the caller's business. WH_BAD_REQUEST for scopes where the role is
 * not FINE, or a FINE token that may do nothing. */
bool store_token_make(struct db *db, const struct store_token_new *in,
                      char out[STORE_TOKEN_LEN + 1],
                      struct wh_err *err) WH_CHECK;
/* A new secret for a token; the one until now works for grace_us more (0: no
 * more; at most STORE_GRACE_MAX_US), the one before that ends now. WH_NOT_FOUND
 * when the account has no such token. */
bool store_token_rotate(struct db *db, int64_t account, int64_t id, int64_t now,
                        int64_t grace_us, char out[STORE_TOKEN_LEN + 1],
                        struct wh_err *err) WH_CHECK;
/* One of an account's tokens; WH_NOT_FOUND. */
bool store_token_find(struct db *db, int64_t account, int64_t id,
                      struct store_token *out, struct wh_err *err) WH_CHECK;
/* It was used on that day. */
bool store_token_used(struct db *db, int64_t id, int64_t day,
                      struct wh_err *err) WH_CHECK;
/* What a token of role FINE may do in a namespace, and in a repo of it (0:
 * none in particular); NONE without a scope. */
bool store_token_scope(struct db *db, int64_t id, int64_t ns, int64_t repo,
                       enum store_role *out, struct wh_err *err) WH_CHECK;
/* All scopes of a token, in the arena. */
bool store_token_scopes(struct db *db, struct wh_arena *a, int64_t id,
                        struct store_scope_view **out, size_t *n,
                        struct wh_err *err) WH_CHECK;
/* Who holds this token; WH_AUTH_INVALID when unknown, expired, or of a disabled
 * account. */
bool store_token_auth(struct db *db, struct wh_str text, int64_t now,
                      struct store_principal *out, struct wh_err *err) WH_CHECK;
/* An account's tokens, oldest first, in the arena. */
bool store_token_list(struct db *db, struct wh_arena *a, int64_t account,
                      struct store_token **out, size_t *n,
                      struct wh_err *err) WH_CHECK;
/* Revoke one; WH_NOT_FOUND when the account has no such token. */
bool store_token_revoke(struct db *db, int64_t account, int64_t id,
                        struct wh_err *err) WH_CHECK;

/* Keys of the gateway that ended with their sessions. */
struct store_over {
    int64_t keys[STORE_OVER_MAX];
    size_t n;
};
/* Begin a session of STORE_SESSION_TTL_US; the secret goes into the cookie.
 * What the account has beyond STORE_SESSIONS_MAX ends, the oldest first. */
bool store_session_create(struct db *db, int64_t account, int64_t now,
                          char out[STORE_SECRET_LEN + 1],
                          struct store_over *over, struct wh_err *err) WH_CHECK;
/* Who is signed in with this cookie; else as store_token_auth. The principal's
 * token has id 0, role ADMIN, and the session's times. */
bool store_session_auth(struct db *db, struct wh_str secret, int64_t now,
                        struct store_principal *out,
                        struct wh_err *err) WH_CHECK;
/* Sign out; an unknown secret is fine. */
bool store_session_end(struct db *db, struct wh_str secret,
                       struct wh_err *err) WH_CHECK;
/* The token that forms of this session carry: derived from the secret by a
 * one-way function, so that it needs no row and gives nothing away. */
void store_session_csrf(struct wh_str secret, char out[STORE_SECRET_LEN + 1]);
/* Compare in constant time; WH_CSRF when they differ. */
bool store_session_csrf_ok(struct wh_str secret, struct wh_str given,
                           struct wh_err *err) WH_CHECK;

/* A link secret that signs account in once, within STORE_LINK_TTL_US. The
 * oldest beyond STORE_LINKS_MAX end. */
bool store_link_create(struct db *db, int64_t account, int64_t now,
                       char out[STORE_SECRET_LEN + 1],
                       struct wh_err *err) WH_CHECK;
/* Whose link is it, without using it up? Errors as below. */
bool store_link_look(struct db *db, struct wh_str secret, int64_t now,
                     int64_t *account, struct wh_err *err) WH_CHECK;
/* Use it up: gives the account. WH_AUTH_INVALID when unknown, used or old. */
bool store_link_use(struct db *db, struct wh_str secret, int64_t now,
                    int64_t *account, struct wh_err *err) WH_CHECK;

/* Delete up to 500 expired sessions and links; *n says how many went. Run it
 * now and then, until none does. */
bool store_auth_sweep(struct db *db, int64_t now, size_t *n,
                      struct wh_err *err) WH_CHECK;

/* The first start. */
struct store_first {
    bool created; /* false: there are accounts already, nothing was done */
    char token[STORE_TOKEN_LEN + 1]; /* of the account "admin", role admin */
    char link[STORE_SECRET_LEN + 1]; /* its sign-in link's secret */
};
/* Make the account "admin" (an operator) with a token and a sign-in link, if
 * the house has no account yet. A db_fn: ctx is a struct store_first. */
bool store_bootstrap(struct db *db, void *ctx, struct wh_err *err);

/* Another first token, for whoever is at the host itself. */
struct store_renewal {
    bool restored;  /* of a database out of a backup */
    bool found;     /* result: false: no account "admin", no token was made */
    uint64_t ended; /* result: tokens of admin that ended */
    char token[STORE_TOKEN_LEN + 1]; /* result: of role admin */
};
/* End admin's sessions, its sign-in links, and the tokens that this function
 * or store_bootstrap made (known by their names); make one. Of a restored
 * database all tokens of admin end, and everybody's sessions and links: a copy
 * brings back what was revoked, signed out or used up after it was made. A
 * db_fn: ctx is a struct store_renewal. */
bool store_admin_renew(struct db *db, void *ctx, struct wh_err *err);

#endif
