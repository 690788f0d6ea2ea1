/*
 * Blobs in messages: small ones stand in the body, large ones travel as a
 * sealed memory file.
 */
#include "keeper/wire.h"

#define INLINE_MAX 16384u

bool keeper_blob_put(struct wh_buf *b, struct proc_msg *m, struct wh_str s,
                     struct wh_err *err)
{
    if (s.n <= INLINE_MAX) {
        wh_buf_u8(b, 0);
        wh_buf_bytes(b, s);
        return true;
    }
    if (s.n > KEEPER_BLOB_MAX || m->nfds == PROC_MSG_FDS) {
        return wh_fail(err, WH_TOO_LARGE, "larger than the keeper takes");
    }
    wh_buf_u8(b, 1);
    if (!proc_bulk_make(s, &m->fds[m->nfds], err)) {
        return false;
    }
    m->nfds++;
    return true;
}

bool keeper_blob_get(struct wh_rd *r, const struct proc_msg *m, unsigned *fd,
                     struct wh_arena *a, struct wh_str *out, struct wh_err *err)
{
    uint8_t form = wh_rd_u8(r);
    if (form == 0) {
        *out = wh_rd_bytes(r, INLINE_MAX);
    } else if (form == 1 && *fd < m->nfds) {
        return proc_bulk_read(a, m->fds[(*fd)++], KEEPER_BLOB_MAX, out, err);
    } else {
        r->bad = true;
    }
    return !r->bad || wh_fail(err, WH_BAD_REQUEST, "malformed message");
}
