/*
 * leaf.c - the gate before the outbox: nothing personal is immortal.
 *
 * The schema is closed: types, keys and kinds of values come from leaves.tbl,
 * and no kind can carry a sentence, a name of a person, an address or a path.
 */
#include "register/leaf.h"

#define INT_MAX_SAFE INT64_C(9007199254740991)
#define NAME_MAX_BYTES 64

static const struct register_leaf_row rows[] = {
#define WH_LEAF(type, key, kind, needed, words, meaning) \
    {type, key, REGISTER_##kind, needed, words, meaning},
#include "register/leaves.tbl"
#undef WH_LEAF
};
#define ROWS (sizeof rows / sizeof *rows)

static const char PARTS[] = "data knowledge software source weights";
static const char TIERS[] = "held hosted gated open";

const struct register_leaf_row *register_leaf_rows(size_t *n)
{
    *n = ROWS;
    return rows;
}

/* Is `word` one of the blank separated `words`? */
static bool among(const char *words, struct wh_str word)
{
    struct wh_str one, rest = wh_str_of(words);
    do {
        (void)wh_str_cut(&rest, ' ', &one);
        if (one.n > 0 && wh_str_eq(one, word)) {
            return true;
        }
    } while (rest.n > 0);
    return false;
}

/* Lower hex digits only, exactly n of them. */
static bool hex_ok(struct wh_str s, size_t n)
{
    if (s.n != n) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        char c = s.p[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
            return false;
        }
    }
    return true;
}

static bool name_ok(struct wh_str s)
{
    if (s.n == 0 || s.n > NAME_MAX_BYTES) {
        return false;
    }
    char before = '/';
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = c >= 'a' && c <= 'z';
        bool other = (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                     c == '-' || c == '/';
        if (!letter && (!other || before == '/')) {
            return false; /* each part begins with a letter */
        }
        before = c;
    }
    return before != '/';
}

static bool release_ok(struct wh_str s)
{
    if (s.n == 0 || s.n > 32) {
        return false;
    }
    char before = '.';
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= '0' && c <= '9') && (c != '.' || before == '.')) {
            return false;
        }
        before = c;
    }
    return before != '.';
}

static struct wh_str text_of(const json_t *v)
{
    return json_is_string(v)
               ? wh_str_mem(json_string_value(v), json_string_length(v))
               : (struct wh_str){0};
}

static bool int_ok(const json_t *v)
{
    return json_is_integer(v) && json_integer_value(v) >= 0 &&
           json_integer_value(v) <= INT_MAX_SAFE;
}

static bool digest_ok(const json_t *v)
{
    struct wh_str s = text_of(v);
    return wh_str_starts(s, WH_S("sha256:")) &&
           hex_ok(wh_str_sub(s, 7, s.n - 7), WH_SHA256_HEX);
}

static bool name_value_ok(const json_t *v)
{
    return name_ok(text_of(v));
}

static bool list_ok(const json_t *v, bool (*one)(const json_t *))
{
    if (!json_is_array(v) || json_array_size(v) > REGISTER_LIST_MAX) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        if (!one(json_array_get(v, i))) {
            return false;
        }
    }
    return true;
}

/* An object whose keys and values are each of one kind. jansson's iterators
 * want a pointer that is not const and do not write through it. */
static bool object_ok(const json_t *v,
                      bool (*pair)(struct wh_str key, struct wh_str value))
{
    union {
        const json_t *in;
        json_t *out;
    } u = {.in = v};
    if (!json_is_object(v) || json_object_size(v) > REGISTER_LIST_MAX) {
        return false;
    }
    for (void *i = json_object_iter(u.out); i;
         i = json_object_iter_next(u.out, i)) {
        struct wh_str key = wh_str_of(json_object_iter_key(i));
        if (!pair(key, text_of(json_object_iter_value(i)))) {
            return false;
        }
    }
    return true;
}

static bool tier_pair_ok(struct wh_str key, struct wh_str value)
{
    return among(PARTS, key) && among(TIERS, value);
}

static bool commit_pair_ok(struct wh_str key, struct wh_str value)
{
    return name_ok(key) && hex_ok(value, WH_SHA256_HEX);
}

static bool type_ok(struct wh_str type)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].type[0] != '*' && wh_str_is(type, rows[i].type)) {
            return true;
        }
    }
    return false;
}

