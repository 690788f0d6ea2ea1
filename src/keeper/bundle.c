/*
 * bundle.c - the bundle's bytes.
 */
#include "keeper/bundle.h"
#include "base/rd.h"

#define VERSION 1

void keeper_bundle_write(const struct keeper_bundle *b, struct wh_buf *out)
{
    wh_buf_u8(out, VERSION);
    wh_buf_bytes(out, b->statement);
    wh_buf_bytes(out, b->signatures);
    wh_buf_bytes(out, b->approval);
    wh_buf_bytes(out, b->approval_proof);
    wh_buf_u32le(out, (uint32_t)b->nsteps);
    for (size_t i = 0; i < b->nsteps; i++) {
        const struct keeper_step *s = &b->steps[i];
        wh_buf_bytes(out, s->roster);
        wh_buf_bytes(out, s->statement);
        wh_buf_bytes(out, s->signatures);
        wh_buf_bytes(out, s->leaf);
        wh_buf_bytes(out, s->proof);
    }
}

bool keeper_bundle_read(struct wh_arena *a, struct wh_str bytes,
                        struct keeper_bundle *out, struct wh_err *err)
{
    struct wh_rd r;
    wh_rd_init(&r, bytes.p, bytes.n);
    uint8_t version = wh_rd_u8(&r);
    out->statement = wh_rd_bytes(&r, bytes.n);
    out->signatures = wh_rd_bytes(&r, bytes.n);
    out->approval = wh_rd_bytes(&r, bytes.n);
    out->approval_proof = wh_rd_bytes(&r, bytes.n);
    uint32_t n = wh_rd_u32le(&r);
    if (r.bad || version != VERSION || n == 0 || n > KEEPER_ROSTERS_MAX) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed bundle of approvals");
    }
    struct keeper_step *steps = wh_arena_array(a, n, sizeof *steps);
    for (uint32_t i = 0; i < n; i++) {
        steps[i].roster = wh_rd_bytes(&r, bytes.n);
        steps[i].statement = wh_rd_bytes(&r, bytes.n);
        steps[i].signatures = wh_rd_bytes(&r, bytes.n);
        steps[i].leaf = wh_rd_bytes(&r, bytes.n);
        steps[i].proof = wh_rd_bytes(&r, bytes.n);
    }
    out->steps = steps;
    out->nsteps = n;
    return wh_rd_end(&r) ||
           wh_fail(err, WH_BAD_REQUEST, "malformed bundle of approvals");
}
