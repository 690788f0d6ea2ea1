/*
 * target.c - decoding happens after splitting, so an escaped '/' or '&' never
 * becomes a separator.
 */
#include "net/target.h"

#include "base/enc.h"

static bool decode(struct wh_arena *a, struct wh_str raw, bool plus,
                   struct wh_str *out, struct wh_err *err)
{
    char *p = wh_arena_alloc(a, raw.n + 1);
    size_t n = 0;
    if (!wh_url_dec(raw, plus, p, &n)) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed percent-encoding");
    }
    *out = wh_str_mem(p, n);
    if (!wh_str_utf8_ok(*out)) {
        return wh_fail(err, WH_BAD_REQUEST, "the request is not valid UTF-8");
    }
    return true;
}

bool net_path_split(struct wh_str raw, struct net_path *out, struct wh_err *err)
{
    struct net_path p = {.n = 0};
    if (raw.n == 0 || raw.p[0] != '/') {
        return wh_fail(err, WH_BAD_REQUEST, "the path does not begin with '/'");
    }
    p.slash = raw.p[raw.n - 1] == '/';
    struct wh_str rest = wh_str_sub(raw, 1, raw.n - 1 - (p.slash && raw.n > 1));
    for (bool more = raw.n > 1; more;) {
        struct wh_str seg;
        more = wh_str_cut(&rest, '/', &seg);
        if (seg.n == 0) {
            return wh_fail(err, WH_BAD_REQUEST, "an empty part in the path");
        }
        if (p.n == NET_SEGMENTS) {
            return wh_fail(err, WH_BAD_REQUEST, "too many parts in the path");
        }
        p.seg[p.n++] = seg;
    }
    *out = p;
    return true;
}

bool net_path_decode(struct wh_arena *a, const struct net_path *raw,
                     struct net_path *out, struct wh_err *err)
{
    struct net_path p = {.n = raw->n, .slash = raw->slash};
    for (size_t i = 0; i < raw->n; i++) {
        if (!decode(a, raw->seg[i], false, &p.seg[i], err)) {
            return false;
        }
        if (wh_str_is(p.seg[i], ".") || wh_str_is(p.seg[i], "..")) {
            return wh_fail(err, WH_BAD_REQUEST, "'.' or '..' in the path");
        }
    }
    *out = p;
    return true;
}

struct wh_str net_path_rest(struct wh_arena *a, const struct net_path *p,
                            size_t from)
{
    size_t n = 0;
    for (size_t i = from; i < p->n; i++) {
        n += p->seg[i].n + 1;
    }
    char *text = wh_arena_alloc(a, n + 1), *at = text;
    for (size_t i = from; i < p->n; i++) {
        if (i > from) {
            *at++ = '/';
        }
        memcpy(at, p->seg[i].p, p->seg[i].n);
        at += p->seg[i].n;
    }
    return wh_str_mem(text, (size_t)(at - text));
}

bool net_query_parse(struct wh_arena *a, struct wh_str raw,
                     struct net_pairs *out, struct wh_err *err)
{
    size_t n = raw.n > 0 ? 1 : 0;
    for (size_t i = 0; i < raw.n; i++) {
        n += raw.p[i] == '&';
    }
    if (n > NET_PAIRS) {
        return wh_fail(err, WH_BAD_REQUEST, "too many parameters");
    }
    struct net_pair *v = wh_arena_array(a, n + 1, sizeof *v);
    size_t count = 0;
    while (raw.n > 0) {
        struct wh_str item, name;
        (void)wh_str_cut(&raw, '&', &item);
        if (item.n == 0) {
            continue;
        }
        (void)wh_str_cut(&item, '=', &name);
        if (!decode(a, name, true, &v[count].name, err) ||
            !decode(a, item, true, &v[count].value, err)) {
            return false;
        }
        count++;
    }
    *out = (struct net_pairs){v, count};
    return true;
}

bool net_pairs_get(const struct net_pairs *p, const char *name, size_t index,
                   struct wh_str *out)
{
    for (size_t i = 0; i < p->n; i++) {
        if (wh_str_is(p->v[i].name, name) && index-- == 0) {
            *out = p->v[i].value;
            return true;
        }
    }
    return false;
}
