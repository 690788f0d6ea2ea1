/*
 * conf.h - the settings: one file of `key = value` in sections, overridden by
 * the environment, overridden by the command line.
 * Owner: all texts live in the arena given to conf_load.
 * Never: read again while running; guesses: an unknown key is an error.
 */
#ifndef WH_CONF_CONF_H
#define WH_CONF_CONF_H

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"

/* CONF_HTTP_LISTEN ... in the order of settings.tbl. */
enum conf_id {
#define WH_SETTING(section, key, type, dflt, min, max, secret, doc) \
    CONF_##section##_##key,
#include "conf/settings.tbl"
#undef WH_SETTING
    CONF_COUNT
};

enum conf_type { CONF_TEXT, CONF_LIST, CONF_INT, CONF_SIZE, CONF_LEVEL };
/* Where a value came from; a later one wins over an earlier. */
enum conf_origin { CONF_DEFAULT, CONF_FILE, CONF_ENVIRONMENT, CONF_COMMAND };

/* One row of settings.tbl. All strings are static. */
struct conf_row {
    const char *name;     /* "http.listen" */
    const char *variable; /* "WEIGHHOUSE_HTTP_LISTEN" */
    enum conf_type type;
    const char *dflt;
    int64_t min, max;
    bool secret;
    const char *doc;
};

/* A value as it was written. */
struct conf_value {
    struct wh_str text;
    enum conf_origin origin;
    unsigned line; /* in the file, from 1; else 0 */
};

#define CONF_C_TEXT struct wh_str
#define CONF_C_LIST struct wh_str
#define CONF_C_INT int64_t
#define CONF_C_SIZE int64_t
#define CONF_C_LEVEL enum wh_level

/* The settings, one field each: conf->http_listen, conf->http_workers, ... A
 * LIST is read with conf_list_next. */
struct conf {
#define WH_SETTING(section, key, type, dflt, min, max, secret, doc) \
    CONF_C_##type section##_##key;
#include "conf/settings.tbl"
#undef WH_SETTING
    struct conf_value values[CONF_COUNT];
};

/* Defaults, then the file (null: none), then this process's environment. An
 * unknown section or key, a bad value, a key given twice is WH_USAGE, with the
 * line and, where one is near, the name that was meant. A missing file is
 * WH_NOT_FOUND. */
bool conf_load(struct wh_arena *a, const char *path, struct conf *out,
               struct wh_err *err) WH_CHECK;
/* The same over a text and an environment (null-terminated "NAME=value"; may be
 * null) in memory. */
bool conf_parse(struct wh_arena *a, struct wh_str text, char *const *env,
                struct conf *out, struct wh_err *err) WH_CHECK;
/* One value from the command line. */
bool conf_set(struct wh_arena *a, struct conf *c, enum conf_id id,
              struct wh_str value, struct wh_err *err) WH_CHECK;

/* The table's row. */
const struct conf_row *conf_row(enum conf_id id);
/* By "section.key"; false when there is none. */
bool conf_find(struct wh_str name, enum conf_id *out);
/* What to print for a value: the text, or stars for a secret one. */
struct wh_str conf_shown(const struct conf *c, enum conf_id id);
/* "default", "file", "environment", "command line". */
const char *conf_origin_name(enum conf_origin origin);
/* Walk a LIST: takes the next item off *rest; false at its end. */
bool conf_list_next(struct wh_str *rest, struct wh_str *item);

#endif
