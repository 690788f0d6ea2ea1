/*
 * jansson behind a narrow door: what it parses is bounded in depth and free
 * of duplicates before anybody sees it, values belong to the arena, and the
 * canonical writer is our own because jansson sorts keys by code point and
 * signatures need UTF-16 order (RFC 8785).
 */
#include "base/json.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_DEPTH 64U
/* Integers beyond this are not exact in every reader (RFC 8785, I-JSON). */
#define MAX_SAFE_INT INT64_C(9007199254740991)

static void decref(void *v)
{
    json_decref(v);
}

/* Nesting of brackets outside strings; jansson alone would go to 2048. */
static bool depth_ok(struct wh_str s)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (in_string) {
            if (c == '\\') {
                i++;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > MAX_DEPTH) {
                return false;
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return true;
}

/* jansson's complaint without the excerpt of the input it appends. */
static bool fail_parse(const json_error_t *e, struct wh_err *err)
{
    struct wh_str why = wh_str_of(e->text);
    size_t near = wh_str_find_str(why, WH_S(" near "));
    why = near == SIZE_MAX ? why : wh_str_sub(why, 0, near);
    return wh_fail(err, WH_BAD_JSON,
                   "malformed JSON in line %d, column %d: %.*s", e->line,
                   e->column, WH_FMT(why));
}

bool wh_json_parse(struct wh_arena *a, struct wh_str text, json_t **out,
                   struct wh_err *err)
{
    if (!depth_ok(text)) {
        return wh_fail(err, WH_TOO_LARGE, "JSON nested deeper than %u levels",
                       MAX_DEPTH);
    }
    json_error_t e;
    json_t *v = json_loadb(text.n ? text.p : "", text.n,
                           JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (!v) {
        return fail_parse(&e, err);
    }
    *out = wh_json_own(a, v);
    return true;
}

json_t *wh_json_own(struct wh_arena *a, json_t *v)
{
    if (v) {
        wh_arena_defer(a, decref, v);
    }
    return v;
}

static int add_chunk(const char *p, size_t n, void *b)
{
    wh_buf_mem(b, p, n);
    return 0;
}

void wh_json_write(struct wh_buf *b, const json_t *v, bool pretty)
{
    size_t how = pretty ? JSON_INDENT(2) : JSON_COMPACT;
    how |= JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);
    wh_assert(json_dump_callback(v, add_chunk, b, how) == 0);
}

/* UTF-16 order of two UTF-8 keys. It is byte order, save that a character
 * beyond the BMP (lead byte F0 and up) comes before U+E000..U+FFFF (lead
 * bytes EE and EF), since its surrogates are smaller. */
static int utf16_cmp(const char *a, const char *b)
{
    const unsigned char *x = (const unsigned char *)a;
    const unsigned char *y = (const unsigned char *)b;
    while (*x == *y && *x != 0) {
        x++;
        y++;
    }
    if (*x >= 0xEE && *y >= 0xEE && (*x >= 0xF0) != (*y >= 0xF0)) {
        return *x >= 0xF0 ? -1 : 1;
    }
    return (int)*x - (int)*y;
}

static int key_cmp(const void *a, const void *b)
{
    return utf16_cmp(*(const char *const *)a, *(const char *const *)b);
}

static bool canon(struct wh_buf *b, const json_t *v, unsigned depth,
                  struct wh_err *err);

static bool canon_object(struct wh_buf *b, const json_t *o, unsigned depth,
                         struct wh_err *err)
{
    size_t n = json_object_size(o);
    const char **keys = wh_calloc(n, sizeof *keys);
    /* jansson's iterators take a value that is not const but only read it. */
    union {
        const json_t *in;
        json_t *out;
    } obj = {.in = o};
    size_t i = 0;
    for (void *it = json_object_iter(obj.out); it;
         it = json_object_iter_next(obj.out, it)) {
        keys[i++] = json_object_iter_key(it);
    }
    wh_assert(i == n);
    qsort(keys, n, sizeof *keys, key_cmp);
    bool ok = true;
    wh_buf_char(b, '{');
    for (i = 0; i < n && ok; i++) {
        if (i > 0) {
            wh_buf_char(b, ',');
        }
        wh_buf_json(b, wh_str_of(keys[i]));
        wh_buf_char(b, ':');
        ok = canon(b, json_object_get(o, keys[i]), depth + 1, err);
    }
    wh_buf_char(b, '}');
    wh_free(keys);
    return ok;
}

static bool canon_array(struct wh_buf *b, const json_t *a, unsigned depth,
                        struct wh_err *err)
{
    size_t n = json_array_size(a);
    wh_buf_char(b, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            wh_buf_char(b, ',');
        }
        if (!canon(b, json_array_get(a, i), depth + 1, err)) {
            return false;
        }
    }
    wh_buf_char(b, ']');
    return true;
}

static bool canon_integer(struct wh_buf *b, const json_t *v, struct wh_err *err)
{
    json_int_t i = json_integer_value(v);
    if (i > MAX_SAFE_INT || i < -MAX_SAFE_INT) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "integers beyond 2^53 must be written as strings");
    }
    wh_buf_fmt(b, "%" JSON_INTEGER_FORMAT, i);
    return true;
}

