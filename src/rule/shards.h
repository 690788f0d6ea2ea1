/*
 * shards.h - weights in numbered pieces ("model-00002-of-00005.safetensors"):
 * are all of them there?
 * Owner: views of the caller's paths.
 * Never: takes a piece for the whole: one that is missing may be the larger.
 */
#ifndef WH_RULE_SHARDS_H
#define WH_RULE_SHARDS_H

#include "base/arena.h"
#include "base/str.h"

/* A set of pieces that is not whole. */
struct rule_shards {
    struct wh_str name; /* path of one that is there */
    size_t have, total;
};

/* Look through n paths. True if each numbered set among them is whole; else
 * *out is the first one, by name, that is not. A number is "-I-of-N" at the end
 * of the name, before its ending; I from 1 to N. O(n log n). */
bool rule_shards_whole(struct wh_arena *a, const struct wh_str *paths, size_t n,
                       struct rule_shards *out);

#endif
