/*
 * sentencepiece.c - a table of messages and their fields, and one function that
 * holds a protocol buffer against it. Source: sentencepiece_model.proto;
 * Protocol Buffers, "Encoding".
 */
#include "scan/sentencepiece.h"

#include "scan/utf8.h"

enum { PIECE_MAX = 4096, CHARSMAP_MAX = 1 << 20, STEP = 4096 };
enum wire { WIRE_VARINT = 0, WIRE_LENGTH = 2, WIRE_FIXED32 = 5 };

enum kind {
    NONE, /* no such field */
    NUMBER,
    FLOAT,
    TEXT,
    CHARSMAP, /* rules of normalisation, compiled */
    PIECE,    /* messages from here on */
    TRAINER,
    NORMALIZER,
    TESTS,
    SAMPLE,
    MODEL
};

/* Fields of each message by number. */
static const uint8_t FIELDS[MODEL + 1][64] = {
    [MODEL] = {[1] = PIECE,
               [2] = TRAINER,
               [3] = NORMALIZER,
               [4] = TESTS,
               [5] = NORMALIZER},
    [PIECE] = {[1] = TEXT, [2] = FLOAT, [3] = NUMBER},
    [TRAINER] = {[1] = TEXT,    [2] = TEXT,    [3] = NUMBER,  [4] = NUMBER,
                 [5] = TEXT,    [6] = NUMBER,  [7] = TEXT,    [10] = FLOAT,
                 [11] = NUMBER, [12] = NUMBER, [13] = NUMBER, [14] = NUMBER,
                 [15] = FLOAT,  [16] = NUMBER, [17] = NUMBER, [18] = NUMBER,
                 [19] = NUMBER, [20] = NUMBER, [21] = NUMBER, [22] = NUMBER,
                 [23] = NUMBER, [24] = NUMBER, [25] = NUMBER, [26] = NUMBER,
                 [30] = TEXT,   [31] = TEXT,   [32] = NUMBER, [33] = NUMBER,
                 [34] = NUMBER, [35] = NUMBER, [36] = TEXT,   [40] = NUMBER,
                 [41] = NUMBER, [42] = NUMBER, [43] = NUMBER, [44] = TEXT,
                 [45] = TEXT,   [46] = TEXT,   [47] = TEXT,   [48] = TEXT,
                 [49] = NUMBER, [50] = NUMBER, [51] = FLOAT,  [52] = NUMBER,
                 [53] = TEXT,   [54] = TEXT},
    [NORMALIZER] = {[1] = TEXT,
                    [2] = CHARSMAP,
                    [3] = NUMBER,
                    [4] = NUMBER,
                    [5] = NUMBER,
                    [6] = TEXT},
    [TESTS] = {[1] = SAMPLE},
    [SAMPLE] = {[1] = TEXT, [2] = TEXT},
};

static const uint8_t WIRES[] = {
    [NUMBER] = WIRE_VARINT,     [FLOAT] = WIRE_FIXED32, [TEXT] = WIRE_LENGTH,
    [CHARSMAP] = WIRE_LENGTH,   [PIECE] = WIRE_LENGTH,  [TRAINER] = WIRE_LENGTH,
    [NORMALIZER] = WIRE_LENGTH, [TESTS] = WIRE_LENGTH,  [SAMPLE] = WIRE_LENGTH,
};

/* How often the fields of the whole were seen. */
struct seen {
    uint64_t fields[6];
};

/* At most ten bytes of seven bits, in the fewest. */
static bool varint(struct wh_win *w, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t b = wh_win_u8(w);
        if (shift == 63 && b > 1) {
            return false;
        }
        *out |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            return !w->bad && (b != 0 || shift == 0);
        }
    }
    return false;
}

static bool text(struct wh_win *w, uint64_t n)
{
    struct scan_utf8 u = {0};
    uint8_t buf[STEP];

    while (n > 0) {
        size_t step = n < sizeof buf ? (size_t)n : sizeof buf;
        if (!wh_win_copy(w, buf, step) || !scan_utf8_add(&u, buf, step)) {
            return false;
        }
        n -= step;
    }
    return scan_utf8_end(&u);
}

/* A length, so many bytes of a trie in units of four, then what the characters
 * become: texts, each ended by a zero. */
static bool charsmap(struct wh_win *w, uint64_t n)
{
    struct scan_utf8 u = {0};
    uint64_t trie;

    if (n == 0) {
        return true;
    }
    if (n < 4 || n > CHARSMAP_MAX) {
        return false;
    }
    trie = wh_win_u32(w);
    if (trie > n - 4 || trie % 4 != 0 || !wh_win_skip(w, trie)) {
        return false;
    }
    for (n -= 4 + trie; n > 0; n--) {
        uint8_t b = wh_win_u8(w);
        if (b == 0 ? !scan_utf8_end(&u) : !scan_utf8_add(&u, &b, 1)) {
            return false;
        }
    }
    return !w->bad && scan_utf8_end(&u);
}

static bool message(struct wh_win *w, enum kind m, uint64_t end,
                    struct seen *seen);

static bool bytes_of(struct wh_win *w, enum kind m, enum kind k, uint64_t end)
{
    uint64_t n;

    if (!varint(w, &n) || n > end - wh_win_offset(w)) {
        return false;
    }
    switch (k) {
    case TEXT:
        return (m != PIECE || n <= PIECE_MAX) && text(w, n);
    case CHARSMAP:
        return charsmap(w, n);
    case PIECE:
    case TRAINER:
    case NORMALIZER:
    case TESTS:
    case SAMPLE:
        return message(w, k, wh_win_offset(w) + n, NULL);
    case NONE:
    case NUMBER:
    case FLOAT:
    case MODEL:
        break;
    }
    return false;
}

/* The fields of a message up to `end`. Messages nest as the table does: no
 * deeper than three. */
static bool message(struct wh_win *w, enum kind m, uint64_t end,
                    struct seen *seen)
{
    while (wh_win_offset(w) < end) {
        uint64_t tag, v;
        enum kind k;
        bool ok;

        if (!varint(w, &tag) || tag >> 3 >= sizeof FIELDS[m]) {
            return false;
        }
        k = (enum kind)FIELDS[m][tag >> 3];
        if (k == NONE || (tag & 7) != WIRES[k]) {
            return false;
        }
        ok = k == NUMBER  ? varint(w, &v)
             : k == FLOAT ? wh_win_skip(w, 4)
                          : bytes_of(w, m, k, end);
        if (!ok) {
            return false;
        }
        if (seen) {
            seen->fields[tag >> 3]++;
        }
    }
    return wh_win_offset(w) == end && !w->bad;
}

enum scan_walk scan_walk_sentencepiece(struct wh_win *w)
{
    struct seen s = {0};
    bool ok = message(w, MODEL, wh_win_left(w), &s);

    return ok && s.fields[1] > 0 && s.fields[2] == 1 && s.fields[3] <= 1 &&
                   s.fields[4] <= 1 && s.fields[5] <= 1
               ? SCAN_WALK_ENDS
               : SCAN_WALK_BROKEN;
}
