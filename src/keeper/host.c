/*
 * HOST: read the papers, judge them for hosting, decrypt into a memory file,
 * write the ledger, and give the file to the engines: never to who asked.
 */
#include "keeper/server.h"

#include "base/enc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE ((size_t)1 << 20)

/* The scan of the content itself: engines read one format, and no file in which
 * a scanner found something that can harm. */
static bool runs(const struct keeper_case *c, struct wh_err *err)
{
    for (size_t i = 0; i < c->nscans; i++) {
        const struct keeper_scan_doc *s = &c->scans[i];
        const char *format =
            json_string_value(json_object_get(s->result, "format"));
        if (!wh_str_eq(s->sha256, c->content.sha256) ||
            s->size != c->content.size) {
            continue;
        }
        if (!format || strcmp(format, "gguf") != 0) {
            return wh_fail(err, WH_REFUSED,
                           "engines run files of the format "
                           "GGUF only");
        }
        if (!json_is_true(json_object_get(s->result, "verifiable")) ||
            keeper_scan_dangerous(s->result)) {
            return wh_fail(err, WH_REFUSED,
                           "the file is not verifiable or has a dangerous "
                           "finding, so no engine is given it");
        }
        return true;
    }
    return wh_fail(err, WH_FORBIDDEN, "a file of weights was not weighed");
}

/* ---- the memory file ---- */

/* A memory file of this size, kept out of swap by *map (null where the host
 * does not allow that) while it is filled. */
static int file_make(size_t size, void **map, struct wh_err *err)
{
    int fd = memfd_create("weights", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    *map = NULL;
    if (fd < 0 || ftruncate(fd, (off_t)size) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0) {
        wh_fail_errno(err, WH_UNAVAILABLE, "make a memory file");
        wh_fd_close(&fd);
        return -1;
    }
    void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (p != MAP_FAILED && mlock(p, size) == 0) {
        *map = p;
    } else if (p != MAP_FAILED) {
        (void)munmap(p, size);
    }
    return fd;
}

/* Decrypt all of it; the digest is checked once more on the way. */
static bool file_fill(int fd, const struct wh_src *whole,
                      const struct keeper_content_doc *content,
                      struct wh_err *err)
{
    struct wh_sha256 sha;
    uint8_t *piece = wh_alloc(PIECE);
    char hex[WH_SHA256_HEX + 1];
    uint8_t digest[32];
    bool ok = true;
    wh_sha256_init(&sha);
    for (uint64_t at = 0; ok && at < whole->size; at += PIECE) {
        uint64_t left = whole->size - at;
        size_t n = left < PIECE ? (size_t)left : PIECE;
        ok = wh_src_read(whole, at, piece, n, err) &&
             wh_fd_pwrite(fd, at, piece, n, err);
        wh_sha256_add(&sha, piece, n);
    }
    wh_sha256_get(&sha, digest);
    wh_sha256_done(&sha);
    wh_wipe(piece, PIECE);
    wh_free(piece);
    wh_hex_enc(digest, sizeof digest, hex);
    return ok &&
           (wh_str_is(content->sha256, hex) || wh_fail(err, WH_CORRUPT, ""));
}

static bool file_seal(int fd, struct wh_err *err)
{
    return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) == 0 ||
           wh_fail_errno(err, WH_UNAVAILABLE, "seal a memory file");
}

/* The plaintext as a sealed memory file, or -1. Older kernels seal no file that
 * is mapped, so the lock ends here; the engines lock it again at once. */
static int file_of(struct keeper_set *s, const struct keeper_case *c,
                   struct wh_err *err)
{
    struct wh_src *parts, whole;
    void *map;
    if (!keeper_set_sources(s, c->a, &parts, err) ||
        !store_joined_src(c->a, parts, keeper_set_count(s), &whole, err)) {
        return -1;
    }
    if (whole.size != c->content.size || whole.size == 0) {
        wh_fail(err, WH_CORRUPT, "");
        return -1;
    }
    int fd = file_make((size_t)whole.size, &map, err);
    bool ok = fd >= 0 && file_fill(fd, &whole, &c->content, err);
    if (map) {
        (void)munmap(map, (size_t)whole.size);
    }
    if (!ok || !file_seal(fd, err)) {
        wh_fd_close(&fd);
    }
    return fd;
}

/* ---- the operation ---- */

static bool give(struct keeper *k, struct keeper_set *s, struct keeper_case *c,
                 struct keeper_hand *h, bool *locked, struct wh_err *err)
{
    h->fd = file_of(s, c, err);
    bool ok = h->fd >= 0 && keeper_ledger_opening(k, "host", c, err) &&
              keeper_giver_give(k->giver, h, locked, err);
    wh_fd_close(&h->fd);
    return ok;
}

bool keeper_op_host(struct keeper *k, struct proc_request *rq,
                    struct wh_err *err)
{
    struct keeper_set *s = keeper_rq_set(rq, err);
    struct keeper_case c = {.a = rq->arena};
    bool there = false, locked = false;
    if (!s || !keeper_papers_judge(k, rq, s, RULE_TIER_HOSTED, &c, err) ||
        !runs(&c, err)) {
        return false;
    }
    struct keeper_hand h = {
        .bytes = c.content.size, .until = (uint64_t)c.until, .fd = -1};
    memcpy(h.sha256, c.content.sha256.p, WH_SHA256_HEX);
    if (!keeper_giver_room(k->giver, &h, &there, err) ||
        (!there && !give(k, s, &c, &h, &locked, err))) {
        return false;
    }
    struct wh_buf b;
    wh_buf_init(&b, 64);
    wh_buf_u8(&b, there ? 1 : 0);
    wh_buf_u8(&b, locked ? 1 : 0);
    bool ok = keeper_rq_reply(rq, &b, err);
    wh_buf_done(&b);
    return ok;
}
