/*
 * report.h - reports of danger: anybody may make one, each has a deadline in
 * working hours, a person answers it with reasons, and the counts are public.
 * Owner: texts live in the arena given.
 * Never: keeps who reported; changes a decision: only what a person calls an
 * incident becomes evidence, and counts when the subject is decided next.
 */
#ifndef WH_LINE_REPORT_H
#define WH_LINE_REPORT_H

#include "base/json.h"
#include "base/sha256.h"
#include "db/db.h"

#define LINE_REPORT_TEXT 4000  /* bytes of a report, and of an answer */
#define LINE_REPORT_ID 33      /* public id with its NUL */
#define LINE_REPORT_RECEIPT 33 /* secret of who reported, with its NUL */
/* Reports that may wait: in all, and about one repo. */
#define LINE_REPORT_WAITING 10000
#define LINE_REPORT_WAITING_REPO 100

/* The end of `hours` working hours from a moment (unix seconds): Monday to
 * Friday, 9 to 17 UTC. */
int64_t line_report_due(int64_t from_s, unsigned hours);

struct line_report_new {
    int64_t repo;
    struct wh_str subject; /* may be empty */
    struct wh_str kind, text;
};
struct line_reported {
    char id[LINE_REPORT_ID], receipt[LINE_REPORT_RECEIPT];
    int64_t due; /* microseconds */
};
/* Take a report: inside a db_write function. WH_BAD_REQUEST: no kind of ours,
 * no text, or too long a one; WH_RATE_LIMITED: too many wait. */
bool line_report_add(struct db *db, const struct line_report_new *in,
                     int64_t now_us, struct line_reported *out,
                     struct wh_err *err) WH_CHECK;

struct line_report {
    int64_t id, repo, received, due, answered; /* microseconds; 0: not */
    struct wh_str public_id, receipt, subject, kind, text, outcome, answer;
    bool incident;           /* it was found to be one ... */
    int64_t incident_closed; /* ... and is over since */
    struct wh_str repo_name; /* "demo/model", or empty: it is gone */
    int repo_kind;
};
/* By public id; WH_NOT_FOUND. */
bool line_report_get(struct db *db, struct wh_arena *a, struct wh_str id,
                     struct line_report *out, struct wh_err *err) WH_CHECK;
/* Is that the receipt of who reported? */
bool line_report_is_theirs(const struct line_report *r, struct wh_str receipt);
/* What waits, and incidents that are open: for those who answer. */
bool line_report_desk(struct db *db, struct wh_arena *a, unsigned limit,
                      struct line_report **out, size_t *n,
                      struct wh_err *err) WH_CHECK;
/* A person's answer: outcome incident, known, elsewhere or unfounded, with
 * reasons. An incident counts against the subject from now on. Inside a
 * db_write function. WH_CONFLICT: answered already; WH_BAD_REQUEST. */
bool line_report_answer(struct db *db, const struct line_report *r,
                        struct wh_str outcome, struct wh_str reasons,
                        int64_t account, int64_t now_us,
                        struct wh_err *err) WH_CHECK;
/* The incident is over, for these reasons. WH_CONFLICT: there is none open. */
bool line_incident_close(struct db *db, const struct line_report *r,
                         struct wh_str reasons, int64_t account, int64_t now_us,
                         struct wh_err *err) WH_CHECK;
/* Incidents about a subject that are open: evidence. */
bool line_incidents_open(struct db *db, struct wh_str subject, int64_t *out,
                         struct wh_err *err) WH_CHECK;
/* Texts of what was answered half a year ago are erased. */
bool line_report_forget(struct db *db, int64_t now_us,
                        struct wh_err *err) WH_CHECK;

/* In public: {received, waiting, overdue, answered, in_time, median_seconds
 * (or null), incidents_open, kinds: [{kind, words, hours, received, waiting}],
 * outcomes: [{outcome, n}], hours: "Monday to ..."}. */
bool line_report_figures(struct db *db, struct wh_arena *a, int64_t now_us,
                         json_t **out, struct wh_err *err) WH_CHECK;
/* [{kind, words, hours}] for a form; new reference. */
json_t *line_report_kinds(void);
/* {id, kind, words, state, received, due, overdue, outcome, answered, answer,
 * incident, incident_closed}; with the text and the repo for who answers. */
json_t *line_report_view(const struct line_report *r, bool desk,
                         int64_t now_us);

#endif
