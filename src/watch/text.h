/*
 * text.h - the texts of alarmed requests, sealed under the key of their day.
 * Owner: watch_vault_open .. watch_vault_close; its caller locks it.
 * Never: writes a text in the clear; keeps a key longer than the texts may be
 * read.
 *
 * A day's key is HKDF-SHA-256 of 32 bytes in a file, DATA/watch/<day>.key, with
 * 32 bytes of salt from the database. A copy of the database alone opens
 * nothing; when the day is over its time, file and row are destroyed, and with
 * them what copies hold.
 */
#ifndef WH_WATCH_TEXT_H
#define WH_WATCH_TEXT_H

#include "crypto/aead.h"
#include "db/db.h"

#define WATCH_TEXT_MAX 16384u /* bytes of one text; the rest is cut */
#define WATCH_TEXT_DAYS 30
#define WATCH_SALT 32

struct watch_vault {
    char dir[4096];
    int64_t day; /* of the key in use; -1: none */
    uint8_t salt[WATCH_SALT];
    struct crypto_aead *aead;
};

struct watch_sealed {
    int64_t day;
    uint8_t iv[CRYPTO_AEAD_IV];
    size_t n; /* with the tag; bytes is on the heap */
    uint8_t *bytes;
    bool cut;
};

/* dir: where the halves of the keys are; made if it is not there. */
bool watch_vault_open(struct watch_vault *v, const char *dir,
                      struct wh_err *err) WH_CHECK;
void watch_vault_close(struct watch_vault *v);
/* Be ready for the day of `now`; db may be a reading connection. The salt of a
 * new day is v->salt, for the caller to store before any text of the day. */
bool watch_vault_day(struct watch_vault *v, struct db *db, int64_t now,
                     struct wh_err *err) WH_CHECK;
/* Seal a text for a request; watch_sealed_free gives the bytes back. */
void watch_vault_seal(struct watch_vault *v, struct wh_str request,
                      struct wh_str text, struct watch_sealed *out);
void watch_sealed_free(struct watch_sealed *s);
/* Read one: WH_NOT_FOUND when it is past its time, WH_CORRUPT when it is not
 * what was sealed for that request. */
bool watch_text_open(const struct watch_vault *v, struct db *db,
                     struct wh_arena *a, int64_t alarm, struct wh_str request,
                     struct wh_str *text, bool *cut,
                     struct wh_err *err) WH_CHECK;
/* Destroy the keys of days that are over; the rows too, inside a write. */
void watch_vault_expire(struct watch_vault *v, int64_t now);
bool watch_text_expire(struct db *db, int64_t now, struct wh_err *err) WH_CHECK;

#endif
