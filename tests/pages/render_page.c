/*
 * Renders one page from a sample: render_page TEMPLATE SAMPLE.json > page.html.
 * Names that the sample lacks are errors. Two stand-ins in the sample become
 * what the server would put there: {"$markdown": "..."} the HTML of a card,
 * {"$scale": {...}} a drawing.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "hub/card.h"
#include "tmpl/files.h"
#include "web/scale.h"

enum { PAGE_MAX = 8 * 1024 * 1024 };

static const struct hub_card_links links = {{"/demo/sample/blob/main/", 23},
                                            {"/demo/sample/resolve/main/", 26}};

static struct wh_str text(const json_t *o, const char *key)
{
    struct wh_err err = {0};
    struct wh_str s;

    if (!wh_json_opt_str(o, key, WH_S(""), &s, &err)) {
        wh_panic(__FILE__, __LINE__, err.msg);
    }
    return s;
}

static json_t *card(struct wh_arena *a, const json_t *markdown)
{
    struct wh_err err = {0};
    struct wh_buf html;
    json_t *out;

    wh_buf_init(&html, HUB_CARD_HTML_MAX);
    if (!hub_card_render(a, wh_str_of(json_string_value(markdown)), &links,
                         &html, &err) ||
        !hub_card_mark(a, wh_buf_str(&html), &links, &out, &err)) {
        wh_panic(__FILE__, __LINE__, err.msg);
    }
    wh_buf_done(&html);
    return out;
}

static json_t *scale(struct wh_arena *a, const json_t *in)
{
    const json_t *list = json_object_get(in, "lines");
    struct web_scale_line lines[WEB_SCALE_LINES_MAX] = {0};
    struct web_scale s = {.what = text(in, "what"),
                          .unit = text(in, "unit"),
                          .lo = text(in, "lo"),
                          .hi = text(in, "hi"),
                          .lines = lines};

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *l = json_array_get(list, i);
        wh_assert(i < WEB_SCALE_LINES_MAX);
        lines[i].label = text(l, "label");
        lines[i].at = text(l, "at");
        lines[i].margin = json_number_value(json_object_get(l, "margin"));
        s.lines_n++;
    }
    return web_scale_draw(a, &s);
}

static json_t *expand(struct wh_arena *a, json_t *v);

static json_t *expand_all(struct wh_arena *a, json_t *v)
{
    json_t *out = json_is_array(v) ? json_array() : json_object(), *item;
    const char *key;
    size_t i;

    json_array_foreach(v, i, item)
    {
        json_array_append_new(out, expand(a, item));
    }
    json_object_foreach(v, key, item)
    {
        json_object_set_new(out, key, expand(a, item));
    }
    return out;
}

/* A copy of v with its stand-ins replaced; new reference. */
static json_t *expand(struct wh_arena *a, json_t *v)
{
    const json_t *markdown = json_object_get(v, "$markdown");
    const json_t *in = json_object_get(v, "$scale");

    if (markdown) {
        return json_incref(card(a, markdown));
    }
    if (in) {
        return json_incref(scale(a, in));
    }
    return json_is_array(v) || json_is_object(v) ? expand_all(a, v)
                                                 : json_deep_copy(v);
}

static bool page(struct wh_arena *a, const char *name, const char *path,
                 struct wh_buf *out, struct wh_err *err)
{
    struct tmpl_set *set = NULL;
    struct wh_str sample;
    json_t *values;
    bool ok;

    if (!wh_file_read(a, path, PAGE_MAX, &sample, err) ||
        !wh_json_parse(a, sample, &values, err) ||
        !tmpl_open_strict(&set, err)) {
        return false;
    }
    values = wh_json_own(a, expand(a, values));
    ok = tmpl_render(set, name, values, out, err);
    tmpl_set_free(&set);
    return ok;
}

int main(int argc, char **argv)
{
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_buf out;
    bool ok;

    if (argc != 3) {
        (void)fprintf(stderr, "usage: render_page TEMPLATE SAMPLE.json\n");
        return 2;
    }
    wh_arena_init(&a, 4 * (size_t)PAGE_MAX);
    wh_buf_init(&out, PAGE_MAX);
    ok = page(&a, argv[1], argv[2], &out, &err);
    if (ok) {
        (void)fwrite(out.p, 1, out.n, stdout);
    } else {
        (void)fprintf(stderr, "%s: %s\n", argv[2], err.msg);
    }
    wh_buf_done(&out);
    wh_arena_done(&a);
    return ok ? 0 : 1;
}
