/*
 * shard.c - everything in a shard is a 48-byte record, so a count is believed
 * only as far as that many records are left. The file is read once, front to
 * back; a footer carries nothing that we need.
 */
#include "scan/shard.h"

#include "base/rd.h"
#include "base/win.h"

#define RECORD 48u
#define FOOTER 200u
#define FORMAT_VERSION 2u
#define VERSION 1 /* of our own byte form */
#define FLAG_RANGES 0x80000000u
#define FLAG_SHA256 0x40000000u

static const uint8_t tag[32] = {0x48, 0x46, 0x52, 0x65, 0x70, 0x6f, 0x4d, 0x65,
                                0x74, 0x61, 0x44, 0x61, 0x74, 0x61, 0x00, 0x55,
                                0x69, 0x67, 0x45, 0x6a, 0x7b, 0x81, 0x57, 0x83,
                                0xa5, 0xbd, 0xd9, 0x5c, 0xcd, 0xd1, 0x4a, 0xa9};

struct parse {
    struct wh_win w;
    struct wh_arena *a;
    struct wh_err *err;
};

/* A section is a list of unknown length; it grows by doubling in the arena. */
struct list {
    void *p;
    uint32_t n, cap;
};

static void *grow(struct wh_arena *a, struct list *l, size_t size)
{
    if (l->n == l->cap) {
        uint32_t cap = l->cap ? l->cap * 2 : 8;
        void *p = wh_arena_array(a, cap, size);
        if (l->n > 0) {
            memcpy(p, l->p, l->n * size);
        }
        l->p = p;
        l->cap = cap;
    }
    return (char *)l->p + (size_t)l->n++ * size;
}

static bool bad(struct parse *p, const char *what)
{
    if (p->w.failed) {
        return false;
    }
    return wh_fail(p->err, WH_BAD_REQUEST, "shard: %s",
                   p->w.bad ? "it ends too early" : what);
}

/* One record as a reader over `raw`. */
static bool record(struct parse *p, uint8_t raw[RECORD], struct wh_rd *r)
{
    wh_rd_init(r, raw, RECORD);
    return wh_win_copy(&p->w, raw, RECORD) || bad(p, "");
}

/* n records are there. */
static bool enough(struct parse *p, uint64_t n)
{
    return n <= wh_win_left(&p->w) / RECORD ||
           wh_fail(p->err, WH_BAD_REQUEST,
                   "shard: it announces more records than it has");
}

static bool is_end(const uint8_t hash[32])
{
    for (unsigned i = 0; i < 32; i++) {
        if (hash[i] != 0xff) {
            return false;
        }
    }
    return true;
}

static bool read_terms(struct parse *p, struct scan_shard_file *f)
{
    uint8_t raw[RECORD];
    struct wh_rd r;
    for (uint32_t i = 0; i < f->count; i++) {
        struct scan_shard_term *t = &f->terms[i];
        if (!record(p, raw, &r)) {
            return false;
        }
        wh_rd_copy(&r, t->xorb.b, 32);
        (void)wh_rd_u32le(&r); /* flags: none is defined */
        t->raw = wh_rd_u32le(&r);
        t->start = wh_rd_u32le(&r);
        t->end = wh_rd_u32le(&r);
        if (t->end <= t->start) {
            return bad(p, "a term without chunks");
        }
    }
    return true;
}

static bool read_ranges(struct parse *p, struct scan_shard_file *f)
{
    uint8_t raw[RECORD];
    struct wh_rd r;
    for (uint32_t i = 0; i < f->count; i++) {
        if (!record(p, raw, &r)) {
            return false;
        }
        wh_rd_copy(&r, f->terms[i].range.b, 32);
        f->terms[i].has_range = true;
    }
    return true;
}

static bool read_sha256(struct parse *p, struct scan_shard_file *f)
{
    uint8_t raw[RECORD];
    struct wh_rd r;
    if (!record(p, raw, &r)) {
        return false;
    }
    scan_xet_swap_sha256(raw, f->sha256);
    f->has_sha256 = true;
    return true;
}

