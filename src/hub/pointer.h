/*
 * pointer.h - the LFS pointer: the small blob that stands in git for content.
 * Owner: plain values.
 * Never: takes anything but the exact form that git-lfs writes.
 */
#ifndef WH_HUB_POINTER_H
#define WH_HUB_POINTER_H

#include "base/buf.h"
#include "base/sha256.h"

/* The largest blob that is looked at as a pointer. */
#define HUB_POINTER_MAX 1024

struct hub_pointer {
    char sha256[WH_SHA256_HEX + 1];
    uint64_t size;
};

/* Read a blob as a pointer (git-lfs spec v1; unknown keys in between are
 * tolerated, order is not). False when it is an ordinary file. */
bool hub_pointer_parse(struct wh_str blob, struct hub_pointer *out);
/* Write the three lines. */
void hub_pointer_write(struct wh_buf *b, const struct hub_pointer *p);

#endif
