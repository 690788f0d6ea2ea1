/*
 * tell_test.c - what an engine says, as it reaches a client: through a filter
 * that keeps back and cuts, however the text comes in pieces.
 */
#include "base/unit.h"

#include "base/json.h"
#include "base/mem.h"
#include "gateway/stream.h"

#include <stdlib.h>

/* A filter that cuts at the word BAD and keeps back what may be its beginning.
 */
struct guard {
    enum gateway_cut_style style;
    bool mute; /* lets nothing go at all */
    unsigned shown;
};

static const struct wh_str word = WH_SI("BAD");

static bool guard_text(void *ctx, void *state, const struct gateway_piece *p,
                       size_t *release, struct gateway_cut *cut)
{
    struct guard *g = ctx;
    (void)state;
    g->shown++;
    assert_true(p->fresh <= p->text.n);
    size_t hit = wh_str_find_str(p->text, word);
    if (hit != SIZE_MAX) {
        *release = hit;
        *cut = (struct gateway_cut){.style = g->style,
                                    .code = "policy_violation",
                                    .message = WH_S("no")};
        return false;
    }
    size_t keep = 0;
    for (size_t k = 1; k < word.n && k <= p->text.n; k++) {
        if (wh_str_ends(p->text, wh_str_sub(word, 0, k))) {
            keep = k;
        }
    }
    *release = g->mute ? 0 : p->text.n - (p->last ? 0 : keep);
    return true;
}

/* A stream without sockets. */
struct bench {
    struct gateway *g;
    struct gateway_filter filter;
    struct guard guard;
    struct gateway_route *route;
    struct gateway_stream *s;
    struct wh_buf wire; /* all that was written */
};

static void up(struct bench *b, enum gateway_endpoint endpoint, bool stream,
               unsigned choices)
{
    *b = (struct bench){0};
    b->g = wh_alloc(sizeof *b->g);
    b->filter.ctx = &b->guard;
    b->filter.text = guard_text;
    b->g->conf.filter = &b->filter;
    b->route = wh_alloc(sizeof *b->route);
    memcpy(b->route->model, "demo/x", 7);
    b->s = wh_alloc(sizeof *b->s);
    b->s->g = b->g;
    b->s->lane = &b->g->lanes[0];
    b->s->route = b->route;
    b->s->endpoint = endpoint;
    b->s->stream = stream;
    b->s->choices = choices;
    b->s->filter_state = b;
    b->s->prompt_bound = b->s->answer_bound = 1000;
    memcpy(b->s->id, "id", 3);
    b->s->lane->ear = wh_alloc(sizeof *b->s->lane->ear);
    gateway_ear_init(b->s->lane->ear);
    wh_buf_init(&b->s->lane->out, 1 << 24);
    wh_buf_init(&b->s->lane->text, 1 << 24);
}

static void down(struct bench *b)
{
    for (size_t i = 0; i < b->s->channels_n; i++) {
        wh_buf_done(&b->s->channels[i].held);
    }
    wh_free(b->s->channels);
    gateway_ear_done(b->s->lane->ear);
    wh_free(b->s->lane->ear);
    wh_buf_done(&b->s->lane->out);
    wh_buf_done(&b->s->lane->text);
    wh_free(b->s);
    wh_free(b->route);
    wh_free(b->g);
}

static bool hear(struct bench *b, const char *json)
{
    struct gateway_ear *ear = b->s->lane->ear;
    assert_true(gateway_ear_hear(ear, wh_str_of(json), b->s->choices, true));
    return b->s->stream ? gateway_tell_event(b->s, &ear->heard)
                        : gateway_tell_whole(b->s, &ear->heard);
}

static bool say(struct bench *b, struct wh_str text)
{
    char json[4096];
    struct wh_buf t;
    wh_buf_init(&t, 2048);
    wh_buf_json(&t, text);
    snprintf(json, sizeof json,
             "{\"choices\":[{\"index\":0,\"delta\":{\"content\":%.*s}}]}",
             WH_FMT(wh_buf_str(&t)));
    wh_buf_done(&t);
    return hear(b, json);
}

