/*
 * alphabet.h - is this the vocabulary of a language model, or an alphabet of
 * biological sequences?
 * Owner: plain counters; the caller's.
 * Never: keeps a token.
 */
#ifndef WH_SCAN_ALPHABET_H
#define WH_SCAN_ALPHABET_H

#include "base/str.h"

/* Counts over the tokens of one vocabulary, special ones left out. */
struct scan_alphabet {
    uint64_t tokens;
    uint64_t nucleic; /* made of A C G T U N only */
    uint64_t amino;   /* made of the amino acid letters only */
    uint32_t letters; /* single upper-case letters seen, bit per letter */
};

/* One token, as the vocabulary spells it. */
void scan_alphabet_add(struct scan_alphabet *a, struct wh_str token);
/* True if it is an alphabet of nucleotides (or their k-mers) or of amino acids,
 * rather than of a human language. */
bool scan_alphabet_biological(const struct scan_alphabet *a);
/* A vocabulary of this many entries fits such an alphabet (20 to 33 amino
 * acids with special tokens, 4^k-mers): the tensors alone can not tell. */
bool scan_alphabet_size_fits(uint64_t vocab);

#endif
