/*
 * keys.c - the table of keys in use, and their usage on its way to the rows.
 */
#include "gateway/keys.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/time.h"
#include "crypto/random.h"

#include <time.h>

#define BUCKETS 1024
#define DAY_US ((int64_t)86400 * 1000000)
/* Rows in one write; how often usage is written; how long an account's state is
 * believed. */
#define BATCH 400
#define FLUSH_MS 500
#define CHECK_US 1000000
/* A key that was not used for so long leaves the memory: its minute is over,
 * and its day is in the rows. How often that is looked at; how often rows are.
 */
#define IDLE_S 600
#define LOOK_US ((int64_t)60 * 1000000)
#define FORGET_US ((int64_t)3600 * 1000000)

struct usage {
    struct usage *next;
    int64_t key, day;
    uint64_t requests, prompt, completion;
    char model[257];
};

struct gateway_keys {
    struct db_writer *writer;
    int64_t began_wall, began_mono;
    pthread_mutex_t lock; /* guards keys, their `checked`, and purses */
    struct gateway_key *rows[BUCKETS];
    struct gateway_purse *purses[BUCKETS];
    struct gateway_caps caps; /* of an account */
    pthread_mutex_t usage_lock;
    pthread_cond_t wake;
    struct usage *usage[BUCKETS];
    size_t usage_n;
    bool stop;
    pthread_t thread;
};

int64_t gateway_keys_now(const struct gateway_keys *k)
{
    return k->began_wall + (wh_mono_us() - k->began_mono);
}

/* --- usage ---------------------------------------------------------------- */

static size_t usage_bucket(int64_t key, int64_t day, struct wh_str model)
{
    uint64_t h = (uint64_t)key * 0x9e3779b97f4a7c15u + (uint64_t)day;
    for (size_t i = 0; i < model.n; i++) {
        h = (h ^ (unsigned char)model.p[i]) * 0x100000001b3u;
    }
    return (size_t)(h >> 32) % BUCKETS;
}

static void usage_add(struct gateway_keys *k, const struct usage *u)
{
    size_t i = usage_bucket(u->key, u->day, wh_str_of(u->model));
    struct usage *row = k->usage[i];
    while (row != NULL && (row->key != u->key || row->day != u->day ||
                           strcmp(row->model, u->model) != 0)) {
        row = row->next;
    }
    if (row == NULL) {
        row = wh_alloc(sizeof *row);
        *row = *u;
        row->next = k->usage[i];
        k->usage[i] = row;
        k->usage_n++;
        return;
    }
    row->requests += u->requests;
    row->prompt += u->prompt;
    row->completion += u->completion;
}

/* Take at most BATCH rows off the table; the lock is held. *more: it has
 * others.
 */
static struct usage *usage_take(struct gateway_keys *k, bool *more)
{
    struct usage *out = NULL;
    size_t n = 0;
    for (size_t i = 0; i < BUCKETS && n < BATCH; i++) {
        while (k->usage[i] != NULL && n < BATCH) {
            struct usage *u = k->usage[i];
            k->usage[i] = u->next;
            u->next = out;
            out = u;
            n++;
        }
    }
    k->usage_n -= n;
    *more = k->usage_n > 0;
    return out;
}

static bool write_fn(struct db *db, void *ctx, struct wh_err *err)
{
    for (const struct usage *u = ctx; u != NULL; u = u->next) {
        struct db_stmt *s = db_start(db, DBQ_API_USAGE_ADD);
        db_bind_i64(s, 1, u->key);
        db_bind_i64(s, 2, u->day);
        db_bind_text(s, 3, wh_str_of(u->model));
        db_bind_i64(s, 4, (int64_t)u->requests);
        db_bind_i64(s, 5, (int64_t)u->prompt);
        db_bind_i64(s, 6, (int64_t)u->completion);
        if (!db_exec(s, err)) {
            return false;
        }
    }
    return true;
}

/* What could not be written is kept, unless nothing follows any more. True:
 * there was more than one write takes. (What came while it was written waits
 * for its time: under load something always comes.) */
