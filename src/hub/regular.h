/*
 * regular.h - what the regular files of a commit are, asked before it lands.
 * Owner: results live in the arena given.
 * Never: lets files of two commits share a scanner; takes a refusal from a
 * scanner that read other files too; goes on when the house stops.
 */
#ifndef WH_HUB_REGULAR_H
#define WH_HUB_REGULAR_H

#include "hub/ops.h"
#include "hub/queue.h"
#include "proc/client.h"

struct hub_regular {
    struct proc_client *zygote;
    struct hub_queue *queue; /* says when the house stops */
    const struct hub_ops *ops;
    struct wh_arena *a;
};

/* The scanner's word for each HUB_OP_FILE: (*classes)[i] is about ops->list[i].
 * Small files share scanners, larger ones have one each; why that may be is
 * docs/decisions/0006-small-files-share-a-scanner.md. Failures: WH_REFUSED for
 * a file that is neither text nor known data, with its name; WH_UNAVAILABLE
 * when the house stops before more than one scanner was asked; else what a
 * scanner of that one file raised. */
bool hub_regular_look(const struct hub_regular *r, struct wh_str **classes,
                      struct wh_err *err) WH_CHECK;

#endif
