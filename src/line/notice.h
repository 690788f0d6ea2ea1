/*
 * notice.h - recalls: a quorum takes back its trust in a subject, and whoever
 * meets its weights is told (docs/formats/notice.md).
 * Owner: texts live in the arena given.
 * Never: counts before its leaf is in the register, after its end, or when it
 * was lifted; names a subject of a private repo to others.
 *
 * A notice is made by the approvers' act `recall`, in the same transaction, and
 * ended by their act `lift`. What it says in codes stands in the statement that
 * they signed, as rules: notice/<reason>, notice/<scope>, notice/<action>.
 */
#ifndef WH_LINE_NOTICE_H
#define WH_LINE_NOTICE_H

#include "base/json.h"
#include "db/db.h"

struct line_notice {
    int64_t id, number, repo, issued, until, lifted; /* lifted: 0, not */
    int64_t index, lifted_index;                     /* -1: not lifted */
    struct wh_str public_id, subject, statement, words, leaf;
    struct wh_str reason, scope, action, order; /* order may be empty */
    bool closes; /* else the weights stay open, and are marked */
};

/* How long ago what ended counts: it does not. */
bool line_notice_stands(const struct line_notice *n, int64_t now_s);
/* "in force", "lifted", "ended". */
const char *line_notice_state(const struct line_notice *n, int64_t now_s);
/* A reason in words: "a danger to safety"; "" for no reason of ours. */
const char *line_notice_reason_words(struct wh_str reason);

/* Those in force about a subject, or about weights in its manifest, newest
 * first, at most 8. repo: of the asker. */
bool line_notices_standing(struct db *db, struct wh_arena *a,
                           struct wh_str subject, int64_t repo, int64_t now_s,
                           struct line_notice **out, size_t *n,
                           struct wh_err *err) WH_CHECK;
/* By public id; WH_NOT_FOUND. The caller checks repo. */
bool line_notice_by_id(struct db *db, struct wh_arena *a, struct wh_str id,
                       struct line_notice *out, struct wh_err *err) WH_CHECK;
/* Newest first, from rows below `before`. */
bool line_notices(struct db *db, struct wh_arena *a, int64_t before,
                  bool private_too, unsigned limit, struct line_notice **out,
                  size_t *n, struct wh_err *err) WH_CHECK;
/* Repos whose heads hold what is recalled, rising; lists leave them out. */
bool line_notice_repos(struct db *db, struct wh_arena *a, int64_t now_s,
                       int64_t **out, size_t *n, struct wh_err *err) WH_CHECK;
/* Version of the list: how many leaves of this type there are. */
bool line_notice_version(struct db *db, int64_t *out,
                         struct wh_err *err) WH_CHECK;

/* {id, index, number, subject, files, reason, reason_words, scope, action,
 * order, words, closes, issued, until, state, lifted, lifted_index, statement,
 * leaf}; times RFC 3339. */
bool line_notice_view(struct db *db, struct wh_arena *a,
                      const struct line_notice *n, int64_t now_s, json_t **out,
                      struct wh_err *err) WH_CHECK;

#endif
