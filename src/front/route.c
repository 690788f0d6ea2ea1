/*
 * route.c - the pattern language of the route tables.
 *
 * One walker serves both questions: "does it fit" (on the loop, no captures)
 * and "what was captured" (on a worker). Segments are cut from the raw path, so
 * an encoded slash never divides; they are decoded afterwards, one by one.
 */
#include "front/route.h"
#include "base/enc.h"

struct walk {
    struct wh_str pattern, path; /* what is left of both */
    struct wh_arena *a;          /* null: only fit */
    struct front_captures *out;
    bool broken; /* fits, but an escape does not decode */
};

/* Cut one segment off; the path keeps its leading slash. */
static struct wh_str segment(struct wh_str *s)
{
    struct wh_str head;

    *s = wh_str_sub(*s, 1, s->n);
    head = wh_str_sub(*s, 0, wh_str_find(*s, '/'));
    *s = wh_str_sub(*s, head.n, s->n);
    return head;
}

static void capture(struct walk *w, struct wh_str raw, struct wh_str *out)
{
    char *p;
    size_t n;

    if (!w->a) {
        return;
    }
    p = wh_arena_alloc(w->a, raw.n + 1);
    if (!wh_url_dec(raw, false, p, &n) || !wh_str_utf8_ok(wh_str_mem(p, n))) {
        w->broken = true;
        return;
    }
    *out = wh_str_mem(p, n);
}

static bool kind_word(struct wh_str s, bool with_models, enum store_kind *kind)
{
    if (wh_str_is(s, "datasets")) {
        *kind = STORE_DATASET;
        return true;
    }
    if (wh_str_is(s, "spaces")) {
        *kind = STORE_SPACE;
        return true;
    }
    *kind = STORE_MODEL;
    return with_models && wh_str_is(s, "models");
}

static bool walk_kinds(struct walk *w)
{
    w->out->has_kind = true;
    return w->path.n > 0 && kind_word(segment(&w->path), true, &w->out->kind);
}

static bool walk_optional_kind(struct walk *w)
{
    struct wh_str before = w->path;

    w->out->has_kind = true;
    w->out->kind = STORE_MODEL;
    if (w->path.n == 0 || !kind_word(segment(&w->path), false, &w->out->kind)) {
        w->path = before;
    }
    return true;
}

/* refs/pr/1 and refs/convert/parquet may come with bare slashes. */
static bool walk_rev(struct walk *w)
{
    struct wh_str start, first;

    if (w->path.n < 2) {
        return false;
    }
    start = wh_str_sub(w->path, 1, w->path.n);
    first = segment(&w->path);
    if (wh_str_is(first, "refs") &&
        (wh_str_starts(w->path, WH_S("/pr/")) ||
         wh_str_starts(w->path, WH_S("/convert/")))) {
        segment(&w->path);
        segment(&w->path);
        first = wh_str_mem(start.p, (size_t)(w->path.p - start.p));
    }
    capture(w, first, &w->out->rev);
    return first.n > 0;
}

static bool walk_repo_git(struct walk *w)
{
    struct wh_str s, end = WH_S(".git");

    if (w->path.n == 0) {
        return false;
    }
    s = segment(&w->path);
    if (!wh_str_ends(s, end) || s.n == end.n) {
        return false;
    }
    capture(w, wh_str_sub(s, 0, s.n - end.n), &w->out->name);
    return true;
}

static bool walk_rest(struct walk *w)
{
    struct wh_str rest = w->path;

    w->path = wh_str_sub(w->path, w->path.n, 0);
    if (rest.n > 0) {
        rest = wh_str_sub(rest, 1, rest.n);
    }
    if (rest.n > 0 && rest.p[rest.n - 1] == '/') {
        rest.n--;
    }
    capture(w, rest, &w->out->path);
    return true;
}

