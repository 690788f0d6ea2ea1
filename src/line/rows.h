/*
 * rows.h - subjects, evidence and decisions as rows.
 * Owner: texts live in the caller's arena.
 * Never: opens a transaction: what changes rows runs inside a db_write
 * function; changes a decision that is published.
 */
#ifndef WH_LINE_ROWS_H
#define WH_LINE_ROWS_H

#include "db/db.h"
#include "line/decision.h"

/* A subject and its manifest (canonical JSON whose SHA-256 is the subject).
 * Known already is fine; WH_INTERNAL if the digest is not that of the text. */
bool line_subject_keep(struct db *db, struct wh_str subject,
                       struct wh_str manifest, int64_t now,
                       struct wh_err *err) WH_CHECK;
/* WH_NOT_FOUND if there is none. */
bool line_subject_manifest(struct db *db, struct wh_arena *a,
                           struct wh_str subject, struct wh_str *out,
                           struct wh_err *err) WH_CHECK;

/* The subject of a commit (40 hex digits), set once, in the commit's own
 * transaction. A commit in which nothing is weighed has none: out is empty. */
bool line_revision_keep(struct db *db, int64_t repo, struct wh_str sha,
                        struct wh_str subject, int64_t now,
                        struct wh_err *err) WH_CHECK;
bool line_revision_subject(struct db *db, struct wh_arena *a, int64_t repo,
                           struct wh_str sha, struct wh_str *out,
                           struct wh_err *err) WH_CHECK;
/* Repos that have a revision of this subject, ids above `after`, at most 200,
 * rising: those whose tiers a new decision changes. */
bool line_subject_repos(struct db *db, struct wh_arena *a,
                        struct wh_str subject, int64_t after, int64_t **out,
                        size_t *n, struct wh_err *err) WH_CHECK;

/* Keep the documents of all lines of a set, enforced and shadow, so that every
 * decision can be explained for ever. */
bool line_set_keep(struct db *db, const struct line_set *set, int64_t now,
                   struct wh_err *err) WH_CHECK;
/* The same of one line. */
bool line_document_keep(struct db *db, const struct rule_line *line,
                        int64_t now, struct wh_err *err) WH_CHECK;
/* An entry of the register that tells lines: genesis, or one since. */
struct line_told {
    int64_t index; /* -1: it waits for its place */
    struct wh_str leaf;
    json_t *doc;
    bool by_people; /* approvers signed it */
};
/* All of them in the register's order, also those that wait; at most
 * LINE_TOLD_MAX (WH_TOO_LARGE). */
#define LINE_TOLD_MAX 1024u
bool line_told(struct db *db, struct wh_arena *a, struct line_told **out,
               size_t *n, struct wh_err *err) WH_CHECK;
/* What they come to (rule/enforced.h). */
bool line_past(struct db *db, struct wh_arena *a, struct rule_past *out,
               struct wh_err *err) WH_CHECK;
/* Are these the lines in force: does the newest entry, also one that waits,
 * have just these digests (sorted, line_set_digests)? Else WH_UNAVAILABLE: they
 * have changed, and the house begins anew under the others. A register without
 * entries has none, and says yes. */
bool line_in_force(struct db *db, struct wh_arena *a, const json_t *digests,
                   struct wh_err *err) WH_CHECK;
/* The canonical document of a line by digest; WH_NOT_FOUND. */
bool line_document_get(struct db *db, struct wh_arena *a, struct wh_str digest,
                       struct wh_str *out, struct wh_err *err) WH_CHECK;
/* An evidence document by digest, canonical; WH_NOT_FOUND. The caller has
 * found the decision that rests on it, and that it may be seen. */
bool line_evidence_get(struct db *db, struct wh_arena *a, struct wh_str digest,
                       struct wh_str *out, struct wh_err *err) WH_CHECK;

/* Who decided. */
enum line_maker {
    LINE_MADE_BY_LINE,
    LINE_MADE_BY_APPROVERS,
    LINE_MADE_BY_EMERGENCY
};

/* A decision as stored. */
struct line_row {
    int64_t id;
    struct wh_str public_id; /* 32 hex digits: the id of its leaf */
    struct wh_str subject, digest, evidence;
    struct wh_str doc, leaf; /* canonical JSON; the leaf as in the register */
    int64_t repo;            /* 0: public; else only this private repo's */
    enum rule_answer answer;
    struct rule_tiers tiers;
    int64_t decided, until; /* unix seconds; until 0: nothing is closed */
    int64_t outbox;
    bool published; /* false: it has no effect yet */
    int64_t index;  /* in the register, if published */
    enum line_maker made_by;
    int64_t proposal; /* whose statement decided, or 0 */
};

/* Does it stand, whatever the lines of today would say? People's closings do,
 * until they end; what people opened stands under the lines that they knew. */
bool line_row_stands(const struct line_row *row, int64_t now) WH_CHECK;

/* The decision in effect for a subject, as seen from a repo (0: from no private
 * one): the newest that is published. *found is false when there is none: then
 * everything is held. */
bool line_current(struct db *db, struct wh_arena *a, struct wh_str subject,
                  int64_t repo, bool *found, struct line_row *out,
                  struct wh_err *err) WH_CHECK;
/* The newest one, published or not. */
bool line_latest(struct db *db, struct wh_arena *a, struct wh_str subject,
                 int64_t repo, bool *found, struct line_row *out,
                 struct wh_err *err) WH_CHECK;
/* By public id; WH_NOT_FOUND. The caller checks row->repo. */
bool line_by_id(struct db *db, struct wh_arena *a, struct wh_str public_id,
                struct line_row *out, struct wh_err *err) WH_CHECK;
/* By its row; WH_NOT_FOUND. */
bool line_by_row(struct db *db, struct wh_arena *a, int64_t id,
                 struct line_row *out, struct wh_err *err) WH_CHECK;
/* All of a subject, or of all subjects that a repo ever had, newest first, at
 * most limit. */
bool line_of_subject(struct db *db, struct wh_arena *a, struct wh_str subject,
                     int64_t repo, unsigned limit, struct line_row **out,
                     size_t *n, struct wh_err *err) WH_CHECK;
bool line_of_repo(struct db *db, struct wh_arena *a, int64_t repo,
                  unsigned limit, struct line_row **out, size_t *n,
                  struct wh_err *err) WH_CHECK;
/* Decisions of lines that end at or before `until` (unix seconds), were not
 * followed by another yet, and are in effect in a repo that is there: no hold
 * stands longer without being reasoned anew. */
bool line_due(struct db *db, struct wh_arena *a, int64_t until, unsigned limit,
              struct line_row **out, size_t *n, struct wh_err *err) WH_CHECK;

/* What lines in shadow said last about a subject: canonical answers. */
bool line_shadow_of(struct db *db, struct wh_arena *a, struct wh_str subject,
                    struct wh_str **out, size_t *n,
                    struct wh_err *err) WH_CHECK;
/* Subjects for which a line in shadow last gave each answer. */
bool line_shadow_count(struct db *db, struct wh_str line,
                       uint64_t out[RULE_ANSWER_COUNT],
                       struct wh_err *err) WH_CHECK;

#endif
