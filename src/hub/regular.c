/*
 * regular.c - small files in groups, the others alone.
 *
 * A fork for each of thousands of small files is most of what a commit costs.
 * Files of one commit are one sender's, so groups of them share a scanner. What
 * a group is good for is bounded: only "text" and "data" are taken from it.
 * Whatever else it says, and whatever happens to it, each of the files in
 * question is looked at again by a scanner that sees nothing else, and that
 * answer is the file's own.
 */
#include "hub/regular.h"
#include "base/log.h"
#include "scan/job.h"
#include "weigh/look.h"

/* Beyond the bytes of a file: a scanner's answer, read. */
#define ANSWER_MEMORY ((size_t)4 << 20)

struct looking {
    const struct hub_regular *r;
    struct wh_str *classes;
    unsigned jobs; /* scanners asked so far */
    /* the group that is being gathered: places in the list of operations */
    size_t group[SCAN_JOB_KINDS_MAX];
    unsigned n;
    uint64_t bytes;
};

/* A stop waits for a scanner at work, not for all that this commit needs.
 * Nothing has been stored yet. */
static bool may_ask(struct looking *k, struct wh_err *err)
{
    return k->jobs++ == 0 || !hub_queue_stopping(k->r->queue) ||
           wh_fail(err, WH_UNAVAILABLE,
                   "the house is being stopped: nothing of this commit was "
                   "kept, send it again");
}

/* A dangerous text is judged with its revision; a picture that is also a
 * program is none. */
static bool passes(struct wh_str class, bool danger)
{
    return wh_str_is(class, "text") || (wh_str_is(class, "data") && !danger);
}

static bool refuse(const struct hub_op *op, const struct weigh_look *look,
                   struct wh_err *err)
{
    return wh_fail(err, WH_REFUSED,
                   "%.*s is %s%.*s (%.*s): send it with LFS (git lfs track, or "
                   "let huggingface_hub decide)",
                   (int)(op->path.n > 200 ? 200 : op->path.n), op->path.p,
                   look->danger && wh_str_is(look->class, "data") ? "dangerous "
                                                                  : "",
                   WH_FMT(look->class), WH_FMT(look->format));
}

/* One file, one scanner: this answer is the file's. */
static bool look_alone(struct looking *k, size_t i, struct wh_err *err)
{
    const struct hub_op *op = &k->r->ops->list[i];
    struct weigh_look look;
    struct wh_arena a;
    struct wh_str data;
    struct wh_src src;
    bool ok;

    if (!may_ask(k, err)) {
        return false;
    }
    wh_arena_init(&a, HUB_REGULAR_MAX + ANSWER_MEMORY);
    ok = hub_ops_data(k->r->ops, op, &a, &data, err);
    if (ok) {
        src = wh_src_mem(data.p, data.n);
        ok = weigh_look(k->r->zygote, &a, &src, op->path, &look, err);
    }
    if (ok) {
        k->classes[i] = wh_arena_dup(k->r->a, look.class);
        ok = passes(look.class, look.danger) || refuse(op, &look, err);
    }
    wh_arena_done(&a);
    return ok;
}

/* One scanner for the group. False: nothing is known of any of its files. */
static bool ask_group(const struct looking *k, struct weigh_kind *kinds,
                      struct wh_err *err)
{
    struct wh_src srcs[SCAN_JOB_KINDS_MAX];
    struct wh_arena a;
    bool ok = true;

    wh_arena_init(&a, (size_t)SCAN_JOB_KINDS_ALL + ANSWER_MEMORY);
    for (unsigned i = 0; ok && i < k->n; i++) {
        struct wh_str data = {"", 0};
        ok = hub_ops_data(k->r->ops, &k->r->ops->list[k->group[i]], &a, &data,
                          err);
        srcs[i] = wh_src_mem(data.p, data.n);
    }
    ok = ok && weigh_look_kinds(k->r->zygote, &a, srcs, k->n, kinds, err);
    wh_arena_done(&a);
    return ok;
}

/* Look at the group and begin another one. */
static bool look_group(struct looking *k, struct wh_err *err)
{
    struct weigh_kind kinds[SCAN_JOB_KINDS_MAX];
    struct wh_err why = {0};
    unsigned n = k->n;
    bool known = n > 1; /* one alone is no group */

    if (known) {
        if (!may_ask(k, err)) {
            return false;
        }
        known = ask_group(k, kinds, &why);
        if (!known) {
            wh_log_err(WH_INFO, "commit.one-by-one", &why);
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (known && passes(kinds[i].class, false)) {
            k->classes[k->group[i]] = kinds[i].class;
        } else if (!look_alone(k, k->group[i], err)) {
            return false;
        }
    }
    k->n = 0;
    k->bytes = 0;
    return true;
}

/* Into the group, if it is small; a full group is looked at first. */
static bool look_at(struct looking *k, size_t i, struct wh_err *err)
{
    uint64_t size = k->r->ops->list[i].size;

    if (size > SCAN_JOB_KINDS_EACH) {
        return look_alone(k, i, err);
    }
    if ((k->n == SCAN_JOB_KINDS_MAX || k->bytes + size > SCAN_JOB_KINDS_ALL) &&
        !look_group(k, err)) {
        return false;
    }
    k->group[k->n++] = i;
    k->bytes += size;
    return true;
}

bool hub_regular_look(const struct hub_regular *r, struct wh_str **classes,
                      struct wh_err *err)
{
    struct looking *k = WH_NEW(r->a, struct looking);

    k->r = r;
    k->classes = wh_arena_array(r->a, r->ops->n + 1, sizeof *k->classes);
    for (size_t i = 0; i < r->ops->n; i++) {
        if (r->ops->list[i].kind == HUB_OP_FILE && !look_at(k, i, err)) {
            return false;
        }
    }
    *classes = k->classes;
    return look_group(k, err);
}
