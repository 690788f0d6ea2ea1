/*
 * ladder.c - the table of the ladder.
 */
#include "watch/ladder.h"
#include "base/err.h"

static const struct watch_step steps[DETECT_RUNG_COUNT] = {
    [DETECT_RUNG_NONE] = {.name = "none",
                          .does = "Nothing is done.",
                          .lasts_us = 0},
    [DETECT_RUNG_LOOK] = {.name = "look",
                          .does = "Requests that raise an alarm are not "
                                  "answered; all others are.",
                          .refuse_alarmed = true,
                          .lasts_us = 7 * WATCH_DAY_US},
    [DETECT_RUNG_THROTTLE] = {.name = "throttle",
                              .does = "One request is answered every ten "
                                      "seconds, and none that raises an alarm.",
                              .refuse_alarmed = true,
                              .slow = true,
                              .lasts_us = 7 * WATCH_DAY_US},
    [DETECT_RUNG_QUEUE] = {.name = "queue",
                           .does = "One request is answered every ten seconds, "
                                   "and a person looks at the case.",
                           .refuse_alarmed = true,
                           .slow = true,
                           .human = true,
                           .lasts_us = 7 * WATCH_DAY_US},
    [DETECT_RUNG_SUSPEND] = {.name = "suspend",
                             .does = "No request is answered until a person "
                                     "has looked at the case.",
                             .refuse_alarmed = true,
                             .slow = true,
                             .human = true,
                             .stop = true,
                             .lasts_us = 7 * WATCH_DAY_US},
    [DETECT_RUNG_CUT] = {.name = "cut",
                         .does = "No request is answered, what was running "
                                 "was ended, and the key is revoked.",
                         .refuse_alarmed = true,
                         .slow = true,
                         .human = true,
                         .stop = true,
                         .revoke = true,
                         .lasts_us = 14 * WATCH_DAY_US},
};

const struct watch_step *watch_ladder_step(enum detect_rung rung)
{
    wh_assert(rung < DETECT_RUNG_COUNT);
    return &steps[rung];
}

enum detect_rung watch_ladder_next(enum detect_rung now, double log_e)
{
    enum detect_rung reached = detect_rung_of(log_e);

    return now >= DETECT_RUNG_QUEUE && reached < now ? now : reached;
}
