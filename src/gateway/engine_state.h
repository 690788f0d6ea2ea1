/*
 * engine_state.h - the life of one engine as a state machine: pure.
 * Owner: the caller owns the machine; strings are static.
 * Never: looks at a clock, starts or kills anything: it says what to do.
 */
#ifndef WH_GATEWAY_ENGINE_STATE_H
#define WH_GATEWAY_ENGINE_STATE_H

#include <stdbool.h>
#include <stdint.h>

enum engine_phase {
    ENGINE_IDLE,
    ENGINE_STARTING,
    ENGINE_READY,
    ENGINE_ENDING,
    ENGINE_WAITING,
    ENGINE_STOPPING,
    ENGINE_PHASES
};

enum engine_event {
    ENGINE_EV_START,
    ENGINE_EV_STOP,
    ENGINE_EV_HEALTHY,
    ENGINE_EV_SICK,
    ENGINE_EV_ENDED,
    ENGINE_EV_DUE,
    ENGINE_EVENTS
};

/* What the caller is to do now. */
enum engine_act {
    ENGINE_DO_NOTHING,
    ENGINE_DO_SPAWN, /* start the program; ENDED at once if that fails */
    ENGINE_DO_END,   /* ask it to end */
    ENGINE_DO_KILL,  /* kill it; ENDED will come */
    ENGINE_DO_DROP   /* nothing runs and nothing will: let the weights go */
};

/* Times in microseconds; see engine_times_usual. */
struct engine_times {
    int64_t start; /* from SPAWN to the first good answer, at most */
    int64_t stop;  /* from END to KILL, and between KILLs */
    int64_t
        backoff_first; /* after the first failure; twice as long each time */
    int64_t backoff_most;
    int64_t calm;        /* READY for so long: failures are forgotten */
    int64_t probe_every; /* between two probes */
    int64_t probe_wait;  /* for its answer */
    unsigned misses;     /* probes without an answer, in a row: it hangs */
};

struct engine_machine {
    enum engine_phase phase;
    int64_t since;     /* of this phase (monotonic) */
    int64_t due;       /* when to say DUE; 0: never */
    unsigned fails;    /* in a row */
    unsigned misses;   /* probes in a row */
    unsigned restarts; /* spawns after the first one */
    bool spawned;
    bool hung; /* why it is ENDING or WAITING: it did not answer */
    bool slow; /* ... it did not come up in its time */
};

/* What the house uses: 10 min to start, 5 s to stop, back-off 1 to 60 s, calm
 * after 60 s; probes each second, 5 s for an answer, 3 misses. */
struct engine_times engine_times_usual(void);

/* An event at time `now`; the machine changes as the table says. */
enum engine_act engine_step(struct engine_machine *m,
                            const struct engine_times *t, enum engine_event ev,
                            int64_t now);

/* Is a process alive in this phase (running, or being ended)? */
bool engine_phase_alive(enum engine_phase p);
/* "starting": for the log. */
const char *engine_phase_word(enum engine_phase p);

#endif