static bool flush(struct gateway_keys *k, bool last)
{
    struct wh_err err = {0};
    bool more = false;
    pthread_mutex_lock(&k->usage_lock);
    struct usage *batch = usage_take(k, &more);
    pthread_mutex_unlock(&k->usage_lock);
    if (batch == NULL) {
        return false;
    }
    bool ok = db_write(k->writer, write_fn, batch, &err);
    if (!ok) {
        wh_log_err(WH_ERROR, "gateway.usage", &err);
    }
    pthread_mutex_lock(&k->usage_lock);
    for (struct usage *u = batch, *next; u != NULL; u = next) {
        next = u->next;
        if (!ok && !last) {
            usage_add(k, u);
        }
        wh_free(u);
    }
    pthread_mutex_unlock(&k->usage_lock);
    return ok && more;
}

/* --- what nobody needs any more -------------------------------------------
 */

static bool last_i64(struct db_stmt *s, int64_t *out, struct wh_err *err)
{
    enum db_row r = db_step(s, err);
    *out = r == DB_ROW ? db_col_i64(s, 0) : 0;
    db_finish(&s);
    return r != DB_FAIL;
}

struct forgetting {
    int64_t before;
    bool more;
};

/* Some of the oldest ended keys of an account that has too many of them. */
static bool forget_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct forgetting *f = ctx;
    static const enum db_query steps[] = {DBQ_API_USAGE_FOLD,
                                          DBQ_API_KEY_FORGET};
    int64_t account, kept;
    struct db_stmt *s = db_start(db, DBQ_API_KEY_CROWD);
    db_bind_i64(s, 1, f->before);
    db_bind_i64(s, 2, GATEWAY_ENDED_MAX);
    f->more = false;
    if (!last_i64(s, &account, err) || account == 0) {
        return err->code == WH_NONE;
    }
    s = db_start(db, DBQ_API_KEY_OLDEST_KEPT);
    db_bind_i64(s, 1, account);
    db_bind_i64(s, 2, f->before);
    db_bind_i64(s, 3, GATEWAY_ENDED_MAX);
    if (!last_i64(s, &kept, err)) {
        return false;
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        s = db_start(db, steps[i]);
        db_bind_i64(s, 1, account);
        db_bind_i64(s, 2, f->before);
        db_bind_i64(s, 3, kept);
        db_bind_i64(s, 4, BATCH);
        if (!db_exec(s, err)) {
            return false;
        }
    }
    f->more = true;
    return true;
}

/* One step; true: there may be another. What ended a moment ago may still have
 * usage on its way. */
static bool forget_rows(struct gateway_keys *k)
{
    struct wh_err err = {0};
    struct forgetting f = {.before = wh_now_us() - FORGET_US};
    if (!db_write(k->writer, forget_fn, &f, &err)) {
        wh_log_err(WH_WARN, "gateway.forget", &err);
        return false;
    }
    return f.more;
}

static void key_free(struct gateway_key *key)
{
    wh_free((void *)(uintptr_t)key->models.p);
    wh_free(key);
}

static void purse_free(struct gateway_purse *p)
{
    pthread_mutex_destroy(&p->lock);
    wh_free(p);
}

/* Nobody holds it, and nothing was asked with it lately; the lock is held, so
 * that nobody finds it meanwhile. */
static bool is_idle(const struct gateway_keys *k, struct gateway_key *key)
{
    if (key->refs > 1 || key->exam || key->halt == GATEWAY_SUSPENDED) {
        return false;
    }
    pthread_mutex_lock(&key->purse->lock);
    int64_t since = gateway_keys_now(k) / 1000000 - key->meter.second;
    pthread_mutex_unlock(&key->purse->lock);
    return since >= IDLE_S;
}

/* Keys and purses out of the memory. Usage that waits would be missing from the
 * day of a key that comes back. */
static void forget_idle(struct gateway_keys *k)
{
    pthread_mutex_lock(&k->usage_lock);
    bool waits = k->usage_n > 0;
    pthread_mutex_unlock(&k->usage_lock);
    if (waits) {
        return;
    }
    pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct gateway_key **at = &k->rows[i]; *at != NULL;) {
            struct gateway_key *key = *at;
            if (!is_idle(k, key)) {
                at = &key->next;
                continue;
            }
            *at = key->next;
            key->purse->keys--;
            key_free(key);
        }
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct gateway_purse **at = &k->purses[i]; *at != NULL;) {
            struct gateway_purse *p = *at;
            if (p->keys > 0) {
                at = &p->next;
                continue;
            }
            *at = p->next;
            purse_free(p);
        }
    }
    pthread_mutex_unlock(&k->lock);
}

