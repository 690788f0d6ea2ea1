/*
 * client.h - asking the keeper: keys for new containers, settling, scans,
 * xorbs, openings.
 * Owner: clients and sessions belong to front; answers live in the arena given;
 * descriptors stay the caller's (the keeper gets copies).
 * Never: gives a data key of content that was settled, unless the keeper has
 * convinced itself that it may be read.
 *
 * Statements are short texts that the keeper has authenticated for itself:
 * front stores them as they are, and gives them back when it asks for more.
 * What they say is in docs/formats/keeper.md.
 */
#ifndef WH_KEEPER_CLIENT_H
#define WH_KEEPER_CLIENT_H

#include "base/arena.h"
#include "base/sha256.h"
#include "proc/client.h"
#include "store/container.h"

#define KEEPER_NAME "keeper"        /* DATA/run/keeper.sock */
#define KEEPER_WRAPPED 69           /* bytes of a wrapped key */
#define KEEPER_CONTAINERS_MAX 1024u /* in one content, xorbs in one rebuild */
#define KEEPER_REPO_MAX 128u        /* bytes of a repo's name */
#define KEEPER_CONFIG_MAX (1u << 20)
#define KEEPER_SCANS_MAX 1024u /* statements in one opening */

/* A repo is named to the keeper by its kind and a name that never changes:
 * "model:42", "dataset:7", "space:1". Printable ASCII. The kind decides which
 * content may open without a decision. */

/* A fresh container. The key is front's, until it has written the container;
 * the wrapped form goes into the database before the first acknowledgement. */
struct keeper_new {
    uint8_t id[STORE_CONTAINER_ID];
    uint8_t key[STORE_CONTAINER_KEY];
    uint8_t wrapped[KEEPER_WRAPPED];
};

/* A container as front knows it later. */
struct keeper_item {
    uint8_t id[STORE_CONTAINER_ID];
    uint8_t wrapped[KEEPER_WRAPPED];
    int fd; /* open for reading */
};

/* NEW: a container for this repo. */
bool keeper_new(struct proc_client *keeper, struct wh_str repo,
                struct keeper_new *out, struct wh_err *err) WH_CHECK;

/* NEW, for a container that the keeper itself will fill (REBUILD): its key
 * stays with the keeper, out->key is zero. */
bool keeper_new_target(struct proc_client *keeper, struct wh_str repo,
                       struct keeper_new *out, struct wh_err *err) WH_CHECK;

/* ---- sessions: an ordered set of containers of one repo ---- */

struct keeper_session;

/* Begin a set. Null with *err. One thread at a time. */
struct keeper_session *keeper_open(struct proc_client *keeper,
                                   struct wh_str repo, struct wh_err *err);
/* End it; null is fine. */
void keeper_close(struct keeper_session **s);
/* Add containers behind those that are there. A growing one may be added as
 * soon as it was flushed once. */
bool keeper_add(struct keeper_session *s, const struct keeper_item *items,
                size_t n, struct wh_err *err) WH_CHECK;

/* What a content is: the whole of its containers, joined. */
struct keeper_content {
    char sha256[WH_SHA256_HEX + 1];
    uint64_t size;
    struct wh_str statement;
};

/* SETTLE, the trailing half: all containers before `index` are finished, and
 * of this one `ready` bytes are in the file (store_container_ready). Returns
 * without waiting for the keeper to read; what it finds wrong is told by
 * keeper_settle. May be left out. */
bool keeper_feed(struct keeper_session *s, uint32_t index, uint64_t ready,
                 struct wh_err *err) WH_CHECK;
/* SETTLE: all containers are finished. Reads back what was not read yet,
 * decrypts, checks every record and trailer; gives digest, size and the content
 * statement. WH_CORRUPT if anything is not as it was written. */
bool keeper_settle(struct keeper_session *s, struct wh_arena *a,
                   struct keeper_content *out, struct wh_err *err) WH_CHECK;

/* A scanner's answer about a content. */
struct keeper_scan {
    struct wh_str result; /* canonical JSON, docs/formats/scan-result.md */
    struct wh_str statement;
};

/* SCAN: the set's containers must be those of the content statement. path and
 * config are hints for the scanner (either may be empty). */
bool keeper_scan(struct keeper_session *s, struct wh_arena *a,
                 struct wh_str content, struct wh_str path,
                 struct wh_str config, struct keeper_scan *out,
                 struct wh_err *err) WH_CHECK;

