/*
 * SCAN, XORB and REBUILD: a scanner reads the decrypted bytes through a window
 * of memory and answers to us. Its answer is a stranger's: it is parsed within
 * bounds, checked against what we know ourselves, and only then authenticated.
 */
#include "keeper/server.h"

#include "base/enc.h"
#include "base/file.h"
#include "base/mem.h"
#include "proc/zygote.h"

#include <sys/stat.h>

/* Time for a scan: a floor, and so much for each MiB. */
#define TIME_FLOOR_MS 60000u
#define TIME_PER_MIB_MS 100u
#define TIME_MOST_MS (60u * 60 * 1000)

static uint32_t time_for(uint64_t bytes)
{
    uint64_t ms = TIME_FLOOR_MS + (bytes >> 20) * TIME_PER_MIB_MS;
    return ms < TIME_MOST_MS ? (uint32_t)ms : TIME_MOST_MS;
}

/* The whole content of a set as one source. */
static bool joined(struct keeper_set *s, struct wh_arena *a, struct wh_src *out,
                   struct wh_err *err)
{
    struct wh_src *parts;
    return keeper_set_sources(s, a, &parts, err) &&
           store_joined_src(a, parts, keeper_set_count(s), out, err);
}

/* ---- SCAN ---- */

struct scan_rq {
    struct wh_str content, path, config;
};

static bool scan_read(struct proc_request *rq, struct scan_rq *out,
                      struct wh_err *err)
{
    struct wh_rd r = keeper_rq_rd(rq);
    unsigned fd = 0;
    if (!keeper_blob_get(&r, rq->msg, &fd, rq->arena, &out->content, err)) {
        return false;
    }
    out->path = wh_rd_bytes(&r, KEEPER_JOB_PATH_MAX);
    if (!keeper_blob_get(&r, rq->msg, &fd, rq->arena, &out->config, err) ||
        !keeper_rq_end(&r, err)) {
        return false;
    }
    if (out->config.n > KEEPER_CONFIG_MAX || !wh_str_utf8_ok(out->path)) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed hints for a scan");
    }
    return true;
}

static bool scan_run(struct keeper *k, const struct scan_rq *in,
                     const struct wh_src *whole, struct wh_arena *a,
                     struct wh_str *answer, struct wh_err *err)
{
    struct wh_src src[2] = {*whole, wh_src_mem(in->config.p, in->config.n)};
    struct wh_buf params;
    wh_buf_init(&params, KEEPER_JOB_PATH_MAX + 16);
    wh_buf_u8(&params, KEEPER_JOB_VERSION);
    wh_buf_u8(&params, 0); /* the digest is our own */
    wh_buf_bytes(&params, in->path);
    struct proc_job_request job = {.type = KEEPER_JOB_FILE,
                                   .params = wh_buf_str(&params),
                                   .sources = src,
                                   .nsources = in->config.n > 0 ? 2 : 1,
                                   .data_fd = -1,
                                   .answer_max = KEEPER_JOB_FILE_ANSWER,
                                   .time_ms = time_for(whole->size)};
    bool ok = proc_job_run(k->zygote, a, &job, answer, err);
    wh_buf_done(&params);
    return ok;
}

/* Parse a scanner's result: an object that we can write canonically. */
static bool scan_result(struct wh_arena *a, struct wh_str answer, json_t **doc,
                        struct wh_str *canonical, struct wh_err *err)
{
    struct wh_err why = {0};
    struct wh_buf b;
    wh_buf_init(&b, KEEPER_JOB_FILE_ANSWER + 1024);
    bool ok = wh_json_parse(a, answer, doc, &why) && json_is_object(*doc) &&
              wh_json_canonical(&b, *doc, &why) && wh_buf_ok(&b, &why);
    if (ok) {
        *canonical = wh_arena_dup(a, wh_buf_str(&b));
    } else {
        wh_fail(err, WH_CHILD_DIED, "the scanner gave no answer that counts");
        wh_err_detail(err, "%s", why.msg);
    }
    wh_buf_done(&b);
    return ok;
}

static bool scan_statement(struct keeper *k, struct wh_arena *a,
                           const struct scan_rq *in,
                           const struct keeper_content_doc *content,
                           json_t *result, struct wh_str *out,
                           struct wh_err *err)
{
    json_t *doc = json_object();
    json_object_set(doc, "result", result);
    json_object_set_new(doc, "repo", wh_json_str(content->repo));
    json_object_set_new(doc, "sha256", wh_json_str(content->sha256));
    json_object_set_new(doc, "size", json_integer((json_int_t)content->size));
    json_object_set_new(doc, "path", wh_json_str(in->path));
    if (in->config.n > 0) {
        char hex[WH_SHA256_HEX + 1];
        wh_sha256_hex_of(in->config, hex);
        json_object_set_new(doc, "config", json_string(hex));
    }
    return keeper_statement_make(&k->keys, a, "scan", doc, out, err);
}

