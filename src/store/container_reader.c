/*
 * Reading containers: any range of a finished one, or all of one from front to
 * back, while it is still being written. Whole records are decrypted where the
 * caller wants them; one record is kept for small reads.
 */
#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "store/container_impl.h"

#define NO_RECORD UINT64_MAX

struct store_container {
    int fd;
    struct store_sealer sealer;
    struct wh_src src;
    uint64_t kept; /* the record in `record` */
    uint8_t record[RECORD];
};

struct store_container_follower {
    int fd;
    struct store_sealer sealer;
    struct wh_sha256 digest;
    uint64_t next; /* record */
    uint8_t buf[BATCH * RECORD];
};

/* ---- ranges ---- */

/* Whole records of [off, off + n) that can be read at once from r on. */
static uint64_t run_of(uint64_t length, uint64_t r, uint64_t off, size_t n)
{
    uint64_t end = off + n;
    uint64_t most = GROUP - r % GROUP;
    uint64_t run = 0;
    most = most < BATCH ? most : BATCH;
    while (run < most && r + run < store_container_count(length) &&
           (r + run) * RECORD + store_container_record_size(length, r + run) <=
               end) {
        run++;
    }
    return run;
}

static bool keep_record(struct store_container *c, uint64_t r,
                        struct wh_err *err)
{
    uint8_t tags[BATCH * TAG];
    if (c->kept == r) {
        return true;
    }
    c->kept = NO_RECORD;
    if (!store_container_load(c->fd, &c->sealer, r, 1, c->src.size, c->record,
                              tags, err)) {
        return false;
    }
    c->kept = r;
    return true;
}

/* Read up to n bytes at off; how many in *done, at least one. */
static bool read_some(struct store_container *c, uint64_t off, uint8_t *out,
                      size_t n, size_t *done, struct wh_err *err)
{
    uint64_t r = off / RECORD;
    size_t at = (size_t)(off % RECORD);
    uint64_t run = at == 0 && r != c->kept ? run_of(c->src.size, r, off, n) : 0;
    if (run > 0) {
        uint8_t tags[BATCH * TAG];
        *done = (size_t)(run - 1) * RECORD +
                store_container_record_size(c->src.size, r + run - 1);
        return store_container_load(c->fd, &c->sealer, r, run, c->src.size, out,
                                    tags, err);
    }
    if (!keep_record(c, r, err)) {
        return false;
    }
    size_t left = store_container_record_size(c->src.size, r) - at;
    *done = n < left ? n : left;
    memcpy(out, c->record + at, *done);
    return true;
}

static bool container_read_at(void *ctx, uint64_t off, void *buf, size_t n,
                              struct wh_err *err)
{
    uint8_t *out = buf;
    while (n > 0) {
        size_t done = 0;
        if (!read_some(ctx, off, out, n, &done, err)) {
            return false;
        }
        out += done;
        off += done;
        n -= done;
    }
    return true;
}

struct store_container *
store_container_open(int fd, const uint8_t id[STORE_CONTAINER_ID],
                     const uint8_t key[STORE_CONTAINER_KEY], struct wh_err *err)
{
    struct store_container *c = wh_alloc(sizeof *c);
    struct store_trailer t;
    c->fd = fd;
    c->kept = NO_RECORD;
    store_sealer_init(&c->sealer, id, key);
    if (!store_container_check_header(fd, id, err) ||
        !store_trailer_read(fd, &c->sealer, &t, err) ||
        !store_container_check_unused(fd, t.count, err)) {
        store_container_close(&c);
        return NULL;
    }
    c->src = (struct wh_src){
        .size = t.length, .read_at = container_read_at, .ctx = c};
    return c;
}

const struct wh_src *store_container_src(const struct store_container *c)
{
    return &c->src;
}

void store_container_close(struct store_container **cp)
{
    struct store_container *c = *cp;
    if (!c) {
        return;
    }
    store_sealer_done(&c->sealer);
    wh_fd_close(&c->fd);
    wh_wipe(c->record, sizeof c->record);
    wh_free(c);
    *cp = NULL;
}

/* ---- from front to back ---- */

