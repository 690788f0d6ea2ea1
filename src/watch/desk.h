/*
 * desk.h - cases as the JSON that API and pages both show, and what people do
 * about them.
 * Owner: JSON belongs to the arena.
 * Never: shows a case to anybody but who has its secret, the one it is about
 * and reviewers; names the person to reviewers; shows a text without two of
 * them.
 */
#ifndef WH_WATCH_DESK_H
#define WH_WATCH_DESK_H

#include "base/json.h"
#include "watch/watch.h"

/* As whom somebody looks at a case. */
enum watch_seer {
    WATCH_SEES_NOTHING,
    WATCH_HOLDER, /* has the secret, or is the one it is about */
    WATCH_REVIEWER
};

/* What is watched at all, by which layers, on which ladder, with which bound,
 * and how often what was done: public. */
bool watch_desk_public(struct watch *w, struct db *db, struct wh_arena *a,
                       json_t **out, struct wh_err *err) WH_CHECK;
/* Cases that the account may see: a reviewer those on the desk, anybody else
 * the own ones. {"reviewer": b, "cases": [...]} */
bool watch_desk_list(struct watch *w, struct db *db, struct wh_arena *a,
                     int64_t account, json_t **out,
                     struct wh_err *err) WH_CHECK;
/* A case by its secret, or by its id for who may see it (account 0: nobody).
 * WH_NOT_FOUND for all others. */
bool watch_desk_find(struct db *db, struct wh_arena *a, struct wh_str name,
                     int64_t account, struct watch_case *out,
                     enum watch_seer *seer, struct wh_err *err) WH_CHECK;
/* All about it, as that one sees it. */
bool watch_desk_case(struct watch *w, struct db *db, struct wh_arena *a,
                     const struct watch_case *c, enum watch_seer seer,
                     int64_t account, json_t **out,
                     struct wh_err *err) WH_CHECK;

/* On a worker; each is durable when it returns. Errors as in watch/case.h. */
bool watch_desk_appeal(struct watch *w, const struct watch_case *c,
                       struct wh_str text, struct wh_err *err) WH_CHECK;
bool watch_desk_decide(struct watch *w, struct watch_case *c, int64_t reviewer,
                       bool lift, struct wh_str reason,
                       struct wh_err *err) WH_CHECK;
bool watch_desk_wish(struct watch *w, const struct watch_case *c,
                     int64_t reviewer, struct wh_str reason,
                     struct wh_err *err) WH_CHECK;
bool watch_desk_reviewer(struct watch *w, int64_t account, bool on,
                         struct wh_err *err) WH_CHECK;
/* The texts of a case: [{"request", "at", "text", "cut"}]. The reading is on
 * record before the first is opened. */
bool watch_desk_texts(struct watch *w, struct db *db, struct wh_arena *a,
                      const struct watch_case *c, int64_t reviewer,
                      json_t **out, struct wh_err *err) WH_CHECK;

#endif
