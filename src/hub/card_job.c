/*
 * Cards are rendered where strangers' bytes are read: in a scanner. What comes
 * back is read strictly before it is called safe HTML.
 */
#include "base/rd.h"
#include "hub/card.h"

enum {
    JOB_VERSION = 1,
    PREFIX_MAX = 1024,
    JOB_MEMORY = 64 << 20,
    JOB_SECONDS = 2,
    JOB_TIME_MS = 5000
};

static bool job_links(struct wh_str params, struct hub_card_links *links)
{
    struct wh_rd r;
    uint8_t version;

    wh_rd_init(&r, params.p, params.n);
    version = wh_rd_u8(&r);
    links->pages = wh_rd_bytes(&r, PREFIX_MAX);
    links->files = wh_rd_bytes(&r, PREFIX_MAX);
    return version == JOB_VERSION && wh_rd_end(&r);
}

static bool job_run(struct proc_job *j, struct wh_buf *answer,
                    struct wh_err *err)
{
    struct hub_card_links links;
    const struct wh_src *src;
    struct wh_arena a;
    unsigned n;
    char *text;
    bool ok;

    src = proc_job_sources(j, &n);
    if (n != 1 || !job_links(proc_job_params(j), &links)) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed job");
    }
    if (src->size > HUB_CARD_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "the card is over 1 MiB");
    }
    wh_arena_init(&a, 4 * (size_t)HUB_CARD_MAX);
    text = wh_arena_alloc(&a, (size_t)src->size);
    ok = wh_src_read(src, 0, text, (size_t)src->size, err) &&
         hub_card_render(&a, wh_str_mem(text, (size_t)src->size), &links,
                         answer, err);
    wh_arena_done(&a);
    return ok;
}

const struct proc_job_type hub_card_job = {
    .type = HUB_CARD_JOB,
    .name = "hub.card",
    .run = job_run,
    .memory = JOB_MEMORY,
    .cpu_s = JOB_SECONDS,
};

bool hub_card_mark(struct wh_arena *a, struct wh_str html,
                   const struct hub_card_links *links, json_t **out,
                   struct wh_err *err)
{
    const char *wrong = hub_card_check(html, links->files);
    json_t *marked;

    if (wrong) {
        wh_fail(err, WH_NOT_VERIFIABLE, "the card could not be shown safely");
        return wh_err_detail(err, "%s", wrong);
    }
    marked = wh_json_own(a, json_object());
    json_object_set_new(marked, "html", wh_json_str(html));
    *out = marked;
    return true;
}

bool hub_card_show(struct proc_client *zygote, struct wh_arena *a,
                   struct wh_str markdown, const struct hub_card_links *links,
                   json_t **out, struct wh_err *err)
{
    const struct wh_src src = wh_src_mem(markdown.p, markdown.n);
    struct proc_job_request rq = {.type = HUB_CARD_JOB,
                                  .sources = &src,
                                  .nsources = 1,
                                  .data_fd = -1,
                                  .answer_max = HUB_CARD_HTML_MAX,
                                  .time_ms = JOB_TIME_MS};
    struct wh_str html;
    struct wh_buf params;
    bool ok;

    wh_buf_init(&params, 4 * PREFIX_MAX);
    wh_buf_u8(&params, JOB_VERSION);
    wh_buf_bytes(&params, links->pages);
    wh_buf_bytes(&params, links->files);
    rq.params = wh_buf_str(&params);
    ok = proc_job_run(zygote, a, &rq, &html, err);
    wh_buf_done(&params);
    return ok && hub_card_mark(a, html, links, out, err);
}
