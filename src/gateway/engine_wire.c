/*
 * Bodies of messages, written and read.
 */
#include "gateway/engine_wire.h"

#include "base/enc.h"

static const char *const words[] = {
    [GATEWAY_ENGINE_LOADING] = "loading",
    [GATEWAY_ENGINE_REFUSED] = "refused",
    [GATEWAY_ENGINE_STARTING] = "starting",
    [GATEWAY_ENGINE_READY] = "ready",
    [GATEWAY_ENGINE_FAILED] = "failed",
    [GATEWAY_ENGINE_STOPPING] = "stopping",
};

const char *gateway_engine_word(enum gateway_engine_state s)
{
    return words[s];
}

static bool malformed(struct wh_err *err)
{
    return wh_fail(err, WH_BAD_REQUEST, "malformed message");
}

static bool hex_ok(const char *hex)
{
    uint8_t digest[WH_SHA256_LEN];
    return strlen(hex) == WH_SHA256_HEX &&
           wh_hex_dec(wh_str_of(hex), digest, sizeof digest, false);
}

/* A text of the body as a C string, cut to the room there is. */
static void read_text(struct wh_rd *r, char *out, size_t cap)
{
    struct wh_str s = wh_rd_bytes(r, cap - 1);
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
}

/* ---- wishes ---- */

bool engine_wish_ok(const struct gateway_engine_wish *w, struct wh_err *err)
{
    bool name_ok = w->name.n > 0 && w->name.n <= GATEWAY_ENGINE_NAME_MAX;
    for (size_t i = 0; name_ok && i < w->name.n; i++) {
        name_ok = w->name.p[i] > ' ' && w->name.p[i] < 127;
    }
    if (!hex_ok(w->weights) || !name_ok) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed name of an engine");
    }
    if (w->slots == 0 || w->slots > GATEWAY_ENGINE_SLOTS_MAX ||
        (w->context != 0 && (w->context < GATEWAY_ENGINE_CONTEXT_MIN ||
                             w->context > GATEWAY_ENGINE_CONTEXT_MAX))) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "slots or context of an engine are out of bounds");
    }
    return true;
}

void engine_put_wish(struct wh_buf *b, const struct gateway_engine_wish *w)
{
    wh_buf_mem(b, w->weights, WH_SHA256_HEX);
    wh_buf_bytes(b, w->name);
    wh_buf_u32le(b, w->slots);
    wh_buf_u32le(b, w->context);
    wh_buf_u64le(b, (uint64_t)w->until);
}

bool engine_read_wish(const struct proc_msg *m, char *hex,
                      struct gateway_engine_wish *out, struct wh_err *err)
{
    struct wh_rd r;
    wh_rd_init(&r, m->body.p, m->body.n);
    wh_rd_copy(&r, hex, WH_SHA256_HEX);
    hex[WH_SHA256_HEX] = '\0';
    out->weights = hex;
    out->name = wh_rd_bytes(&r, GATEWAY_ENGINE_NAME_MAX);
    out->slots = wh_rd_u32le(&r);
    out->context = wh_rd_u32le(&r);
    out->until = (int64_t)wh_rd_u64le(&r);
    if (!wh_rd_end(&r) || out->until < 0) {
        return malformed(err);
    }
    return engine_wish_ok(out, err);
}

bool engine_read_weights(const struct proc_msg *m, char *hex,
                         struct wh_err *err)
{
    struct wh_rd r;
    wh_rd_init(&r, m->body.p, m->body.n);
    wh_rd_copy(&r, hex, WH_SHA256_HEX);
    hex[WH_SHA256_HEX] = '\0';
    return (wh_rd_end(&r) && hex_ok(hex)) || malformed(err);
}

/* ---- views ---- */

void engine_put_view(struct wh_buf *b, const struct gateway_engine_view *v)
{
    wh_buf_mem(b, v->weights, WH_SHA256_HEX);
    wh_buf_bytes(b, wh_str_of(v->name));
    wh_buf_u8(b, (uint8_t)v->state);
    wh_buf_bytes(b, wh_str_of(v->why));
    wh_buf_u32le(b, v->slots);
    wh_buf_u32le(b, v->context);
    wh_buf_u64le(b, v->bytes);
    wh_buf_u8(b, v->locked ? 1 : 0);
    wh_buf_u32le(b, v->restarts);
    wh_buf_u64le(b, (uint64_t)v->since);
    wh_buf_u64le(b, (uint64_t)v->retry_at);
}

bool engine_read_view(struct wh_rd *r, struct gateway_engine_view *out)
{
    *out = (struct gateway_engine_view){0};
    wh_rd_copy(r, out->weights, WH_SHA256_HEX);
    read_text(r, out->name, sizeof out->name);
    uint8_t state = wh_rd_u8(r);
    read_text(r, out->why, sizeof out->why);
    out->slots = wh_rd_u32le(r);
    out->context = wh_rd_u32le(r);
    out->bytes = wh_rd_u64le(r);
    out->locked = wh_rd_u8(r) != 0;
    out->restarts = wh_rd_u32le(r);
    out->since = (int64_t)wh_rd_u64le(r);
    out->retry_at = (int64_t)wh_rd_u64le(r);
    out->state = state <= GATEWAY_ENGINE_STOPPING
                     ? (enum gateway_engine_state)state
                     : GATEWAY_ENGINE_FAILED;
    return !r->bad && state <= GATEWAY_ENGINE_STOPPING && hex_ok(out->weights);
}

/* ---- status ---- */

void engine_put_status(struct wh_buf *b, const struct gateway_engines_status *s)
{
    wh_buf_bytes(b, wh_str_of(s->program));
    wh_buf_bytes(b, wh_str_of(s->why_not));
    wh_buf_u64le(b, s->budget);
    wh_buf_u64le(b, s->used);
    wh_buf_u8(b, s->swap ? 1 : 0);
    wh_buf_u32le(b, s->missing);
}

bool engine_read_status(struct wh_rd *r, struct gateway_engines_status *out)
{
    *out = (struct gateway_engines_status){.there = true};
    read_text(r, out->program, sizeof out->program);
    read_text(r, out->why_not, sizeof out->why_not);
    out->budget = wh_rd_u64le(r);
    out->used = wh_rd_u64le(r);
    out->swap = wh_rd_u8(r) != 0;
    out->missing = wh_rd_u32le(r);
    return wh_rd_end(r);
}
