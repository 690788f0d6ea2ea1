/*
 * verify.h - what somebody outside needs to trust the register: a proof, a
 * memory of the last checkpoint, and its age.
 * Owner: the caller owns all values; the memory is a small text file.
 * Never: asks the log to be believed.
 */
#ifndef WH_REGISTER_VERIFY_H
#define WH_REGISTER_VERIFY_H

#include "register/fsck.h"
#include "tlog/proof.h"

/* The last checkpoint that a verifier accepted, and when. */
struct register_seen {
    struct tlog_checkpoint checkpoint; /* size 0: none yet */
    int64_t at_us;
};

/* Is `leaf` (its exact bytes) in the log of `key`, by this tlog-proof text?
 * Gives its index and the checkpoint that proves it. Errors as
 * tlog_proof_parse and tlog_proof_verify. */
bool register_verify_proof(struct wh_str proof, struct wh_str leaf,
                           const struct tlog_vkey *key, uint64_t *index,
                           struct tlog_checkpoint *cp,
                           struct wh_err *err) WH_CHECK;

/* Read the memory; no file gives size 0. WH_CORRUPT when the file is not one,
 * or of another log than the key's. */
bool register_seen_read(const char *path, const struct tlog_vkey *key,
                        struct register_seen *out, struct wh_err *err) WH_CHECK;
/* Write it, durably. */
bool register_seen_write(const char *path, const struct register_seen *seen,
                         struct wh_err *err) WH_CHECK;

/* May a verifier that has `seen` accept `next`, a checkpoint whose signature
 * was verified? Tiles for the consistency proof come from src. WH_ROLLED_BACK
 * when next is smaller, WH_CORRUPT when it is no continuation (the log was
 * forked), WH_NOT_VERIFIABLE when the tiles can not be had. On success *seen is
 * next, at now_us. */
bool register_seen_advance(struct register_seen *seen,
                           const struct tlog_checkpoint *next, int64_t now_us,
                           const struct register_source *src,
                           struct wh_err *err) WH_CHECK;
/* Was the newest checkpoint got within max_age_us? A clock that went back
 * counts as stale. */
bool register_seen_fresh(const struct register_seen *seen, int64_t now_us,
                         int64_t max_age_us);

#endif
