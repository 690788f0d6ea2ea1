/*
 * json_pull.c - the reader is a small automaton: `state` says what may come
 * next, the stack says which container is open. Strings are unescaped into one
 * reused buffer; runs of plain bytes are copied at once.
 */
#include "base/json_pull.h"

#include <stdarg.h>
#include <stdio.h>

enum state {
    AT_VALUE,      /* a value must come */
    AT_FIRST_KEY,  /* a key or the end of the object */
    AT_FIRST_ELEM, /* a value or the end of the array */
    AT_SEPARATOR,  /* a comma or the end of the container */
    AT_END,        /* the outermost value is complete */
};

void wh_pull_init(struct wh_pull *j, struct wh_win *w,
                  const struct wh_pull_limits *limits, struct wh_err *err)
{
    wh_assert(limits->depth <= WH_PULL_DEPTH);
    *j = (struct wh_pull){
        .w = w, .limits = *limits, .state = AT_VALUE, .err = err};
    /* The ceiling here is only a backstop; limits.string is checked. */
    wh_buf_init(&j->text, SIZE_MAX / 2);
    for (size_t i = 0; i < WH_PULL_DEPTH; i++) {
        wh_keyset_init(&j->keys[i]);
    }
}

void wh_pull_done(struct wh_pull *j)
{
    wh_buf_done(&j->text);
    for (size_t i = 0; i < WH_PULL_DEPTH; i++) {
        wh_keyset_done(&j->keys[i]);
    }
}

void wh_pull_again(struct wh_pull *j, struct wh_win *w, struct wh_err *err)
{
    j->w = w;
    j->err = err;
    j->depth = 0;
    j->state = AT_VALUE;
    j->fault = WH_PULL_FINE;
}

struct wh_str wh_pull_text(const struct wh_pull *j)
{
    return wh_buf_str(&j->text);
}

bool wh_pull_refuse(struct wh_pull *j, enum wh_pull_fault fault,
                    const char *fmt, ...)
{
    char why[200];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    if (j->fault != WH_PULL_FINE) {
        return false;
    }
    if (j->w->failed) { /* *err was filled by the source */
        j->fault = WH_PULL_SOURCE;
        return false;
    }
    j->fault = fault;
    return wh_fail(j->err, fault == WH_PULL_LIMIT ? WH_TOO_LARGE : WH_BAD_JSON,
                   "%s", why);
}

/* Next byte without taking it; -1 at the end. */
static int peek(struct wh_pull *j)
{
    const struct wh_win *w = j->w;
    return w->at < w->n || wh_win_fill(j->w) ? w->buf[w->at] : -1;
}

static int take(struct wh_pull *j)
{
    int c = peek(j);
    if (c >= 0) {
        j->w->at++;
    }
    return c;
}

static int skip_blanks(struct wh_pull *j)
{
    int c = peek(j);
    while (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
        j->w->at++;
        c = peek(j);
    }
    return c;
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool four_hex(struct wh_pull *j, uint32_t *out)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(take(j));
        if (d < 0) {
            return wh_pull_refuse(j, WH_PULL_MALFORMED, "a broken \\u escape");
        }
        v = v << 4 | (uint32_t)d;
    }
    *out = v;
    return true;
}

static void add_utf8(struct wh_buf *b, uint32_t c)
{
    if (c < 0x80) {
        wh_buf_char(b, (char)c);
    } else if (c < 0x800) {
        wh_buf_char(b, (char)(0xc0 | c >> 6));
        wh_buf_char(b, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        wh_buf_char(b, (char)(0xe0 | c >> 12));
        wh_buf_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
        wh_buf_char(b, (char)(0x80 | (c & 0x3f)));
    } else {
        wh_buf_char(b, (char)(0xf0 | c >> 18));
        wh_buf_char(b, (char)(0x80 | (c >> 12 & 0x3f)));
        wh_buf_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
        wh_buf_char(b, (char)(0x80 | (c & 0x3f)));
    }
}

static bool code_point(struct wh_pull *j, uint32_t c)
{
    if (c == 0) {
        return wh_pull_refuse(j, WH_PULL_MALFORMED, "a NUL in a string");
    }
    add_utf8(&j->text, c);
    return true;
}

/* After a backslash: the byte that c stands for. */
static bool named_escape(struct wh_pull *j, int c)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char *hit = c > 0 ? strchr(names, c) : NULL;
    if (!hit) {
        return wh_pull_refuse(j, WH_PULL_MALFORMED, "an unknown escape");
    }
    wh_buf_char(&j->text, bytes[hit - names]);
    return true;
}

