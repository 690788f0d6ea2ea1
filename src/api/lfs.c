/*
 * lfs.c - the LFS batch route and the signed links behind it.
 *
 * The PUTs of the clients carry no credentials and ignore the headers of the
 * batch answer, so each link is signed for exactly one repo, account, object
 * and size. Links for downloads are followed by git-lfs only, which does as it
 * is told, and they open nothing by themselves.
 */
#include "hub/lfs.h"
#include "api/handlers.h"
#include "api/resolve.h"
#include "base/enc.h"
#include "base/time.h"
#include "front/answer.h"
#include "front/quota.h"
#include "front/sign.h"
#include "hub/view.h"

#define OBJECTS_MAX 1000u
#define LINK_SECONDS 86400
/* A multipart upload has at most this many parts: one content is at most so
 * many containers. */
#define PARTS_MAX ((uint64_t)1000)
#define PART_ROUND ((uint64_t)1 << 20)

/* ---- links ---- */

/* Path and query of a signed link; `extra` is one more query field or "". */
static struct wh_str link_to(struct front_req *q, const char *verb,
                             const struct front_grant *g, const char *extra)
{
    struct wh_str sig = front_grant_sign(q->house, q->a, g);

    return wh_arena_fmt(
        q->a,
        "%.*s/api/upload/%.*s/%s?kind=%s&repo=%lld&account=%lld&size=%llu%s"
        "&expires=%lld&sig=%.*s",
        WH_FMT(front_req_base(q)), WH_FMT(g->object), verb,
        store_kind_name(q->repo.kind), (long long)g->repo,
        (long long)g->account, (unsigned long long)g->a, extra,
        (long long)g->expires, WH_FMT(sig));
}

static struct front_grant grant_for(const struct front_req *q, const char *what,
                                    struct wh_str oid, uint64_t size)
{
    return (struct front_grant){.what = what,
                                .repo = q->repo.id,
                                .account = front_req_account(q),
                                .object = oid,
                                .a = size,
                                .expires =
                                    wh_now_us() / 1000000 + LINK_SECONDS};
}

static json_t *action(struct wh_str href)
{
    json_t *o = json_object();

    json_object_set_new(o, "href", wh_json_str(href));
    json_object_set_new(o, "expires_in", json_integer(LINK_SECONDS));
    return o;
}

/* Bytes of a part: at least the setting, and few enough parts. */
static uint64_t part_size(const struct front_req *q, uint64_t size)
{
    uint64_t least = (uint64_t)q->house->conf->uploads_part_size;
    uint64_t even = (size + PARTS_MAX - 1) / PARTS_MAX;

    even = (even + PART_ROUND - 1) / PART_ROUND * PART_ROUND;
    return even > least ? even : least;
}

struct begin {
    struct store_upload up;
};

static bool begin_fn(struct db *db, void *ctx, struct wh_err *err)
{
    struct begin *b = ctx;
    struct store_upload old;
    struct wh_err why = {0};

    if (store_upload_find(db, b->up.repo, b->up.sha256, &old, &why)) {
        /* announced with another size: its parts would fit nothing */
        if ((old.size != b->up.size || old.part_size != b->up.part_size) &&
            !store_upload_end(db, old.id, false, err)) {
            return false;
        }
    } else if (why.code != WH_NOT_FOUND) {
        *err = why;
        return false;
    }
    return store_upload_begin(db, &b->up, err);
}

/* A multipart upload: the action's header names chunk size and part links. */
static bool multipart_actions(struct front_req *q, struct wh_str oid,
                              uint64_t size, json_t *actions,
                              struct wh_err *err)
{
    uint64_t step = part_size(q, size), parts = (size + step - 1) / step;
    struct front_grant g = grant_for(q, "complete", oid, size);
    struct begin b = {
        .up = {.repo = q->repo.id,
               .account = g.account,
               .size = size,
               .part_size = step,
               .expires = wh_now_us() + q->house->conf->uploads_expire_hours *
                                            STORE_HOUR_US}};
    json_t *upload, *header = json_object();

    memcpy(b.up.sha256, oid.p, WH_SHA256_HEX);
    upload = action(link_to(q, "complete", &g, ""));
    json_object_set_new(upload, "header", header);
    json_object_set_new(actions, "upload", upload);
    json_object_set_new(
        header, "chunk_size",
        wh_json_str(wh_arena_fmt(q->a, "%llu", (unsigned long long)step)));
    g.what = "part";
    for (uint64_t n = 1; n <= parts; n++) {
        const char *extra =
            wh_arena_fmt(q->a, "&part=%llu", (unsigned long long)n).p;
        g.b = n;
        json_object_set_new(header, extra + sizeof "&part=" - 1,
                            wh_json_str(link_to(q, "part", &g, extra)));
    }
    return db_write(q->house->writer, begin_fn, &b, err);
}

static bool upload_actions(struct front_req *q, bool multipart,
                           struct wh_str oid, uint64_t size, json_t *o,
                           struct wh_err *err)
{
    json_t *actions = json_object();
    struct front_grant g = grant_for(q, "whole", oid, size);
    struct wh_str verify =
        wh_arena_fmt(q->a, "%.*s/api/upload/%.*s/verify?kind=%s&repo=%lld",
                     WH_FMT(front_req_base(q)), WH_FMT(oid),
                     store_kind_name(q->repo.kind), (long long)q->repo.id);

    json_object_set_new(o, "actions", actions);
    json_object_set_new(actions, "verify", action(verify));
    if (multipart && size > (uint64_t)q->house->conf->uploads_part_size) {
        return multipart_actions(q, oid, size, actions, err);
    }
    json_object_set_new(actions, "upload", action(link_to(q, "whole", &g, "")));
    return true;
}

