/*
 * stream.c - the hold-back. A match ends where the matcher has read to, and is
 * at most W bytes wide; so a byte that lies W or more behind that place is in
 * no match that is still to come. Only such bytes leave.
 */
#include "detect/stream.h"
#include "base/buf.h"
#include "base/mem.h"
#include <hs/hs.h>

/* A rule's last \b is decided by the byte after it. */
#define SLACK 4

/* ---- protected text ---- */

struct detect_protected {
    size_t window;
    uint64_t *slot; /* open addressing, 0 is empty */
    size_t mask;
    uint64_t table[256];
    uint64_t out[256];    /* what a byte leaves behind after `window` steps */
    uint64_t maybe[1024]; /* a bit for each 16-bit beginning of a hash */
};

static uint64_t rotate(uint64_t v, size_t by)
{
    by %= 64;
    return by ? v << by | v >> (64 - by) : v;
}

static unsigned char fold(char c)
{
    unsigned char u = (unsigned char)c;

    return (unsigned char)(u + ((unsigned)(u - 'A') < 26u ? 32 : 0));
}

static void protect_hash(struct detect_protected *p, uint64_t h)
{
    size_t i = (size_t)h & p->mask;

    h = h ? h : 1;
    while (p->slot[i] != 0 && p->slot[i] != h) {
        i = (i + 1) & p->mask;
    }
    p->slot[i] = h;
    p->maybe[h >> 54] |= (uint64_t)1 << (h >> 48 & 63);
}

static bool is_protected(const struct detect_protected *p, uint64_t h)
{
    size_t i = (size_t)h & p->mask;

    h = h ? h : 1;
    if ((p->maybe[h >> 54] >> (h >> 48 & 63) & 1) == 0) {
        return false;
    }
    while (p->slot[i] != 0 && p->slot[i] != h) {
        i = (i + 1) & p->mask;
    }
    return p->slot[i] == h;
}

/* All windows of one form of the text. */
static void protect(struct detect_protected *p, struct wh_str s)
{
    uint64_t h = 0;
    size_t i;

    for (i = 0; i < s.n; i++) {
        h = rotate(h, 1) ^ p->table[fold(s.p[i])];
        if (i >= p->window) {
            h ^= p->out[fold(s.p[i - p->window])];
        }
        if (i + 1 >= p->window) {
            protect_hash(p, h);
        }
    }
}

static void protect_reversed(struct detect_protected *p, struct wh_str s)
{
    char *back = wh_alloc(s.n);
    size_t i;

    for (i = 0; i < s.n; i++) {
        back[i] = s.p[s.n - 1 - i];
    }
    protect(p, wh_str_mem(back, s.n));
    wh_free(back);
}

/* The three alignments that a text can have inside an encoded one; characters
 * that hold bits of a neighbour are left out. */
static void protect_base64(struct detect_protected *p, struct wh_str s)
{
    struct wh_buf b;
    size_t skip;

    for (skip = 0; skip < 3 && skip + 3 <= s.n; skip++) {
        size_t n = (s.n - skip) / 3 * 3;
        wh_buf_init(&b, 2 * DETECT_PROTECTED_MAX);
        wh_buf_base64(&b, s.p + skip, n);
        protect(p, wh_buf_str(&b));
        wh_buf_done(&b);
    }
}

static void make_tables(struct detect_protected *p)
{
    uint64_t x = 0x6a09e667f3bcc908ULL;
    size_t i;

    for (i = 0; i < 256; i++) {
        uint64_t v = x += 0x9e3779b97f4a7c15ULL;
        v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ULL;
        v = (v ^ v >> 27) * 0x94d049bb133111ebULL;
        p->table[i] = v ^ v >> 31;
        p->out[i] = rotate(p->table[i], p->window);
    }
}

bool detect_protected_new(struct wh_str text, struct detect_protected **out,
                          struct wh_err *err)
{
    struct detect_protected *p;
    size_t slots = 256;

    if (text.n < DETECT_PROTECTED_MIN || text.n > DETECT_PROTECTED_MAX) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "a protected text has %d to %zu bytes",
                       DETECT_PROTECTED_MIN, DETECT_PROTECTED_MAX);
    }
    p = wh_alloc(sizeof(*p));
    p->window =
        text.n < DETECT_PROTECTED_WINDOW ? text.n : DETECT_PROTECTED_WINDOW;
    while (slots < 16 * text.n) {
        slots *= 2;
    }
    p->mask = slots - 1;
    p->slot = wh_calloc(slots, sizeof(*p->slot));
    make_tables(p);
    protect(p, text);
    protect_reversed(p, text);
    protect_base64(p, text);
    *out = p;
    return true;
}

void detect_protected_free(struct detect_protected **p)
{
    if (*p) {
        wh_free((*p)->slot);
        wh_free(*p);
        *p = NULL;
    }
}

/* ---- the stream ---- */

struct detect_stream {
    const struct detect_signatures *signatures;
    const struct detect_protected *protect;
    hs_stream_t *hs;
    size_t hold;  /* W */
    char *held;   /* checked and not released */
    size_t n;     /* bytes in held */
    size_t given; /* at its beginning, handed out by the last call */
    uint64_t hash;
    unsigned char last[DETECT_PROTECTED_WINDOW]; /* ring, by seen */
    uint64_t seen;
    bool paused;
    enum detect_verdict verdict;
    const struct detect_rule *rule;
};