static void *usage_main(void *arg)
{
    struct gateway_keys *k = arg;
    int64_t look = 0, rows = 0;
    bool stop = false;
    while (!stop) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until); /* never steps */
        until.tv_nsec += FLUSH_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_mutex_lock(&k->usage_lock);
        if (!k->stop) {
            (void)pthread_cond_timedwait(&k->wake, &k->usage_lock, &until);
        }
        stop = k->stop;
        pthread_mutex_unlock(&k->usage_lock);
        while (flush(k, stop)) {
        }
        int64_t now = wh_mono_us();
        if (!stop && now >= look) {
            forget_idle(k);
            look = now + LOOK_US;
        }
        if (!stop && now >= rows && !forget_rows(k)) {
            rows = now + FORGET_US;
        }
    }
    return NULL;
}

/* --- rows ----------------------------------------------------------------- */

static const char ALPHABET[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static void make_text(char out[GATEWAY_KEY_LEN + 1])
{
    const unsigned letters = sizeof ALPHABET - 1;
    uint8_t raw[64];
    memcpy(out, "wh-", 3);
    for (size_t i = 3; i < GATEWAY_KEY_LEN;) {
        crypto_random(raw, sizeof raw);
        for (size_t j = 0; j < sizeof raw && i < GATEWAY_KEY_LEN; j++) {
            if (raw[j] < 256 / letters * letters) {
                out[i++] = ALPHABET[raw[j] % letters];
            }
        }
    }
    out[GATEWAY_KEY_LEN] = '\0';
    wh_wipe(raw, sizeof raw);
}

static bool check_new(struct db *db, const struct gateway_key_row *in,
                      struct wh_err *err)
{
    int64_t n = 0;
    if (in->name.n == 0 || in->name.n > GATEWAY_KEY_NAME_MAX ||
        !wh_str_utf8_ok(in->name)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the name of a key has 1 to %d bytes",
                       GATEWAY_KEY_NAME_MAX);
    }
    struct db_stmt *s = db_start(db, DBQ_API_KEY_COUNT);
    db_bind_i64(s, 1, in->account);
    db_bind_i64(s, 2, in->created);
    return db_one_i64(s, 0, &n, err) &&
           (n < GATEWAY_KEYS_MAX ||
            wh_fail(err, WH_TOO_LARGE, "you have %d keys already; revoke one",
                    GATEWAY_KEYS_MAX));
}

bool gateway_key_create(struct db *db, struct gateway_key_row *in,
                        char text[GATEWAY_KEY_LEN + 1], struct wh_err *err)
{
    make_text(text);
    return gateway_key_keep(db, in, text, err);
}

bool gateway_key_keep(struct db *db, struct gateway_key_row *in,
                      const char text[GATEWAY_KEY_LEN + 1], struct wh_err *err)
{
    uint8_t hash[WH_SHA256_LEN];
    if (!check_new(db, in, err)) {
        return false;
    }
    wh_sha256_of(wh_str_of(text), hash);
    struct db_stmt *s = db_start(db, DBQ_API_KEY_INSERT);
    db_bind_hex(s, 1, hash, sizeof hash);
    db_bind_text(s, 2, wh_str_mem(text, GATEWAY_KEY_SHOWN));
    db_bind_i64(s, 3, in->account);
    db_bind_text(s, 4, in->name);
    db_bind_text(s, 5, in->models.p != NULL ? in->models : WH_S(""));
    db_bind_i64(s, 6, (int64_t)in->endpoints);
    db_bind_i64(s, 7, (int64_t)in->caps.minute_requests);
    db_bind_i64(s, 8, (int64_t)in->caps.minute_tokens);
    db_bind_i64(s, 9, (int64_t)in->caps.day_tokens);
    db_bind_i64(s, 10, (int64_t)in->caps.streams);
    db_bind_i64(s, 11, in->created);
    if (in->expires > 0) {
        db_bind_i64(s, 12, in->expires);
    }
    return db_one_i64(s, 0, &in->id, err);
}

