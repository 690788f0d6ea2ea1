/*
 * json.h - JSON for configuration and API bodies: jansson made strict.
 * Owner: parsed values belong to the arena; built values (json_t) follow
 * jansson's reference counts.
 * Never: used on model headers or on the gateway's data path.
 */
#ifndef WH_BASE_JSON_H
#define WH_BASE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include <jansson.h>

/* Strict parse: no duplicate keys, no trailing bytes, valid UTF-8, depth 64.
 * The value is released when the arena ends. */
bool wh_json_parse(struct wh_arena *a, struct wh_str text, json_t **out,
                   struct wh_err *err) WH_CHECK;
/* Give a reference to the arena: json_decref at its end. Returns v. */
json_t *wh_json_own(struct wh_arena *a, json_t *v);
/* Compact text; with `pretty`, indented by two. */
void wh_json_write(struct wh_buf *b, const json_t *v, bool pretty);
/* Canonical form for digests and signatures (RFC 8785 subset): keys sorted by
 * UTF-16 code units, no blanks, integers only. Fails on reals and on integers
 * beyond 2^53 (not exact in every reader: write those as strings). */
bool wh_json_canonical(struct wh_buf *b, const json_t *v,
                       struct wh_err *err) WH_CHECK;

/* Fields of an object. _opt: absent or null gives the default and true; wrong
 * type fails with WH_BAD_REQUEST naming the key. Strings are views into v. */
bool wh_json_get_str(const json_t *o, const char *key, struct wh_str *out,
                     struct wh_err *err) WH_CHECK;
bool wh_json_opt_str(const json_t *o, const char *key, struct wh_str dflt,
                     struct wh_str *out, struct wh_err *err) WH_CHECK;
bool wh_json_get_i64(const json_t *o, const char *key, int64_t *out,
                     struct wh_err *err) WH_CHECK;
bool wh_json_opt_i64(const json_t *o, const char *key, int64_t dflt,
                     int64_t *out, struct wh_err *err) WH_CHECK;
bool wh_json_opt_bool(const json_t *o, const char *key, bool dflt, bool *out,
                      struct wh_err *err) WH_CHECK;
/* A JSON string from a view; invalid UTF-8 becomes U+FFFD. New reference. */
json_t *wh_json_str(struct wh_str s);
/* The member `key` if it is a string, else null. Borrowed from v. */
json_t *wh_json_text(const json_t *v, const char *key);

#endif
