/*
 * retier.c - a changed tier carried out. The header tells the steps; each looks
 * at the rows for whether it is still to be done, so that all of it can begin
 * again after a crash at any place, and be at work twice.
 */
#include "hub/retier.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "hub/crash.h"
#include "hub/open.h"
#include "line/approve.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes moved at a time. */
#define STEP ((size_t)1 << 20)
/* Rows of one query; what is beyond is seen in the next round. */
#define OWNERS_MAX 1000u
#define DIGESTS_MAX 1000u
#define HEADS_MAX 200u
#define PATH_ROOM 4200

struct hub_retier {
    struct hub_retier_config c;
    pthread_mutex_t sealing; /* one content after the other */
};

struct hub_retier *hub_retier_new(const struct hub_retier_config *c)
{
    struct hub_retier *r = wh_alloc(sizeof *r);

    r->c = *c;
    pthread_mutex_init(&r->sealing, NULL);
    return r;
}

void hub_retier_free(struct hub_retier **rp)
{
    if (*rp) {
        pthread_mutex_destroy(&(*rp)->sealing);
        wh_free(*rp);
        *rp = NULL;
    }
}

bool hub_content_closed(struct db *db, struct wh_arena *a, const char *sha256,
                        const struct store_repo *repo, bool *closed,
                        struct line_row *row, struct wh_err *err)
{
    return line_closed_find(db, a, wh_str_of(sha256),
                            repo->is_private ? repo->id : 0, closed, row, err);
}

/* ---- who has it ---- */

struct owner {
    int64_t content, repo;
    enum store_kind kind;
    bool is_private, sealed;
    uint64_t size;
};

struct owners {
    struct owner *list;
    size_t n;
};

static bool find_owners(struct db *db, struct wh_arena *a, const char *sha256,
                        struct owners *out, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CONTENT_OWNERS);
    enum db_row row;

    out->list = wh_arena_array(a, OWNERS_MAX, sizeof *out->list);
    out->n = 0;
    db_bind_cstr(st, 1, sha256);
    while ((row = db_step(st, err)) == DB_ROW && out->n < OWNERS_MAX) {
        out->list[out->n++] =
            (struct owner){.content = db_col_i64(st, 0),
                           .repo = db_col_i64(st, 1),
                           .kind = (enum store_kind)db_col_i64(st, 2),
                           .is_private = db_col_bool(st, 3),
                           .sealed = db_col_bool(st, 4),
                           .size = (uint64_t)db_col_i64(st, 5)};
    }
    db_finish(&st);
    return row != DB_FAIL;
}

/* Is it closed for all who have it? What a private repo's approvals close,
 * stays open where it was opened in public. */
static bool all_closed(struct db *db, struct wh_arena *a, const char *sha256,
                       const struct owners *o, bool *closed, struct wh_err *err)
{
    struct line_row row;

    if (!line_closed_find(db, a, wh_str_of(sha256), 0, closed, &row, err) ||
        *closed) {
        return err->code == WH_NONE;
    }
    *closed = o->n > 0;
    for (size_t i = 0; i < o->n && *closed; i++) {
        if (!o->list[i].is_private) {
            *closed = false;
        } else if (!line_closed_find(db, a, wh_str_of(sha256), o->list[i].repo,
                                     closed, &row, err)) {
            return false;
        }
    }
    return true;
}

/* ---- sealing ---- */

static bool copy_in(struct hub_receiver *r, int fd, uint64_t size,
                    struct wh_err *err)
{
    char *step = wh_alloc(STEP);
    bool ok = true;

    for (uint64_t off = 0; ok && off < size;) {
        size_t n = size - off < STEP ? (size_t)(size - off) : STEP;
        ok = wh_fd_pread(fd, off, step, n, err) &&
             hub_receive_data(r, wh_str_mem(step, n), err);
        off += n;
    }
    wh_wipe(step, STEP);
    wh_free(step);
    return ok;
}

/* A container of its own for one repo, from the plain file. */
static bool seal_for(const struct hub_vault *v, struct wh_arena *a,
                     const char *sha256, const struct owner *o,
                     struct wh_err *err)
{
    struct hub_receiver *r = NULL;
    int fd;
    bool ok;