bool keeper_op_scan(struct keeper *k, struct proc_request *rq,
                    struct wh_err *err)
{
    struct keeper_set *s = keeper_rq_set(rq, err);
    struct keeper_content_doc content;
    struct scan_rq in;
    struct wh_src whole;
    struct wh_str answer, canonical, statement;
    json_t *result;
    if (!s || !scan_read(rq, &in, err) ||
        !keeper_check_content(k, s, rq->arena, in.content, &content, err) ||
        !joined(s, rq->arena, &whole, err)) {
        return false;
    }
    if (whole.size != content.size) {
        return wh_fail(err, WH_CORRUPT, "");
    }
    if (!scan_run(k, &in, &whole, rq->arena, &answer, err) ||
        !scan_result(rq->arena, answer, &result, &canonical, err) ||
        !scan_statement(k, rq->arena, &in, &content, result, &statement, err)) {
        return false;
    }
    struct wh_buf b;
    wh_buf_init(&b, PROC_MSG_BODY);
    bool ok = keeper_blob_put(&b, rq->reply, canonical, err) &&
              keeper_blob_put(&b, rq->reply, statement, err) &&
              keeper_rq_reply(rq, &b, err);
    wh_buf_done(&b);
    return ok;
}

/* ---- XORB ---- */

static bool xorb_statement(struct keeper *k, struct keeper_set *s,
                           struct wh_arena *a, const uint8_t hash[32],
                           struct wh_str table, struct wh_str *out,
                           struct wh_err *err)
{
    char name[STORE_CONTAINER_NAME], hex[65], digest[WH_SHA256_HEX + 1];
    json_t *doc = json_object();
    store_container_name(keeper_set_part(s, 0)->id, name);
    wh_hex_enc(hash, 32, hex);
    wh_sha256_hex_of(table, digest);
    json_object_set_new(doc, "container", json_string(name));
    json_object_set_new(doc, "hash", json_string(hex));
    json_object_set_new(doc, "repo", wh_json_str(keeper_set_repo(s)));
    json_object_set_new(doc, "table", json_string(digest));
    return keeper_statement_make(&k->keys, a, "xorb", doc, out, err);
}

static bool xorb_run(struct keeper *k, struct keeper_set *s, struct wh_arena *a,
                     const uint8_t hash[32], struct wh_str *table,
                     struct wh_err *err)
{
    struct wh_src *src;
    uint8_t params[33] = {KEEPER_JOB_VERSION};
    memcpy(params + 1, hash, 32);
    if (!keeper_set_sources(s, a, &src, err)) {
        return false;
    }
    struct proc_job_request job = {.type = KEEPER_JOB_XORB,
                                   .params = wh_str_mem(params, sizeof params),
                                   .sources = src,
                                   .nsources = 1,
                                   .data_fd = -1,
                                   .answer_max = KEEPER_JOB_XORB_ANSWER,
                                   .time_ms = time_for(src[0].size)};
    return proc_job_run(k->zygote, a, &job, table, err);
}

bool keeper_op_xorb(struct keeper *k, struct proc_request *rq,
                    struct wh_err *err)
{
    struct keeper_set *s = keeper_rq_set(rq, err);
    struct wh_rd r = keeper_rq_rd(rq);
    uint8_t hash[32];
    struct wh_str table, statement;
    wh_rd_copy(&r, hash, sizeof hash);
    if (!s || !keeper_rq_end(&r, err)) {
        return false;
    }
    if (keeper_set_count(s) != 1) {
        return wh_fail(err, WH_BAD_REQUEST, "a xorb is one container");
    }
    if (!xorb_run(k, s, rq->arena, hash, &table, err) ||
        !xorb_statement(k, s, rq->arena, hash, table, &statement, err)) {
        return false;
    }
    struct wh_buf b;
    wh_buf_init(&b, PROC_MSG_BODY);
    bool ok = keeper_blob_put(&b, rq->reply, table, err) &&
              keeper_blob_put(&b, rq->reply, statement, err) &&
              keeper_rq_reply(rq, &b, err);
    wh_buf_done(&b);
    return ok;
}

/* ---- REBUILD ---- */

struct rebuild_rq {
    struct keeper_part target;
    uint8_t hash[32];
    bool has_hash;
    uint64_t size;
    uint32_t nterms;
    struct wh_str terms;
};

