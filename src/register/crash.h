/*
 * crash.h - numbered places where a test may kill the process.
 * Owner: nothing is owned.
 * Never: compiled into the product unless meson's crash_points option says so.
 */
#ifndef WH_REGISTER_CRASH_H
#define WH_REGISTER_CRASH_H

/* The steps of a cycle, in order. */
enum register_step {
    REGISTER_AT_START = 1,  /* events wait, nothing done */
    REGISTER_AT_COMMIT,     /* inside the transaction, not committed */
    REGISTER_AT_COMMITTED,  /* entries and new head durable, not signed */
    REGISTER_AT_REMEMBERED, /* in the signer: memory durable, not signed */
    REGISTER_AT_SIGNED,     /* signed, the note not stored */
    REGISTER_AT_STORED,     /* the note stored, no file written */
    REGISTER_AT_TEMPORARY,  /* a file written, not named */
    REGISTER_AT_FIRST_FILE, /* the first file named, others missing */
    REGISTER_AT_WRITTEN,    /* all files written, not read back */
    REGISTER_AT_READ_BACK,  /* read back, checkpoint not written */
    REGISTER_AT_VISIBLE,    /* checkpoint written, not recorded */
    REGISTER_AT_RECORDED,   /* recorded, nobody told */
    REGISTER_AT_SWEEP,      /* half of the old partial tiles removed */
    REGISTER_STEPS = REGISTER_AT_SWEEP
};

#ifdef REGISTER_CRASH_POINTS
/* End the process at once, without any clean-up, if WEIGHHOUSE_CRASH_AT says
 * "<step>" or "<step>:<count>" and this is the count-th time. */
void register_crash_point(enum register_step step);
/* From now on nothing in this process, or forked from it, crashes. */
void register_crash_disarm(void);
#else
static inline void register_crash_point(enum register_step step)
{
    (void)step;
}
#endif

#endif