/* The placeholders that are not one plain captured segment. */
static const struct {
    const char *word;
    bool (*walk)(struct walk *w);
} SPECIAL[] = {
    {":kinds", walk_kinds}, {"?kind", walk_optional_kind},
    {":rev", walk_rev},     {":repo.git", walk_repo_git},
    {"*path", walk_rest},
};

static bool walk_plain(struct walk *w, struct wh_str word)
{
    struct wh_str s;
    struct wh_str *slot;

    if (w->path.n == 0) {
        return false;
    }
    s = segment(&w->path);
    if (word.n == 0 || word.p[0] != ':') {
        return wh_str_eq(word, s);
    }
    slot = wh_str_is(word, ":ns")     ? &w->out->ns
           : wh_str_is(word, ":repo") ? &w->out->name
           : wh_str_is(word, ":a")    ? &w->out->a
                                      : &w->out->b;
    capture(w, s, slot);
    return s.n > 0;
}

static bool walk_word(struct walk *w, struct wh_str word)
{
    for (size_t i = 0; i < sizeof SPECIAL / sizeof *SPECIAL; i++) {
        if (wh_str_is(word, SPECIAL[i].word)) {
            return SPECIAL[i].walk(w);
        }
    }
    return walk_plain(w, word);
}

static bool walk_all(struct walk *w)
{
    if (w->path.n == 0 || w->path.p[0] != '/') {
        return false;
    }
    while (w->pattern.n > 0) {
        if (!walk_word(w, segment(&w->pattern))) {
            return false;
        }
    }
    return w->path.n == 0;
}

bool front_route_fits(const char *pattern, struct wh_str path)
{
    struct front_captures none = {0};
    struct walk w = {.pattern = wh_str_of(pattern), .path = path, .out = &none};

    return walk_all(&w);
}

bool front_route_capture(const char *pattern, struct wh_str path,
                         struct wh_arena *a, struct front_captures *out,
                         struct wh_err *err)
{
    struct walk w = {
        .pattern = wh_str_of(pattern), .path = path, .a = a, .out = out};

    *out = (struct front_captures){0};
    wh_assert(walk_all(&w));
    if (w.broken) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the path holds an escape that does not decode");
    }
    return true;
}

/* ---- queries ---- */

static bool key_is(struct wh_str raw, const char *key)
{
    if (wh_str_ends(raw, WH_S("[]"))) {
        raw.n -= 2;
    } else if (wh_str_ends(raw, WH_S("%5B%5D"))) {
        raw.n -= 6;
    }
    return wh_str_is(raw, key);
}

bool front_query(struct wh_str query, const char *key, size_t i,
                 struct wh_arena *a, struct wh_str *out)
{
    while (query.n > 0) {
        struct wh_str pair, name;
        char *p;
        size_t n;
        wh_str_cut(&query, '&', &pair);
        wh_str_cut(&pair, '=', &name);
        if (!key_is(name, key) || i-- > 0) {
            continue;
        }
        p = wh_arena_alloc(a, pair.n + 1);
        if (!wh_url_dec(pair, true, p, &n) ||
            !wh_str_utf8_ok(wh_str_mem(p, n))) {
            return false;
        }
        *out = wh_str_mem(p, n);
        return true;
    }
    return false;
}

bool front_query_bool(struct wh_str query, const char *key, struct wh_arena *a)
{
    struct wh_str v;

    return front_query(query, key, 0, a, &v) &&
           (wh_str_ieq(v, WH_S("true")) || wh_str_is(v, "1"));
}

uint64_t front_query_u64(struct wh_str query, const char *key, uint64_t dflt,
                         uint64_t lo, uint64_t hi, struct wh_arena *a)
{
    struct wh_str v;
    uint64_t n;

    if (!front_query(query, key, 0, a, &v)) {
        return dflt;
    }
    if (!wh_str_u64(v, &n)) {
        return dflt;
    }
    return n < lo ? lo : n > hi ? hi : n;
}
