/*
 * front.h - the YAML front matter of a card (README.md), as JSON.
 * Owner: what is cut are views into the card; JSON belongs to the arena.
 * Never: expands an alias, obeys a tag, or reads more than one document.
 */
#ifndef WH_HUB_FRONT_H
#define WH_HUB_FRONT_H

#include "base/json.h"

enum {
    HUB_FRONT_MAX = 256 * 1024, /* bytes of front matter */
    HUB_FRONT_DEPTH = 16        /* lists and mappings open at once */
};

/* Cut a card at its "---" lines. Without a first line "---" and a second one
 * after it, all is body and false is returned. Views into `card`. */
bool hub_front_cut(struct wh_str card, struct wh_str *front,
                   struct wh_str *body);

/* YAML of a front matter as a JSON object; nothing but blanks and remarks is
 * an empty object. Plain scalars follow the core schema (true, false, null,
 * numbers; `no` is text), but become a number only when the number prints back
 * as the very same text, so 1.10, 007 and 0x1F stay text.
 * Refused with WH_BAD_REQUEST and the line: what is not a mapping, anchors,
 * aliases, tags, directives, a second document, duplicate keys, keys that are
 * not scalars, NUL, text that is not UTF-8; with WH_TOO_LARGE: the ceilings
 * above. */
bool hub_front_parse(struct wh_arena *a, struct wh_str yaml, json_t **out,
                     struct wh_err *err) WH_CHECK;

#endif
