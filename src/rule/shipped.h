/*
 * shipped.h - the files that are linked into the binary: the lines of lines/,
 * the table of public models, and the evaluator in jq.
 * Owner: static memory.
 * Never: read from disk at run time.
 */
#ifndef WH_RULE_SHIPPED_H
#define WH_RULE_SHIPPED_H

#include "base/str.h"

struct rule_file {
    const char *name; /* "limited.default.v1.json" */
    struct wh_str text;
};

/* All of them, in no promised order. */
extern const struct rule_file rule_shipped_files[];
extern const size_t rule_shipped_files_n;

/* Text of a shipped file by name; empty when there is none. */
struct wh_str rule_shipped_text(struct wh_str name);
/* Shipped line i in the order of names, or null behind the last one. A line's
 * file is called NAME.vVERSION.json. */
const struct rule_file *rule_shipped_line(size_t i);
/* The line of a name ("limited.default", newest version) or of a label
 * ("limited.default.v1"), or null. */
const struct rule_file *rule_shipped_find(struct wh_str wanted);

#endif
