/*
 * bundle.c - the bundle's bytes.
 */
#include "keeper/bundle.h"
#include "base/rd.h"

#define VERSION 1

/* ---- rosters ---- */

static void write_steps(const struct keeper_step *steps, size_t n,
                        struct wh_buf *out)
{
    wh_buf_u32le(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        const struct keeper_step *s = &steps[i];
        wh_buf_bytes(out, s->roster);
        wh_buf_bytes(out, s->statement);
        wh_buf_bytes(out, s->signatures);
        wh_buf_bytes(out, s->leaf);
        wh_buf_bytes(out, s->proof);
    }
}

static const struct keeper_step *read_steps(struct wh_arena *a, struct wh_rd *r,
                                            size_t most, size_t *n)
{
    uint32_t count = wh_rd_u32le(r);
    if (r->bad || count > KEEPER_ROSTERS_MAX) {
        r->bad = true;
        return NULL;
    }
    struct keeper_step *steps = wh_arena_array(a, count + 1, sizeof *steps);
    for (uint32_t i = 0; i < count; i++) {
        steps[i].roster = wh_rd_bytes(r, most);
        steps[i].statement = wh_rd_bytes(r, most);
        steps[i].signatures = wh_rd_bytes(r, most);
        steps[i].leaf = wh_rd_bytes(r, most);
        steps[i].proof = wh_rd_bytes(r, most);
    }
    *n = count;
    return steps;
}

/* ---- approvals ---- */

void keeper_bundle_write(const struct keeper_bundle *b, struct wh_buf *out)
{
    wh_buf_u8(out, VERSION);
    wh_buf_bytes(out, b->statement);
    wh_buf_bytes(out, b->signatures);
    wh_buf_bytes(out, b->approval);
    wh_buf_bytes(out, b->approval_proof);
    write_steps(b->steps, b->nsteps, out);
}

bool keeper_bundle_read(struct wh_arena *a, struct wh_str bytes,
                        struct keeper_bundle *out, struct wh_err *err)
{
    struct wh_rd r;
    wh_rd_init(&r, bytes.p, bytes.n);
    uint8_t version = wh_rd_u8(&r);
    out->nsteps = 0;
    out->statement = wh_rd_bytes(&r, bytes.n);
    out->signatures = wh_rd_bytes(&r, bytes.n);
    out->approval = wh_rd_bytes(&r, bytes.n);
    out->approval_proof = wh_rd_bytes(&r, bytes.n);
    out->steps = read_steps(a, &r, bytes.n, &out->nsteps);
    return (!r.bad && version == VERSION && out->nsteps > 0 && wh_rd_end(&r)) ||
           wh_fail(err, WH_BAD_REQUEST, "malformed bundle of approvals");
}

/* ---- lines ---- */

void keeper_lines_write(const struct keeper_lines *l, struct wh_buf *out)
{
    wh_buf_u8(out, VERSION);
    write_steps(l->steps, l->nsteps, out);
    wh_buf_u32le(out, (uint32_t)l->ntold);
    for (size_t i = 0; i < l->ntold; i++) {
        wh_buf_bytes(out, l->told[i].leaf);
        wh_buf_bytes(out, l->told[i].proof);
        wh_buf_bytes(out, l->told[i].statement);
        wh_buf_bytes(out, l->told[i].signatures);
    }
    wh_buf_u32le(out, (uint32_t)l->ntexts);
    for (size_t i = 0; i < l->ntexts; i++) {
        wh_buf_bytes(out, l->texts[i]);
    }
}

static const struct keeper_told *read_told(struct wh_arena *a, struct wh_rd *r,
                                           size_t most, size_t *n)
{
    uint32_t count = wh_rd_u32le(r);
    if (r->bad || count == 0 || count > KEEPER_TOLD_MAX) {
        r->bad = true;
        return NULL;
    }
    struct keeper_told *told = wh_arena_array(a, count, sizeof *told);
    for (uint32_t i = 0; i < count; i++) {
        told[i].leaf = wh_rd_bytes(r, most);
        told[i].proof = wh_rd_bytes(r, most);
        told[i].statement = wh_rd_bytes(r, most);
        told[i].signatures = wh_rd_bytes(r, most);
    }
    *n = count;
    return told;
}

static const struct wh_str *read_texts(struct wh_arena *a, struct wh_rd *r,
                                       size_t most, size_t *n)
{
    uint32_t count = wh_rd_u32le(r);
    if (r->bad || count > KEEPER_TEXTS_MAX) {
        r->bad = true;
        return NULL;
    }
    struct wh_str *texts = wh_arena_array(a, count + 1, sizeof *texts);
    for (uint32_t i = 0; i < count; i++) {
        texts[i] = wh_rd_bytes(r, most);
    }
    *n = count;
    return texts;
}

bool keeper_lines_read(struct wh_arena *a, struct wh_str bytes,
                       struct keeper_lines *out, struct wh_err *err)
{
    struct wh_rd r;
    wh_rd_init(&r, bytes.p, bytes.n);
    uint8_t version = wh_rd_u8(&r);
    *out = (struct keeper_lines){.nsteps = 0};
    out->steps = read_steps(a, &r, bytes.n, &out->nsteps);
    out->told = read_told(a, &r, bytes.n, &out->ntold);
    out->texts = read_texts(a, &r, bytes.n, &out->ntexts);
    return (!r.bad && version == VERSION && wh_rd_end(&r)) ||
           wh_fail(err, WH_BAD_REQUEST, "malformed papers about lines");
}
