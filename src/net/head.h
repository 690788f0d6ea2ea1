/*
 * head.h - the head of an HTTP message: start line and header lines.
 * Owner: whoever calls net_head_init .. net_head_done; the text is the head's.
 * Never: interprets a header; keeps more than its ceilings allow.
 */
#ifndef WH_NET_HEAD_H
#define WH_NET_HEAD_H

#include "base/buf.h"

/* Positions, not pointers: the text moves while it grows. */
struct net_line {
    uint32_t name, name_n, value, value_n;
};

struct net_head {
    struct wh_buf text; /* target, then names (lower case) and values */
    uint32_t target_n;
    struct net_line *lines;
    size_t count, cap, max_lines, max_target;
    bool in_value; /* the last line already has a value (or its colon) */
    bool too_long; /* text, target or lines over a ceiling */
    bool no_name;  /* a line with an empty name was seen */
};

/* Ceilings: bytes of text, header lines, bytes of the target. */
void net_head_init(struct net_head *h, size_t max_text, size_t max_lines,
                   size_t max_target);
void net_head_done(struct net_head *h);

/* What a parser calls, piece by piece, in the order of arrival. They return
 * false, with too_long set, when a ceiling is passed. */
bool net_head_add_target(struct net_head *h, const char *p, size_t n);
bool net_head_add_name(struct net_head *h, const char *p, size_t n);
bool net_head_add_value(struct net_head *h, const char *p, size_t n);
/* The name of the line is complete, even if it is empty. */
bool net_head_end_name(struct net_head *h);

/* Views into the head, valid until the next add. */
struct wh_str net_head_target(const struct net_head *h);
bool net_head_at(const struct net_head *h, size_t i, struct wh_str *name,
                 struct wh_str *value);
/* First value of a name (ASCII case does not matter) or {NULL, 0}; count: how
 * many lines have that name, may be null. */
struct wh_str net_head_find(const struct net_head *h, const char *name,
                            size_t *count);

#endif
