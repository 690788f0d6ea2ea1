/*
 * tile.c - the static form of a log: 256 hashes a file, level over level.
 *
 * Level L, index N holds the hashes of tree level 8L from 256*N on. The name
 * splits N into groups of three digits so that no folder gets large.
 */
#include "tlog/tile.h"
#include "base/rd.h"

#include <inttypes.h>
#include <stdio.h>

void tlog_tile_name(const struct tlog_tile *t, char out[TLOG_TILE_NAME])
{
    wh_assert(t->width >= 1 && t->width <= TLOG_TILE_WIDTH);
    wh_assert(t->level <= 63 && (!t->entries || t->level == 0));
    unsigned groups[7];
    size_t n = 0;
    uint64_t rest = t->index;
    do {
        groups[n++] = (unsigned)(rest % 1000);
        rest /= 1000;
    } while (rest > 0);

    int at = t->entries ? snprintf(out, TLOG_TILE_NAME, "tile/entries")
                        : snprintf(out, TLOG_TILE_NAME, "tile/%u", t->level);
    while (n-- > 0) {
        at += snprintf(out + at, TLOG_TILE_NAME - (size_t)at, "/%s%03u",
                       n > 0 ? "x" : "", groups[n]);
    }
    if (t->width < TLOG_TILE_WIDTH) {
        at +=
            snprintf(out + at, TLOG_TILE_NAME - (size_t)at, ".p/%u", t->width);
    }
    wh_assert(at > 0 && at < TLOG_TILE_NAME);
}

/* One group of three digits. */
static bool group(struct wh_str s, uint64_t *index)
{
    if (s.n != 3) {
        return false;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < 3; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    return wh_mul_u64(*index, 1000, index) && wh_add_u64(*index, v, index);
}

/* "x001/x234/067" or "067.p/12", to its end. */
static bool parse_index(struct wh_str s, struct tlog_tile *t)
{
    struct wh_str part;
    t->index = 0;
    t->width = TLOG_TILE_WIDTH;
    while (wh_str_starts(s, WH_S("x"))) {
        if (!wh_str_cut(&s, '/', &part) ||
            !group(wh_str_sub(part, 1, part.n - 1), &t->index)) {
            return false;
        }
    }
    bool partial = wh_str_cut(&s, '/', &part);
    if (partial) {
        uint64_t width;
        if (!wh_str_ends(part, WH_S(".p")) || !wh_str_u64(s, &width) ||
            width == 0 || width >= TLOG_TILE_WIDTH) {
            return false;
        }
        t->width = (unsigned)width;
        part = wh_str_sub(part, 0, part.n - 2);
    }
    return group(part, &t->index);
}

bool tlog_tile_parse(struct wh_str name, struct tlog_tile *out)
{
    struct tlog_tile t = {0};
    struct wh_str part, rest = name;
    if (name.n >= TLOG_TILE_NAME) {
        return false;
    }
    if (!wh_str_cut(&rest, '/', &part) || !wh_str_is(part, "tile") ||
        !wh_str_cut(&rest, '/', &part)) {
        return false;
    }
    t.entries = wh_str_is(part, "entries");
    if (!t.entries) {
        uint64_t level;
        if (!wh_str_u64(part, &level) || level > 63) {
            return false;
        }
        t.level = (unsigned)level;
    }
    if (!parse_index(rest, &t)) {
        return false;
    }
    /* "x000/001" and the like: one name, one spelling */
    char again[TLOG_TILE_NAME];
    tlog_tile_name(&t, again);
    if (!wh_str_is(name, again)) {
        return false;
    }
    *out = t;
    return true;
}

unsigned tlog_tile_width(uint64_t size, unsigned level, uint64_t index)
{
    if (level >= TLOG_TILE_LEVELS) {
        return 0;
    }
    uint64_t hashes = size >> (TLOG_TILE_HEIGHT * level);
    if (index >= UINT64_MAX / TLOG_TILE_WIDTH ||
        index * TLOG_TILE_WIDTH >= hashes) {
        return 0;
    }
    uint64_t width = hashes - index * TLOG_TILE_WIDTH;
    return width < TLOG_TILE_WIDTH ? (unsigned)width : TLOG_TILE_WIDTH;
}

void tlog_tile_fold(const uint8_t *tile, unsigned first, unsigned height,
                    struct tlog_hash *out)
{
    wh_assert(height <= TLOG_TILE_HEIGHT &&
              first + (1U << height) <= TLOG_TILE_WIDTH);
    struct tlog_frontier f = {0};
    for (unsigned i = 0; i < 1U << height; i++) {
        struct tlog_hash h;
        memcpy(h.b, tile + (size_t)(first + i) * TLOG_HASH, TLOG_HASH);
        tlog_frontier_add(&f, &h);
    }
    *out = f.level[height];
}

void tlog_tiles_init(struct tlog_tiles *t, uint64_t size,
                     bool (*get)(void *ctx, const struct tlog_tile *t,
                                 uint8_t *out, struct wh_err *err),
                     void *ctx)
{
    t->size = size;
    t->get = get;
    t->ctx = ctx;
    for (size_t i = 0; i < TLOG_TILE_LEVELS; i++) {
        t->kept[i][0].width = t->kept[i][1].width = 0;
    }
}

static bool read_node(void *ctx, unsigned level, uint64_t index,
                      struct tlog_hash *out, struct wh_err *err)
{
    struct tlog_tiles *t = ctx;
    unsigned height = level % TLOG_TILE_HEIGHT;
    struct tlog_tile want = {.level = level / TLOG_TILE_HEIGHT};
    wh_assert(want.level < TLOG_TILE_LEVELS);
    want.index = (index << height) / TLOG_TILE_WIDTH;
    want.width = tlog_tile_width(t->size, want.level, want.index);
    unsigned first = (unsigned)((index << height) % TLOG_TILE_WIDTH);
    wh_assert(first + (1U << height) <= want.width);

    bool edge = tlog_tile_width(t->size, want.level, want.index + 1) == 0;
    struct tlog_kept *kept = &t->kept[want.level][edge];
    if (kept->width != want.width || kept->index != want.index) {
        kept->width = 0; /* a failed get may have written */
        if (!t->get(t->ctx, &want, kept->bytes, err)) {
            return false;
        }
        kept->width = want.width;
        kept->index = want.index;
    }
    tlog_tile_fold(kept->bytes, first, height, out);
    return true;
}

struct tlog_reader tlog_tiles_reader(struct tlog_tiles *t)
{
    return (struct tlog_reader){.node = read_node, .ctx = t};
}

void tlog_bundle_add(struct wh_buf *bundle, struct wh_str entry)
{
    wh_assert(entry.n <= TLOG_ENTRY_MAX);
    wh_buf_u16be(bundle, (uint16_t)entry.n);
    wh_buf_add(bundle, entry);
}

bool tlog_bundle_split(struct wh_str bundle, unsigned width,
                       struct wh_str out[TLOG_TILE_WIDTH], struct wh_err *err)
{
    wh_assert(width >= 1 && width <= TLOG_TILE_WIDTH);
    struct wh_rd rd;
    wh_rd_init(&rd, bundle.p, bundle.n);
    for (unsigned i = 0; i < width; i++) {
        uint16_t n = wh_rd_u16be(&rd);
        out[i] = wh_rd_take(&rd, n);
    }
    if (!wh_rd_end(&rd)) {
        return wh_fail(err, WH_CORRUPT,
                       "an entry bundle does not hold the entries it should");
    }
    return true;
}
