/*
 * exam_set.c - reading and drawing.
 *
 * A row's turn is a digest of seed, set and id: nobody can put a row where it
 * is drawn without changing the digest of the set that stands in the result.
 */
#include "gateway/exam_set.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

#include <dirent.h>
#include <stdlib.h>
#include <zlib.h>

#define ARENA_MAX ((size_t)256 << 20)
#define ID_MAX 64u

void gateway_set_init(struct gateway_set *s)
{
    *s = (struct gateway_set){.n = 0};
    wh_arena_init(&s->arena, ARENA_MAX);
    wh_sha256_init(&s->hash);
}

void gateway_set_done(struct gateway_set *s)
{
    for (size_t i = 0; i < s->n; i++) {
        wh_wipe((void *)(uintptr_t)s->rows[i].text.p, s->rows[i].text.n);
    }
    wh_sha256_done(&s->hash);
    wh_arena_done(&s->arena);
    *s = (struct gateway_set){.n = 0};
}

/* ---- rows ---- */

/* Ids and hazards are shown: letters, digits and a few marks. */
static bool is_name(struct wh_str s, size_t max)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') ||
                  wh_str_find(WH_S("._-/:"), c) != SIZE_MAX;
        if (!ok) {
            return false;
        }
    }
    return s.n > 0 && s.n <= max;
}

/* The first of the source's own names; without one, the source. */
static bool hazard_of(json_t *o, struct wh_str source, struct wh_str *out,
                      struct wh_err *err)
{
    const json_t *list = json_object_get(o, "hazard"), *first;

    *out = source;
    if (list != NULL && !json_is_array(list)) {
        return wh_fail(err, WH_BAD_REQUEST, "\"hazard\" must be a list");
    }
    first = json_array_get(list, 0);
    if (first != NULL) {
        *out = json_is_string(first) ? wh_str_of(json_string_value(first))
                                     : WH_S("");
    }
    return is_name(*out, GATEWAY_HAZARD_MAX) ||
           wh_fail(err, WH_BAD_REQUEST,
                   "a hazard is a name of at most %u letters, digits and ._-/:",
                   GATEWAY_HAZARD_MAX);
}

static struct gateway_prompt *new_row(struct gateway_set *s)
{
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 1024;
        struct gateway_prompt *more =
            wh_arena_array(&s->arena, cap, sizeof *more);
        if (s->n > 0) {
            memcpy(more, s->rows, s->n * sizeof *more);
        }
        s->rows = more;
        s->cap = cap;
    }
    return &s->rows[s->n++];
}

/* Passages, attempts to get round rules, and what is too long are in such files
 * too; they are not asked. */
static bool is_asked(struct wh_str kind, struct wh_str family,
                     struct wh_str text)
{
    return (wh_str_is(kind, "harm") || wh_str_is(kind, "benign")) &&
           !wh_str_is(family, "text") && text.n <= GATEWAY_PROMPT_MAX;
}

static bool take_row(struct gateway_set *s, json_t *o, struct wh_err *err)
{
    struct wh_str id, kind, family, source, text, hazard;

    if (!wh_json_get_str(o, "id", &id, err) ||
        !wh_json_get_str(o, "kind", &kind, err) ||
        !wh_json_get_str(o, "source", &source, err) ||
        !wh_json_opt_str(o, "family", WH_S(""), &family, err) ||
        !wh_json_opt_str(o, "text", WH_S(""), &text, err) ||
        !hazard_of(o, source, &hazard, err)) {
        return false;
    }
    if (!is_name(id, ID_MAX)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "an id is a name of at most %u letters, digits and "
                       "._-/:",
                       ID_MAX);
    }
    if (wh_str_trim(text).n == 0 || !is_asked(kind, family, text)) {
        return true;
    }
    if (s->n == GATEWAY_SET_ROWS_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "a set has at most %u rows",
                       GATEWAY_SET_ROWS_MAX);
    }
    struct gateway_prompt *row = new_row(s);
    *row = (struct gateway_prompt){.id = wh_arena_dup(&s->arena, id),
                                   .hazard = wh_arena_dup(&s->arena, hazard),
                                   .text = wh_arena_dup(&s->arena, text),
                                   .harm = wh_str_is(kind, "harm")};
    s->harm += row->harm;
    s->benign += !row->harm;
    return true;
}

static bool read_line(struct gateway_set *s, struct wh_str line,
                      struct wh_err *err)
{
    struct wh_arena tmp;
    json_t *o;
    bool ok;

    if (line.n > GATEWAY_SET_LINE_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "a line has at most %zu bytes",
                       GATEWAY_SET_LINE_MAX);
    }
    wh_arena_init(&tmp, 16 * GATEWAY_SET_LINE_MAX);
    ok = wh_json_parse(&tmp, line, &o, err);
    if (!ok) { /* what jansson says may quote the line */
        (void)wh_fail(err, WH_BAD_JSON, "this is no JSON object");
    }
    ok = ok && take_row(s, o, err) && !wh_arena_over(&s->arena, err);
    wh_arena_done(&tmp);
    return ok;
}

