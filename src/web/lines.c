/*
 * lines.c - lines as people read law: sentence, reason, machine form, cases.
 */
#include "base/buf.h"
#include "line/view.h"
#include "web/handlers.h"
#include "web/page.h"
#include "web/panels.h"

/* "newer": the newest version, where another than this is it; else null. */
static void add_newer(json_t *line)
{
    json_int_t own = json_integer_value(json_object_get(line, "version"));
    json_int_t newest = json_integer_value(json_object_get(line, "newest"));

    json_object_set_new(line, "newer",
                        newest > own ? json_integer(newest) : json_null());
}

bool web_on_lines(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Lines"), "lines"), *list, *one;
    size_t i;

    if (!line_view_list(q->a, &q->house->lines, &list, err)) {
        return false;
    }
    json_array_foreach(list, i, one)
    {
        add_newer(one);
    }
    json_object_set_new(page, "lines", list);
    return web_page_send(q, 200, "lines", page, err);
}

static json_t *indented(const json_t *v)
{
    struct wh_buf b;
    json_t *out;

    wh_buf_init(&b, (size_t)1 << 20);
    wh_json_write(&b, v, true);
    out = web_text(wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

static json_t *view_rules(const struct rule_line *line)
{
    json_t *list = json_array();

    for (size_t i = 0; i < line->n_rules; i++) {
        const struct rule_rule *r = &line->rules[i];
        const json_t *doc =
            json_array_get(json_object_get(line->doc, "rules"), i);
        json_array_append_new(
            list,
            json_pack("{s:o,s:o,s:o,s:s,s:s,s:o}", "id", web_text(r->id),
                      "sentence", web_text(r->sentence), "reason",
                      web_text(r->reason), "if_no", rule_answer_word(r->if_no),
                      "by", rule_by_words(r->by), "when",
                      indented(json_object_get(doc, "when"))));
    }
    return list;
}

static json_t *view_outcome(const struct rule_line *line)
{
    json_t *list = json_array();

    for (int i = 0; i < RULE_ANSWER_COUNT; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "answer",
                            json_string(rule_answer_word((enum rule_answer)i)));
        for (int p = 0; p < RULE_PART_COUNT; p++) {
            json_object_set_new(
                row, rule_part_word((enum rule_part)p),
                json_string(rule_tier_word(line->outcome[i].part[p])));
        }
        json_array_append_new(list, row);
    }
    return list;
}

/* "v3" or "3" in the address; 0 for none. */
static bool version_of(struct wh_str s, uint64_t *out, struct wh_err *err)
{
    *out = 0;
    if (s.n > 0 && s.p[0] == 'v') {
        s = wh_str_sub(s, 1, s.n);
    }
    return s.n == 0 || wh_str_u64(s, out) ||
           wh_fail(err, WH_NOT_FOUND, "There is no such version of this line");
}

bool web_on_line(struct front_req *q, struct wh_err *err)
{
    const struct rule_line *line;
    json_t *page, *view, *doc, *citation, *one;
    uint64_t version;
    size_t i;

    if (!version_of(q->at.b, &version, err) ||
        !line_view_find(q->a, &q->house->lines, q->at.a, version, &line, err) ||
        !line_view(q->a, &q->house->lines, line, &view, err)) {
        return false;
    }
    page = web_page(q, line->title, "lines");
    doc = json_copy(line->doc);
    json_object_update(doc, view);
    json_decref(view);
    add_newer(doc);
    json_object_set_new(page, "line", doc);
    json_object_set_new(doc, "rules", view_rules(line));
    json_object_set_new(doc, "outcome", view_outcome(line));
    json_object_set_new(doc, "scale", web_line_scale(q, line));
    /* an item without an address must not take the one of the house */
    citation = json_deep_copy(line->citation);
    json_array_foreach(citation, i, one)
    {
        if (!json_object_get(one, "url")) {
            json_object_set_new(one, "url", json_null());
        }
    }
    json_object_set_new(doc, "citation", citation);
    return web_page_send(q, 200, "line", page, err);
}
