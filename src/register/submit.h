/*
 * submit.h - putting an event into the register's outbox, in the transaction of
 * the event itself.
 * Owner: the caller owns the leaf.
 * Never: waits; touches a file; logs anything that leaves.tbl does not allow.
 */
#ifndef WH_REGISTER_SUBMIT_H
#define WH_REGISTER_SUBMIT_H

#include "db/db.h"
#include "register/leaf.h"

/* Events that may wait, and for how long the oldest may have, before new ones
 * are refused. */
#define REGISTER_OUTBOX_MAX 50000
#define REGISTER_OUTBOX_AGE_US INT64_C(10000000)

/* Add an event: call it inside a db_write function. `leaf` is an object with
 * "type" and the keys of that type; v, id (unless set) and t are added to it
 * here. *outbox names the event from now on (register_wait, openings). Fails
 * with WH_INTERNAL when the leaf breaks the schema, WH_UNAVAILABLE when too
 * much waits already (acts of the house itself, such as erasures, are taken all
 * the same). */
bool register_submit(struct db *db, json_t *leaf, int64_t *outbox,
                     struct wh_err *err) WH_CHECK;

/* Values for leaves; new references. "sha256:<hex>" of 64 hex digits. */
json_t *register_digest_new(struct wh_str hex);
/* A list of one such digest: the usual "subject". */
json_t *register_subject_new(struct wh_str hex);

/* Commit to a value under a fresh salt: adds "c":{field: commitment} to the
 * leaf, before register_submit, and gives the salt. */
void register_leaf_commit(json_t *leaf, const char *field, struct wh_str value,
                          uint8_t salt[REGISTER_SALT]);
/* Keep what opens a commitment of this event, in the same transaction. */
bool register_opening_keep(struct db *db, int64_t outbox, const char *field,
                           const uint8_t salt[REGISTER_SALT],
                           struct wh_str value, struct wh_err *err) WH_CHECK;
/* The value behind a commitment of entry `index`, for those entitled to it.
 * WH_NOT_FOUND when there was none, WH_REFUSED when it has been erased. */
bool register_opening_read(struct db *db, struct wh_arena *a, uint64_t index,
                           const char *field, uint8_t salt[REGISTER_SALT],
                           struct wh_str *value, struct wh_err *err) WH_CHECK;
/* The salt of such an opening as hex digits, as verifiers get it. Fails as
 * register_opening_read does. */
bool register_opening_salt(struct db *db, struct wh_arena *a, uint64_t index,
                           const char *field, struct wh_str *hex,
                           struct wh_err *err) WH_CHECK;
/* Destroy salt and value for good; the entry stays, and *erased says whether
 * there was anything. The caller submits the erasure leaf in the same
 * transaction. */
bool register_opening_erase(struct db *db, uint64_t index, const char *field,
                            bool *erased, struct wh_err *err) WH_CHECK;

#endif
