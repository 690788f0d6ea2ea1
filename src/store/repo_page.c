/*
 * A page of a list while it is being filled: a heap of the best places so far
 * with the worst on top; and cursors, which are places as text.
 */
#include "store/repo_page.h"
#include "base/buf.h"

static const char sort_letters[] = {
    [STORE_SORT_MODIFIED] = 'm',  [STORE_SORT_CREATED] = 'c',
    [STORE_SORT_DOWNLOADS] = 'd', [STORE_SORT_LIKES] = 'l',
    [STORE_SORT_ID] = 'i',
};

static bool before(struct store_place a, struct store_place b)
{
    return a.key != b.key ? a.key > b.key : a.id > b.id;
}

static void swap(struct store_place *a, struct store_place *b)
{
    struct store_place t = *a;
    *a = *b;
    *b = t;
}

static void sift_down(struct store_place *h, size_t n, size_t i)
{
    for (;;) {
        size_t worst = i;
        for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++) {
            if (before(h[worst], h[c])) {
                worst = c;
            }
        }
        if (worst == i) {
            return;
        }
        swap(&h[i], &h[worst]);
        i = worst;
    }
}

void store_page_init(struct store_page *pg, struct wh_arena *a, size_t cap,
                     const struct store_cursor *after)
{
    *pg = (struct store_page){.cap = cap, .after = *after};
    pg->heap = wh_arena_array(a, cap, sizeof *pg->heap);
}

void store_page_offer(struct store_page *pg, struct store_place p)
{
    const struct store_cursor *c = &pg->after;
    if (c->set && !before((struct store_place){c->key, c->id}, p)) {
        return;
    }
    if (pg->n == pg->cap) {
        if (before(p, pg->heap[0])) {
            pg->heap[0] = p;
            sift_down(pg->heap, pg->n, 0);
        }
        return;
    }
    size_t i = pg->n++;
    pg->heap[i] = p;
    while (i > 0 && before(pg->heap[(i - 1) / 2], pg->heap[i])) {
        swap(&pg->heap[i], &pg->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

bool store_page_full_before(const struct store_page *pg, struct store_place p)
{
    return pg->n == pg->cap && !before(p, pg->heap[0]);
}

void store_page_sort(struct store_page *pg, const struct store_place *end)
{
    size_t n = pg->n;
    while (n > 1) {
        swap(&pg->heap[0], &pg->heap[--n]);
        sift_down(pg->heap, n, 0);
    }
    while (end && pg->n > 0 && before(*end, pg->heap[pg->n - 1])) {
        pg->n--;
    }
}

void store_cursor_text(const struct store_cursor *c,
                       char out[STORE_CURSOR_TEXT])
{
    wh_assert(c->set && c->sort < STORE_SORTS && c->key >= 0 && c->id >= 0);
    struct wh_buf b;
    wh_buf_init(&b, STORE_CURSOR_TEXT - 1);
    wh_buf_fmt(&b, "%c%lld-%lld", sort_letters[c->sort], (long long)c->key,
               (long long)c->id);
    wh_assert(!b.over);
    memcpy(out, b.p, b.n);
    out[b.n] = '\0';
    wh_buf_done(&b);
}

bool store_cursor_parse(struct wh_str text, enum store_sort sort,
                        struct store_cursor *out, struct wh_err *err)
{
    uint64_t key = 0, id = 0;
    struct wh_str rest = wh_str_sub(text, 1, SIZE_MAX), head;
    wh_assert(sort < STORE_SORTS);
    if (text.n < 4 || text.n >= STORE_CURSOR_TEXT ||
        text.p[0] != sort_letters[sort] || !wh_str_cut(&rest, '-', &head) ||
        !wh_str_u64(head, &key) || !wh_str_u64(rest, &id) || key > INT64_MAX ||
        id > INT64_MAX) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "this cursor is not one of this list");
    }
    *out = (struct store_cursor){true, sort, (int64_t)key, (int64_t)id};
    return true;
}
