/*
 * portal.h - the same way for people in a browser: a request whose answer is
 * told in a form of the portal's own, and the key that a session has.
 * Owner: the face's context is the face's: given with the request, freed by its
 * `done`.
 * Never: shows a face a byte that the filter has not let go; gives out the text
 * of a session's key.
 */
#ifndef WH_GATEWAY_PORTAL_H
#define WH_GATEWAY_PORTAL_H

#include "gateway/gateway.h"
#include "net/live.h"

/* How an answer ended. Views live as long as the call. */
struct gateway_told {
    const char *request; /* its id, as in X-Request-Id */
    /* "stop", "length", "content_filter"; "" with a fault */
    const char *finish;
    const struct gateway_fault *fault; /* null: it came to an end */
    /* Cut by the filter: "policy_violation" or another word, one sentence, and
     * the address of the case, which may be empty. Else empty. */
    const char *cut;
    struct wh_str why, url;
    uint64_t prompt_tokens, completion_tokens;
    struct gateway_caps caps;
    struct gateway_left left; /* when this request is settled */
};

/* How it is told. All on the loop of the request; must not block. */
struct gateway_face {
    struct wh_str alive; /* sent when nothing else was for a while */
    /* The answer begins, with this status: net_live_begin, and headers. */
    void (*begin)(void *ctx, struct net_live *l, int status);
    /* What is sent before all else. */
    void (*open)(void *ctx, struct wh_buf *out);
    /* Text of the answer. */
    void (*text)(void *ctx, struct wh_str text, struct wh_buf *out);
    /* The last that is sent. */
    void (*end)(void *ctx, const struct gateway_told *told, struct wh_buf *out);
    /* The last call; on any thread. */
    void (*done)(void *ctx);
};

/* A chat, asked by this JSON (as for /v1/chat/completions, with "stream": true;
 * its bytes may end with the request's arena), told by a face. The job is its
 * last. False with the fault: nothing was answered, and ctx is still the
 * caller's. */
bool gateway_answer_as(struct gateway *g, struct net_req *r, struct db *db,
                       struct gateway_key *key, struct wh_str base,
                       struct wh_str body, const struct gateway_face *face,
                       void *ctx, struct gateway_fault *f) WH_CHECK;

/* A session, as far as its key needs it. */
struct gateway_seat {
    struct wh_str secret;     /* of the session */
    int64_t account, expires; /* microseconds; of the session */
};
/* The key of a session, which is made with its first request and ends with it:
 * its text is derived from the session's secret and is nowhere kept. To be
 * given back with gateway_key_drop. Errors as gateway_keys_find. */
bool gateway_portal_key(struct gateway *g, struct db_writer *writer,
                        struct db *db, const struct gateway_seat *seat,
                        struct gateway_key **out, struct wh_err *err) WH_CHECK;
/* The same, but never makes one: WH_AUTH_INVALID when there is none yet. */
bool gateway_portal_peek(struct gateway *g, struct db *db,
                         const struct gateway_seat *seat,
                         struct gateway_key **out, struct wh_err *err) WH_CHECK;
/* The session ends, in the same transaction: its key is revoked. *id is the
 * key, for gateway_stop; 0: it has none in force. Runs inside a db_write
 * function. */
bool gateway_portal_end(struct db *db, struct wh_str secret, int64_t now,
                        int64_t *id, struct wh_err *err) WH_CHECK;

#endif
