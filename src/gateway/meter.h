/*
 * meter.h - how much of a key's limits is used: reserved before a request runs,
 * settled after it. Pure.
 * Owner: the caller owns the meter and locks it.
 * Never: looks at a clock; lets two requests have the same token.
 *
 * A window is any 60 s, in steps of a second. What is reserved counts until it
 * is settled, however long that takes; what was used counts from then on. So no
 * number of requests at once, and no request of any length, uses more than the
 * limit in a minute, or in a day.
 */
#ifndef WH_GATEWAY_METER_H
#define WH_GATEWAY_METER_H

#include <stdbool.h>
#include <stdint.h>

#define GATEWAY_WINDOW_S 60

/* Limits; 0: none. */
struct gateway_caps {
    uint64_t minute_requests, minute_tokens, day_tokens, streams;
};

struct gateway_meter {
    int64_t second; /* the newest of the window */
    uint32_t requests[GATEWAY_WINDOW_S];
    uint64_t tokens[GATEWAY_WINDOW_S];
    uint64_t requests_sum, tokens_sum;
    uint64_t reserved; /* tokens of requests that run */
    uint64_t open;     /* requests that run */
    int64_t day;       /* since 1970; never goes back */
    uint64_t day_used;
};

enum gateway_limit {
    GATEWAY_LIMIT_NONE,
    GATEWAY_LIMIT_REQUESTS,
    GATEWAY_LIMIT_TOKENS,
    GATEWAY_LIMIT_DAY,
    GATEWAY_LIMIT_STREAMS,
    GATEWAY_LIMIT_SIZE /* more than the limit of a minute or day at once */
};

/* What a request wants: its prompt is at most so many tokens; the answer may
 * have `want`, or less if `flexible`, but not less than `least`. */
struct gateway_want {
    uint64_t prompt, want, least;
    bool flexible;
};

struct gateway_got {
    enum gateway_limit limit; /* NONE: reserved */
    uint64_t answer;          /* tokens that the answer may have */
    uint64_t reserved;        /* for settling */
    unsigned wait_s;          /* when to come back, if not reserved */
};

/* What is left now, and when all is back. */
struct gateway_left {
    uint64_t requests, tokens;
    unsigned requests_reset_s, tokens_reset_s;
};

/* now: microseconds of a clock that never goes back. */
struct gateway_got gateway_meter_take(struct gateway_meter *m,
                                      const struct gateway_caps *caps,
                                      const struct gateway_want *want,
                                      int64_t now);
/* The same of two meters at once: what both have, or of neither anything. The
 * request is settled with both. */
struct gateway_got gateway_meter_take_both(struct gateway_meter *m,
                                           const struct gateway_caps *caps,
                                           struct gateway_meter *all,
                                           const struct gateway_caps *all_caps,
                                           const struct gateway_want *want,
                                           int64_t now);
/* The request is over, and used this much. */
void gateway_meter_settle(struct gateway_meter *m, uint64_t reserved,
                          uint64_t used, int64_t now);
struct gateway_left gateway_meter_left(struct gateway_meter *m,
                                       const struct gateway_caps *caps,
                                       int64_t now);

#endif