/* What follows a file's header record. */
static bool read_file(struct parse *p, struct scan_shard_file *f,
                      uint32_t flags)
{
    uint64_t records = f->count;
    if (flags & FLAG_RANGES) {
        records *= 2;
    }
    if (!enough(p, records + (flags & FLAG_SHA256 ? 1 : 0))) {
        return false;
    }
    f->terms = wh_arena_array(p->a, f->count, sizeof *f->terms);
    return read_terms(p, f) && (!(flags & FLAG_RANGES) || read_ranges(p, f)) &&
           (!(flags & FLAG_SHA256) || read_sha256(p, f)) &&
           !wh_arena_over(p->a, p->err);
}

static bool read_files(struct parse *p, struct scan_shard *out)
{
    struct list l = {0};
    uint8_t raw[RECORD];
    struct wh_rd r;
    for (;;) { /* ends: each turn takes a record or fails */
        if (!record(p, raw, &r)) {
            return false;
        }
        if (is_end(raw)) {
            out->files = l.p;
            out->nfiles = l.n;
            return true;
        }
        struct scan_shard_file *f = grow(p->a, &l, sizeof *f);
        wh_rd_copy(&r, f->hash.b, 32);
        uint32_t flags = wh_rd_u32le(&r);
        f->count = wh_rd_u32le(&r);
        if (f->count == 0) {
            return bad(p, "a file without chunks");
        }
        if (!read_file(p, f, flags)) {
            return false;
        }
    }
}

static bool read_chunks(struct parse *p, struct scan_shard_xorb *x)
{
    uint8_t raw[RECORD];
    struct wh_rd r;
    if (x->count == 0 || x->count > SCAN_XORB_CHUNKS_MAX) {
        return bad(p, "a xorb with no chunks or too many");
    }
    if (!enough(p, x->count)) {
        return false;
    }
    x->chunks = wh_arena_array(p->a, x->count, sizeof *x->chunks);
    for (uint32_t i = 0; i < x->count; i++) {
        if (!record(p, raw, &r)) {
            return false;
        }
        wh_rd_copy(&r, x->chunks[i].hash.b, 32);
        x->chunks[i].start = wh_rd_u32le(&r);
        x->chunks[i].raw = wh_rd_u32le(&r);
    }
    return !wh_arena_over(p->a, p->err);
}

static bool read_xorbs(struct parse *p, struct scan_shard *out)
{
    struct list l = {0};
    uint8_t raw[RECORD];
    struct wh_rd r;
    for (;;) { /* ends: each turn takes a record or fails */
        if (!record(p, raw, &r)) {
            return false;
        }
        if (is_end(raw)) {
            out->xorbs = l.p;
            out->nxorbs = l.n;
            return true;
        }
        struct scan_shard_xorb *x = grow(p->a, &l, sizeof *x);
        wh_rd_copy(&r, x->hash.b, 32);
        (void)wh_rd_u32le(&r); /* flags: none is defined */
        x->count = wh_rd_u32le(&r);
        x->raw = wh_rd_u32le(&r);
        x->stored = wh_rd_u32le(&r);
        if (!read_chunks(p, x)) {
            return false;
        }
    }
}

static bool parse(struct parse *p, struct scan_shard *out)
{
    uint8_t head[sizeof tag];
    if (!wh_win_copy(&p->w, head, sizeof head) ||
        memcmp(head, tag, sizeof tag) != 0) {
        return bad(p, "it does not begin as one");
    }
    uint64_t version = wh_win_u64(&p->w), footer = wh_win_u64(&p->w);
    if (p->w.bad || version != FORMAT_VERSION) {
        return bad(p, "its version is not 2");
    }
    if (!read_files(p, out) || !read_xorbs(p, out)) {
        return false;
    }
    if ((footer != 0 && footer != FOOTER) || wh_win_left(&p->w) != footer) {
        return bad(p, "something other than its footer follows the sections");
    }
    return true;
}

bool scan_shard_parse(const struct wh_src *src, struct wh_arena *a,
                      struct scan_shard *out, struct wh_err *err)
{
    struct parse p = {.a = a, .err = err};
    if (src->size > SCAN_SHARD_BYTES_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "shard: larger than %u bytes",
                       SCAN_SHARD_BYTES_MAX);
    }
    *out = (struct scan_shard){0};
    wh_win_init(&p.w, src, 0, src->size, err);
    bool ok = parse(&p, out);
    wh_win_done(&p.w);
    return ok && !wh_arena_over(a, err);
}

