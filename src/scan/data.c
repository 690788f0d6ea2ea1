/*
 * data.c - the mark says which structure to follow; only the structure says
 * that the file is of that format.
 */
#include "scan/data.h"

#include "scan/sentencepiece.h"
#include "scan/walk.h"

struct known {
    const char *mark;
    size_t n;
    enum scan_format format;
    enum scan_walk (*walk)(struct wh_win *w);
};

#define KNOWN(mark, format, walk)                                   \
    {                                                               \
        mark, sizeof(mark) - 1, SCAN_FMT_##format, scan_walk_##walk \
    }
static const struct known known[] = {
    KNOWN("\x89PNG\r\n\x1a\n", PNG, png),
    KNOWN("\xff\xd8\xff", JPEG, jpeg),
    KNOWN("GIF87a", GIF, gif),
    KNOWN("GIF89a", GIF, gif),
    KNOWN("RIFF", RIFF, riff),
    KNOWN("OggS", OGG, ogg),
    KNOWN("fLaC", FLAC, flac),
    KNOWN("%PDF-", PDF, pdf),
    KNOWN("PAR1", PARQUET, parquet),
    KNOWN("ARROW1", ARROW, arrow),
    KNOWN("\n", SENTENCEPIECE, sentencepiece), /* the tag of a piece */
};
#undef KNOWN

static bool follow(const struct known *k, const struct wh_src *src,
                   struct scan_data_look *out, struct wh_err *err)
{
    struct wh_win w;
    wh_win_init(&w, src, 0, src->size, err);
    enum scan_walk how = k->walk(&w);
    bool failed = w.failed;

    out->found = how != SCAN_WALK_BROKEN;
    out->format = k->format;
    out->at = wh_win_offset(&w);
    out->whole = how == SCAN_WALK_ENDS && out->at == src->size;
    out->tail = how == SCAN_WALK_ENDS && !out->whole;
    wh_win_done(&w);
    return !failed;
}

bool scan_data_look(const struct scan_head *h, struct scan_data_look *out,
                    struct wh_err *err)
{
    *out = (struct scan_data_look){0};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const struct known *k = &known[i];
        if (h->n >= k->n && memcmp(h->p, k->mark, k->n) == 0) {
            return follow(k, h->src, out, err);
        }
    }
    return true;
}