static bool canon(struct wh_buf *b, const json_t *v, unsigned depth,
                  struct wh_err *err)
{
    if (depth > MAX_DEPTH) {
        return wh_fail(err, WH_TOO_LARGE, "JSON nested deeper than %u levels",
                       MAX_DEPTH);
    }
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return canon_object(b, v, depth, err);
    case JSON_ARRAY:
        return canon_array(b, v, depth, err);
    case JSON_STRING:
        wh_buf_json(b, wh_str_mem(json_string_value(v), json_string_length(v)));
        return true;
    case JSON_INTEGER:
        return canon_integer(b, v, err);
    case JSON_REAL:
        return wh_fail(err, WH_BAD_REQUEST,
                       "only whole numbers have a canonical form");
    case JSON_TRUE:
        wh_buf_cstr(b, "true");
        return true;
    case JSON_FALSE:
        wh_buf_cstr(b, "false");
        return true;
    case JSON_NULL:
        wh_buf_cstr(b, "null");
        return true;
    }
    return wh_fail(err, WH_INTERNAL, "");
}

bool wh_json_canonical(struct wh_buf *b, const json_t *v, struct wh_err *err)
{
    return canon(b, v, 0, err) && wh_buf_ok(b, err);
}

/* The member `key` of o, null when absent or JSON null; fails when o is no
 * object. */
static bool member(const json_t *o, const char *key, const json_t **out,
                   struct wh_err *err)
{
    if (!json_is_object(o)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "an object with the field \"%s\" is expected", key);
    }
    const json_t *v = json_object_get(o, key);
    *out = json_is_null(v) ? NULL : v;
    return true;
}

static bool fail_type(const char *key, const json_t *v, const char *type,
                      struct wh_err *err)
{
    if (!v) {
        return wh_fail(err, WH_BAD_REQUEST, "the field \"%s\" is missing", key);
    }
    return wh_fail(err, WH_BAD_REQUEST, "the field \"%s\" must be %s", key,
                   type);
}

static bool get_str(const json_t *v, const char *key, struct wh_str *out,
                    struct wh_err *err)
{
    if (!json_is_string(v)) {
        return fail_type(key, v, "a string", err);
    }
    *out = wh_str_mem(json_string_value(v), json_string_length(v));
    return true;
}

static bool get_i64(const json_t *v, const char *key, int64_t *out,
                    struct wh_err *err)
{
    if (!json_is_integer(v)) {
        return fail_type(key, v, "a whole number", err);
    }
    *out = json_integer_value(v);
    return true;
}

bool wh_json_get_str(const json_t *o, const char *key, struct wh_str *out,
                     struct wh_err *err)
{
    const json_t *v = NULL;
    return member(o, key, &v, err) && get_str(v, key, out, err);
}

bool wh_json_opt_str(const json_t *o, const char *key, struct wh_str dflt,
                     struct wh_str *out, struct wh_err *err)
{
    const json_t *v = NULL;
    if (!member(o, key, &v, err)) {
        return false;
    }
    if (!v) {
        *out = dflt;
        return true;
    }
    return get_str(v, key, out, err);
}

bool wh_json_get_i64(const json_t *o, const char *key, int64_t *out,
                     struct wh_err *err)
{
    const json_t *v = NULL;
    return member(o, key, &v, err) && get_i64(v, key, out, err);
}

bool wh_json_opt_i64(const json_t *o, const char *key, int64_t dflt,
                     int64_t *out, struct wh_err *err)
{
    const json_t *v = NULL;
    if (!member(o, key, &v, err)) {
        return false;
    }
    if (!v) {
        *out = dflt;
        return true;
    }
    return get_i64(v, key, out, err);
}

bool wh_json_opt_bool(const json_t *o, const char *key, bool dflt, bool *out,
                      struct wh_err *err)
{
    const json_t *v = NULL;
    if (!member(o, key, &v, err)) {
        return false;
    }
    if (v && !json_is_boolean(v)) {
        return fail_type(key, v, "true or false", err);
    }
    *out = v ? json_is_true(v) : dflt;
    return true;
}

json_t *wh_json_str(struct wh_str s)
{
    if (wh_str_utf8_ok(s)) {
        json_t *v = json_stringn(s.n ? s.p : "", s.n);
        wh_assert(v != NULL);
        return v;
    }
    struct wh_buf b;
    wh_assert(s.n < SIZE_MAX / 4);
    wh_buf_init(&b, s.n * 3 + 1);
    size_t i = 0;
    while (i < s.n) {
        size_t n = wh_str_utf8_len(wh_str_sub(s, i, 4));
        wh_buf_add(&b, n ? wh_str_sub(s, i, n) : WH_S("\xEF\xBF\xBD"));
        i += n ? n : 1;
    }
    json_t *v = json_stringn(b.p, b.n);
    wh_assert(v != NULL);
    wh_buf_done(&b);
    return v;
}

json_t *wh_json_text(const json_t *v, const char *key)
{
    json_t *m = json_object_get(v, key);
    return json_is_string(m) ? m : NULL;
}