bool gateway_key_revoke(struct db *db, int64_t account, int64_t id, int64_t now,
                        struct wh_err *err)
{
    int64_t hit = 0;
    struct db_stmt *s = db_start(db, DBQ_API_KEY_REVOKE);
    db_bind_i64(s, 1, account);
    db_bind_i64(s, 2, id);
    db_bind_i64(s, 3, now);
    return db_one_i64(s, 0, &hit, err) &&
           (hit != 0 ||
            wh_fail(err, WH_NOT_FOUND, "you have no such key in force"));
}

static uint64_t col_u64(struct db_stmt *s, int i)
{
    int64_t v = db_col_i64(s, i);
    return v > 0 ? (uint64_t)v : 0;
}

static void read_key(struct db_stmt *s, struct wh_arena *a,
                     struct gateway_key_row *out)
{
    *out = (struct gateway_key_row){
        .id = db_col_i64(s, 0),
        .shown = db_col_dup(s, 1, a),
        .account = db_col_i64(s, 2),
        .name = db_col_dup(s, 3, a),
        .models = db_col_dup(s, 4, a),
        .endpoints = (unsigned)db_col_i64(s, 5),
        .caps = {col_u64(s, 6), col_u64(s, 7), col_u64(s, 8), col_u64(s, 9)},
        .created = db_col_i64(s, 10),
        .expires = db_col_i64(s, 11),
        .revoked = db_col_i64(s, 12),
        .disabled = db_col_bool(s, 13)};
}

bool gateway_key_list(struct db *db, struct wh_arena *a, int64_t account,
                      struct gateway_key_row **out, size_t *n,
                      struct wh_err *err)
{
    size_t cap = 0, count = 0;
    struct gateway_key_row *rows = NULL;
    struct db_stmt *s = db_start(db, DBQ_API_KEY_LIST);
    enum db_row r;
    db_bind_i64(s, 1, account);
    while ((r = db_step(s, err)) == DB_ROW) {
        if (count == cap) {
            cap = cap == 0 ? 16 : cap * 2;
            struct gateway_key_row *more = wh_arena_array(a, cap, sizeof *more);
            if (count > 0) {
                memcpy(more, rows, count * sizeof *more);
            }
            rows = more;
        }
        read_key(s, a, &rows[count++]);
    }
    db_finish(&s);
    *out = rows;
    *n = count;
    return r == DB_DONE;
}

/* --- keys in use ---------------------------------------------------------- */

struct gateway_keys *gateway_keys_new(struct db_writer *writer,
                                      const struct gateway_caps *caps)
{
    struct gateway_keys *k = wh_alloc(sizeof *k);
    k->writer = writer;
    k->caps = *caps;
    k->caps.streams = 0;
    k->began_wall = wh_now_us();
    k->began_mono = wh_mono_us();
    pthread_mutex_init(&k->lock, NULL);
    pthread_mutex_init(&k->usage_lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    wh_assert(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    pthread_cond_init(&k->wake, &attr);
    pthread_condattr_destroy(&attr);
    wh_assert(pthread_create(&k->thread, NULL, usage_main, k) == 0);
    return k;
}

void gateway_keys_free(struct gateway_keys **keys)
{
    struct gateway_keys *k = *keys;
    if (k == NULL) {
        return;
    }
    *keys = NULL;
    pthread_mutex_lock(&k->usage_lock);
    k->stop = true;
    pthread_cond_signal(&k->wake);
    pthread_mutex_unlock(&k->usage_lock);
    pthread_join(k->thread, NULL);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct gateway_key *key = k->rows[i], *next; key; key = next) {
            next = key->next;
            wh_assert(key->refs == 1);
            key_free(key);
        }
        for (struct gateway_purse *p = k->purses[i], *next; p; p = next) {
            next = p->next;
            purse_free(p);
        }
    }
    pthread_cond_destroy(&k->wake);
    pthread_mutex_destroy(&k->usage_lock);
    pthread_mutex_destroy(&k->lock);
    wh_free(k);
}

struct gateway_key *gateway_key_hold(struct gateway_key *key)
{
    key->refs++;
    return key;
}

void gateway_key_drop(struct gateway_key **key)
{
    if (*key != NULL) {
        wh_assert((*key)->refs > 1); /* the table has one */
        (*key)->refs--;
        *key = NULL;
    }
}

