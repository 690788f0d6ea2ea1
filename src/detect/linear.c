/*
 * linear.c - features, scores and the file of the model.
 */
#include "detect/linear.h"
#include "base/mem.h"
#include "base/rd.h"
#include "base/sha256.h"
#include <math.h>

#define MAGIC "WHWATCH1"

const double detect_points[DETECT_POINTS] = {0.001, 0.01, 0.05};

size_t detect_length_bucket(size_t bytes)
{
    static const size_t upto[DETECT_LENGTHS - 1] = {64, 256, 1024, 4096};
    size_t i = 0;

    while (i < DETECT_LENGTHS - 1 && bytes > upto[i]) {
        i++;
    }
    return i;
}

/* ---- features ---- */

static void add(struct detect_features *f, uint64_t h)
{
    uint32_t slot =
        (uint32_t)((h * 0x9e3779b97f4a7c15ULL) >> (64 - DETECT_LINEAR_BITS));
    uint64_t bit = (uint64_t)1 << (slot % 64);

    if ((f->seen[slot / 64] & bit) == 0) {
        f->seen[slot / 64] |= bit;
        f->slot[f->n++] = slot;
    }
}

static bool is_word(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'' ||
           c >= 0x80;
}

/* At most one word for every two bytes, and a pair for each: n of them. */
static void add_words(struct detect_features *f, struct wh_str s)
{
    uint64_t h = 0, last = 0;
    size_t i;

    for (i = 0; i <= s.n; i++) {
        unsigned char c = i < s.n ? (unsigned char)s.p[i] : ' ';
        if (is_word(c)) {
            h = (h ^ c ^ 0x100) * 0x100000001b3ULL;
        } else if (h != 0) {
            h ^= h >> 29;
            add(f, h);
            if (last != 0) {
                add(f, last * 31 + h + 1);
            }
            last = h;
            h = 0;
        }
    }
}

/* One of each length for every byte: 2n. */
static void add_bytes(struct detect_features *f, struct wh_str s)
{
    size_t i;

    for (i = 0; i + 8 <= s.n; i++) {
        uint64_t v;
        memcpy(&v, s.p + i, 8);
        add(f, (v & 0xffffffffu) * 0xff51afd7ed558ccdULL + 4);
        add(f, (v & 0xffffffffffu) * 0xc4ceb9fe1a85ec53ULL + 5);
    }
    for (; i + 4 <= s.n; i++) {
        uint64_t v = 0;
        memcpy(&v, s.p + i, s.n - i);
        add(f, (v & 0xffffffffu) * 0xff51afd7ed558ccdULL + 4);
        if (i + 5 <= s.n) {
            add(f, (v & 0xffffffffffu) * 0xc4ceb9fe1a85ec53ULL + 5);
        }
    }
}

void detect_features_make(struct detect_features *f, struct wh_str text)
{
    uint32_t i;

    wh_assert(text.n <= DETECT_LINEAR_WINDOW);
    f->n = 0;
    add_words(f, text);
    add_bytes(f, text);
    for (i = 0; i < f->n; i++) {
        f->seen[f->slot[i] / 64] = 0;
    }
}

/* ---- scores ---- */

static double window_score(const struct detect_model *m,
                           struct detect_features *f, struct wh_str text)
{
    int64_t sum = 0;
    uint32_t i;

    detect_features_make(f, text);
    for (i = 0; i < f->n; i++) {
        sum += m->weight[f->slot[i]];
    }
    return f->n == 0 ? m->bias
                     : m->bias + m->scale * (double)sum / sqrt((double)f->n);
}

double detect_model_score(const struct detect_model *m,
                          struct detect_features *f, struct wh_str text)
{
    size_t at = DETECT_LINEAR_STRIDE;
    double best = window_score(m, f, wh_str_sub(text, 0, DETECT_LINEAR_WINDOW));

    for (; at + (DETECT_LINEAR_WINDOW - DETECT_LINEAR_STRIDE) < text.n;
         at += DETECT_LINEAR_STRIDE) {
        double z =
            window_score(m, f, wh_str_sub(text, at, DETECT_LINEAR_WINDOW));
        best = z > best ? z : best;
    }
    return best;
}

double detect_model_chance(const struct detect_model *m, double z, size_t bytes)
{
    size_t i = detect_length_bucket(bytes);

    return 1 / (1 + exp(-m->slope[i] * z - m->offset[i]));
}

const struct detect_segment *detect_model_segment(const struct detect_model *m,
                                                  struct wh_str name)
{
    size_t i;

