/*
 * xet.h - uploads by the Xet protocol: xorbs are verified and kept sealed until
 * a shard says which files they make; each file is then put together and
 * hashed before anything may refer to it.
 * Owner: a struct hub_xet belongs to the request.
 * Never: lets a file name a chunk that was not uploaded to its repo; believes
 * the SHA-256 of a shard.
 */
#ifndef WH_HUB_XET_H
#define WH_HUB_XET_H

#include "hub/vault.h"
#include "scan/xet.h"

/* A xorb as it is sent: chunks, their headers, and perhaps a footer. */
#define HUB_XORB_MAX ((uint64_t)65 << 20)
#define HUB_SHARD_MAX ((uint64_t)64 << 20)

/* Whose upload it is, and who wants to hear how it goes on. */
struct hub_xet {
    const struct hub_vault *vault;
    enum store_kind kind;
    int64_t repo, account;
    /* Bytes of a shard's files that are made, of all; may be null. Called on
     * the thread that works, at least once for each file and each 4 GiB. */
    void (*progress)(void *ctx, uint64_t done, uint64_t all);
    void *ctx;
};

/* Does the repo have this xorb? If so it will not expire soon. */
bool hub_xorb_known(const struct hub_xet *x, struct db *db,
                    const struct scan_xet_hash *hash, bool *known,
                    struct wh_err *err) WH_CHECK;
/* A finished receiver holds a xorb: have each chunk decompressed and hashed.
 * WH_DIGEST_MISMATCH, WH_BAD_REQUEST, WH_TOO_LARGE when it is not what its name
 * says. *added is false when another upload of it was faster. May take seconds:
 * for the queue. */
bool hub_xorb_settle(const struct hub_xet *x, struct hub_receiver *r,
                     struct wh_arena *a, const struct scan_xet_hash *hash,
                     bool *added, struct wh_err *err) WH_CHECK;
/* An uploaded shard: check all its files against the repo's xorbs, then make
 * each that the repo does not possess yet. `body` is emptied as soon as it was
 * read. *added says how many files were made. Files that were made stay when a
 * later one fails. WH_BAD_REQUEST and WH_DIGEST_MISMATCH for a shard that does
 * not hold true. May take minutes: for the queue. */
bool hub_shard_settle(const struct hub_xet *x, struct db *db,
                      struct wh_buf *body, size_t *added,
                      struct wh_err *err) WH_CHECK;

/* Clients remember what they sent, by the URL that they sent it to, and name it
 * later without sending it again. So the URL contains this number, which
 * changes with time, and xorbs live until no client may remember them. */
int64_t hub_xet_epoch(int64_t now, int64_t expire_hours);
/* A db_write function's work, for the sweep: let go what was not named for so
 * long that no valid URL knows it; at most some in one call, how many in *n. */
bool hub_xet_expire(struct db *db, int64_t now, int64_t expire_hours, size_t *n,
                    struct wh_err *err) WH_CHECK;

#endif
