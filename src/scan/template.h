/*
 * template.h - a first look at chat templates (Jinja): do they reach for what
 * templates have no business with?
 * Owner: nothing is owned.
 * Never: runs or renders one.
 */
#ifndef WH_SCAN_TEMPLATE_H
#define WH_SCAN_TEMPLATE_H

#include "scan/ctx.h"

/* Note the template (length, digest) and what is suspicious in it as findings.
 * `name` is where it came from, `at` its offset in the file. */
void scan_template_check(struct scan_ctx *c, struct wh_str name,
                         struct wh_str text, uint64_t at);

/* The first suspicious word of a template, as a static explanation, or null;
 * *at is its offset in the text. For tests and the fuzzer too. */
const char *scan_template_suspect(struct wh_str text, size_t *at);

#endif
