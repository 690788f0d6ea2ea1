/*
 * tmpl.h - HTML pages from templates and JSON: a set of templates is compiled
 * once, then rendered from any thread.
 * Owner: the set owns its compiled templates and copies all it is given;
 * rendered text goes into the caller's buffer.
 * Never: runs code from a template; writes a value unescaped unless it is
 * marked as safe HTML; loops without a bound.
 *
 * The language (docs/formats/pages.md says how pages use it):
 *   {{name}} {{a.b}} {{.}}   the value, escaped for HTML text and attributes
 *   {{&form name}}           the value through a form: url, path, href, count,
 *                            size, date, time
 *   {{{name}}}               safe HTML: the value must be {"html": "..."}
 *   {{#name}}...{{/name}}    once for each element of a list; once inside an
 *                            object; once for any other value that is not
 *                            false, null, absent, 0, "" or an empty list
 *   {{^name}}...{{/name}}    when the section of that name would not be shown
 *   {{>name}}                another template, with the same values
 *   {{@name}}                the URL of an asset, resolved when compiled
 *   {{! text }}              nothing
 * A name is looked up from the innermost open section outwards. The compiler
 * follows the HTML far enough to refuse, with file and line: a value inside a
 * tag but outside quotes; a plain value in href, src, action, cite or poster
 * (the URL forms are for these, and only href may begin one); attributes style
 * and on...; style elements, script elements with content, HTML comments.
 */
#ifndef WH_TMPL_TMPL_H
#define WH_TMPL_TMPL_H

#include "base/json.h"

/* Ceilings of one set and of one rendering. */
enum {
    TMPL_TEXT_MAX = 256 * 1024, /* bytes of one template */
    TMPL_OPEN_MAX = 24,         /* sections open in one template */
    TMPL_SEGMENTS_MAX = 6,      /* names in a dotted name */
    TMPL_DEPTH_MAX = 64,        /* sections and partials open in a rendering */
    TMPL_STEPS_MAX = 2000000    /* nodes visited in a rendering */
};

struct tmpl_set;

/* An empty set. `strict`: a {{name}} that is nowhere in the values fails the
 * rendering (tests, --dev-templates); otherwise it is empty text. */
struct tmpl_set *tmpl_set_new(bool strict);
/* Free; null is fine; *set becomes null. */
void tmpl_set_free(struct tmpl_set **set);

/* Tell the set that asset `name` ("house.css") is served under `url`. Comes
 * before the templates that use it. */
void tmpl_set_asset(struct tmpl_set *set, struct wh_str name,
                    struct wh_str url);
/* Compile one template. Fails with WH_INTERNAL and "name:line: what". */
bool tmpl_set_add(struct tmpl_set *set, struct wh_str name, struct wh_str text,
                  struct wh_err *err) WH_CHECK;
/* After the last add: resolve partials; refuses unknown ones and cycles. */
bool tmpl_set_link(struct tmpl_set *set, struct wh_err *err) WH_CHECK;
/* Number of templates, and the name of the i-th. */
size_t tmpl_set_count(const struct tmpl_set *set);
struct wh_str tmpl_set_name(const struct tmpl_set *set, size_t i);

/* Render template `name` with `values` (an object) into out. Fails with
 * WH_NOT_FOUND (no such template), WH_TOO_LARGE (out's ceiling), WH_INTERNAL
 * (raw form of an unmarked value, list or object as text, too deep). On
 * failure out holds a part of the page and is to be thrown away. */
bool tmpl_render(const struct tmpl_set *set, const char *name,
                 const json_t *values, struct wh_buf *out,
                 struct wh_err *err) WH_CHECK;

/* The marked type: text that is safe HTML. New reference. */
json_t *tmpl_html(struct wh_str html);

#endif