static void write_file(struct wh_buf *b, const struct scan_shard_file *f)
{
    wh_buf_mem(b, f->hash.b, 32);
    wh_buf_u8(b, f->has_sha256 ? 1 : 0);
    wh_buf_mem(b, f->sha256, 32);
    wh_buf_u32le(b, f->count);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct scan_shard_term *t = &f->terms[i];
        wh_buf_mem(b, t->xorb.b, 32);
        wh_buf_u32le(b, t->raw);
        wh_buf_u32le(b, t->start);
        wh_buf_u32le(b, t->end);
        wh_buf_u8(b, t->has_range ? 1 : 0);
        wh_buf_mem(b, t->range.b, 32);
    }
}

static void write_xorb(struct wh_buf *b, const struct scan_shard_xorb *x)
{
    wh_buf_mem(b, x->hash.b, 32);
    wh_buf_u32le(b, x->raw);
    wh_buf_u32le(b, x->stored);
    wh_buf_u32le(b, x->count);
    for (uint32_t i = 0; i < x->count; i++) {
        wh_buf_mem(b, x->chunks[i].hash.b, 32);
        wh_buf_u32le(b, x->chunks[i].start);
        wh_buf_u32le(b, x->chunks[i].raw);
    }
}

void scan_shard_write(struct wh_buf *b, const struct scan_shard *s)
{
    wh_buf_u8(b, VERSION);
    wh_buf_u32le(b, s->nfiles);
    for (uint32_t i = 0; i < s->nfiles; i++) {
        write_file(b, &s->files[i]);
    }
    wh_buf_u32le(b, s->nxorbs);
    for (uint32_t i = 0; i < s->nxorbs; i++) {
        write_xorb(b, &s->xorbs[i]);
    }
}

/* Bytes of the parts of our form, without the lists inside. */
enum {
    OUR_FILE = 32 + 1 + 32 + 4,
    OUR_TERM = 32 + 12 + 1 + 32,
    OUR_XORB = 32 + 12,
    OUR_CHUNK = 32 + 8
};

/* A count, believed only if that many entries of `size` bytes can follow; else
 * the reader is marked bad. */
static uint32_t count(struct wh_rd *r, size_t size)
{
    uint32_t n = wh_rd_u32le(r);
    if (n > wh_rd_left(r) / size) {
        r->bad = true;
        return 0;
    }
    return n;
}

static void get_file(struct wh_rd *r, struct wh_arena *a,
                     struct scan_shard_file *f)
{
    wh_rd_copy(r, f->hash.b, 32);
    f->has_sha256 = wh_rd_u8(r) == 1;
    wh_rd_copy(r, f->sha256, 32);
    f->count = count(r, OUR_TERM);
    f->terms = wh_arena_array(a, f->count, sizeof *f->terms);
    for (uint32_t i = 0; i < f->count; i++) {
        struct scan_shard_term *t = &f->terms[i];
        wh_rd_copy(r, t->xorb.b, 32);
        t->raw = wh_rd_u32le(r);
        t->start = wh_rd_u32le(r);
        t->end = wh_rd_u32le(r);
        t->has_range = wh_rd_u8(r) == 1;
        wh_rd_copy(r, t->range.b, 32);
        r->bad |= t->end <= t->start;
    }
}

static void get_xorb(struct wh_rd *r, struct wh_arena *a,
                     struct scan_shard_xorb *x)
{
    wh_rd_copy(r, x->hash.b, 32);
    x->raw = wh_rd_u32le(r);
    x->stored = wh_rd_u32le(r);
    x->count = count(r, OUR_CHUNK);
    x->chunks = wh_arena_array(a, x->count, sizeof *x->chunks);
    for (uint32_t i = 0; i < x->count; i++) {
        wh_rd_copy(r, x->chunks[i].hash.b, 32);
        x->chunks[i].start = wh_rd_u32le(r);
        x->chunks[i].raw = wh_rd_u32le(r);
    }
}

