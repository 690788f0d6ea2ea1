/*
 * subject.c - from a revision to its manifest and the claims about it.
 */
#include "hub/subject.h"
#include "base/file.h"
#include "hub/attributes.h"
#include "hub/ops.h"
#include "scan/scan.h"
#include <fcntl.h>
#include <stdlib.h>

/* ---- one file ---- */

/* The digest of a regular file: git names it by SHA-1, the manifest by
 * SHA-256. */
static bool regular_digest(struct hub_git *g, const struct hub_entry *e,
                           struct hub_subject_file *f, struct wh_err *err)
{
    struct wh_arena a;
    struct wh_str data;
    bool ok;

    if (e->sha256[0]) {
        memcpy(f->sha256, e->sha256, sizeof f->sha256);
        return true;
    }
    wh_arena_init(&a, HUB_BLOB_ROW_MAX + 8192);
    ok = hub_git_blob(g, &e->oid, HUB_BLOB_ROW_MAX, &a, &data, err);
    if (ok) {
        wh_sha256_hex_of(data, f->sha256);
    }
    wh_arena_done(&a);
    return ok;
}

/* The bytes are in the clear: any scanner may look. */
static bool look_at_open(const struct hub_vault *v, struct wh_arena *a,
                         struct hub_subject_file *f, struct wh_err *err)
{
    const char *path = hub_open_path(v, a, f->sha256);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct wh_src src = wh_src_fd(fd, f->content.size);
    bool ok = fd >= 0 ? weigh_look(v->zygote, a, &src, f->path, &f->look, err)
                      : wh_fail_errno(err, WH_IO, "open what is in the clear");

    wh_fd_close(&fd);
    return ok;
}

/* They are not: the keeper shows them to a scanner. */
static bool look_at_sealed(const struct hub_vault *v, struct db *db,
                           struct wh_arena *a, enum store_kind kind,
                           struct hub_subject_file *f, struct wh_err *err)
{
    struct store_content *c = &f->content;
    struct keeper_session *s = NULL;
    struct keeper_scan scan;
    size_t n;
    bool ok;

    if (!hub_content_session(v, db, a, kind, c, &s, &n, err)) {
        return false;
    }
    ok = keeper_scan(s, a, c->statement, f->path, WH_S(""), &scan, err);
    keeper_close(&s);
    if (!ok) {
        return false;
    }
    c->scan = scan.result;
    c->scan_statement = scan.statement;
    return weigh_look_read(a, c->scan, &f->look, err);
}

/* The answer that is kept with a content says what it is under the name that it
 * first came by. Under these names a text says more. */
static bool look_by_name(const struct hub_vault *v, struct db *db,
                         struct wh_arena *a, enum store_kind kind,
                         struct hub_subject_file *f, struct wh_err *err)
{
    uint64_t size;
    bool open;

    if (!scan_reads_by_name(f->path) || !wh_str_is(f->look.class, "text")) {
        return true;
    }
    return store_open_find(db, f->sha256, &open, &size, err) &&
           (open ? look_at_open(v, a, f, err)
                 : look_at_sealed(v, db, a, kind, f, err));
}

static bool scan_large(const struct hub_vault *v, struct db *db,
                       struct wh_arena *a, const struct store_repo *repo,
                       struct hub_subject_file *f, struct wh_err *err)
{
    struct store_content *c = &f->content;
    bool found;

    if (!store_content_find(db, a, repo->id, f->sha256, &found, c, err)) {
        return false;
    }
    if (!found) {
        return wh_fail(err, WH_CORRUPT, "a content of this repo is missing");
    }
    return hub_content_scan(v, db, a, repo->kind, c, f->path, err) &&
           weigh_look_read(a, c->scan, &f->look, err) &&
           look_by_name(v, db, a, repo->kind, f, err);
}

/* Regular files that say what the weights beside them are. */
static const char *const TELLING[] = {"**/*config*.json", "**/*vocab*",
                                      "**/*token*.json", "**/*template*.json",
                                      "**/*.jinja"};

