/*
 * jobs.c - joins rooms that do not know each other: the scanner's jobs
 * (scan/), the card's renderer (hub/) and the process that forks them (proc/).
 */
#include "cmd/processes.h"
#include "hub/card.h"
#include "scan/job.h"

#define JOBS_MAX 8

/* The present job's way out; a scanner runs one job in one thread. */
static bool emit(void *ctx, struct wh_str piece, struct wh_err *err)
{
    return proc_job_write(ctx, piece, err);
}

static bool run_job(struct proc_job *j, struct wh_buf *answer,
                    struct wh_err *err)
{
    struct scan_io io = {.ctx = j};
    unsigned n;

    io.src = proc_job_sources(j, &n);
    io.nsrc = n;
    for (size_t i = 0; i < scan_jobs_count; i++) {
        if (scan_jobs[i].type == proc_job_kind(j)) {
            io.emit = scan_jobs[i].out_max ? emit : NULL;
            return scan_jobs[i].run(proc_job_params(j), &io, answer, err);
        }
    }
    return wh_fail(err, WH_INTERNAL, "");
}

const struct proc_job_type *cmd_jobs(unsigned *n)
{
    static struct proc_job_type types[JOBS_MAX];

    wh_assert(scan_jobs_count + 1 <= JOBS_MAX);
    scan_jobs_prepare();
    for (size_t i = 0; i < scan_jobs_count; i++) {
        types[i] = (struct proc_job_type){.type = (uint16_t)scan_jobs[i].type,
                                          .name = scan_jobs[i].name,
                                          .run = run_job,
                                          .memory = scan_jobs[i].memory,
                                          .cpu_s = scan_jobs[i].cpu_s};
    }
    types[scan_jobs_count] = hub_card_job;
    *n = (unsigned)scan_jobs_count + 1;
    return types;
}
