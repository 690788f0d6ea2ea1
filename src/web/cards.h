/*
 * cards.h - cards as HTML, kept for the next reader.
 * Owner: web_cards_new .. web_cards_free; what is found is copied to the arena.
 * Never: grows over its bounds; thread-safe by its own lock.
 *
 * A card's HTML follows from its bytes and from where its links lead, and both
 * are in the key, so nothing here grows stale.
 */
#ifndef WH_WEB_CARDS_H
#define WH_WEB_CARDS_H

#include "base/json.h"

enum {
    WEB_CARDS_MAX = 256,               /* cards kept */
    WEB_CARDS_BYTES = 16 * 1024 * 1024 /* of HTML, in all */
};

struct web_cards;

/* An empty cache. */
struct web_cards *web_cards_new(void);
/* Nulls the pointer; null is fine. */
void web_cards_free(struct web_cards **cards);
/* The HTML kept under a key; false when there is none. */
bool web_cards_get(struct web_cards *cards, struct wh_arena *a,
                   struct wh_str key, struct wh_str *html);
/* Keep it; what was used longest ago goes first. Too large ones are not kept.
 */
void web_cards_put(struct web_cards *cards, struct wh_str key,
                   struct wh_str html);

#endif
