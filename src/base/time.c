/*
 * Clocks, and times as text. The calendar is computed here (proleptic
 * Gregorian, days from 1970) because the C library's functions accept too
 * much and follow the process's time zone settings.
 */
#include "base/time.h"
#include "base/err.h"

#include <time.h>

#define US_PER_S INT64_C(1000000)
#define S_PER_DAY INT64_C(86400)
/* 0000-01-01T00:00:00Z and the last microsecond of the year 9999. */
#define MIN_US (INT64_C(-62167219200) * US_PER_S)
#define MAX_US (INT64_C(253402300800) * US_PER_S - 1)

struct civil {
    int year, month, day, hour, minute, second, us;
    int weekday; /* 0 is Sunday */
};

static int64_t clock_us(clockid_t id)
{
    struct timespec ts;
    wh_assert(clock_gettime(id, &ts) == 0);
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01. Years are counted from March, so that the leap day is
 * the last of its year; the year is never negative here after the shift by
 * one era of 400 years (146097 days). */
static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = (month <= 2 ? year - 1 : year) + 400;
    int64_t m = month <= 2 ? month + 9 : month - 3;
    int64_t of_year = (153 * m + 2) / 5 + day - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 + of_year - 719468 - 146097;
}

static void civil_from_days(int64_t days, struct civil *c)
{
    int64_t z = days + 719468 + 146097;
    int64_t era = z / 146097;
    int64_t doe = z % 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t m = (5 * doy + 2) / 153;
    c->day = (int)(doy - (153 * m + 2) / 5 + 1);
    c->month = (int)(m < 10 ? m + 3 : m - 9);
    c->year = (int)(yoe + era * 400 - 400) + (c->month <= 2 ? 1 : 0);
    c->weekday = (int)((days % 7 + 11) % 7);
}

static struct civil civil_of(int64_t us)
{
    us = us < MIN_US ? MIN_US : us;
    us = us > MAX_US ? MAX_US : us;
    int64_t part = us % US_PER_S;
    int64_t s = us / US_PER_S;
    if (part < 0) {
        part += US_PER_S;
        s--;
    }
    int64_t of_day = s % S_PER_DAY;
    int64_t days = s / S_PER_DAY;
    if (of_day < 0) {
        of_day += S_PER_DAY;
        days--;
    }
    struct civil c = {.hour = (int)(of_day / 3600),
                      .minute = (int)(of_day / 60 % 60),
                      .second = (int)(of_day % 60),
                      .us = (int)part};
    civil_from_days(days, &c);
    return c;
}

/* n digits of v, most significant first; returns what follows them. */
static char *put(char *out, int v, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        out[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return out + n;
}

static char *put_text(char *out, const char *text, size_t n)
{
    memcpy(out, text, n);
    return out + n;
}

/* n digits at the front of *s, then the byte `after`; consumes both. */
static bool get(struct wh_str *s, size_t n, char after, int *out)
{
    if (s->n < n + 1 || s->p[n] != after) {
        return false;
    }
    int v = 0;
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9') {
            return false;
        }
        v = v * 10 + (s->p[i] - '0');
    }
    *out = v;
    *s = wh_str_sub(*s, n + 1, s->n);
    return true;
}

/* ".123" (1 to 9 digits) as microseconds, cut, not rounded. */
static bool get_fraction(struct wh_str s, int *us)
{
    if (s.n < 1 || s.n > 9) {
        return false;
    }
    int v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
        v = i < 6 ? v * 10 + (s.p[i] - '0') : v;
    }
    for (size_t i = s.n; i < 6; i++) {
        v *= 10;
    }
    *us = v;
    return true;
}

/* What follows the minute: "SSZ" or "SS.fffZ", to the end. */
static bool get_second(struct wh_str s, struct civil *c)
{
    if (s.n == 0 || s.p[s.n - 1] != 'Z') {
        return false;
    }
    if (s.n == 3) {
        return get(&s, 2, 'Z', &c->second);
    }
    return get(&s, 2, '.', &c->second) &&
           get_fraction(wh_str_sub(s, 0, s.n - 1), &c->us);
}

static bool in_calendar(const struct civil *c)
{
    return c->month >= 1 && c->month <= 12 && c->day >= 1 &&
           c->day <= month_days(c->year, c->month) && c->hour <= 23 &&
           c->minute <= 59 && c->second <= 59;
}

int64_t wh_now_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int64_t wh_mono_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

void wh_time_text(int64_t us, char out[WH_TIME_TEXT])
{
    struct civil c = civil_of(us);
    char *p = put(out, c.year, 4);
    *p++ = '-';
    p = put(p, c.month, 2);
    *p++ = '-';
    p = put(p, c.day, 2);
    *p++ = 'T';
    p = put(p, c.hour, 2);
    *p++ = ':';
    p = put(p, c.minute, 2);
    *p++ = ':';
    p = put(p, c.second, 2);
    *p++ = '.';
    p = put(p, c.us / 1000, 3);
    *p++ = 'Z';
    *p = '\0';
}

bool wh_time_parse(struct wh_str s, int64_t *us)
{
    struct civil c = {0};
    if (!get(&s, 4, '-', &c.year) || !get(&s, 2, '-', &c.month) ||
        !get(&s, 2, 'T', &c.day) || !get(&s, 2, ':', &c.hour) ||
        !get(&s, 2, ':', &c.minute) || !get_second(s, &c) || !in_calendar(&c)) {
        return false;
    }
    int64_t days = days_from_civil(c.year, c.month, c.day);
    int64_t of_day = (c.hour * INT64_C(60) + c.minute) * 60 + c.second;
    *us = (days * S_PER_DAY + of_day) * US_PER_S + c.us;
    return true;
}

void wh_time_http(int64_t us, char out[WH_TIME_HTTP])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct civil c = civil_of(us);
    char *p = put_text(out, days + (size_t)c.weekday * 3, 3);
    p = put_text(p, ", ", 2);
    p = put(p, c.day, 2);
    *p++ = ' ';
    p = put_text(p, months + (size_t)(c.month - 1) * 3, 3);
    *p++ = ' ';
    p = put(p, c.year, 4);
    *p++ = ' ';
    p = put(p, c.hour, 2);
    *p++ = ':';
    p = put(p, c.minute, 2);
    *p++ = ':';
    p = put(p, c.second, 2);
    (void)put_text(p, " GMT", 5);
}
