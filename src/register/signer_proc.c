/*
 * signer_proc.c - the signer's two messages, from both ends.
 *
 * SIGNER_STATE: empty; answer: u64le size, 32 bytes root, vkey (bytes).
 * SIGNER_SIGN: u64le from, u64le to, 32 bytes root, u8 number of hashes, the
 * hashes; answer: the signed checkpoint as it stands.
 */
#include "register/signer.h"

#define SIGNER_STATE 0x0301u
#define SIGNER_SIGN 0x0302u
#define WAIT_MS 10000

static bool answer_state(struct register_signing signer,
                         struct proc_request *rq, struct wh_buf *body,
                         struct wh_err *err)
{
    struct register_signer_state state;
    if (rq->msg->body.n != 0) {
        return wh_fail(err, WH_BAD_REQUEST, "the signer was asked nonsense");
    }
    if (!signer.state(signer.ctx, &state, err)) {
        return false;
    }
    wh_buf_u64le(body, state.size);
    wh_buf_mem(body, state.root.b, TLOG_HASH);
    wh_buf_bytes(body, wh_str_of(state.vkey));
    return true;
}

static bool answer_sign(struct register_signing signer, struct proc_request *rq,
                        struct wh_buf *body, struct wh_err *err)
{
    struct register_sign_request sign = {0};
    struct wh_rd rd;
    wh_rd_init(&rd, rq->msg->body.p, rq->msg->body.n);
    sign.from = wh_rd_u64le(&rd);
    sign.to = wh_rd_u64le(&rd);
    wh_rd_copy(&rd, sign.root.b, TLOG_HASH);
    sign.path.n = wh_rd_u8(&rd);
    if (sign.path.n > TLOG_PATH_MAX) {
        return wh_fail(err, WH_BAD_REQUEST, "the signer was asked nonsense");
    }
    for (size_t i = 0; i < sign.path.n; i++) {
        wh_rd_copy(&rd, sign.path.h[i].b, TLOG_HASH);
    }
    if (!wh_rd_end(&rd)) {
        return wh_fail(err, WH_BAD_REQUEST, "the signer was asked nonsense");
    }
    return signer.sign(signer.ctx, &sign, body, err);
}

static bool handle(void *ctx, struct proc_request *rq, struct wh_err *err)
{
    struct register_signing signer = register_signer_direct(ctx);
    struct wh_buf body;
    bool ok;
    wh_buf_init(&body, PROC_MSG_BODY);
    switch (rq->msg->type) {
    case SIGNER_STATE:
        ok = answer_state(signer, rq, &body, err);
        break;
    case SIGNER_SIGN:
        ok = answer_sign(signer, rq, &body, err);
        break;
    default:
        ok = wh_fail(err, WH_BAD_REQUEST, "the signer was asked nonsense");
        break;
    }
    ok = ok && wh_buf_ok(&body, err);
    if (ok) {
        rq->reply->body = wh_arena_dup(rq->arena, wh_buf_str(&body));
    }
    wh_buf_done(&body);
    return ok;
}

bool register_signer_serve(struct register_signer *s, int listen_fd,
                           const uid_t *peers, unsigned npeers,
                           struct wh_err *err)
{
    /* one thread: the memory has one owner */
    struct proc_service service = {.name = REGISTER_SIGNER_NAME,
                                   .listen_fd = listen_fd,
                                   .threads = 1,
                                   .max_conns = 8,
                                   .npeers = npeers,
                                   .arena_ceiling = 2 * PROC_MSG_BODY,
                                   .ctx = s,
                                   .handle = handle};
    wh_assert(npeers <= PROC_SERVICE_PEERS);
    memcpy(service.peers, peers, npeers * sizeof *peers);
    return proc_service_run(&service, err);
}

/* Ask and give the answer's body to `read`. */
static bool ask(struct proc_client *client, uint16_t type, struct wh_str body,
                bool (*read)(struct wh_str body, void *out, struct wh_err *err),
                void *out, struct wh_err *err)
{
    /* a frame is 64 KiB: in an arena, not on the stack of a thread */
    struct wh_arena a;
    wh_arena_init(&a, 4 * PROC_MSG_BODY);
    struct proc_frame *reply = WH_NEW(&a, struct proc_frame);
    struct proc_msg rq = {.type = type, .body = body};
    bool ok = proc_call(client, &rq, proc_deadline(WAIT_MS), reply, err) &&
              read(reply->msg.body, out, err);
    proc_frame_done(reply);
    wh_arena_done(&a);
    return ok;
}

static bool read_state(struct wh_str body, void *out, struct wh_err *err)
{
    struct register_signer_state *state = out;
    struct wh_rd rd;
    wh_rd_init(&rd, body.p, body.n);
    memset(state, 0, sizeof *state);
    state->size = wh_rd_u64le(&rd);
    wh_rd_copy(&rd, state->root.b, TLOG_HASH);
    struct wh_str vkey = wh_rd_bytes(&rd, sizeof state->vkey - 1);
    if (!wh_rd_end(&rd)) {
        return wh_fail(err, WH_INTERNAL, "the signer's answer is malformed");
    }
    memcpy(state->vkey, vkey.p, vkey.n);
    return true;
}

static bool read_note(struct wh_str body, void *out, struct wh_err *err)
{
    struct wh_buf *note = out;
    wh_buf_add(note, body);
    return wh_buf_ok(note, err);
}

static bool remote_state(void *ctx, struct register_signer_state *out,
                         struct wh_err *err)
{
    return ask(ctx, SIGNER_STATE, WH_S(""), read_state, out, err);
}

static bool remote_sign(void *ctx, const struct register_sign_request *rq,
                        struct wh_buf *note, struct wh_err *err)
{
    struct wh_buf body;
    wh_buf_init(&body, PROC_MSG_BODY);
    wh_buf_u64le(&body, rq->from);
    wh_buf_u64le(&body, rq->to);
    wh_buf_mem(&body, rq->root.b, TLOG_HASH);
    wh_buf_u8(&body, (uint8_t)rq->path.n);
    for (size_t i = 0; i < rq->path.n; i++) {
        wh_buf_mem(&body, rq->path.h[i].b, TLOG_HASH);
    }
    bool ok = wh_buf_ok(&body, err) &&
              ask(ctx, SIGNER_SIGN, wh_buf_str(&body), read_note, note, err);
    wh_buf_done(&body);
    return ok;
}

struct register_signing register_signer_remote(struct proc_client *client)
{
    return (struct register_signing){
        .ctx = client, .state = remote_state, .sign = remote_sign};
}