static struct wh_str lower(struct wh_arena *a, struct wh_str s)
{
    char *out = wh_arena_cstr(a, s);

    for (size_t i = 0; i < s.n; i++) {
        if (out[i] >= 'A' && out[i] <= 'Z') {
            out[i] = (char)(out[i] - 'A' + 'a');
        }
    }
    return (struct wh_str){out, s.n};
}

/* In any case of letters: a loader that looks for one spelling may run on a
 * file system that finds them all. */
static bool is_telling(struct wh_arena *a, struct wh_str path)
{
    path = lower(a, path);
    for (size_t i = 0; i < sizeof TELLING / sizeof *TELLING; i++) {
        uint64_t steps = HUB_GLOB_STEPS;
        if (hub_glob(wh_str_of(TELLING[i]), path, &steps)) {
            return true;
        }
    }
    return false;
}

/* What a scanner says of such a file counts however it was sent: a vocabulary
 * says the same as a regular file and with LFS. */
static bool look_regular(const struct hub_vault *v, struct hub_git *g,
                         struct wh_arena *a, const struct hub_entry *e,
                         struct hub_subject_file *f, struct wh_err *err)
{
    struct wh_arena data_arena;
    struct wh_str data;
    struct wh_src src;
    bool ok;

    wh_arena_init(&data_arena, HUB_REGULAR_MAX + (1 << 20));
    ok = hub_git_blob(g, &e->oid, HUB_REGULAR_MAX, &data_arena, &data, err);
    if (ok) {
        src = wh_src_mem(data.p, data.n);
        ok = weigh_look(v->zygote, a, &src, e->path, &f->look, err);
    }
    wh_arena_done(&data_arena);
    return ok;
}

static bool read_regular(const struct hub_vault *v, struct hub_git *g,
                         struct wh_arena *a, const struct store_repo *repo,
                         const struct hub_entry *e, struct hub_subject_file *f,
                         struct wh_err *err)
{
    const char *why;

    f->part = weigh_part_of(e->path, wh_str_of(e->class), &why);
    if (!weigh_part_in_subject(f->part)) {
        return true;
    }
    return regular_digest(g, e, f, err) &&
           (repo->kind != STORE_MODEL || !is_telling(a, e->path) ||
            look_regular(v, g, a, e, f, err));
}

static bool read_file(const struct hub_vault *v, struct db *db,
                      struct hub_git *g, struct wh_arena *a,
                      const struct store_repo *repo, const struct hub_entry *e,
                      struct hub_subject_file *f, struct wh_err *err)
{
    const char *why;

    *f = (struct hub_subject_file){
        .path = e->path, .size = e->size, .large = e->lfs};
    if (!e->lfs) {
        return read_regular(v, g, a, repo, e, f, err);
    }
    memcpy(f->sha256, e->sha256, sizeof f->sha256);
    if (!scan_large(v, db, a, repo, f, err)) {
        return false;
    }
    /* what is dangerous is held until a decision says otherwise */
    f->part = f->look.danger ? WEIGH_PART_WEIGHTS
                             : weigh_part_of(e->path, f->look.class, &why);
    return true;
}

/* ---- what belongs to the manifest ---- */

/* Is this file held as weights somewhere? A digest carries its tier into every
 * other kind of repo. */
static bool is_closed(struct db *db, const char *sha256, bool *closed,
                      struct wh_err *err)
{
    struct db_stmt *st = db_start(db, DBQ_SUBJECT_CONTENT_CLOSED);
    uint64_t size;
    enum db_row r;
    bool open;

    db_bind_cstr(st, 1, sha256);
    r = db_step(st, err);
    *closed = r == DB_ROW;
    db_finish(&st);
    if (r == DB_FAIL || !store_open_find(db, sha256, &open, &size, err)) {
        return false;
    }
    *closed = *closed && !open; /* a claim does not close what is open */
    return true;
}

