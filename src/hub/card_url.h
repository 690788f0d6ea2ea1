/*
 * card_url.h - which addresses of a card are followed, and how they are
 * written. Private to the room.
 * Owner: results live in the caller's buffer.
 * Never: writes a byte that could leave a quoted attribute.
 */
#ifndef WH_HUB_CARD_URL_H
#define WH_HUB_CARD_URL_H

#include "hub/card.h"

enum hub_card_url {
    HUB_CARD_URL_NONE,  /* not to be followed */
    HUB_CARD_URL_OUT,   /* http, https, mailto */
    HUB_CARD_URL_HOUSE, /* an absolute path of this house, or a fragment */
    HUB_CARD_URL_REPO   /* a file of this repo */
};

/* Decode the character references of one piece of an attribute: numbers and
 * amp, lt, gt, quot, apos. False for any other name. */
bool hub_card_entity(struct wh_buf *out, struct wh_str entity);

/* Judge a decoded address and write it, escaped for a quoted attribute;
 * nothing is written for NONE. `prefix` goes before the path of REPO. */
enum hub_card_url hub_card_url(struct wh_buf *out, struct wh_str url,
                               struct wh_str prefix);

#endif