static bool rebuild_read(struct keeper *k, struct keeper_set *s,
                         struct proc_request *rq, struct rebuild_rq *out,
                         struct wh_err *err)
{
    struct wh_rd r = keeper_rq_rd(rq);
    uint8_t wrapped[KEEPER_WRAPPED];
    unsigned fd = 1; /* descriptor 0 is the target */
    wh_rd_copy(&r, out->target.id, sizeof out->target.id);
    wh_rd_copy(&r, wrapped, sizeof wrapped);
    out->has_hash = wh_rd_u8(&r) != 0;
    wh_rd_copy(&r, out->hash, sizeof out->hash);
    out->size = wh_rd_u64le(&r);
    out->nterms = wh_rd_u32le(&r);
    if (!keeper_blob_get(&r, rq->msg, &fd, rq->arena, &out->terms, err) ||
        !keeper_rq_end(&r, err)) {
        return false;
    }
    if (rq->msg->nfds == 0 || out->nterms > KEEPER_TERMS_MAX ||
        out->terms.n != (size_t)out->nterms * KEEPER_TERM_BYTES ||
        out->size > STORE_CONTAINER_MAX ||
        keeper_set_count(s) >= PROC_JOB_SOURCES) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed rebuild");
    }
    return keeper_keys_unwrap(&k->keys, keeper_set_repo(s), out->target.id,
                              wrapped, out->target.key, err);
}

static bool to_writer(void *ctx, struct wh_str bytes, struct wh_err *err)
{
    return store_container_append(ctx, bytes, err);
}

static bool rebuild_run(struct keeper *k, struct keeper_set *s,
                        struct wh_arena *a, const struct rebuild_rq *in,
                        struct store_container_writer *w, struct wh_err *err)
{
    struct wh_src *xorbs;
    struct wh_str answer;
    struct wh_buf params;
    size_t n = keeper_set_count(s);
    if (!keeper_set_sources(s, a, &xorbs, err)) {
        return false;
    }
    struct wh_src *src = wh_arena_array(a, n + 1, sizeof *src);
    src[0] = wh_src_mem(in->terms.p, in->terms.n);
    memcpy(src + 1, xorbs, n * sizeof *src);
    wh_buf_init(&params, 64);
    wh_buf_u8(&params, KEEPER_JOB_VERSION);
    wh_buf_u8(&params, in->has_hash ? 1 : 0);
    wh_buf_mem(&params, in->hash, sizeof in->hash);
    wh_buf_u64le(&params, in->size);
    wh_buf_u32le(&params, in->nterms);
    struct proc_job_request job = {.type = KEEPER_JOB_REBUILD,
                                   .params = wh_buf_str(&params),
                                   .sources = src,
                                   .nsources = (unsigned)n + 1,
                                   .data_fd = -1,
                                   .sink = to_writer,
                                   .sink_ctx = w,
                                   .sink_max = in->size,
                                   .answer_max = KEEPER_JOB_REBUILD_ANSWER,
                                   .time_ms = time_for(in->size)};
    bool ok = proc_job_run(k->zygote, a, &job, &answer, err);
    wh_buf_done(&params);
    if (ok && store_container_length(w) != in->size) {
        return wh_fail(err, WH_CHILD_DIED, "the scanner broke its rules");
    }
    return ok;
}

/* Seal the rebuilt file into the target. */
static bool rebuild_seal(struct keeper *k, struct keeper_set *s,
                         struct wh_arena *a, const struct rebuild_rq *in,
                         int fd, struct wh_err *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size != 0) {
        return wh_fail(err, WH_BAD_REQUEST, "the target is not an empty file");
    }
    struct store_container_writer *w =
        store_container_writer_new(fd, in->target.id, in->target.key);
    bool ok =
        rebuild_run(k, s, a, in, w, err) && store_container_finish(w, err);
    store_container_writer_free(&w);
    return ok;
}

/* Read the target back, as any content is settled. */
static bool rebuild_settle(struct keeper *k, struct keeper_set *s,
                           struct wh_arena *a, struct keeper_part *target,
                           struct keeper_content *out, struct wh_err *err)
{
    struct keeper_set *t = keeper_set_new(keeper_set_repo(s));
    bool ok = keeper_set_add(t, target, err);
    if (!ok) {
        wh_fd_close(&target->fd);
    }
    ok = ok && keeper_settle_set(k, t, a, out, err);
    keeper_set_free(&t);
    return ok;
}

bool keeper_op_rebuild(struct keeper *k, struct proc_request *rq,
                       struct wh_err *err)
{
    struct keeper_set *s = keeper_rq_set(rq, err);
    struct rebuild_rq in = {0};
    struct keeper_content content;
    struct wh_buf b;
    bool ok = s && rebuild_read(k, s, rq, &in, err) &&
              rebuild_seal(k, s, rq->arena, &in, rq->msg->fds[0], err);
    if (ok) {
        in.target.fd = proc_frame_take_fd(rq->frame, 0);
        ok = rebuild_settle(k, s, rq->arena, &in.target, &content, err);
    }
    wh_wipe(&in.target, sizeof in.target);
    if (!ok) {
        return false;
    }
    wh_buf_init(&b, PROC_MSG_BODY);
    wh_buf_u64le(&b, content.size);
    wh_buf_mem(&b, content.sha256, WH_SHA256_HEX);
    ok = keeper_blob_put(&b, rq->reply, content.statement, err) &&
         keeper_rq_reply(rq, &b, err);
    wh_buf_done(&b);
    return ok;
}
