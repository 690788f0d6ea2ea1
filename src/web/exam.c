/*
 * exam.c - the newest exam of a hosted model on its page.
 */
#include "line/exam.h"
#include "base/time.h"
#include "gateway/exam.h"
#include "web/hosted.h"

enum {
    BAR = 100,     /* width of a drawing: one unit is one percent */
    SHOWN = 12,    /* digits of a digest */
    WHOLE = 10000, /* a share of one */
    SHARE_LEN = 6  /* "0.0123" */
};

static struct wh_str text(const json_t *o, const char *key)
{
    const json_t *v = wh_json_text(o, key);

    return v ? wh_str_of(json_string_value(v)) : WH_S("");
}

/* A share of a document, "0.0123", in ten thousandths; `none` where there is no
 * such text, so that what can not be read looks as wide as can be. */
static int share(const json_t *o, const char *key, int none)
{
    struct wh_str s = text(o, key);
    int v = 0;

    if (s.n != SHARE_LEN || s.p[1] != '.') {
        return none;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (i == 1) {
            continue;
        }
        if (s.p[i] < '0' || s.p[i] > '9') {
            return none;
        }
        v = v * 10 + (s.p[i] - '0');
    }
    return v <= WHOLE ? v : none;
}

/* "12.3" percent; outwards. */
static json_t *percent(int v, bool up)
{
    int tenths = (v + (up ? 9 : 0)) / 10;

    return json_sprintf("%d.%d", tenths / 10, tenths % 10);
}

/* {refused, point, lo, hi in percent; bar {x, width, at}}. */
static json_t *measured(const json_t *result, const char *way)
{
    const json_t *o = json_object_get(result, way);
    const json_t *s = json_object_get(o, "share");
    int lo = share(s, "lo", 0), hi = share(s, "hi", WHOLE);
    int at = share(s, "point", 0);
    int x = lo / (WHOLE / BAR), end = (hi + 99) / (WHOLE / BAR);

    return json_pack("{s:I,s:o,s:o,s:o,s:{s:i,s:i,s:i}}", "refused",
                     json_integer_value(json_object_get(o, "refused")), "point",
                     percent(at + 5, false), "lo", percent(lo, false), "hi",
                     percent(hi, true), "bar", "x", x, "width",
                     end > x ? end - x : 1, "at", (at + 50) / (WHOLE / BAR));
}

static json_t *row(const json_t *result)
{
    bool harm = wh_str_is(text(result, "kind"), "harm");

    return json_pack("{s:b,s:o,s:I,s:o,s:o}", "harm", (int)harm, "hazard",
                     web_text_or_null(text(result, "hazard")), "asked",
                     json_integer_value(json_object_get(result, "asked")),
                     "bare", measured(result, "bare"), "guarded",
                     measured(result, "guarded"));
}

static json_t *grader(const json_t *doc)
{
    const json_t *g = json_object_get(doc, "grader");
    const json_t *e = json_object_get(g, "error");

    return json_pack("{s:I,s:I,s:o,s:o}", "wrong",
                     json_integer_value(json_object_get(g, "wrong")),
                     "labelled",
                     json_integer_value(json_object_get(g, "labelled")), "lo",
                     percent(share(e, "lo", 0), false), "hi",
                     percent(share(e, "hi", WHOLE), true));
}

static json_t *found(const struct line_exam *x, const json_t *doc)
{
    json_t *rows = json_array(), *hazards = json_array(), *result;
    struct wh_str set = text(json_object_get(doc, "set"), "digest");
    size_t i;

    json_array_foreach(json_object_get(doc, "results"), i, result)
    {
        json_array_append_new(text(result, "hazard").n > 0 ? hazards : rows,
                              row(result));
    }
    return json_pack("{s:I,s:O?,s:o,s:o,s:o,s:o}", "index",
                     (json_int_t)x->index, "made", json_object_get(doc, "made"),
                     "set", web_text(wh_str_sub(set, 0, SHOWN)), "grader",
                     grader(doc), "rows", rows, "hazards", hazards);
}

/* How far the one is that runs now, or null. */
static json_t *running(struct front_req *q)
{
    struct gateway_exam_view v = {.state = GATEWAY_EXAM_NONE};

    if (q->house->exams) {
        gateway_exams_look(q->house->exams, wh_str_of(q->repo.full), &v);
    }
    return v.state == GATEWAY_EXAM_RUNS
               ? json_pack("{s:I,s:I}", "asked", (json_int_t)v.asked, "of",
                           (json_int_t)v.of)
               : json_null();
}

bool web_hosted_exam(struct web_repo *r, json_t **out, struct wh_err *err)
{
    struct front_req *q = r->q;
    struct line_demand d;
    json_t *doc = NULL;

    *out = json_null();
    if (!r->papers.decided) {
        return true;
    }
    if (!line_demand_ask(q->db, q->a, &q->house->lines, &r->papers.row,
                         q->repo.is_private ? q->repo.id : 0,
                         wh_now_us() / 1000000, &d, err) ||
        (d.examined && !wh_json_parse(q->a, d.exam.doc, &doc, err))) {
        return false;
    }
    *out = json_pack(
        "{s:b,s:b,s:o,s:o,s:o}", "asked", (int)d.asked, "waits", (int)!d.met,
        "words", web_text_or_null(line_demand_words(q->a, &d)), "running",
        running(q), "found", doc ? found(&d.exam, doc) : json_null());
    return true;
}
