/*
 * card.h - Markdown from strangers as safe HTML.
 * Owner: HTML goes into the caller's buffer or arena; links are his views.
 * Never: passes raw HTML through, links a scheme that can run something, or
 * lets a picture be loaded from anywhere but this repo.
 */
#ifndef WH_HUB_CARD_H
#define WH_HUB_CARD_H

#include "base/json.h"
#include "proc/zygote.h"

enum {
    HUB_CARD_MAX = 1024 * 1024,          /* bytes of Markdown */
    HUB_CARD_HTML_MAX = 4 * 1024 * 1024, /* bytes of HTML */
    HUB_CARD_JOB = 64                    /* type of the job */
};

/* Where relative addresses of a card lead. Both are paths of this house that
 * end in '/', already escaped for URLs. */
struct hub_card_links {
    struct wh_str pages; /* "/demo/x/blob/main/": for links */
    struct wh_str files; /* "/demo/x/resolve/main/": for pictures */
};

/* Markdown (GitHub's tables, strike-through, task lists, bare addresses) as
 * HTML made only of
 *   h2..h6[id] p br hr blockquote ul ol[start] li em strong del code
 *   pre[tabindex] div[class tabindex] table thead tbody tr th[class] td[class]
 *   a[href rel title] img[src alt title loading]
 * A heading of level n becomes level n + 1, since the page has a title; its id
 * is "card-" and its words. Links: http, https, mailto, #fragment and paths of
 * this house, all rel=nofollow; any other address leaves its text only.
 * Pictures: files of this repo; others become links. Raw HTML loses its tags.
 * Fails with WH_TOO_LARGE (either ceiling), WH_BAD_REQUEST (not UTF-8).
 *
 * md4c reads the text here, and md4c has had bugs that break memory: this runs
 * in a scanner (hub_card_job), never in front. */
bool hub_card_render(struct wh_arena *a, struct wh_str markdown,
                     const struct hub_card_links *links, struct wh_buf *html,
                     struct wh_err *err) WH_CHECK;

/* An independent, strict reading of HTML: null when it holds nothing but the
 * elements and attributes above, well nested, with harmless addresses and
 * pictures below `files`; else what is wrong (static string). */
const char *hub_card_check(struct wh_str html, struct wh_str files);

/* The job of a scanner that renders one card. Source: the Markdown.
 * params: u8 version (1), bytes links.pages, bytes links.files.
 * answer: HTML. */
extern const struct proc_job_type hub_card_job;

/* Render in a scanner and check its answer, which is then marked as safe HTML,
 * {"html": "..."}, and belongs to the arena. Fails as proc_job_run does, and
 * with WH_NOT_VERIFIABLE when the answer does not pass the check. */
bool hub_card_show(struct proc_client *zygote, struct wh_arena *a,
                   struct wh_str markdown, const struct hub_card_links *links,
                   json_t **out, struct wh_err *err) WH_CHECK;
/* The second half of it: mark an answer that passes the check. */
bool hub_card_mark(struct wh_arena *a, struct wh_str html,
                   const struct hub_card_links *links, json_t **out,
                   struct wh_err *err) WH_CHECK;

#endif