static size_t bucket(const uint8_t hash[WH_SHA256_LEN])
{
    return ((size_t)hash[0] << 8 | hash[1]) % BUCKETS;
}

static struct gateway_key *find_held(struct gateway_keys *k,
                                     const uint8_t hash[WH_SHA256_LEN])
{
    struct gateway_key *key = k->rows[bucket(hash)];
    while (key != NULL && memcmp(key->hash, hash, WH_SHA256_LEN) != 0) {
        key = key->next;
    }
    return key;
}

/* The sum that a statement tells of today, used before this process began or
 * the key was loaded. */
static bool used_today(struct db *db, enum db_query query, int64_t id,
                       int64_t day, uint64_t *out, struct wh_err *err)
{
    int64_t n = 0;
    struct db_stmt *s = db_start(db, query);
    db_bind_i64(s, 1, id);
    db_bind_i64(s, 2, day);
    if (!db_one_i64(s, 0, &n, err)) {
        return false;
    }
    *out = n > 0 ? (uint64_t)n : 0;
    return true;
}

static struct gateway_key *make_key(const struct gateway_key_row *row,
                                    const uint8_t hash[WH_SHA256_LEN])
{
    struct gateway_key *key = wh_alloc(sizeof *key);
    char *models = wh_alloc(row->models.n + 1);
    if (row->models.n > 0) {
        memcpy(models, row->models.p, row->models.n);
    }
    key->id = row->id;
    key->account = row->account;
    key->endpoints = row->endpoints;
    key->caps = row->caps;
    key->expires = row->expires;
    key->models = wh_str_mem(models, row->models.n);
    key->refs = 1;
    memcpy(key->hash, hash, WH_SHA256_LEN);
    return key;
}

static uint64_t narrower(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a; /* 0 is none */
}

static void narrow(struct gateway_caps *caps, const struct gateway_caps *all)
{
    caps->minute_requests =
        narrower(caps->minute_requests, all->minute_requests);
    caps->minute_tokens = narrower(caps->minute_tokens, all->minute_tokens);
    caps->day_tokens = narrower(caps->day_tokens, all->day_tokens);
}

/* The account's, made now if need be; the lock is held. */
static struct gateway_purse *purse_of(struct gateway_keys *k, int64_t account,
                                      int64_t day, uint64_t used)
{
    struct gateway_purse **at = &k->purses[(uint64_t)account % BUCKETS];
    for (struct gateway_purse *p = *at; p != NULL; p = p->next) {
        if (p->account == account) {
            p->keys++;
            return p;
        }
    }
    struct gateway_purse *p = wh_alloc(sizeof *p);
    p->account = account;
    p->keys = 1;
    p->meter.day = day;
    p->meter.day_used = used;
    pthread_mutex_init(&p->lock, NULL);
    p->next = *at;
    *at = p;
    return p;
}

/* Read the key's row; nothing of it is believed for longer than a second. */
static bool load(struct gateway_keys *k, struct db *db,
                 const uint8_t hash[WH_SHA256_LEN], struct gateway_key **out,
                 struct wh_err *err)
{
    struct wh_arena a;
    struct gateway_key_row row = {0};
    uint64_t used = 0, of_all = 0;
    int64_t now = gateway_keys_now(k), day = now / DAY_US;
    wh_arena_init(&a, 65536);
    struct db_stmt *s = db_start(db, DBQ_API_KEY_BY_HASH);
    db_bind_hex(s, 1, hash, WH_SHA256_LEN);
    enum db_row r = db_step(s, err);
    if (r == DB_ROW) {
        read_key(s, &a, &row);
    }
    db_finish(&s);
    bool ok =
        db_found(r, WH_AUTH_INVALID, err) &&
        used_today(db, DBQ_API_USAGE_DAY, row.id, day, &used, err) &&
        used_today(db, DBQ_API_USAGE_DAY_ALL, row.account, day, &of_all, err);
    if (ok) {
        pthread_mutex_lock(&k->lock);
        struct gateway_key *key = find_held(k, hash);
        if (key == NULL) {
            key = make_key(&row, hash);
            key->purse = purse_of(k, row.account, day, of_all);
            key->meter.second = now / 1000000;
            narrow(&key->caps, &k->caps);
            key->meter.day = day;
            key->meter.day_used = used;
            key->next = k->rows[bucket(hash)];
            k->rows[bucket(hash)] = key;
        }
        if (row.revoked != 0 && key->halt == GATEWAY_RUNS) {
            key->halt = GATEWAY_REVOKED;
        }
        if (row.disabled && key->halt == GATEWAY_RUNS) {
            key->halt = GATEWAY_SUSPENDED;
        }
        key->checked = now;
        *out = gateway_key_hold(key);
        pthread_mutex_unlock(&k->lock);
    }
    wh_arena_done(&a);
    return ok;
}