/* A surrogate without its other half. */
static bool lone(struct wh_pull *j)
{
    if (!j->limits.surrogates) {
        return wh_pull_refuse(j, WH_PULL_MALFORMED,
                              "a lone surrogate in a string");
    }
    add_utf8(&j->text, 0xfffd);
    return true;
}

/* After "\u" and the first half of a pair, c: the second half, or whatever else
 * follows, which may be another first half. */
static bool pair(struct wh_pull *j, uint32_t c)
{
    while (peek(j) == '\\') {
        j->w->at++;
        if (peek(j) != 'u') {
            return lone(j) && named_escape(j, take(j));
        }
        j->w->at++;
        uint32_t next = 0;
        if (!four_hex(j, &next)) {
            return false;
        }
        if (next >= 0xdc00 && next < 0xe000) {
            add_utf8(&j->text,
                     0x10000 + ((c - 0xd800) << 10) + (next - 0xdc00));
            return true;
        }
        if (!lone(j)) {
            return false;
        }
        if (next < 0xd800 || next >= 0xe000) {
            return code_point(j, next);
        }
        c = next;
    }
    return lone(j);
}

/* After "\u": one code point, from one escape or a surrogate pair. */
static bool unicode_escape(struct wh_pull *j)
{
    uint32_t c = 0;
    if (!four_hex(j, &c)) {
        return false;
    }
    if (c >= 0xd800 && c < 0xdc00) {
        return pair(j, c);
    }
    return c >= 0xdc00 && c < 0xe000 ? lone(j) : code_point(j, c);
}

