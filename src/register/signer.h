/*
 * signer.h - the register's signature: a key, a memory, and one rule.
 * Owner: register_signer_open .. register_signer_close, in a process of its
 * own; the sequencer sees only struct register_signing.
 * Never: signs a head that is not proven to continue the last one it signed;
 * signs before its memory of the new head is durable.
 *
 * keys.dir holds log.key (32 bytes, 0600), log.vkey (text, for anybody) and
 * log.memory (the last head, as checkpoint text).
 */
#ifndef WH_REGISTER_SIGNER_H
#define WH_REGISTER_SIGNER_H

#include "proc/client.h"
#include "proc/service.h"
#include "tlog/checkpoint.h"

#define REGISTER_SIGNER_NAME "signer" /* DATA/run/signer.sock */
#define REGISTER_VKEY_FILE "log.vkey"

/* What the signer remembers. */
struct register_signer_state {
    char vkey[TLOG_VKEY_TEXT];
    uint64_t size;
    struct tlog_hash root;
};

/* "The tree has grown from `from`, your last size, to `to` with this root." */
struct register_sign_request {
    uint64_t from, to;
    struct tlog_hash root;
    struct tlog_path path; /* consistency proof */
};

/* How the sequencer reaches the signer. */
struct register_signing {
    void *ctx;
    bool (*state)(void *ctx, struct register_signer_state *out,
                  struct wh_err *err);
    /* Append the signed checkpoint to note. */
    bool (*sign)(void *ctx, const struct register_sign_request *rq,
                 struct wh_buf *note, struct wh_err *err);
};

struct register_signer;

/* Open the key and memory in keys_dir, making both when neither is there. One
 * without the other is WH_ROLLED_BACK: a log whose signer forgot must not go
 * on. */
bool register_signer_open(const char *keys_dir, struct register_signer **out,
                          struct wh_err *err) WH_CHECK;
void register_signer_close(struct register_signer **s);
/* Direct calls, for tests and one-process drivers. */
struct register_signing register_signer_direct(struct register_signer *s);

/* The signer's process: serve on listen_fd until SIGTERM. Callers with one of
 * `peers` user ids may ask. */
bool register_signer_serve(struct register_signer *s, int listen_fd,
                           const uid_t *peers, unsigned npeers,
                           struct wh_err *err) WH_CHECK;
/* The other end: calls through a client of REGISTER_SIGNER_NAME, which outlives
 * it. Each waits at most 10 s. */
struct register_signing register_signer_remote(struct proc_client *client);

/* The rule, by itself: may a signer that remembers `last` sign this? Equal size
 * and root: yes, again. WH_ROLLED_BACK for a smaller size, WH_CONFLICT when
 * `from` is not its last size, WH_CORRUPT when the proof fails or the same size
 * has another root. */
bool register_signer_may(uint64_t last, const struct tlog_hash *last_root,
                         const struct register_sign_request *rq,
                         struct wh_err *err) WH_CHECK;

#endif
