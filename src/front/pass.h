/*
 * pass.h - an approver's pass: what is not for everybody (the texts of appeals)
 * is shown to whoever proves, by a signature, to hold a key of the roster. No
 * account is a title to it, an operator's neither.
 * Owner: texts live in the request's arena.
 * Never: decides anything; outlives its end, or its key's place on the roster.
 */
#ifndef WH_FRONT_PASS_H
#define WH_FRONT_PASS_H

#include "front/request.h"

#define FRONT_PASS_NS "desk@weighhouse" /* of the signature */
#define FRONT_PASS_SECONDS INT64_C(28800)
#define FRONT_PASS_COOKIE "wh_desk"           /* where pages keep it */
#define FRONT_PASS_HEADER "X-Weighhouse-Desk" /* where the API takes it */

struct front_pass {
    struct wh_str value;    /* what the cookie or the header holds */
    struct wh_str approver; /* empty: there is none */
    int64_t until;          /* unix seconds */
};

/* What is signed for a pass that ends then: three lines of ASCII, which name
 * this house. */
struct wh_str front_pass_text(struct front_req *q, int64_t until);
/* A pass for an armoured signature over that text. WH_BAD_REQUEST: it would end
 * in the past, or later than FRONT_PASS_SECONDS from now. WH_FORBIDDEN: it is
 * no signature of a key of the roster in force, over this text. */
bool front_pass_give(struct front_req *q, int64_t until, struct wh_str armour,
                     struct front_pass *out, struct wh_err *err) WH_CHECK;
/* The pass that the caller shows. An old cookie is none; a header that is no
 * pass fails (WH_FORBIDDEN). */
bool front_pass_shown(struct front_req *q, struct front_pass *out,
                      struct wh_err *err) WH_CHECK;

#endif
