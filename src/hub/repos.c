/*
 * repos.c - making and ending repos.
 */
#include "hub/repos.h"
#include "base/time.h"
#include "hub/attributes.h"
#include "hub/head.h"

struct wh_str hub_commit_email(struct wh_arena *a, const char *account)
{
    return wh_arena_fmt(a, "%s@users.noreply.weighhouse.local", account);
}

struct create {
    const struct store_repo_new *in;
    const struct store_account *who;
    int64_t id;
};

/* The first commit, made and made visible inside the writer: the repo's id is
 * not known before, and it is three small rows. */
static bool first_commit(struct db *db, const struct create *c,
                         struct hub_git *g, struct wh_arena *a,
                         struct wh_err *err)
{
    struct hub_change change = {.path = WH_S(".gitattributes")};
    struct hub_head *head = WH_NEW(a, struct hub_head);
    int64_t now = wh_now_us();
    struct hub_oid tree, oid;

    if (!hub_git_put_blob(g, wh_str_of(HUB_ATTRIBUTES_DEFAULT), &change.oid,
                          err)) {
        return false;
    }
    hub_git_set_class(g, &change.oid, WH_S("text"));
    if (!hub_git_put_tree(g, NULL, &change, 1, &tree, err) ||
        !hub_git_put_commit(g, &tree, NULL, c->who->name,
                            hub_commit_email(a, c->who->name).p, now,
                            "initial commit", &oid, err) ||
        !hub_head_read(g, &oid, c->in->kind, a, head, err)) {
        return false;
    }
    head->row.state = STORE_REPO_DECIDED;
    head->row.sdk = c->in->sdk;
    head->row.tiers[STORE_PART_SOFTWARE] = STORE_TIER_OPEN;
    return hub_git_flush(g, db, err) &&
           hub_ref_move(db, c->id, WH_S("refs/heads/main"), NULL, &oid,
                        c->who->id, err) &&
           store_repo_head_set(db, c->id, &head->row, head->tags, head->n_tags,
                               now, err);
}

static bool create_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct create *c = ctx;
    struct hub_git *g = NULL;
    struct wh_arena a;
    bool ok;

    if (!store_repo_create(db, c->in, &c->id, err) ||
        !hub_git_open(db, c->id, "", &g, err)) {
        return false;
    }
    wh_arena_init(&a, (size_t)1 << 20);
    ok = first_commit(db, c, g, &a, err);
    wh_arena_done(&a);
    hub_git_close(&g);
    return ok;
}

bool hub_repo_create(struct db_writer *w, const struct store_repo_new *in,
                     const struct store_account *who, int64_t *id,
                     struct wh_err *err)
{
    struct create c = {.in = in, .who = who};

    if (!db_write(w, create_fn, &c, err)) {
        return false;
    }
    *id = c.id;
    return true;
}

static bool delete_fn(struct db *db, void *ctx, struct wh_err *err)
{
    return store_repo_delete(db, *(const int64_t *)ctx, wh_now_us(), err);
}

bool hub_repo_delete(struct db_writer *w, int64_t repo, struct wh_err *err)
{
    return db_write(w, delete_fn, &repo, err);
}

struct ref {
    int64_t repo, account;
    struct wh_str name;
    const struct hub_oid *old, *new;
};

static bool ref_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct ref *r = ctx;

    return hub_ref_move(db, r->repo, r->name, r->old, r->new, r->account, err);
}

bool hub_repo_ref(struct db_writer *w, int64_t repo, struct wh_str name,
                  const struct hub_oid *old, const struct hub_oid *new,
                  int64_t account, struct wh_err *err)
{
    struct ref r = {repo, account, name, old, new};

    return db_write(w, ref_fn, &r, err);
}
