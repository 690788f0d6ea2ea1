/*
 * weighed.h - everything `weighhouse weigh` finds out about one file or folder.
 * Owner: all of it lives in the arena given.
 * Never: believes a scanner's answer beyond what weigh/look.h checks.
 */
#ifndef WH_CMD_WEIGHED_H
#define WH_CMD_WEIGHED_H

#include "cmd/scanner.h"
#include "cmd/tree.h"
#include "rule/eval.h"
#include "weigh/look.h"
#include "weigh/part.h"

/* One file. */
struct cmd_weighed_file {
    struct wh_str path; /* relative to the folder, or as the person wrote it */
    uint64_t size;
    bool looked; /* else `err` says why not */
    struct wh_err err;
    struct weigh_look look;
    enum weigh_part part;
    const char *why_part; /* static */
};

/* What a shipped line says about the compute alone (descent and incidents are
 * not known without a server). */
struct cmd_weighed_line {
    struct wh_str name;
    const struct rule_check *compute;
};
#define CMD_WEIGHED_LINES 2

struct cmd_weighed {
    struct cmd_tree tree;
    struct cmd_weighed_file *files;
    size_t n;
    json_t *index_findings; /* array: contradictions of shard indices */
    json_t *evidence;       /* combined claims of all files of the subject */
    struct cmd_weighed_line lines[CMD_WEIGHED_LINES];
    /* Totals over all files. */
    size_t dangers, warnings, unverified, failed, weights;
};

/* Scan each file of an open tree and combine. False only when nothing more can
 * be done (memory); what went wrong with a file stands at the file. */
bool cmd_weigh_tree(struct cmd_scanner *s, struct wh_arena *a,
                    const struct cmd_tree *tree, struct cmd_weighed *out,
                    struct wh_err *err) WH_CHECK;

/* For people, on standard output. */
void cmd_print_weighed(const struct cmd_weighed *w);
/* {"path":...,"files":[...],...}; new reference. */
json_t *cmd_weighed_json(const struct cmd_weighed *w);

#endif
