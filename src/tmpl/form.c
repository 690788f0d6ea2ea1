/*
 * Forms: the fixed ways in which a template may write a value. They keep the
 * JSON of a page the JSON of the API: numbers, RFC 3339 times and bytes there,
 * words for people here.
 */
#include "base/time.h"
#include "tmpl/node.h"

static struct wh_str text_of(const json_t *v)
{
    if (!json_is_string(v)) {
        return (struct wh_str){"", 0};
    }
    return wh_str_mem(json_string_value(v), json_string_length(v));
}

bool tmpl_form_plain(struct wh_buf *out, const json_t *value)
{
    if (!value || json_is_null(value)) {
        return true;
    }
    if (json_is_string(value)) {
        wh_buf_html(out, text_of(value));
    } else if (json_is_integer(value)) {
        wh_buf_fmt(out, "%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        wh_buf_cstr(out, json_is_true(value) ? "true" : "false");
    } else if (json_is_real(value)) {
        wh_buf_fmt(out, "%.6g", json_real_value(value));
    } else {
        return false;
    }
    return true;
}

/* The bytes of a scalar before any escaping, for the URL forms. */
static bool plain_text(const json_t *value, char number[32], struct wh_str *out)
{
    struct wh_buf b;

    if (json_is_string(value)) {
        *out = text_of(value);
        return true;
    }
    if (!value || json_is_null(value)) {
        *out = WH_S("");
        return true;
    }
    if (!json_is_integer(value)) {
        return false;
    }
    wh_buf_init(&b, 31);
    wh_buf_fmt(&b, "%lld", (long long)json_integer_value(value));
    *out = wh_str_mem(number, b.n);
    memcpy(number, b.p, b.n);
    wh_buf_done(&b);
    return true;
}

static bool form_url(struct wh_buf *out, const json_t *value)
{
    char number[32];
    struct wh_str s;

    if (!plain_text(value, number, &s)) {
        return false;
    }
    wh_buf_url(out, s);
    return true;
}

static bool form_path(struct wh_buf *out, const json_t *value)
{
    char number[32];
    struct wh_str s;

    if (!plain_text(value, number, &s)) {
        return false;
    }
    /* a template writes href="/{{&path x}}": "//host" must not come of it */
    while (s.n > 0 && s.p[0] == '/') {
        s = wh_str_sub(s, 1, s.n);
    }
    wh_buf_url_path(out, s);
    return true;
}

/* A link that may be followed: of our own house, or of a scheme that can not
 * run anything. A blank or control byte is what a disguised scheme needs. */
static bool href_allowed(struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '\\') {
            return false;
        }
    }
    if (s.n > 0 && (s.p[0] == '#' || s.p[0] == '?')) {
        return true;
    }
    if (s.n > 0 && s.p[0] == '/') {
        return s.n == 1 || s.p[1] != '/';
    }
    return wh_str_starts(s, WH_S("https://")) ||
           wh_str_starts(s, WH_S("http://")) ||
           wh_str_starts(s, WH_S("mailto:"));
}

static bool form_href(struct wh_buf *out, const json_t *value)
{
    struct wh_str s = text_of(value);

    if (!json_is_string(value) && value && !json_is_null(value)) {
        return false;
    }
    wh_buf_html(out, href_allowed(s) ? s : WH_S("#"));
    return true;
}

static bool all_digits(struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return s.n > 0;
}

/* 22713216 as 22,713,216; a decimal string of any length as well. Text that
 * is not a number ("unknown") stays as it is. */
static bool form_count(struct wh_buf *out, const json_t *value)
{
    char number[32];
    struct wh_str s;

    if (!plain_text(value, number, &s)) {
        return false;
    }
    if (!all_digits(s)) {
        wh_buf_html(out, s);
        return true;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (i > 0 && (s.n - i) % 3 == 0) {
            wh_buf_char(out, ',');
        }
        wh_buf_char(out, s.p[i]);
    }
    return true;
}

/* Bytes in decimal units with one digit behind the point. */
static bool form_size(struct wh_buf *out, const json_t *value)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB"};
    uint64_t n, unit = 1000;
    size_t u = 0;

    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return !value || json_is_null(value);
    }
    n = (uint64_t)json_integer_value(value);
    if (n < 1000) {
        wh_buf_fmt(out, "%llu bytes", (unsigned long long)n);
        return true;
    }
    /* 999,950 would be printed as 1000.0 kB, so it is 1.0 MB already */
    while (u < 4 && n >= unit * 1000 - unit / 20) {
        unit *= 1000;
        u++;
    }
    wh_buf_fmt(
        out, "%llu.%llu %s", (unsigned long long)((n + unit / 20) / unit),
        (unsigned long long)((n + unit / 20) % unit / (unit / 10)), units[u]);
    return true;
}

/* RFC 3339 text, or Unix seconds, in microseconds. */
static bool time_of(const json_t *value, int64_t *us)
{
    if (json_is_integer(value)) {
        int64_t s = json_integer_value(value);
        if (s < 0 || s > INT64_C(253402300799)) {
            return false;
        }
        *us = s * 1000000;
        return true;
    }
    return json_is_string(value) && wh_time_parse(text_of(value), us);
}

static bool form_day_time(struct wh_buf *out, const json_t *value, bool clock)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr",
                                         "May", "Jun", "Jul", "Aug",
                                         "Sep", "Oct", "Nov", "Dec"};
    char t[WH_TIME_TEXT];
    uint64_t month, day;
    int64_t us;

    if (!value || json_is_null(value)) {
        return true;
    }
    if (!time_of(value, &us)) {
        return false;
    }
    wh_time_text(us, t); /* 2026-11-23T17:51:00.000Z */
    if (!wh_str_u64(wh_str_mem(t + 5 + (t[5] == '0'), t[5] == '0' ? 1 : 2),
                    &month) ||
        !wh_str_u64(wh_str_mem(t + 8 + (t[8] == '0'), t[8] == '0' ? 1 : 2),
                    &day) ||
        month < 1 || month > 12) {
        return false;
    }
    wh_buf_fmt(out, "%d %s %.4s", (int)day, months[month - 1], t);
    if (clock) {
        wh_buf_fmt(out, ", %.5s UTC", t + 11);
    }
    return true;
}

static bool form_date(struct wh_buf *out, const json_t *value)
{
    return form_day_time(out, value, false);
}

static bool form_time(struct wh_buf *out, const json_t *value)
{
    return form_day_time(out, value, true);
}

static const struct tmpl_form forms[] = {
    {"url", form_url, true, false},    {"path", form_path, true, false},
    {"href", form_href, true, true},   {"count", form_count, false, false},
    {"size", form_size, false, false}, {"date", form_date, false, false},
    {"time", form_time, false, false},
};

const struct tmpl_form *tmpl_form_find(struct wh_str name)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (wh_str_is(name, forms[i].name)) {
            return &forms[i];
        }
    }
    return NULL;
}
