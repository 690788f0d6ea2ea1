/*
 * decide.h - a subject's decision: found, or made from its evidence and kept.
 * Owner: everything lives in the arena given.
 * Never: decides again what is decided under the same lines and still stands.
 */
#ifndef WH_HUB_DECIDE_H
#define WH_HUB_DECIDE_H

#include "hub/subject.h"
#include "line/keep.h"
#include "register/read.h"
#include "register/register.h"

struct hub_decided {
    struct line_row row;
};

/* A decision is made anew so long before its end. */
#define HUB_RENEW_S (7 * 86400)

/* The decision about this subject, as seen from this repo: the newest one if
 * it was made under the same enforced lines and has not ended; else a new one,
 * kept together with subject, weighing, evidence and the leaves for the
 * register. It may not be published yet: row.published. */
bool hub_decide(struct db_writer *writer, struct register_log *log,
                const struct line_set *lines, struct db *db, struct wh_arena *a,
                const struct store_repo *repo, const char *sha,
                const struct hub_subject *s, struct hub_decided *out,
                struct wh_err *err) WH_CHECK;
/* A published checkpoint covers it. */
bool hub_decided_published(struct db_writer *writer, struct hub_decided *d,
                           uint64_t index, struct wh_err *err) WH_CHECK;
/* What the keeper wants to see before it opens: all but the content. */
bool hub_decided_papers(const struct register_reader *reader, struct db *db,
                        struct wh_arena *a, const struct store_repo *repo,
                        const struct hub_subject *s,
                        const struct hub_decided *d, struct keeper_opening *out,
                        struct wh_err *err) WH_CHECK;

#endif
