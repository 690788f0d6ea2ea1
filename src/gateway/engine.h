/*
 * engine.h - the engines of this house as front sees them: which run, how they
 * are, and a socket to speak HTTP with one.
 * Owner: gateway_engines_new .. gateway_engines_free; a socket that connect
 * gave is the caller's.
 * Never: sees a byte of weights. They go from the keeper to the process of the
 * engines (docs/formats/engines.md), on a way that front has no end of; front
 * asks by name and gets a socket.
 *
 * An engine is llama-server in a sandbox without network, one for each file of
 * weights. It speaks OpenAI's HTTP (`POST /v1/chat/completions`, ...) as
 * HTTP/1.1 over a UNIX stream socket. An engine that dies or hangs is started
 * again by the engines' process; when that process itself died, what was open
 * is loaded anew. The caller sees a socket that ends, and the state.
 *
 * The life of an engine:
 *
 *   open -> LOADING -> STARTING -> READY -> (close) STOPPING -> gone
 *              |           ^  |      |
 *              v           |  v      v      died, hangs, did not come up: again
 *           REFUSED        FAILED <--+      after 1 s, 2 s, 4 s ... 60 s
 *
 * Only READY takes requests. REFUSED stays until it is opened again: the keeper
 * or the budget said no, `why` says it in words for people.
 */
#ifndef WH_GATEWAY_ENGINE_H
#define WH_GATEWAY_ENGINE_H

#include "base/arena.h"
#include "base/sha256.h"

#define GATEWAY_ENGINES_MAX 32u /* open at once */
#define GATEWAY_ENGINE_SLOTS_MAX 64u
#define GATEWAY_ENGINE_NAME_MAX 192u
#define GATEWAY_ENGINE_CONTEXT_MIN 256u
#define GATEWAY_ENGINE_CONTEXT_MAX (1u << 20)
#define GATEWAY_ENGINE_CONTEXT 4096u /* when none is asked for */
/* How the `why` of an engine goes on whose program is still being built; after
 * it comes the builder's line, "43 % Building ..." */
#define GATEWAY_ENGINE_BUILDING "llama-server is being built: "

enum gateway_engine_state {
    GATEWAY_ENGINE_LOADING,  /* the keeper checks the papers and decrypts */
    GATEWAY_ENGINE_REFUSED,  /* not loaded: see `why` */
    GATEWAY_ENGINE_STARTING, /* the engine reads the weights, warms up */
    GATEWAY_ENGINE_READY,    /* requests are taken */
    GATEWAY_ENGINE_FAILED,   /* ended or hung; starts again at retry_at */
    GATEWAY_ENGINE_STOPPING  /* after close, until it has ended */
};

/* "loading", "ready", ...: for APIs, the log and metrics. */
const char *gateway_engine_word(enum gateway_engine_state s);

/* How an engine is, at one moment. A copy: stays true to itself. */
struct gateway_engine_view {
    char weights[WH_SHA256_HEX + 1]; /* SHA-256 of the file: its key */
    char name[GATEWAY_ENGINE_NAME_MAX + 1];
    enum gateway_engine_state state;
    char why[256];     /* words for people, when REFUSED or FAILED; else "" */
    unsigned slots;    /* requests it works on at once; more wait in it */
    unsigned context;  /* tokens that prompt and answer share, per slot */
    uint64_t bytes;    /* of weights in memory; 0 before they are there */
    bool locked;       /* they can not reach swap */
    unsigned restarts; /* since it was opened */
    int64_t since;     /* of this state, unix us */
    int64_t retry_at;  /* FAILED: when it starts again, unix us; else 0 */
};

/* What is to be hosted. */
struct gateway_engine_wish {
    const char *weights; /* 64 hex: the one GGUF file that is to run */
    struct wh_str name;  /* "demo/smollm2"; the engine's `model` name */
    unsigned slots;      /* 1 .. GATEWAY_ENGINE_SLOTS_MAX */
    unsigned context;    /* tokens per slot, or 0: GATEWAY_ENGINE_CONTEXT */
    int64_t until;       /* unix s, when its decision ends; 0: it does not.
                            The keeper's word from the leaf counts if earlier */
};

