/*
 * weighed.c - scan every file, hold shard indices against their shards, and
 * combine the claims as the house does.
 */
#include "cmd/weighed.h"

#include "base/enc.h"
#include "base/file.h"
#include "base/time.h"
#include "rule/combine.h"
#include "rule/shipped.h"
#include "scan/job.h"

#include <unistd.h>

#define CONFIG_MAX (1u << 20)
#define INDEX_NAME ".safetensors.index.json"
#define NO_SUBJECT \
    "0000000000000000000000000000000000000000000000000000000000000000"

static const char *const line_names[CMD_WEIGHED_LINES] = {"small.fast-track",
                                                          "limited.default"};

static struct wh_str text(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_string(v)
               ? wh_str_mem(json_string_value(v), json_string_length(v))
               : WH_S("");
}

/* The folder part of a relative name, with its slash; empty at the top. */
static struct wh_str folder_of(struct wh_str path)
{
    size_t n = path.n;
    while (n > 0 && path.p[n - 1] != '/') {
        n--;
    }
    return wh_str_sub(path, 0, n);
}

/* The whole of a small file of the tree; empty if there is none. */
static struct wh_str small_file(const struct cmd_tree *t, struct wh_arena *a,
                                struct wh_str rel)
{
    struct wh_err err = {0};
    uint64_t size;
    int fd;
    if (!t->folder || !cmd_tree_file(t, rel, &fd, &size, &err)) {
        return WH_S("");
    }
    struct wh_str out = WH_S("");
    if (size <= CONFIG_MAX) {
        char *p = wh_arena_alloc(a, (size_t)size);
        if (wh_fd_pread(fd, 0, p, (size_t)size, &err)) {
            out = wh_str_mem(p, (size_t)size);
        }
    }
    wh_fd_close(&fd);
    return out;
}

static bool look(struct cmd_scanner *s, struct wh_arena *a,
                 const struct cmd_tree *t, struct wh_str rel,
                 struct cmd_weighed_file *f)
{
    struct wh_str answer, config;
    int fd;
    if (!cmd_tree_file(t, rel, &fd, &f->size, &f->err)) {
        return false;
    }
    struct wh_str name =
        wh_arena_fmt(a, "%.*sconfig.json", WH_FMT(folder_of(rel)));
    bool weights = !wh_str_ends(rel, WH_S(".json"));
    config = weights ? small_file(t, a, name) : WH_S("");
    bool ok = cmd_scanner_file(s, a, fd, f->path, config, &answer, &f->err) &&
              weigh_look_read(a, answer, &f->look, &f->err);
    wh_fd_close(&fd);
    return ok;
}

static void count(struct cmd_weighed *w, const struct cmd_weighed_file *f)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(f->look.result, "findings"), i, item)
    {
        w->dangers += wh_str_is(text(item, "severity"), "danger");
        w->warnings += wh_str_is(text(item, "severity"), "warn");
    }
    /* Pictures and tables are read only as far as they are known. */
    w->unverified += !f->look.verifiable && !wh_str_is(f->look.class, "data");
    w->weights += wh_str_is(f->look.class, "weights");
}

static void look_at_all(struct cmd_scanner *s, struct wh_arena *a,
                        struct cmd_weighed *w)
{
    const struct cmd_tree *t = &w->tree;
    w->files = wh_arena_array(a, t->n, sizeof *w->files);
    w->n = t->n;
    for (size_t i = 0; i < t->n; i++) {
        struct cmd_weighed_file *f = &w->files[i];
        f->path = t->folder ? t->files[i] : t->root;
        f->looked = look(s, a, t, t->files[i], f);
        f->part = weigh_part_of(f->path, f->look.class, &f->why_part);
        if (f->looked) {
            count(w, f);
        } else {
            w->failed++;
        }
    }
}

/* What a scan result says about a shard, in the layout of the index job. */
static void add_shard(struct wh_buf *b, struct wh_str name,
                      const struct cmd_weighed_file *f)
{
    uint8_t names[WH_SHA256_LEN];
    uint64_t bytes;
    if (wh_hex_dec(text(f->look.result, "names"), names, sizeof names, false) &&
        wh_str_u64(text(f->look.result, "tensor_bytes"), &bytes)) {
        scan_job_index_shard(b, name, names, bytes);
    }
}

/* Shards beside an index: safetensors files of the same folder whose name
 * begins like the index's. */
static void list_shards(const struct cmd_weighed *w, struct wh_str index,
                        struct wh_buf *b)
{
    struct wh_str dir = folder_of(index);
    struct wh_str stem = wh_str_sub(index, 0, index.n - strlen(INDEX_NAME));
    for (size_t i = 0; i < w->n; i++) {
        const struct cmd_weighed_file *f = &w->files[i];
        struct wh_str name = wh_str_sub(f->path, dir.n, f->path.n);
        if (f->looked && wh_str_is(f->look.format, "safetensors") &&
            wh_str_starts(f->path, stem) &&
            wh_str_find(name, '/') == SIZE_MAX) {
            add_shard(b, name, f);
        }
    }
}

static bool check_index(struct cmd_scanner *s, struct wh_arena *a,
                        struct cmd_weighed *w, struct cmd_weighed_file *f)
{
    struct wh_str answer;
    struct wh_buf shards;
    json_t *found;
    uint64_t size;
    int fd;
    if (!cmd_tree_file(&w->tree, f->path, &fd, &size, &f->err)) {
        return false;
    }
    struct wh_src index = wh_src_fd(fd, size);
    wh_buf_init(&shards, SCAN_JOB_CONFIG_MAX);
    list_shards(w, f->path, &shards);
    bool ok = cmd_scanner_index(s, a, &index, wh_buf_str(&shards), &answer,
                                &f->err) &&
              wh_json_parse(a, answer, &found, &f->err);
    wh_buf_done(&shards);
    wh_fd_close(&fd);
    if (ok && json_is_array(found)) {
        w->dangers += json_array_size(found);
        (void)json_array_extend(w->index_findings, found);
    }
    return ok;
}

