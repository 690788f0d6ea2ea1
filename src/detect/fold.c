/*
 * fold.c - Unicode for detectors. Everything below 0x80 takes a short way; the
 * rest goes character by character through libunistring's tables, which needs
 * no memory of its own.
 */
#include "detect/fold.h"
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#define REPLACEMENT 0xfffdu
/* Nested compatibility forms; the deepest of Unicode 15 is 2. */
#define FORM_DEPTH 4

struct range {
    uint32_t lo, hi;
    uint8_t what;
};

enum { INVISIBLE, BIDI, VARIATION, TAG };

/* Default-ignorable code points, and blanks that show nothing. */
static const struct range unseen[] = {
    {0x00ad, 0x00ad, INVISIBLE},   {0x034f, 0x034f, INVISIBLE},
    {0x061c, 0x061c, BIDI},        {0x115f, 0x1160, INVISIBLE},
    {0x17b4, 0x17b5, INVISIBLE},   {0x180b, 0x180f, INVISIBLE},
    {0x200b, 0x200d, INVISIBLE},   {0x200e, 0x200f, BIDI},
    {0x202a, 0x202e, BIDI},        {0x2060, 0x2065, INVISIBLE},
    {0x2066, 0x2069, BIDI},        {0x206a, 0x206f, INVISIBLE},
    {0x2800, 0x2800, INVISIBLE},   {0x3164, 0x3164, INVISIBLE},
    {0xfe00, 0xfe0f, VARIATION},   {0xfeff, 0xfeff, INVISIBLE},
    {0xffa0, 0xffa0, INVISIBLE},   {0x1bca0, 0x1bca3, INVISIBLE},
    {0x1d173, 0x1d17a, INVISIBLE}, {0xe0000, 0xe007f, TAG},
    {0xe0100, 0xe01ef, VARIATION},
};

/* Letters that look like a Latin one in ordinary type and that NFKC leaves
 * alone, after case folding; sorted. Debian packages no confusables.txt, so
 * this is the short list that matters: Cyrillic, Greek, Armenian, Cherokee and
 * a few Latin relatives. */
static const struct {
    uint16_t from;
    char to;
} alike[] = {
    {0x00f0, 'd'}, {0x00f8, 'o'}, {0x0111, 'd'}, {0x0131, 'i'}, {0x0142, 'l'},
    {0x0180, 'b'}, {0x0192, 'f'}, {0x0237, 'j'}, {0x0251, 'a'}, {0x0261, 'g'},
    {0x0269, 'i'}, {0x026a, 'i'}, {0x028f, 'y'}, {0x0299, 'b'}, {0x029c, 'h'},
    {0x029f, 'l'}, {0x03b1, 'a'}, {0x03b3, 'y'}, {0x03b5, 'e'}, {0x03b7, 'n'},
    {0x03b9, 'i'}, {0x03ba, 'k'}, {0x03bd, 'v'}, {0x03bf, 'o'}, {0x03c1, 'p'},
    {0x03c3, 'o'}, {0x03c4, 't'}, {0x03c5, 'u'}, {0x03c7, 'x'}, {0x03c9, 'w'},
    {0x03f2, 'c'}, {0x03f3, 'j'}, {0x0430, 'a'}, {0x0432, 'b'}, {0x0433, 'r'},
    {0x0435, 'e'}, {0x043a, 'k'}, {0x043c, 'm'}, {0x043d, 'h'}, {0x043e, 'o'},
    {0x0440, 'p'}, {0x0441, 'c'}, {0x0442, 't'}, {0x0443, 'y'}, {0x0445, 'x'},
    {0x0455, 's'}, {0x0456, 'i'}, {0x0458, 'j'}, {0x0475, 'v'}, {0x04bb, 'h'},
    {0x04cf, 'l'}, {0x0501, 'd'}, {0x051b, 'q'}, {0x051d, 'w'}, {0x0561, 'w'},
    {0x0563, 'q'}, {0x0566, 'q'}, {0x0570, 'h'}, {0x0575, 'j'}, {0x0578, 'n'},
    {0x057d, 'u'}, {0x0581, 'g'}, {0x0584, 'f'}, {0x0585, 'o'}, {0x1d00, 'a'},
    {0x1d04, 'c'}, {0x1d05, 'd'}, {0x1d07, 'e'}, {0x1d0a, 'j'}, {0x1d0b, 'k'},
    {0x1d0d, 'm'}, {0x1d0f, 'o'}, {0x1d18, 'p'}, {0x1d1b, 't'}, {0x1d1c, 'u'},
    {0x1d20, 'v'}, {0x1d21, 'w'}, {0x1d22, 'z'},
};

