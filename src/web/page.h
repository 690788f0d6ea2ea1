/*
 * page.h - what every page has: values, headers, forms. For web/ only.
 * Owner: values belong to the request's arena.
 * Never: sends a page without its Content-Security-Policy.
 */
#ifndef WH_WEB_PAGE_H
#define WH_WEB_PAGE_H

#include "net/form.h"
#include "net/live.h"
#include "tmpl/files.h"
#include "web/cards.h"
#include "web/web.h"

/* Largest page. */
#define WEB_PAGE_MAX ((size_t)8 << 20)
/* Largest form. */
#define WEB_FORM_MAX 65536
/* Largest form that carries a conversation. */
#define WEB_TALK_MAX ((uint64_t)2 << 20)

struct web {
    struct tmpl_set *templates;
    const char *dir, *version;
    struct web_cards *cards;
};

/* The pages of the request's house. */
struct web *web_of(const struct front_req *q);

/* Values with what every page has. nav is a word of docs/formats/pages.md, or
 * "". Belongs to the arena. */
json_t *web_page(struct front_req *q, struct wh_str title, const char *nav);
/* Render and send. */
bool web_page_send(struct front_req *q, int status, const char *name,
                   const json_t *page, struct wh_err *err) WH_CHECK;
/* The same for a page whose script asks this house further things. */
bool web_page_send_asking(struct front_req *q, int status, const char *name,
                          const json_t *page, struct wh_err *err) WH_CHECK;
/* The head of the register, for panels; new reference. */
json_t *web_register_head(struct front_req *q);
/* Headers that every answer with HTML in it has; after net_answer. */
void web_headers(struct front_req *q);
/* The same for an answer that comes in pieces, of this type. */
void web_headers_live(struct net_live *l, struct wh_str type);
/* 303 to a path of this house. */
void web_redirect(struct front_req *q, struct wh_str path);
/* The same, with a cookie: name, value, seconds (0: take it away). */
void web_redirect_cookie(struct front_req *q, struct wh_str path,
                         const char *name, const char *value, long seconds);
/* Set-Cookie; after net_answer. */
void web_cookie_set(struct front_req *q, const char *name, const char *value,
                    long seconds);

/* Texts as JSON; new references. */
json_t *web_text(struct wh_str s);
/* "" becomes null. */
json_t *web_text_or_null(struct wh_str s);
/* {"prev", "next"}, or null when there is neither. */
json_t *web_pager(struct wh_str prev, struct wh_str next);

/* The form of a POST by somebody signed in with a session: parsed, its token
 * against cross-site requests checked (WH_CSRF). */
bool web_form(struct front_req *q, struct net_pairs *out,
              struct wh_err *err) WH_CHECK;
/* A field, "" when absent. */
struct wh_str web_field(const struct net_pairs *form, const char *name);

#endif
