/*
 * zygote.h - one scanner process per stranger's file: forked, locked in,
 * killed after its answer.
 * Owner: the requester owns source, sink and answer; a scanner owns nothing
 * that outlives it.
 * Never: gives a scanner a key, a path, a socket to anybody else, or more time,
 * memory or output than its limits.
 *
 * A requester asks the zygote for a job; the zygote forks, and the fork locks
 * itself in and runs the job function. The scanner reads its input in one of
 * two ways, which it does not see: from a read-only descriptor, or from a
 * shared window of memory that the requester fills on demand (that is how the
 * keeper shows sealed content). It answers to the requester directly.
 */
#ifndef WH_PROC_ZYGOTE_H
#define WH_PROC_ZYGOTE_H

#include "base/src.h"
#include "proc/client.h"
#include "proc/service.h"

#define PROC_JOB_PARAMS 32768u      /* bytes of parameters */
#define PROC_JOB_SOURCES 1024u      /* sources of one job */
#define PROC_JOB_ANSWER (16u << 20) /* most that a requester may allow */
#define PROC_JOB_WINDOW (1u << 20)  /* bytes of the shared window */

/* ---- inside the scanner ---- */

struct proc_job;

/* Its type, its parameter bytes, its sources. All live as long as the job.
 * Sequential reads of a source are cheap whatever their size; a failure of the
 * requester's source comes back as it was raised. */
uint16_t proc_job_kind(const struct proc_job *j);
struct wh_str proc_job_params(const struct proc_job *j);
const struct wh_src *proc_job_sources(const struct proc_job *j, unsigned *n);
/* Output bytes to the requester's sink, in order, any size. */
bool proc_job_write(struct proc_job *j, struct wh_str bytes,
                    struct wh_err *err) WH_CHECK;

/* A kind of job. `run` puts its answer into `answer` (ceiling = what the
 * requester allows) or fails; either reaches the requester. It runs locked in:
 * it may read its sources, compute, allocate and answer. */
struct proc_job_type {
    uint16_t type;
    const char *name;
    bool (*run)(struct proc_job *j, struct wh_buf *answer, struct wh_err *err);
    uint64_t memory; /* RLIMIT_AS in bytes, beyond what the zygote has mapped */
    unsigned cpu_s;  /* RLIMIT_CPU */
};

/* ---- the zygote ---- */

struct proc_zygote {
    int listen_fd;
    const struct proc_job_type *types;
    unsigned ntypes;
    unsigned max_jobs; /* at once; others wait their turn */
    uid_t peers[PROC_SERVICE_PEERS];
    unsigned npeers;
    uid_t uid; /* to run as, when root; 0: stay */
    gid_t gid;
};

/* The zygote: locks itself in (no files at all), says proc_child_ready, and
 * forks scanners until SIGTERM (then true). One thread. What is to be warm in
 * every scanner is warmed by the caller before. Without the system call filter
 * it refuses to run (WH_OUTSIDE), unless `weaker` says that the operator
 * accepted it. */
bool proc_zygote_run(const struct proc_zygote *z, bool weaker,
                     struct wh_err *err) WH_CHECK;

/* ---- the requester ---- */

/* One job to be run. */
struct proc_job_request {
    uint16_t type;
    struct wh_str params;
    /* Either sources, read by this thread on the scanner's behalf, ... */
    const struct wh_src *sources;
    unsigned nsources;
    /* ... or a descriptor open for reading only, read by the scanner; -1. */
    int data_fd;
    /* Where proc_job_write goes; null refuses output. */
    bool (*sink)(void *ctx, struct wh_str bytes, struct wh_err *err);
    void *sink_ctx;
    uint64_t sink_max;
    size_t answer_max;
    uint32_t time_ms; /* for the job, waiting for its turn included */
};

/* Run it and wait; the answer lives in the arena. Failures: what the job
 * raised; WH_TIMEOUT (killed at its deadline); WH_CHILD_DIED with the signal in
 * the private detail (crashed, broke the sandbox, or the zygote went);
 * WH_TOO_LARGE (answer or output over its limit); WH_UNAVAILABLE. */
bool proc_job_run(struct proc_client *zygote, struct wh_arena *a,
                  const struct proc_job_request *rq, struct wh_str *answer,
                  struct wh_err *err) WH_CHECK;

/* Run a job in this very process, without fork or sandbox, for `weighhouse
 * weigh` and for tests of job functions: same function, same limits on
 * answer and output. */
bool proc_job_inline(const struct proc_job_type *t, struct wh_arena *a,
                     const struct proc_job_request *rq, struct wh_str *answer,
                     struct wh_err *err) WH_CHECK;

#endif
