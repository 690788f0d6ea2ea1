/*
 * form.c - a form is a query in a body; only its type has to be right, because
 * a page of strangers can send other types without asking.
 */
#include "net/form.h"

bool net_form_parse_body(struct wh_arena *a, struct wh_str content_type,
                         struct wh_str body, struct net_pairs *out,
                         struct wh_err *err)
{
    struct wh_str type;
    (void)wh_str_cut(&content_type, ';', &type);
    if (!wh_str_ieq(wh_str_trim(type),
                    WH_S("application/x-www-form-urlencoded"))) {
        return wh_fail(err, WH_BAD_REQUEST, "a form was expected");
    }
    return net_query_parse(a, body, out, err);
}

bool net_form_parse(const struct net_req *r, struct net_pairs *out,
                    struct wh_err *err)
{
    return net_form_parse_body(r->arena, net_req_header(r, "content-type"),
                               net_req_body(r), out, err);
}
