/*
 * released.h - a release of some house, checked against its public register.
 * Owner: everything lives in the client's arena.
 * Never: takes the house's word for what the register proves.
 *
 * The log's key is trusted at first use and kept, with the last checkpoint and
 * the papers of each release, in a folder of the person who verifies: another
 * key, a log that went back and a log that was forked are refused from then on.
 */
#ifndef WH_CMD_RELEASED_H
#define WH_CMD_RELEASED_H

#include "cmd/client.h"
#include "register/verify.h"

/* Where a release is, as its URL says. */
struct cmd_where {
    struct wh_str house; /* "http://127.0.0.1:8080" */
    const char *kinds;   /* "models", "datasets", "spaces" */
    struct wh_str repo;  /* "demo/all-minilm-l6-v2" */
    struct wh_str rev;   /* a branch, a tag, a commit */
};
/* http://HOST/[datasets/|spaces/]NS/NAME[/tree/REV]; WH_USAGE. */
bool cmd_where_parse(struct wh_arena *a, const char *url, struct cmd_where *out,
                     struct wh_err *err) WH_CHECK;

struct cmd_release_options {
    const char *state;  /* folder to keep things in; null: the usual one */
    const char *key;    /* the log's verifier key; null: the one kept */
    bool offline;       /* ask nobody, use the papers kept */
    int64_t max_age_us; /* older papers are stale */
};

enum cmd_release_state {
    CMD_RELEASE_GOOD,
    CMD_RELEASE_STALE,   /* right, but too old to rely on */
    CMD_RELEASE_UNKNOWN, /* not on the register */
};

struct cmd_release {
    enum cmd_release_state state;
    struct wh_str why; /* if stale or unknown, for people */
    struct wh_str repo, commit, subject;
    json_t *files;   /* of the manifest: [{part, path, sha256, size}] */
    json_t *leaf;    /* the decision's entry */
    json_t *recalls; /* notices in force: [{id, index, leaf, words}], each
                        proved to be in the register, leaf as JSON */
    uint64_t index;
    struct tlog_checkpoint checkpoint;
    struct tlog_vkey key;
    bool first_use; /* the key was met for the first time */
    bool kept;      /* from papers kept, not from the house */
    int64_t at_us;  /* when the house gave them */
};

/* Get the papers and check them: signature, inclusion of decision and notices,
 * that the entry decides about the subject, that the subject is the manifest's
 * digest, and that the log continues the one seen before. False when they do
 * not hold, or can not be had: WH_CORRUPT, WH_ROLLED_BACK, WH_NOT_VERIFIABLE,
 * WH_OUTSIDE. */
bool cmd_release_get(struct cmd_client *c, const struct cmd_where *where,
                     const struct cmd_release_options *o,
                     struct cmd_release *out, struct wh_err *err) WH_CHECK;

#endif