/* The content of all events written so far. */
static void contents(struct bench *b, char *out, size_t cap)
{
    struct wh_str rest = wh_buf_str(&b->s->lane->out);
    static const struct wh_str mark = WH_SI("\"delta\":{\"content\":\"");
    size_t n = 0, at;
    while ((at = wh_str_find_str(rest, mark)) != SIZE_MAX) {
        rest = wh_str_sub(rest, at + mark.n, rest.n);
        size_t end = wh_str_find(rest, '"');
        assert_true(end != SIZE_MAX && n + end < cap);
        memcpy(out + n, rest.p, end);
        n += end;
    }
    out[n] = '\0';
}

static bool has(struct bench *b, const char *text)
{
    return wh_str_find_str(wh_buf_str(&b->s->lane->out), wh_str_of(text)) !=
           SIZE_MAX;
}

#define FINISH \
    "{\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}"

/* Every way to cut a text into pieces (a bit for each gap). */
static void no_piece_of_a_match_goes_out(void **state)
{
    (void)state;
    static const char text[] = "aBAxBABADyz";
    enum { N = sizeof text - 1 };
    for (unsigned gaps = 0; gaps < 1u << (N - 1); gaps++) {
        struct bench b;
        char got[256];
        bool go = true;
        up(&b, GATEWAY_CHAT, true, 1);
        for (size_t from = 0, i = 1; go && i <= N; i++) {
            if (i == N || (gaps >> (i - 1) & 1)) {
                go = say(&b, wh_str_mem(text + from, i - from));
                from = i;
            }
        }
        assert_false(go);
        contents(&b, got, sizeof got);
        assert_string_equal(got, "aBAxBA");
        down(&b);
    }
}

static void what_is_kept_back_goes_at_the_end(void **state)
{
    (void)state;
    struct bench b;
    char got[256];
    up(&b, GATEWAY_CHAT, true, 1);
    assert_true(say(&b, WH_S("so BA")));
    contents(&b, got, sizeof got);
    assert_string_equal(got, "so ");
    assert_true(hear(&b, FINISH));
    contents(&b, got, sizeof got);
    assert_string_equal(got, "so BA");
    assert_true(has(&b, "\"finish_reason\":\"stop\""));
    /* after the end, nothing is said any more */
    size_t before = b.s->lane->out.n;
    assert_true(say(&b, WH_S("more")));
    assert_int_equal(b.s->lane->out.n, before);
    down(&b);
}

static void too_much_kept_back_is_cut(void **state)
{
    (void)state;
    struct bench b;
    bool go = true;
    unsigned n = 0;
    up(&b, GATEWAY_CHAT, true, 1);
    b.guard.mute = true;
    for (; go && n < 100; n++) {
        char text[1000];
        memset(text, 'x', sizeof text);
        go = say(&b, wh_str_mem(text, sizeof text));
    }
    assert_int_equal(n, GATEWAY_HELD_MAX / 1000 + 1);
    assert_false(has(&b, "xx"));
    assert_int_equal(b.s->cut.style, GATEWAY_CUT_QUIET);
    down(&b);
    up(&b, GATEWAY_CHAT, true, 1);
    b.guard.mute = true;
    assert_true(say(&b, WH_S("abc")));
    assert_false(hear(&b, FINISH)); /* never let go: cut, not forgotten */
    assert_false(has(&b, "abc"));
    down(&b);
}

/* Fields of their own, each cut in two. */
static void every_field_is_shown(void **state)
{
    (void)state;
    static const char *const deltas[][2] = {
        {"\"content\":\"xB\"", "\"content\":\"AD\""},
        {"\"reasoning_content\":\"xB\"", "\"reasoning\":\"AD\""},
        {"\"refusal\":\"xBA\"", "\"refusal\":\"D\""},
        {"\"tool_calls\":[{\"index\":1,\"id\":\"c\",\"function\":{\"name\":"
         "\"f\",\"arguments\":\"xB\"}}]",
         "\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"AD\"}}]"},
    };
    for (size_t i = 0; i < sizeof deltas / sizeof *deltas; i++) {
        struct bench b;
        char json[512];
        up(&b, GATEWAY_CHAT, true, 2);
        for (int k = 0; k < 2; k++) {
            snprintf(json, sizeof json,
                     "{\"choices\":[{\"index\":1,\"delta\":{%s}}]}",
                     deltas[i][k]);
            assert_int_equal(hear(&b, json), k == 0);
        }
        assert_true(has(&b, "\"x\"") && !has(&b, "xB") && !has(&b, "AD"));
        assert_true(has(&b, "\"index\":1"));
        down(&b);
    }
}

