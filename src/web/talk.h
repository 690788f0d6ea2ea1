/*
 * talk.h - how an answer of a model is told on the chat page: as the rest of a
 * page, piece by piece, or as events for its script. For web/ only.
 * Owner: a talk owns copies of all it is given; web_talk_free, or the gateway.
 * Never: writes a text of anybody unescaped.
 */
#ifndef WH_WEB_TALK_H
#define WH_WEB_TALK_H

#include "base/json.h"
#include "gateway/portal.h"
#include "tmpl/tmpl.h"

struct web_talk;

/* The page around the answer to `user`, template chat_model with `begins` and
 * `ends` one after the other. Before it ends it gets the new turn, what is left
 * of the limits, and `trouble`. The templates outlive the talk; the page is
 * copied. */
bool web_talk_page(const struct tmpl_set *templates, const json_t *page,
                   struct wh_str user, struct web_talk **out,
                   struct wh_err *err) WH_CHECK;
/* Events: `text` with a JSON string, `end` with an object. */
struct web_talk *web_talk_events(void);
/* Frees one that was not given to the gateway; null is fine. */
void web_talk_free(struct web_talk **t);
/* For gateway_answer_as. */
const struct gateway_face *web_talk_face(const struct web_talk *t);

/* Why there is no answer, as templates/chat_notice.html and the script have
 * it: {title, category, why, url, appeal, hard, request}. New reference. */
json_t *web_talk_fault(const struct gateway_fault *f, const char *request);
/* The event that ends it, when there is nothing else to tell. */
void web_talk_write_fault(const struct gateway_fault *f, const char *request,
                          struct wh_buf *out);

#endif
