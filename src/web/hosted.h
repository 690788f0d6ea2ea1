/*
 * hosted.h - a hosted model on its page and beside its chat: who let it be
 * hosted, how its engine is, and what exams measured. For web/ only.
 * Owner: results are new references.
 * Never: starts an engine; the first request does.
 */
#ifndef WH_WEB_HOSTED_H
#define WH_WEB_HOSTED_H

#include "web/repo.h"

/* How what answers for a model is: {state, says, why, address, percent, again,
 * moves, facts}, as templates/engine.html shows it. name: "demo/x". */
json_t *web_hosted_engine(struct front_req *q, struct wh_str name);
/* The decision of people that the model is hosted by: {index, decided, until,
 * reasons, proposal, demo, approvals, dissent: [{approver, affiliation, demo,
 * print, at}]}; null where it was not people. */
bool web_hosted_by(struct web_repo *r, json_t **out,
                   struct wh_err *err) WH_CHECK;
/* The newest published exam of the model, and what lines demand before it is
 * served: {asked, waits, words, found: {index, made, set, grader, rows,
 * hazards}}, as templates/exam_panel.html shows it; found is null where there
 * is none, and all of it where nothing was decided. */
bool web_hosted_exam(struct web_repo *r, json_t **out,
                     struct wh_err *err) WH_CHECK;

#endif