    for (i = 0; i < m->n_segments; i++) {
        if (wh_str_is(name, m->segment[i].name)) {
            return &m->segment[i];
        }
    }
    return NULL;
}

struct detect_model *detect_model_new(void)
{
    return wh_alloc(sizeof(struct detect_model));
}

void detect_model_free(struct detect_model **m)
{
    wh_free(*m);
    *m = NULL;
}

/* ---- the file ---- */

static void put_double(struct wh_buf *b, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    wh_buf_u64le(b, bits);
}

static double get_double(struct wh_rd *r)
{
    uint64_t bits = wh_rd_u64le(r);
    double v;

    memcpy(&v, &bits, sizeof(v));
    if (!isfinite(v) || fabs(v) > 1e9) {
        r->bad = true;
        return 0;
    }
    return v;
}

void detect_model_write(const struct detect_model *m, struct wh_buf *out)
{
    size_t from = out->n, i;
    uint8_t digest[WH_SHA256_LEN];

    wh_buf_cstr(out, MAGIC);
    wh_buf_u32le(out, DETECT_LINEAR_BITS);
    wh_buf_u32le(out, m->rows);
    put_double(out, m->scale);
    put_double(out, m->bias);
    for (i = 0; i < DETECT_LENGTHS; i++) {
        put_double(out, m->slope[i]);
        put_double(out, m->offset[i]);
    }
    for (i = 0; i < DETECT_POINTS; i++) {
        put_double(out, m->at[i]);
    }
    wh_buf_u32le(out, m->n_segments);
    for (i = 0; i < m->n_segments; i++) {
        wh_buf_mem(out, m->segment[i].name, sizeof(m->segment[i].name));
        wh_buf_u64le(out, m->segment[i].rows);
        wh_buf_u64le(out, m->segment[i].alarms);
        put_double(out, m->segment[i].p0);
    }
    wh_buf_mem(out, m->weight, sizeof(m->weight));
    wh_sha256_of(wh_str_mem(out->p + from, out->n - from), digest);
    wh_buf_mem(out, digest, sizeof(digest));
}

static void read_segment(struct wh_rd *r, struct detect_segment *s)
{
    wh_rd_copy(r, s->name, sizeof(s->name));
    s->rows = wh_rd_u64le(r);
    s->alarms = wh_rd_u64le(r);
    s->p0 = get_double(r);
    if (s->name[sizeof(s->name) - 1] != '\0' || s->alarms > s->rows ||
        !(s->p0 > 0 && s->p0 < 1)) {
        r->bad = true;
    }
}

static void read_body(struct wh_rd *r, struct detect_model *m)
{
    size_t i;

    m->rows = wh_rd_u32le(r);
    m->scale = get_double(r);
    m->bias = get_double(r);
    for (i = 0; i < DETECT_LENGTHS; i++) {
        m->slope[i] = get_double(r);
        m->offset[i] = get_double(r);
    }
    for (i = 0; i < DETECT_POINTS; i++) {
        m->at[i] = get_double(r);
    }
    m->n_segments = wh_rd_u32le(r);
    if (m->n_segments > DETECT_SEGMENTS_MAX) {
        r->bad = true;
        m->n_segments = 0;
    }
    for (i = 0; i < m->n_segments; i++) {
        read_segment(r, &m->segment[i]);
    }
    wh_rd_copy(r, m->weight, sizeof(m->weight));
}

bool detect_model_read(struct wh_str bytes, struct detect_model **out,
                       struct wh_err *err)
{
    uint8_t digest[WH_SHA256_LEN];
    struct detect_model *m;
    struct wh_rd r;

    if (bytes.n < sizeof(digest) || bytes.n > DETECT_MODEL_BYTES_MAX) {
        return wh_fail(err, WH_BAD_REQUEST, "this is no classifier");
    }
    bytes.n -= sizeof(digest);
    wh_sha256_of(bytes, digest);
    wh_rd_init(&r, bytes.p, bytes.n);
    if (memcmp(digest, bytes.p + bytes.n, sizeof(digest)) != 0 ||
        !wh_str_eq(wh_rd_take(&r, sizeof(MAGIC) - 1), WH_S(MAGIC)) ||
        wh_rd_u32le(&r) != DETECT_LINEAR_BITS) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the classifier is damaged or of another version");
    }
    m = detect_model_new();
    read_body(&r, m);
    if (!wh_rd_end(&r)) {
        detect_model_free(&m);
        return wh_fail(err, WH_BAD_REQUEST, "the classifier is damaged");
    }
    *out = m;
    return true;
}
