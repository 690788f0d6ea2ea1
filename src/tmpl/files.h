/*
 * files.h - where templates and assets come from: the binary itself, or a
 * folder while somebody works on them.
 * Owner: tmpl_open's set is the caller's; an asset's bytes live in the binary
 * or in the arena.
 * Never: reads outside DIR/templates and DIR/assets.
 */
#ifndef WH_TMPL_FILES_H
#define WH_TMPL_FILES_H

#include "tmpl/tmpl.h"

/* All templates, compiled and linked. dir null: those in the binary; else the
 * *.html of dir/templates (--dev-templates), and then names that are missing
 * in the values fail a rendering. On failure *err names file and line. */
bool tmpl_open(const char *dir, struct tmpl_set **out,
               struct wh_err *err) WH_CHECK;
/* The set of the binary, but strict: for tests. */
bool tmpl_open_strict(struct tmpl_set **out, struct wh_err *err) WH_CHECK;

struct tmpl_asset {
    struct wh_str bytes;
    const char *type; /* Content-Type, static string */
    bool for_ever;    /* the name carries the digest: cache without limit */
};

/* The asset behind /assets/NAME, NAME as in the URL ("house.css", or with the
 * digest: "house.0123456789abcdef.css"). dir as above; the arena is used only
 * with it. Fails with WH_NOT_FOUND. */
bool tmpl_asset_get(struct wh_arena *a, const char *dir, struct wh_str name,
                    struct tmpl_asset *out, struct wh_err *err) WH_CHECK;

#endif
