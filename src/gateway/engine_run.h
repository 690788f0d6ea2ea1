/*
 * engine_run.h - one engine in its process: weights, program, probes.
 * Owner: the table of engines (engine_proc.c) owns each; all under its lock.
 * Never: included outside the engine half of gateway/; blocks.
 */
#ifndef WH_GATEWAY_ENGINE_RUN_H
#define WH_GATEWAY_ENGINE_RUN_H

#include "gateway/engine.h"
#include "gateway/engine_state.h"
#include "proc/cage.h"

#include <poll.h>

/* Descriptors that an engine is waited on with: process, output, probe. */
#define ENGINE_POLLS 3u
#define ENGINE_SAID 160u
/* Its name in the folder of the engine. */
#define ENGINE_SOCKET "s.sock"
#define ENGINE_HOST "/run/s.sock" /* as the program sees it */

/* What all engines share; does not change while they run. */
struct engine_world {
    struct engine_times times;
    struct proc_cage_program bwrap, program;
    int filter;      /* proc_cage_filter */
    int dir;         /* DATA/run/engines */
    uint64_t memory; /* that one may use beside its weights */
    unsigned threads;
};

struct engine {
    char weights[WH_SHA256_HEX + 1]; /* "" : a free place */
    char name[GATEWAY_ENGINE_NAME_MAX + 1];
    unsigned slots, context;
    int64_t until;            /* unix seconds; 0: no end */
    bool wanted;              /* front asked for it */
    bool ask_start, ask_stop; /* asked for, not yet told to the machine */
    /* the weights */
    int file;
    void *map; /* locked in memory; null where the host does not allow that */
    uint64_t bytes;
    int64_t given; /* monotonic */
    /* the program */
    struct engine_machine m;
    pid_t pid;       /* 0: none */
    int64_t spawned; /* monotonic */
    int pid_fd, out, dir;
    char said[ENGINE_SAID]; /* last line before it was ready */
    size_t said_n;
    bool said_end; /* the next byte begins a new line */
    int ended;     /* status of wait, of the last one that ended */
    /* the probe under way */
    int probe;          /* socket; -1: none */
    int64_t probe_next; /* when to begin one */
    int64_t probe_end;  /* of the one under way; 0: none */
    char head[16];      /* of its answer */
    size_t head_n;
    char why[256];
    int64_t since; /* of the state, unix us */
};

/* A free place. */
void engine_clear(struct engine *e);
/* Take the weights in: the file is the engine's from here on; mapped and locked
 * by the caller. */
void engine_take(struct engine *e, const char *weights, int file, void *map,
                 uint64_t bytes, int64_t until);
/* Let the weights go; asserted that nothing runs. */
void engine_drop(struct engine *e);

/* Tell the machine what was asked for, whose time has come; do what it says.
 * True when the state changed. */
bool engine_turn(struct engine *e, const struct engine_world *w, int64_t now);
/* What to wait for until the next turn: n places are filled in p, *next is
 * lowered to the time when a turn is due. */
unsigned engine_polls(const struct engine *e, struct pollfd *p, int64_t *next);
/* What poll said. As engine_turn. */
bool engine_events(struct engine *e, const struct engine_world *w,
                   const struct pollfd *p, unsigned n, int64_t now);
/* How it is, for front. */
void engine_view(const struct engine *e, const struct engine_world *w,
                 struct gateway_engine_view *out);

/* Connect to the engine whose folder this is: a non-blocking socket, or -1
 * with errno (EAGAIN: too many are waiting there). */
int engine_dial(int dir);

#endif
