/*
 * index.h - model.safetensors.index.json against the shards it speaks of.
 * Owner: findings live in the caller's list.
 * Never: opens a file that the index names.
 */
#ifndef WH_SCAN_INDEX_H
#define WH_SCAN_INDEX_H

#include "base/sha256.h"
#include "base/win.h"
#include "scan/finding.h"

#define SCAN_INDEX_BYTES_MAX (100u << 20)
#define SCAN_INDEX_FILES_MAX 4096u

/* What is known of a shard from its own report: `names` and `tensor_bytes`. */
struct scan_index_shard {
    struct wh_str file; /* bare name, in the folder of the index */
    uint8_t names[WH_SHA256_LEN];
    uint64_t tensor_bytes;
};

/* Every tensor of the map is in the named shard and only there, no shard has a
 * tensor that the map lacks, and total_size is their sum. Contradictions are
 * findings (index.mismatch). Errors: the source's; WH_NOMEM. */
bool scan_index_check(const struct wh_src *index,
                      const struct scan_index_shard *shards, size_t n,
                      struct scan_findings *out, struct wh_err *err) WH_CHECK;

#endif
