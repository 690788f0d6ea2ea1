/*
 * xet_plan.h - how a file of an uploaded shard is put together: segments, each
 * small enough for one rebuild by the keeper.
 * Owner: lists live in the plan, and are good until its next segment.
 * Never: touches a database; refers to a xorb that the world does not know.
 */
#ifndef WH_HUB_XET_PLAN_H
#define WH_HUB_XET_PLAN_H

#include "base/arena.h"
#include "scan/job.h"
#include "scan/shard.h"

/* What one segment may need. */
struct hub_plan_limits {
    uint32_t xorbs; /* different ones */
    uint32_t terms;
    uint64_t bytes; /* soft: a term is never cut */
};
/* Few enough open files for the keeper, and done within a minute or so. */
#define HUB_PLAN_LIMITS \
    ((struct hub_plan_limits){128, 1u << 18, (uint64_t)4 << 30})
#define HUB_PLAN_XORBS_MAX 128u

struct hub_plan {
    const struct scan_shard_file *file;
    struct scan_shard_world *world;
    struct hub_plan_limits limits;
    uint32_t at; /* the next term */
    /* the present segment */
    struct scan_xet_hash xorbs[HUB_PLAN_XORBS_MAX];
    uint32_t nxorbs, nterms;
    struct wh_buf terms; /* scan_job_rebuild_term; source i + 1 is xorbs[i] */
    uint64_t size;
};

/* Begin the plan of a file that scan_shard_check_file has found good in this
 * world. Needs hub_plan_end. */
void hub_plan_begin(struct hub_plan *p, const struct scan_shard_file *file,
                    struct scan_shard_world *world,
                    struct hub_plan_limits limits);
/* All terms were planned. */
bool hub_plan_done(const struct hub_plan *p);
/* The next segment: at least one term. WH_BAD_REQUEST when a xorb is not in the
 * world any more. */
bool hub_plan_next(struct hub_plan *p, struct wh_err *err) WH_CHECK;
void hub_plan_end(struct hub_plan *p);

#endif
