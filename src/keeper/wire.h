/*
 * wire.h - the keeper's messages, for its client and its server.
 * Owner: see each function.
 * Never: included outside keeper/.
 *
 * docs/formats/messages.md lists the bodies.
 */
#ifndef WH_KEEPER_WIRE_H
#define WH_KEEPER_WIRE_H

#include "keeper/client.h"
#include "proc/service.h"

enum keeper_message {
    KEEPER_MSG_NEW = 0x0401,
    KEEPER_MSG_BEGIN = 0x0402,
    KEEPER_MSG_ADD = 0x0403,
    KEEPER_MSG_FEED = 0x0404, /* one-way */
    KEEPER_MSG_SETTLE = 0x0405,
    KEEPER_MSG_SCAN = 0x0406,
    KEEPER_MSG_XORB = 0x0407,
    KEEPER_MSG_REBUILD = 0x0408,
    KEEPER_MSG_OPEN = 0x0409,
    KEEPER_MSG_PLAIN = 0x040a,
    KEEPER_MSG_STATUS = 0x040b,
    KEEPER_MSG_HOST = 0x040c
};

/* Jobs of scan/job.h that the keeper runs, and their ceilings. */
enum keeper_job { KEEPER_JOB_FILE = 1, KEEPER_JOB_XORB, KEEPER_JOB_REBUILD };
#define KEEPER_JOB_VERSION 1
#define KEEPER_JOB_FILE_ANSWER (256u << 10)
#define KEEPER_JOB_XORB_ANSWER (512u << 10)
#define KEEPER_JOB_REBUILD_ANSWER 64u
#define KEEPER_TERM_BYTES 20u
#define KEEPER_TERMS_MAX (1u << 20)
#define KEEPER_JOB_PATH_MAX 4096u

/* Bytes of one blob in a message. */
#define KEEPER_BLOB_MAX (24u << 20)

/* A blob: u8 0 and wh_buf_bytes, or u8 1 and the next descriptor, a bulk
 * memory file. put: appends to b; large ones become a descriptor of m (closed
 * by whoever closes m's). get: the bytes, in the arena or in the frame; fd
 * counts the descriptors used. */
bool keeper_blob_put(struct wh_buf *b, struct proc_msg *m, struct wh_str s,
                     struct wh_err *err) WH_CHECK;
bool keeper_blob_get(struct wh_rd *r, const struct proc_msg *m, unsigned *fd,
                     struct wh_arena *a, struct wh_str *out,
                     struct wh_err *err) WH_CHECK;

#endif
