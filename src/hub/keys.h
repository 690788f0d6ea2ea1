/*
 * keys.h - keys of content that a decision has opened, until its open form is
 * on disk: with them front reads the sealed form.
 * Owner: front makes one; entries are copied in and out.
 * Never: holds a key that the keeper did not give for opened content.
 */
#ifndef WH_HUB_KEYS_H
#define WH_HUB_KEYS_H

#include "base/src.h"
#include "store/content.h"

struct hub_keys;

/* Make the table; it holds at most HUB_KEYS_MAX contents, and forgets none
 * silently: a full table only means that readers wait for the open form. */
#define HUB_KEYS_MAX 256u
struct hub_keys *hub_keys_new(void);
/* Wipe and free; nulls the pointer, null is fine. */
void hub_keys_free(struct hub_keys **k);

/* The keeper gave these keys for the n containers of a content. */
void hub_keys_put(struct hub_keys *k, const char *sha256,
                  const struct store_container_row *rows,
                  uint8_t (*keys)[STORE_CONTAINER_KEY], size_t n);
/* Its open form is on disk. */
void hub_keys_drop(struct hub_keys *k, const char *sha256);

/* A reader over the sealed form of a content in the table; *found false when it
 * is not there. It lives in the arena and ends with it; one thread at a time.
 * `sealed` is the descriptor of the folder of containers. */
bool hub_keys_open(struct hub_keys *k, int sealed, struct wh_arena *a,
                   const char *sha256, bool *found, struct wh_src *out,
                   struct wh_err *err) WH_CHECK;

#endif
