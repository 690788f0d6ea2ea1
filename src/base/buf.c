/*
 * The growing buffer. Memory is always one byte larger than cap, so that
 * vsnprintf may write its NUL behind a text that fits exactly.
 */
#include "base/buf.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

#define FIRST_CAP 256U

static const char hex_digits[] = "0123456789abcdef";

static void grow(struct wh_buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : FIRST_CAP;
    while (cap < need) {
        cap = cap > b->ceiling / 2 ? b->ceiling : cap * 2;
    }
    if (cap > b->ceiling) {
        cap = b->ceiling;
    }
    b->p = wh_realloc(b->p, cap + 1);
    b->cap = cap;
}

void wh_buf_init(struct wh_buf *b, size_t ceiling)
{
    wh_assert(ceiling < SIZE_MAX);
    *b = (struct wh_buf){.ceiling = ceiling};
}

void wh_buf_done(struct wh_buf *b)
{
    wh_free(b->p);
    b->p = NULL;
    b->n = b->cap = 0;
}

void wh_buf_reset(struct wh_buf *b)
{
    b->n = 0;
    b->over = false;
}

void wh_buf_drop(struct wh_buf *b, size_t n)
{
    wh_assert(n <= b->n);
    b->n -= n;
    if (n > 0 && b->n > 0) {
        memmove(b->p, b->p + n, b->n);
    }
}

char *wh_buf_room(struct wh_buf *b, size_t n)
{
    if (b->over || n > b->ceiling - b->n) {
        b->over = true;
        return NULL;
    }
    if (!b->p || n > b->cap - b->n) {
        grow(b, b->n + n);
    }
    return b->p + b->n;
}

void wh_buf_grew(struct wh_buf *b, size_t n)
{
    wh_assert(n <= b->cap - b->n);
    b->n += n;
}

struct wh_str wh_buf_str(const struct wh_buf *b)
{
    return (struct wh_str){b->p, b->n};
}

bool wh_buf_ok(const struct wh_buf *b, struct wh_err *err)
{
    return !b->over || wh_fail(err, WH_TOO_LARGE, "");
}

void wh_buf_add(struct wh_buf *b, struct wh_str s)
{
    wh_buf_mem(b, s.p, s.n);
}

void wh_buf_mem(struct wh_buf *b, const void *p, size_t n)
{
    char *at = wh_buf_room(b, n);
    if (at && n > 0) {
        memcpy(at, p, n);
        b->n += n;
    }
}

void wh_buf_cstr(struct wh_buf *b, const char *c)
{
    wh_buf_mem(b, c, strlen(c));
}

void wh_buf_char(struct wh_buf *b, char c)
{
    wh_buf_mem(b, &c, 1);
}

void wh_buf_u64(struct wh_buf *b, uint64_t v)
{
    char digits[20]; /* of UINT64_MAX */
    size_t i = sizeof digits;
    do {
        digits[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    wh_buf_mem(b, digits + i, sizeof digits - i);
}

/* Into the room that there is, which mostly is enough; else again. */
void wh_buf_fmt(struct wh_buf *b, const char *fmt, ...)
{
    va_list ap;
    char *at = wh_buf_room(b, 0);
    if (!at) {
        return;
    }
    va_start(ap, fmt);
    int n = vsnprintf(at, b->cap - b->n + 1, fmt, ap);
    va_end(ap);
    wh_assert(n >= 0);
    if ((size_t)n > b->cap - b->n) {
        at = wh_buf_room(b, (size_t)n);
        if (!at) {
            return;
        }
        va_start(ap, fmt);
        (void)vsnprintf(at, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    b->n += (size_t)n;
}

static const char *html_entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void wh_buf_html(struct wh_buf *b, struct wh_str s)
{
    size_t from = 0;
    for (size_t i = 0; i < s.n; i++) {
        const char *entity = html_entity(s.p[i]);
        if (entity) {
            wh_buf_add(b, wh_str_sub(s, from, i - from));
            wh_buf_cstr(b, entity);
            from = i + 1;
        }
    }
    wh_buf_add(b, wh_str_sub(s, from, s.n));
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

static void add_percent(struct wh_buf *b, struct wh_str s, char also)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (is_unreserved(c) || (also != '\0' && c == also)) {
            wh_buf_char(b, c);
        } else {
            unsigned char u = (unsigned char)c;
            char esc[3] = {'%', "0123456789ABCDEF"[u >> 4],
                           "0123456789ABCDEF"[u & 15U]};
            wh_buf_mem(b, esc, sizeof esc);
        }
    }
}

void wh_buf_url(struct wh_buf *b, struct wh_str s)
{
    add_percent(b, s, '\0');
}

void wh_buf_url_path(struct wh_buf *b, struct wh_str s)
{
    add_percent(b, s, '/');
}

/* The escape of one ASCII character inside a JSON string (the forms RFC 8785
 * prescribes), or false when it stands for itself. */
static bool json_escape(struct wh_buf *b, char c)
{
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";
    const char *at = c != '\0' ? strchr(from, c) : NULL;
    if (at) {
        char esc[2] = {'\\', to[at - from]};
        wh_buf_mem(b, esc, sizeof esc);
        return true;
    }
    unsigned char u = (unsigned char)c;
    if (u < 0x20) {
        wh_buf_cstr(b, "\\u00");
        wh_buf_hex(b, &u, 1);
        return true;
    }
    return false;
}

/* Bytes at the start of s that stand for themselves in JSON: most of them. */
static size_t json_plain(struct wh_str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= 0x20 && s.p[n] < 0x7f && s.p[n] != '"' &&
           s.p[n] != '\\') {
        n++;
    }
    return n;
}

void wh_buf_json(struct wh_buf *b, struct wh_str s)
{
    wh_buf_char(b, '"');
    size_t i = 0;
    while (i < s.n) {
        size_t run = json_plain(wh_str_sub(s, i, s.n));
        if (run > 0) {
            wh_buf_mem(b, s.p + i, run);
            i += run;
            continue;
        }
        struct wh_str rest = wh_str_sub(s, i, 4);
        size_t n = wh_str_utf8_len(rest);
        if (n == 0) {
            wh_buf_cstr(b, "\xEF\xBF\xBD");
            i++;
        } else {
            if (n > 1 || !json_escape(b, rest.p[0])) {
                wh_buf_mem(b, rest.p, n);
            }
            i += n;
        }
    }
    wh_buf_char(b, '"');
}

static bool is_log_plain(struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c >= 0x7F || c == '"' || c == '\\' || c == '=') {
            return false;
        }
    }
    return s.n > 0;
}

