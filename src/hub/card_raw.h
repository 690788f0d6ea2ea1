/*
 * card_raw.h - the raw HTML of a card, reduced to text. Private to the room.
 * Owner: a plain value inside the renderer; output goes to the caller's buffer.
 * Never: writes a tag, but for the caller's line break.
 */
#ifndef WH_HUB_CARD_RAW_H
#define WH_HUB_CARD_RAW_H

#include "base/buf.h"

enum hub_card_raw_state {
    HUB_CARD_RAW_TEXT,
    HUB_CARD_RAW_TAG,
    HUB_CARD_RAW_COMMENT
};

/* Where we are in raw HTML; all bytes zero is the beginning. */
struct hub_card_raw {
    enum hub_card_raw_state state;
    bool block;    /* a block of its own, not a tag within a paragraph */
    char name[12]; /* of the tag at hand */
    size_t name_n; /* SIZE_MAX: the rest of the tag is attributes */
    char skip[12]; /* element whose end is awaited, or "" */
    char last[2];  /* the last bytes of a comment */
    struct wh_buf *out;
    const char *line_break;
};

/* Begin anew: a block has begun. */
void hub_card_raw_reset(struct hub_card_raw *r);
/* The next piece: tags, comments and the contents of script and style are left
 * out, text is escaped, character references stay, and for <br> comes
 * `line_break`, a static string. */
void hub_card_raw(struct hub_card_raw *r, struct wh_buf *out, struct wh_str s,
                  const char *line_break);

#endif