static json_t *object_error(int code, const char *message)
{
    return json_pack("{s:i,s:s}", "code", code, "message", message);
}

/* ---- the batch ---- */

struct batch {
    bool upload, multipart;
    uint64_t bytes; /* of the uploads that were granted so far */
    json_t *out;
};

/* A link to the file by its digest. It is no key: whoever follows it is asked
 * who he is, so the client is told to say again what it said here. */
static json_t *download_link(struct front_req *q, struct wh_str oid)
{
    struct wh_str said = net_req_header(q->net, "authorization");
    json_t *link = action(wh_arena_fmt(
        q->a, "%.*s/api/%s/%s/lfs/%.*s", WH_FMT(front_req_base(q)),
        store_kind_plural(q->repo.kind), q->repo.full, WH_FMT(oid)));

    if (q->signed_in) {
        json_t *header = json_object();
        json_object_set_new(link, "header", header);
        json_object_set_new(header, "Authorization", wh_json_str(said));
    }
    return link;
}

/* What would be refused when it is fetched is refused here, in the same words.
 */
static bool download_object(struct front_req *q, struct wh_str oid,
                            uint64_t size, json_t *o, struct wh_err *err)
{
    struct wh_err why = {0};
    uint64_t stored = 0;
    json_t *actions;

    if (!api_lfs_may_read(q, oid, &stored, &why)) {
        int status = wh_err_row(why.code)->http;
        if (status >= 500) {
            *err = why;
            return false;
        }
        json_object_set_new(o, "error", object_error(status, why.msg));
        return true;
    }
    if (stored != size) {
        json_object_set_new(o, "error",
                            object_error(422, "the object has another size"));
        return true;
    }
    actions = json_object();
    json_object_set_new(o, "authenticated", json_true());
    json_object_set_new(o, "actions", actions);
    json_object_set_new(actions, "download", download_link(q, oid));
    return true;
}

static bool one_object(struct front_req *q, struct batch *b, const json_t *in,
                       struct wh_err *err)
{
    json_t *o = json_object();
    struct wh_err why = {0};
    struct wh_str oid;
    uint8_t raw[WH_SHA256_LEN];
    uint64_t stored;
    int64_t size;
    bool found;

    json_array_append_new(b->out, o);
    if (!wh_json_get_str(in, "oid", &oid, err) ||
        !wh_json_get_i64(in, "size", &size, err)) {
        return false;
    }
    json_object_set_new(o, "oid", wh_json_str(oid));
    json_object_set_new(o, "size", json_integer(size));
    if (!wh_hex_dec(oid, raw, sizeof raw, false) || size < 0) {
        json_object_set_new(o, "error",
                            object_error(422, "not a SHA-256 and a size"));
        return true;
    }
    if (!b->upload) {
        return download_object(q, oid, (uint64_t)size, o, err);
    }
    if (!hub_lfs_exists(q->db, q->repo.id, front_req_account(q),
                        wh_arena_cstr(q->a, oid), &found, &stored, err)) {
        return false;
    }
    if (found) {
        return true; /* no actions: nothing is to be sent */
    }
    if (!hub_vault_room(&q->house->vault, (uint64_t)size, &why) ||
        !front_quota_room(q, q->repo.owner, front_req_account(q),
                          b->bytes + (uint64_t)size, &why)) {
        json_object_set_new(o, "error",
                            object_error(wh_err_row(why.code)->http, why.msg));
        return true;
    }
    b->bytes += (uint64_t)size;
    return upload_actions(q, b->multipart, oid, (uint64_t)size, o, err);
}

static bool may_upload(const struct front_req *q, struct wh_err *err)
{
    if (!q->signed_in) {
        return wh_fail(err, WH_AUTH_REQUIRED, "");
    }
    return q->role >= STORE_ROLE_WRITE ||
           wh_fail(err, WH_FORBIDDEN, "You have no write access to %s",
                   q->repo.full);
}

static bool speaks(const json_t *body, const char *transfer)
{
    const json_t *list = json_object_get(body, "transfers"), *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        const char *s = json_string_value(item);
        if (s && strcmp(s, transfer) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_multipart(const json_t *out)
{
    const json_t *item;
    size_t i;

    json_array_foreach(out, i, item)
    {
        if (json_object_get(
                json_object_get(json_object_get(item, "actions"), "upload"),
                "header")) {
            return true;
        }
    }
    return false;
}

bool api_lfs_batch(struct front_req *q, struct wh_err *err)
{
    struct batch b = {.out = wh_json_own(q->a, json_array())};
    const json_t *objects, *item;
    struct wh_str operation;
    json_t *body;
    size_t i;

    if (!front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "operation", &operation, err)) {
        return false;
    }
    b.upload = wh_str_is(operation, "upload");
    if (!b.upload && !wh_str_is(operation, "download")) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the operation must be upload or download");
    }
    b.multipart = speaks(body, "multipart");
    if (b.upload && !may_upload(q, err)) {
        return false;
    }
    objects = json_object_get(body, "objects");
    if (json_array_size(objects) > OBJECTS_MAX) {
        return wh_fail(err, WH_TOO_LARGE, "at most %u objects at once",
                       OBJECTS_MAX);
    }
    json_array_foreach(objects, i, item)
    {
        if (!one_object(q, &b, item, err)) {
            return false;
        }
    }
    net_answer(q->net, 200);
    /* it may tell the caller his own token */
    net_answer_header(q->net, "Cache-Control", WH_S("no-store"));
    front_answer_json_body(
        q->net,
        wh_json_own(q->a, json_pack("{s:s,s:O,s:s}", "transfer",
                                    is_multipart(b.out) ? "multipart" : "basic",
                                    "objects", b.out, "hash_algo", "sha256")));
    return true;
}
