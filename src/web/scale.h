/*
 * scale.h - the sign of the house: evidence drawn as an interval against the
 * lines, on a logarithmic scale.
 * Owner: the JSON belongs to the arena; input is only read.
 * Never: decides anything: which side of a line the evidence is on is said by
 * rule/, in exact arithmetic; here it is only drawn.
 */
#ifndef WH_WEB_SCALE_H
#define WH_WEB_SCALE_H

#include "base/json.h"

enum {
    WEB_SCALE_LINES_MAX = 12, /* more are not drawn */
    WEB_SCALE_WIDTH = 340     /* of the drawing; its height follows */
};

/* One line on the scale. */
struct web_scale_line {
    struct wh_str label; /* "EU systemic"; cut at 22 characters */
    struct wh_str at;    /* decimal, "1e25" */
    double margin;       /* orders of magnitude below `at` that count as on
                            the line; 0 for none */
};

/* What is drawn. Numbers are decimals as in evidence: "134515008",
 * "4.03545024e22", "0". An empty hi means that there is no upper bound; an
 * empty lo or "0" that there is no lower one: the bar is open to that side.
 * Both empty: unknown, only the lines are drawn. */
struct web_scale {
    struct wh_str what; /* "Training compute" */
    struct wh_str unit; /* "FLOP", or "" for a count */
    struct wh_str lo, hi;
    const struct web_scale_line *lines;
    size_t lines_n;
};

/* Coordinates and labels for templates/scale.html:
 * {"width":n, "height":n, "text":"for those who do not see it", "caption":"",
 *  "axis":{"from","to","y","tick_top","tick_bottom","label_y","caption_y"},
 *  "ticks":[{"x":n, "anchor":"start|middle|end", "label":""}],
 *  "lines":[{"x","top","bottom","label","label_x","label_y",
 *            "band":{"x","y","width","height"}, if it has a margin}],
 *  "bar":{"x","y","width","middle","above","below","label","label_x",
 *         "label_y","open_left":b,"open_right":b,"point":b}, if anything is
 *         known}
 * All numbers are whole units of a drawing WEB_SCALE_WIDTH wide. A line whose
 * number can not be read is left out. */
json_t *web_scale_draw(struct wh_arena *a, const struct web_scale *s);

#endif
