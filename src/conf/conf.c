/*
 * Settings: the table, the values, where they come from. The file's grammar is
 * as small as it looks: blank lines, lines that begin with '#', "[section]",
 * and "key = value", where the value is the rest of the line without the blanks
 * around it. No quotes, no continuation, no inclusion.
 */
#include "conf/conf.h"
#include "base/file.h"
#include <stddef.h>
#include <unistd.h>

#define FILE_MAX 1048576
#define LINE_MAX_BYTES 8192
#define NAME_MAX_BYTES 64
#define PREFIX "WEIGHHOUSE_"

static const struct conf_row rows[CONF_COUNT] = {
#define WH_SETTING(section, key, type, dflt, min, max, secret, doc) \
    {#section "." #key,                                             \
     PREFIX #section "_" #key,                                      \
     CONF_##type,                                                   \
     dflt,                                                          \
     min,                                                           \
     max,                                                           \
     secret,                                                        \
     doc},
#include "conf/settings.tbl"
#undef WH_SETTING
};

/* Where each field lies in struct conf. */
static const size_t offsets[CONF_COUNT] = {
#define WH_SETTING(section, key, type, dflt, min, max, secret, doc) \
    offsetof(struct conf, section##_##key),
#include "conf/settings.tbl"
#undef WH_SETTING
};

static const char *const levels[] = {[WH_DEBUG] = "debug",
                                     [WH_INFO] = "info",
                                     [WH_WARN] = "warn",
                                     [WH_ERROR] = "error"};
#define LEVELS (sizeof levels / sizeof *levels)

static bool bad_value(enum conf_id id, struct wh_err *err, const char *want)
{
    return wh_fail(err, WH_USAGE, "%s wants %s", rows[id].name, want);
}

/* Text that a log line and a terminal can show. */
static bool printable(struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f) {
            return false;
        }
    }
    return wh_str_utf8_ok(s);
}

static bool put_list(enum conf_id id, struct wh_str text, struct wh_str *out,
                     struct wh_err *err)
{
    struct wh_str rest = text, item;
    int64_t n = 0;
    while (conf_list_next(&rest, &item)) {
        n++;
        if (item.n == 0 || wh_str_find(item, ' ') != SIZE_MAX) {
            return bad_value(id, err, "names separated by commas");
        }
    }
    if (n < rows[id].min || n > rows[id].max) {
        return wh_fail(err, WH_USAGE, "%s wants %lld to %lld names",
                       rows[id].name, (long long)rows[id].min,
                       (long long)rows[id].max);
    }
    *out = text;
    return true;
}

static bool put_text(enum conf_id id, struct wh_str text, struct wh_str *out,
                     struct wh_err *err)
{
    if ((int64_t)text.n < rows[id].min || (int64_t)text.n > rows[id].max) {
        return wh_fail(err, WH_USAGE, "%s wants %lld to %lld bytes",
                       rows[id].name, (long long)rows[id].min,
                       (long long)rows[id].max);
    }
    *out = text;
    return true;
}

/* A size's number and unit; a plain number without `unit`. */
static bool put_number(enum conf_id id, struct wh_str text, bool unit,
                       int64_t *out, struct wh_err *err)
{
    static const char letters[] = "KMGT";
    uint64_t v = 0, factor = 1;
    const char *at =
        unit && text.n > 0 ? strchr(letters, text.p[text.n - 1]) : NULL;
    if (at && *at) {
        factor <<= 10 * (at - letters + 1);
        text.n--;
    }
    if (!wh_str_u64(text, &v) || !wh_mul_u64(v, factor, &v) ||
        v < (uint64_t)rows[id].min || v > (uint64_t)rows[id].max) {
        return wh_fail(err, WH_USAGE, "%s wants a %s from %lld to %lld",
                       rows[id].name,
                       unit ? "number of bytes (K, M, G, T)" : "number",
                       (long long)rows[id].min, (long long)rows[id].max);
    }
    *out = (int64_t)v;
    return true;
}

static bool put_level(enum conf_id id, struct wh_str text, enum wh_level *out,
                      struct wh_err *err)
{
    for (size_t i = 0; i < LEVELS; i++) {
        if (wh_str_is(text, levels[i])) {
            *out = (enum wh_level)i;
            return true;
        }
    }
    return bad_value(id, err, "debug, info, warn or error");
}

