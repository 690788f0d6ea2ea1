/*
 * history.h - which part of a conversation this house has seen before, and
 * whether an answer in it is the one that was given.
 * Owner: one struct watch_history for each key, a plain value; the secrets
 * belong to the watch.
 * Never: keeps text, or a digest longer than the secret under which it was
 * made; says anything about a conversation that it has not begun itself.
 *
 * Three things can be said of a turn of the assistant in a request:
 * OURS, it is what we answered to exactly the messages before it; EDITED, we
 * answered those messages, to the end, and not with this; ELSEWHERE, we do not
 * know. Of what was answered to the same messages since yesterday and the start
 * of the process EDITED is a fact but for colliding digests, less than 2^-56
 * for each turn; an older answer to the same messages that is continued now
 * would be called EDITED too. It is no proof of ill will: people correct
 * answers, programs shorten them, and one question may have been put to several
 * houses. So it is not evidence by itself; it says that these words are the
 * caller's own, and they are looked at as such.
 */
#ifndef WH_WATCH_HISTORY_H
#define WH_WATCH_HISTORY_H

#include "base/arena.h"
#include "base/sha256.h"

#define WATCH_SECRET 32
/* Digests of beginnings of conversations, and of answers, for each key. */
#define WATCH_SEEN 256
#define WATCH_ANSWERS 128

enum watch_voice {
    WATCH_SYSTEM,
    WATCH_USER,
    WATCH_ASSISTANT,
    WATCH_TOOL,
    WATCH_TOOL_USE
};

/* A piece of a prompt; pieces of one message stand together. */
struct watch_said {
    enum watch_voice voice;
    size_t message;
    struct wh_str text;
};

/* Secrets of this period and the one before; older ones are overwritten. */
struct watch_secrets {
    uint32_t turn; /* number of the present period, from 2 on */
    int64_t since; /* microseconds */
    uint8_t now[WATCH_SECRET], before[WATCH_SECRET];
};

#define WATCH_TURN_US (INT64_C(86400) * 1000000)

/* Fresh secrets; the next period if it has come (both when much time went by);
 * overwrite. */
void watch_secrets_begin(struct watch_secrets *s, int64_t now);
bool watch_secrets_turn(struct watch_secrets *s, int64_t now);
void watch_secrets_end(struct watch_secrets *s);

/* Text as it is compared: blanks at the ends do not count, and one stands for
 * many, since clients trim. */
struct watch_digest {
    struct wh_sha256 hash;
    bool any, blank;
    size_t begun; /* bytes of `head` */
    char head[8];
    size_t n; /* bytes of `buf` that wait to be hashed */
    char buf[512];
};
/* Begin under a secret; add text; 64 bits of the digest, and end. */
void watch_digest_init(struct watch_digest *d,
                       const uint8_t secret[WATCH_SECRET]);
void watch_digest_add(struct watch_digest *d, struct wh_str text);
uint64_t watch_digest_end(struct watch_digest *d);
/* Does the text begin with a thinking block, which clients take out? */
bool watch_digest_thinks(const struct watch_digest *d);

enum watch_turn { WATCH_CALLERS, WATCH_OURS, WATCH_EDITED, WATCH_ELSEWHERE };

/* Digests of a conversation under both secrets. */
struct watch_chain {
    size_t messages;
    uint32_t turn;
    bool twice;    /* `before` is filled too */
    uint64_t *now; /* after each message */
    uint64_t *before;
    uint64_t *said, *said_before; /* of the message itself */
    enum watch_voice *voice;
};

/* What a key's past says about a chain. */
struct watch_look {
    size_t known; /* so many messages have been looked at before */
    bool tainted; /* and an alarm was raised in them */
    enum watch_turn *of;
    size_t edited, elsewhere;
};

struct watch_history {
    uint32_t n_seen, n_answers; /* ever */
    struct {
        uint64_t prefix;
        uint32_t turn;
        bool alarmed;
    } seen[WATCH_SEEN];
    struct {
        uint64_t prefix, said;
        uint32_t turn;
        bool open; /* the caller may have had less: nothing is said */
    } answer[WATCH_ANSWERS];
};

/* Digests of all messages, in the arena; `twice` also under the secret of the
 * period before. */
void watch_chain_make(struct watch_chain *c, const struct watch_secrets *s,
                      bool twice, struct wh_arena *a,
                      const struct watch_said *said, size_t n);
/* Hold it against the past. */
void watch_history_look(const struct watch_history *h,
                        const struct watch_chain *c, struct wh_arena *a,
                        struct watch_look *out);
/* From now on the messages behind look->known are known, and whether there was
 * an alarm in them or before. */
void watch_history_asked(struct watch_history *h, const struct watch_chain *c,
                         const struct watch_look *look, bool alarmed);
/* Does it hold anything of the period before? Then chains are made twice. */
bool watch_history_reaches(const struct watch_history *h, uint32_t turn);
/* This was answered to the chain that ended with `prefix`, in that turn. */
void watch_history_answered(struct watch_history *h, uint32_t turn,
                            uint64_t prefix, uint64_t said, bool open);

#endif
