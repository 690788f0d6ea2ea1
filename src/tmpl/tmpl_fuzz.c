/*
 * Fuzz target of the template language. Input: a template, a NUL, JSON text.
 * What must hold: whatever compiles renders or fails within its ceilings, and
 * a value never brings a raw '<' into the page (the JSON's strings are all
 * "<&\"'" in disguise, so that each value would be seen).
 */
#include "tmpl/tmpl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(struct wh_str s, char c)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        n += s.p[i] == c;
    }
    return n;
}

/* With hostile values every '<' of the page comes from the template. */
static void escapes(const struct tmpl_set *set, struct wh_str text)
{
    json_t *v = json_object(), *in = json_object();
    struct wh_err err = {0};
    struct wh_buf out;
    static const char *const names[] = {"a", "b", "c", "name", "x"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_object_set_new(in, names[i], json_string("<script>\"'&"));
        json_object_set_new(v, names[i], json_string("<script>\"'&"));
    }
    json_object_set_new(v, "o", in);
    wh_buf_init(&out, 1 << 20);
    if (tmpl_render(set, "t", v, &out, &err)) {
        wh_assert(count(wh_buf_str(&out), '<') <= count(text, '<'));
        wh_assert(count(wh_buf_str(&out), '"') <= count(text, '"'));
    }
    wh_buf_done(&out);
    json_decref(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_str rest = wh_str_mem(data, size), text;
    struct tmpl_set *set;
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_buf out;
    json_t *values;

    if (size > 16384) {
        return 0;
    }
    wh_str_cut(&rest, '\0', &text);
    set = tmpl_set_new(false);
    wh_arena_init(&a, 1 << 22);
    wh_buf_init(&out, 1 << 16);
    if (tmpl_set_add(set, WH_S("t"), text, &err) && tmpl_set_link(set, &err)) {
        escapes(set, text);
        if (wh_json_parse(&a, rest, &values, &err) &&
            tmpl_render(set, "t", values, &out, &err)) {
            wh_assert(out.n <= out.ceiling);
        }
    }
    wh_buf_done(&out);
    wh_arena_done(&a);
    tmpl_set_free(&set);
    return 0;
}