/* Check a value and put it into its field. The text must live as long as c. */
static bool put(struct conf *c, enum conf_id id, struct conf_value v,
                struct wh_err *err)
{
    void *field = (char *)c + offsets[id];
    bool ok = false;
    if (v.text.n > LINE_MAX_BYTES || !printable(v.text)) {
        return bad_value(id, err, "printable UTF-8");
    }
    switch (rows[id].type) {
    case CONF_TEXT:
        ok = put_text(id, v.text, field, err);
        break;
    case CONF_LIST:
        ok = put_list(id, v.text, field, err);
        break;
    case CONF_INT:
        ok = put_number(id, v.text, false, field, err);
        break;
    case CONF_SIZE:
        ok = put_number(id, v.text, true, field, err);
        break;
    case CONF_LEVEL:
        ok = put_level(id, v.text, field, err);
        break;
    }
    if (ok) {
        c->values[id] = v;
    }
    return ok;
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Single-letter edits between two names (both at most NAME_MAX_BYTES). */
static size_t distance(struct wh_str a, struct wh_str b)
{
    size_t row[NAME_MAX_BYTES + 1];
    wh_assert(a.n <= NAME_MAX_BYTES && b.n <= NAME_MAX_BYTES);
    for (size_t j = 0; j <= b.n; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t up = row[j];
            size_t change = diagonal + (a.p[i - 1] != b.p[j - 1]);
            row[j] = min3(up + 1, row[j - 1] + 1, change);
            diagonal = up;
        }
    }
    return row[b.n];
}

/* The setting that was probably meant, or null. */
static const char *nearest(struct wh_str name)
{
    const char *best = NULL;
    size_t best_d = 4;
    if (name.n > NAME_MAX_BYTES) {
        return NULL;
    }
    for (int i = 0; i < CONF_COUNT; i++) {
        size_t d = distance(name, wh_str_of(rows[i].name));
        if (d < best_d) {
            best = rows[i].name;
            best_d = d;
        }
    }
    return best;
}

/* What the client may be shown of a name from outside. */
static struct wh_str shown_name(struct wh_str s)
{
    return printable(s) && s.n <= NAME_MAX_BYTES ? s : WH_S("(unprintable)");
}

static bool unknown(struct wh_str name, struct wh_err *err)
{
    const char *meant = nearest(name);
    struct wh_str n = shown_name(name);
    return meant ? wh_fail(err, WH_USAGE,
                           "unknown setting %.*s, did you mean %s?", WH_FMT(n),
                           meant)
                 : wh_fail(err, WH_USAGE, "unknown setting %.*s", WH_FMT(n));
}

static bool known_section(struct wh_str section)
{
    for (int i = 0; i < CONF_COUNT; i++) {
        struct wh_str rest = wh_str_of(rows[i].name), head;
        if (wh_str_cut(&rest, '.', &head) && wh_str_eq(head, section)) {
            return true;
        }
    }
    return false;
}

/* The reader of a file. */
struct reader {
    struct wh_arena *a;
    struct conf *c;
    struct wh_str section;
    unsigned line;
};

static bool read_section(struct reader *r, struct wh_str line,
                         struct wh_err *err)
{
    if (line.p[line.n - 1] != ']') {
        return wh_fail(err, WH_USAGE, "a section is written [name]");
    }
    struct wh_str name = wh_str_trim(wh_str_sub(line, 1, line.n - 2));
    if (!known_section(name)) {
        struct wh_str n = shown_name(name);
        return wh_fail(err, WH_USAGE, "unknown section [%.*s]", WH_FMT(n));
    }
    r->section = name;
    return true;
}

static bool read_setting(struct reader *r, struct wh_str line,
                         struct wh_err *err)
{
    struct wh_str value = line, key;
    enum conf_id id;
    if (!wh_str_cut(&value, '=', &key)) {
        return wh_fail(err, WH_USAGE, "a setting is written key = value");
    }
    if (!r->section.n) {
        return wh_fail(err, WH_USAGE, "a setting before the first [section]");
    }
    key = wh_str_trim(key);
    struct wh_str name =
        wh_arena_fmt(r->a, "%.*s.%.*s", WH_FMT(r->section), WH_FMT(key));
    if (name.n != r->section.n + 1 + key.n || !conf_find(name, &id)) {
        return unknown(name, err);
    }
    if (r->c->values[id].line) {
        return wh_fail(err, WH_USAGE, "%s stands in line %u already",
                       rows[id].name, r->c->values[id].line);
    }
    struct conf_value v = {wh_arena_dup(r->a, wh_str_trim(value)), CONF_FILE,
                           r->line};
    return put(r->c, id, v, err);
}

static bool read_line(struct reader *r, struct wh_str line, struct wh_err *err)
{
    if (line.n > LINE_MAX_BYTES) {
        return wh_fail(err, WH_USAGE, "longer than %d bytes", LINE_MAX_BYTES);
    }
    line = wh_str_trim(line);
    if (line.n == 0 || line.p[0] == '#') {
        return true;
    }
    return line.p[0] == '[' ? read_section(r, line, err)
                            : read_setting(r, line, err);
}

