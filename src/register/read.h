/*
 * read.h - the register for readers: proofs, entries, files to serve.
 * Owner: what is returned lives in the arena or buffer given.
 * Never: needs the sequencer; reads what is published (and, for entries, the
 * database, cut at the published size).
 */
#ifndef WH_REGISTER_READ_H
#define WH_REGISTER_READ_H

#include "register/register.h"
#include "tlog/tile.h"

/* Reads DATA/register; any number of threads may use one. */
struct register_reader;

/* `dir` is DATA/register, which exists (register_open made it). */
bool register_reader_open(const char *dir, struct register_reader **out,
                          struct wh_err *err) WH_CHECK;
void register_reader_close(struct register_reader **r);
/* Its folder's descriptor, for openat with register_resource.file. */
int register_reader_fd(const struct register_reader *r);

/* Append the tlog-proof text of an entry under the newest published
 * checkpoint. WH_NOT_FOUND when the log has no such entry (yet). */
bool register_proof(const struct register_reader *r, uint64_t index,
                    struct wh_buf *out, struct wh_err *err) WH_CHECK;

/* Entries as JSON, as pages and the API show them: {"index","type","time" (RFC
 * 3339), "leaf": {...}}. New references. Below `size` only, the published one.
 */
bool register_entry_json(struct db *db, struct wh_arena *a, uint64_t index,
                         uint64_t size, json_t **out,
                         struct wh_err *err) WH_CHECK;
/* Newest first, at most limit, with indexes below `before`. */
bool register_entries_json(struct db *db, struct wh_arena *a, uint64_t before,
                           unsigned limit, json_t **out,
                           struct wh_err *err) WH_CHECK;
/* All entries about a subject (64 hex digits) from index `from` on, oldest
 * first, at most limit. Complete: what is not listed is not in the log. */
bool register_entries_for_subject(struct db *db, struct wh_arena *a,
                                  struct wh_str hex, uint64_t from,
                                  uint64_t size, unsigned limit, json_t **out,
                                  struct wh_err *err) WH_CHECK;
/* {"origin","vkey","size","root" (base64),"published" (RFC 3339),"witnesses",
 * "halted","stalled"}. New reference. */
json_t *register_state_json(struct register_log *log);

/* What is served below /register/. */
enum register_resource_kind {
    REGISTER_FILE,       /* file, relative to the reader's folder */
    REGISTER_PROOF,      /* register_proof(number) */
    REGISTER_CHECKPOINT, /* register_checkpoint_at(number) */
    REGISTER_VKEY        /* the status's vkey and a newline */
};
struct register_resource {
    enum register_resource_kind kind;
    char file[TLOG_TILE_NAME];
    uint64_t number;
    const char *type;  /* Content-Type */
    const char *cache; /* Cache-Control of a 200; others get "no-store" */
};

/* Resolve the path after "/register/": checkpoint, tile/..., proof/<index>,
 * checkpoint/<size>, vkey. False when it is none of them, in the one canonical
 * spelling; whether the file is there shows when it is opened. All answers also
 * carry Access-Control-Allow-Origin: *. */
bool register_locate(struct wh_str path,
                     struct register_resource *out) WH_CHECK;
/* The signed checkpoint of a size that was published; WH_NOT_FOUND. */
bool register_checkpoint_at(struct db *db, uint64_t size, uint64_t published,
                            struct wh_buf *out, struct wh_err *err) WH_CHECK;

#endif