/* Has the keeper put the weights before the engines' process: gathers the
 * papers of the file and calls keeper_host (keeper/client.h). Given by the
 * caller, because papers are the hub's and the gateway has no arrow to it. Runs
 * on the engines' own loading thread, one at a time; may take as long as
 * decrypting does. False with the reason in words: the engine is REFUSED with
 * it, except WH_CHILD_DIED, WH_UNAVAILABLE and WH_TIMEOUT, which are tried
 * again. */
typedef bool gateway_engine_load(void *ctx, const char *weights,
                                 struct wh_err *err);

struct gateway_engines;

struct gateway_engines_config {
    const char *run_dir; /* DATA/run, for engines.sock */
    gateway_engine_load *load;
    void *load_ctx;
    /* A state changed (look or list tell which); null: nobody is told. Called
     * on a thread of this object, never under its lock; must not block. */
    void (*changed)(void *ctx);
    void *changed_ctx;
};

/* Begin: two threads of its own. It is no failure when the engines' process is
 * not there yet. Null with *err when the run folder can not be opened. */
struct gateway_engines *
gateway_engines_new(const struct gateway_engines_config *c, struct wh_err *err);
/* End the threads, null the pointer. Engines go on running: they end with
 * their own process. Null is fine. */
void gateway_engines_free(struct gateway_engines **g);

/* From here on this file is to be hosted. Returns at once, in state LOADING;
 * everything else is seen by look, list and changed. Opened already: nothing
 * happens, except that one that was REFUSED is tried again. WH_BAD_REQUEST for
 * a wish out of its bounds, WH_TOO_LARGE when too many are open. */
bool gateway_engine_open(struct gateway_engines *g,
                         const struct gateway_engine_wish *wish,
                         struct wh_err *err) WH_CHECK;
/* No longer: running requests are cut, the memory is given back. Returns at
 * once; nothing happens when it is not open. */
void gateway_engine_close(struct gateway_engines *g, const char *weights);

/* How this one is; false when it is not open. Takes a lock for a moment and
 * asks nobody: fit for loops. */
bool gateway_engine_look(struct gateway_engines *g, const char *weights,
                         struct gateway_engine_view *out);
/* All that are open, in the order in which they were opened; returns how many.
 * As cheap as look. */
size_t gateway_engine_list(struct gateway_engines *g,
                           struct gateway_engine_view *out, size_t max);

/* A connected stream socket to a READY engine: non-blocking, close-on-exec, the
 * caller's. -1 with *err: WH_UNAVAILABLE with the state in words (to be shown,
 * with Retry-After), WH_NOT_FOUND when it is not open. Asks the engines'
 * process (about 0.1 ms, 2 s at most): for workers, not for loops.
 *
 * The engine keeps a thread for each connection (keep-alive ends after 5 s of
 * silence, on its side): keep no more idle ones than slots. Requests beyond
 * its slots wait inside the engine, unseen: hold them back yourself. Closing
 * the socket cancels what it was asked for. */
int gateway_engine_connect(struct gateway_engines *g, const char *weights,
                           struct wh_err *err);

/* What the engines' process says about itself, for `doctor`, the custody page
 * and metrics. */
struct gateway_engines_status {
    bool there;        /* it answers */
    char program[256]; /* what runs as an engine; "" when none was found */
    char why_not[256]; /* "" or why no engine can run here, in words */
    uint64_t budget;   /* bytes of weights that may be in memory at once */
    uint64_t used;     /* of these */
    bool swap;         /* this host has swap that is not known to be safe */
    unsigned missing;  /* guards (proc/sandbox.h) that the host does not give
                          to the engines' process */
};
/* Ask it; 2 s at most. */
void gateway_engines_ask(struct gateway_engines *g,
                         struct gateway_engines_status *out);

#endif
