/*
 * alphabet.c - see alphabet.h. The tests are about proportions: a language
 * vocabulary contains tokens such as "A" or "GATT" too, but they are few.
 */
#include "scan/alphabet.h"

#define AMINO "ACDEFGHIKLMNPQRSTVWYBXZUOJ"
#define NUCLEIC "ACGTUN"
#define AMINO_LETTERS 20
#define VOCAB_MIN 4

/* <pad>, [CLS], ##, and the like say nothing about the alphabet. */
static bool special(struct wh_str t)
{
    if (t.n == 0) {
        return true;
    }
    char f = t.p[0], l = t.p[t.n - 1];
    return (f == '<' && l == '>') || (f == '[' && l == ']') ||
           (t.n == 1 && (f < 'A' || (f > 'Z' && f < 'a') || f > 'z'));
}

static bool made_of(struct wh_str t, const char *letters)
{
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] == 0 || !strchr(letters, t.p[i])) {
            return false;
        }
    }
    return t.n > 0;
}

void scan_alphabet_add(struct scan_alphabet *a, struct wh_str token)
{
    if (special(token)) {
        return;
    }
    a->tokens++;
    a->nucleic += made_of(token, NUCLEIC);
    a->amino += made_of(token, AMINO);
    if (token.n == 1 && token.p[0] >= 'A' && token.p[0] <= 'Z') {
        a->letters |= (uint32_t)1 << (token.p[0] - 'A');
    }
}

bool scan_alphabet_biological(const struct scan_alphabet *a)
{
    if (a->tokens < VOCAB_MIN) {
        return false;
    }
    /* Nine tokens in ten, in integers. */
    if (a->nucleic >= a->tokens - a->tokens / 10) {
        return true;
    }
    unsigned letters = (unsigned)__builtin_popcount(a->letters);
    return letters >= AMINO_LETTERS && a->amino >= a->tokens - a->tokens / 10;
}

bool scan_alphabet_size_fits(uint64_t vocab)
{
    enum { AMINO_MAX = 64, SPECIALS = 16, K_MAX = 8 };
    if (vocab >= VOCAB_MIN && vocab <= AMINO_MAX) {
        return true;
    }
    for (unsigned k = 3; k <= K_MAX; k++) {
        uint64_t kmers = (uint64_t)1 << (2 * k);
        if (vocab >= kmers && vocab <= kmers + SPECIALS) {
            return true;
        }
    }
    return false;
}
