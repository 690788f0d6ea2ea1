/*
 * Addresses in cards. They are judged after decoding, as a browser would see
 * them, and written again byte by byte, so that nothing but what was judged
 * reaches the page.
 */
#include "hub/card_url.h"

enum { URL_MAX = 2048 };

static void utf8_add(struct wh_buf *out, uint32_t c)
{
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        c = 0xfffd;
    }
    if (c < 0x80) {
        wh_buf_char(out, (char)c);
        return;
    }
    if (c >= 0x10000) {
        wh_buf_u8(out, (uint8_t)(0xf0 | c >> 18));
        wh_buf_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
        wh_buf_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
    } else if (c >= 0x800) {
        wh_buf_u8(out, (uint8_t)(0xe0 | c >> 12));
        wh_buf_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
    } else {
        wh_buf_u8(out, (uint8_t)(0xc0 | c >> 6));
    }
    wh_buf_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
}

/* The number of "&#123;" or "&#x7b;", 0 when it is none. */
static uint32_t reference_number(struct wh_str e)
{
    bool hex = e.n > 3 && (e.p[2] == 'x' || e.p[2] == 'X');
    uint32_t v = 0;

    for (size_t i = hex ? 3 : 2; i + 1 < e.n; i++) {
        char c = e.p[i], low = (char)(c | 0x20);
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0')
                         : hex && low >= 'a' && low <= 'f'
                             ? (uint32_t)(low - 'a' + 10)
                             : 99;
        if (digit == 99 || v > 0x10ffff) {
            return 0;
        }
        v = v * (hex ? 16 : 10) + digit;
    }
    return v;
}

bool hub_card_entity(struct wh_buf *out, struct wh_str entity)
{
    static const struct {
        const char *name;
        char c;
    } names[] = {{"&amp;", '&'},
                 {"&lt;", '<'},
                 {"&gt;", '>'},
                 {"&quot;", '"'},
                 {"&apos;", '\''}};

    if (entity.n > 2 && entity.p[1] == '#') {
        utf8_add(out, reference_number(entity));
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (wh_str_is(entity, names[i].name)) {
            wh_buf_char(out, names[i].c);
            return true;
        }
    }
    return false;
}

/* Bytes that a browser would drop or read as something else. */
static bool clean(struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < ' ' || c == 0x7f || c == '\\') {
            return false;
        }
    }
    return s.n > 0 && s.n <= URL_MAX && s.p[0] != ' ';
}

/* The word before a ':' that comes before any '/', '?' or '#'. */
static bool scheme_of(struct wh_str url, struct wh_str *scheme)
{
    for (size_t i = 0; i < url.n; i++) {
        if (url.p[i] == ':') {
            *scheme = wh_str_sub(url, 0, i);
            return true;
        }
        if (strchr("/?#", url.p[i])) {
            return false;
        }
    }
    return false;
}

static bool outside_ok(struct wh_str url, struct wh_str scheme)
{
    struct wh_str rest = wh_str_sub(url, scheme.n, url.n);

    if (wh_str_ieq(scheme, WH_S("mailto"))) {
        return rest.n > 1;
    }
    return (wh_str_ieq(scheme, WH_S("http")) ||
            wh_str_ieq(scheme, WH_S("https"))) &&
           wh_str_starts(rest, WH_S("://")) && rest.n > 3 && rest.p[3] != '/';
}

/* "." and "..", also as "%2e", which a browser takes for the same. */
static bool dots(struct wh_str segment)
{
    struct wh_str rest = segment;
    size_t n = 0;

    while (rest.n > 0) {
        size_t step = rest.p[0] == '.'                                  ? 1
                      : wh_str_ieq(wh_str_sub(rest, 0, 3), WH_S("%2e")) ? 3
                                                                        : 0;
        if (step == 0) {
            return false;
        }
        rest = wh_str_sub(rest, step, rest.n);
        n++;
    }
    return n == 1 || n == 2;
}

/* Without "./" in front; a path that climbs is none of this repo. */
static bool repo_path(struct wh_str *url)
{
    struct wh_str rest, head;
    size_t end = 0;
    bool more = true;

    while (wh_str_starts(*url, WH_S("./"))) {
        *url = wh_str_sub(*url, 2, url->n);
    }
    while (end < url->n && url->p[end] != '?' && url->p[end] != '#') {
        end++;
    }
    rest = wh_str_sub(*url, 0, end);
    while (more) {
        more = wh_str_cut(&rest, '/', &head);
        if (dots(head)) {
            return false;
        }
    }
    return end > 0;
}

/* The bytes of an address that may stand as they are; others as %XX. */
static void url_write(struct wh_buf *out, struct wh_str url)
{
    static const char plain[] = "-._~:/?#[]@!$()*+,;=%";

    for (size_t i = 0; i < url.n; i++) {
        char c = url.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '0' && c <= '9');
        if (letter || (c && strchr(plain, c))) {
            wh_buf_char(out, c);
        } else if (c == '&') {
            wh_buf_cstr(out, "&amp;");
        } else {
            wh_buf_fmt(out, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
}

enum hub_card_url hub_card_url(struct wh_buf *out, struct wh_str url,
                               struct wh_str prefix)
{
    struct wh_str scheme;

    if (!clean(url)) {
        return HUB_CARD_URL_NONE;
    }
    if (scheme_of(url, &scheme)) {
        if (!outside_ok(url, scheme)) {
            return HUB_CARD_URL_NONE;
        }
        url_write(out, url);
        return HUB_CARD_URL_OUT;
    }
    if (url.p[0] == '#') {
        wh_buf_cstr(out, "#card-");
        url_write(out, wh_str_sub(url, 1, url.n));
        return HUB_CARD_URL_HOUSE;
    }
    if (url.p[0] == '/') {
        if (url.n > 1 && url.p[1] == '/') {
            return HUB_CARD_URL_NONE;
        }
        url_write(out, url);
        return HUB_CARD_URL_HOUSE;
    }
    if (!repo_path(&url)) {
        return HUB_CARD_URL_NONE;
    }
    wh_buf_add(out, prefix);
    url_write(out, url);
    return HUB_CARD_URL_REPO;
}
