/*
 * edge.c - what the next tiles are made from.
 */
#include "register/edge.h"

void register_edge_add(struct register_edge *e, const struct tlog_hash *leaf)
{
    tlog_frontier_add(&e->frontier, leaf);
    struct tlog_hash h = *leaf;
    for (unsigned l = 0; l < TLOG_TILE_LEVELS; l++) {
        struct register_edge_level *v = &e->level[l];
        wh_assert(v->n < TLOG_TILE_WIDTH + REGISTER_BATCH);
        v->h[v->n++] = h;
        if (v->n % TLOG_TILE_WIDTH != 0) {
            return;
        }
        /* a full tile's root is a hash of the level above */
        tlog_tile_fold(v->h[v->n - TLOG_TILE_WIDTH].b, 0, TLOG_TILE_HEIGHT, &h);
    }
}

void register_edge_trim(struct register_edge *e)
{
    for (unsigned l = 0; l < TLOG_TILE_LEVELS; l++) {
        struct register_edge_level *v = &e->level[l];
        size_t full = v->n - v->n % TLOG_TILE_WIDTH;
        v->first += full;
        v->n -= full;
        memmove(v->h, v->h + full, v->n * sizeof v->h[0]);
    }
}

struct wh_str register_edge_tile(const struct register_edge *e,
                                 const struct tlog_tile *t)
{
    const struct register_edge_level *v = &e->level[t->level];
    uint64_t first = t->index * TLOG_TILE_WIDTH;
    wh_assert(first >= v->first && first - v->first + t->width <= v->n);
    return wh_str_mem(v->h[first - v->first].b, (size_t)t->width * TLOG_HASH);
}

bool register_edge_node(const struct register_edge *e, unsigned level,
                        uint64_t index, struct tlog_hash *out)
{
    unsigned height = level % TLOG_TILE_HEIGHT;
    const struct register_edge_level *v = &e->level[level / TLOG_TILE_HEIGHT];
    uint64_t first = index << height;
    if (first < v->first) {
        return false;
    }
    size_t at = (size_t)(first - v->first);
    wh_assert(at + ((size_t)1 << height) <= v->n);
    tlog_tile_fold(v->h[at - at % TLOG_TILE_WIDTH].b,
                   (unsigned)(at % TLOG_TILE_WIDTH), height, out);
    return true;
}
