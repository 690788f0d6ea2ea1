/*
 * leaf.h - what may stand in the register: the schema of leaves, and
 * commitments to what must not stand in it.
 * Owner: the caller owns all values.
 * Never: lets through a key or a value that leaves.tbl does not name.
 */
#ifndef WH_REGISTER_LEAF_H
#define WH_REGISTER_LEAF_H

#include "base/json.h"
#include "base/sha256.h"

#define REGISTER_LEAF_MAX 4096 /* bytes of the canonical form */
#define REGISTER_LIST_MAX 32   /* values in one list */
#define REGISTER_SALT 32

/* Kinds of value. DIGEST is "sha256:" and 64 lower hex digits. NAME is a word
 * of [a-z0-9._-] with parts joined by '/', beginning with a letter, at most 64
 * bytes: identifiers of public documents, rules and fields. */
enum register_kind {
    REGISTER_VERSION, /* the integer 1 */
    REGISTER_TYPE,    /* a type of leaves.tbl */
    REGISTER_ID,      /* 32 lower hex digits */
    REGISTER_INT,     /* 0 to 2^53 - 1 */
    REGISTER_INTS,
    REGISTER_DIGEST,
    REGISTER_DIGESTS,
    REGISTER_NAMES,
    REGISTER_RELEASE, /* digits and dots: "0.1.0" */
    REGISTER_ENUM,    /* a word of its row */
    REGISTER_TIERS,   /* {"weights":"open",...} */
    REGISTER_COMMITS  /* {"<field>":"<64 hex>",...} */
};

/* One row of leaves.tbl. */
struct register_leaf_row {
    const char *type, *key;
    enum register_kind kind;
    bool needed;
    const char *words, *meaning;
};

/* All rows, for the documents and pages that explain them. */
const struct register_leaf_row *register_leaf_rows(size_t *n);

/* Is this a leaf that may be logged? WH_INTERNAL names what is wrong: leaves
 * are made by the house, so a bad one is our own mistake. */
bool register_leaf_lint(const json_t *leaf, struct wh_err *err) WH_CHECK;
/* The same for bytes read back: canonical JSON of at most REGISTER_LEAF_MAX
 * ASCII bytes that passes the lint; WH_CORRUPT if not. The parsed leaf lives in
 * the arena. */
bool register_leaf_parse(struct wh_arena *a, struct wh_str bytes, json_t **out,
                         struct wh_err *err) WH_CHECK;

/* The commitment to a value under a fresh random salt of its own:
 * SHA-256("weighhouse/commit/v1" 0x00, u16be field length, field, salt,
 * u32be value length, value). Field is at most 64 bytes, value at most 1 MiB
 * (asserted). */
void register_commit(struct wh_str field, const uint8_t salt[REGISTER_SALT],
                     struct wh_str value, uint8_t out[WH_SHA256_LEN]);

#endif
