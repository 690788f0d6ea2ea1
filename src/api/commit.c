/*
 * commit.c - preupload and the commit route.
 */
#include "api/handlers.h"
#include "base/enc.h"
#include "base/time.h"
#include "front/answer.h"
#include "front/quota.h"
#include "hub/attributes.h"
#include "hub/land.h"
#include "hub/release.h"
#include "hub/view.h"

#define FILES_MAX 1000u
#define SAMPLE_MAX 512u
/* How long a commit waits for its weighing before it answers without. */
#define WAIT_US INT64_C(2000000)

/* ---- preupload ---- */

struct preupload {
    struct front_req *q;
    struct hub_git *g;
    struct hub_oid tip;
    bool has_tip;
    struct wh_str attributes, ignore;
    uint64_t steps; /* that patterns may still take */
};

/* The .gitattributes that will hold: the commit's own, else the branch's. */
static bool read_attributes(struct preupload *p, const json_t *body,
                            struct wh_err *err)
{
    struct wh_err why = {0};
    struct hub_entry e;

    if (!wh_json_opt_str(body, "gitAttributes", WH_S(""), &p->attributes,
                         err) ||
        !wh_json_opt_str(body, "gitIgnore", WH_S(""), &p->ignore, err)) {
        return false;
    }
    if (p->attributes.n > 0 || !p->has_tip) {
        return true;
    }
    if (!hub_git_entry(p->g, &p->tip, WH_S(".gitattributes"), p->q->a, &e,
                       &why)) {
        return why.code == WH_ENTRY_NOT_FOUND || (*err = why, false);
    }
    return e.dir || e.lfs ||
           hub_git_blob(p->g, &e.oid, HUB_ATTRIBUTES_MAX, p->q->a,
                        &p->attributes, err);
}

/* gitignore lines of the folder that is being uploaded. */
static bool is_ignored(struct wh_str rules, struct wh_str path, uint64_t *steps)
{
    struct wh_str line;
    bool ignored = false;

    while (rules.n > 0 && *steps > 0) {
        bool keep;
        wh_str_cut(&rules, '\n', &line);
        --*steps;
        line = wh_str_trim(line);
        if (line.n == 0 || line.p[0] == '#') {
            continue;
        }
        keep = line.p[0] == '!';
        line = wh_str_sub(line, keep, line.n);
        if (hub_ignore_fits(line, path, steps)) {
            ignored = !keep;
        }
    }
    return ignored;
}

/* What is stored at this path now, in the form that the client compares. */
static void put_stored(struct preupload *p, struct wh_str path, json_t *o)
{
    char hex[HUB_OID_HEX + 1];
    struct wh_err none = {0};
    struct hub_entry e;

    if (!p->has_tip ||
        !hub_git_entry(p->g, &p->tip, path, p->q->a, &e, &none) || e.dir) {
        return;
    }
    hub_oid_hex(&e.oid, hex);
    json_object_set_new(o, "oid", json_string(e.lfs ? e.sha256 : hex));
}

static bool one_file(struct preupload *p, const json_t *in, json_t *out,
                     struct wh_err *err)
{
    struct wh_str path, sample64;
    char sample[SAMPLE_MAX * 2];
    size_t n = 0;
    int64_t size;
    json_t *o;
    bool large;

    if (!wh_json_get_str(in, "path", &path, err) ||
        !wh_json_get_i64(in, "size", &size, err) ||
        !wh_json_opt_str(in, "sample", WH_S(""), &sample64, err)) {
        return false;
    }
    if (!hub_path_ok(path)) {
        return wh_fail(err, WH_BAD_NAME, "\"%.*s\" is not a path for a file",
                       (int)(path.n > 200 ? 200 : path.n), path.p);
    }
    if (size < 0 || !wh_base64_dec(sample64, sample, sizeof sample, &n)) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed size or sample");
    }
    large = size > 0 && hub_file_is_large(p->attributes, path, (uint64_t)size,
                                          wh_str_mem(sample, n), &p->steps);
    o = json_object();
    json_object_set_new(o, "path", wh_json_str(path));
    json_object_set_new(o, "uploadMode",
                        json_string(large ? "lfs" : "regular"));
    json_object_set_new(o, "shouldIgnore",
                        json_boolean(is_ignored(p->ignore, path, &p->steps)));
    put_stored(p, path, o);
    json_array_append_new(out, o);
    return p->steps > 0 ||
           wh_fail(err, WH_TOO_LARGE,
                   "the patterns of .gitattributes and .gitignore are too many "
                   "for so many files: ask about fewer files at once");
}

static bool find_tip(struct preupload *p, struct wh_err *err)
{
    struct wh_err why = {0};

    p->has_tip = hub_git_resolve(p->g, p->q->at.rev, &p->tip, &why);
    if (p->has_tip || (why.code == WH_REVISION_NOT_FOUND &&
                       wh_str_is(p->q->at.rev, "main"))) {
        return true;
    }
    *err = why;
    return false;
}

