/*
 * xet_plan.c - terms in order, cut into segments where a limit is reached.
 */
#include "hub/xet_plan.h"

#define TERM_BYTES 20u

void hub_plan_begin(struct hub_plan *p, const struct scan_shard_file *file,
                    struct scan_shard_world *world,
                    struct hub_plan_limits limits)
{
    wh_assert(limits.xorbs >= 1 && limits.xorbs <= HUB_PLAN_XORBS_MAX &&
              limits.terms >= 1 && limits.terms <= SCAN_JOB_TERMS_MAX);
    *p = (struct hub_plan){.file = file, .world = world, .limits = limits};
    wh_buf_init(&p->terms, (size_t)limits.terms * TERM_BYTES);
}

bool hub_plan_done(const struct hub_plan *p)
{
    return p->at == p->file->count;
}

/* The source number of a xorb in this segment, from 1; 0 when there is no room
 * for one more. */
static uint32_t source_of(struct hub_plan *p, const struct scan_xet_hash *hash)
{
    /* terms that follow each other mostly name the same xorb */
    for (uint32_t i = p->nxorbs; i-- > 0;) {
        if (scan_xet_eq(&p->xorbs[i], hash)) {
            return i + 1;
        }
    }
    if (p->nxorbs == p->limits.xorbs) {
        return 0;
    }
    p->xorbs[p->nxorbs++] = *hash;
    return p->nxorbs;
}

static bool add_term(struct hub_plan *p, const struct scan_shard_term *t,
                     uint32_t source, struct wh_err *err)
{
    const struct scan_xorb_table *x = p->world->xorb(p->world->ctx, &t->xorb);
    struct scan_rebuild_term out = {
        .source = source, .chunks = t->end - t->start, .raw = t->raw};

    if (!x || t->start >= t->end || t->end > x->count) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "a xorb of this file is not there any more: send it "
                       "again");
    }
    out.offset = x->chunks[t->start].offset;
    scan_job_rebuild_term(&p->terms, &out);
    p->nterms++;
    p->size += t->raw;
    return true;
}

bool hub_plan_next(struct hub_plan *p, struct wh_err *err)
{
    wh_assert(!hub_plan_done(p));
    wh_buf_reset(&p->terms);
    p->nxorbs = 0;
    p->nterms = 0;
    p->size = 0;
    while (!hub_plan_done(p) && p->nterms < p->limits.terms &&
           p->size < p->limits.bytes) {
        const struct scan_shard_term *t = &p->file->terms[p->at];
        uint32_t source = source_of(p, &t->xorb);
        if (source == 0) {
            break;
        }
        if (!add_term(p, t, source, err)) {
            return false;
        }
        p->at++;
    }
    return wh_buf_ok(&p->terms, err);
}

void hub_plan_end(struct hub_plan *p)
{
    wh_buf_done(&p->terms);
}
