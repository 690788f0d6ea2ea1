/*
 * decode.c - the wrappings in which text is passed by detectors. One pass finds
 * out which of them are possible at all; each decoder then takes the runs that
 * decode to text, and leaves alone what does not.
 */
#include "detect/decode.h"
#include "base/err.h"
#include "detect/prose.h"

/* A decoded run shorter than this says nothing. */
#define LEAST_BYTES 8
#define LEAST_RUN64 16
#define LEAST_RUN32 24
#define LEAST_LETTERS 16
/* A segment that reads better than this is prose as it stands. */
#define READS_WELL 6.3
#define BACKWARDS_GAIN 0.7

enum {
    C64 = 1,
    C32 = 2,
    HEX = 4,
    LETTER = 8,
    DIGIT = 16,
    LEET = 32,
    BIT = 64,
    CUT = 128 /* between segments */
};

static const char *const names[DETECT_KIND_COUNT] = {
    [DETECT_KIND_PLAIN] = "plain",         [DETECT_KIND_HIDDEN] = "hidden",
    [DETECT_KIND_COLLAPSED] = "collapsed", [DETECT_KIND_BASE64] = "base64",
    [DETECT_KIND_BASE32] = "base32",       [DETECT_KIND_HEX] = "hex",
    [DETECT_KIND_ESCAPED] = "escaped",     [DETECT_KIND_ROTATED] = "rotated",
    [DETECT_KIND_REVERSED] = "reversed",   [DETECT_KIND_MORSE] = "morse",
    [DETECT_KIND_BINARY] = "binary",
};

const char *detect_kind_name(enum detect_kind kind)
{
    wh_assert(kind < DETECT_KIND_COUNT);
    return names[kind];
}

/* ---- characters ---- */

/* clang-format off */
#define UP (C64 | C32 | LETTER)
#define LOW (C64 | LETTER)
#define NUM (C64 | HEX | DIGIT)
static const uint8_t classes[256] = {
    ['G'] = UP, ['H'] = UP, ['I'] = UP, ['J'] = UP, ['K'] = UP, ['L'] = UP, ['M'] = UP, ['N'] = UP,
    ['O'] = UP, ['P'] = UP, ['Q'] = UP, ['R'] = UP, ['S'] = UP, ['T'] = UP, ['U'] = UP, ['V'] = UP,
    ['W'] = UP, ['X'] = UP, ['Y'] = UP, ['Z'] = UP,
    ['A'] = UP | HEX, ['B'] = UP | HEX, ['C'] = UP | HEX, ['D'] = UP | HEX,
    ['E'] = UP | HEX, ['F'] = UP | HEX,
    ['g'] = LOW, ['h'] = LOW, ['i'] = LOW, ['j'] = LOW, ['k'] = LOW, ['l'] = LOW, ['m'] = LOW,
    ['n'] = LOW, ['o'] = LOW, ['p'] = LOW, ['q'] = LOW, ['r'] = LOW, ['s'] = LOW, ['t'] = LOW,
    ['u'] = LOW, ['v'] = LOW, ['w'] = LOW, ['x'] = LOW, ['y'] = LOW, ['z'] = LOW,
    ['a'] = LOW | HEX, ['b'] = LOW | HEX, ['c'] = LOW | HEX, ['d'] = LOW | HEX,
    ['e'] = LOW | HEX, ['f'] = LOW | HEX,
    ['0'] = NUM | LEET | BIT, ['1'] = NUM | LEET | BIT, ['2'] = NUM | C32,
    ['3'] = NUM | C32 | LEET, ['4'] = NUM | C32 | LEET, ['5'] = NUM | C32 | LEET,
    ['6'] = NUM | C32, ['7'] = NUM | C32 | LEET, ['8'] = NUM, ['9'] = NUM,
    ['@'] = LEET, ['$'] = LEET, ['|'] = LEET,
    ['+'] = C64, ['/'] = C64, ['-'] = C64, ['_'] = C64,
    ['\n'] = CUT, ['"'] = CUT, [':'] = CUT,
};
#undef UP
#undef LOW
#undef NUM
/* clang-format on */

static uint8_t class_at(struct wh_str s, size_t i)
{
    return i < s.n ? classes[(unsigned char)s.p[i]] : 0;
}

static char at(struct wh_str s, size_t i)
{
    return i < s.n ? s.p[i] : '\0';
}

