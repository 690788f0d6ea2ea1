/*
 * meter.c - sliding windows in steps of a second, and what is reserved beside
 * them.
 */
#include "gateway/meter.h"

#include "base/err.h"

#include <string.h>

#define SECOND 1000000
#define DAY_S 86400

/* Move the window on to now. */
static void advance(struct gateway_meter *m, int64_t now)
{
    int64_t second = now / SECOND;
    if (second - m->second >= GATEWAY_WINDOW_S) {
        memset(m->requests, 0, sizeof m->requests);
        memset(m->tokens, 0, sizeof m->tokens);
        m->requests_sum = m->tokens_sum = 0;
        m->second = second;
    }
    while (m->second < second) {
        m->second++;
        int64_t i = m->second % GATEWAY_WINDOW_S;
        m->requests_sum -= m->requests[i];
        m->tokens_sum -= m->tokens[i];
        m->requests[i] = 0;
        m->tokens[i] = 0;
    }
    if (second / DAY_S > m->day) {
        m->day = second / DAY_S;
        m->day_used = 0;
    }
}

static uint64_t rest(uint64_t cap, uint64_t used)
{
    return cap == 0 ? UINT64_MAX : cap > used ? cap - used : 0;
}

static uint64_t least_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Seconds until the oldest step that holds something leaves the window. */
static unsigned oldest(const struct gateway_meter *m, bool tokens)
{
    for (int64_t age = GATEWAY_WINDOW_S - 1; age > 0; age--) {
        int64_t i = (m->second + GATEWAY_WINDOW_S - age) % GATEWAY_WINDOW_S;
        if (tokens ? m->tokens[i] > 0 : m->requests[i] > 0) {
            return (unsigned)(GATEWAY_WINDOW_S - age);
        }
    }
    /* all of it is of this second, or still reserved */
    return GATEWAY_WINDOW_S;
}

/* ... the newest. */
static unsigned newest(const struct gateway_meter *m, bool tokens)
{
    for (int64_t age = 0; age < GATEWAY_WINDOW_S; age++) {
        int64_t i = (m->second + GATEWAY_WINDOW_S - age) % GATEWAY_WINDOW_S;
        if (tokens ? m->tokens[i] > 0 : m->requests[i] > 0) {
            return (unsigned)(GATEWAY_WINDOW_S - age);
        }
    }
    return 0;
}

static struct gateway_got no(enum gateway_limit limit, unsigned wait_s)
{
    return (struct gateway_got){.limit = limit, .wait_s = wait_s};
}

/* What a request would get, were it the only one to ask; nothing is taken. */
static struct gateway_got look(struct gateway_meter *m,
                               const struct gateway_caps *caps,
                               const struct gateway_want *want, int64_t now)
{
    advance(m, now);
    uint64_t minute = rest(caps->minute_tokens, m->tokens_sum + m->reserved);
    uint64_t day = rest(caps->day_tokens, m->day_used + m->reserved);
    uint64_t floor =
        want->flexible ? least_of(want->least, want->want) : want->want;
    uint64_t need = want->prompt + floor;
    if (caps->streams > 0 && m->open >= caps->streams) {
        return no(GATEWAY_LIMIT_STREAMS, 1);
    }
    if (rest(caps->minute_requests, m->requests_sum) == 0) {
        return no(GATEWAY_LIMIT_REQUESTS, oldest(m, false));
    }
    if (need > rest(caps->minute_tokens, 0) ||
        need > rest(caps->day_tokens, 0)) {
        return no(GATEWAY_LIMIT_SIZE, 0);
    }
    if (need > day) {
        return no(GATEWAY_LIMIT_DAY, (unsigned)(DAY_S - now / SECOND % DAY_S));
    }
    if (need > minute) {
        return no(GATEWAY_LIMIT_TOKENS, oldest(m, true));
    }
    uint64_t room = least_of(minute, day) - want->prompt;
    return (struct gateway_got){.answer = least_of(want->want, room)};
}

static void reserve(struct gateway_meter *m, uint64_t tokens)
{
    m->reserved += tokens;
    m->open++;
    m->requests[m->second % GATEWAY_WINDOW_S]++;
    m->requests_sum++;
}

struct gateway_got gateway_meter_take(struct gateway_meter *m,
                                      const struct gateway_caps *caps,
                                      const struct gateway_want *want,
                                      int64_t now)
{
    struct gateway_got got = look(m, caps, want, now);
    if (got.limit == GATEWAY_LIMIT_NONE) {
        got.reserved = want->prompt + got.answer;
        reserve(m, got.reserved);
    }
    return got;
}

struct gateway_got gateway_meter_take_both(struct gateway_meter *m,
                                           const struct gateway_caps *caps,
                                           struct gateway_meter *all,
                                           const struct gateway_caps *all_caps,
                                           const struct gateway_want *want,
                                           int64_t now)
{
    struct gateway_got got = look(m, caps, want, now);
    struct gateway_got of_all = look(all, all_caps, want, now);
    if (got.limit != GATEWAY_LIMIT_NONE) {
        return got;
    }
    if (of_all.limit != GATEWAY_LIMIT_NONE) {
        return of_all;
    }
    got.answer = least_of(got.answer, of_all.answer);
    got.reserved = want->prompt + got.answer;
    reserve(m, got.reserved);
    reserve(all, got.reserved);
    return got;
}

void gateway_meter_settle(struct gateway_meter *m, uint64_t reserved,
                          uint64_t used, int64_t now)
{
    advance(m, now);
    wh_assert(m->open > 0 && m->reserved >= reserved);
    m->open--;
    m->reserved -= reserved;
    m->tokens[m->second % GATEWAY_WINDOW_S] += used;
    m->tokens_sum += used;
    m->day_used += used;
}

struct gateway_left gateway_meter_left(struct gateway_meter *m,
                                       const struct gateway_caps *caps,
                                       int64_t now)
{
    advance(m, now);
    return (struct gateway_left){
        .requests = rest(caps->minute_requests, m->requests_sum),
        .tokens = rest(caps->minute_tokens, m->tokens_sum + m->reserved),
        .requests_reset_s = newest(m, false),
        .tokens_reset_s = m->reserved > 0 ? GATEWAY_WINDOW_S : newest(m, true)};
}
