/*
 * blob.h - the templates and assets that tools/embed.py put into the binary.
 * Private to the room.
 * Owner: static memory.
 * Never: changes.
 */
#ifndef WH_TMPL_BLOB_H
#define WH_TMPL_BLOB_H

#include <stddef.h>

struct tmpl_blob {
    const char *name;   /* "model" for a template, "house.css" for an asset */
    const char *digest; /* 16 hex digits of the SHA-256 */
    const unsigned char *p;
    size_t n;
};

extern const struct tmpl_blob tmpl_templates[];
extern const size_t tmpl_templates_n;
extern const struct tmpl_blob tmpl_assets[];
extern const size_t tmpl_assets_n;

#endif
