/*
 * msg.h - typed, bounded messages between the processes of the house.
 * Owner: a frame owns its buffer and the descriptors it received; the sender
 * keeps its own descriptors.
 * Never: larger than PROC_MSG_BODY, more than PROC_MSG_FDS descriptors, or
 * waiting longer than its deadline.
 *
 * On the wire (UNIX SOCK_SEQPACKET, one packet a message): u16le type, u16le
 * zero, u32le id, body. docs/formats/messages.md lists every message.
 */
#ifndef WH_PROC_MSG_H
#define WH_PROC_MSG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rd.h"

#define PROC_MSG_BODY 65536u
#define PROC_MSG_HEAD 8u
#define PROC_MSG_FDS 4u

/* Types 0x0001..0x7fff are requests of a service. A good answer has the type
 * of its request with this bit; a failure is PROC_MSG_ERROR: u32le code,
 * message and detail as wh_buf_bytes. */
#define PROC_MSG_REPLY 0x8000u
#define PROC_MSG_ERROR 0xffffu

/* No deadline: wait as long as the peer lives. Scanners only, who are killed
 * from outside. */
#define PROC_FOREVER (-1)

/* One message. `body` is a view; `fds` holds nfds descriptors. */
struct proc_msg {
    uint16_t type;
    uint32_t id;
    struct wh_str body;
    int fds[PROC_MSG_FDS];
    unsigned nfds;
};

/* A received message with its bytes. About 64 KiB: lives in a long-lived
 * object or in an arena, not on the stack. All zero is a good start. */
struct proc_frame {
    struct proc_msg msg;
    uint8_t bytes[PROC_MSG_HEAD + PROC_MSG_BODY];
};

/* A deadline: ms milliseconds from now on the monotonic clock (us). */
int64_t proc_deadline(int64_t ms);

/* Send one message on a connected SEQPACKET socket. WH_TOO_LARGE over a limit,
 * WH_CHILD_DIED when the peer is gone, WH_TIMEOUT at the deadline. */
bool proc_msg_send(int fd, const struct proc_msg *m, int64_t deadline,
                   struct wh_err *err) WH_CHECK;
/* Receive one into *f; descriptors it held before are closed first, new ones
 * are CLOEXEC and belong to f until taken (proc_frame_take_fd). End of stream
 * is WH_CHILD_DIED; cut or malformed packets are WH_BAD_REQUEST. */
bool proc_msg_recv(int fd, struct proc_frame *f, int64_t deadline,
                   struct wh_err *err) WH_CHECK;
/* Descriptor i of the message, now the caller's; -1 if there is none. */
int proc_frame_take_fd(struct proc_frame *f, unsigned i);
/* Close what descriptors the frame still owns. */
void proc_frame_done(struct proc_frame *f);

/* Fill *m as the failure `e` for a request with this id; body is written into
 * buf (emptied first). */
void proc_msg_of_err(struct proc_msg *m, uint32_t id, const struct wh_err *e,
                     struct wh_buf *buf);
/* Turn a PROC_MSG_ERROR body back into *err; returns false always. */
bool proc_msg_to_err(const struct proc_msg *m, struct wh_err *err);

/* Bulk: bytes too large for a body travel as a sealed memory file, whose
 * descriptor goes with a message. make: a new descriptor (CLOEXEC, sealed
 * against any change). read: checks the seals, then copies at most max bytes
 * into the arena; WH_BAD_REQUEST when it is no sealed memory file. */
bool proc_bulk_make(struct wh_str s, int *out, struct wh_err *err) WH_CHECK;
bool proc_bulk_read(struct wh_arena *a, int fd, size_t max, struct wh_str *out,
                    struct wh_err *err) WH_CHECK;

#endif
