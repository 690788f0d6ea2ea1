/*
 * content.h - large files as rows: containers, uploads, contents, and what is
 * in the clear.
 * Owner: results live in the caller's arena or memory.
 * Never: touches a file (hub/upload.h and hub/sweep.h do); opens a transaction:
 * functions that change rows run inside a db_write function.
 */
#ifndef WH_STORE_CONTENT_H
#define WH_STORE_CONTENT_H

#include "base/sha256.h"
#include "db/db.h"
#include "store/container.h"

/* Bytes of a wrapped key at most. */
#define STORE_WRAPPED_MAX 128

struct store_container_row {
    uint8_t id[STORE_CONTAINER_ID];
    uint8_t wrapped[STORE_WRAPPED_MAX];
    size_t wrapped_n;
    uint64_t size;
    uint32_t part; /* in an upload: its number */
};

/* A container that is about to be written; before its first byte is
 * acknowledged. */
bool store_container_add(struct db *db, int64_t repo,
                         const uint8_t id[STORE_CONTAINER_ID],
                         struct wh_str wrapped, int64_t now,
                         struct wh_err *err) WH_CHECK;
/* It is finished and linked. */
bool store_container_done(struct db *db, const uint8_t id[STORE_CONTAINER_ID],
                          uint64_t size, struct wh_err *err) WH_CHECK;
/* Nothing needs it any more: the sweep removes file and row. */
bool store_container_give_up(struct db *db,
                             const uint8_t id[STORE_CONTAINER_ID],
                             struct wh_err *err) WH_CHECK;
/* Its file is gone: forget it. */
bool store_container_forget(struct db *db, const uint8_t id[STORE_CONTAINER_ID],
                            struct wh_err *err) WH_CHECK;
/* Up to 200 that were given up, or were begun before `before` and never
 * finished. */
bool store_container_stale(struct db *db, struct wh_arena *a, int64_t before,
                           struct store_container_row **out, size_t *n,
                           struct wh_err *err) WH_CHECK;

/* ---- multipart uploads ---- */

struct store_upload {
    int64_t id, repo, account;
    char sha256[WH_SHA256_HEX + 1];
    uint64_t size, part_size;
    int64_t expires;
};

/* Begin, or take up again, the upload of this digest to this repo; *up is
 * filled. */
bool store_upload_begin(struct db *db, struct store_upload *up,
                        struct wh_err *err) WH_CHECK;
/* False with WH_NOT_FOUND when there is none. */
bool store_upload_find(struct db *db, int64_t repo, const char *sha256,
                       struct store_upload *out, struct wh_err *err) WH_CHECK;
/* Part n is in this container now; one that it had before is given up. */
bool store_upload_part(struct db *db, int64_t upload, uint32_t n,
                       const uint8_t id[STORE_CONTAINER_ID],
                       struct wh_err *err) WH_CHECK;
/* Its parts in order. */
bool store_upload_parts(struct db *db, struct wh_arena *a, int64_t upload,
                        struct store_container_row **out, size_t *n,
                        struct wh_err *err) WH_CHECK;
/* End it; `keep` leaves its containers to the content made of them. */
bool store_upload_end(struct db *db, int64_t upload, bool keep,
                      struct wh_err *err) WH_CHECK;
/* End up to 50 that have expired; how many in *n. */
bool store_upload_expire(struct db *db, int64_t now, size_t *n,
                         struct wh_err *err) WH_CHECK;

/* ---- contents ---- */

struct store_content {
    int64_t id, repo;
    char sha256[WH_SHA256_HEX + 1];
    uint64_t size;
    struct wh_str statement; /* empty: only the open form exists */
    struct wh_str scan;      /* empty: not scanned yet */
    struct wh_str scan_statement;
    bool claimed;
};

/* A settled content of a repo, made of these containers. A repo that has it
 * already keeps what it has, and the new containers are given up. */