struct wh_str detect_out_str(const struct detect_out *o)
{
    return wh_str_mem(o->p, o->n);
}

void detect_out_add(struct detect_out *o, const char *p, size_t n)
{
    if (n > o->cap - o->n) {
        o->over = true;
        return;
    }
    if (n > 0) {
        memcpy(o->p + o->n, p, n);
    }
    o->n += n;
}

void detect_out_char(struct detect_out *o, char c)
{
    detect_out_add(o, &c, 1);
}

void detect_out_rune(struct detect_out *o, uint32_t c)
{
    char b[4];

    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) {
        c = REPLACEMENT;
    }
    if (c < 0x80) {
        detect_out_char(o, (char)c);
    } else if (c < 0x800) {
        b[0] = (char)(0xc0 | c >> 6);
        b[1] = (char)(0x80 | (c & 0x3f));
        detect_out_add(o, b, 2);
    } else if (c < 0x10000) {
        b[0] = (char)(0xe0 | c >> 12);
        b[1] = (char)(0x80 | (c >> 6 & 0x3f));
        b[2] = (char)(0x80 | (c & 0x3f));
        detect_out_add(o, b, 3);
    } else {
        b[0] = (char)(0xf0 | c >> 18);
        b[1] = (char)(0x80 | (c >> 12 & 0x3f));
        b[2] = (char)(0x80 | (c >> 6 & 0x3f));
        b[3] = (char)(0x80 | (c & 0x3f));
        detect_out_add(o, b, 4);
    }
}

/* Where the bytes below 0x80 that begin at `at` end. */
static size_t ascii_end(struct wh_str s, size_t at)
{
    uint64_t v;

    for (; at + 8 <= s.n; at += 8) {
        memcpy(&v, s.p + at, 8);
        v &= 0x8080808080808080ULL;
        if (v != 0) {
            return at + (size_t)__builtin_ctzll(v) / 8;
        }
    }
    while (at < s.n && (unsigned char)s.p[at] < 0x80) {
        at++;
    }
    return at;
}

bool detect_ascii(struct wh_str text)
{
    return ascii_end(text, 0) == text.n;
}

/* The character at *at, which moves on; REPLACEMENT and a count for a byte that
 * begins none. */
