/*
 * proof.h - C2SP tlog-proof: one file that proves that an entry is in a log.
 * Owner: a parsed proof's views point into the caller's text.
 * Never: relies on `extra`, which nobody signed.
 */
#ifndef WH_TLOG_PROOF_H
#define WH_TLOG_PROOF_H

#include "tlog/checkpoint.h"

#define TLOG_PROOF_MAX (TLOG_NOTE_MAX + 8192)

struct tlog_proof {
    struct wh_str extra; /* base64 as it stands, p null without the line */
    uint64_t index;
    struct tlog_path path;
    struct wh_str checkpoint; /* the signed note */
};

/* Append the text form. */
void tlog_proof_text(const struct tlog_proof *proof, struct wh_buf *out);
/* The reverse; WH_NOT_VERIFIABLE unless it is well-formed. The checkpoint's
 * inside is not looked at. */
bool tlog_proof_parse(struct wh_str text, struct tlog_proof *out,
                      struct wh_err *err) WH_CHECK;
/* Is this leaf in the log of this key? Checks the checkpoint's signature, then
 * the path. WH_CORRUPT if the path does not lead to the root, else errors of
 * parse and tlog_checkpoint_open. cp (may be null) gets the checkpoint. */
bool tlog_proof_verify(const struct tlog_proof *proof,
                       const struct tlog_hash *leaf,
                       const struct tlog_vkey *key, struct tlog_checkpoint *cp,
                       struct wh_err *err) WH_CHECK;

#endif
