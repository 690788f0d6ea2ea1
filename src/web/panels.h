/*
 * panels.h - pieces that several pages show: scales, weighing, decision. For
 * web/ only.
 * Owner: results are new references.
 * Never: judges; it puts into words and drawings what was measured and decided.
 */
#ifndef WH_WEB_PANELS_H
#define WH_WEB_PANELS_H

#include "front/request.h"
#include "hub/papers.h"
#include "hub/weighing.h"

/* Evidence against the lines of the house, one drawing for each claim that a
 * line has a threshold for. items: of line_view_evidence. */
json_t *web_scales(struct front_req *q, const json_t *items);
/* A line's own thresholds on a scale, or null if it has none. */
json_t *web_line_scale(struct front_req *q, const struct rule_line *line);

/* An item of evidence in words: "0 to 4.04e22 FLOP", "none-found"; "" when it
 * is unknown. In the arena. */
struct wh_str web_item_words(struct wh_arena *a, const json_t *item);
/* The item of a claim, borrowed; null when there is none. */
const json_t *web_item_find(const json_t *items, const char *claim);

/* The panel of templates/weighing_panel.html: view is hub_weighing_view's. */
json_t *web_weighing_panel(struct front_req *q, const json_t *view,
                           const json_t *items);
/* {id, decided, weights, lines, by, until} of templates/decision_panel.html. */
json_t *web_decision_panel(const struct line_row *row, const json_t *doc);
/* {index, size, published, witnesses}. */
json_t *web_register_panel(struct front_req *q, const struct line_row *row);
/* "llama, 30 layers of width 576, vocabulary 49,152", or "". In the arena. */
struct wh_str web_architecture(struct wh_arena *a, const json_t *architecture);

#endif
