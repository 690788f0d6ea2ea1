/*
 * log.h - the inside of struct register_log; for this room only.
 * Owner: register_open makes it. Fields above `lock` belong to the sequencer's
 * thread (and to register_open before that thread starts).
 * Never: included outside register/.
 */
#ifndef WH_REGISTER_LOG_H
#define WH_REGISTER_LOG_H

#include "register/edge.h"
#include "register/files.h"
#include "register/register.h"
#include "register/rows.h"
#include <pthread.h>

struct register_waiter {
    struct register_waiter *next;
    int64_t outbox, deadline;
    register_done *done;
    void *ctx;
};

struct register_log {
    struct register_config cfg;
    struct register_files *files;
    struct db *db;
    struct tlog_vkey vkey;
    int64_t epoch;

    /* Mirrors what is stored; any failure drops it (`loaded`), and the next
     * turn starts from durable storage again. */
    bool loaded;
    uint64_t size, published, signer_size;
    struct tlog_hash root;
    int64_t newest_t, newest_at; /* of the last entry: unix s, us */
    struct register_edge edge;   /* at `size` */
    struct tlog_tiles tiles;     /* full tiles on disk, left of the edge */

    pthread_t thread;
    bool threaded;

    pthread_mutex_t lock; /* for all below */
    pthread_cond_t wake;
    bool stop;
    bool kicked;              /* the outbox may hold something */
    bool asked;               /* there is a new waiter */
    int64_t published_outbox; /* all ids up to it are published */
    struct register_waiter *waiters;
    int64_t patience; /* when everybody's wait ends, or 0 */
    struct register_status status;
};

/* What a turn of the sequencer did. */
enum register_turn {
    REGISTER_TURN_FAILED, /* *err says why; state must be loaded anew */
    REGISTER_TURN_IDLE,   /* nothing waits */
    REGISTER_TURN_STALLED,
    REGISTER_TURN_DONE, /* events were published */
    REGISTER_TURN_MORE  /* and a full batch: more is likely to wait */
};

/* cycle.c: one whole cycle, from the outbox to the checkpoint. */
enum register_turn register_cycle(struct register_log *log, struct wh_err *err);
/* Hashes of the tree at log->size: the edge, else full tiles on disk. */
struct tlog_reader register_log_reader(struct register_log *log);
/* What is to be written: entries [from, to), at most REGISTER_BATCH, of a log
 * whose partial tiles were last written at size `base`. */
struct register_range {
    uint64_t base, from, to;
    bool final;   /* also the partial tiles of size `to` */
    bool rewrite; /* do not trust what is there */
};
/* Write bundles and tiles, make them durable, read the bundles back. The edge
 * must reach `to`. */
bool register_write_tiles(struct register_log *log,
                          const struct register_range *r,
                          struct wh_err *err) WH_CHECK;
/* Have the head at log->size signed, store the note, make it the checkpoint,
 * record that. Tiles must be durable. */
bool register_publish(struct register_log *log, struct wh_err *err) WH_CHECK;

/* db_write that tries again for a second while the writer's queue is full: the
 * register's own writes are few and hold up everybody behind them. fn may run
 * again only when nothing of it was stored. */
bool register_write(struct register_log *log, db_fn *fn, void *ctx,
                    struct wh_err *err) WH_CHECK;

/* recover.c: bring memory, files and database to one state, or refuse. `first`
 * raises the epoch and begins a log where there is none. */
bool register_recover(struct register_log *log, bool first,
                      struct wh_err *err) WH_CHECK;
/* Remove partial tiles that no checkpoint younger than the sweep age needs. */
bool register_sweep(struct register_log *log, struct wh_err *err) WH_CHECK;

/* wait.c: call back whoever can be told now. `failed`: everybody, with it. */
void register_tell(struct register_log *log, const struct wh_err *failed);
/* Earliest deadline of all who wait, INT64_MAX if none. Under the lock. */
int64_t register_next_deadline(const struct register_log *log);

static inline int64_t register_now(const struct register_log *log)
{
    return log->cfg.now_us();
}

#endif
