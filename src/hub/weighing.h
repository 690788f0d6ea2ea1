/*
 * weighing.h - the measured facts about a subject, as pages and API show them.
 * Owner: everything lives in the arena given.
 * Never: asked for a subject whose repo the caller may not read.
 */
#ifndef WH_HUB_WEIGHING_H
#define WH_HUB_WEIGHING_H

#include "base/json.h"
#include "db/db.h"

struct hub_weighing {
    bool found;
    json_t *doc; /* as it was written and hashed for the register */
    int64_t at;  /* microseconds */
};

/* The weighing of a subject (64 hex digits). */
bool hub_weighing_read(struct db *db, struct wh_arena *a, struct wh_str subject,
                       struct hub_weighing *out, struct wh_err *err) WH_CHECK;

/* What it says, gathered: {"scanner", "weighed" (RFC 3339), "verifiable",
 * "files": [{path, part, format, tensors, parameters (decimal text), dtypes:
 * [{name, count}], verifiable, why}], "findings": [{severity, id, path, at,
 * why}], "architecture": {...} or null}. `files` are the weights, and
 * what else could not be verified. New reference. */
json_t *hub_weighing_view(const struct hub_weighing *w);

#endif
