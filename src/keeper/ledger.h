/*
 * ledger.h - every opening, one line each, chained and authenticated.
 * Owner: the keeper process; one ledger, used by all its threads.
 * Never: says an opening happened that did not, or leaves one out: the line is
 * on disk before the keys are given.
 *
 * DATA/custody/ledger, docs/formats/keeper.md.
 */
#ifndef WH_KEEPER_LEDGER_H
#define WH_KEEPER_LEDGER_H

#include "base/json.h"
#include "keeper/keys.h"

#define KEEPER_LEDGER_LINE 4096

#define KEEPER_LEDGER_LINES 32

/* The lines in force by the newest entry of the register that was ever shown,
 * and proved. */
struct keeper_ledger_told {
    int64_t entry; /* its index; -1: none was */
    size_t n;
    char digests[KEEPER_LEDGER_LINES][WH_SHA256_HEX + 1];
};

struct keeper_ledger;

/* Open or begin it, checking every line; a last line that a crash cut is
 * removed (its keys were never given). WH_CORRUPT, naming the line, for any
 * other damage. Largest "checkpoint" of all lines in *checkpoint. */
struct keeper_ledger *keeper_ledger_open(const char *path,
                                         const struct keeper_keys_set *k,
                                         uint64_t *checkpoint,
                                         struct wh_err *err);
void keeper_ledger_close(struct keeper_ledger **l);
/* Append one entry, durably ("n", "prev" and "t" are set here; the reference is
 * taken). Thread-safe. */
bool keeper_ledger_append(struct keeper_ledger *l, json_t *entry,
                          struct wh_err *err) WH_CHECK;
/* Was this content (SHA-256 in hex) opened before by this decision (that of its
 * leaf's bytes)? Reads the ledger from its begin: for what is rarely asked. */
bool keeper_ledger_opened(struct keeper_ledger *l, struct wh_str sha256,
                          struct wh_str leaf, bool *out,
                          struct wh_err *err) WH_CHECK;
/* Lines so far, and the digest of the last one in hex. */
void keeper_ledger_head(struct keeper_ledger *l, uint64_t *n, char head[65]);
/* The newest roster that stood on it when it was opened (keeper/approved.h): 0
 * and "" if there was none. */
void keeper_ledger_roster(struct keeper_ledger *l, int64_t *version,
                          char digest[65]);
/* The lines that stood on it when it was opened (keeper/judge.c). */
void keeper_ledger_lines(struct keeper_ledger *l,
                         struct keeper_ledger_told *out);

#endif
