/*
 * shards.c - see shards.h. The form is that of safetensors and llama.cpp.
 */
#include "rule/shards.h"

#include <stdlib.h>

/* More pieces than any model has; a larger number is never whole. */
#define TOTAL_MAX 1000000u
#define DIGITS_MAX 7

struct shard {
    struct wh_str path, stem, ending;
    size_t index, total;
};

/* The decimal number that ends at s[*end); *end moves before it. */
static bool number_before(struct wh_str s, size_t *end, size_t *out)
{
    size_t at = *end, value = 0;
    while (at > 0 && s.p[at - 1] >= '0' && s.p[at - 1] <= '9') {
        at--;
    }
    if (at == *end || *end - at > DIGITS_MAX) {
        return false;
    }
    for (size_t i = at; i < *end; i++) {
        value = value * 10 + (size_t)(s.p[i] - '0');
    }
    *end = at;
    *out = value;
    return true;
}

static bool ends_before(struct wh_str s, size_t *end, const char *what)
{
    size_t n = strlen(what);
    if (*end < n || memcmp(s.p + *end - n, what, n) != 0) {
        return false;
    }
    *end -= n;
    return true;
}

static bool parse(struct wh_str path, struct shard *out)
{
    size_t dot = path.n;
    for (size_t i = path.n; i > 0 && path.p[i - 1] != '/'; i--) {
        if (path.p[i - 1] == '.') {
            dot = i - 1;
            break;
        }
    }
    size_t end = dot;
    if (!number_before(path, &end, &out->total) ||
        !ends_before(path, &end, "-of-") ||
        !number_before(path, &end, &out->index) ||
        !ends_before(path, &end, "-")) {
        return false;
    }
    out->path = path;
    out->stem = wh_str_sub(path, 0, end);
    out->ending = wh_str_sub(path, dot, path.n - dot);
    return true;
}

static int compare_sets(const struct shard *x, const struct shard *y)
{
    int c = wh_str_cmp(x->stem, y->stem);
    c = c ? c : wh_str_cmp(x->ending, y->ending);
    return c ? c : (x->total > y->total) - (x->total < y->total);
}

static int compare(const void *a, const void *b)
{
    const struct shard *x = a, *y = b;
    int c = compare_sets(x, y);
    return c ? c : (x->index > y->index) - (x->index < y->index);
}

/* The set that begins at list[0], sorted; *used says how many entries it has.
 * Whole: the indices are 1, 2, ..., total, some perhaps twice. */
static bool whole(const struct shard *list, size_t n, size_t *used,
                  size_t *have)
{
    size_t want = 1, i = 0;
    *have = 0;
    for (; i < n && compare_sets(&list[0], &list[i]) == 0; i++) {
        *have += i == 0 || list[i].index != list[i - 1].index;
        want += list[i].index == want;
    }
    *used = i;
    return list[0].total <= TOTAL_MAX && want == list[0].total + 1 &&
           *have == list[0].total;
}

bool rule_shards_whole(struct wh_arena *a, const struct wh_str *paths, size_t n,
                       struct rule_shards *out)
{
    struct shard *list = wh_arena_array(a, n + 1, sizeof *list);
    size_t count = 0, used, have;

    for (size_t i = 0; i < n; i++) {
        count += parse(paths[i], &list[count]);
    }
    qsort(list, count, sizeof *list, compare);
    for (size_t i = 0; i < count; i += used) {
        if (!whole(list + i, count - i, &used, &have)) {
            *out = (struct rule_shards){list[i].path, have, list[i].total};
            return false;
        }
    }
    return true;
}
