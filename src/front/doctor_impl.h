/*
 * doctor_impl.h - the checks, between doctor*.c.
 * Owner: a finding's texts live in the arena of the examination.
 * Never: included outside these files.
 */
#ifndef WH_FRONT_DOCTOR_IMPL_H
#define WH_FRONT_DOCTOR_IMPL_H

#include "front/doctor.h"
#include "proc/state.h"

#define DOCTOR_PROCS 64u

enum doctor_state { DOCTOR_OK, DOCTOR_UNKNOWN, DOCTOR_WARN, DOCTOR_FAIL };

/* One examination. */
struct doctor {
    struct wh_arena *a;
    const struct front_doctor *at;
    struct proc_state procs[DOCTOR_PROCS]; /* the children of the parent */
    unsigned nprocs;
};

/* What one check found. */
struct doctor_row {
    enum doctor_state state;
    struct wh_str seen, todo;
};

/* State and what was seen, in the arena. */
void doctor_say(const struct doctor *d, struct doctor_row *r,
                enum doctor_state state, const char *fmt, ...) WH_PRINTF(4, 5);
/* What to do about it. */
void doctor_advise(struct doctor_row *r, struct wh_str todo);
/* A small file of the kernel's, at most 64 KiB; false when it is closed to us
 * or is not there. */
bool doctor_read(const struct doctor *d, const char *path, struct wh_str *out);
/* A name below the data folder, in the arena. */
const char *doctor_path(const struct doctor *d, const char *name);

/* Fill procs; no processes when the house does not run or can not be seen. */
void doctor_find_processes(struct doctor *d);
/* "Max locked memory" of /proc/PID/limits: the soft limit; false when it can
 * not be read. Unlimited is UINT64_MAX. */
bool doctor_limit(const struct doctor *d, pid_t pid, const char *name,
                  uint64_t *out);

/* The checks: fill *r. */
#define DOCTOR(when, id, function, title) \
    void doctor_##function(struct doctor *d, struct doctor_row *r);
#include "front/doctor.tbl"
#undef DOCTOR

#endif
