/*
 * engine_wire.h - messages between front and the process of the engines.
 * Owner: see each function.
 * Never: included outside the engine half of gateway/.
 *
 * docs/formats/messages.md lists the bodies.
 */
#ifndef WH_GATEWAY_ENGINE_WIRE_H
#define WH_GATEWAY_ENGINE_WIRE_H

#include "gateway/engine.h"
#include "proc/msg.h"

#define ENGINE_SERVICE "engines" /* DATA/run/engines.sock */

enum engine_message {
    ENGINE_MSG_START = 0x0501,
    ENGINE_MSG_STOP = 0x0502,
    ENGINE_MSG_CONNECT = 0x0503,
    ENGINE_MSG_WAIT = 0x0504,
    ENGINE_MSG_STATUS = 0x0505
};

/* The longest WAIT, in milliseconds. */
#define ENGINE_WAIT_MS 1000u

/* START, written and read. read: WH_BAD_REQUEST when malformed or out of its
 * bounds; name lies in the frame, weights in hex (65 bytes). */
void engine_put_wish(struct wh_buf *b, const struct gateway_engine_wish *w);
bool engine_read_wish(const struct proc_msg *m, char *hex,
                      struct gateway_engine_wish *out,
                      struct wh_err *err) WH_CHECK;
/* Is the wish within its bounds? */
bool engine_wish_ok(const struct gateway_engine_wish *w,
                    struct wh_err *err) WH_CHECK;
/* STOP and CONNECT: the digest alone. */
bool engine_read_weights(const struct proc_msg *m, char *hex,
                         struct wh_err *err) WH_CHECK;

/* One engine in the answer of WAIT. False when it is malformed. */
void engine_put_view(struct wh_buf *b, const struct gateway_engine_view *v);
bool engine_read_view(struct wh_rd *r, struct gateway_engine_view *out);

/* The answer of STATUS. */
void engine_put_status(struct wh_buf *b,
                       const struct gateway_engines_status *s);
bool engine_read_status(struct wh_rd *r, struct gateway_engines_status *out);

#endif
