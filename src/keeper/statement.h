/*
 * statement.h - what the keeper has found out, authenticated for itself.
 * Owner: texts and documents live in the arena given.
 * Never: believed without its MAC, or as a statement of another type.
 *
 * A statement is canonical JSON, a line feed, and the HMAC-SHA-256 of the JSON
 * in hex (docs/formats/keeper.md).
 */
#ifndef WH_KEEPER_STATEMENT_H
#define WH_KEEPER_STATEMENT_H

#include "base/json.h"
#include "keeper/keys.h"

#define KEEPER_STATEMENT_MAX (1u << 20)

/* A content statement, read. */
struct keeper_content_doc {
    struct wh_str repo, sha256; /* hex */
    uint64_t size;
    size_t n;
    uint8_t (*ids)[STORE_CONTAINER_ID];
};

/* A scan statement, read. */
struct keeper_scan_doc {
    struct wh_str sha256;
    uint64_t size;
    const json_t *result; /* the scanner's answer */
};

/* Authenticate a document (its "v" and "type" are set here; the reference is
 * taken). WH_TOO_LARGE. */
bool keeper_statement_make(const struct keeper_keys_set *k, struct wh_arena *a,
                           const char *type, json_t *doc, struct wh_str *out,
                           struct wh_err *err) WH_CHECK;
/* Check and parse one; WH_FORBIDDEN if it is none of ours or of another type.
 */
bool keeper_statement_open(const struct keeper_keys_set *k, struct wh_arena *a,
                           const char *type, struct wh_str text, json_t **doc,
                           struct wh_err *err) WH_CHECK;
/* The same, for the two types that are given back to the keeper. */
bool keeper_statement_content(const struct keeper_keys_set *k,
                              struct wh_arena *a, struct wh_str text,
                              struct keeper_content_doc *out,
                              struct wh_err *err) WH_CHECK;
bool keeper_statement_scan(const struct keeper_keys_set *k, struct wh_arena *a,
                           struct wh_str text, struct keeper_scan_doc *out,
                           struct wh_err *err) WH_CHECK;

#endif
