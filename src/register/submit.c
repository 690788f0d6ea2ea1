/*
 * submit.c - the outbox.
 *
 * A leaf's time is taken here, under the one writer, and never falls: when the
 * clock has gone back, the last time is used again and the sequencer waits
 * until the clock has caught up, so that nothing is published from the future.
 */
#include "register/submit.h"
#include "base/enc.h"
#include "base/time.h"
#include "crypto/random.h"
#include "tlog/merkle.h"

/* Never refused for want of room: the house must be able to act under load. */
static const char *const reserved[] = {"genesis", "lines", "erasure",
                                       "correction", "close"};

static bool has_room(struct db *db, const char *type, int64_t now,
                     struct wh_err *err)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (strcmp(type, reserved[i]) == 0) {
            return true;
        }
    }
    struct db_stmt *s = db_start(db, DBQ_REGISTER_OUTBOX_SPAN);
    enum db_row r = db_step(s, err);
    int64_t first = 0, last = 0, created = 0;
    if (r == DB_ROW) {
        first = db_col_i64(s, 0);
        last = db_col_i64(s, 1);
        created = db_col_i64(s, 2);
    }
    db_finish(&s);
    if (r == DB_FAIL) {
        return false;
    }
    if (first > 0 && (last - first >= REGISTER_OUTBOX_MAX ||
                      now - created > REGISTER_OUTBOX_AGE_US)) {
        return wh_fail(err, WH_UNAVAILABLE,
                       "the register is behind, try again in a moment");
    }
    return true;
}

/* v, id, t: what every leaf has. */
static bool complete(struct db *db, json_t *leaf, int64_t now,
                     struct wh_err *err)
{
    int64_t last;
    if (!db_one_i64(db_start(db, DBQ_REGISTER_TIME_LAST), 0, &last, err)) {
        return false;
    }
    int64_t t = now / 1000000;
    json_object_set_new(leaf, "v", json_integer(1));
    json_object_set_new(leaf, "t", json_integer(t > last ? t : last));
    if (!json_object_get(leaf, "id")) {
        uint8_t id[16];
        char hex[33];
        crypto_random(id, sizeof id);
        wh_hex_enc(id, sizeof id, hex);
        json_object_set_new(leaf, "id", json_string(hex));
    }
    return true;
}

/* The hex digits of the subjects, blank separated. */
static void list_subjects(const json_t *leaf, struct wh_buf *out)
{
    const json_t *list = json_object_get(leaf, "subject");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *digest = json_string_value(json_array_get(list, i));
        wh_buf_cstr(out, i > 0 ? " " : "");
        wh_buf_cstr(out, digest + strlen("sha256:"));
    }
}

static bool insert(struct db *db, const json_t *leaf, struct wh_str bytes,
                   int64_t now, int64_t *outbox, struct wh_err *err)
{
    struct tlog_hash hash;
    struct wh_buf subjects;
    wh_buf_init(&subjects, REGISTER_LEAF_MAX);
    list_subjects(leaf, &subjects);
    tlog_hash_leaf(bytes, &hash);
    struct db_stmt *s = db_start(db, DBQ_REGISTER_OUTBOX_ADD);
    db_bind_i64(s, 1, now);
    db_bind_cstr(s, 2, json_string_value(json_object_get(leaf, "type")));
    db_bind_i64(s, 3, json_integer_value(json_object_get(leaf, "t")));
    db_bind_text(s, 4, subjects.n > 0 ? wh_buf_str(&subjects) : WH_S(""));
    db_bind_blob(s, 5, bytes.p, bytes.n);
    db_bind_blob(s, 6, hash.b, TLOG_HASH);
    bool ok = db_one_i64(s, 0, outbox, err);
    wh_buf_done(&subjects);
    return ok;
}

