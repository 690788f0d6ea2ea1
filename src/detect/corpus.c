/*
 * corpus.c - the data files.
 */
#include "detect/corpus.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include <zlib.h>

#define LINE_MAX_BYTES ((size_t)1 << 20)
#define ROWS_MAX ((size_t)100000)
#define SEEN ((size_t)1 << 18)

void detect_corpus_init(struct detect_corpus *c, struct wh_arena *arena)
{
    *c = (struct detect_corpus){.arena = arena};
    c->seen = wh_arena_array(arena, SEEN, sizeof(*c->seen));
}

/* FNV-1a, 64 bits. */
static uint64_t hash(struct wh_str s)
{
    uint64_t h = 0xcbf29ce484222325ULL;
    size_t i;

    for (i = 0; i < s.n; i++) {
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3ULL;
    }
    return h ^ h >> 32;
}

/* True the first time. */
static bool is_new(struct detect_corpus *c, struct wh_str id)
{
    uint64_t h = hash(id) | 1;
    size_t i = (size_t)(h >> 20) % SEEN;

    while (c->seen[i] != 0 && c->seen[i] != h) {
        i = (i + 1) % SEEN;
    }
    if (c->seen[i] == h) {
        return false;
    }
    c->seen[i] = h;
    return true;
}

static struct detect_row *new_row(struct detect_corpus *c)
{
    if (c->n == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 1024;
        struct detect_row *row = wh_arena_array(c->arena, cap, sizeof(*c->row));
        if (c->n > 0) {
            memcpy(row, c->row, c->n * sizeof(*row));
        }
        c->row = row;
        c->cap = cap;
    }
    return &c->row[c->n++];
}

/* "text", or "turns" joined. */
static struct wh_str text_of(struct wh_arena *a, const json_t *o)
{
    const json_t *turns = json_object_get(o, "turns");
    const char *text = json_string_value(json_object_get(o, "text"));
    struct wh_buf b;
    struct wh_str out;
    size_t i;

