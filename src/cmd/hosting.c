/*
 * hosting.c - between the gateway, which knows models by name, the hub, which
 * knows their papers, and the engines, which know weights.
 */
#include "cmd/hosting.h"
#include "base/log.h"
#include "base/time.h"
#include "hub/host.h"
#include "line/approve.h"

/* What was refused (no room, no engine that reads it) is forgotten after this
 * time, so that it can be tried again. */
#define REFUSED_US INT64_C(30000000)

/* ---- weights to the engines ---- */

/* On the engines' loading thread. */
static bool load(void *ctx, const char *weights, struct wh_err *err)
{
    const struct cmd_hosting *h = ctx;
    struct wh_arena a;
    struct db *db = db_open(h->house->db_path, true, err);
    bool ok;

    wh_arena_init(&a, (size_t)256 << 20);
    ok = db &&
         hub_host(&h->house->vault, h->house->reader, db, &a, weights, err);
    db_close(&db);
    wh_arena_done(&a);
    return ok;
}

bool cmd_hosting_open(struct cmd_hosting *h, const char *run_dir,
                      const char *url, struct front_house *house,
                      struct wh_err *err)
{
    const struct gateway_engines_config c = {
        .run_dir = run_dir, .load = load, .load_ctx = h};

    h->house = house;
    h->url = url;
    h->engines = gateway_engines_new(&c, err);
    return h->engines != NULL;
}

void cmd_hosting_close(struct cmd_hosting *h)
{
    gateway_engines_free(&h->engines);
}

/* ---- the end of hosting ---- */

static void stop_model(const struct cmd_hosting *h, struct wh_arena *a,
                       struct wh_str model, struct wh_str why)
{
    const struct gateway_stop s = {
        .whose = GATEWAY_OF_MODEL,
        .model = model,
        .why = why,
        .url = wh_arena_fmt(a, "%s/%.*s/decision", h->url, WH_FMT(model))};

    if (h->house->gateway) {
        gateway_stop(h->house->gateway, &s);
    }
}

/* One of the repos that have the subject, as seen from itself. */
static bool stop_repo(const struct cmd_hosting *h, struct db *db,
                      struct wh_arena *a, int64_t id, struct wh_err *err)
{
    struct store_repo repo;
    bool hosted;

    if (!store_repo_by_id(db, a, id, &repo, err)) {
        return false;
    }
    if (repo.kind != STORE_MODEL) {
        return true;
    }
    if (!hub_host_hosted(db, a, &repo, &hosted, err)) {
        return false;
    }
    if (!hosted) {
        stop_model(
            h, a, wh_str_of(repo.full),
            WH_S("the approvers of this house closed this model, or what "
                 "they allowed has ended"));
    }
    return true;
}

static void stop_or_say(const struct cmd_hosting *h, struct db *db,
                        struct wh_arena *a, int64_t id)
{
    struct wh_err gone = {0};

    if (!stop_repo(h, db, a, id, &gone) && gone.code != WH_REPO_NOT_FOUND &&
        gone.code != WH_NOT_FOUND) {
        wh_log_err(WH_WARN, "hosting.stop", &gone);
    }
}

/* Every repo that has a file of its weights, as this subject or another. */
static bool stop_subject(const struct cmd_hosting *h, struct db *db,
                         struct wh_arena *a, struct wh_str subject,
                         struct wh_err *err)
{
    struct line_weights w;
    struct hub_host_repos have;

    if (!line_weights_of(db, a, subject, &w, err)) {
        return false;
    }
    for (size_t i = 0; i < w.n; i++) {
        if (!hub_host_repos(db, a, wh_arena_cstr(a, w.sha[i]), &have, err)) {
            return false;
        }
        for (size_t k = 0; k < have.n; k++) {
            stop_or_say(h, db, a, have.ids[k]);
        }
    }
    return true;
}

void cmd_hosting_stop(struct cmd_hosting *h, struct wh_str subject)
{
    struct wh_err err = {0};
    struct wh_arena a;
    struct db *db;

    if (!h->house) {
        return; /* not yet: nothing runs */
    }
    wh_arena_init(&a, (size_t)16 << 20);
    db = db_open(h->house->db_path, true, &err);
    if (!db || !stop_subject(h, db, &a, subject, &err)) {
        wh_log_err(WH_WARN, "hosting.stop", &err);
    }
    db_close(&db);
    wh_arena_done(&a);
    cmd_hosting_refresh(h);
}

/* ---- engines that nobody wants ---- */

/* Is this engine's model there, and do these weights run for it? */
static bool wanted(struct db *db, struct wh_arena *a,
                   const struct gateway_engine_view *v, bool *yes,
                   struct wh_err *err)
{
    struct store_repo repo;

    *yes = false;
    if (!store_repo_by_name(db, a, STORE_MODEL, wh_str_of(v->name), &repo,
                            err)) {
        bool gone = err->code == WH_REPO_NOT_FOUND;
        if (gone) {
            *err = (struct wh_err){0};
        }
        return gone;
    }
    return hub_host_allowed(db, a, &repo, v->weights, yes, err);
}

static void look_at(const struct cmd_hosting *h, struct db *db,
                    const struct gateway_engine_view *v)
{
    struct wh_err err = {0};
    struct wh_arena a;
    bool yes = false;

    wh_arena_init(&a, (size_t)32 << 20);
    if (!wanted(db, &a, v, &yes, &err)) {
        wh_log_err(WH_WARN, "hosting.look", &err);
    } else if (!yes) {
        wh_log(WH_INFO, "hosting.close", "model=%s weights=%s", v->name,
               v->weights);
        stop_model(h, &a, wh_str_of(v->name),
                   WH_S("these weights are not hosted here any more"));
        gateway_engine_close(h->engines, v->weights);
    } else if (v->state == GATEWAY_ENGINE_REFUSED &&
               wh_now_us() - v->since > REFUSED_US) {
        gateway_engine_close(h->engines, v->weights);
    }
    wh_arena_done(&a);
}

void cmd_hosting_refresh(struct cmd_hosting *h)
{
    struct gateway_engine_view list[GATEWAY_ENGINES_MAX];
    size_t n = h->engines
                   ? gateway_engine_list(h->engines, list, GATEWAY_ENGINES_MAX)
                   : 0;
    struct wh_err err = {0};
    struct db *db = NULL;

    if (n == 0) {
        return;
    }
    db = db_open(h->house->db_path, true, &err);
    if (!db) {
        wh_log_err(WH_WARN, "hosting.look", &err);
    }
    for (size_t i = 0; db && i < n; i++) {
        if (list[i].state != GATEWAY_ENGINE_STOPPING) {
            look_at(h, db, &list[i]);
        }
    }
    db_close(&db);
}