bool store_content_add(struct db *db, int64_t repo, const char *sha256,
                       uint64_t size, struct wh_str statement,
                       const struct store_container_row *containers, size_t n,
                       int64_t now, struct wh_err *err) WH_CHECK;
/* A content of which only the open form existed has a sealed one again, in this
 * container; *done false, and the container given up, when it had one already
 * or is gone. */
bool store_content_seal(struct db *db, int64_t id, struct wh_str statement,
                        const struct store_container_row *container, bool *done,
                        struct wh_err *err) WH_CHECK;
/* Its row, if the repo had it, and neither a sealed nor an open form is left:
 * the custody key that sealed it was lost and given up. Else *id is 0. Whoever
 * sends it again makes it whole. */
bool store_content_lost(struct db *db, int64_t repo, const char *sha256,
                        int64_t *id, struct wh_err *err) WH_CHECK;
/* The repo possesses it without an upload of its own: the open form serves. */
bool store_content_adopt(struct db *db, int64_t repo, const char *sha256,
                         uint64_t size, int64_t now,
                         struct wh_err *err) WH_CHECK;
/* A repo's content; *found false when it has none of this digest. */
bool store_content_find(struct db *db, struct wh_arena *a, int64_t repo,
                        const char *sha256, bool *found,
                        struct store_content *out, struct wh_err *err) WH_CHECK;
bool store_content_by_id(struct db *db, struct wh_arena *a, int64_t id,
                         struct store_content *out,
                         struct wh_err *err) WH_CHECK;
/* Open content of this digest in some repo that the account may read (0 is
 * anonymous): the possession rule's second half. */
bool store_content_readable(struct db *db, struct wh_arena *a,
                            const char *sha256, int64_t account, bool *found,
                            struct store_content *out,
                            struct wh_err *err) WH_CHECK;
/* Its containers in order. */
bool store_content_containers(struct db *db, struct wh_arena *a, int64_t id,
                              struct store_container_row **out, size_t *n,
                              struct wh_err *err) WH_CHECK;
/* What the scanner said, and the keeper's statement of it (may be empty). */
bool store_content_scanned(struct db *db, int64_t id, struct wh_str scan,
                           struct wh_str statement,
                           struct wh_err *err) WH_CHECK;
/* A commit refers to it: it does not expire. */
bool store_content_claim(struct db *db, int64_t repo, const char *sha256,
                         struct wh_err *err) WH_CHECK;
/* Does a commit of this repo refer to it? */
bool store_content_claimed(struct db *db, int64_t repo, const char *sha256,
                           bool *claimed, struct wh_err *err) WH_CHECK;
/* Drop up to 50 that no commit claimed and that are older than `before`. */
bool store_content_expire(struct db *db, int64_t before, size_t *n,
                          struct wh_err *err) WH_CHECK;
/* Clear up to 50 contents and uploads of a deleted repo; *left false when
 * nothing of it remains. */
bool store_content_clear(struct db *db, int64_t repo, bool *left,
                         struct wh_err *err) WH_CHECK;

/* ---- in the clear ---- */

/* DATA/open/<aa>/<sha256> is there, whole and durable. */
bool store_open_add(struct db *db, const char *sha256, uint64_t size,
                    int64_t now, struct wh_err *err) WH_CHECK;
bool store_open_find(struct db *db, const char *sha256, bool *found,
                     uint64_t *size, struct wh_err *err) WH_CHECK;
/* Does a content of any repo, or any git object, need the open form? */
bool store_open_needed(struct db *db, const char *sha256, bool *needed,
                       struct wh_err *err) WH_CHECK;
/* Forget it: nothing needs it. Its file goes after that (hub/open.h). */
bool store_open_drop(struct db *db, const char *sha256,
                     struct wh_err *err) WH_CHECK;
/* The open form exists, so every repo's sealed form of it may go. */
bool store_open_unseal(struct db *db, const char *sha256,
                       struct wh_err *err) WH_CHECK;

#endif