static bool read_file(struct wh_arena *a, struct wh_str text, struct conf *c,
                      struct wh_err *err)
{
    struct reader r = {.a = a, .c = c};
    struct wh_str line;
    while (text.n > 0) {
        wh_str_cut(&text, '\n', &line);
        r.line++;
        if (!read_line(&r, line, err)) {
            return wh_err_wrap(err, "line %u", r.line);
        }
    }
    return true;
}

/* The variable's name is the setting's in capitals. */
static bool is_variable(struct wh_str name, enum conf_id id)
{
    const char *want = rows[id].variable;
    if (name.n != strlen(want)) {
        return false;
    }
    for (size_t i = 0; i < name.n; i++) {
        char c = want[i];
        if (name.p[i] != (c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c)) {
            return false;
        }
    }
    return true;
}

/* A variable of ours that is no setting: a typing error if it begins with one
 * of our sections, else somebody else's business (WEIGHHOUSE_URL). */
static bool foreign_variable(struct wh_str name, struct wh_err *err)
{
    char lower[NAME_MAX_BYTES];
    struct wh_str rest = wh_str_sub(name, sizeof PREFIX - 1, SIZE_MAX);
    size_t dot = wh_str_find(rest, '_');
    if (dot == SIZE_MAX || rest.n > sizeof lower) {
        return true;
    }
    for (size_t i = 0; i < rest.n; i++) {
        char c = rest.p[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    lower[dot] = '.';
    return !known_section(wh_str_mem(lower, dot)) ||
           unknown(wh_str_mem(lower, rest.n), err);
}

static bool read_variable(struct wh_arena *a, struct wh_str name,
                          struct wh_str value, struct conf *c,
                          struct wh_err *err)
{
    for (int i = 0; i < CONF_COUNT; i++) {
        if (is_variable(name, (enum conf_id)i)) {
            struct conf_value v = {wh_arena_dup(a, wh_str_trim(value)),
                                   CONF_ENVIRONMENT, 0};
            return put(c, (enum conf_id)i, v, err);
        }
    }
    return foreign_variable(name, err);
}

static bool read_environment(struct wh_arena *a, char *const *env,
                             struct conf *c, struct wh_err *err)
{
    for (; env && *env; env++) {
        struct wh_str value = wh_str_of(*env), name;
        if (!wh_str_starts(value, WH_S(PREFIX)) ||
            !wh_str_cut(&value, '=', &name)) {
            continue;
        }
        if (!read_variable(a, name, value, c, err)) {
            return wh_err_wrap(err, "environment");
        }
    }
    return true;
}

bool conf_parse(struct wh_arena *a, struct wh_str text, char *const *env,
                struct conf *out, struct wh_err *err)
{
    struct conf c = {0};
    for (int i = 0; i < CONF_COUNT; i++) {
        struct conf_value v = {wh_str_of(rows[i].dflt), CONF_DEFAULT, 0};
        wh_assert(put(&c, (enum conf_id)i, v, err));
    }
    if (!read_file(a, text, &c, err) || !read_environment(a, env, &c, err)) {
        return false;
    }
    *out = c;
    return true;
}

bool conf_load(struct wh_arena *a, const char *path, struct conf *out,
               struct wh_err *err)
{
    struct wh_str text = WH_S("");
    if (path && !wh_file_read(a, path, FILE_MAX, &text, err)) {
        return wh_err_wrap(err, "configuration file");
    }
    return conf_parse(a, text, environ, out, err);
}

bool conf_set(struct wh_arena *a, struct conf *c, enum conf_id id,
              struct wh_str value, struct wh_err *err)
{
    wh_assert(id < CONF_COUNT);
    struct conf_value v = {wh_arena_dup(a, value), CONF_COMMAND, 0};
    return put(c, id, v, err);
}

const struct conf_row *conf_row(enum conf_id id)
{
    wh_assert(id < CONF_COUNT);
    return &rows[id];
}

bool conf_find(struct wh_str name, enum conf_id *out)
{
    for (int i = 0; i < CONF_COUNT; i++) {
        if (wh_str_is(name, rows[i].name)) {
            *out = (enum conf_id)i;
            return true;
        }
    }
    return false;
}

struct wh_str conf_shown(const struct conf *c, enum conf_id id)
{
    return conf_row(id)->secret ? WH_S("********") : c->values[id].text;
}

const char *conf_origin_name(enum conf_origin origin)
{
    static const char *const names[] = {
        [CONF_DEFAULT] = "default",
        [CONF_FILE] = "file",
        [CONF_ENVIRONMENT] = "environment",
        [CONF_COMMAND] = "command line",
    };
    wh_assert(origin <= CONF_COMMAND);
    return names[origin];
}

bool conf_list_next(struct wh_str *rest, struct wh_str *item)
{
    if (rest->n == 0) {
        return false;
    }
    wh_str_cut(rest, ',', item);
    *item = wh_str_trim(*item);
    return true;
}
