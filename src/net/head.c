/*
 * head.c - storage of a message head. Names and values lie one after the other
 * in a single growing text, so that a head costs two allocations however many
 * lines it has.
 */
#include "net/head.h"

#include "base/mem.h"

#define FIRST_LINES 24

static bool add_text(struct net_head *h, const char *p, size_t n)
{
    wh_buf_mem(&h->text, p, n);
    if (h->text.over) {
        h->too_long = true;
    }
    return !h->too_long;
}

static bool new_line(struct net_head *h)
{
    if (h->count == h->max_lines) {
        h->too_long = true;
        return false;
    }
    if (h->count == h->cap) {
        size_t cap = h->cap == 0 ? FIRST_LINES : h->cap * 2;
        h->lines = wh_realloc(h->lines, cap * sizeof *h->lines);
        h->cap = cap;
    }
    h->lines[h->count++] =
        (struct net_line){.name = (uint32_t)h->text.n, .name_n = 0};
    h->in_value = false;
    return true;
}

void net_head_init(struct net_head *h, size_t max_text, size_t max_lines,
                   size_t max_target)
{
    *h = (struct net_head){.max_lines = max_lines, .max_target = max_target};
    wh_assert(max_text < UINT32_MAX);
    wh_buf_init(&h->text, max_text);
}

void net_head_done(struct net_head *h)
{
    wh_buf_done(&h->text);
    wh_free(h->lines);
    *h = (struct net_head){0};
}

bool net_head_add_target(struct net_head *h, const char *p, size_t n)
{
    wh_assert(h->count == 0);
    if (n > h->max_target - h->target_n) {
        h->too_long = true;
        return false;
    }
    h->target_n += (uint32_t)n;
    return add_text(h, p, n);
}

bool net_head_add_name(struct net_head *h, const char *p, size_t n)
{
    if ((h->count == 0 || h->in_value) && !new_line(h)) {
        return false;
    }
    size_t at = h->text.n;
    if (!add_text(h, p, n)) {
        return false;
    }
    for (size_t i = at; i < h->text.n; i++) {
        char c = h->text.p[i];
        if (c >= 'A' && c <= 'Z') {
            h->text.p[i] = (char)(c + ('a' - 'A'));
        }
    }
    h->lines[h->count - 1].name_n += (uint32_t)n;
    return true;
}

bool net_head_end_name(struct net_head *h)
{
    if ((h->count == 0 || h->in_value) && !new_line(h)) {
        return false;
    }
    struct net_line *line = &h->lines[h->count - 1];
    if (line->name_n == 0) {
        h->no_name = true;
    }
    line->value = (uint32_t)h->text.n;
    h->in_value = true;
    return true;
}

bool net_head_add_value(struct net_head *h, const char *p, size_t n)
{
    wh_assert(h->count > 0 && h->in_value);
    h->lines[h->count - 1].value_n += (uint32_t)n;
    return add_text(h, p, n);
}

struct wh_str net_head_target(const struct net_head *h)
{
    return wh_str_mem(h->text.p, h->target_n);
}

bool net_head_at(const struct net_head *h, size_t i, struct wh_str *name,
                 struct wh_str *value)
{
    if (i >= h->count) {
        return false;
    }
    const struct net_line *line = &h->lines[i];
    *name = wh_str_mem(h->text.p + line->name, line->name_n);
    *value = wh_str_trim(wh_str_mem(h->text.p + line->value, line->value_n));
    return true;
}

struct wh_str net_head_find(const struct net_head *h, const char *name,
                            size_t *count)
{
    struct wh_str want = wh_str_of(name), found = {NULL, 0}, n, v;
    size_t seen = 0;
    for (size_t i = 0; net_head_at(h, i, &n, &v); i++) {
        if (wh_str_ieq(n, want) && seen++ == 0) {
            found = v;
        }
    }
    if (count != NULL) {
        *count = seen;
    }
    return found;
}
