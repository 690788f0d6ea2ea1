/*
 * form.h - bodies of HTML forms, application/x-www-form-urlencoded.
 * Owner: the pairs belong to the arena.
 * Never: reads a body of any other type.
 */
#ifndef WH_NET_FORM_H
#define WH_NET_FORM_H

#include "net/server.h"
#include "net/target.h"

/* The form in a buffered body. Another Content-Type, or none, fails with
 * WH_BAD_REQUEST. */
bool net_form_parse(const struct net_req *r, struct net_pairs *out,
                    struct wh_err *err) WH_CHECK;
/* The same from its parts. */
bool net_form_parse_body(struct wh_arena *a, struct wh_str content_type,
                         struct wh_str body, struct net_pairs *out,
                         struct wh_err *err) WH_CHECK;

#endif
