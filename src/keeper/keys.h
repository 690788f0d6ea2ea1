/*
 * keys.h - the custody key and what is made of it.
 * Owner: the keeper process; wiped by keeper_keys_done.
 * Never: leaves the process; written anywhere but to its file in keys.dir.
 */
#ifndef WH_KEEPER_KEYS_H
#define WH_KEEPER_KEYS_H

#include "keeper/client.h"

#define KEEPER_KEY_ID 8

/* Derived from the custody key; the key itself is not kept. */
struct keeper_keys_set {
    uint8_t id[KEEPER_KEY_ID]; /* names the custody key, tells nothing of it */
    uint8_t wrap[32], mac[32], ledger[32];
};

/* Read keys.dir/custody.key, or make it when neither it nor
 * DATA/custody/key-id is there. A key that is missing, or is not the one that
 * key-id names, is WH_CORRUPT: what it sealed is lost until it comes back, and
 * the message says so. */
bool keeper_keys_open(const char *keys_dir, const char *custody_dir,
                      struct keeper_keys_set *out, struct wh_err *err) WH_CHECK;
void keeper_keys_done(struct keeper_keys_set *k);

/* Wrap a container's key: version, key id, random nonce, AES-256-GCM with
 * container id and repo as associated data. */
void keeper_keys_wrap(const struct keeper_keys_set *k, struct wh_str repo,
                      const uint8_t id[STORE_CONTAINER_ID],
                      const uint8_t key[STORE_CONTAINER_KEY],
                      uint8_t out[KEEPER_WRAPPED]);
/* The reverse; WH_CORRUPT when it was wrapped for another container or repo, or
 * by a custody key that is not here (which the message tells apart). */
bool keeper_keys_unwrap(const struct keeper_keys_set *k, struct wh_str repo,
                        const uint8_t id[STORE_CONTAINER_ID],
                        const uint8_t wrapped[KEEPER_WRAPPED],
                        uint8_t key[STORE_CONTAINER_KEY],
                        struct wh_err *err) WH_CHECK;

#endif