struct store_container_follower *
store_container_follow(int fd, const uint8_t id[STORE_CONTAINER_ID],
                       const uint8_t key[STORE_CONTAINER_KEY],
                       struct wh_err *err)
{
    struct store_container_follower *f = wh_alloc(sizeof *f);
    f->fd = fd;
    store_sealer_init(&f->sealer, id, key);
    wh_sha256_init(&f->digest);
    if (!store_container_check_header(fd, id, err)) {
        store_container_follower_free(&f);
    }
    return f;
}

/* Read records up to `last` (not included) of a container of this length. */
static bool follow_records(struct store_container_follower *f, uint64_t last,
                           uint64_t length, store_container_take *take,
                           void *ctx, struct wh_err *err)
{
    uint8_t tags[BATCH * TAG];
    while (f->next < last) {
        uint64_t n = last - f->next;
        uint64_t group = GROUP - f->next % GROUP;
        n = n < BATCH ? n : BATCH;
        n = n < group ? n : group;
        size_t bytes = (size_t)(n - 1) * RECORD +
                       store_container_record_size(length, f->next + n - 1);
        if (!store_container_load(f->fd, &f->sealer, f->next, n, length, f->buf,
                                  tags, err) ||
            !take(ctx, wh_str_mem(f->buf, bytes), err)) {
            return false;
        }
        wh_sha256_add(&f->digest, tags, (size_t)n * TAG);
        f->next += n;
    }
    return true;
}

bool store_container_follow_to(struct store_container_follower *f,
                               uint64_t upto, store_container_take *take,
                               void *ctx, struct wh_err *err)
{
    if (upto > STORE_CONTAINER_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "");
    }
    uint64_t last = upto / RECORD;
    return follow_records(f, last, last * RECORD, take, ctx, err);
}

bool store_container_follow_end(struct store_container_follower *f,
                                store_container_take *take, void *ctx,
                                uint64_t *length, struct wh_err *err)
{
    struct store_trailer t;
    uint8_t digest[32];
    if (!store_trailer_read(f->fd, &f->sealer, &t, err)) {
        return false;
    }
    if (f->next > t.count) {
        return wh_fail(err, WH_CORRUPT, "");
    }
    if (!follow_records(f, t.count, t.length, take, ctx, err) ||
        !store_container_check_unused(f->fd, t.count, err)) {
        return false;
    }
    wh_sha256_get(&f->digest, digest);
    if (memcmp(digest, t.digest, sizeof digest) != 0) {
        return wh_fail(err, WH_CORRUPT, "");
    }
    *length = t.length;
    return true;
}

void store_container_follower_free(struct store_container_follower **fp)
{
    struct store_container_follower *f = *fp;
    if (!f) {
        return;
    }
    store_sealer_done(&f->sealer);
    wh_sha256_done(&f->digest);
    wh_fd_close(&f->fd);
    wh_wipe(f->buf, sizeof f->buf);
    wh_free(f);
    *fp = NULL;
}

/* ---- several as one ---- */

struct joined {
    const struct wh_src *parts;
    uint64_t *starts; /* of each part; n + 1 entries */
    size_t n;
};

/* The part that holds byte off: the last one that starts at or before it. */
static size_t part_at(const struct joined *j, uint64_t off)
{
    size_t lo = 0, hi = j->n;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (j->starts[mid] <= off) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static bool joined_read_at(void *ctx, uint64_t off, void *buf, size_t n,
                           struct wh_err *err)
{
    const struct joined *j = ctx;
    uint8_t *out = buf;
    for (size_t i = part_at(j, off); n > 0; i++) {
        uint64_t at = off - j->starts[i];
        uint64_t left = j->parts[i].size - at;
        size_t k = left < n ? (size_t)left : n;
        if (!wh_src_read(&j->parts[i], at, out, k, err)) {
            return false;
        }
        out += k;
        off += k;
        n -= k;
    }
    return true;
}

bool store_joined_src(struct wh_arena *a, const struct wh_src *parts, size_t n,
                      struct wh_src *out, struct wh_err *err)
{
    struct joined *j = WH_NEW(a, struct joined);
    j->parts = parts;
    j->n = n;
    j->starts = wh_arena_array(a, n + 1, sizeof *j->starts);
    for (size_t i = 0; i < n; i++) {
        if (!wh_add_u64(j->starts[i], parts[i].size, &j->starts[i + 1])) {
            return wh_fail(err, WH_TOO_LARGE, "");
        }
    }
    *out = (struct wh_src){
        .size = j->starts[n], .read_at = joined_read_at, .ctx = j};
    return true;
}