/* After a backslash. */
static bool escape(struct wh_pull *j)
{
    int c = take(j);
    return c == 'u' ? unicode_escape(j) : named_escape(j, c);
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* Is there a byte below `least` (at most 0x80) among these eight? */
static bool any_below(uint64_t eight, uint8_t least)
{
    return ((eight - EACH_BYTE * least) & ~eight & EACH_BYTE * 0x80) != 0;
}

static bool all_plain(const uint8_t *p)
{
    uint64_t eight;
    memcpy(&eight, p, sizeof eight);
    return !any_below(eight, 0x20) && !any_below(eight ^ EACH_BYTE * '"', 1) &&
           !any_below(eight ^ EACH_BYTE * '\\', 1);
}

/* Plain bytes of the window up to a quote, a backslash or a control byte. */
static void plain_run(struct wh_pull *j)
{
    const uint8_t *p = j->w->buf + j->w->at;
    size_t n = j->w->n - j->w->at, i = 0;
    while (n - i >= sizeof(uint64_t) && all_plain(p + i)) {
        i += sizeof(uint64_t);
    }
    while (i < n && p[i] != '"' && p[i] != '\\' && p[i] >= 0x20) {
        i++;
    }
    wh_buf_mem(&j->text, p, i);
    j->w->at += i;
}

/* After the opening quote. */
static bool string(struct wh_pull *j)
{
    wh_buf_reset(&j->text);
    for (;;) {
        int c = peek(j);
        if (c < 0x20) {
            return wh_pull_refuse(j, WH_PULL_MALFORMED,
                                  c < 0 ? "a string has no end"
                                        : "a control byte in a string");
        }
        if (c == '"') {
            j->w->at++;
            break;
        }
        if (c == '\\') {
            j->w->at++;
            if (!escape(j)) {
                return false;
            }
        } else {
            plain_run(j);
        }
        if (j->text.n > j->limits.string) {
            return wh_pull_refuse(j, WH_PULL_LIMIT,
                                  "a string of more than %zu bytes",
                                  j->limits.string);
        }
    }
    return wh_str_utf8_ok(wh_buf_str(&j->text)) ||
           wh_pull_refuse(j, WH_PULL_MALFORMED, "text that is not UTF-8");
}

/* Collect the digits that follow; false if there is none. */
static bool digits(struct wh_pull *j)
{
    size_t before = j->text.n;
    for (int c = peek(j); c >= '0' && c <= '9'; c = peek(j)) {
        if (j->text.n > j->limits.string) {
            return wh_pull_refuse(j, WH_PULL_LIMIT, "a number too long");
        }
        wh_buf_char(&j->text, (char)take(j));
    }
    return j->text.n > before ||
           wh_pull_refuse(j, WH_PULL_MALFORMED, "a malformed number");
}

/* Fraction and exponent, if any; *plain is cleared when there is one. */
static bool fraction(struct wh_pull *j, bool *plain)
{
    int c = peek(j);
    if (c == '.') {
        *plain = false;
        wh_buf_char(&j->text, (char)take(j));
        if (!digits(j)) {
            return false;
        }
        c = peek(j);
    }
    if (c == 'e' || c == 'E') {
        *plain = false;
        wh_buf_char(&j->text, (char)take(j));
        c = peek(j);
        if (c == '+' || c == '-') {
            wh_buf_char(&j->text, (char)take(j));
        }
        return digits(j);
    }
    return true;
}

static bool number(struct wh_pull *j, enum wh_pull_token *out)
{
    bool plain = true;
    wh_buf_reset(&j->text);
    if (peek(j) == '-') {
        plain = false;
        wh_buf_char(&j->text, (char)take(j));
    }
    size_t start = j->text.n;
    if (!digits(j)) {
        return false;
    }
    if (j->text.n - start > 1 && j->text.p[start] == '0') {
        return wh_pull_refuse(j, WH_PULL_MALFORMED,
                              "a number with a leading zero");
    }
    if (!fraction(j, &plain)) {
        return false;
    }
    if (plain && wh_str_u64(wh_buf_str(&j->text), &j->integer)) {
        *out = WH_PULL_INT;
        return true;
    }
    *out = WH_PULL_REAL;
    return !j->limits.integers ||
           wh_pull_refuse(j, WH_PULL_MALFORMED,
                          "a number that is no integer from 0 to 2^64-1");
}

static bool word(struct wh_pull *j, const char *text)
{
    for (; *text; text++) {
        if (take(j) != *text) {
            return wh_pull_refuse(j, WH_PULL_MALFORMED, "an unknown word");
        }
    }
    return true;
}

static bool open_container(struct wh_pull *j, bool array)
{
    if (j->depth == j->limits.depth) {
        return wh_pull_refuse(j, WH_PULL_LIMIT, "nested deeper than %u",
                              j->limits.depth);
    }
    j->array[j->depth] = array;
    if (!array) {
        wh_keyset_clear(&j->keys[j->depth]);
    }
    j->depth++;
    j->state = array ? AT_FIRST_ELEM : AT_FIRST_KEY;
    return true;
}

static void after_value(struct wh_pull *j)
{
    j->state = j->depth == 0 ? AT_END : AT_SEPARATOR;
}

static bool scalar(struct wh_pull *j, int c, enum wh_pull_token *out)
{
    bool ok;
    switch (c) {
    case '"':
        j->w->at++;
        *out = WH_PULL_STRING;
        ok = string(j);
        break;
    case 't':
        *out = WH_PULL_TRUE;
        ok = word(j, "true");
        break;
    case 'f':
        *out = WH_PULL_FALSE;
        ok = word(j, "false");
        break;
    case 'n':
        *out = WH_PULL_NULL;
        ok = word(j, "null");
        break;
    default:
        ok = number(j, out);
        break;
    }
    after_value(j);
    return ok;
}

static bool value(struct wh_pull *j, int c, enum wh_pull_token *out)
{
    if (c == '{' || c == '[') {
        j->w->at++;
        *out = c == '{' ? WH_PULL_OBJECT : WH_PULL_ARRAY;
        return open_container(j, c == '[');
    }
    return scalar(j, c, out);
}

static bool key(struct wh_pull *j, int c, enum wh_pull_token *out)
{
    if (c != '"') {
        return wh_pull_refuse(j, WH_PULL_MALFORMED, "a key was expected");
    }
    j->w->at++;
    if (!string(j)) {
        return false;
    }
    struct wh_keyset *seen = &j->keys[j->depth - 1];
    if (seen->n >= j->limits.keys) {
        return wh_pull_refuse(j, WH_PULL_LIMIT,
                              "more than %zu keys in one object",
                              j->limits.keys);
    }
    if (!wh_keyset_add(seen, wh_buf_str(&j->text))) {
        return wh_pull_refuse(j, WH_PULL_DUPLICATE,
                              "a key stands twice in one object");
    }
    if (skip_blanks(j) != ':') {
        return wh_pull_refuse(j, WH_PULL_MALFORMED,
                              "a colon was expected after a key");
    }
    j->w->at++;
    j->state = AT_VALUE;
    *out = WH_PULL_KEY;
    return true;
}

static bool close_container(struct wh_pull *j, int c, enum wh_pull_token *out)
{
    bool array = j->array[j->depth - 1];
    if (c != (array ? ']' : '}')) {
        return wh_pull_refuse(j, WH_PULL_MALFORMED,
                              "a comma or the end of the %s was expected",
                              array ? "array" : "object");
    }
    j->w->at++;
    j->depth--;
    *out = array ? WH_PULL_ARRAY_END : WH_PULL_OBJECT_END;
    after_value(j);
    return true;
}

/* Between two elements: take the comma and what follows it. */
static bool separator(struct wh_pull *j, int c, enum wh_pull_token *out)
{
    if (c != ',') {
        return close_container(j, c, out);
    }
    j->w->at++;
    c = skip_blanks(j);
    j->at = wh_win_offset(j->w);
    return j->array[j->depth - 1] ? value(j, c, out) : key(j, c, out);
}

bool wh_pull_next(struct wh_pull *j, enum wh_pull_token *out)
{
    if (j->fault != WH_PULL_FINE) {
        return false;
    }
    if (j->state == AT_END) {
        *out = WH_PULL_END;
        return true;
    }
    int c = skip_blanks(j);
    j->at = wh_win_offset(j->w);
    if (c < 0) {
        return wh_pull_refuse(j, WH_PULL_MALFORMED, "the text ends too early");
    }
    switch ((enum state)j->state) {
    case AT_FIRST_KEY:
        return c == '}' ? close_container(j, c, out) : key(j, c, out);
    case AT_FIRST_ELEM:
        return c == ']' ? close_container(j, c, out) : value(j, c, out);
    case AT_SEPARATOR:
        return separator(j, c, out);
    case AT_VALUE:
    case AT_END:
        break;
    }
    return value(j, c, out);
}

bool wh_pull_want(struct wh_pull *j, enum wh_pull_token want, const char *what)
{
    enum wh_pull_token got;
    if (!wh_pull_next(j, &got)) {
        return false;
    }
    return got == want ||
           wh_pull_refuse(j, WH_PULL_MALFORMED, "%s was expected", what);
}

bool wh_pull_skip(struct wh_pull *j, enum wh_pull_token first)
{
    enum wh_pull_token t = first;
    if (first != WH_PULL_OBJECT && first != WH_PULL_ARRAY) {
        return true;
    }
    /* Ends: every turn takes a byte of the window or fails. */
    for (unsigned outer = j->depth - 1; j->depth > outer;) {
        if (!wh_pull_next(j, &t)) {
            return false;
        }
    }
    return true;
}
