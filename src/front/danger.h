/*
 * danger.h - reports of danger, as pages and API take and answer them alike.
 * Owner: everything lives in the request's arena.
 * Never: keeps the address of who reports longer than its bucket takes to fill.
 */
#ifndef WH_FRONT_DANGER_H
#define WH_FRONT_DANGER_H

#include "front/request.h"
#include "line/report.h"

/* A report about the request's repo. WH_RATE_LIMITED: from this address came
 * too many (reports.per_hour), or too many wait. */
bool front_danger_take(struct front_req *q, struct wh_str kind,
                       struct wh_str text, struct line_reported *out,
                       struct wh_err *err) WH_CHECK;
/* The report of the path (:a), for who has its receipt; *desk: the caller
 * answers reports. WH_NOT_FOUND for everybody else. */
bool front_danger_find(struct front_req *q, struct wh_str receipt,
                       struct line_report *out, bool *desk,
                       struct wh_err *err) WH_CHECK;
/* Does the caller answer reports? Reviewers do. */
bool front_danger_desk(struct front_req *q, bool *out,
                       struct wh_err *err) WH_CHECK;
/* Answer the report of the path, or say with the outcome "closed" that its
 * incident is over. WH_FORBIDDEN: the caller is no reviewer. */
bool front_danger_answer(struct front_req *q, struct wh_str outcome,
                         struct wh_str reasons, struct wh_err *err) WH_CHECK;
/* {figures, desk: [reports] or null}: what waits is for those who answer. */
bool front_danger_list(struct front_req *q, json_t **out,
                       struct wh_err *err) WH_CHECK;

#endif
