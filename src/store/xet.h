/*
 * xet.h - xorbs of running uploads as rows.
 * Owner: results live in the caller's arena or memory.
 * Never: tells one repo of another's xorbs; touches a file; opens a
 * transaction: functions that change rows run inside a db_write function.
 */
#ifndef WH_STORE_XET_H
#define WH_STORE_XET_H

#include "store/content.h"

#define STORE_XORB_HASH 32
/* Expired xorbs that one call ends. */
#define STORE_XORB_EXPIRE 50

/* A verified xorb in a finished container, with its chunk table. *added is
 * false, and nothing changes, when the repo has it already. */
bool store_xorb_add(struct db *db, int64_t repo,
                    const uint8_t hash[STORE_XORB_HASH],
                    const uint8_t container[STORE_CONTAINER_ID],
                    struct wh_str chunks, int64_t now, bool *added,
                    struct wh_err *err) WH_CHECK;
/* The row of a repo's xorb, or 0. */
bool store_xorb_find(struct db *db, int64_t repo,
                     const uint8_t hash[STORE_XORB_HASH], int64_t *id,
                     struct wh_err *err) WH_CHECK;
/* An upload names it now, so it stays. */
bool store_xorb_touch(struct db *db, int64_t id, int64_t now,
                      struct wh_err *err) WH_CHECK;
/* Row and chunk table of a repo's xorb; *id is 0 when there is none. */
bool store_xorb_chunks(struct db *db, struct wh_arena *a, int64_t repo,
                       const uint8_t hash[STORE_XORB_HASH], int64_t *id,
                       struct wh_str *chunks, struct wh_err *err) WH_CHECK;
/* Where its bytes are; WH_NOT_FOUND. */
bool store_xorb_container(struct db *db, int64_t repo,
                          const uint8_t hash[STORE_XORB_HASH],
                          struct store_container_row *out,
                          struct wh_err *err) WH_CHECK;
/* Forget up to STORE_XORB_EXPIRE that no upload has named since `before`, and
 * give up their containers; how many in *n. */
bool store_xorb_expire(struct db *db, int64_t before, size_t *n,
                       struct wh_err *err) WH_CHECK;

#endif
