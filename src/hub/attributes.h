/*
 * attributes.h - is a file regular or large? .gitattributes, size and sample
 * decide, before its bytes are sent.
 * Owner: plain values over views.
 * Never: reads more of .gitattributes than `filter=lfs` lines.
 */
#ifndef WH_HUB_ATTRIBUTES_H
#define WH_HUB_ATTRIBUTES_H

#include "base/str.h"

/* Largest .gitattributes that is looked at, and lines of it. */
#define HUB_ATTRIBUTES_MAX (256 * 1024)

/* Steps that the patterns of one request may take together. They are strangers'
 * and so are the paths: what a request may cost must not grow with the product.
 * Below, `steps` is what is left; at 0 nothing fits any more, and the caller
 * refuses the request. */
#define HUB_GLOB_STEPS UINT64_C(300000000)

/* The .gitattributes that a new repo starts with. */
extern const char HUB_ATTRIBUTES_DEFAULT[];

/* Does the last line that fits `path` ask for LFS? (gitattributes(5): a pattern
 * without '/' is held against the name, others against the path; '*', '?',
 * '[...]' do not match '/', "**" does.) */
bool hub_attributes_lfs(struct wh_str attributes, struct wh_str path,
                        uint64_t *steps);
/* The whole decision: by attributes; else a binary sample, or a size over what
 * a regular file may have, is large. sample: the first bytes, at most 512. */
bool hub_file_is_large(struct wh_str attributes, struct wh_str path,
                       uint64_t size, struct wh_str sample, uint64_t *steps);
/* Does one line of a .gitignore (without its '!') fit the path: the path itself
 * or a folder above it? */
bool hub_ignore_fits(struct wh_str rule, struct wh_str path, uint64_t *steps);
/* gitattributes' and gitignore's glob. */
bool hub_glob(struct wh_str pattern, struct wh_str text, uint64_t *steps);

#endif