bool register_submit(struct db *db, json_t *leaf, int64_t *outbox,
                     struct wh_err *err)
{
    int64_t now = wh_now_us();
    const char *type = json_string_value(json_object_get(leaf, "type"));
    if (!type) {
        return wh_fail(err, WH_INTERNAL, "a leaf has no type");
    }
    if (!has_room(db, type, now, err) || !complete(db, leaf, now, err) ||
        !register_leaf_lint(leaf, err)) {
        return false;
    }
    struct wh_buf bytes;
    wh_buf_init(&bytes, REGISTER_LEAF_MAX);
    bool ok = wh_json_canonical(&bytes, leaf, err) && wh_buf_ok(&bytes, err) &&
              insert(db, leaf, wh_buf_str(&bytes), now, outbox, err);
    wh_buf_done(&bytes);
    return ok;
}

json_t *register_digest_new(struct wh_str hex)
{
    char text[7 + WH_SHA256_HEX] = "sha256:";
    wh_assert(hex.n == WH_SHA256_HEX);
    memcpy(text + 7, hex.p, hex.n);
    return wh_json_str(wh_str_mem(text, sizeof text));
}

json_t *register_subject_new(struct wh_str hex)
{
    json_t *list = json_array();
    json_array_append_new(list, register_digest_new(hex));
    return list;
}

void register_leaf_commit(json_t *leaf, const char *field, struct wh_str value,
                          uint8_t salt[REGISTER_SALT])
{
    uint8_t digest[WH_SHA256_LEN];
    char hex[WH_SHA256_HEX + 1];
    crypto_random(salt, REGISTER_SALT);
    register_commit(wh_str_of(field), salt, value, digest);
    wh_hex_enc(digest, sizeof digest, hex);
    json_t *c = json_object_get(leaf, "c");
    if (!c) {
        c = json_object();
        json_object_set_new(leaf, "c", c);
    }
    json_object_set_new(c, field, json_string(hex));
}

bool register_opening_keep(struct db *db, int64_t outbox, const char *field,
                           const uint8_t salt[REGISTER_SALT],
                           struct wh_str value, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REGISTER_OPENING_ADD);
    db_bind_i64(s, 1, outbox);
    db_bind_cstr(s, 2, field);
    db_bind_blob(s, 3, salt, REGISTER_SALT);
    db_bind_blob(s, 4, value.n > 0 ? value.p : "", value.n);
    return db_exec(s, err);
}

bool register_opening_read(struct db *db, struct wh_arena *a, uint64_t index,
                           const char *field, uint8_t salt[REGISTER_SALT],
                           struct wh_str *value, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REGISTER_OPENING_GET);
    db_bind_i64(s, 1, (int64_t)index);
    db_bind_cstr(s, 2, field);
    enum db_row r = db_step(s, err);
    bool erased = r == DB_ROW && !db_col_is_null(s, 2);
    if (r == DB_ROW && !erased) {
        struct wh_str bytes = db_col_blob(s, 0);
        wh_assert(bytes.n == REGISTER_SALT); /* the schema says so */
        memcpy(salt, bytes.p, REGISTER_SALT);
        *value = db_col_dup(s, 1, a);
    }
    db_finish(&s);
    if (erased) {
        return wh_fail(err, WH_REFUSED, "committed, opening erased");
    }
    return db_found(r, WH_NOT_FOUND, err);
}

bool register_opening_salt(struct db *db, struct wh_arena *a, uint64_t index,
                           const char *field, struct wh_str *hex,
                           struct wh_err *err)
{
    uint8_t salt[REGISTER_SALT];
    char text[2 * REGISTER_SALT + 1];
    struct wh_str value;
    if (!register_opening_read(db, a, index, field, salt, &value, err)) {
        return false;
    }
    wh_hex_enc(salt, sizeof salt, text);
    *hex = wh_arena_dup(a, wh_str_of(text));
    return true;
}

bool register_opening_erase(struct db *db, uint64_t index, const char *field,
                            bool *erased, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_REGISTER_OPENING_ERASE);
    db_bind_i64(s, 1, (int64_t)index);
    db_bind_cstr(s, 2, field);
    db_bind_i64(s, 3, wh_now_us());
    if (!db_exec(s, err)) {
        return false;
    }
    *erased = db_changes(db) > 0;
    return true;
}