/* A verified xorb. */
struct keeper_xorb {
    struct wh_str table; /* scan_xorb_table_read */
    struct wh_str statement;
};

/* XORB: the set is one finished container that holds a serialized xorb;
 * WH_DIGEST_MISMATCH unless its hash is `hash`. */
bool keeper_xorb(struct keeper_session *s, struct wh_arena *a,
                 const uint8_t hash[32], struct keeper_xorb *out,
                 struct wh_err *err) WH_CHECK;

/* What is to be rebuilt from xorbs. */
struct keeper_rebuild {
    struct wh_str terms; /* scan_job_rebuild_term, one after the other; source
                            i + 1 is container i of the set */
    uint32_t nterms;
    const uint8_t *hash;       /* expected Xet file hash, or null */
    uint64_t size;             /* expected bytes */
    struct keeper_item target; /* from keeper_new_target; fd: an empty file,
                                  open for writing */
};

/* REBUILD: a scanner puts the file together from the set's xorbs, the keeper
 * seals it into the target, syncs, and reads it back. The caller links the
 * file. */
bool keeper_rebuild(struct keeper_session *s, struct wh_arena *a,
                    const struct keeper_rebuild *rq, struct keeper_content *out,
                    struct wh_err *err) WH_CHECK;
/* Why a content may be read. */
struct keeper_opening {
    struct wh_str content;      /* statement; the set holds its containers */
    struct wh_str manifest;     /* of the subject, byte for byte */
    const struct wh_str *scans; /* statements of all its weights files, and of
                                   what other files were scanned */
    size_t nscans;
    struct wh_str leaf;     /* the decision, byte for byte as in the log */
    struct wh_str proof;    /* tlog-proof of it under a published checkpoint */
    struct wh_str evidence; /* the document that the leaf names */
    /* Where the leaf holds commitments instead (private repos): the salts of
     * its fields `subject` and `evidence`, as 64 hex digits; else empty. */
    struct wh_str subject_salt, evidence_salt;
    /* Where approvers decided: keeper/bundle.h; else empty. */
    struct wh_str bundle;
    /* What the register says about lines: keeper_lines_write. */
    struct wh_str told;
};

/* OPEN: the keys of the set's containers, n of them, in order. WH_HELD if the
 * rules do not open this part; WH_NOT_VERIFIABLE, WH_CORRUPT or WH_ROLLED_BACK
 * if something of the proof does not hold; each with the reason. The opening is
 * on the keeper's ledger before the keys are given. */
bool keeper_keys(struct keeper_session *s, const struct keeper_opening *o,
                 uint8_t (*keys)[STORE_CONTAINER_KEY], size_t n,
                 struct wh_err *err) WH_CHECK;
/* OPEN, for what is no weights: a file that the house itself scanned, and
 * found to be text or data (in datasets and spaces also: nothing known), with
 * no dangerous finding. Needs no decision. WH_HELD otherwise. */
bool keeper_keys_plain(struct keeper_session *s, struct wh_str content,
                       struct wh_str scan, uint8_t (*keys)[STORE_CONTAINER_KEY],
                       size_t n, struct wh_err *err) WH_CHECK;

/* HOST: the set's content goes to the engines of this house, in memory; nothing
 * of it comes back. As keeper_keys, but the decision and the lines have to
 * allow no more than hosting; and the file has to be GGUF, verifiable, without
 * dangerous findings (WH_REFUSED). WH_TOO_LARGE, in words, when it does not fit
 * the memory for engines; WH_UNAVAILABLE when there are no engines. *locked: it
 * can not reach swap. Given already is good, and does nothing. */
bool keeper_host(struct keeper_session *s, const struct keeper_opening *o,
                 bool *locked, struct wh_err *err) WH_CHECK;

/* What the keeper says about itself, for `doctor` and the custody page. */
struct keeper_status {
    char key_id[17];
    uint64_t openings;    /* lines of the ledger */
    char ledger_head[65]; /* digest of the last one */
    unsigned missing;     /* guards that this host does not give */
    bool memory_locked;   /* its keys can not reach swap */
    bool sealed;          /* false: a test build, see container.md */
};
/* Ask it. */
bool keeper_status(struct proc_client *keeper, struct keeper_status *out,
                   struct wh_err *err) WH_CHECK;

#endif
