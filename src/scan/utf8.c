/*
 * utf8.c - see utf8.h. Pieces are cut at character boundaries and handed to
 * the one validator of base.
 */
#include "scan/utf8.h"

/* Bytes of the character that this byte starts; 1 for anything else, so that
 * the validator sees and refuses it. */
static size_t length(uint8_t c)
{
    return c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* Tab, line feed, form feed and carriage return are the control bytes of text
 * files; escape is let through because logs and demos carry colours. */
static bool control(uint8_t c)
{
    return (c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' &&
            c != 0x1b) ||
           c == 0x7f;
}

static bool good(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (control(p[i])) {
            return false;
        }
    }
    return wh_str_utf8_ok(wh_str_mem(p, n));
}

/* Bytes at the end of p that begin a character without ending it. */
static size_t open_tail(const uint8_t *p, size_t n)
{
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        uint8_t c = p[n - back];
        if (c >= 0xc0) {
            return length(c) > back ? back : 0;
        }
        if (c < 0x80) {
            return 0;
        }
    }
    return 0;
}

bool scan_utf8_add(struct scan_utf8 *u, const uint8_t *p, size_t n)
{
    while (!u->bad && u->ncut > 0 && n > 0) {
        u->cut[u->ncut++] = *p++;
        n--;
        if (u->ncut == length(u->cut[0])) {
            u->bad = !good(u->cut, u->ncut);
            u->ncut = 0;
        }
    }
    if (u->bad || n == 0) {
        return !u->bad;
    }
    size_t tail = open_tail(p, n);
    u->bad = !good(p, n - tail);
    memcpy(u->cut, p + n - tail, tail);
    u->ncut = tail;
    return !u->bad;
}

bool scan_utf8_end(const struct scan_utf8 *u)
{
    return !u->bad && u->ncut == 0;
}
