/*
 * text.c - sealing under half a key from the disk and half from the database.
 */
#include "watch/text.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/hmac.h"
#include "crypto/keyfile.h"
#include "crypto/random.h"
#include "watch/ladder.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool watch_vault_open(struct watch_vault *v, const char *dir,
                      struct wh_err *err)
{
    *v = (struct watch_vault){.day = -1};
    if (strlen(dir) >= sizeof v->dir - 64) {
        return wh_fail(err, WH_TOO_LARGE, "the path of the data folder");
    }
    (void)snprintf(v->dir, sizeof v->dir, "%s", dir);
    return wh_dir_make(dir, 0700, err);
}

void watch_vault_close(struct watch_vault *v)
{
    crypto_aead_free(&v->aead);
    wh_wipe(v->salt, sizeof v->salt);
    v->day = -1;
}

static void half_path(const struct watch_vault *v, int64_t day, char out[4200])
{
    (void)snprintf(out, 4200, "%s/%lld.key", v->dir, (long long)day);
}

/* The day's cipher; *aead is the caller's. */
static bool day_key(const struct watch_vault *v, int64_t day, bool make,
                    const uint8_t salt[WATCH_SALT], struct crypto_aead **aead,
                    struct wh_err *err)
{
    uint8_t half[32], key[CRYPTO_AEAD_KEY];
    char path[4200];
    bool ok;

    half_path(v, day, path);
    ok = make ? crypto_keyfile_ensure(path, half, sizeof half, err)
              : crypto_keyfile_read(path, half, sizeof half, err);
    if (ok) {
        crypto_hkdf_sha256(wh_str_mem(half, sizeof half),
                           wh_str_mem(salt, WATCH_SALT),
                           WH_S("weighhouse/watch/text/v1"), key, sizeof key);
        *aead = crypto_aead_new(key);
    }
    wh_wipe(half, sizeof half);
    wh_wipe(key, sizeof key);
    return ok;
}

static bool read_salt(struct db *db, int64_t day, uint8_t salt[WATCH_SALT],
                      bool *found, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_DAY_GET);
    enum db_row r;

    db_bind_i64(s, 1, day);
    r = db_step(s, err);
    *found = r == DB_ROW && db_col_blob(s, 0).n == WATCH_SALT;
    if (*found) {
        memcpy(salt, db_col_blob(s, 0).p, WATCH_SALT);
    }
    db_finish(&s);
    return r != DB_FAIL;
}

bool watch_vault_day(struct watch_vault *v, struct db *db, int64_t now,
                     struct wh_err *err)
{
    int64_t day = now / WATCH_DAY_US;
    struct crypto_aead *aead = NULL;
    uint8_t salt[WATCH_SALT];
    bool found = false;

    if (v->day == day) {
        return true;
    }
    if (!read_salt(db, day, salt, &found, err)) {
        return false;
    }
    if (!found) {
        crypto_random(salt, sizeof salt);
    }
    if (!day_key(v, day, true, salt, &aead, err)) {
        return false;
    }
    watch_vault_close(v);
    v->aead = aead;
    v->day = day;
    memcpy(v->salt, salt, sizeof salt);
    return true;
}

void watch_vault_seal(struct watch_vault *v, struct wh_str request,
                      struct wh_str text, struct watch_sealed *out)
{
    size_t n = text.n < WATCH_TEXT_MAX ? text.n : WATCH_TEXT_MAX;

    wh_assert(v->aead);
    *out = (struct watch_sealed){.day = v->day, .cut = n < text.n};
    /* 96 random bits: far fewer than 2^32 texts a day */
    crypto_random(out->iv, sizeof out->iv);
    out->n = n + CRYPTO_AEAD_TAG;
    out->bytes = wh_alloc(out->n);
    crypto_aead_seal(v->aead, out->iv, request, text.p, n, out->bytes,
                     out->bytes + n);
}

void watch_sealed_free(struct watch_sealed *s)
{
    wh_free(s->bytes);
    *s = (struct watch_sealed){0};
}

struct row {
    int64_t day;
    struct wh_str iv, sealed;
    bool cut;
};

static bool read_row(struct db *db, struct wh_arena *a, int64_t alarm,
                     struct row *out, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_TEXT_GET);
    enum db_row r;

    db_bind_i64(s, 1, alarm);
    r = db_step(s, err);
    if (r == DB_ROW) {
        *out = (struct row){.day = db_col_i64(s, 0),
                            .iv = db_col_dup(s, 1, a),
                            .sealed = db_col_dup(s, 2, a),
                            .cut = db_col_bool(s, 3)};
    }
    db_finish(&s);
    return db_found(r, WH_NOT_FOUND, err);
}

bool watch_text_open(const struct watch_vault *v, struct db *db,
                     struct wh_arena *a, int64_t alarm, struct wh_str request,
                     struct wh_str *text, bool *cut, struct wh_err *err)
{
    struct crypto_aead *aead = NULL;
    uint8_t salt[WATCH_SALT];
    struct row row = {0};
    bool found = false, ok;
    size_t n;
    char *out;

    if (!read_row(db, a, alarm, &row, err) ||
        !read_salt(db, row.day, salt, &found, err)) {
        return false;
    }
    if (!found) {
        return wh_fail(err, WH_NOT_FOUND, "the text is past its time");
    }
    if (row.iv.n != CRYPTO_AEAD_IV || row.sealed.n < CRYPTO_AEAD_TAG) {
        return wh_fail(err, WH_CORRUPT, "a sealed text is damaged");
    }
    if (!day_key(v, row.day, false, salt, &aead, err)) {
        return false;
    }
    n = row.sealed.n - CRYPTO_AEAD_TAG;
    out = wh_arena_alloc(a, n + 1);
    ok =
        crypto_aead_open(aead, (const uint8_t *)row.iv.p, request, row.sealed.p,
                         n, (const uint8_t *)row.sealed.p + n, out);
    crypto_aead_free(&aead);
    if (!ok) {
        return wh_fail(err, WH_CORRUPT, "a sealed text is damaged");
    }
    *text = wh_str_mem(out, n);
    *cut = row.cut;
    return true;
}

/* Zeros over the key before the name goes: what the disk itself keeps of
 * either is beyond us. */
static void destroy(const char *path)
{
    static const uint8_t zeros[32];
    struct wh_err err = {0};
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd >= 0 &&
        (!wh_fd_pwrite(fd, 0, zeros, sizeof zeros, &err) || fsync(fd) != 0)) {
        wh_log(WH_WARN, "watch.key", "what=not_overwritten");
    }
    wh_fd_close(&fd);
    if (unlink(path) != 0) {
        wh_log(WH_WARN, "watch.key", "what=not_removed");
    }
}

void watch_vault_expire(struct watch_vault *v, int64_t now)
{
    int64_t first = now / WATCH_DAY_US - WATCH_TEXT_DAYS;
    DIR *d = opendir(v->dir);
    const struct dirent *e;
    struct wh_str stem;
    char path[4200];
    uint64_t day;

    while (d && (e = readdir(d))) {
        struct wh_str name = wh_str_of(e->d_name);
        if (wh_str_cut(&name, '.', &stem) && wh_str_is(name, "key") &&
            wh_str_u64(stem, &day) && day < INT64_MAX && (int64_t)day < first) {
            half_path(v, (int64_t)day, path);
            destroy(path);
        }
    }
    if (d) {
        (void)closedir(d);
    }
}

bool watch_text_expire(struct db *db, int64_t now, struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_DAY_DROP);

    db_bind_i64(s, 1, now / WATCH_DAY_US - WATCH_TEXT_DAYS);
    return db_exec(s, err);
}