static bool read_lines(struct gateway_set *s, struct wh_str name,
                       struct wh_str rest, struct wh_err *err)
{
    struct wh_str line;
    size_t number = 0;

    while (rest.n > 0) {
        (void)wh_str_cut(&rest, '\n', &line);
        number++;
        line = wh_str_trim(line);
        if (line.n > 0 && !read_line(s, line, err)) {
            return wh_err_wrap(err, "%.*s, line %zu", WH_FMT(name), number);
        }
    }
    return true;
}

/* ---- files ---- */

static bool unpack(struct wh_str in, struct wh_buf *out, struct wh_err *err)
{
    z_stream z = {0};
    int r = inflateInit2(&z, 16 + MAX_WBITS); /* gzip and nothing else */

    if (r != Z_OK) {
        return wh_fail(err, WH_NOMEM, "");
    }
    z.next_in = (Bytef *)(uintptr_t)in.p;
    z.avail_in = (uInt)in.n;
    while (r == Z_OK) {
        char *room = wh_buf_room(out, 65536);
        if (room == NULL) {
            break;
        }
        z.next_out = (Bytef *)room;
        z.avail_out = 65536;
        r = inflate(&z, Z_NO_FLUSH);
        wh_buf_grew(out, 65536 - z.avail_out);
    }
    bool whole = r == Z_STREAM_END && z.avail_in == 0;
    (void)inflateEnd(&z);
    if (out->over) {
        return wh_fail(err, WH_TOO_LARGE, "more than %zu bytes unpacked",
                       GATEWAY_SET_PLAIN_MAX);
    }
    return whole || wh_fail(err, WH_BAD_REQUEST,
                            "the file is damaged, or not one gzip member");
}

bool gateway_set_add(struct gateway_set *s, struct wh_str name,
                     struct wh_str bytes, struct wh_err *err)
{
    char digest[WH_SHA256_HEX + 1];
    struct wh_buf plain;
    bool ok = true;

    if (bytes.n > GATEWAY_SET_FILE_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "%.*s: more than %zu bytes",
                       WH_FMT(name), GATEWAY_SET_FILE_MAX);
    }
    wh_sha256_hex_of(bytes, digest);
    wh_sha256_add(&s->hash, name.p, name.n);
    wh_sha256_add(&s->hash, " ", 1);
    wh_sha256_add(&s->hash, digest, WH_SHA256_HEX);
    wh_sha256_add(&s->hash, "\n", 1);
    wh_buf_init(&plain, GATEWAY_SET_PLAIN_MAX);
    if (wh_str_starts(bytes, WH_S("\x1f\x8b"))) {
        ok = unpack(bytes, &plain, err) ||
             wh_err_wrap(err, "%.*s", WH_FMT(name));
        bytes = wh_buf_str(&plain);
    }
    ok = ok && read_lines(s, name, bytes, err);
    wh_buf_done(&plain);
    return ok;
}

static int by_id(const void *x, const void *y)
{
    const struct gateway_prompt *a = x, *b = y;

    return wh_str_cmp(a->id, b->id);
}

bool gateway_set_close(struct gateway_set *s, struct wh_err *err)
{
    uint8_t raw[WH_SHA256_LEN];
    struct wh_buf b;

    wh_sha256_get(&s->hash, raw);
    wh_buf_init(&b, sizeof s->digest);
    wh_buf_hex(&b, raw, sizeof raw);
    memcpy(s->digest, b.p, WH_SHA256_HEX);
    s->digest[WH_SHA256_HEX] = '\0';
    wh_buf_done(&b);
    if (s->n > 0) {
        qsort(s->rows, s->n, sizeof *s->rows, by_id);
    }
    for (size_t i = 1; i < s->n; i++) {
        if (wh_str_eq(s->rows[i - 1].id, s->rows[i].id)) {
            return wh_fail(err, WH_BAD_REQUEST, "two rows have the id %.*s",
                           WH_FMT(s->rows[i].id));
        }
    }
    return true;
}

static bool is_set_file(const char *name)
{
    struct wh_str s = wh_str_of(name);

    return s.n > 0 && s.p[0] != '.' &&
           (wh_str_ends(s, WH_S(".jsonl")) ||
            wh_str_ends(s, WH_S(".jsonl.gz")));
}

static int by_text(const void *x, const void *y)
{
    const char *const *a = x;
    const char *const *b = y;

    return strcmp(*a, *b);
}

