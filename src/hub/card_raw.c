/*
 * Raw HTML in cards. Publishers like to centre their logos with it; what is
 * worth keeping of that is its text and its line breaks. A byte at a time,
 * since md4c hands HTML over in lines.
 */
#include "hub/card_raw.h"

enum { REFERENCE_MAX = 32 };

/* The name of a tag is complete: a line break is kept, and the contents of
 * what is not text are left out. */
static void named(struct hub_card_raw *r)
{
    struct wh_str name = wh_str_mem(r->name, r->name_n);
    struct wh_str skip = wh_str_of(r->skip);

    if (skip.n > 0) {
        if (name.n == skip.n + 1 && name.p[0] == '/' &&
            wh_str_eq(wh_str_sub(name, 1, name.n), skip)) {
            r->skip[0] = '\0';
        }
    } else if (wh_str_is(name, "br")) {
        wh_buf_cstr(r->out, r->line_break);
    } else if (r->block &&
               (wh_str_is(name, "script") || wh_str_is(name, "style"))) {
        memcpy(r->skip, name.p, name.n);
        r->skip[name.n] = '\0';
    }
    r->name_n = SIZE_MAX; /* the rest of the tag is attributes */
}

/* "<" that begins no tag is text. */
static bool not_tag(struct hub_card_raw *r, char ch)
{
    bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');

    if (r->name_n > 0 || letter || strchr("/!?", ch)) {
        return false;
    }
    r->state = HUB_CARD_RAW_TEXT;
    if (r->skip[0] == '\0') {
        wh_buf_cstr(r->out, "&lt;");
    }
    return true;
}

static void in_tag(struct hub_card_raw *r, char ch)
{
    if (r->name_n != SIZE_MAX) {
        bool end = strchr(" \t\r\n>", ch) || (ch == '/' && r->name_n > 0);
        if (end) {
            named(r);
        } else if (r->name_n + 1 < sizeof r->name) {
            r->name[r->name_n++] =
                (char)(ch >= 'A' && ch <= 'Z' ? ch - 'A' + 'a' : ch);
        }
        if (r->name_n == 3 && memcmp(r->name, "!--", 3) == 0) {
            r->state = HUB_CARD_RAW_COMMENT;
            memset(r->last, 0, sizeof r->last);
            return;
        }
    }
    if (ch == '>') {
        r->state = HUB_CARD_RAW_TEXT;
    }
}

static void in_comment(struct hub_card_raw *r, char ch)
{
    if (ch == '>' && r->last[0] == '-' && r->last[1] == '-') {
        r->state = HUB_CARD_RAW_TEXT;
    }
    r->last[0] = r->last[1];
    r->last[1] = ch;
}

static void step(struct hub_card_raw *r, char ch)
{
    if (r->state == HUB_CARD_RAW_COMMENT) {
        in_comment(r, ch);
        return;
    }
    if (r->state == HUB_CARD_RAW_TAG && !not_tag(r, ch)) {
        in_tag(r, ch);
        return;
    }
    if (ch == '<') {
        r->state = HUB_CARD_RAW_TAG;
        r->name_n = 0;
    } else if (r->skip[0] == '\0') {
        wh_buf_html(r->out, wh_str_mem(&ch, 1));
    }
}

static bool letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9');
}

/* Length of the character reference that s begins with, or 0. */
static size_t reference(struct wh_str s)
{
    size_t n = 1;

    while (n < s.n && n < REFERENCE_MAX &&
           (letter_or_digit(s.p[n]) || (n == 1 && s.p[n] == '#'))) {
        n++;
    }
    return s.p[0] == '&' && n > 1 && n < s.n && s.p[n] == ';' ? n + 1 : 0;
}

void hub_card_raw_reset(struct hub_card_raw *r)
{
    r->state = HUB_CARD_RAW_TEXT;
    r->skip[0] = '\0';
}

void hub_card_raw(struct hub_card_raw *r, struct wh_buf *out, struct wh_str s,
                  const char *line_break)
{
    r->out = out;
    r->line_break = line_break;
    for (size_t i = 0; i < s.n; i++) {
        size_t n = 0;
        if (r->state == HUB_CARD_RAW_TEXT && r->skip[0] == '\0') {
            n = reference(wh_str_sub(s, i, s.n));
        }
        if (n > 0) {
            wh_buf_add(r->out, wh_str_sub(s, i, n));
            i += n - 1;
        } else {
            step(r, s.p[i]);
        }
    }
}
