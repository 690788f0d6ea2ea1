/*
 * Writing a container: plaintext in, any size; ciphertext out in pieces of
 * several records, with the page of tags beside them rewritten each time, so
 * that a follower can read as far as the last piece. A record is sealed when it
 * is full, or when nothing follows it; it is never sealed twice.
 */
#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "store/container_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Ask the disk to begin with what was written, every so many bytes, so that
 * the sync at the end has little left to do. */
#define WRITEBACK (8u << 20)

struct store_container_writer {
    int fd;
    bool begun, finished;
    struct store_sealer sealer;
    struct wh_sha256 digest; /* of all tags */
    uint64_t sealed;         /* records sealed */
    uint64_t written;        /* records in the file */
    size_t partial;          /* plaintext of the record after them */
    uint64_t synced;         /* file offset up to which writeback was asked */
    uint8_t tags[PAGE];      /* of the group of the last sealed record */
    uint8_t buf[BATCH * RECORD]; /* records from `written` on */
};

static uint8_t *next_slot(struct store_container_writer *w)
{
    return w->buf + (w->sealed - w->written) * RECORD;
}

static void start_writeback(struct store_container_writer *w, uint64_t end)
{
    if (end - w->synced >= WRITEBACK) {
        /* only a hint: the sync at the end is what counts */
        (void)sync_file_range(w->fd, (off_t)w->synced, (off_t)(end - w->synced),
                              SYNC_FILE_RANGE_WRITE);
        w->synced = end;
    }
}

static bool begin(struct store_container_writer *w, struct wh_err *err)
{
    uint8_t page[PAGE];
    if (w->begun) {
        return true;
    }
    store_container_header(w->sealer.id, page);
    w->begun = true;
    return wh_fd_pwrite(w->fd, 0, page, PAGE, err);
}

/* Write what is sealed and not written; all of it is of one group. tail is
 * what the last record lacks to be full. */
static bool write_out(struct store_container_writer *w, size_t tail,
                      struct wh_err *err)
{
    uint64_t n = w->sealed - w->written;
    if (!begin(w, err)) {
        return false;
    }
    if (n == 0) {
        return true;
    }
    uint64_t at = store_container_record_at(w->written);
    uint64_t page = store_container_tag_at(w->written / GROUP * GROUP);
    size_t bytes = (size_t)n * RECORD - tail;
    if (!wh_fd_pwrite(w->fd, page, w->tags, PAGE, err) ||
        !wh_fd_pwrite(w->fd, at, w->buf, bytes, err)) {
        return false;
    }
    w->written = w->sealed;
    if (w->written % GROUP == 0) {
        memset(w->tags, 0, PAGE);
    }
    start_writeback(w, at + bytes);
    return true;
}

/* Seal the next record out of `in`. */
static bool seal(struct store_container_writer *w, const void *in, size_t n,
                 struct wh_err *err)
{
    uint8_t *tag = w->tags + w->sealed % GROUP * TAG;
    store_sealer_seal(&w->sealer, w->sealed, in, n, next_slot(w), tag);
    wh_sha256_add(&w->digest, tag, TAG);
    w->sealed++;
    w->partial = 0;
    if (w->sealed - w->written == BATCH || w->sealed % GROUP == 0) {
        return write_out(w, RECORD - n, err);
    }
    return true;
}

struct store_container_writer *
store_container_writer_new(int fd, const uint8_t id[STORE_CONTAINER_ID],
                           const uint8_t key[STORE_CONTAINER_KEY])
{
    struct store_container_writer *w = wh_alloc(sizeof *w);
    w->fd = fd;
    store_sealer_init(&w->sealer, id, key);
    wh_sha256_init(&w->digest);
    return w;
}

bool store_container_append(struct store_container_writer *w,
                            struct wh_str bytes, struct wh_err *err)
{
    wh_assert(!w->finished);
    if (bytes.n > STORE_CONTAINER_MAX - store_container_length(w)) {
        return wh_fail(err, WH_TOO_LARGE, "the file is larger than allowed");
    }
    while (bytes.n > 0) {
        size_t room = RECORD - w->partial;
        size_t n = bytes.n < room ? bytes.n : room;
        if (n == RECORD) { /* straight from the caller's memory */
            if (!seal(w, bytes.p, RECORD, err)) {
                return false;
            }
        } else {
            memcpy(next_slot(w) + w->partial, bytes.p, n);
            w->partial += n;
            if (w->partial == RECORD && !seal(w, next_slot(w), RECORD, err)) {
                return false;
            }
        }
        bytes = wh_str_sub(bytes, n, bytes.n);
    }
    return true;
}

bool store_container_flush(struct store_container_writer *w, struct wh_err *err)
{
    wh_assert(!w->finished);
    uint64_t n = w->sealed - w->written;
    if (!write_out(w, 0, err)) {
        return false;
    }
    /* the begun record moves to the front of the buffer */
    memmove(w->buf, w->buf + n * RECORD, w->partial);
    return true;
}

uint64_t store_container_ready(const struct store_container_writer *w)
{
    return w->written * RECORD;
}

uint64_t store_container_length(const struct store_container_writer *w)
{
    return w->sealed * RECORD + w->partial;
}

static void put_u64le(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}

static bool write_trailer(struct store_container_writer *w, uint64_t length,
                          struct wh_err *err)
{
    uint8_t t[TRAILER];
    put_u64le(t, w->sealed);
    put_u64le(t + 8, length);
    wh_sha256_get(&w->digest, t + 16);
    store_sealer_seal(&w->sealer, TRAILER_NUMBER, t, TRAILER_PLAIN, t,
                      t + TRAILER_PLAIN);
    return wh_fd_pwrite(w->fd, store_container_end_at(length), t, TRAILER, err);
}

bool store_container_finish(struct store_container_writer *w,
                            struct wh_err *err)
{
    wh_assert(!w->finished);
    uint64_t length = store_container_length(w);
    size_t last = w->partial;
    size_t tail = 0;
    w->finished = true;
    if (last > 0) {
        tail = RECORD - last;
        if (!seal(w, next_slot(w), last, err)) {
            return false;
        }
    }
    if (!write_out(w, tail, err) || !write_trailer(w, length, err)) {
        return false;
    }
    return fsync(w->fd) == 0 || wh_fail_errno(err, WH_IO, "sync a container");
}

void store_container_writer_free(struct store_container_writer **wp)
{
    struct store_container_writer *w = *wp;
    if (!w) {
        return;
    }
    store_sealer_done(&w->sealer);
    wh_sha256_done(&w->digest);
    wh_wipe(w->buf, sizeof w->buf);
    wh_free(w);
    *wp = NULL;
}