    if (!hub_vault_room(v, o->size, err)) {
        return false;
    }
    fd = open(hub_open_path(v, a, sha256), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return wh_fail_errno(err, WH_IO, "opened content");
    }
    ok = hub_receive_begin(v, o->kind, o->repo, true, &r, err);
    if (ok) {
        hub_crash_point(HUB_AT_BEGUN);
        ok = copy_in(r, fd, o->size, err) && hub_receive_finish(r, err);
    }
    if (ok) {
        hub_crash_point(HUB_AT_LINKED);
        ok = hub_settle_again(r, a, o->content, sha256, err);
    }
    hub_receive_free(&r);
    wh_fd_close(&fd);
    if (ok) {
        hub_crash_point(HUB_AT_SEALED);
    }
    return ok;
}

/* ---- the plain form goes ---- */

struct dropping {
    const struct hub_vault *v;
    const char *sha256;
    bool gone;
};

static bool ask_one(struct db *db, enum db_query q, const char *sha256,
                    bool *yes, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, q);
    enum db_row row;

    db_bind_cstr(st, 1, sha256);
    row = db_step(st, err);
    *yes = row == DB_ROW;
    db_finish(&st);
    return row != DB_FAIL;
}

/* Looked at again here, where nothing else changes rows: a lift may have come,
 * or another repo that has it in the clear only. */
static bool drop_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct dropping *d = ctx;
    struct owners o;
    struct wh_arena a;
    bool closed = false, needed = false, ok;

    wh_arena_init(&a, (size_t)4 << 20);
    ok = find_owners(db, &a, d->sha256, &o, err) &&
         all_closed(db, &a, d->sha256, &o, &closed, err) &&
         ask_one(db, DBQ_CONTENT_CLEAR_ONLY, d->sha256, &needed, err);
    d->gone = ok && closed && !needed;
    ok = ok && (!d->gone || store_open_drop(db, d->sha256, err));
    wh_arena_done(&a);
    return ok;
}

/* The same once more: nobody has opened it again meanwhile. */
static bool is_left(struct db *db, const char *sha256, bool *left,
                    struct wh_err *err)
{
    struct owners o;
    struct wh_arena a;
    uint64_t size;
    bool open, ok;

    wh_arena_init(&a, (size_t)4 << 20);
    ok = store_open_find(db, sha256, &open, &size, err) &&
         find_owners(db, &a, sha256, &o, err) &&
         all_closed(db, &a, sha256, &o, left, err);
    *left = ok && *left && !open;
    wh_arena_done(&a);
    return ok;
}

static bool remove_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct dropping *d = ctx;
    char path[PATH_ROOM];
    bool left = false;

    if (!is_left(db, d->sha256, &left, err) || !left) {
        return err->code == WH_NONE;
    }
    (void)snprintf(path, sizeof path, "%s/%.2s/%s", d->v->open_dir, d->sha256,
                   d->sha256);
    return unlink(path) == 0 || errno == ENOENT ||
           wh_fail_errno(err, WH_IO, "opened content");
}

/* Remove the plain file, durably, if there is one. */
static bool remove_plain(const struct hub_vault *v, struct wh_arena *a,
                         const char *sha256, struct wh_err *err)
{
    struct dropping d = {.v = v, .sha256 = sha256};
    struct stat st;

    if (lstat(hub_open_path(v, a, sha256), &st) != 0) {
        return true;
    }
    if (!db_write(v->writer, remove_fn, &d, err)) {
        return false;
    }
    hub_crash_point(HUB_AT_REMOVED);
    return wh_dir_sync(wh_arena_fmt(a, "%s/%.2s", v->open_dir, sha256).p, err);
}

/* ---- one content ---- */

static bool seal_locked(const struct hub_vault *v, struct db *db,
                        struct wh_arena *a, const char *sha256,
                        struct wh_err *err)
{
    struct dropping d = {.v = v, .sha256 = sha256};
    struct owners o;
    uint64_t size;
    bool open, closed = false;

    if (!store_open_find(db, sha256, &open, &size, err) ||
        !find_owners(db, a, sha256, &o, err) ||
        !all_closed(db, a, sha256, &o, &closed, err)) {
        return false;
    }
    if (!closed) {
        return true;
    }
    hub_keys_drop(v->keys, sha256);
    if (!open) {
        return remove_plain(v, a, sha256, err);
    }
    for (size_t i = 0; i < o.n; i++) {
        if (!o.list[i].sealed && !seal_for(v, a, sha256, &o.list[i], err)) {
            return false;
        }
    }
    if (!db_write(v->writer, drop_fn, &d, err)) {
        return false;
    }
    if (!d.gone) {
        return true; /* the next round sees why */
    }
    hub_crash_point(HUB_AT_DROPPED);
    wh_log(WH_INFO, "retier.sealed", "sha256=%s repos=%zu", sha256, o.n);
    return remove_plain(v, a, sha256, err);
}

