/*
 * container.h - the sealed container: how a blob or a xorb lies on disk.
 * Owner: files, writers and readers belong to the caller; keys are copied and
 * wiped when the object ends.
 * Never: uses a nonce twice (a container is written once, front to back);
 * gives out a byte that did not verify; holds more than about 1 MiB in memory.
 *
 * docs/formats/container.md. In short: 64 KiB records, AES-256-GCM, nonce =
 * record number, associated data = container id and number, tags beside the
 * records, and a sealed trailer (count, length, digest of all tags). All damage
 * is WH_CORRUPT.
 */
#ifndef WH_STORE_CONTAINER_H
#define WH_STORE_CONTAINER_H

#include "base/src.h"
#include "base/str.h"

#define STORE_CONTAINER_ID 16
#define STORE_CONTAINER_KEY 32
#define STORE_CONTAINER_NAME 33 /* the id as hex, and a NUL */
#define STORE_CONTAINER_RECORD 65536u
#define STORE_CONTAINER_MAX (UINT64_C(1) << 44) /* bytes of plaintext */

/* False only in a test build made with -Dunsealed=true, whose containers are
 * plain so that the leak test can fail. */
bool store_container_sealed(void);
/* Lower hex text of an id, and back; false for any other text. */
void store_container_name(const uint8_t id[STORE_CONTAINER_ID],
                          char out[STORE_CONTAINER_NAME]);
bool store_container_id(struct wh_str name,
                        uint8_t out[STORE_CONTAINER_ID]) WH_CHECK;
/* Bytes on disk of a container with this much plaintext. */
uint64_t store_container_disk_size(uint64_t length);

/* ---- files: `root` is a descriptor of DATA/sealed; names are made by id ----
 */

/* A file that has no name until it is linked, so that whatever happens before
 * leaves nothing behind. */
struct store_container_file {
    int root, fd;
    uint8_t id[STORE_CONTAINER_ID];
    bool named; /* file system without O_TMPFILE: "<id>.part" */
};

/* Make the file (and its folder). Needs store_container_drop at the end. */
bool store_container_create(int root, const uint8_t id[STORE_CONTAINER_ID],
                            struct store_container_file *out,
                            struct wh_err *err) WH_CHECK;
/* A new descriptor onto the same file, for reading only. -1 on failure. */
int store_container_reopen(const struct store_container_file *f,
                           struct wh_err *err) WH_CHECK;
/* Give it its name, durably: file, then folder. WH_CONFLICT if the name is
 * taken. */
bool store_container_link(struct store_container_file *f,
                          struct wh_err *err) WH_CHECK;
/* Close; a file that was not linked is gone. Fine on all zero with fd -1. */
void store_container_drop(struct store_container_file *f);
/* Open an existing container for reading; WH_NOT_FOUND. */
int store_container_open_file(int root, const uint8_t id[STORE_CONTAINER_ID],
                              struct wh_err *err) WH_CHECK;
/* Remove it, durably; one that is not there is fine. */
bool store_container_remove(int root, const uint8_t id[STORE_CONTAINER_ID],
                            struct wh_err *err) WH_CHECK;
/* Remove unlinked leftovers ("*.part") of a crash; how many in *n. */
bool store_container_clean(int root, unsigned *n, struct wh_err *err) WH_CHECK;

/* ---- writing ---- */

struct store_container_writer;

/* Write a container from its first byte into fd (empty; stays the caller's).
 */
struct store_container_writer *
store_container_writer_new(int fd, const uint8_t id[STORE_CONTAINER_ID],
                           const uint8_t key[STORE_CONTAINER_KEY]);
/* Append plaintext, any size. After a failure the container is worthless. */
bool store_container_append(struct store_container_writer *w,
                            struct wh_str bytes, struct wh_err *err) WH_CHECK;
/* Bring all whole records into the file, so that a reader can follow. */
bool store_container_flush(struct store_container_writer *w,
                           struct wh_err *err) WH_CHECK;
/* Plaintext bytes that a follower can read by now. */
uint64_t store_container_ready(const struct store_container_writer *w);
/* Plaintext bytes appended. */
uint64_t store_container_length(const struct store_container_writer *w);
/* Write the last record and the trailer, and wait for the disk. Nothing can be
 * appended afterwards. */
bool store_container_finish(struct store_container_writer *w,
                            struct wh_err *err) WH_CHECK;
void store_container_writer_free(struct store_container_writer **w);

/* ---- reading: one thread at a time ---- */

struct store_container;

/* A reader of a finished container: checks header, trailer and file size. fd
 * becomes the reader's, also on failure (null). WH_CORRUPT if it is damaged,
 * or belongs to another id or key. */
struct store_container *
store_container_open(int fd, const uint8_t id[STORE_CONTAINER_ID],
                     const uint8_t key[STORE_CONTAINER_KEY],
                     struct wh_err *err);
/* Any byte range; lives as long as the reader. */
const struct wh_src *store_container_src(const struct store_container *c);
void store_container_close(struct store_container **c);

/* A reader that trails a writer. `take` gets the plaintext in order. */
struct store_container_follower;
typedef bool store_container_take(void *ctx, struct wh_str bytes,
                                  struct wh_err *err);
/* Begin; the header must be there already (after a flush). fd as above. */
struct store_container_follower *
store_container_follow(int fd, const uint8_t id[STORE_CONTAINER_ID],
                       const uint8_t key[STORE_CONTAINER_KEY],
                       struct wh_err *err);
/* Read on until `upto` plaintext bytes (rounded down to whole records) have
 * been given to take. Asking for what was read already does nothing. */
bool store_container_follow_to(struct store_container_follower *f,
                               uint64_t upto, store_container_take *take,
                               void *ctx, struct wh_err *err) WH_CHECK;
/* The writer has finished: read the rest, then check the trailer: count,
 * length, digest of all tags, file size, and that unused bytes are zero. */
bool store_container_follow_end(struct store_container_follower *f,
                                store_container_take *take, void *ctx,
                                uint64_t *length, struct wh_err *err) WH_CHECK;
void store_container_follower_free(struct store_container_follower **f);

/* ---- several as one ---- */

struct wh_arena;
/* A source over n sources in order; they stay the caller's and must outlive
 * it. ctx lives in the arena. WH_TOO_LARGE if the sizes overflow. */
bool store_joined_src(struct wh_arena *a, const struct wh_src *parts, size_t n,
                      struct wh_src *out, struct wh_err *err) WH_CHECK;

#endif
