/*
 * hand.h - weights on their way from the keeper to the process of the engines.
 * Owner: a memory file belongs to who made it until it was given; then to both.
 * Never: on a socket of which front has an end.
 *
 * The way is one pair of sockets (SEQPACKET), made by the parent of all
 * processes and inherited by these two. Its ends outlive a process that is
 * started again, so a question that nobody answered may still lie in it:
 * answers carry the id of the question, and others are thrown away.
 */
#ifndef WH_KEEPER_HAND_H
#define WH_KEEPER_HAND_H

#include "base/sha256.h"
#include "proc/msg.h"

enum keeper_hand_message {
    /* 64 hex digest, u64le bytes. Answer: u8, 1 if they are there already and
     * nothing is to be given. WH_TOO_LARGE, in words, when they do not fit. */
    KEEPER_HAND_ROOM = 0x0601,
    /* 64 hex digest, u64le bytes, u64le until; descriptor 0: the memory file,
     * sealed. Answer: u8, 1 if the file is locked in memory. */
    KEEPER_HAND_GIVE = 0x0602
};

/* Either message. */
struct keeper_hand {
    char sha256[WH_SHA256_HEX + 1];
    uint64_t bytes;
    uint64_t until; /* unix seconds, the end of the decision; 0: none */
    int fd;         /* GIVE: taken out of the frame, the caller's; -1 */
};

/* Read one that came; WH_BAD_REQUEST when malformed, or when the file is not
 * what was announced: a memory file of that size, sealed against every change.
 */
bool keeper_hand_read(struct proc_frame *f, struct keeper_hand *out,
                      struct wh_err *err) WH_CHECK;

/* The keeper's side. One question at a time, WH_UNAVAILABLE if the other side
 * does not answer within its time. */
struct keeper_giver;
/* fd is the inherited end; -1: this house runs no engines, and every question
 * fails with WH_UNAVAILABLE. */
struct keeper_giver *keeper_giver_new(int fd);
/* Nulls the pointer; the descriptor stays open. */
void keeper_giver_free(struct keeper_giver **g);
/* May so many bytes come? *there: they are there already. */
bool keeper_giver_room(struct keeper_giver *g, const struct keeper_hand *h,
                       bool *there, struct wh_err *err) WH_CHECK;
/* Give h->fd, which stays the caller's. */
bool keeper_giver_give(struct keeper_giver *g, const struct keeper_hand *h,
                       bool *locked, struct wh_err *err) WH_CHECK;

#endif
