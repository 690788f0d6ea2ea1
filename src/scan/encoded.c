/*
 * encoded.c - see encoded.h.
 */
#include "scan/encoded.h"

enum kind { OTHER, LETTER, DIGIT, SIGN };

static enum kind kind_of(uint8_t c)
{
    uint8_t lower = c | 0x20;
    if (lower >= 'a' && lower <= 'z') {
        return LETTER;
    }
    if (c >= '0' && c <= '9') {
        return DIGIT;
    }
    return c == '+' || c == '/' || c == '=' || c == '-' || c == '_' ? SIGN
                                                                    : OTHER;
}

/* Digits among letters: sequences of genes have none, numbers no letters. */
static uint64_t counts(const struct scan_encoded *e)
{
    return e->run >= SCAN_ENCODED_RUN && e->digit && e->letter ? e->run : 0;
}

void scan_encoded_add(struct scan_encoded *e, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        enum kind k = kind_of(p[i]);
        if (k == OTHER) {
            e->total += counts(e);
            e->run = 0;
            e->digit = e->letter = false;
            continue;
        }
        e->run++;
        e->digit |= k == DIGIT;
        e->letter |= k == LETTER;
    }
}

uint64_t scan_encoded_total(const struct scan_encoded *e)
{
    return e->total + counts(e);
}
