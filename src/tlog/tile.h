/*
 * tile.h - C2SP tlog-tiles: names and widths of tiles, hashes out of tiles,
 * entry bundles.
 * Owner: plain values; tile bytes come from the caller's callback.
 * Never: touches files or the network.
 */
#ifndef WH_TLOG_TILE_H
#define WH_TLOG_TILE_H

#include "base/buf.h"
#include "tlog/merkle.h"

#define TLOG_TILE_HEIGHT 8
#define TLOG_TILE_WIDTH 256
#define TLOG_TILE_BYTES (TLOG_TILE_WIDTH * TLOG_HASH)
/* Tile levels that a tree of TLOG_SIZE_MAX leaves can have. */
#define TLOG_TILE_LEVELS 8
#define TLOG_ENTRY_MAX 65535
#define TLOG_BUNDLE_MAX (TLOG_TILE_WIDTH * (2 + TLOG_ENTRY_MAX))
#define TLOG_TILE_NAME 64 /* bytes that hold any name and its NUL */

/* One resource: `entries` means the bundle (level is 0 then), width 256 is a
 * full one, 1 to 255 a partial one. */
struct tlog_tile {
    bool entries;
    unsigned level;
    uint64_t index;
    unsigned width;
};

/* "tile/0/x001/x234/067", "tile/entries/000.p/7", ... */
void tlog_tile_name(const struct tlog_tile *t, char out[TLOG_TILE_NAME]);
/* The reverse; only the one canonical spelling of each name is accepted. */
bool tlog_tile_parse(struct wh_str name, struct tlog_tile *out) WH_CHECK;
/* Hashes that the tile (level, index) has in a tree of `size` leaves: 0 if the
 * tile does not exist, up to 256. A bundle is as wide as its level 0 tile. */
unsigned tlog_tile_width(uint64_t size, unsigned level, uint64_t index);

/* Fold the 2^height hashes from hash number `first` of a tile to their root. */
void tlog_tile_fold(const uint8_t *tile, unsigned first, unsigned height,
                    struct tlog_hash *out);

/* A tile that is kept in memory. */
struct tlog_kept {
    uint64_t index;
    unsigned width; /* 0: nothing kept */
    uint8_t bytes[TLOG_TILE_BYTES];
};

/* Reads hashes of a tree of `size` leaves out of its tiles; the right edge and
 * the last other tile of each level are kept. `get` fills exactly t->width
 * hashes or fails. */
struct tlog_tiles {
    uint64_t size;
    bool (*get)(void *ctx, const struct tlog_tile *t, uint8_t *out,
                struct wh_err *err);
    void *ctx;
    struct tlog_kept kept[TLOG_TILE_LEVELS][2]; /* [1]: the right edge */
};

/* Begin; the struct is 128 KiB, keep it off the stack of small threads. */
void tlog_tiles_init(struct tlog_tiles *t, uint64_t size,
                     bool (*get)(void *ctx, const struct tlog_tile *t,
                                 uint8_t *out, struct wh_err *err),
                     void *ctx);
/* A hash reader over it; t must outlive it. */
struct tlog_reader tlog_tiles_reader(struct tlog_tiles *t);

/* Append one entry (at most TLOG_ENTRY_MAX bytes, asserted) to a bundle. */
void tlog_bundle_add(struct wh_buf *bundle, struct wh_str entry);
/* Split a bundle of exactly `width` entries into views; WH_CORRUPT when it is
 * cut, or holds another number of entries. */
bool tlog_bundle_split(struct wh_str bundle, unsigned width,
                       struct wh_str out[TLOG_TILE_WIDTH],
                       struct wh_err *err) WH_CHECK;

#endif
