/*
 * approvers.c - who decides in this house, and what they can and can not do.
 */
#include "front/desk.h"
#include "line/view.h"
#include "rule/floor.h"
#include "web/handlers.h"
#include "web/page.h"

#define HOUR_S INT64_C(3600)

/* "72 hours", "180 days", "60 seconds". */
static json_t *length(int64_t s)
{
    static const struct {
        int64_t s, from; /* so many, and said in these from so many on */
        const char *word;
    } units[] = {{RULE_DAY_S, 7 * RULE_DAY_S, "day"},
                 {HOUR_S, HOUR_S, "hour"},
                 {60, 120, "minute"}};

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int64_t n = s / units[i].s;
        if (s % units[i].s == 0 && s >= units[i].from) {
            return json_sprintf("%lld %s%s", (long long)n, units[i].word,
                                n == 1 ? "" : "s");
        }
    }
    return json_sprintf("%lld second%s", (long long)s, s == 1 ? "" : "s");
}

/* What each act takes here: the table of docs/formats/approvals.md, as the
 * roster in force has it. */
static json_t *acts(const json_t *roster)
{
    const json_t *quorums = json_object_get(roster, "quorums");
    json_t *list = json_array();

    for (int i = 0; i < RULE_ACT_COUNT; i++) {
        const struct rule_act_row *act = rule_act_row((enum rule_act)i);
        int64_t quorum =
            json_integer_value(json_object_get(quorums, act->word));
        if (act->takes == RULE_TAKES_NOBODY) {
            continue;
        }
        quorum = quorum > RULE_QUORUM_MIN ? quorum : RULE_QUORUM_MIN;
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:o,s:b,s:o}", "word", act->word, "does",
                            act->words, "takes",
                            act->takes == RULE_TAKES_ONE
                                ? json_string("one approver")
                                : json_sprintf("%lld affiliations",
                                               (long long)quorum),
                            "cools", (int)act->irrevocable, "longest",
                            act->ends ? length(act->longest) : json_null()));
    }
    return list;
}

static json_t *bounds(void)
{
    json_t *o = json_object();

    json_object_set_new(o, "quorum", json_integer(RULE_QUORUM_MIN));
    json_object_set_new(o, "cooling", length(RULE_COOLING_MIN_S));
    json_object_set_new(o, "emergency", length(RULE_EMERGENCY_S));
    json_object_set_new(o, "again", length(RULE_EMERGENCY_AGAIN_S));
    json_object_set_new(o, "hold", length(RULE_HOLD_MAX_S));
    json_object_set_new(o, "renewals", json_integer(RULE_RENEWALS_MAX));
    json_object_set_new(o, "grant", length(RULE_GRANT_MAX_S));
    json_object_set_new(o, "answer", length(RULE_ANSWER_S));
    return o;
}

/* Those that count: in force, or in shadow. */
static bool lines(struct front_req *q, json_t *page, struct wh_err *err)
{
    json_t *all, *list = json_array();
    const json_t *one;
    size_t i;

    json_object_set_new(page, "lines", list);
    if (!line_view_list(q->a, &q->house->lines, &all, err)) {
        return false;
    }
    wh_json_own(q->a, all);
    json_array_foreach(all, i, one)
    {
        if (!json_is_true(json_object_get(one, "shipped"))) {
            json_array_append(list, json_array_get(all, i));
        }
    }
    return true;
}

bool web_on_approvers(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Approvers"), ""), *o;

    if (!front_desk_roster(q, &o, err) || !lines(q, page, err)) {
        return false;
    }
    json_object_set(page, "roster", o);
    json_object_set_new(
        page, "cooling",
        length(json_integer_value(json_object_get(o, "cooling_off"))));
    json_object_set_new(page, "people",
                        json_integer((json_int_t)json_array_size(
                            json_object_get(o, "approvers"))));
    json_object_set_new(page, "acts", acts(o));
    json_object_set_new(page, "bounds", bounds());
    return web_page_send(q, 200, "approvers", page, err);
}