/* Datasets and spaces are open at once, unless a file parses as weights or is
 * a finding; an unknown binary is data there. */
static bool part_elsewhere(struct db *db, struct hub_subject_file *f,
                           struct wh_err *err)
{
    bool weights =
        f->large && (wh_str_is(f->look.class, "weights") ||
                     wh_str_is(f->look.class, "program") || f->look.danger);

    if (f->large && !weights && !is_closed(db, f->sha256, &weights, err)) {
        return false;
    }
    f->part = weights ? WEIGH_PART_WEIGHTS : WEIGH_PART_DATA;
    return true;
}

static bool belongs(const struct hub_subject_file *f, enum store_kind kind)
{
    return kind == STORE_MODEL ? weigh_part_in_subject(f->part)
                               : f->part == WEIGH_PART_WEIGHTS;
}

static json_t *manifest_entry(const struct hub_subject_file *f)
{
    json_t *o = json_object();

    json_object_set_new(o, "path", wh_json_str(f->path));
    json_object_set_new(o, "part", json_string(weigh_part_name(f->part)));
    json_object_set_new(o, "sha256", json_string(f->sha256));
    json_object_set_new(o, "size", json_integer((json_int_t)f->size));
    return o;
}

static int by_path(const void *x, const void *y)
{
    const struct hub_subject_file *a = x, *b = y;

    return wh_str_cmp(a->path, b->path);
}

static bool write_manifest(struct wh_arena *a, enum store_kind kind,
                           struct hub_subject *s, struct wh_err *err)
{
    json_t *files = json_array(), *doc = wh_json_own(a, json_object());
    struct wh_buf b;
    bool ok;

    json_object_set_new(doc, "v", json_integer(1));
    json_object_set_new(doc, "files", files);
    for (size_t i = 0; i < s->n; i++) {
        struct hub_subject_file *f = &s->files[i];
        f->weighed = belongs(f, kind);
        if (f->weighed) {
            json_array_append_new(files, manifest_entry(f));
            s->weights |= f->part == WEIGH_PART_WEIGHTS;
        }
    }
    if (json_array_size(files) == 0) {
        s->manifest = WH_S("");
        return true;
    }
    wh_buf_init(&b, (size_t)32 << 20);
    ok = wh_json_canonical(&b, doc, err) && wh_buf_ok(&b, err);
    if (ok) {
        s->manifest = wh_arena_dup(a, wh_buf_str(&b));
        wh_sha256_hex_of(s->manifest, s->digest);
    }
    wh_buf_done(&b);
    return ok;
}

/* ---- limits ---- */

/* Entries are counted so far, to be told; beyond that it is "more than". */
#define COUNT_MAX ((size_t)20 * HUB_SUBJECT_FILES)

bool hub_subject_fits(struct hub_git *g, const struct hub_oid *commit,
                      struct wh_err *err)
{
    struct hub_git_extent has;

    if (!hub_git_measure(g, commit, COUNT_MAX, &has, err)) {
        return false;
    }
    if (has.entries > HUB_SUBJECT_FILES) {
        return wh_fail(err, WH_TOO_LARGE,
                       "a revision holds at most %u files and folders, and "
                       "this one %s%zu: pack small files together, or spread "
                       "them over several repos",
                       HUB_SUBJECT_FILES,
                       has.entries == COUNT_MAX ? "at least " : "",
                       has.entries);
    }
    return has.depth <= HUB_GIT_DEPTH ||
           wh_fail(err, WH_TOO_LARGE,
                   "folders lie at most %d deep in one another, and in this "
                   "revision deeper: move the files up",
                   HUB_GIT_DEPTH);
}

/* A scanner's answer may be long, and all of them are held at once. */
static bool answer_fits(size_t *bytes, const struct hub_subject *s,
                        struct wh_err *err)
{
    *bytes += s->files[s->n].content.scan.n;
    return *bytes <= HUB_SUBJECT_SCANS ||
           wh_fail(err, WH_TOO_LARGE,
                   "what the scanners say of the files of one revision takes "
                   "at most %zu MiB, and of the first %zu files of this one it "
                   "takes more: spread the files over several repos",
                   HUB_SUBJECT_SCANS >> 20, s->n + 1);
}

