/*
 * ladder.h - what is done at each height of the evidence, and for how long.
 * Owner: static rows.
 * Never: looks at anything but the evidence and what is in force; holds anybody
 * without an end.
 */
#ifndef WH_WATCH_LADDER_H
#define WH_WATCH_LADDER_H

#include "detect/sequence.h"

#define WATCH_DAY_US (INT64_C(86400) * 1000000)

/* One rung: what it means for the requests that follow. */
struct watch_step {
    const char *name, *does; /* a sentence for the person */
    bool refuse_alarmed;     /* an alarmed request is not answered */
    bool slow;               /* one request each WATCH_SLOW_US */
    bool human;              /* stands on the reviewers' desk */
    bool stop;               /* nothing is answered */
    bool revoke;             /* the key is revoked as well */
    int64_t lasts_us;        /* from the day it began; then it lapses */
};

#define WATCH_SLOW_US INT64_C(10000000)

/* The row of a rung. */
const struct watch_step *watch_ladder_step(enum detect_rung rung);
/* The rung from now on. The mild ones follow the evidence down again; from the
 * reviewers' desk upwards only a person or the end of its time takes it back.
 */
enum detect_rung watch_ladder_next(enum detect_rung now, double log_e);

#endif
