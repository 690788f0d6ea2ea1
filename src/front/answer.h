/*
 * answer.h - answers in the form that hub clients read: JSON with the headers
 * of the hub, and refusals that name themselves.
 * Owner: nothing is kept; JSON values are borrowed.
 * Never: puts private detail of an error into an answer.
 */
#ifndef WH_FRONT_ANSWER_H
#define WH_FRONT_ANSWER_H

#include "base/json.h"
#include "front/bucket.h"
#include "net/server.h"

/* Longest X-Error-Message; the body carries the whole text. */
#define FRONT_ERROR_HEADER_MAX 700u

/* Headers that let pages of other origins use the hub as HF's do. Before
 * net_answer_send, after net_answer. */
void front_answer_cors(struct net_req *r);
/* A JSON answer; v is borrowed. */
void front_answer_json(struct net_req *r, int status, const json_t *v);
/* The same, already begun with net_answer (and further headers set). */
void front_answer_json_body(struct net_req *r, const json_t *v);
/* Text of a given type. */
void front_answer_text(struct net_req *r, int status, const char *type,
                       struct wh_str text);
/* A failure: X-Error-Code and X-Error-Message, {"error": ...}, WWW-Authenticate
 * on 401 for git's sake, Retry-After where it makes sense, and the commit that
 * was looked in (may be null). `rate` (may be null) with a limit says what is
 * left of it, in the hub's headers. Logs the detail of failures that are ours.
 */
void front_answer_error(struct net_req *r, int status, const struct wh_err *err,
                        const char *commit_hex, const struct front_rate *rate);

#endif