static bool in_force(const struct gateway_keys *k,
                     const struct gateway_key *key, struct wh_err *err)
{
    if (key->halt == GATEWAY_SUSPENDED) {
        return wh_fail(err, WH_FORBIDDEN,
                       "the account of this key is suspended");
    }
    if (key->halt == GATEWAY_REVOKED) {
        return wh_fail(err, WH_AUTH_INVALID, "the API key has been revoked");
    }
    /* whatever was done to the clock, the earlier end counts */
    if (key->expires != 0 &&
        (wh_now_us() >= key->expires || gateway_keys_now(k) >= key->expires)) {
        return wh_fail(err, WH_AUTH_INVALID, "the API key has expired");
    }
    return true;
}

/* The key if it is held and was looked at lately; *hash is filled. */
static struct gateway_key *held_key(struct gateway_keys *k, struct wh_str text,
                                    uint8_t hash[WH_SHA256_LEN])
{
    struct gateway_key *key = NULL;
    wh_sha256_of(text, hash);
    pthread_mutex_lock(&k->lock);
    struct gateway_key *held = find_held(k, hash);
    if (held != NULL &&
        (held->exam || gateway_keys_now(k) - held->checked < CHECK_US)) {
        key = gateway_key_hold(held);
    }
    pthread_mutex_unlock(&k->lock);
    return key;
}

static bool is_key(struct wh_str text)
{
    return text.n == GATEWAY_KEY_LEN && wh_str_starts(text, WH_S("wh-"));
}

struct gateway_key *gateway_keys_peek(struct gateway_keys *k,
                                      struct wh_str text)
{
    uint8_t hash[WH_SHA256_LEN];
    struct wh_err err = {0};
    struct gateway_key *key = is_key(text) ? held_key(k, text, hash) : NULL;
    if (key != NULL && !in_force(k, key, &err)) {
        gateway_key_drop(&key);
    }
    return key;
}

bool gateway_keys_find(struct gateway_keys *k, struct db *db,
                       struct wh_str text, struct gateway_key **out,
                       struct wh_err *err)
{
    uint8_t hash[WH_SHA256_LEN];
    if (!is_key(text)) {
        return wh_fail(err, WH_AUTH_INVALID, "this is no API key of the house");
    }
    struct gateway_key *key = held_key(k, text, hash);
    if (key == NULL && !load(k, db, hash, &key, err)) {
        return err->code == WH_AUTH_INVALID
                   ? wh_fail(err, WH_AUTH_INVALID, "the API key is unknown")
                   : false;
    }
    if (!in_force(k, key, err)) {
        gateway_key_drop(&key);
        return false;
    }
    *out = key;
    return true;
}

bool gateway_key_may(const struct gateway_key *key, struct wh_str model)
{
    struct wh_str rest = key->models, one;
    while (rest.n > 0) {
        (void)wh_str_cut(&rest, '\n', &one);
        if (wh_str_ieq(one, model)) {
            return true;
        }
    }
    return key->models.n == 0;
}

static void set_halt(struct gateway_keys *k, int64_t id, int64_t account,
                     enum gateway_halt from, enum gateway_halt to)
{
    pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        for (struct gateway_key *key = k->rows[i]; key; key = key->next) {
            bool hit = id != 0 ? key->id == id : key->account == account;
            if (hit && key->halt == (int)from) {
                key->halt = (int)to;
            }
        }
    }
    pthread_mutex_unlock(&k->lock);
}

void gateway_keys_halt(struct gateway_keys *k, int64_t id, int64_t account,
                       enum gateway_halt how)
{
    set_halt(k, id, account, GATEWAY_RUNS, how);
}

