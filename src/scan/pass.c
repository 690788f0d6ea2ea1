/*
 * pass.c - see pass.h. Each piece of the file is cut at the borders of tensors:
 * what lies inside one goes to its XXH3-128 state, what lies between two must
 * be zero. The header itself was read by the parser and only enters the digest
 * of the file here.
 */
#include "scan/pass.h"

#include "base/mem.h"
#include "scan/encoded.h"
#include "scan/utf8.h"

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#define PIECE (1u << 20)

struct run {
    struct scan_ctx *c;
    struct scan_pass *p;
    struct scan_utf8 utf8;
    struct scan_encoded encoded;
    struct wh_sha256 sha;
    XXH3_state_t *xxh;
    size_t tensor; /* index of the current one */
    bool open;     /* its state was started */
    uint64_t at;   /* offset of the byte to be judged next */
    struct wh_err *err;
};

static bool all_zero(const uint8_t *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static struct scan_tensor *current(struct run *r)
{
    struct scan_tensors *t = r->p->tensors;
    return t && r->tensor < t->n ? &t->list[r->tensor] : NULL;
}

static void finish_tensor(struct run *r, struct scan_tensor *x)
{
    XXH128_canonical_t canonical;
    if (!r->open) {
        (void)XXH3_128bits_reset(r->xxh);
    }
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(r->xxh));
    memcpy(x->hash, canonical.digest, sizeof x->hash);
    r->open = false;
    r->tensor++;
}

/* Finish all tensors that end here (empty ones too). */
static void finish_ended(struct run *r)
{
    for (struct scan_tensor *x = current(r); x && x->end <= r->at;
         x = current(r)) {
        finish_tensor(r, x);
    }
}

/* Bytes from `at` on up to the next border, at most n. */
static size_t until(uint64_t at, uint64_t border, size_t n)
{
    return border - at < n ? (size_t)(border - at) : n;
}

static bool judge_gap(struct run *r, const uint8_t *p, size_t n)
{
    return all_zero(p, n) || scan_fault(r->c, r->err, SCAN_F_BYTES_UNEXPLAINED,
                                        r->at, "padding that is not zero");
}

/* One part of a piece that lies wholly inside or outside a tensor; *taken says
 * how long it is. */
static bool judge_part(struct run *r, const uint8_t *p, size_t n, size_t *taken)
{
    struct scan_tensor *x = current(r);
    if (!x) {
        *taken = n;
        return judge_gap(r, p, n);
    }
    if (r->at < x->begin) {
        *taken = until(r->at, x->begin, n);
        return judge_gap(r, p, *taken);
    }
    *taken = until(r->at, x->end, n);
    if (!r->open) {
        (void)XXH3_128bits_reset(r->xxh);
        r->open = true;
    }
    (void)XXH3_128bits_update(r->xxh, p, *taken);
    return true;
}

/* A piece of the file, of which the part before header_end is skipped. */
static bool judge_piece(struct run *r, const uint8_t *p, size_t n)
{
    if (r->at < r->p->header_end) {
        size_t skip = until(r->at, r->p->header_end, n);
        p += skip;
        n -= skip;
        r->at += skip;
    }
    while (n > 0) {
        size_t taken;
        finish_ended(r);
        if (!judge_part(r, p, n, &taken)) {
            return false;
        }
        p += taken;
        n -= taken;
        r->at += taken;
    }
    return true;
}

static bool read_all(struct run *r, uint8_t *buf)
{
    const struct wh_src *src = r->c->src;
    bool digest = r->c->opt->sha256;
    uint64_t from = digest || r->p->text ? 0 : r->p->header_end;
    r->at = from;
    for (uint64_t off = from; off < src->size;) {
        size_t n = until(off, src->size, PIECE);
        if (!wh_src_read(src, off, buf, n, r->err)) {
            return false;
        }
        if (digest) {
            wh_sha256_add(&r->sha, buf, n);
        }
        if (r->p->text && !scan_utf8_add(&r->utf8, buf, n)) {
            r->p->text = false;
            if (!digest && !r->p->tensors) {
                return true; /* nothing else to find out */
            }
        }
        if (r->p->text) {
            scan_encoded_add(&r->encoded, buf, n);
        }
        if (r->p->tensors && !judge_piece(r, buf, n)) {
            return false;
        }
        off += n;
    }
    finish_ended(r);
    return true;
}

bool scan_pass_run(struct scan_ctx *c, struct scan_pass *p, struct wh_err *err)
{
    struct run r = {.c = c, .p = p, .err = err};
    _Alignas(64) XXH3_state_t state;
    XXH3_INITSTATE(&state);
    r.xxh = &state;
    uint8_t *buf = wh_alloc(PIECE);
    wh_sha256_init(&r.sha);
    bool ok = read_all(&r, buf);
    if (ok) {
        p->text = p->text && scan_utf8_end(&r.utf8);
        p->encoded = scan_encoded_total(&r.encoded);
        wh_assert(!p->tensors || r.tensor == p->tensors->n);
        if (c->opt->sha256) {
            c->r->has_sha256 = true;
            wh_sha256_get(&r.sha, c->r->sha256);
        }
    }
    wh_sha256_done(&r.sha);
    wh_free(buf);
    return ok;
}
