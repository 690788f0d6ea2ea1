/*
 * form.h - forms that work without signing in. For web/ only.
 * Owner: values belong to the request's arena.
 * Never: takes a form that another site made the browser send.
 */
#ifndef WH_WEB_FORM_H
#define WH_WEB_FORM_H

#include "web/page.h"

/* Render and send a page with such a form: its token, `csrf`, and the cookie
 * that goes with it. */
bool web_form_send(struct front_req *q, int status, const char *name,
                   json_t *page, struct wh_err *err) WH_CHECK;
/* The form of a POST, its token checked against the cookie (WH_CSRF). */
bool web_form_open(struct front_req *q, struct net_pairs *out,
                   struct wh_err *err) WH_CHECK;
/* The same for whoever comes: by the session where there is one, so that the
 * page's other forms work too. */
bool web_form_send_any(struct front_req *q, int status, const char *name,
                       json_t *page, struct wh_err *err) WH_CHECK;
bool web_form_open_any(struct front_req *q, struct net_pairs *out,
                       struct wh_err *err) WH_CHECK;

#endif
