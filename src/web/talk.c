/*
 * talk.c - the two faces of an answer in a browser. Both tell the same: text as
 * the filter lets it go, then how it ended, and what is left of the limits.
 */
#include "web/talk.h"
#include "base/log.h"
#include "base/mem.h"
#include "web/page.h"
#include <stdio.h>

/* Text of one answer that a page keeps for its next form. */
#define SAID_MAX ((size_t)1 << 20)

struct web_talk {
    const struct tmpl_set *templates; /* null: events */
    json_t *page;
    struct wh_buf begin, user, said;
};

/* ---- notices ---- */

static const struct {
    enum gateway_code code;
    bool hard;   /* something was refused or cut */
    bool appeal; /* its address is for reporting a mistake */
    const char *title;
} TITLES[] = {
    {GATEWAY_F_POLICY, true, true, "This message was not passed on."},
    {GATEWAY_F_CUT, true, true, "The answer was ended here."},
    {GATEWAY_F_SUSPENDED, true, true, "Nothing is answered at the moment."},
    {GATEWAY_F_KEY_ENDED, true, false, "The key of this session has ended."},
    {GATEWAY_F_MODEL_DENIED, true, false, "This model can not be asked."},
    {GATEWAY_F_NO_MODEL, true, false, "This model can not be asked."},
    {GATEWAY_F_RATE, false, false, "The limit of a minute is reached."},
    {GATEWAY_F_QUOTA, false, false, "The limit of a day is reached."},
    {GATEWAY_F_CONTEXT, false, false,
     "The conversation is longer than the model can read. Begin anew."},
    {GATEWAY_F_LOADING, false, false, "The model is not ready yet."},
    {GATEWAY_F_EXAM, false, false,
     "The model is not answered before its exam."},
    {GATEWAY_F_OVERLOADED, false, false, "The model has too much to do."},
};
#define TITLES_N (sizeof TITLES / sizeof *TITLES)