/* ---- one subject ---- */

struct digests {
    struct wh_str *list;
    size_t n;
};

static bool take_digests(struct db_stmt *st, struct wh_arena *a,
                         struct digests *out, struct wh_err *err)
{
    enum db_row row;

    out->list = wh_arena_array(a, DIGESTS_MAX, sizeof *out->list);
    out->n = 0;
    while ((row = db_step(st, err)) == DB_ROW && out->n < DIGESTS_MAX) {
        out->list[out->n++] = db_col_dup(st, 0, a);
    }
    db_finish(&st);
    return row != DB_FAIL;
}

/* Files of weights that a decision of people about this subject ever closed. */
static bool closed_files(struct db *db, struct wh_arena *a,
                         struct wh_str subject, struct digests *out,
                         struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CLOSED_CONTENT_OF);

    db_bind_text(st, 1, subject);
    return take_digests(st, a, out, err);
}

/* Whoever reads it now reads on until here. */
static bool end_readers(const struct hub_retier *r, struct db *db,
                        struct wh_arena *a, const char *sha256,
                        struct wh_err *err)
{
    struct owners o;
    bool closed = false;

    if (!find_owners(db, a, sha256, &o, err) ||
        !all_closed(db, a, sha256, &o, &closed, err)) {
        return false;
    }
    if (closed) {
        hub_keys_drop(r->c.vault->keys, sha256);
        if (r->c.cut) {
            r->c.cut(r->c.ctx, sha256);
        }
    }
    return true;
}

/* Heads of one repo each are looked at anew: what opens is opened, and what is
 * shown follows. */
static void start_head(const struct hub_retier *r, int64_t repo,
                       struct wh_str sha)
{
    struct hub_oid commit;

    if (hub_oid_parse(sha, &commit)) {
        hub_release_start(r->c.release, 0, repo, &commit, NULL, NULL);
    }
}

static bool start_heads(const struct hub_retier *r, struct db *db,
                        const char *sha256, struct wh_err *err)
{
    int64_t after = 0;
    unsigned n;
    enum db_row row;

    do {
        struct db_stmt *st = db_start(db, DBQ_CONTENT_HEADS);
        db_bind_cstr(st, 1, sha256);
        db_bind_i64(st, 2, after);
        for (n = 0; (row = db_step(st, err)) == DB_ROW; n++) {
            after = db_col_i64(st, 0);
            start_head(r, after, db_col_text(st, 1));
        }
        db_finish(&st);
    } while (row == DB_DONE && n == HEADS_MAX);
    return row != DB_FAIL;
}

/* Weights of the manifest. */
static bool weights_of(struct db *db, struct wh_arena *a, struct wh_str subject,
                       struct digests *out, struct wh_err *err)
{
    struct wh_str manifest, part, sha;
    const json_t *files;
    json_t *doc;

    if (!line_subject_manifest(db, a, subject, &manifest, err) ||
        !wh_json_parse(a, manifest, &doc, err)) {
        return false;
    }
    files = json_object_get(doc, "files");
    out->list =
        wh_arena_array(a, json_array_size(files) + 1, sizeof *out->list);
    out->n = 0;
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *f = json_array_get(files, i);
        if (!wh_json_get_str(f, "part", &part, err) ||
            !wh_json_get_str(f, "sha256", &sha, err)) {
            return false;
        }
        if (wh_str_is(part, "weights")) {
            out->list[out->n++] = sha;
        }
    }
    return true;
}

bool hub_retier_now(struct hub_retier *r, struct db *db, struct wh_arena *a,
                    struct wh_str subject, struct wh_err *err)
{
    struct digests closed, weights;
    bool ok = true;

    if (!closed_files(db, a, subject, &closed, err) ||
        !weights_of(db, a, subject, &weights, err)) {
        return false;
    }
    hub_crash_point(HUB_AT_CLOSED);
    for (size_t i = 0; ok && i < closed.n; i++) {
        ok = end_readers(r, db, a, wh_arena_cstr(a, closed.list[i]), err);
    }
    if (ok && r->c.stop) {
        r->c.stop(r->c.ctx, subject);
    }
    hub_crash_point(HUB_AT_CUT);
    for (size_t i = 0; ok && i < weights.n; i++) {
        ok = start_heads(r, db, wh_arena_cstr(a, weights.list[i]), err);
    }
    pthread_mutex_lock(&r->sealing);
    for (size_t i = 0; ok && i < closed.n; i++) {
        ok = seal_locked(r->c.vault, db, a, wh_arena_cstr(a, closed.list[i]),
                         err);
    }
    pthread_mutex_unlock(&r->sealing);
    return ok;
}