/* ---- many small files ---- */

/* Texts and data of a model are judged by themselves while they are small; as
 * many as this together could be weights in pieces. */
#define CARRIED_MAX (UINT64_C(512) << 20)

static bool carries(const struct hub_subject_file *f)
{
    return f->large && f->size > ((uint64_t)1 << 20) &&
           (wh_str_is(f->look.class, "text") ||
            wh_str_is(f->look.class, "data"));
}

static void judge_carried(struct hub_subject *s)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < s->n; i++) {
        sum += carries(&s->files[i]) ? s->files[i].size : 0;
    }
    for (size_t i = 0; sum > CARRIED_MAX && i < s->n; i++) {
        if (carries(&s->files[i])) {
            s->files[i].part = WEIGH_PART_WEIGHTS;
        }
    }
}

/* ---- the whole ---- */

static bool read_files(const struct hub_vault *v, struct db *db,
                       struct hub_git *g, struct wh_arena *a,
                       const struct store_repo *repo,
                       const struct hub_oid *commit, struct hub_subject *s,
                       struct wh_err *err)
{
    struct hub_entry *list;
    size_t n, bytes = 0;
    bool more;

    if (!hub_subject_fits(g, commit, err) ||
        !hub_git_list(g, commit, WH_S(""), true, WH_S(""), HUB_SUBJECT_FILES, a,
                      &list, &n, &more, err)) {
        return false;
    }
    wh_assert(!more);
    s->files = wh_arena_array(a, n + 1, sizeof *s->files);
    for (size_t i = 0; i < n; i++) {
        if (list[i].dir) {
            continue;
        }
        if (!read_file(v, db, g, a, repo, &list[i], &s->files[s->n], err) ||
            !answer_fits(&bytes, s, err)) {
            return false;
        }
        if (repo->kind != STORE_MODEL &&
            !part_elsewhere(db, &s->files[s->n], err)) {
            return false;
        }
        s->n++;
    }
    return true;
}

bool hub_subject_read(const struct hub_vault *v, struct db *db,
                      struct wh_arena *a, const struct store_repo *repo,
                      const struct hub_oid *commit, struct hub_subject *out,
                      struct wh_err *err)
{
    struct hub_git *g = NULL;
    bool ok;

    *out = (struct hub_subject){0};
    ok = hub_git_open(db, repo->id, v->open_dir, &g, err) &&
         read_files(v, db, g, a, repo, commit, out, err);
    hub_git_close(&g);
    if (!ok) {
        return false;
    }
    if (repo->kind == STORE_MODEL) {
        judge_carried(out);
    }
    qsort(out->files, out->n, sizeof *out->files, by_path);
    return write_manifest(a, repo->kind, out, err);
}

/* Our parts in the evaluator's words; knowledge is in no manifest. */
static bool rule_part(enum weigh_part p, enum rule_part *out)
{
    return rule_part_of(wh_str_of(weigh_part_name(p)), out);
}

json_t *hub_subject_evidence(struct wh_arena *a, const struct hub_subject *s,
                             const struct rule_file_claims *more, size_t nmore)
{
    struct rule_file_claims *claims =
        wh_arena_array(a, s->n + nmore + 1, sizeof *claims);
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        const struct hub_subject_file *f = &s->files[i];
        if (!f->weighed || !rule_part(f->part, &claims[n].part)) {
            continue;
        }
        claims[n].sha256 = wh_str_of(f->sha256);
        claims[n].path = f->path;
        claims[n].claims =
            f->look.result ? json_object_get(f->look.result, "claims") : NULL;
        n++;
    }
    for (size_t i = 0; i < nmore; i++) {
        claims[n++] = more[i];
    }
    return rule_combine(a, claims, n);
}
