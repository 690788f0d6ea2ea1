/*
 * time.h - clocks and the text form of times.
 * Owner: nothing is owned.
 * Never: uses local time zones.
 */
#ifndef WH_BASE_TIME_H
#define WH_BASE_TIME_H

#include "base/str.h"

/* Microseconds since 1970 (wall clock), and of the monotonic clock. */
int64_t wh_now_us(void);
int64_t wh_mono_us(void);
/* "2026-11-23T17:51:00.000Z" (milliseconds, always Z) into out[25]. */
#define WH_TIME_TEXT 25
void wh_time_text(int64_t us, char out[WH_TIME_TEXT]);
/* RFC 3339 in UTC, fraction optional, must end in Z. */
bool wh_time_parse(struct wh_str s, int64_t *us);
/* HTTP date (IMF-fixdate) into out[30]. */
#define WH_TIME_HTTP 30
void wh_time_http(int64_t us, char out[WH_TIME_HTTP]);

#endif