/* ---- the queue's part ---- */

struct ask {
    struct hub_retier *r;
    char subject[WH_SHA256_HEX + 1];
};

static void work(struct db *db, struct wh_arena *a, void *ctx)
{
    struct ask *x = ctx;
    struct wh_err err = {0};

    if (!hub_retier_now(x->r, db, a, wh_str_of(x->subject), &err)) {
        wh_log_err(WH_WARN, "retier.put-off", &err);
    }
    wh_free(x);
}

static void dropped(void *ctx)
{
    wh_free(ctx); /* the next start takes it up */
}

void hub_retier(struct hub_retier *r, struct wh_str subject)
{
    struct ask *x;
    struct wh_err err = {0};

    if (subject.n != WH_SHA256_HEX) {
        return;
    }
    x = wh_alloc(sizeof *x);
    x->r = r;
    memcpy(x->subject, subject.p, WH_SHA256_HEX);
    x->subject[WH_SHA256_HEX] = 0;
    if (!hub_queue_add(r->c.queue, work, dropped, x, &err)) {
        wh_log_err(WH_WARN, "retier.put-off", &err);
        wh_free(x);
    }
}

/* ---- rounds ---- */

static bool next_digests(struct db *db, struct wh_arena *a, const char *after,
                         struct digests *out, struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_CLOSED_CONTENT_AFTER);

    db_bind_cstr(st, 1, after);
    return take_digests(st, a, out, err);
}

/* What can not be sealed now does not keep the others waiting. */
static void seal_or_say(struct hub_retier *r, struct db *db, struct wh_arena *a,
                        const char *sha256)
{
    struct wh_err err = {0};
    bool ok;

    if (pthread_mutex_trylock(&r->sealing) != 0) {
        return; /* somebody is at it */
    }
    ok = seal_locked(r->c.vault, db, a, sha256, &err);
    pthread_mutex_unlock(&r->sealing);
    if (!ok) {
        wh_log_err(WH_WARN, "retier.behind", &err);
    }
}

bool hub_retier_round(struct hub_retier *r, struct db *db, struct wh_err *err)
{
    char after[WH_SHA256_HEX + 1] = "";
    struct digests d = {.n = 1};
    struct wh_arena a, each;
    bool ok = true;

    wh_arena_init(&a, (size_t)4 << 20);
    wh_arena_init(&each, (size_t)8 << 20);
    while (ok && d.n > 0 && !hub_queue_stopping(r->c.queue)) {
        wh_arena_reset(&a);
        ok = next_digests(db, &a, after, &d, err);
        for (size_t i = 0; ok && i < d.n; i++) {
            wh_arena_reset(&each);
            (void)snprintf(after, sizeof after, "%.*s", WH_FMT(d.list[i]));
            seal_or_say(r, db, &each, after);
        }
    }
    wh_arena_done(&each);
    wh_arena_done(&a);
    return ok;
}

static void round_work(struct db *db, struct wh_arena *a, void *ctx)
{
    struct wh_err err = {0};

    (void)a;
    if (!hub_retier_round(ctx, db, &err)) {
        wh_log_err(WH_WARN, "retier.put-off", &err);
    }
}

void hub_retier_resume(struct hub_retier *r)
{
    struct wh_err err = {0};

    if (!hub_queue_add(r->c.queue, round_work, NULL, r, &err)) {
        wh_log_err(WH_WARN, "retier.put-off", &err);
    }
}

bool hub_retier_behind(struct db *db, struct wh_arena *a, size_t *n,
                       struct wh_err *err)
{
    char after[WH_SHA256_HEX + 1] = "";
    struct digests d = {.n = 1};
    struct line_row row;
    uint64_t size;
    bool ok = true, open, closed;

    *n = 0;
    while (ok && d.n > 0) {
        ok = next_digests(db, a, after, &d, err);
        for (size_t i = 0; ok && i < d.n; i++) {
            (void)snprintf(after, sizeof after, "%.*s", WH_FMT(d.list[i]));
            ok = store_open_find(db, after, &open, &size, err) &&
                 (!open ||
                  line_closed_find(db, a, d.list[i], 0, &closed, &row, err));
            *n += ok && open && closed;
        }
    }
    return ok;
}