static void unknown_fields_are_not_forwarded(void **state)
{
    (void)state;
    struct bench b;
    up(&b, GATEWAY_CHAT, true, 1);
    assert_true(hear(&b,
                     "{\"id\":\"BAD\",\"model\":\"BAD\",\"timings\":{\"x\":"
                     "\"BAD\"},\"choices\":[{\"index\":0,\"delta\":{"
                     "\"content\":\"a\",\"thoughts\":\"BAD\"},\"BAD\":\"BAD\"}"
                     "]}"));
    assert_false(has(&b, "BAD"));
    assert_true(has(&b, "\"content\":\"a\""));
    down(&b);
}

/* Two choices do not share what is kept back. */
static void choices_are_apart(void **state)
{
    (void)state;
    struct bench b;
    up(&b, GATEWAY_TEXT, true, 2);
    assert_true(hear(&b, "{\"choices\":[{\"index\":0,\"text\":\"B\"},"
                         "{\"index\":1,\"text\":\"AD\"}]}"));
    assert_true(has(&b, "{\"index\":1,\"text\":\"AD\""));
    assert_false(hear(&b, "{\"choices\":[{\"index\":0,\"text\":\"AD\"}]}"));
    down(&b);
}

static void logprobs_go_with_their_text(void **state)
{
    (void)state;
    struct bench b;
    up(&b, GATEWAY_CHAT, true, 1);
    static const char with[] =
        "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},"
        "\"logprobs\":{\"content\":[{\"token\":\"%s\",\"logprob\":-0.12345,"
        "\"bytes\":[66]}]}}]}";
    char json[512];
    snprintf(json, sizeof json, with, "BA", "BA");
    assert_true(hear(&b, json));
    assert_false(has(&b, "token"));
    snprintf(json, sizeof json, with, "x", "x");
    assert_true(hear(&b, json));
    assert_false(has(&b, "token")); /* the text of the event was not alone */
    snprintf(json, sizeof json, with, "y", "y");
    assert_true(hear(&b, json));
    assert_true(has(&b, "{\"token\":\"y\",\"logprob\":-0.10,\"bytes\":[66]}"));
    down(&b);
}

static void a_whole_answer_is_cut_too(void **state)
{
    (void)state;
    struct bench b;
    up(&b, GATEWAY_CHAT, false, 1);
    assert_false(hear(&b, "{\"choices\":[{\"index\":0,\"message\":{\"role\":"
                          "\"assistant\",\"content\":\"good BAD rest\"},"
                          "\"finish_reason\":\"stop\"}]}"));
    assert_true(has(&b, "\"content\":\"good \""));
    assert_true(has(&b, "\"finish_reason\":\"content_filter\""));
    assert_false(has(&b, "BAD") || has(&b, "rest"));
    json_error_t e;
    json_t *v = json_loadb(b.s->lane->out.p, b.s->lane->out.n, 0, &e);
    assert_non_null(v);
    json_decref(v);
    down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_piece_of_a_match_goes_out),
        cmocka_unit_test(what_is_kept_back_goes_at_the_end),
        cmocka_unit_test(too_much_kept_back_is_cut),
        cmocka_unit_test(every_field_is_shown),
        cmocka_unit_test(unknown_fields_are_not_forwarded),
        cmocka_unit_test(choices_are_apart),
        cmocka_unit_test(logprobs_go_with_their_text),
        cmocka_unit_test(a_whole_answer_is_cut_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
