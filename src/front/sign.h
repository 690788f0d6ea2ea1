/*
 * sign.h - URLs and tokens that carry their own permission: uploads come
 * without credentials, so the link that we gave out must be enough, and no more
 * than that.
 * Owner: texts live in the arena given.
 * Never: outlives its expiry; is good for another method, path or house.
 */
#ifndef WH_FRONT_SIGN_H
#define WH_FRONT_SIGN_H

#include "front/request.h"

/* What a signature speaks about; numbers that are not used are 0. */
struct front_grant {
    const char *what; /* "put", "part", "complete", "xet-write" */
    int64_t repo, account;
    struct wh_str object; /* a digest, or empty */
    uint64_t a, b;        /* size, part number, ... */
    int64_t expires;      /* unix seconds */
};

/* The signature as URL-safe text (HMAC-SHA-256 over all fields). */
struct wh_str front_grant_sign(const struct front_house *h, struct wh_arena *a,
                               const struct front_grant *g);
/* WH_FORBIDDEN unless the text is the signature of exactly this, and it has not
 * expired. */
bool front_grant_check(const struct front_house *h, const struct front_grant *g,
                       struct wh_str text, struct wh_err *err) WH_CHECK;
/* May its account still write to its repo? A grant tells of the moment when it
 * was given. WH_FORBIDDEN; WH_REPO_NOT_FOUND where the repo was deleted. */
bool front_grant_writes(struct front_req *q, const struct front_grant *g,
                        struct wh_err *err) WH_CHECK;

#endif
