/*
 * job.h - what zygote, scanner and requester agree on; for this room only.
 * Owner: see the structs.
 * Never: included outside proc/.
 */
#ifndef WH_PROC_JOB_H
#define WH_PROC_JOB_H

#include "proc/sandbox.h"
#include "proc/zygote.h"

/* Requester to zygote, one job a connection. START: u16 job type, u8 input
 * (enum proc_job_input), u8 zero, u32 time_ms, u32 answer_max, u64 sink_max,
 * u32 number of sources, their sizes (u64 each), params to the end;
 * descriptors: channel, then window or data. Its answer comes when the scanner
 * has ended: u8 enum proc_job_end, u32 exit code or signal. */
#define PROC_JOB_START 0x0101u

enum proc_job_input { PROC_JOB_NONE, PROC_JOB_BY_WINDOW, PROC_JOB_BY_FD };
enum proc_job_end {
    PROC_JOB_EXITED,
    PROC_JOB_KILLED,
    PROC_JOB_TIMED_OUT,
    PROC_JOB_NOT_STARTED
};

/* Scanner to requester on the channel. READ: u32 source, u64 offset, u32
 * bytes; its answer is empty, the bytes are in the window. OUT: output bytes,
 * no answer. PART: bytes of the answer; DONE: u32 its length, the end. A
 * failed job ends with PROC_MSG_ERROR. */
#define PROC_JOB_READ 0x0201u
#define PROC_JOB_OUT 0x0202u
#define PROC_JOB_PART 0x0203u
#define PROC_JOB_DONE 0x0204u

/* Exit code of a scanner that could not be locked in. */
#define PROC_JOB_EXIT_UNSAFE 77

/* A START, parsed and checked. The frame owns bytes and descriptors. */
struct proc_job_start {
    uint16_t type;
    enum proc_job_input input;
    uint32_t time_ms, answer_max;
    uint64_t sink_max;
    unsigned nsources;
    uint64_t sizes[PROC_JOB_SOURCES];
    struct wh_str params;
};

/* Read the body of a START; WH_BAD_REQUEST if malformed or over a limit, or if
 * the message has not the descriptors that its input asks for. */
bool proc_job_start_read(const struct proc_msg *m, struct proc_job_start *out,
                         struct wh_err *err) WH_CHECK;

/* A job at work, behind the functions of zygote.h. */
struct proc_job {
    uint16_t kind;
    struct wh_str params;
    const struct wh_src *sources;
    unsigned nsources;
    bool (*write)(struct proc_job *j, struct wh_str bytes, struct wh_err *err);
    void *ctx;
};

/* What a fork inherits from the zygote, which can not open files any more. */
struct proc_nest {
    const struct proc_filter *filter; /* null: the operator accepted that */
    int nowhere;                      /* /dev/null */
    uint64_t mapped;                  /* bytes of address space in use */
};

/* The scanner: runs in the fork, never returns. `channel` and `data` (window
 * or file, -1) are its only descriptors from here on. */
_Noreturn void proc_scanner_main(const struct proc_job_type *t,
                                 const struct proc_job_start *start,
                                 int channel, int data,
                                 const struct proc_nest *nest);

#endif
