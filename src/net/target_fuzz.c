/*
 * target_fuzz.c - a path, then '?' and a query. What is decoded must be
 * encodable again to something that decodes to the same.
 */
#include "net/target.h"

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct wh_arena *a, struct wh_str raw)
{
    struct wh_err err = {0};
    struct net_path split, p, again;
    if (!net_path_split(raw, &split, &err) ||
        !net_path_decode(a, &split, &p, &err)) {
        return;
    }
    struct wh_buf b;
    wh_buf_init(&b, 1 << 20);
    for (size_t i = 0; i < p.n; i++) {
        wh_buf_char(&b, '/');
        wh_buf_url(&b, p.seg[i]);
    }
    if (p.slash) {
        wh_buf_char(&b, '/');
    }
    wh_assert(net_path_split(wh_buf_str(&b), &split, &err));
    wh_assert(net_path_decode(a, &split, &again, &err));
    wh_assert(again.n == p.n && again.slash == p.slash);
    for (size_t i = 0; i < p.n; i++) {
        wh_assert(wh_str_eq(again.seg[i], p.seg[i]));
    }
    (void)net_path_rest(a, &p, p.n / 2);
    wh_buf_done(&b);
}

static void check_query(struct wh_arena *a, struct wh_str raw)
{
    struct wh_err err = {0};
    struct net_pairs p;
    if (net_query_parse(a, raw, &p, &err)) {
        for (size_t i = 0; i < p.n; i++) {
            wh_assert(wh_str_utf8_ok(p.v[i].name));
            wh_assert(wh_str_utf8_ok(p.v[i].value));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_arena a;
    struct wh_str query = wh_str_mem(data, size < 9000 ? size : 9000), path;
    wh_arena_init(&a, 8 << 20);
    (void)wh_str_cut(&query, '?', &path);
    check_path(&a, path);
    check_query(&a, query);
    wh_arena_done(&a);
    return 0;
}