static void check_indices(struct cmd_scanner *s, struct wh_arena *a,
                          struct cmd_weighed *w)
{
    for (size_t i = 0; w->tree.folder && i < w->n; i++) {
        struct cmd_weighed_file *f = &w->files[i];
        if (f->looked && wh_str_ends(f->path, WH_S(INDEX_NAME)) &&
            !check_index(s, a, w, f)) {
            f->looked = false;
            w->failed++;
        }
    }
}

/* The part as the rules name it; false for what they do not speak about. */
static bool rule_part(enum weigh_part part, enum rule_part *out)
{
    return rule_part_of(wh_str_of(weigh_part_name(part)), out);
}

static void combine(struct wh_arena *a, struct cmd_weighed *w)
{
    struct rule_file_claims *claims = wh_arena_array(a, w->n, sizeof *claims);
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        const struct cmd_weighed_file *f = &w->files[i];
        if (!weigh_part_in_subject(f->part) ||
            !rule_part(f->part, &claims[n].part)) {
            continue;
        }
        claims[n].sha256 = text(f->look.result, "sha256");
        claims[n].path = f->path;
        claims[n].claims =
            f->looked ? json_object_get(f->look.result, "claims") : NULL;
        n++;
    }
    w->evidence = rule_combine(a, claims, n);
}

/* The comparison about compute in a line's answer, or null. */
static const struct rule_check *find_compute(const struct rule_result *r)
{
    for (size_t i = 0; i < r->line->n_rules; i++) {
        for (size_t k = 0; k < r->rulings[i].n_checks; k++) {
            const struct rule_check *c = &r->rulings[i].checks[k];
            if (c->expr->claim && wh_str_is(wh_str_of(c->expr->claim->name),
                                            "compute.training")) {
                return c;
            }
        }
    }
    return NULL;
}

/* The time as evidence documents write it: whole seconds. */
static json_t *now(void)
{
    enum { SECONDS = 19 }; /* "2026-11-23T18:00:00" */
    char t[WH_TIME_TEXT];
    wh_time_text(wh_now_us(), t);
    t[SECONDS] = 'Z';
    return json_stringn(t, SECONDS + 1);
}

static bool ask_lines(struct wh_arena *a, struct cmd_weighed *w,
                      struct wh_err *err)
{
    json_t *doc = wh_json_own(a, json_object());
    (void)json_object_set_new(doc, "v", json_integer(1));
    (void)json_object_set_new(doc, "subject", json_string(NO_SUBJECT));
    (void)json_object_set_new(doc, "now", now());
    (void)json_object_set(doc, "evidence", w->evidence);
    for (size_t i = 0; i < CMD_WEIGHED_LINES; i++) {
        const struct rule_line *line;
        const struct rule_file *file =
            rule_shipped_find(wh_str_of(line_names[i]));
        wh_assert(file != NULL);
        if (!rule_line_load(a, file->text, &line, err)) {
            return false;
        }
        w->lines[i].name = wh_str_of(line_names[i]);
        w->lines[i].compute = find_compute(rule_eval(a, line, doc));
    }
    return true;
}

bool cmd_weigh_tree(struct cmd_scanner *s, struct wh_arena *a,
                    const struct cmd_tree *tree, struct cmd_weighed *out,
                    struct wh_err *err)
{
    *out = (struct cmd_weighed){.tree = *tree};
    out->index_findings = wh_json_own(a, json_array());
    look_at_all(s, a, out);
    check_indices(s, a, out);
    combine(a, out);
    return ask_lines(a, out, err) && !wh_arena_over(a, err);
}

static void put(json_t *o, const char *key, json_t *v)
{
    (void)json_object_set_new(o, key, v);
}

static json_t *file_json(const struct cmd_weighed_file *f)
{
    json_t *o = json_object();
    put(o, "path", wh_json_str(f->path));
    put(o, "part", json_string(weigh_part_name(f->part)));
    if (f->looked) {
        (void)json_object_set(o, "result", f->look.result);
    } else {
        put(o, "error", json_string(f->err.msg));
    }
    return o;
}

json_t *cmd_weighed_json(const struct cmd_weighed *w)
{
    json_t *o = json_object(), *files = json_array(), *lines = json_array();
    put(o, "path", wh_json_str(w->tree.root));
    for (size_t i = 0; i < w->n; i++) {
        (void)json_array_append_new(files, file_json(&w->files[i]));
    }
    put(o, "files", files);
    put(o, "skipped", json_integer((json_int_t)w->tree.skipped));
    (void)json_object_set(o, "index_findings", w->index_findings);
    (void)json_object_set(o, "evidence", w->evidence);
    for (size_t i = 0; w->weights > 0 && i < CMD_WEIGHED_LINES; i++) {
        const struct rule_check *c = w->lines[i].compute;
        json_t *line = json_object();
        put(line, "line", wh_json_str(w->lines[i].name));
        put(line, "compute",
            c ? json_string(rule_three_word(c->answer)) : json_null());
        put(line, "need", c ? wh_json_str(c->expr->need) : json_null());
        (void)json_array_append_new(lines, line);
    }
    put(o, "lines", lines);
    return o;
}