/* Messages of the API begin small and end without a full stop. */
static json_t *sentence(const char *message)
{
    size_t n = strlen(message);
    bool ends = n == 0 || strchr(".!?", message[n - 1]);
    struct wh_buf b;
    json_t *out;

    wh_buf_init(&b, 1024);
    wh_buf_fmt(&b, "%s%s", message, ends ? "" : ".");
    if (b.n > 0 && b.p[0] >= 'a' && b.p[0] <= 'z') {
        b.p[0] = (char)(b.p[0] - 'a' + 'A');
    }
    out = web_text(wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

/* An address that a link may have. */
static struct wh_str safe(struct wh_str url)
{
    bool good =
        wh_str_starts(url, WH_S("http://")) ||
        wh_str_starts(url, WH_S("https://")) ||
        (wh_str_starts(url, WH_S("/")) && !wh_str_starts(url, WH_S("//")));

    return good || url.n == 0 ? url : WH_S("/watch");
}

/* `why` is taken over. */
static json_t *notice(const char *title, const char *category, json_t *why,
                      const char *request)
{
    return json_pack("{s:s,s:s,s:o,s:s,s:b,s:b,s:s}", "title", title,
                     "category", category, "why", why, "url", "", "appeal", 0,
                     "hard", 0, "request", request);
}

static void add_address(json_t *o, struct wh_str url, bool appeal)
{
    struct wh_str at = appeal && url.n == 0 ? WH_S("/cases") : safe(url);

    json_object_set_new(o, "url", web_text(at));
    json_object_set_new(o, "appeal", json_boolean(appeal));
}

json_t *web_talk_fault(const struct gateway_fault *f, const char *request)
{
    json_t *o =
        notice(gateway_fault_row(f->code)->status < 500
                   ? "This message was not answered."
                   : "The answer did not come to its end.",
               gateway_fault_row(f->code)->code, sentence(f->message), request);

    add_address(o, wh_str_of(f->url), false);
    for (size_t i = 0; i < TITLES_N; i++) {
        if (TITLES[i].code == f->code) {
            json_object_set_new(o, "title", json_string(TITLES[i].title));
            json_object_set_new(o, "hard", json_boolean(TITLES[i].hard));
            add_address(o, wh_str_of(f->url), TITLES[i].appeal);
        }
    }
    return o;
}

/* What is to be said beside an answer; null: nothing. */
static json_t *ending(const struct gateway_told *told)
{
    json_t *o = json_null();

    if (told->fault) {
        o = web_talk_fault(told->fault, told->request);
    } else if (strcmp(told->finish, "content_filter") == 0) {
        o = notice("The answer was ended here.",
                   told->cut[0] ? told->cut : "content_filter",
                   web_text(told->why), told->request);
        json_object_set_new(o, "hard", json_true());
        add_address(o, told->url, true);
    } else if (strcmp(told->finish, "length") == 0) {
        o = notice("The answer is longer than one answer may be.", "length",
                   json_string("Ask for the rest."), told->request);
    }
    return o;
}

static json_t *left_of(const struct gateway_told *told)
{
    const struct gateway_left *l = &told->left;

    return json_pack("{s:I,s:I,s:I}", "requests", (json_int_t)l->requests,
                     "tokens", (json_int_t)l->tokens, "seconds",
                     (json_int_t)(l->tokens_reset_s > l->requests_reset_s
                                      ? l->tokens_reset_s
                                      : l->requests_reset_s));
}

/* ---- a page ---- */

static void page_begin(void *ctx, struct net_live *l, int status)
{
    (void)ctx;
    net_live_begin(l, status);
    web_headers_live(l, WH_S("text/html; charset=utf-8"));
}

static void page_open(void *ctx, struct wh_buf *out)
{
    struct web_talk *t = ctx;

    wh_buf_add(out, wh_buf_str(&t->begin));
    wh_buf_done(&t->begin); /* an answer may take an hour */
}

static void page_text(void *ctx, struct wh_str text, struct wh_buf *out)
{
    struct web_talk *t = ctx;

    if (t->said.n + text.n <= SAID_MAX) {
        wh_buf_add(&t->said, text);
    }
    wh_buf_html(out, text);
}

static void page_end(void *ctx, const struct gateway_told *told,
                     struct wh_buf *out)
{
    struct web_talk *t = ctx;
    json_t *left = left_of(told);
    struct wh_err err = {0};

    json_object_set_new(t->page, "trouble", ending(told));
    if (json_is_object(json_object_get(t->page, "quota"))) {
        json_object_update(json_object_get(t->page, "quota"), left);
    }
    json_decref(left);
    if (t->said.n > 0) {
        json_array_append_new(
            json_object_get(t->page, "turns"),
            json_pack("{s:o,s:o}", "user", web_text(wh_buf_str(&t->user)),
                      "assistant", web_text(wh_buf_str(&t->said))));
    }
    json_object_set_new(t->page, "begins", json_false());
    json_object_set_new(t->page, "ends", json_true());
    if (!tmpl_render(t->templates, "chat_model", t->page, out, &err)) {
        wh_log_err(WH_WARN, "web.talk", &err);
    }
}

/* ---- events ---- */

static void events_begin(void *ctx, struct net_live *l, int status)
{
    (void)ctx;
    net_live_begin(l, status);
    web_headers_live(l, WH_S("text/event-stream; charset=utf-8"));
}

static void events_open(void *ctx, struct wh_buf *out)
{
    (void)ctx;
    wh_buf_cstr(out, ": begin\n\n");
}

static void events_text(void *ctx, struct wh_str text, struct wh_buf *out)
{
    (void)ctx;
    wh_buf_cstr(out, "event: text\ndata: ");
    wh_buf_json(out, text);
    wh_buf_cstr(out, "\n\n");
}

/* Takes the event over. */
static void put_end(json_t *event, struct wh_buf *out)
{
    wh_buf_cstr(out, "event: end\ndata: ");
    wh_json_write(out, event, false);
    wh_buf_cstr(out, "\n\n");
    json_decref(event);
}

static void events_end(void *ctx, const struct gateway_told *told,
                       struct wh_buf *out)
{
    (void)ctx;
    put_end(json_pack("{s:o,s:s,s:o,s:{s:I,s:I}}", "notice", ending(told),
                      "request", told->request, "left", left_of(told), "used",
                      "prompt", (json_int_t)told->prompt_tokens, "completion",
                      (json_int_t)told->completion_tokens),
            out);
}

void web_talk_write_fault(const struct gateway_fault *f, const char *request,
                          struct wh_buf *out)
{
    put_end(json_pack("{s:o,s:s}", "notice", web_talk_fault(f, request),
                      "request", request),
            out);
}

/* ---- life ---- */

static void done(void *ctx)
{
    struct web_talk *t = ctx;

    web_talk_free(&t);
}

static const struct gateway_face PAGE_FACE = {.alive = WH_SI("\n"),
                                              .begin = page_begin,
                                              .open = page_open,
                                              .text = page_text,
                                              .end = page_end,
                                              .done = done};
static const struct gateway_face EVENTS_FACE = {
    .alive = WH_SI(": still at work\n\n"),
    .begin = events_begin,
    .open = events_open,
    .text = events_text,
    .end = events_end,
    .done = done};

struct web_talk *web_talk_events(void)
{
    struct web_talk *t = wh_alloc(sizeof *t);

    wh_buf_init(&t->begin, WEB_PAGE_MAX);
    wh_buf_init(&t->user, WEB_TALK_MAX);
    wh_buf_init(&t->said, SAID_MAX);
    return t;
}

bool web_talk_page(const struct tmpl_set *templates, const json_t *page,
                   struct wh_str user, struct web_talk **out,
                   struct wh_err *err)
{
    struct web_talk *t = web_talk_events();

    t->templates = templates;
    t->page = json_deep_copy(page);
    wh_buf_add(&t->user, user);
    json_object_set_new(t->page, "ends", json_false());
    if (!tmpl_render(templates, "chat_model", t->page, &t->begin, err)) {
        web_talk_free(&t);
        return false;
    }
    *out = t;
    return true;
}

void web_talk_free(struct web_talk **talk)
{
    struct web_talk *t = *talk;

    if (!t) {
        return;
    }
    *talk = NULL;
    json_decref(t->page);
    wh_buf_done(&t->begin);
    wh_buf_done(&t->user);
    wh_buf_done(&t->said);
    wh_free(t);
}

const struct gateway_face *web_talk_face(const struct web_talk *t)
{
    return t->templates ? &PAGE_FACE : &EVENTS_FACE;
}
