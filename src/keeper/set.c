/*
 * Sets of containers: digesting them while they are written, and reading them
 * as sources for scanners. Of a thousand containers only a few are open for
 * reading at a time; each open one costs a buffer.
 */
#include "keeper/set.h"

#include "base/arena.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>

#define OPEN_MAX 4u

/* A container open for reading. */
struct reader {
    size_t index;
    uint64_t used; /* when, for choosing the one to close */
    struct store_container *c;
};

struct keeper_set {
    char repo[KEEPER_REPO_MAX];
    size_t repo_n;
    size_t n;
    struct keeper_part *parts; /* room for KEEPER_CONTAINERS_MAX */
    /* digesting */
    size_t at; /* containers before it are done */
    struct store_container_follower *follower; /* of `at`; null: not begun */
    struct wh_sha256 sha;
    uint64_t size;
    bool settled, failed;
    /* reading */
    struct reader open[OPEN_MAX];
    uint64_t uses;
};

/* Context of the source over one container. */
struct source {
    struct keeper_set *set;
    size_t index;
};

struct keeper_set *keeper_set_new(struct wh_str repo)
{
    wh_assert(repo.n <= KEEPER_REPO_MAX);
    struct keeper_set *s = wh_alloc(sizeof *s);
    memcpy(s->repo, repo.p, repo.n);
    s->repo_n = repo.n;
    wh_sha256_init(&s->sha);
    return s;
}

void keeper_set_free(struct keeper_set **sp)
{
    struct keeper_set *s = *sp;
    if (!s) {
        return;
    }
    for (size_t i = 0; i < OPEN_MAX; i++) {
        store_container_close(&s->open[i].c);
    }
    store_container_follower_free(&s->follower);
    for (size_t i = 0; i < s->n; i++) {
        wh_fd_close(&s->parts[i].fd);
    }
    wh_sha256_done(&s->sha);
    wh_wipe(s->parts, s->n * sizeof *s->parts);
    wh_free(s->parts);
    wh_free(s);
    *sp = NULL;
}

struct wh_str keeper_set_repo(const struct keeper_set *s)
{
    return wh_str_mem(s->repo, s->repo_n);
}

size_t keeper_set_count(const struct keeper_set *s)
{
    return s->n;
}

const struct keeper_part *keeper_set_part(const struct keeper_set *s, size_t i)
{
    wh_assert(i < s->n);
    return &s->parts[i];
}

/* Room for one more; grows in a few steps, wiping what it leaves. */
static void make_room(struct keeper_set *s)
{
    if (s->n > 0 && (s->n & (s->n - 1)) != 0) {
        return; /* n is no power of two: there is room */
    }
    size_t cap = s->n == 0 ? 1 : 2 * s->n;
    struct keeper_part *p = wh_calloc(cap, sizeof *p);
    if (s->n > 0) {
        memcpy(p, s->parts, s->n * sizeof *p);
        wh_wipe(s->parts, s->n * sizeof *p);
    }
    wh_free(s->parts);
    s->parts = p;
}

bool keeper_set_add(struct keeper_set *s, const struct keeper_part *part,
                    struct wh_err *err)
{
    if (s->n == KEEPER_CONTAINERS_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "too many parts in one file");
    }
    if (s->settled) {
        return wh_fail(err, WH_CONFLICT, "the file is settled already");
    }
    make_room(s);
    s->parts[s->n++] = *part;
    return true;
}

/* ---- digesting ---- */

static bool digest(void *ctx, struct wh_str bytes, struct wh_err *err)
{
    struct keeper_set *s = ctx;
    (void)err;
    wh_sha256_add(&s->sha, bytes.p, bytes.n);
    return true;
}

static int dup_fd(int fd, struct wh_err *err)
{
    int d = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (d < 0) {
        wh_fail_errno(err, WH_UNAVAILABLE, "keep a container open");
    }
    return d;
}