static bool list_files(struct gateway_set *s, const char *dir,
                       const char **names, size_t *n, struct wh_err *err)
{
    DIR *d = opendir(dir);

    *n = 0;
    if (d == NULL) {
        return wh_fail_errno(err, WH_NOT_FOUND, "the set of prompts");
    }
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (is_set_file(e->d_name) && *n < GATEWAY_SET_FILES_MAX) {
            names[(*n)++] = wh_arena_cstr(&s->arena, wh_str_of(e->d_name));
        }
    }
    (void)closedir(d);
    qsort(names, *n, sizeof *names, by_text);
    return *n > 0 || wh_fail(err, WH_NOT_FOUND,
                             "the set of prompts: no file *.jsonl or "
                             "*.jsonl.gz in its folder");
}

static bool read_folder(struct gateway_set *s, const char *dir,
                        struct wh_err *err)
{
    const char *names[GATEWAY_SET_FILES_MAX];
    size_t n;

    if (!list_files(s, dir, names, &n, err)) {
        return wh_err_wrap(err, "%.200s", dir);
    }
    for (size_t i = 0; i < n; i++) {
        struct wh_str path = wh_arena_fmt(&s->arena, "%s/%s", dir, names[i]);
        struct wh_str bytes;
        if (!wh_file_read(&s->arena, wh_arena_cstr(&s->arena, path),
                          GATEWAY_SET_FILE_MAX, &bytes, err) ||
            !gateway_set_add(s, wh_str_of(names[i]), bytes, err)) {
            return wh_err_wrap(err, "the set of prompts");
        }
    }
    return gateway_set_close(s, err);
}

bool gateway_set_open(struct gateway_set *s, const char *dir,
                      struct wh_err *err)
{
    gateway_set_init(s);
    if (!read_folder(s, dir, err)) {
        gateway_set_done(s);
        return false;
    }
    return true;
}

/* ---- drawing ---- */

static uint64_t turn_of(const struct gateway_set *s, uint64_t seed,
                        struct wh_str id)
{
    uint8_t raw[WH_SHA256_LEN];
    struct wh_buf b;
    uint64_t turn = 0;

    wh_buf_init(&b, 512);
    wh_buf_fmt(&b, "weighhouse exam %llu %s ", (unsigned long long)seed,
               s->digest);
    wh_buf_add(&b, id);
    wh_sha256_of(wh_buf_str(&b), raw);
    wh_buf_done(&b);
    for (size_t i = 0; i < 8; i++) {
        turn = turn << 8 | raw[i];
    }
    return turn;
}

/* Harmful before benign, by hazard, by turn. */
static int by_turn(const void *x, const void *y)
{
    const struct gateway_prompt *a = x, *b = y;
    int d = (int)b->harm - (int)a->harm;

    d = d ? d : wh_str_cmp(a->hazard, b->hazard);
    if (d == 0 && a->turn != b->turn) {
        d = a->turn < b->turn ? -1 : 1;
    }
    return d ? d : wh_str_cmp(a->id, b->id);
}

/* Rows of one hazard: from, and before `end`. */
struct stratum {
    size_t at, end;
};

static bool find_strata(const struct gateway_set *s, size_t from, size_t end,
                        struct stratum *out, size_t *n, struct wh_err *err)
{
    *n = 0;
    for (size_t i = from; i < end; i++) {
        if (i == from || !wh_str_eq(s->rows[i].hazard, s->rows[i - 1].hazard)) {
            if (*n == GATEWAY_HAZARDS_MAX) {
                return wh_fail(err, WH_BAD_REQUEST,
                               "the set names more than %u hazards",
                               GATEWAY_HAZARDS_MAX);
            }
            out[(*n)++].at = i;
        }
        out[*n - 1].end = i + 1;
    }
    return true;
}

/* One of each in turn, until there are enough. */
static bool draw_some(const struct gateway_set *s, size_t from, size_t end,
                      size_t want, const struct gateway_prompt **out,
                      struct wh_err *err)
{
    struct stratum strata[GATEWAY_HAZARDS_MAX];
    size_t n, got = 0;

    if (!find_strata(s, from, end, strata, &n, err)) {
        return false;
    }
    wh_assert(want <= end - from);
    while (got < want) {
        for (size_t i = 0; i < n && got < want; i++) {
            if (strata[i].at < strata[i].end) {
                out[got++] = &s->rows[strata[i].at++];
            }
        }
    }
    return true;
}

bool gateway_set_draw(struct gateway_set *s, uint64_t seed, size_t harm,
                      size_t benign, const struct gateway_prompt **out,
                      struct wh_err *err)
{
    if (s->harm < harm || s->benign < benign) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the set of prompts is too small: it has %zu harmful "
                       "and %zu benign rows that can be asked, and %zu and "
                       "%zu are wanted",
                       s->harm, s->benign, harm, benign);
    }
    for (size_t i = 0; i < s->n; i++) {
        s->rows[i].turn = turn_of(s, seed, s->rows[i].id);
    }
    if (s->n > 0) {
        qsort(s->rows, s->n, sizeof *s->rows, by_turn);
    }
    return draw_some(s, 0, s->harm, harm, out, err) &&
           draw_some(s, s->harm, s->n, benign, out + harm, err);
}
