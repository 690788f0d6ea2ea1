/*
 * request.h - a request once it is known what it asks, of whom, and who asks.
 * Owner: front_req lives in the request's arena and ends with it.
 * Never: lets a handler run before the row's permission was checked.
 *
 * Every page and endpoint is a row of a route table. The row says who may call;
 * the check is made here, once, before the handler. A handler reads its input,
 * calls one domain function and answers; if it returns false, the failure is
 * answered here in the caller's language.
 */
#ifndef WH_FRONT_REQUEST_H
#define WH_FRONT_REQUEST_H

#include "base/json.h"
#include "front/bucket.h"
#include "front/house.h"
#include "front/route.h"
#include "net/server.h"
#include "store/auth.h"
#include "store/repo.h"

#define FRONT_SESSION_COOKIE "wh_session" /* who signed in on pages */

enum front_who {
    FRONT_PUBLIC,    /* no credentials are looked at (assets, signed URLs) */
    FRONT_ANYONE,    /* anonymous is fine, wrong credentials are not */
    FRONT_NAMED,     /* an account, by any token; the handler asks where */
    FRONT_SIGNED_IN, /* an account, by a token that is not for one place */
    FRONT_READ,      /* who may see the repo of the path */
    FRONT_WRITE,     /* who may change it: role write in its namespace */
    FRONT_ADMIN,     /* who may delete it: role admin in its namespace */
    FRONT_OPERATOR,  /* an operator's account */
    FRONT_KEY,       /* who has a key of the gateway */
    FRONT_METRICS,   /* who asks from this host, or has a token for it */
};

struct front_req;
struct gateway_key;

struct front_route {
    enum net_method method; /* NET_GET serves HEAD too */
    const char *pattern;    /* front/route.h */
    enum front_who who;
    enum net_body body;
    uint64_t limit; /* of the body in bytes; who is not signed in has at most
                     * NET_ADMIT of them where the body is buffered */
    bool page;      /* a page: cookies count, failures are pages */
    enum net_lane lane; /* net/server.h */
    bool (*handle)(struct front_req *q, struct wh_err *err);
};

/* A table of rows; first fit wins. */
struct front_table {
    const struct front_route *rows;
    size_t n;
};

struct front_req {
    struct net_req *net;
    struct front_house *house;
    struct db *db; /* the present worker's; see front_req_enter_job */
    struct wh_arena *a;
    const struct front_route *route;
    struct front_captures at;
    bool signed_in;
    struct store_principal who; /* if signed_in */
    struct wh_str cookie;       /* the session secret, on pages */
    bool has_repo;              /* rows FRONT_READ, FRONT_WRITE, FRONT_ADMIN */
    struct store_repo repo;
    enum store_role role;    /* of the caller in the repo's namespace */
    struct front_rate rate;  /* of who has not signed in */
    const char *commit_hex;  /* for X-Repo-Commit on failures, or null */
    struct gateway_key *key; /* rows FRONT_KEY; lives as long as the request */
    void *state;             /* the handler's own, across jobs */
};

/* What to do with a request; the plan callback of net. */
void front_request_plan(void *house, const struct net_req *r,
                        struct net_plan *plan);
/* The limits of net as the settings have them. */
struct net_limits front_request_limits(const struct conf *conf);
/* Bodies of net's own faults. */
void front_request_fault(void *house, const struct net_req *r,
                         struct net_fault fault, struct wh_buf *out,
                         const char **type);
/* At the start of each later job of a request (sink, resumed function, pull):
 * the front_req, with db set to this worker's connection. */
struct front_req *front_req_enter_job(struct net_req *r);
/* Answer a failure in the caller's language: page or hub JSON. */
void front_req_fail(struct front_req *q, const struct wh_err *err);

/* "http://127.0.0.1:8080": scheme and authority as the caller spoke to us. */
struct wh_str front_req_base(const struct front_req *q);
/* JSON body of a NET_BODY_BUFFER route; an empty body reads as {}. */
bool front_req_json(struct front_req *q, json_t **out,
                    struct wh_err *err) WH_CHECK;
/* The caller's role in the namespace of an account (NONE when anonymous). */
bool front_req_role(struct front_req *q, int64_t ns, enum store_role *out,
                    struct wh_err *err) WH_CHECK;
/* The same in one repo of it: a token may be for this repo alone. */
bool front_req_repo_role(struct front_req *q, int64_t ns, int64_t repo,
                         enum store_role *out, struct wh_err *err) WH_CHECK;
/* A cookie of the request, or an empty view. */
struct wh_str front_req_cookie(const struct front_req *q, const char *name);
/* For lists that show private repos: the account whose they may be, or 0. A
 * token that names what it is for sees there what everybody sees. */
int64_t front_req_viewer(const struct front_req *q);
/* When what the caller makes ends: at `wish` (microseconds, 0: never), but not
 * after the credentials that it is made with. */
int64_t front_req_ends(const struct front_req *q, int64_t wish);
/* Do the caller's credentials have at least this role? WH_FORBIDDEN. */
bool front_req_credential(const struct front_req *q, enum store_role role,
                          struct wh_err *err) WH_CHECK;
/* Does the caller read private things of this repo? */
bool front_req_sees_private(const struct front_req *q);
/* The account id of the caller, or 0. */
int64_t front_req_account(const struct front_req *q);

#endif
