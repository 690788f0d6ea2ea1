/*
 * watched.c - the filter of the gateway, made out of the watch: the one room
 * lies below the other, so their words for the same things meet here.
 */
#include "cmd/watched.h"
#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "detect/linear.h"
#include "register/register.h"

bool cmd_watched_read(struct cmd_watched *c, struct wh_arena *a,
                      const struct conf *conf, struct wh_err *err)
{
    if (conf->watch_classifier.n == 0) {
        wh_log(WH_INFO, "watch.classifier", "state=absent");
        return true;
    }
    return wh_file_read(a, wh_arena_cstr(a, conf->watch_classifier),
                        DETECT_MODEL_BYTES_MAX, &c->classifier, err) ||
           wh_err_wrap(err, "watch.classifier");
}

/* ---- what the gateway asks ---- */

static const struct watch_said *said_of(struct wh_arena *a,
                                        const struct gateway_asked *q)
{
    static const enum watch_voice voices[] = {
        [GATEWAY_SYSTEM] = WATCH_SYSTEM,
        [GATEWAY_USER] = WATCH_USER,
        [GATEWAY_ASSISTANT] = WATCH_ASSISTANT,
        [GATEWAY_TOOL] = WATCH_TOOL,
        [GATEWAY_TOOL_USE] = WATCH_TOOL_USE};
    struct watch_said *out = wh_arena_array(a, q->n_said + 1, sizeof *out);

    for (size_t i = 0; i < q->n_said; i++) {
        out[i].voice = voices[q->said[i].voice];
        out[i].message = q->said[i].message;
        out[i].text = q->said[i].text;
    }
    return out;
}

static bool on_request(void *ctx, void *worker, struct wh_arena *a,
                       const struct gateway_asked *q, void **state,
                       struct gateway_refusal *no)
{
    static const enum gateway_no kinds[] = {
        [WATCH_NO_POLICY] = GATEWAY_NO_POLICY,
        [WATCH_NO_SUSPENDED] = GATEWAY_NO_SUSPENDED,
        [WATCH_NO_SLOWER] = GATEWAY_NO_SLOWER};
    const struct cmd_watched *c = ctx;
    const struct front_worker *w = worker;
    struct watch_asked asked = {.key = q->key,
                                .account = q->account,
                                .model = q->model,
                                .request = wh_str_of(q->request),
                                .end_user = q->end_user,
                                .base = q->base,
                                .retry = q->retry,
                                .chat = q->chat,
                                .exam = q->exam,
                                .said = said_of(a, q),
                                .n_said = q->n_said};
    struct watch_run *run = NULL;
    struct watch_refusal why = {0};

    if (!watch_request(c->house->watch, w->db, a, &asked, &run, &why)) {
        *no = (struct gateway_refusal){.kind = kinds[why.kind],
                                       .message = why.message,
                                       .url = why.url,
                                       .retry_after = why.retry_after};
        return false;
    }
    *state = run;
    return true;
}

static bool on_text(void *ctx, void *state, const struct gateway_piece *p,
                    size_t *release, struct gateway_cut *cut)
{
    const struct cmd_watched *c = ctx;
    struct watch_piece piece = {.channel = p->channel,
                                .content = p->field == GATEWAY_CONTENT,
                                .text = p->text,
                                .fresh = p->fresh,
                                .last = p->last};
    const char *why = "";

    if (watch_text(c->house->watch, state, &piece, release, &why)) {
        return true;
    }
    *cut = (struct gateway_cut){.style = GATEWAY_CUT_QUIET,
                                .code = "policy_violation",
                                .message = wh_str_of(why)};
    return false;
}

static void on_end(void *ctx, void *state, const struct gateway_ended *how)
{
    const struct cmd_watched *c = ctx;

    watch_end(c->house->watch, state, how->whole);
}

/* ---- what the watch asks ---- */

struct revoking {
    int64_t account, key, now;
};

static bool revoke_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct revoking *r = ctx;

    return gateway_key_revoke(db, r->account, r->key, r->now, err);
}

static void revoke(const struct cmd_watched *c, int64_t account, int64_t key)
{
    struct revoking r = {account, key, wh_now_us()};
    struct wh_err err = {0};

    if (!db_write(c->house->writer, revoke_fn, &r, &err) &&
        err.code != WH_NOT_FOUND) {
        wh_log_err(WH_ERROR, "watch.revoke", &err);
    }
}

/* What runs ends. What comes then is answered by the watch, which can say why
 * and where to appeal, so the gateway does not keep the key out itself, unless
 * it is revoked. */
static void on_stop(void *ctx, int64_t account, int64_t key, bool revoked,
                    struct wh_str why, struct wh_str url)
{
    const struct cmd_watched *c = ctx;
    struct gateway_stop s = {.whose = key ? GATEWAY_OF_KEY : GATEWAY_OF_ACCOUNT,
                             .id = key ? key : account,
                             .suspended = true,
                             .why = why,
                             .url = url};

    gateway_stop(c->house->gateway, &s);
    gateway_keys_resume(gateway_keys(c->house->gateway), account);
    if (revoked && key) {
        revoke(c, account, key);
        gateway_keys_halt(gateway_keys(c->house->gateway), key, 0,
                          GATEWAY_REVOKED);
    }
}

static void on_kick(void *ctx)
{
    const struct cmd_watched *c = ctx;

    register_kick(c->house->log);
}

bool cmd_watched_open(struct cmd_watched *c, const char *dir,
                      struct front_house *house, struct wh_err *err)
{
    struct watch_config w = {.writer = house->writer,
                             .db_path = house->db_path,
                             .dir = dir,
                             .classifier = c->classifier,
                             .thread = true,
                             .stop = on_stop,
                             .kick = on_kick,
                             .ctx = c};

    c->house = house;
    c->filter = (struct gateway_filter){.ctx = c,
                                        .request = on_request,
                                        .text = on_text,
                                        .end = on_end,
                                        .only_custody = true};
    return watch_open(&w, &house->watch, err);
}
