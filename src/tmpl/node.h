/*
 * node.h - a compiled template, as the compiler makes it and the renderer
 * walks it. Private to the room.
 * Owner: everything lives in the arena of its set.
 * Never: changes after tmpl_set_link.
 */
#ifndef WH_TMPL_NODE_H
#define WH_TMPL_NODE_H

#include "tmpl/tmpl.h"

enum tmpl_op {
    TMPL_OP_TEXT,     /* text */
    TMPL_OP_VALUE,    /* path, form (null: plain text) */
    TMPL_OP_RAW,      /* path */
    TMPL_OP_SECTION,  /* path, end */
    TMPL_OP_INVERTED, /* path, end */
    TMPL_OP_PARTIAL   /* text is the name, partial the template */
};

/* A way to write a value. Fails when the value is of a wrong type. */
struct tmpl_form {
    const char *name;
    bool (*write)(struct wh_buf *out, const json_t *value);
    bool for_url;   /* may stand in an attribute that holds a URL */
    bool url_start; /* may be the first thing there */
};

struct tmpl_path {
    const char *segments[TMPL_SEGMENTS_MAX];
    size_t n; /* 0: the innermost value itself */
};

struct tmpl_node {
    enum tmpl_op op;
    int line;
    struct wh_str text;
    struct tmpl_path path;
    const struct tmpl_form *form;
    const struct tmpl_file *partial;
    size_t end; /* index behind the last node of the section */
};

enum tmpl_mark { TMPL_MARK_NONE, TMPL_MARK_OPEN, TMPL_MARK_DONE };

/* One template. */
struct tmpl_file {
    struct wh_str name;
    struct tmpl_node *nodes;
    size_t n;
    enum tmpl_mark mark; /* used by the search for cycles */
    struct tmpl_file *next;
};

struct tmpl_asset_url {
    struct wh_str name, url;
    struct tmpl_asset_url *next;
};

struct tmpl_set {
    struct wh_arena arena;
    struct tmpl_file *files;
    struct tmpl_asset_url *assets;
    size_t count;
    bool strict, linked;
};

/* The form of that name, or null. */
const struct tmpl_form *tmpl_form_find(struct wh_str name);
/* Text, number or boolean as HTML text; null writes nothing. False for lists
 * and objects. */
bool tmpl_form_plain(struct wh_buf *out, const json_t *value);
/* The URL of an asset, or an empty view. */
struct wh_str tmpl_asset_url(const struct tmpl_set *set, struct wh_str name);
/* Compile text into file->nodes. */
bool tmpl_compile(struct tmpl_set *set, struct tmpl_file *file,
                  struct wh_str text, struct wh_err *err) WH_CHECK;

#endif
