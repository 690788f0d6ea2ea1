/*
 * data.c - PNG and RIFF are chains of counted chunks and are followed to their
 * end; the others are recognised by their marks at both ends and said to be
 * not read.
 */
#include "scan/data.h"

#include "base/rd.h"

#define PNG_MARK "\x89PNG\r\n\x1a\n"
#define CHUNKS_MAX 65536u

static bool begins(const struct scan_head *h, const char *mark, size_t n)
{
    return h->n >= n && memcmp(h->p, mark, n) == 0;
}

/* PNG: 8 bytes of mark, then length, type, data, CRC up to IEND. */
static bool png(const struct wh_src *src, struct scan_data_look *out,
                struct wh_err *err)
{
    uint64_t at = sizeof PNG_MARK - 1;
    for (unsigned i = 0; i < CHUNKS_MAX && src->size - at >= 12; i++) {
        uint8_t head[8];
        struct wh_rd r;
        if (!wh_src_read(src, at, head, sizeof head, err)) {
            return false;
        }
        wh_rd_init(&r, head, 4);
        uint64_t n = wh_rd_u32be(&r);
        if (n > src->size - at - 12) {
            return true; /* cut short */
        }
        at += 12 + n;
        if (memcmp(head + 4, "IEND", 4) == 0) {
            out->whole = at == src->size;
            out->tail = !out->whole;
            out->at = at;
            return true;
        }
    }
    return true;
}

/* RIFF: mark, length of the rest; WebP and WAV only. */
static void riff(const struct scan_head *h, struct scan_data_look *out)
{
    struct wh_rd r;
    if (h->n < 12 || (memcmp(h->p + 8, "WEBP", 4) != 0 &&
                      memcmp(h->p + 8, "WAVE", 4) != 0)) {
        out->found = false;
        return;
    }
    wh_rd_init(&r, h->p + 4, 4);
    uint64_t n = wh_rd_u32le(&r);
    uint64_t end = 8 + n + (n & 1);
    out->whole = end == h->src->size || 8 + n == h->src->size;
    out->tail = end < h->src->size;
    out->at = end;
}

/* The last n bytes are these. */
static bool ends(const struct wh_src *src, const char *mark, size_t n,
                 bool *yes, struct wh_err *err)
{
    uint8_t tail[8];
    wh_assert(n <= sizeof tail);
    *yes = false;
    if (src->size < n) {
        return true;
    }
    if (!wh_src_read(src, src->size - n, tail, n, err)) {
        return false;
    }
    *yes = memcmp(tail, mark, n) == 0;
    return true;
}

struct known {
    enum scan_format format;
    const char *head, *tail; /* tail null: the head decides */
};

static const struct known known[] = {
    {SCAN_FMT_JPEG, "\xff\xd8\xff", "\xff\xd9"},
    {SCAN_FMT_GIF, "GIF87a", ";"},
    {SCAN_FMT_GIF, "GIF89a", ";"},
    {SCAN_FMT_PDF, "%PDF-", NULL},
    {SCAN_FMT_PARQUET, "PAR1", "PAR1"},
    {SCAN_FMT_ARROW, "ARROW1", "ARROW1"},
};

static bool by_marks(const struct scan_head *h, struct scan_data_look *out,
                     struct wh_err *err)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const struct known *k = &known[i];
        if (!begins(h, k->head, strlen(k->head))) {
            continue;
        }
        out->format = k->format;
        out->found = true;
        return !k->tail ||
               ends(h->src, k->tail, strlen(k->tail), &out->found, err);
    }
    return true;
}

bool scan_data_look(const struct scan_head *h, struct scan_data_look *out,
                    struct wh_err *err)
{
    *out = (struct scan_data_look){0};
    if (begins(h, PNG_MARK, sizeof PNG_MARK - 1)) {
        out->found = true;
        out->format = SCAN_FMT_PNG;
        return png(h->src, out, err);
    }
    if (begins(h, "RIFF", 4)) {
        out->found = true;
        out->format = SCAN_FMT_RIFF;
        riff(h, out);
        return true;
    }
    return by_marks(h, out, err);
}
