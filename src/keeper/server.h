/*
 * server.h - what the keeper's operations share; for this room only.
 * Owner: one struct keeper in the process, used by all its threads.
 * Never: included by the client.
 */
#ifndef WH_KEEPER_SERVER_H
#define WH_KEEPER_SERVER_H

#include "keeper/hand.h"
#include "keeper/keeper.h"
#include "keeper/ledger.h"
#include "keeper/set.h"
#include "keeper/statement.h"
#include "keeper/wire.h"
#include "rule/line.h"
#include "tlog/checkpoint.h"

#include <pthread.h>

/* The published checkpoints that were seen: sizes never fall for long. */
struct keeper_horizon {
    pthread_mutex_t lock;
    uint64_t floor;        /* anything smaller is refused */
    uint64_t top;          /* largest seen */
    struct tlog_hash root; /* of top */
    bool has_root;         /* top was seen by this process */
    int64_t top_since;     /* when floor was last raised to top (us) */
};

/* The newest roster that was ever shown, and proved; on the ledger. */
struct keeper_pin {
    pthread_mutex_t lock;
    int64_t version; /* 0: none yet */
    char digest[WH_SHA256_HEX + 1];
};

/* The lines by the newest entry of the register that was ever shown. */
struct keeper_told_pin {
    pthread_mutex_t lock;
    struct keeper_ledger_told at;
};

struct keeper {
    struct keeper_keys_set keys;
    struct keeper_ledger *ledger;
    struct proc_client *zygote;
    struct keeper_giver *giver; /* to the engines */
    const char *keys_dir;
    struct wh_arena lines_arena;
    /* by the configuration alone: see keeper_config */
    const struct rule_line *lines[KEEPER_LINES_MAX];
    unsigned nlines;
    const struct wh_str *names;
    unsigned nnames;
    const struct rule_known *known;
    unsigned nknown;
    struct keeper_horizon horizon;
    struct keeper_pin pin;
    struct keeper_told_pin told;
    unsigned missing; /* guards */
    bool locked;      /* memory */
};

/* The session's set, or WH_BAD_REQUEST if it was not begun. */
struct keeper_set *keeper_rq_set(struct proc_request *rq, struct wh_err *err);
/* A body reader over the message. */
struct wh_rd keeper_rq_rd(const struct proc_request *rq);
/* WH_BAD_REQUEST unless all of the body was read. */
bool keeper_rq_end(const struct wh_rd *r, struct wh_err *err) WH_CHECK;
/* Set the reply's body from a buffer (copied into the arena). */
bool keeper_rq_reply(struct proc_request *rq, const struct wh_buf *b,
                     struct wh_err *err) WH_CHECK;

/* Operations; each answers one message. */
typedef bool keeper_op(struct keeper *k, struct proc_request *rq,
                       struct wh_err *err);
keeper_op keeper_op_scan, keeper_op_xorb, keeper_op_rebuild, keeper_op_open,
    keeper_op_plain, keeper_op_host;

/* Settle a set and write the content statement. */
bool keeper_settle_set(struct keeper *k, struct keeper_set *s,
                       struct wh_arena *a, struct keeper_content *out,
                       struct wh_err *err) WH_CHECK;
/* Check a content statement against the set: same repo, same containers. */
bool keeper_check_content(struct keeper *k, struct keeper_set *s,
                          struct wh_arena *a, struct wh_str text,
                          struct keeper_content_doc *out,
                          struct wh_err *err) WH_CHECK;
/* Put the keys of all containers of the set into the reply. */
bool keeper_give_keys(struct proc_request *rq, const struct keeper_set *s,
                      struct wh_err *err) WH_CHECK;

/* One opening to be judged, everything read and authenticated. */
struct keeper_case {
    struct wh_arena *a;
    struct keeper_content_doc content;
    struct wh_str manifest, leaf, proof, evidence;
    struct wh_str subject_salt, evidence_salt;
    const struct keeper_scan_doc *scans;
    size_t nscans;
    struct wh_str bundle; /* of approvals (bundle.h), or empty */
    struct wh_str told;   /* what the register says about lines, or empty */
    /* results */
    const struct rule_line *lines[KEEPER_LINES_MAX]; /* that are enforced */
    size_t nlines;
    struct wh_str subject; /* hex */
    uint64_t checkpoint;   /* size */
    uint64_t index;        /* of the decision's entry */
    const char *part;
    int64_t until; /* unix seconds, when the decision ends; 0: it does not */
};

/* By a scanner's answer, is the file text or data, which are no weights in any
 * repo? */
bool keeper_plain_class(const json_t *result);
/* May this be opened? True, or false with the reason (judge.c tells the
 * steps). */
bool keeper_judge(struct keeper *k, struct keeper_case *c,
                  struct wh_err *err) WH_CHECK;
/* The same for another use than reading: is the part at least at this tier
 * (hosted: an engine may have it)? By the decision, and by what the lines say
 * when they are asked again. */
bool keeper_judge_tier(struct keeper *k, struct keeper_case *c,
                       enum rule_tier tier, struct wh_err *err) WH_CHECK;
/* Read the one blob of papers in the request, authenticate what is in it
 * against the set, and judge whether the part is at this tier: c has the
 * arena, the rest is filled. */
bool keeper_papers_judge(struct keeper *k, struct proc_request *rq,
                         struct keeper_set *s, enum rule_tier tier,
                         struct keeper_case *c, struct wh_err *err) WH_CHECK;
/* A line of the ledger about a judged case; op is "open" or "host". */
bool keeper_ledger_opening(struct keeper *k, const char *op,
                           const struct keeper_case *c,
                           struct wh_err *err) WH_CHECK;
/* Did the scanner find anything dangerous? A result of unknown form counts. */
bool keeper_scan_dangerous(const json_t *result);
/* A verified checkpoint was shown: WH_ROLLED_BACK when it is older than what
 * was shown some time ago, WH_CORRUPT when it is another tree of that size. */
bool keeper_horizon_take(struct keeper_horizon *h,
                         const struct tlog_checkpoint *cp,
                         struct wh_err *err) WH_CHECK;

#endif