/* Begin with container `at`. */
static bool follow(struct keeper_set *s, struct wh_err *err)
{
    const struct keeper_part *p = &s->parts[s->at];
    if (s->follower) {
        return true;
    }
    int fd = dup_fd(p->fd, err);
    if (fd < 0) {
        return false;
    }
    s->follower = store_container_follow(fd, p->id, p->key, err);
    return s->follower != NULL;
}

/* Containers before `index` are finished: read the rest of each. */
static bool finish_before(struct keeper_set *s, size_t index,
                          struct wh_err *err)
{
    while (s->at < index) {
        uint64_t length = 0;
        if (!follow(s, err) ||
            !store_container_follow_end(s->follower, digest, s, &length, err)) {
            return false;
        }
        store_container_follower_free(&s->follower);
        if (!wh_add_u64(s->size, length, &s->size) ||
            s->size > STORE_CONTAINER_MAX) {
            return wh_fail(err, WH_TOO_LARGE, "the file is too large");
        }
        s->at++;
    }
    return true;
}

/* After a failure the digest is not that of anything. */
static bool usable(struct keeper_set *s, struct wh_err *err)
{
    return (!s->failed && !s->settled) ||
           wh_fail(err, WH_CONFLICT, "the file can not be settled again");
}

bool keeper_set_feed(struct keeper_set *s, uint32_t index, uint64_t ready,
                     struct wh_err *err)
{
    if (!usable(s, err)) {
        return false;
    }
    if (index >= s->n || index < s->at) {
        return wh_fail(err, WH_BAD_REQUEST, "no such part");
    }
    s->failed = !finish_before(s, index, err) || !follow(s, err) ||
                !store_container_follow_to(s->follower, ready, digest, s, err);
    return !s->failed;
}

bool keeper_set_settle(struct keeper_set *s, char sha256[WH_SHA256_HEX + 1],
                       uint64_t *size, struct wh_err *err)
{
    uint8_t sum[WH_SHA256_LEN];
    if (!usable(s, err)) {
        return false;
    }
    if (s->n == 0) {
        return wh_fail(err, WH_BAD_REQUEST, "no parts to settle");
    }
    s->failed = !finish_before(s, s->n, err);
    if (s->failed) {
        return false;
    }
    s->settled = true;
    wh_sha256_get(&s->sha, sum);
    wh_hex_enc(sum, sizeof sum, sha256);
    *size = s->size;
    return true;
}

/* ---- reading ---- */

/* The reader of container i; the one that was not used for longest makes
 * place. */
static struct store_container *reader_of(struct keeper_set *s, size_t i,
                                         struct wh_err *err)
{
    struct reader *old = &s->open[0];
    for (size_t k = 0; k < OPEN_MAX; k++) {
        struct reader *r = &s->open[k];
        if (r->c && r->index == i) {
            r->used = ++s->uses;
            return r->c;
        }
        if (!r->c || (old->c && r->used < old->used)) {
            old = r;
        }
    }
    store_container_close(&old->c);
    int fd = dup_fd(s->parts[i].fd, err);
    if (fd < 0) {
        return NULL;
    }
    old->c = store_container_open(fd, s->parts[i].id, s->parts[i].key, err);
    old->index = i;
    old->used = ++s->uses;
    return old->c;
}

static bool part_read_at(void *ctx, uint64_t off, void *buf, size_t n,
                         struct wh_err *err)
{
    struct source *src = ctx;
    struct store_container *c = reader_of(src->set, src->index, err);
    return c && wh_src_read(store_container_src(c), off, buf, n, err);
}

bool keeper_set_sources(struct keeper_set *s, struct wh_arena *a,
                        struct wh_src **out, struct wh_err *err)
{
    struct source *ctx = wh_arena_array(a, s->n, sizeof *ctx);
    struct wh_src *src = wh_arena_array(a, s->n, sizeof *src);
    for (size_t i = 0; i < s->n; i++) {
        struct store_container *c = reader_of(s, i, err);
        if (!c) {
            return false;
        }
        ctx[i] = (struct source){.set = s, .index = i};
        src[i] = (struct wh_src){.size = store_container_src(c)->size,
                                 .read_at = part_read_at,
                                 .ctx = &ctx[i]};
    }
    *out = src;
    return true;
}
