/*
 * rows.h - the register's tables as typed calls; for this room only.
 * Owner: rows are plain values; texts live in the arena given.
 * Never: changes an entry or a head that is stored.
 */
#ifndef WH_REGISTER_ROWS_H
#define WH_REGISTER_ROWS_H

#include "db/db.h"
#include "tlog/note.h"
#include "tlog/tile.h"

/* The one row of log_state. */
struct register_state_row {
    char vkey[TLOG_VKEY_TEXT];
    int64_t epoch;
    uint64_t size, published_size, swept_size;
    struct tlog_hash root;
    int64_t published_at;
};

/* A signed head; the note lives in the arena. */
struct register_cp_row {
    uint64_t size;
    struct tlog_hash root;
    struct wh_str note;
    int64_t signed_at;
};

/* What waits: lowest and highest id (0: nothing), when the oldest came. */
struct register_span_row {
    int64_t first, last, created;
};

/* State; WH_NOT_FOUND when the log has not begun. */
bool register_row_state(struct db *db, struct register_state_row *out,
                        struct wh_err *err) WH_CHECK;
bool register_row_span(struct db *db, struct register_span_row *out,
                       struct wh_err *err) WH_CHECK;
/* Newest signed head, or the one of a size; WH_NOT_FOUND. */
bool register_row_cp_newest(struct db *db, struct wh_arena *a,
                            struct register_cp_row *out,
                            struct wh_err *err) WH_CHECK;
bool register_row_cp(struct db *db, struct wh_arena *a, uint64_t size,
                     struct register_cp_row *out, struct wh_err *err) WH_CHECK;

/* Leaf hashes of [from, to) into out, all of them or WH_CORRUPT. */
bool register_row_hashes(struct db *db, uint64_t from, uint64_t to,
                         struct tlog_hash *out, struct wh_err *err) WH_CHECK;
/* Append the bundle of entries [from, to), at most 256, and give their leaf
 * hashes, made from the bytes and compared with the stored ones (WH_CORRUPT).
 */
bool register_row_bundle(struct db *db, uint64_t from, uint64_t to,
                         struct wh_buf *bundle, struct tlog_hash *hashes,
                         struct wh_err *err) WH_CHECK;
/* Newest entry's time (unix s) and when it was sequenced (us); 0 if none. */
bool register_row_newest_time(struct db *db, int64_t *t, int64_t *sequenced_at,
                              struct wh_err *err) WH_CHECK;
/* Outbox id of the entry at index; 0 if there is none. */
bool register_row_outbox_at(struct db *db, uint64_t index, int64_t *out,
                            struct wh_err *err) WH_CHECK;
/* Index of an outbox id; WH_NOT_FOUND while it waits. */
bool register_row_index_of(struct db *db, int64_t outbox, uint64_t *out,
                           struct wh_err *err) WH_CHECK;

#endif