void gateway_keys_resume(struct gateway_keys *k, int64_t account)
{
    set_halt(k, 0, account, GATEWAY_SUSPENDED, GATEWAY_RUNS);
}

/* --- keys of the house ------------------------------------------------------
 */

void gateway_keys_lend(struct gateway_keys *k, struct wh_str model,
                       char text[GATEWAY_KEY_LEN + 1])
{
    /* ids of rows are positive: no case, no stop and no account means it */
    const struct gateway_key_row row = {.id = -1,
                                        .account = -1,
                                        .models = model,
                                        .endpoints = GATEWAY_MAY_CHAT};
    uint8_t hash[WH_SHA256_LEN];

    make_text(text);
    wh_sha256_of(wh_str_of(text), hash);
    struct gateway_key *key = make_key(&row, hash);
    key->exam = true;
    pthread_mutex_lock(&k->lock);
    key->purse = purse_of(k, row.account, 0, 0);
    key->next = k->rows[bucket(hash)];
    k->rows[bucket(hash)] = key;
    pthread_mutex_unlock(&k->lock);
}

void gateway_keys_unlend(struct gateway_keys *k)
{
    pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < BUCKETS; i++) {
        struct gateway_key **at = &k->rows[i];
        while (*at != NULL) {
            struct gateway_key *key = *at;
            key->halt = key->exam ? GATEWAY_REVOKED : key->halt;
            /* one that a request still holds goes the next time */
            if (key->exam && key->refs == 1) {
                *at = key->next;
                key->purse->keys--;
                key_free(key);
            } else {
                at = &key->next;
            }
        }
    }
    pthread_mutex_unlock(&k->lock);
}

/* --- limits --------------------------------------------------------------- */

/* Exams have no account, and so no limits of one. */
static const struct gateway_caps *all_caps(const struct gateway_keys *k,
                                           const struct gateway_key *key)
{
    static const struct gateway_caps none = {0};
    return key->exam ? &none : &k->caps;
}

struct gateway_got gateway_key_take(struct gateway_keys *k,
                                    struct gateway_key *key,
                                    const struct gateway_want *want)
{
    pthread_mutex_lock(&key->purse->lock);
    struct gateway_got got =
        gateway_meter_take_both(&key->meter, &key->caps, &key->purse->meter,
                                all_caps(k, key), want, gateway_keys_now(k));
    pthread_mutex_unlock(&key->purse->lock);
    return got;
}

void gateway_key_settle(struct gateway_keys *k, struct gateway_key *key,
                        struct wh_str model, uint64_t reserved,
                        uint64_t prompt_tokens, uint64_t completion_tokens)
{
    int64_t now = gateway_keys_now(k);
    struct usage u = {.key = key->id,
                      .requests = 1,
                      .prompt = prompt_tokens,
                      .completion = completion_tokens};
    uint64_t tokens = prompt_tokens + completion_tokens;
    struct wh_str m = wh_str_sub(model, 0, sizeof u.model - 1);
    memcpy(u.model, m.p, m.n);
    pthread_mutex_lock(&key->purse->lock);
    gateway_meter_settle(&key->meter, reserved, tokens, now);
    gateway_meter_settle(&key->purse->meter, reserved, tokens, now);
    u.day = key->meter.day;
    pthread_mutex_unlock(&key->purse->lock);
    if (tokens == 0 || key->exam) { /* it came to nothing, or is nobody's */
        return;
    }
    pthread_mutex_lock(&k->usage_lock);
    usage_add(k, &u);
    pthread_mutex_unlock(&k->usage_lock);
}

struct gateway_left gateway_key_left(struct gateway_keys *k,
                                     struct gateway_key *key)
{
    int64_t now = gateway_keys_now(k);
    pthread_mutex_lock(&key->purse->lock);
    struct gateway_left left = gateway_meter_left(&key->meter, &key->caps, now);
    struct gateway_left all =
        gateway_meter_left(&key->purse->meter, all_caps(k, key), now);
    pthread_mutex_unlock(&key->purse->lock);
    if (all.requests < left.requests) {
        left.requests = all.requests;
        left.requests_reset_s = all.requests_reset_s;
    }
    if (all.tokens < left.tokens) {
        left.tokens = all.tokens;
        left.tokens_reset_s = all.tokens_reset_s;
    }
    return left;
}