    if (text) {
        return wh_arena_dup(a, wh_str_of(text));
    }
    wh_buf_init(&b, LINE_MAX_BYTES);
    for (i = 0; i < json_array_size(turns); i++) {
        const char *turn = json_string_value(json_array_get(turns, i));
        wh_buf_cstr(&b, i ? "\n" : "");
        wh_buf_cstr(&b, turn ? turn : "");
    }
    out = wh_arena_dup(a, wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

static void take_row(struct detect_corpus *c, const json_t *o,
                     struct wh_str source, struct wh_str family,
                     struct wh_str kind, struct wh_str part)
{
    const char *cluster = json_string_value(json_object_get(o, "cluster"));
    struct detect_row *row = new_row(c);

    *row = (struct detect_row){
        .text = text_of(c->arena, o),
        .source = wh_arena_dup(c->arena, source),
        .family = wh_arena_dup(c->arena, family),
        .cluster = hash(wh_str_of(cluster ? cluster : "")),
        .attack = wh_str_is(kind, "attack"),
        .harm = wh_str_is(kind, "harm"),
        .fragment = wh_str_is(part, "fragment"),
    };
}

static bool read_line(struct detect_corpus *c, struct wh_str line,
                      struct wh_err *err)
{
    struct wh_arena tmp;
    struct wh_str id, source, family, kind, part;
    json_t *o;
    bool ok;

    wh_arena_init(&tmp, 16 * LINE_MAX_BYTES);
    ok = wh_json_parse(&tmp, line, &o, err) &&
         wh_json_get_str(o, "id", &id, err) &&
         wh_json_get_str(o, "source", &source, err) &&
         wh_json_get_str(o, "family", &family, err) &&
         wh_json_get_str(o, "kind", &kind, err) &&
         wh_json_opt_str(o, "part", WH_S(""), &part, err);
    if (ok && is_new(c, id)) {
        take_row(c, o, source, family, kind, part);
    }
    wh_arena_done(&tmp);
    return ok;
}

bool detect_corpus_read(struct detect_corpus *c, const char *path,
                        struct wh_err *err)
{
    gzFile file = gzopen(path, "rb"); /* reads plain files too */
    size_t number = 0;
    char *line;
    bool ok = true;

    if (!file) {
        return wh_fail_errno(err, WH_NOT_FOUND, "open the rows");
    }
    line = wh_alloc(LINE_MAX_BYTES);
    while (ok && gzgets(file, line, (int)LINE_MAX_BYTES)) {
        struct wh_str s = wh_str_trim(wh_str_of(line));
        number++;
        if (c->n >= ROWS_MAX) {
            ok = wh_fail(err, WH_BAD_REQUEST, "more than %zu rows", ROWS_MAX);
        } else if (s.n > 0 && !read_line(c, s, err)) {
            ok = wh_err_wrap(err, "line %zu", number);
        }
    }
    if (ok && !gzeof(file)) {
        ok = wh_fail(err, WH_BAD_REQUEST, "the file is damaged after line %zu",
                     number);
    }
    wh_free(line);
    (void)gzclose(file);
    return ok;
}

/* ---- rows made of rows ---- */

unsigned detect_row_fold(const struct detect_row *r)
{
    return (unsigned)(r->cluster >> 8) % DETECT_FOLDS;
}

/* The honest row of a fold at or after place i whose source is `source` ("":
 * any short one), going round; null when there is none. */
static const struct detect_row *honest(const struct detect_corpus *c, size_t n,
                                       unsigned fold, uint64_t i,
                                       struct wh_str source)
{
    size_t k;

    for (k = 0; k < n; k++) {
        const struct detect_row *r = &c->row[(i + k) % n];
        if (!r->attack && !r->harm && detect_row_fold(r) == fold &&
            (source.n == 0 ? r->text.n < 160 : wh_str_eq(r->source, source))) {
            return r;
        }
    }
    return NULL;
}

static void join_fragments(struct detect_corpus *c, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        struct detect_row *row = &c->row[i];
        const struct detect_row *host =
            row->fragment
                ? honest(c, n, detect_row_fold(row), hash(row->text), WH_S(""))
                : NULL;
        if (host) {
            row->text = wh_arena_fmt(c->arena, "%.*s %.*s", WH_FMT(host->text),
                                     WH_FMT(row->text));
        }
    }
}

static void join_honest(struct detect_corpus *c, size_t at, size_t n)
{
    struct detect_row made = c->row[at];
    uint64_t h = hash(made.text);
    size_t count = 1 + h % 7, k;
    struct wh_buf b;

    wh_buf_init(&b, (size_t)64 * 1024);
    wh_buf_add(&b, made.text);
    for (k = 1; k <= count; k++) {
        const struct detect_row *more =
            honest(c, n, detect_row_fold(&made), h * k >> 16, made.source);
        wh_buf_cstr(&b, h & 256 ? "\n\n" : " ");
        wh_buf_add(&b, more->text);
    }
    made.text = wh_arena_dup(c->arena, wh_buf_str(&b));
    made.made = true;
    *new_row(c) = made;
    wh_buf_done(&b);
}

void detect_corpus_finish(struct detect_corpus *c)
{
    size_t n = c->n, i;

    join_fragments(c, n);
    for (i = 0; i < n; i++) {
        if (!c->row[i].attack && !c->row[i].harm &&
            hash(c->row[i].text) % 3 == 0) {
            join_honest(c, i, n);
        }
    }
}

const char *detect_corpus_segment(struct wh_str family)
{
    static const struct {
        const char *family, *segment;
    } rows[] = {
        {"code", "code"},         {"document", "text"},
        {"text", "text"},         {"trigger-words", "edge"},
        {"over-refusal", "edge"}, {"question", "ask"},
        {"chat", "ask"},
    };
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (wh_str_is(family, rows[i].family)) {
            return rows[i].segment;
        }
    }
    return "ask";
}