bool api_preupload(struct front_req *q, struct wh_err *err)
{
    json_t *body, *out = wh_json_own(q->a, json_array());
    struct preupload p = {.q = q, .steps = HUB_GLOB_STEPS};
    const json_t *files, *item;
    size_t i;
    bool ok;

    if (!front_req_json(q, &body, err) ||
        !hub_git_open(q->db, q->repo.id, q->house->vault.open_dir, &p.g, err)) {
        return false;
    }
    files = json_object_get(body, "files");
    ok = find_tip(&p, err) && read_attributes(&p, body, err);
    if (ok && json_array_size(files) > FILES_MAX) {
        ok = wh_fail(err, WH_TOO_LARGE, "at most %u files at once", FILES_MAX);
    }
    json_array_foreach(files, i, item)
    {
        ok = ok && one_file(&p, item, out, err);
    }
    hub_git_close(&p.g);
    if (ok) {
        front_answer_json(q->net, 200,
                          wh_json_own(q->a, json_pack("{s:O}", "files", out)));
    }
    return ok;
}

/* ---- commit ---- */

/* One commit request; lives in its arena. */
struct commit {
    struct front_req *q;
    struct hub_ops ops;
    struct hub_oid oid;
    uint64_t came; /* bytes of the body */
};

static void answer_commit(struct net_req *r)
{
    struct front_req *q = front_req_enter_job(r);
    struct commit *c = q->state;
    char hex[HUB_OID_HEX + 1];
    struct wh_str url;
    json_t *o = wh_json_own(q->a, json_object());

    hub_oid_hex(&c->oid, hex);
    url = wh_arena_fmt(q->a, "%.*s/%s%s/commit/%s", WH_FMT(front_req_base(q)),
                       hub_kind_prefix(q->repo.kind), q->repo.full, hex);
    json_object_set_new(o, "success", json_true());
    json_object_set_new(o, "commitOid", json_string(hex));
    json_object_set_new(o, "commitUrl", wh_json_str(url));
    json_object_set_new(o, "hookOutput", json_string(""));
    front_answer_json(r, 200, o);
}

static void decided(void *ctx)
{
    net_resume(ctx, answer_commit);
}

/* Weighing begins; the answer waits for it, but not longer than two seconds. */
static void wait_for_decision(struct commit *c)
{
    struct net_req *r = c->q->net;

    net_park_until(r, wh_mono_us() + WAIT_US, answer_commit);
    hub_release_start(c->q->house->release, c->q->repo.owner, c->q->repo.id,
                      &c->oid, decided, r);
}

/* What comes in a commit is stored like what comes by itself. */
static bool count_bytes(struct commit *c, struct wh_err *err)
{
    int64_t account = front_req_account(c->q);

    if (!front_quota_room(c->q, c->q->repo.owner, account, c->came, err)) {
        return false;
    }
    front_quota_sent(c->q, account, c->came);
    return true;
}

static void end_commit(struct net_req *r, void *ctx)
{
    struct commit *c = ctx;
    struct front_req *q = front_req_enter_job(r);
    struct hub_land l = {.db = q->db,
                         .writer = q->house->writer,
                         .zygote = q->house->vault.zygote,
                         .queue = q->house->queue,
                         .open_dir = q->house->vault.open_dir,
                         .a = q->a,
                         .repo = &q->repo,
                         .who = &q->who.account,
                         .branch = q->at.rev,
                         .ops = &c->ops};
    struct wh_err err = {0};
    bool moved, ok;

    ok = count_bytes(c, &err) && hub_ops_end(&c->ops, &err) &&
         hub_land(&l, &c->oid, &moved, &err);
    /* the request may wait long for its revision's turn, not its files */
    hub_ops_done(&c->ops);
    if (!ok) {
        front_req_fail(q, &err);
    } else if (moved) {
        wait_for_decision(c);
    } else {
        answer_commit(r);
    }
}

static void take_commit(struct net_req *r, void *ctx, struct wh_str chunk)
{
    struct commit *c = ctx;
    struct wh_err err = {0};

    front_req_enter_job(r);
    c->came += chunk.n;
    if (!hub_ops_feed(&c->ops, chunk, &err)) {
        front_req_fail(c->q, &err);
    }
}

static const struct net_sink COMMIT = {.data = take_commit, .end = end_commit};

static void done_commit(void *arg)
{
    hub_ops_done(&((struct commit *)arg)->ops);
}

bool api_commit(struct front_req *q, struct wh_err *err)
{
    struct commit *c = WH_NEW(q->a, struct commit);

    if (front_query_bool(q->net->query, "create_pr", q->a)) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "pull requests are not offered here: commit to a "
                       "branch of your own");
    }
    if (!register_admit(q->house->log, err) ||
        !hub_vault_room(&q->house->vault, 0, err) ||
        !front_quota_weighing(q, q->repo.owner, err) ||
        !front_quota_upload(q, q->repo.owner, front_req_account(q), 0, err)) {
        return false;
    }
    c->q = q;
    q->state = c;
    hub_ops_init(&c->ops, q->a);
    wh_arena_defer(q->a, done_commit, c);
    net_stream(q->net, &COMMIT, c);
    return true;
}