bool detect_stream_new(const struct detect_signatures *signatures,
                       struct detect_stream **out, struct wh_err *err)
{
    const hs_database_t *db = detect_signatures_stream(signatures);
    struct detect_stream *s = wh_alloc(sizeof(*s));

    s->signatures = signatures;
    s->hold = detect_signatures_width(signatures) + SLACK;
    s->hold =
        s->hold < DETECT_STREAM_HOLD_MIN ? DETECT_STREAM_HOLD_MIN : s->hold;
    s->held = wh_alloc(DETECT_STREAM_CAP);
    if (db && hs_open_stream(db, 0, &s->hs) != HS_SUCCESS) {
        detect_stream_free(&s);
        return wh_fail(err, WH_INTERNAL, "");
    }
    *out = s;
    return true;
}

void detect_stream_free(struct detect_stream **s)
{
    if (*s) {
        if ((*s)->hs) {
            (void)hs_close_stream((*s)->hs, NULL, NULL, NULL);
        }
        wh_wipe((*s)->held, DETECT_STREAM_CAP);
        wh_free((*s)->held);
        wh_free(*s);
        *s = NULL;
    }
}

void detect_stream_begin(struct detect_stream *s,
                         struct detect_scratch *scratch,
                         const struct detect_protected *protected_text)
{
    if (s->hs) {
        wh_assert(hs_reset_stream(s->hs, 0, detect_scratch_raw(scratch), NULL,
                                  NULL) == HS_SUCCESS);
    }
    s->protect = protected_text;
    s->n = s->given = 0;
    s->hash = s->seen = 0;
    s->paused = false;
    s->verdict = DETECT_VERDICT_GOOD;
    s->rule = NULL;
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to,
                    unsigned flags, void *context)
{
    struct detect_stream *s = context;

    (void)from;
    (void)to;
    (void)flags;
    s->verdict = DETECT_VERDICT_RULE;
    s->rule = detect_signatures_rule(s->signatures, id);
    return 1;
}

/* Roll the hash over the bytes. */
static void look_for_protected(struct detect_stream *s, struct wh_str bytes)
{
    const struct detect_protected *p = s->protect;
    size_t i;

    for (i = 0; i < bytes.n; i++) {
        unsigned char c = fold(bytes.p[i]);
        unsigned char *old = &s->last[s->seen % p->window];
        s->hash = rotate(s->hash, 1) ^ p->table[c];
        if (s->seen >= p->window) {
            s->hash ^= p->out[*old];
        }
        *old = c;
        s->seen++;
        if (s->seen >= p->window && is_protected(p, s->hash)) {
            s->verdict = DETECT_VERDICT_PROTECTED;
            return;
        }
    }
}

/* Forget what the last call handed out. */
static void drop_given(struct detect_stream *s)
{
    if (s->given > 0) {
        memmove(s->held, s->held + s->given, s->n - s->given);
        s->n -= s->given;
        s->given = 0;
    }
}

/* All but the last `hold` bytes, to the beginning of a character. */
static enum detect_verdict give(struct detect_stream *s, size_t hold,
                                struct wh_str *out)
{
    size_t n = s->n > hold ? s->n - hold : 0, back = 0;

    *out = (struct wh_str){s->held, 0};
    if (s->verdict != DETECT_VERDICT_GOOD || s->paused) {
        return s->verdict;
    }
    while (n > 0 && n < s->n && back < 3 &&
           ((unsigned char)s->held[n] & 0xc0) == 0x80) {
        n--;
        back++;
    }
    s->given = n;
    out->n = n;
    return s->verdict;
}

enum detect_verdict detect_stream_add(struct detect_stream *s,
                                      struct detect_scratch *scratch,
                                      struct wh_str bytes, struct wh_str *out)
{
    drop_given(s);
    if (s->verdict != DETECT_VERDICT_GOOD) {
        return give(s, s->hold, out);
    }
    if (bytes.n > DETECT_STREAM_CAP - s->n) {
        s->verdict = DETECT_VERDICT_OVERFLOW;
        return give(s, s->hold, out);
    }
    if (bytes.n > 0) {
        memcpy(s->held + s->n, bytes.p, bytes.n);
        s->n += bytes.n;
        if (s->hs) {
            hs_error_t e =
                hs_scan_stream(s->hs, bytes.p, (unsigned)bytes.n, 0,
                               detect_scratch_raw(scratch), on_match, s);
            wh_assert(e == HS_SUCCESS || e == HS_SCAN_TERMINATED);
        }
        if (s->protect && s->verdict == DETECT_VERDICT_GOOD) {
            look_for_protected(s, bytes);
        }
    }
    return give(s, s->hold, out);
}

enum detect_verdict detect_stream_end(struct detect_stream *s,
                                      struct detect_scratch *scratch,
                                      struct wh_str *out)
{
    drop_given(s);
    if (s->hs && s->verdict == DETECT_VERDICT_GOOD) {
        hs_error_t e =
            hs_reset_stream(s->hs, 0, detect_scratch_raw(scratch), on_match, s);
        wh_assert(e == HS_SUCCESS || e == HS_SCAN_TERMINATED);
    }
    return give(s, 0, out);
}

void detect_stream_pause(struct detect_stream *s, bool paused)
{
    s->paused = paused;
}

const struct detect_rule *detect_stream_rule(const struct detect_stream *s)
{
    return s->rule;
}

size_t detect_stream_hold(const struct detect_stream *s)
{
    return s->hold;
}