static bool value_ok(const struct register_leaf_row *row, const json_t *v)
{
    switch (row->kind) {
    case REGISTER_VERSION:
        return json_is_integer(v) && json_integer_value(v) == 1;
    case REGISTER_TYPE:
        return type_ok(text_of(v));
    case REGISTER_ID:
        return hex_ok(text_of(v), 32);
    case REGISTER_INT:
        return int_ok(v);
    case REGISTER_INTS:
        return list_ok(v, int_ok);
    case REGISTER_DIGEST:
        return digest_ok(v);
    case REGISTER_DIGESTS:
        return list_ok(v, digest_ok);
    case REGISTER_NAMES:
        return list_ok(v, name_value_ok);
    case REGISTER_RELEASE:
        return release_ok(text_of(v));
    case REGISTER_ENUM:
        return among(row->words, text_of(v));
    case REGISTER_TIERS:
        return object_ok(v, tier_pair_ok);
    case REGISTER_COMMITS:
        return object_ok(v, commit_pair_ok);
    }
    return false;
}

static const struct register_leaf_row *find_row(struct wh_str type,
                                                const char *key)
{
    for (size_t i = 0; i < ROWS; i++) {
        bool mine = rows[i].type[0] == '*' || wh_str_is(type, rows[i].type);
        if (mine && strcmp(rows[i].key, key) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* Every key that the type needs is there. */
static bool complete(const json_t *leaf, struct wh_str type, struct wh_err *err)
{
    for (size_t i = 0; i < ROWS; i++) {
        bool mine = rows[i].type[0] == '*' || wh_str_is(type, rows[i].type);
        if (mine && rows[i].needed && !json_object_get(leaf, rows[i].key)) {
            return wh_fail(err, WH_INTERNAL, "a leaf lacks its key %s",
                           rows[i].key);
        }
    }
    /* whom it is about, in the clear or behind a commitment */
    if (find_row(type, "subject") && !json_object_get(leaf, "subject") &&
        !json_object_get(json_object_get(leaf, "c"), "subject")) {
        return wh_fail(err, WH_INTERNAL, "a leaf names no subject");
    }
    return true;
}

bool register_leaf_lint(const json_t *leaf, struct wh_err *err)
{
    union {
        const json_t *in;
        json_t *out;
    } u = {.in = leaf};
    if (!json_is_object(leaf)) {
        return wh_fail(err, WH_INTERNAL, "a leaf is an object");
    }
    struct wh_str type = text_of(json_object_get(leaf, "type"));
    if (!type_ok(type)) {
        return wh_fail(err, WH_INTERNAL, "a leaf of unknown type");
    }
    for (void *i = json_object_iter(u.out); i;
         i = json_object_iter_next(u.out, i)) {
        const char *key = json_object_iter_key(i);
        const struct register_leaf_row *row = find_row(type, key);
        if (!row || !value_ok(row, json_object_iter_value(i))) {
            (void)wh_fail(err, WH_INTERNAL,
                          "a leaf has a key or a value of no known kind");
            return wh_err_detail(err, "type %.*s key %s", WH_FMT(type), key);
        }
    }
    return complete(leaf, type, err);
}

bool register_leaf_parse(struct wh_arena *a, struct wh_str bytes, json_t **out,
                         struct wh_err *err)
{
    json_t *leaf = NULL;
    if (bytes.n > REGISTER_LEAF_MAX || !wh_json_parse(a, bytes, &leaf, err) ||
        !register_leaf_lint(leaf, err)) {
        *err = (struct wh_err){0};
        return wh_fail(err, WH_CORRUPT, "an entry is no leaf of the register");
    }
    struct wh_buf again;
    wh_buf_init(&again, REGISTER_LEAF_MAX);
    bool same = wh_json_canonical(&again, leaf, err) &&
                wh_str_eq(wh_buf_str(&again), bytes);
    wh_buf_done(&again);
    if (!same) {
        *err = (struct wh_err){0};
        return wh_fail(err, WH_CORRUPT, "an entry is not in canonical form");
    }
    *out = leaf;
    return true;
}

void register_commit(struct wh_str field, const uint8_t salt[REGISTER_SALT],
                     struct wh_str value, uint8_t out[WH_SHA256_LEN])
{
    wh_assert(field.n <= NAME_MAX_BYTES && value.n <= 1U << 20);
    const uint8_t n2[2] = {(uint8_t)(field.n >> 8), (uint8_t)field.n};
    const uint8_t n4[4] = {(uint8_t)(value.n >> 24), (uint8_t)(value.n >> 16),
                           (uint8_t)(value.n >> 8), (uint8_t)value.n};
    static const char domain[] = "weighhouse/commit/v1"; /* its NUL counts */
    struct wh_sha256 h;
    wh_sha256_init(&h);
    wh_sha256_add(&h, domain, sizeof domain);
    wh_sha256_add(&h, n2, sizeof n2);
    wh_sha256_add(&h, field.p, field.n);
    wh_sha256_add(&h, salt, REGISTER_SALT);
    wh_sha256_add(&h, n4, sizeof n4);
    wh_sha256_add(&h, value.p, value.n);
    wh_sha256_get(&h, out);
    wh_sha256_done(&h);
}