void wh_buf_logv(struct wh_buf *b, struct wh_str s)
{
    if (is_log_plain(s)) {
        wh_buf_add(b, s);
        return;
    }
    wh_buf_char(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\') {
            wh_buf_char(b, '\\');
            wh_buf_char(b, s.p[i]);
        } else if (c < 0x20 || c >= 0x7F) {
            wh_buf_cstr(b, "\\x");
            wh_buf_hex(b, &c, 1);
        } else {
            wh_buf_char(b, s.p[i]);
        }
    }
    wh_buf_char(b, '"');
}

/* The n lowest bytes of v, in one order or the other. */
static void add_le(struct wh_buf *b, uint64_t v, size_t n)
{
    unsigned char raw[8];
    for (size_t i = 0; i < n; i++) {
        raw[i] = (unsigned char)(v >> (8 * i));
    }
    wh_buf_mem(b, raw, n);
}

static void add_be(struct wh_buf *b, uint64_t v, size_t n)
{
    unsigned char raw[8];
    for (size_t i = 0; i < n; i++) {
        raw[i] = (unsigned char)(v >> (8 * (n - 1 - i)));
    }
    wh_buf_mem(b, raw, n);
}

void wh_buf_u8(struct wh_buf *b, uint8_t v)
{
    wh_buf_mem(b, &v, 1);
}

void wh_buf_u16be(struct wh_buf *b, uint16_t v)
{
    add_be(b, v, 2);
}

void wh_buf_u32le(struct wh_buf *b, uint32_t v)
{
    add_le(b, v, 4);
}

void wh_buf_u32be(struct wh_buf *b, uint32_t v)
{
    add_be(b, v, 4);
}

void wh_buf_u64le(struct wh_buf *b, uint64_t v)
{
    add_le(b, v, 8);
}

void wh_buf_u64be(struct wh_buf *b, uint64_t v)
{
    add_be(b, v, 8);
}

void wh_buf_bytes(struct wh_buf *b, struct wh_str s)
{
    if (s.n > UINT32_MAX) {
        b->over = true;
        return;
    }
    wh_buf_u32le(b, (uint32_t)s.n);
    wh_buf_add(b, s);
}

void wh_buf_hex(struct wh_buf *b, const void *p, size_t n)
{
    const unsigned char *in = p;
    for (size_t i = 0; i < n; i++) {
        wh_buf_char(b, hex_digits[in[i] >> 4]);
        wh_buf_char(b, hex_digits[in[i] & 15U]);
    }
}

/* Three bytes make four digits; a short last group is padded or cut. */
static void add_base64(struct wh_buf *b, const unsigned char *in, size_t n,
                       const char *alphabet, bool pad)
{
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        uint32_t v = (uint32_t)in[i] << 16;
        v |= have > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        v |= have > 2 ? (uint32_t)in[i + 2] : 0;
        char out[4] = {alphabet[v >> 18], alphabet[v >> 12 & 63U],
                       have > 1 ? alphabet[v >> 6 & 63U] : '=',
                       have > 2 ? alphabet[v & 63U] : '='};
        wh_buf_mem(b, out, pad ? 4 : have + 1);
    }
}

void wh_buf_base64(struct wh_buf *b, const void *p, size_t n)
{
    add_base64(b, p, n,
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
               "0123456789+/",
               true);
}

void wh_buf_base64url(struct wh_buf *b, const void *p, size_t n)
{
    add_base64(b, p, n,
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
               "0123456789-_",
               false);
}
