/*
 * keys.h - keys of the gateway: rows, and who is asking.
 * Owner: gateway_keys_new .. gateway_keys_free; a key that was found is shared
 * and given back with gateway_key_drop.
 * Never: keeps a key's text: it is shown once, by the call that makes it; lets
 * one request run on a key that has been stopped.
 *
 * The limits of the house are an account's: all of its keys share them, those
 * of its sessions too, so that a new key is no new quota. What a key says
 * beside them is its own.
 *
 * Of its ended keys an account keeps the newest GATEWAY_ENDED_MAX; what older
 * ones used is counted to the oldest of these.
 *
 * Keys in use are held in memory with their meters; one that nobody used for
 * ten minutes is forgotten until it is asked for again. All changes come
 * through here, so what is held is what is stored; usage goes to its rows
 * within half a second, and at the latest when the gateway ends.
 */
#ifndef WH_GATEWAY_KEYS_H
#define WH_GATEWAY_KEYS_H

#include "db/writer.h"
#include "gateway/meter.h"

#include <pthread.h>
#include <stdatomic.h>

/* "wh-" and 40 letters and digits. */
#define GATEWAY_KEY_LEN 43
#define GATEWAY_KEY_SHOWN 8
/* Where requests of exams come from, in place of an address. */
#define GATEWAY_EXAM_PEER "the house"
#define GATEWAY_KEY_NAME_MAX 128
/* Keys in force that one account may have; names of models in a scope. */
#define GATEWAY_KEYS_MAX 1000
#define GATEWAY_SCOPE_MAX 64
/* Ended keys that stay on record. */
#define GATEWAY_ENDED_MAX 1000

enum gateway_scope { GATEWAY_MAY_CHAT = 1, GATEWAY_MAY_TEXT = 2 };

/* A key as stored. Texts in the arena it was read into. */
struct gateway_key_row {
    int64_t id, account;
    struct wh_str shown, name;
    struct wh_str models; /* names, one a line; empty: all */
    unsigned endpoints;   /* of enum gateway_scope */
    struct gateway_caps caps;
    int64_t created, expires, revoked; /* microseconds; 0: not */
    bool disabled;                     /* the account is */
};

/* Why a key does not work any more. */
enum gateway_halt {
    GATEWAY_RUNS,
    GATEWAY_REVOKED,
    GATEWAY_SUSPENDED /* the key's account, or the key, by a case */
};

/* What the keys of one account use together; its lock is that of their meters
 * too. */
struct gateway_purse {
    int64_t account;
    size_t keys; /* that name it */
    struct gateway_purse *next;
    pthread_mutex_t lock;
    struct gateway_meter meter;
};

/* A key in use. Only the atomics may be read without the table's lock. */
struct gateway_key {
    int64_t id, account;
    unsigned endpoints;
    struct gateway_caps caps; /* never more than the account's */
    int64_t expires;
    struct wh_str models;
    bool exam;        /* the house's own: see gateway_keys_lend */
    _Atomic int halt; /* enum gateway_halt */
    _Atomic unsigned refs;
    uint8_t hash[32];
    struct gateway_key *next;
    int64_t checked; /* when its account was last looked at */
    struct gateway_purse *purse;
    struct gateway_meter meter; /* the purse's lock guards it */
};

struct gateway_keys;

/* writer: for usage. caps: of an account for all of its keys; how many requests
 * run at once is each key's own. */
struct gateway_keys *gateway_keys_new(struct db_writer *writer,
                                      const struct gateway_caps *caps);
/* Write what is left, end the thread; every key was given back. Null is fine.
 */
void gateway_keys_free(struct gateway_keys **k);
/* Microseconds since 1970 by a clock that never steps: the wall clock of the
 * start and the time since. */
int64_t gateway_keys_now(const struct gateway_keys *k);

/* Inside a write: make a key; *text is shown once. WH_BAD_REQUEST for a bad
 * name, WH_TOO_LARGE for too many. */
bool gateway_key_create(struct db *db, struct gateway_key_row *in,
                        char text[GATEWAY_KEY_LEN + 1],
                        struct wh_err *err) WH_CHECK;
/* The same with a text that the caller has derived. */
bool gateway_key_keep(struct db *db, struct gateway_key_row *in,
                      const char text[GATEWAY_KEY_LEN + 1],
                      struct wh_err *err) WH_CHECK;
/* Inside a write; WH_NOT_FOUND when the account has no such key in force.
 * gateway_keys_halt is the caller's next step. */
bool gateway_key_revoke(struct db *db, int64_t account, int64_t id, int64_t now,
                        struct wh_err *err) WH_CHECK;
/* All keys of an account, oldest first, revoked ones too. */
bool gateway_key_list(struct db *db, struct wh_arena *a, int64_t account,
                      struct gateway_key_row **out, size_t *n,
                      struct wh_err *err) WH_CHECK;

/* Who holds this key: WH_AUTH_INVALID when it is unknown, expired or revoked,
 * WH_FORBIDDEN when it or its account is suspended. db is the worker's reading
 * connection. *out is to be given back. */
bool gateway_keys_find(struct gateway_keys *k, struct db *db,
                       struct wh_str text, struct gateway_key **out,
                       struct wh_err *err) WH_CHECK;
/* The same, if the key is at hand and in force: no database, fit for loops.
 * Null: gateway_keys_find tells. */
struct gateway_key *gateway_keys_peek(struct gateway_keys *k,
                                      struct wh_str text);
/* Another reference to the same key; and its end, which nulls the pointer. */
struct gateway_key *gateway_key_hold(struct gateway_key *key);
void gateway_key_drop(struct gateway_key **key);
/* May this key ask for this model? */
bool gateway_key_may(const struct gateway_key *key, struct wh_str model);
/* From now on no request runs with this key (id), or with any of this account
 * (id 0). Those that run are the caller's business. */
void gateway_keys_halt(struct gateway_keys *k, int64_t id, int64_t account,
                       enum gateway_halt how);
/* The account is free again. */
void gateway_keys_resume(struct gateway_keys *k, int64_t account);

/* A key of the house itself for the exam of one model: in memory alone, without
 * limits, usage, account or person, good for /v1/chat/completions over a
 * connection from within (GATEWAY_EXAM_PEER) until it is taken back. */
void gateway_keys_lend(struct gateway_keys *k, struct wh_str model,
                       char text[GATEWAY_KEY_LEN + 1]);
/* Every key that was lent ends. */
void gateway_keys_unlend(struct gateway_keys *k);

/* Reserve, settle, look: meter.h for the key and its account together, with the
 * gateway's clock.
 * Settling also counts the request into the usage of its model. */
struct gateway_got gateway_key_take(struct gateway_keys *k,
                                    struct gateway_key *key,
                                    const struct gateway_want *want);
void gateway_key_settle(struct gateway_keys *k, struct gateway_key *key,
                        struct wh_str model, uint64_t reserved,
                        uint64_t prompt_tokens, uint64_t completion_tokens);
struct gateway_left gateway_key_left(struct gateway_keys *k,
                                     struct gateway_key *key);

#endif
