/*
 * checkpoint.h - C2SP tlog-checkpoint: origin, size and root as signed text.
 * Owner: a parsed checkpoint is a plain value, copied out.
 * Never: has extension lines; one with them is refused.
 */
#ifndef WH_TLOG_CHECKPOINT_H
#define WH_TLOG_CHECKPOINT_H

#include "tlog/merkle.h"
#include "tlog/note.h"

struct tlog_checkpoint {
    char origin[TLOG_NAME_MAX + 1];
    uint64_t size;
    struct tlog_hash root;
};

/* The text that is signed: three lines. */
void tlog_checkpoint_text(const struct tlog_checkpoint *cp, struct wh_buf *out);
/* The reverse; WH_NOT_VERIFIABLE unless it is exactly that form. */
bool tlog_checkpoint_parse(struct wh_str text, struct tlog_checkpoint *out,
                           struct wh_err *err) WH_CHECK;
/* A whole signed note: parse it, verify the log's signature, and want the
 * origin to be the key's name. Errors as tlog_note_verify. */
bool tlog_checkpoint_open(struct wh_str note, const struct tlog_vkey *key,
                          struct tlog_checkpoint *out,
                          struct wh_err *err) WH_CHECK;
/* Make the signed note: text, blank line, the log's signature. Deterministic:
 * the same checkpoint and key give the same bytes. */
void tlog_checkpoint_sign(const struct tlog_checkpoint *cp,
                          const struct tlog_vkey *key,
                          const struct crypto_ed25519 *secret,
                          struct wh_buf *out);

#endif
