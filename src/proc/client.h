/*
 * client.h - asking another process: a small pool of connections.
 * Owner: proc_client_new .. proc_client_free; replies live in caller's frames.
 * Never: waits past a deadline; repeats a request that the peer may have seen.
 */
#ifndef WH_PROC_CLIENT_H
#define WH_PROC_CLIENT_H

#include "proc/msg.h"

/* Thread-safe. */
struct proc_client;
/* A connection of its own, for requests that build on each other; used by one
 * thread at a time. */
struct proc_session;

/* A client of DATA/run/<name>.sock with at most max_conns connections for
 * calls and max_sessions sessions. Connects when first used. run_dir is opened
 * here: null with *err if that fails. */
struct proc_client *proc_client_new(const char *run_dir, const char *name,
                                    unsigned max_conns, unsigned max_sessions,
                                    struct wh_err *err);
void proc_client_free(struct proc_client **c);

/* Send *req (its id is set here) and wait for the answer in *reply, until the
 * deadline. The peer's own failures come back as they were raised. A peer that
 * dies after it may have seen the request: WH_CHILD_DIED. No connection to be
 * had in time: WH_UNAVAILABLE. An answer that is not of the request's type is
 * WH_INTERNAL. */
bool proc_call(struct proc_client *c, struct proc_msg *req, int64_t deadline,
               struct proc_frame *reply, struct wh_err *err) WH_CHECK;

/* A session of its own; the peer's state of it ends with close. */
struct proc_session *proc_session_open(struct proc_client *c, int64_t deadline,
                                       struct wh_err *err);
void proc_session_close(struct proc_session **s);
/* As proc_call, on this session. After a failure of transport the session is
 * dead, and each further call fails with WH_CHILD_DIED. */
bool proc_session_call(struct proc_session *s, struct proc_msg *req,
                       int64_t deadline, struct proc_frame *reply,
                       struct wh_err *err) WH_CHECK;
/* Send without waiting for an answer (messages documented as one-way). Should
 * it fail over there, the next call on this session fails with its error. */
bool proc_session_send(struct proc_session *s, struct proc_msg *req,
                       int64_t deadline, struct wh_err *err) WH_CHECK;
/* Wait for the next message, whatever it is; the answer to what was sent. */
bool proc_session_recv(struct proc_session *s, int64_t deadline,
                       struct proc_frame *reply, struct wh_err *err) WH_CHECK;

#endif
