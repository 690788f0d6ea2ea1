/*
 * part.c - content decides first, then the path table.
 */
#include "weigh/part.h"

static const char *const NAMES[WEIGH_PART_COUNT] = {
    [WEIGH_PART_KNOWLEDGE] = "knowledge", [WEIGH_PART_SOURCE] = "source",
    [WEIGH_PART_SOFTWARE] = "software",   [WEIGH_PART_DATA] = "data",
    [WEIGH_PART_WEIGHTS] = "weights",
};

static const struct {
    const char *pattern;
    enum weigh_part part;
} TABLE[] = {
#define WEIGH_PART(pattern, part) {pattern, WEIGH_PART_##part},
#include "weigh/parts.tbl"
#undef WEIGH_PART
};

/* What the scanner's word alone decides. */
static const struct {
    const char *class;
    enum weigh_part part;
    const char *why;
} BY_CLASS[] = {
    {"weights", WEIGH_PART_WEIGHTS, "it parses as tensors"},
    {"unknown", WEIGH_PART_WEIGHTS,
     "a binary that nothing explains is held as weights"},
    {"bulk", WEIGH_PART_WEIGHTS,
     "weights would fit into a file of this size, so it is judged with them"},
    {"program", WEIGH_PART_WEIGHTS,
     "a program, or a container that can carry one, may hold weights"},
};

const char *weigh_part_name(enum weigh_part p)
{
    return NAMES[p];
}

bool weigh_part_parse(struct wh_str word, enum weigh_part *out)
{
    for (int i = 0; i < WEIGH_PART_COUNT; i++) {
        if (wh_str_is(word, NAMES[i])) {
            *out = (enum weigh_part)i;
            return true;
        }
    }
    return false;
}

/* Case-insensitive match with '*'; linear: only the last star is retried. */
static bool matches(const char *pattern, struct wh_str s)
{
    struct wh_str p = wh_str_of(pattern);
    size_t i = 0, j = 0, star = SIZE_MAX, mark = 0;

    while (j < s.n) {
        if (i < p.n && p.p[i] == '*') {
            star = i++;
            mark = j;
        } else if (i < p.n &&
                   wh_str_ieq(wh_str_sub(p, i, 1), wh_str_sub(s, j, 1))) {
            i++;
            j++;
        } else if (star != SIZE_MAX) {
            i = star + 1;
            j = ++mark;
        } else {
            return false;
        }
    }
    while (i < p.n && p.p[i] == '*') {
        i++;
    }
    return i == p.n;
}

static struct wh_str base_name(struct wh_str path)
{
    for (size_t i = path.n; i > 0; i--) {
        if (path.p[i - 1] == '/') {
            return wh_str_sub(path, i, path.n);
        }
    }
    return path;
}

enum weigh_part weigh_part_of(struct wh_str path, struct wh_str class,
                              const char **why)
{
    struct wh_str name = base_name(path);
    size_t i = 0;

    for (size_t k = 0; k < sizeof BY_CLASS / sizeof *BY_CLASS; k++) {
        if (wh_str_is(class, BY_CLASS[k].class)) {
            *why = BY_CLASS[k].why;
            return BY_CLASS[k].part;
        }
    }
    while (!matches(TABLE[i].pattern,
                    strchr(TABLE[i].pattern, '/') ? path : name)) {
        i++; /* the last row matches everything */
    }
    *why = "by its name";
    return TABLE[i].part;
}

bool weigh_part_in_subject(enum weigh_part p)
{
    return p == WEIGH_PART_WEIGHTS || p == WEIGH_PART_SOURCE ||
           p == WEIGH_PART_SOFTWARE;
}