bool scan_shard_read(struct wh_str text, struct wh_arena *a,
                     struct scan_shard *out, struct wh_err *err)
{
    struct scan_shard s = {0};
    struct wh_rd r;
    wh_rd_init(&r, text.p, text.n);
    if (wh_rd_u8(&r) != VERSION) {
        return wh_fail(err, WH_CORRUPT, "a malformed parsed shard");
    }
    s.nfiles = count(&r, OUR_FILE);
    s.files = wh_arena_array(a, s.nfiles, sizeof *s.files);
    for (uint32_t i = 0; i < s.nfiles && !r.bad; i++) {
        get_file(&r, a, &s.files[i]);
    }
    s.nxorbs = count(&r, OUR_XORB);
    s.xorbs = wh_arena_array(a, s.nxorbs, sizeof *s.xorbs);
    for (uint32_t i = 0; i < s.nxorbs && !r.bad; i++) {
        get_xorb(&r, a, &s.xorbs[i]);
    }
    if (!wh_rd_end(&r)) {
        return wh_fail(err, WH_CORRUPT, "a malformed parsed shard");
    }
    *out = s;
    return !wh_arena_over(a, err);
}

/* One term against the xorb it names. */
static bool check_term(const struct scan_shard_term *t,
                       const struct scan_xorb_table *x,
                       struct scan_xet_tree *tree, struct wh_err *err)
{
    char name[SCAN_XET_TEXT];
    struct scan_xet_range range;
    uint64_t raw = 0;
    scan_xet_text(&t->xorb, name);
    if (t->end > x->count) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "shard: xorb %s has %u chunks, a term wants %u", name,
                       x->count, t->end);
    }
    scan_xet_range_init(&range);
    for (uint32_t i = t->start; i < t->end; i++) {
        const struct scan_xorb_chunk *c = &x->chunks[i];
        raw += c->raw;
        scan_xet_range_add(&range, &c->hash);
        scan_xet_tree_add(tree, &c->hash, c->raw);
    }
    if (raw != t->raw) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "shard: a term of xorb %s says %u bytes, its chunks "
                       "have %llu",
                       name, t->raw, (unsigned long long)raw);
    }
    struct scan_xet_hash hash;
    scan_xet_range_end(&range, &hash);
    if (!t->has_range || !scan_xet_eq(&hash, &t->range)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "shard: the verification hash of a term of xorb %s is "
                       "%s",
                       name, t->has_range ? "wrong" : "missing");
    }
    return true;
}

bool scan_shard_check_file(const struct scan_shard_file *f,
                           struct scan_shard_world *world, uint64_t *size,
                           struct wh_err *err)
{
    struct scan_xet_tree tree = {0};
    struct scan_xet_hash hash;
    char name[SCAN_XET_TEXT];
    uint64_t total = 0;
    for (uint32_t i = 0; i < f->count; i++) {
        const struct scan_shard_term *t = &f->terms[i];
        const struct scan_xorb_table *x = world->xorb(world->ctx, &t->xorb);
        if (!x) {
            scan_xet_text(&t->xorb, name);
            return wh_fail(err, WH_BAD_REQUEST,
                           "shard: xorb %s was not uploaded", name);
        }
        if (t->end - t->start > world->chunks_left) {
            return wh_fail(err, WH_TOO_LARGE,
                           "shard: its files name too many chunks");
        }
        world->chunks_left -= t->end - t->start;
        if (!check_term(t, x, &tree, err)) {
            return false;
        }
        total += t->raw;
    }
    scan_xet_tree_file(&tree, &hash);
    if (!scan_xet_eq(&hash, &f->hash)) {
        scan_xet_text(&f->hash, name);
        return wh_fail(err, WH_BAD_REQUEST,
                       "shard: the chunks of file %s do not make its hash",
                       name);
    }
    *size = total;
    return true;
}

bool scan_shard_check_xorb(const struct scan_shard_xorb *x,
                           const struct scan_shard_world *world,
                           struct wh_err *err)
{
    char name[SCAN_XET_TEXT];
    const struct scan_xorb_table *t = world->xorb(world->ctx, &x->hash);
    scan_xet_text(&x->hash, name);
    if (!t) {
        return wh_fail(err, WH_BAD_REQUEST, "shard: xorb %s was not uploaded",
                       name);
    }
    bool same = x->count == t->count && x->raw == t->raw;
    uint64_t at = 0;
    for (uint32_t i = 0; same && i < x->count; i++) {
        same = scan_xet_eq(&x->chunks[i].hash, &t->chunks[i].hash) &&
               x->chunks[i].start == at && x->chunks[i].raw == t->chunks[i].raw;
        at += x->chunks[i].raw;
    }
    return same || wh_fail(err, WH_BAD_REQUEST,
                           "shard: its description of xorb %s is not what was "
                           "uploaded",
                           name);
}
