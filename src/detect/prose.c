/*
 * prose.c - letters and pairs of letters in English. The tables are counts of
 * ordinary questions and prose, coarse on purpose: they need to tell a language
 * from a cipher of it, not one language from another.
 */
#include "detect/prose.h"
#include "base/err.h"
#include <math.h>

/* pair_grade[first][second]: 5 + log2(times as frequent as a chance pair). */
static const char pair_grade[26][27] = {
    "16761463605869050878564262", /* a */
    "52007000510610600531600040", /* b */
    "70417007606500700526500030", /* c */
    "60147110600323600551421040", /* d */
    "73687552503768553987365550", /* e */
    "50006400600400700504400010", /* f */
    "60006036500404500542400020", /* g */
    "81019000700102700425400030", /* h */
    "64766660004769751688160206", /* i */
    "40003000100000400000400000", /* j */
    "30006000500203200050100010", /* k */
    "72268400703730730154432060", /* l */
    "74007000600040650140500040", /* m */
    "60687381715424610068530060", /* n */
    "44554742415679660867857231", /* o */
    "60117004500620650644400020", /* p */
    "00000000000000000000500000", /* q */
    "72459361704545720576532060", /* r */
    "61517207704443751068602030", /* s */
    "71308109800432810665504050", /* t */
    "54545250401656150777000030", /* u */
    "40007000600000400000000000", /* v */
    "60006007600104600330000000", /* w */
    "20203000200000030003100000", /* x */
    "11115000300221630153000000", /* y */
    "50003000200000100000000002", /* z */
};

/* Letters in a thousand. */
static const int share[26] = {82, 15, 28, 43, 127, 22, 20, 61, 70,
                              2,  8,  40, 24, 67,  75, 19, 1,  60,
                              63, 91, 28, 10, 24,  2,  20, 1};

/* 0 to 25, or -1. */
static int letter_of(char c)
{
    unsigned v = ((unsigned)(unsigned char)c | 0x20u) - 'a';

    return v < 26 ? (int)v : -1;
}

/* Where letter i goes under a key. */
static int moved(int i, int key)
{
    return key == DETECT_PROSE_MIRROR ? 25 - i : (i + key) % 26;
}

double detect_prose_grade(struct wh_str text, size_t *pairs)
{
    uint64_t sum = 0;
    size_t n = 0, i;
    int last = -1;

    for (i = 0; i < text.n; i++) {
        int now = letter_of(text.p[i]);
        if (now >= 0 && last >= 0) {
            sum += (uint64_t)(pair_grade[last][now] - '0');
            n++;
        }
        last = now;
    }
    *pairs = n;
    return n == 0 ? 0 : (double)sum / (double)n;
}

char detect_prose_letter(char c, int key)
{
    int i = letter_of(c);

    wh_assert(key >= 0 && key <= DETECT_PROSE_MIRROR);
    if (i < 0) {
        return c;
    }
    return (char)((c & 0x20 ? 'a' : 'A') + moved(i, key));
}

int detect_prose_key(struct wh_str text)
{
    uint64_t count[26] = {0};
    double logs[26], best = -INFINITY;
    int i, key, found = 0;
    size_t at;

    for (at = 0; at < text.n; at++) {
        i = letter_of(text.p[at]);
        if (i >= 0) {
            count[i]++;
        }
    }
    for (i = 0; i < 26; i++) {
        logs[i] = log((double)share[i]);
    }
    for (key = 0; key <= DETECT_PROSE_MIRROR; key++) {
        double sum = 0;
        for (i = 0; i < 26; i++) {
            sum += (double)count[i] * logs[moved(i, key)];
        }
        if (sum > best) {
            best = sum;
            found = key;
        }
    }
    return found;
}