static bool word_char(struct wh_str s, size_t i)
{
    return (class_at(s, i) & (LETTER | DIGIT)) != 0;
}

/* 0 to 15, or -1. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What was decoded from `from` on reads as text: UTF-8, hardly a control
 * character. */
static bool text_like(const struct detect_out *o, size_t from)
{
    struct wh_str s = wh_str_mem(o->p + from, o->n - from);
    size_t odd = 0, i;

    if (s.n < LEAST_BYTES) {
        return false;
    }
    for (i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        odd += (c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f;
    }
    return odd * 20 <= s.n && wh_str_utf8_ok(s);
}

/* Keep what was decoded since `from` if it is text. */
static bool keep(struct detect_out *o, size_t from, size_t bytes,
                 size_t *covered)
{
    if (!text_like(o, from)) {
        o->n = from;
        return false;
    }
    detect_out_char(o, ' ');
    *covered += bytes;
    return true;
}

/* ---- hints ---- */

/* The longest row of single letters with one separator between them. */
static size_t singles_from(struct wh_str s, size_t i)
{
    char between = at(s, i + 1);
    size_t n = 0;

    if (word_char(s, i + 1) || (i > 0 && word_char(s, i - 1))) {
        return 0;
    }
    while (word_char(s, i) && !word_char(s, i + 1)) {
        n++;
        if (at(s, i + 1) != between) {
            break;
        }
        i += 2;
    }
    return n;
}

static bool escape_at(struct wh_str s, size_t i)
{
    switch (s.p[i]) {
    case '%':
        return hex_value(at(s, i + 1)) >= 0 && hex_value(at(s, i + 2)) >= 0;
    case '&':
        return at(s, i + 1) == '#' || (class_at(s, i + 1) & LETTER) != 0;
    case '\\':
        return (at(s, i + 1) == 'u' || at(s, i + 1) == 'x') &&
               (hex_value(at(s, i + 2)) >= 0 || at(s, i + 2) == '{');
    default:
        return false;
    }
}

/* Signs that announce a wrapping. */
static void hint_sign(struct wh_str s, size_t i, struct detect_hints *h)
{
    char c = s.p[i];

    if (c == '%' || c == '&' || c == '\\') {
        h->escapes += escape_at(s, i);
    } else if (c == '.') {
        h->morse += at(s, i + 1) == ' ' || at(s, i + 1) == '/';
    } else if (classes[(unsigned char)c] & LEET) {
        h->leet += (i > 0 && (class_at(s, i - 1) & LETTER)) ||
                   (class_at(s, i + 1) & LETTER);
    }
}

static void raise(uint32_t *best, size_t n)
{
    *best = n > *best ? (uint32_t)n : *best;
}

/* A token: a run of base64's alphabet, of which every encoding's is a part.
 * `all` and `any` are its characters' classes. */
static void hint_token(struct wh_str s, size_t begin, size_t n, uint8_t all,
                       uint8_t any, struct detect_hints *h)
{
    size_t i;

    raise(&h->run64, n);
    if (all & C32) {
        raise(&h->run32, n);
    }
    if (all & HEX) {
        raise(&h->run_hex, n);
        h->hex_pairs += n == 2;
    } else if (n == 4 && s.p[begin + 1] == 'x') {
        h->hex_pairs++;
    }
    if (all & BIT) {
        h->bits += (uint32_t)(n / 8);
    }
    if (n == 1 && (any & (LETTER | DIGIT))) {
        raise(&h->singles, singles_from(s, begin));
    } else if (n > 1 && (any & LEET) && (any & LETTER)) {
        for (i = begin; i < begin + n; i++) {
            h->leet += (classes[(unsigned char)s.p[i]] & LEET) != 0;
        }
    }
    if (!(any & (LETTER | DIGIT))) {
        h->morse += (at(s, begin + n) == ' ' || at(s, begin + n) == '/') &&
                    s.p[begin + n - 1] == '-';
    }
}

/* Cut the next segment off: a cipher seldom runs across a line, a quotation
 * mark or a colon. */
static struct wh_str segment(struct wh_str *rest)
{
    size_t i = 0;
    struct wh_str head;

    while (i < rest->n && !(classes[(unsigned char)rest->p[i]] & CUT)) {
        i++;
    }
    head = wh_str_sub(*rest, 0, i);
    *rest = wh_str_sub(*rest, i + 1, rest->n);
    return head;
}

void detect_hints_of(struct wh_str s, struct detect_hints *h)
{
    struct wh_str rest = s;
    size_t i = 0, pairs;

    *h = (struct detect_hints){0};
    while (i < s.n) {
        uint8_t c = classes[(unsigned char)s.p[i]], all = c, any = 0;
        size_t begin = i;
        if ((c & C64) == 0) {
            hint_sign(s, i, h);
            i++;
            continue;
        }
        for (; c & C64; c = ++i < s.n ? classes[(unsigned char)s.p[i]] : 0) {
            all &= c;
            any |= c;
            h->letters += (c & LETTER) != 0;
        }
        hint_token(s, begin, i - begin, all, any, h);
    }
    while (rest.n > 0) {
        struct wh_str part = segment(&rest);
        if (part.n > LEAST_LETTERS &&
            detect_prose_grade(part, &pairs) < READS_WELL &&
            pairs >= LEAST_LETTERS) {
            size_t from = (size_t)(part.p - s.p);
            h->odd = h->odd_end == 0 ? (uint32_t)from : h->odd;
            h->odd_end = (uint32_t)(from + part.n);
        }
    }
}

/* ---- runs of an alphabet ---- */

static int value64(char c)
{
    switch (c) {
    case '+':
    case '-':
        return 62;
    case '/':
    case '_':
        return 63;
    default:
        break;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c >= 'a' ? c - 'a' + 26 : c - 'A';
}

static int value32(char c)
{
    return c >= 'A' ? c - 'A' : c - '2' + 26;
}

/* Decode a run of an alphabet with `width` bits a character. */
static void unpack(struct wh_str run, unsigned width, int (*value)(char),
                   struct detect_out *out)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t i;

    for (i = 0; i < run.n; i++) {
        bits = bits << width | (uint32_t)value(run.p[i]);
        have += width;
        if (have >= 8) {
            have -= 8;
            detect_out_char(out, (char)(unsigned char)(bits >> have & 0xff));
        }
    }
}

static bool decode_runs(struct wh_str s, uint8_t alphabet, size_t least,
                        unsigned width, int (*value)(char),
                        struct detect_out *out, size_t *covered)
{
    size_t i = 0, last_end = 0;
    bool any = false, wide = false;

    while (i < s.n) {
        size_t begin = i, from = out->n;
        for (; i < s.n && (class_at(s, i) & alphabet); i++) {
        }
        if (i - begin >= least) {
            /* lines of one wrapped run belong together */
            if (wide && begin - last_end <= 2 && out->n > 0) {
                out->n--;
                from = out->n;
            }
            unpack(wh_str_sub(s, begin, i - begin), width, value, out);
            wide = keep(out, from, i - begin, covered) && i - begin >= 60;
            any = any || out->n > from;
        }
        last_end = i;
        i++;
    }
    return any;
}

/* One byte written as two hex digits, "0x" or "\x" allowed before it; moves *i
 * on. */
static int hex_pair(struct wh_str s, size_t *i)
{
    size_t p = *i;
    int hi, lo;

    if (at(s, p + 1) == 'x' && (at(s, p) == '0' || at(s, p) == '\\')) {
        p += 2;
    }
    hi = hex_value(at(s, p));
    lo = hex_value(at(s, p + 1));
    if (hi < 0 || lo < 0) {
        return -1;
    }
    *i = p + 2;
    return hi * 16 + lo;
}

static bool separator(char c)
{
    return c == ' ' || c == ',' || c == ':' || c == '-';
}

/* Pairs of hex digits, close together or one separator apart. */
static bool decode_hex(struct wh_str s, struct detect_out *out, size_t *covered)
{
    bool any = false;
    size_t i = 0;

    while (i < s.n) {
        size_t begin = i, from = out->n, next = i;
        int v;
        if (i > 0 && word_char(s, i - 1)) {
            i++;
            continue;
        }
        while ((v = hex_pair(s, &next)) >= 0) {
            detect_out_char(out, (char)(unsigned char)v);
            i = next;
            next += separator(at(s, next)) ? 1 : 0;
        }
        if (i == begin) {
            i++;
        } else if (word_char(s, i)) {
            out->n = from; /* an odd digit, or a word that began like hex */
        } else {
            any = keep(out, from, i - begin, covered) || any;
        }
    }
    return any;
}

static bool decode_bits(struct wh_str s, struct detect_out *out,
                        size_t *covered)
{
    bool any = false;
    size_t i = 0;

    while (i < s.n) {
        size_t begin = i, from = out->n;
        unsigned v = 1;
        for (; (class_at(s, i) & BIT) || (at(s, i) == ' ' && i > begin); i++) {
            if (s.p[i] == ' ') {
                continue;
            }
            v = v << 1 | (s.p[i] == '1');
            if (v & 0x100) {
                detect_out_char(out, (char)(unsigned char)(v & 0xff));
                v = 1;
            }
        }
        if (i > begin) {
            any = keep(out, from, i - begin, covered) || any;
        } else {
            i++;
        }
    }
    return any;
}

/* ---- escapes ---- */

/* Up to `most` hex digits at *i; false when there is none. */
static bool hex_number(struct wh_str s, size_t *i, size_t most, uint32_t *out)
{
    size_t begin = *i;

    *out = 0;
    while (*i - begin < most && hex_value(at(s, *i)) >= 0) {
        *out = *out << 4 | (uint32_t)hex_value(s.p[*i]);
        (*i)++;
    }
    return *i > begin;
}

static bool entity_name(struct wh_str s, size_t *i, uint32_t *out)
{
    static const struct {
        struct wh_str name;
        char c;
    } known[] = {
        {WH_SI("&lt;"), '<'},   {WH_SI("&gt;"), '>'},    {WH_SI("&amp;"), '&'},
        {WH_SI("&quot;"), '"'}, {WH_SI("&apos;"), '\''}, {WH_SI("&nbsp;"), ' '},
    };
    size_t k;

    for (k = 0; k < sizeof(known) / sizeof(*known); k++) {
        if (wh_str_starts(wh_str_sub(s, *i, s.n), known[k].name)) {
            *i += known[k].name.n;
            *out = (uint32_t)known[k].c;
            return true;
        }
    }
    return false;
}

/* &#NN; &#xHH; &lt; and the like. */
static bool entity(struct wh_str s, size_t *i, uint32_t *out)
{
    size_t p = *i + 2, begin;

    if (at(s, *i + 1) != '#') {
        return entity_name(s, i, out);
    }
    if ((at(s, p) | 0x20) == 'x') {
        p++;
        if (!hex_number(s, &p, 6, out)) {
            return false;
        }
    } else {
        *out = 0;
        for (begin = p; p - begin < 7 && (class_at(s, p) & DIGIT); p++) {
            *out = *out * 10 + (uint32_t)(s.p[p] - '0');
        }
        if (p == begin) {
            return false;
        }
    }
    *i = p + (at(s, p) == ';');
    return true;
}

/* \uXXXX with surrogate pairs, \u{X}, \xHH. */
static bool backslash(struct wh_str s, size_t *i, uint32_t *out)
{
    size_t p = *i + 2;
    uint32_t low;

    if (at(s, *i + 1) == 'x') {
        if (!hex_number(s, &p, 2, out)) {
            return false;
        }
    } else if (at(s, *i + 1) == 'u') {
        bool brace = at(s, p) == '{';
        p += brace;
        if (!hex_number(s, &p, brace ? 6 : 4, out)) {
            return false;
        }
        p += brace && at(s, p) == '}';
        if (*out >= 0xd800 && *out < 0xdc00 && at(s, p) == '\\' &&
            at(s, p + 1) == 'u') {
            size_t q = p + 2;
            if (hex_number(s, &q, 4, &low) && low >= 0xdc00 && low < 0xe000) {
                *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
                p = q;
            }
        }
    } else {
        return false;
    }
    *i = p;
    return true;
}

static bool decode_escapes(struct wh_str s, struct detect_out *out,
                           size_t *covered)
{
    uint32_t c, n = 0;
    size_t i = 0;

    while (i < s.n) {
        size_t begin = i;
        char sign = s.p[i];
        if (sign == '%' && escape_at(s, i)) {
            i += 3;
            detect_out_char(
                out, (char)(unsigned char)(hex_value(s.p[begin + 1]) * 16 +
                                           hex_value(s.p[begin + 2])));
        } else if ((sign == '&' && entity(s, &i, &c)) ||
                   (sign == '\\' && backslash(s, &i, &c))) {
            detect_out_rune(out, c);
        } else {
            detect_out_char(out, sign);
            i++;
            continue;
        }
        n++;
        *covered += i - begin;
    }
    return n >= 4;
}

/* ---- letters ---- */

/* The part of the text outside which every segment reads like a language. */
static struct wh_str odd_of(struct wh_str text, const struct detect_hints *h)
{
    return wh_str_sub(text, h->odd, h->odd_end - h->odd);
}

/* Write the segment in its better form, if it has one. */
static bool try_rotation(struct wh_str part, double grade,
                         struct detect_out *out)
{
    size_t from = out->n, pairs, i;
    int key = detect_prose_key(part);
    double better;

    if (key == 0) {
        return false;
    }
    for (i = 0; i < part.n; i++) {
        detect_out_char(out, detect_prose_letter(part.p[i], key));
    }
    better =
        detect_prose_grade(wh_str_mem(out->p + from, out->n - from), &pairs);
    if (better < DETECT_PROSE_LIKELY || better < grade + DETECT_PROSE_GAIN) {
        out->n = from;
        return false;
    }
    return true;
}

static bool try_backwards(struct wh_str part, double grade,
                          struct detect_out *out)
{
    size_t from = out->n, pairs, i;
    double better;

    for (i = part.n; i > 0; i--) {
        detect_out_char(out, part.p[i - 1]);
    }
    better =
        detect_prose_grade(wh_str_mem(out->p + from, out->n - from), &pairs);
    if (better < DETECT_PROSE_LIKELY || better < grade + BACKWARDS_GAIN) {
        out->n = from;
        return false;
    }
    return true;
}

static bool decode_letters(struct wh_str s, bool backwards,
                           struct detect_out *out, size_t *covered)
{
    bool any = false;

    while (s.n > 0) {
        struct wh_str part = segment(&s);
        size_t pairs;
        double grade = detect_prose_grade(part, &pairs);
        if (pairs < LEAST_LETTERS || grade >= READS_WELL) {
            continue;
        }
        if (backwards ? try_backwards(part, grade, out)
                      : try_rotation(part, grade, out)) {
            detect_out_char(out, '\n');
            *covered += part.n;
            any = true;
        }
    }
    return any;
}

/* ---- Morse ---- */

/* By the bits of a sign (dot 0, dash 1) after a leading 1. */
static const char morse[64] = {
    [2] = 'e',  [3] = 't',  [4] = 'i',  [5] = 'a',  [6] = 'n',  [7] = 'm',
    [8] = 's',  [9] = 'u',  [10] = 'r', [11] = 'w', [12] = 'd', [13] = 'k',
    [14] = 'g', [15] = 'o', [16] = 'h', [17] = 'v', [18] = 'f', [20] = 'l',
    [22] = 'p', [23] = 'j', [24] = 'b', [25] = 'x', [26] = 'c', [27] = 'y',
    [28] = 'z', [29] = 'q', [32] = '5', [33] = '4', [35] = '3', [39] = '2',
    [47] = '1', [48] = '6', [56] = '7', [60] = '8', [62] = '9', [63] = '0',
};

/* One sign at *i, which moves on; 0 when there is none. */
static char morse_sign(struct wh_str s, size_t *i)
{
    unsigned v = 1;

    while (v < 64 && (at(s, *i) == '.' || at(s, *i) == '-')) {
        v = v << 1 | (s.p[*i] == '-');
        (*i)++;
    }
    return v > 1 && v < 64 && at(s, *i) != '.' && at(s, *i) != '-' ? morse[v]
                                                                   : '\0';
}

/* Signs in a row with blanks, line ends and slashes between them; a stop or a
 * dash of ordinary text is no row. */
static bool decode_morse(struct wh_str s, struct detect_out *out,
                         size_t *covered)
{
    size_t i = 0, pairs;

    while (i < s.n) {
        size_t begin = i, from = out->n, n = 0;
        char sign;
        while (i < s.n) {
            if (s.p[i] == ' ' || s.p[i] == '/' || s.p[i] == '\n') {
                if (s.p[i] == '/' || at(s, i + 1) == ' ') {
                    detect_out_char(out, ' ');
                }
                i++;
            } else if ((sign = morse_sign(s, &i)) != '\0') {
                detect_out_char(out, sign);
                n++;
            } else {
                break;
            }
        }
        if (n < LEAST_LETTERS) {
            out->n = from;
        } else {
            *covered += i - begin;
        }
        i += i < s.n && s.p[i] != '.' && s.p[i] != '-';
    }
    return *covered > 0 &&
           detect_prose_grade(detect_out_str(out), &pairs) >= 5.5;
}

/* ---- digits for letters, letters spaced out ---- */

static char leet_letter(char c)
{
    switch (c) {
    case '0':
        return 'o';
    case '1':
    case '|':
        return 'i';
    case '3':
        return 'e';
    case '4':
    case '@':
        return 'a';
    case '5':
    case '$':
        return 's';
    case '7':
        return 't';
    default:
        return c;
    }
}

/* One word of letters and leet signs; counts what it changed. */
static size_t collapse_word(struct wh_str word, struct detect_out *out)
{
    size_t letters = 0, leet = 0, i;

    for (i = 0; i < word.n; i++) {
        letters += (class_at(word, i) & LETTER) != 0;
        leet += (class_at(word, i) & LEET) != 0;
    }
    /* a number with a unit, a name with a number, are no words in disguise */
    if (letters == 0 || leet == 0 || letters + leet < word.n || word.n < 3) {
        detect_out_add(out, word.p, word.n);
        return 0;
    }
    for (i = 0; i < word.n; i++) {
        detect_out_char(out, leet_letter(word.p[i]));
    }
    return leet;
}

/* A row of single letters at i becomes a word. Returns its bytes in s. */
static size_t collapse_row(struct wh_str s, size_t i, size_t n,
                           struct detect_out *out)
{
    size_t k;

    for (k = 0; k < n; k++) {
        detect_out_char(out, leet_letter(s.p[i + 2 * k]));
    }
    return 2 * n - 1;
}

static bool decode_collapsed(struct wh_str s, struct detect_out *out,
                             size_t *covered)
{
    size_t i = 0, changed = 0;

    while (i < s.n) {
        size_t begin = i, row;
        if (!(class_at(s, i) & (LETTER | DIGIT | LEET))) {
            detect_out_char(out, s.p[i++]);
            continue;
        }
        row = word_char(s, i) ? singles_from(s, i) : 0;
        if (row >= 4) {
            i += collapse_row(s, i, row, out);
            changed += row;
            continue;
        }
        for (; class_at(s, i) & (LETTER | DIGIT | LEET); i++) {
        }
        changed += collapse_word(wh_str_sub(s, begin, i - begin), out);
    }
    *covered = changed;
    return changed >= 4;
}

bool detect_decode(enum detect_kind kind, struct wh_str text,
                   const struct detect_hints *h, struct detect_out *out,
                   size_t *covered)
{
    *covered = 0;
    switch (kind) {
    case DETECT_KIND_COLLAPSED:
        return (h->singles >= 4 ||
                (h->leet >= 4 && h->leet * 12 >= h->letters)) &&
               decode_collapsed(text, out, covered);
    case DETECT_KIND_BASE64:
        return h->run64 >= LEAST_RUN64 &&
               decode_runs(text, C64, LEAST_RUN64, 6, value64, out, covered);
    case DETECT_KIND_BASE32:
        return h->run32 >= LEAST_RUN32 &&
               decode_runs(text, C32, LEAST_RUN32, 5, value32, out, covered);
    case DETECT_KIND_HEX:
        return (h->run_hex >= 2 * LEAST_BYTES || h->hex_pairs >= LEAST_BYTES) &&
               decode_hex(text, out, covered);
    case DETECT_KIND_ESCAPED:
        return h->escapes >= 4 && decode_escapes(text, out, covered);
    case DETECT_KIND_ROTATED:
        return decode_letters(odd_of(text, h), false, out, covered);
    case DETECT_KIND_REVERSED:
        return decode_letters(odd_of(text, h), true, out, covered);
    case DETECT_KIND_MORSE:
        return h->morse >= LEAST_LETTERS && decode_morse(text, out, covered);
    case DETECT_KIND_BINARY:
        return h->bits >= LEAST_BYTES && decode_bits(text, out, covered);
    case DETECT_KIND_PLAIN:
    case DETECT_KIND_HIDDEN:
    case DETECT_KIND_COUNT:
        break;
    }
    return false;
}