static uint32_t next_rune(struct wh_str s, size_t *at, uint32_t *broken)
{
    const unsigned char *p = (const unsigned char *)s.p + *at;
    size_t n = wh_str_utf8_len(wh_str_sub(s, *at, 4));

    *at += n ? n : 1;
    switch (n) {
    case 1:
        return p[0];
    case 2:
        return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    case 3:
        return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    case 4:
        return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 |
               (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
    default:
        (*broken)++;
        return REPLACEMENT;
    }
}

/* The row of a character that shows nothing, or null. */
static const struct range *unseen_of(uint32_t c)
{
    size_t i;

    for (i = 0; i < sizeof(unseen) / sizeof(*unseen); i++) {
        if (c <= unseen[i].hi) {
            return c >= unseen[i].lo ? &unseen[i] : NULL;
        }
    }
    return NULL;
}

struct clean {
    struct detect_out *out, *hidden;
    struct detect_marks *marks;
    size_t last_at;    /* where the last character begins in out */
    uint32_t last;     /* the last character, 0 for none */
    size_t selectors;  /* variation selectors in a row */
    char payload[256]; /* what they may spell */
};

static bool is_latin(uint32_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* One selector is ordinary in emoji; a row of them spells bytes. */
static void selectors_end(struct clean *k)
{
    if (k->selectors >= 4) {
        detect_out_add(k->hidden, k->payload, k->selectors);
        detect_out_char(k->hidden, ' ');
    }
    k->selectors = 0;
}

static void take_unseen(struct clean *k, const struct range *r, uint32_t c)
{
    switch (r->what) {
    case BIDI:
        k->marks->bidi++;
        break;
    case TAG:
        k->marks->tags++;
        if (c >= 0xe0020 && c <= 0xe007e) {
            detect_out_char(k->hidden, (char)(c - 0xe0000));
        }
        break;
    case VARIATION:
        k->marks->variation++;
        if (k->selectors < sizeof(k->payload)) {
            k->payload[k->selectors++] =
                (char)(unsigned char)(c >= 0xe0100 ? c - 0xe0100 + 16
                                                   : c - 0xfe00);
        }
        return;
    default:
        k->marks->invisible++;
        break;
    }
    selectors_end(k);
}

static void put(struct clean *k, uint32_t c)
{
    k->last_at = k->out->n;
    k->last = c;
    detect_out_rune(k->out, c);
}

/* A mark goes into the letter before it where Unicode has the pair; Latin
 * letters lose it. */
static void put_mark(struct clean *k, uint32_t c)
{
    uint32_t pair;

    if (is_latin(k->last)) {
        k->marks->marks++;
        return;
    }
    pair = k->last ? uc_composition(k->last, c) : 0;
    if (pair != 0) {
        k->out->n = k->last_at;
        put(k, pair);
    } else {
        detect_out_rune(k->out, c);
    }
}

static void take_rune(struct clean *k, uint32_t c, int depth)
{
    ucs4_t form[UC_DECOMPOSITION_MAX_LENGTH];
    int tag = 0, n, i;

    if (c < 0x80) {
        put(k, c);
        return;
    }
    if (uc_combining_class(c) != 0) {
        put_mark(k, c);
        return;
    }
    n = depth < FORM_DEPTH ? uc_decomposition(c, &tag, form) : -1;
    if (n <= 0) {
        put(k, c);
    } else if (tag == UC_DECOMP_CANONICAL) {
        /* Latin letters with an accent, through every layer of accents */
        ucs4_t base = form[0], inner[UC_DECOMPOSITION_MAX_LENGTH];
        for (i = 0; i < FORM_DEPTH && !is_latin(base) &&
                    uc_decomposition(base, &tag, inner) > 0;
             i++) {
            base = inner[0];
        }
        put(k, is_latin(base) || n == 1 ? base : c);
    } else {
        k->marks->compat += depth == 0;
        for (i = 0; i < n; i++) {
            take_rune(k, form[i], depth + 1);
        }
    }
}

void detect_fold_clean(struct wh_str text, struct detect_out *out,
                       struct detect_out *hidden, struct detect_marks *marks)
{
    struct clean k = {.out = out, .hidden = hidden, .marks = marks};
    size_t at = 0;

    while (at < text.n) {
        size_t end = ascii_end(text, at);
        const struct range *r;
        uint32_t c;
        if (end > at) {
            selectors_end(&k);
            detect_out_add(out, text.p + at, end - at);
            k.last = (unsigned char)text.p[end - 1];
            k.last_at = out->n > 0 ? out->n - 1 : 0;
            at = end;
            continue;
        }
        c = next_rune(text, &at, &marks->broken);
        r = unseen_of(c);
        if (r) {
            take_unseen(&k, r, c);
            continue;
        }
        selectors_end(&k);
        take_rune(&k, c, 0);
    }
    selectors_end(&k);
}

/* ---- case and look-alikes ---- */

static char alike_of(uint32_t c)
{
    size_t lo = 0, hi = sizeof(alike) / sizeof(*alike);

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (alike[mid].from == c) {
            return alike[mid].to;
        }
        if (alike[mid].from < c) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return 0;
}

static bool is_letter(uint32_t c)
{
    return c < 0x80
               ? is_latin(c)
               : c >= 0xc0 && c != REPLACEMENT && uc_is_property_alphabetic(c);
}

/* A text is mostly Latin when fewer letters than Latin ones are such that no
 * Latin letter looks like them. */
static bool mostly_latin(struct wh_str s)
{
    size_t at = 0, latin = 0, other = 0;
    uint32_t broken = 0;

    while (at < s.n) {
        uint32_t c = (unsigned char)s.p[at];
        if (c < 0x80) {
            latin += is_latin(c);
            at++;
            continue;
        }
        c = next_rune(s, &at, &broken);
        other += is_letter(c) && !alike_of(uc_tolower(c));
    }
    return latin > other;
}

/* A word has been written from `from` on. If look-alikes make it pure ASCII, do
 * so in place: it only becomes shorter. */
static void word_end(struct detect_out *o, size_t from,
                     struct detect_marks *marks, bool latin)
{
    struct wh_str word = wh_str_mem(o->p + from, o->n - from);
    size_t at = 0, to = from;
    uint32_t broken = 0, swapped = 0, other = 0;

    while (at < word.n) {
        uint32_t c = next_rune(word, &at, &broken);
        if (c >= 0x80) {
            swapped += alike_of(c) != 0;
            other += alike_of(c) == 0;
        }
    }
    if (other > 0 || swapped == 0 || !latin) {
        marks->foreign += other + swapped;
        return;
    }
    for (at = 0; at < word.n;) {
        uint32_t c = next_rune(word, &at, &broken);
        o->p[to++] = c < 0x80 ? (char)c : alike_of(c);
    }
    o->n = to;
    marks->confusables += swapped;
}

static void case_ascii(struct wh_str s, struct detect_out *o)
{
    size_t room = o->cap - o->n, n = s.n < room ? s.n : room, i;
    char *to = o->p + o->n;

    for (i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        to[i] = (char)(c + ((unsigned)(c - 'A') < 26u ? 32 : 0));
    }
    o->n += n;
    o->over = o->over || n < s.n;
}

/* A word that is being written: where it begins in out, SIZE_MAX for none. */
struct word {
    size_t from;
    bool foreign, latin;
};

static void leave_word(struct word *w, struct detect_out *out,
                       struct detect_marks *marks)
{
    if (w->from != SIZE_MAX && w->foreign) {
        word_end(out, w->from, marks, w->latin);
    }
    w->from = SIZE_MAX;
    w->foreign = false;
}

/* A run of ASCII in a text that has other characters too. */
static void case_run(struct wh_str run, struct word *w, struct detect_out *out,
                     struct detect_marks *marks)
{
    size_t head = 0, tail = run.n;

    while (head < run.n && is_latin((unsigned char)run.p[head])) {
        head++;
    }
    if (w->from == SIZE_MAX && head > 0) {
        w->from = out->n;
    }
    case_ascii(wh_str_sub(run, 0, head), out);
    if (head == run.n) {
        return;
    }
    leave_word(w, out, marks);
    while (tail > head && is_latin((unsigned char)run.p[tail - 1])) {
        tail--;
    }
    case_ascii(wh_str_sub(run, head, tail - head), out);
    if (tail < run.n) {
        w->from = out->n;
        case_ascii(wh_str_sub(run, tail, run.n - tail), out);
    }
}

void detect_fold_case(struct wh_str clean, struct detect_out *out,
                      struct detect_marks *marks)
{
    struct word w = {.from = SIZE_MAX};
    size_t at = 0;
    uint32_t broken = 0;

    if (ascii_end(clean, 0) == clean.n) {
        case_ascii(clean, out);
        return;
    }
    w.latin = mostly_latin(clean);
    while (at < clean.n) {
        size_t end = ascii_end(clean, at);
        uint32_t c;
        if (end > at) {
            case_run(wh_str_sub(clean, at, end - at), &w, out, marks);
            at = end;
            continue;
        }
        c = next_rune(clean, &at, &broken);
        if (is_letter(c)) {
            w.from = w.from == SIZE_MAX ? out->n : w.from;
            w.foreign = true;
        } else {
            leave_word(&w, out, marks);
        }
        detect_out_rune(out, uc_tolower(c));
    }
    leave_word(&w, out, marks);
}
