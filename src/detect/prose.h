/*
 * prose.h - does a run of letters read like a language written in Latin
 * letters (English, in doubt), and by which rotation would it?
 * Owner: nothing is owned.
 * Never: allocates; understands anything.
 */
#ifndef WH_DETECT_PROSE_H
#define WH_DETECT_PROSE_H

#include "base/str.h"

/* Mean grade of the letter pairs inside words, 0 to 9, and their number.
 * English has about 6.9 and seldom under 6.2; the same text rotated or
 * reversed lies around 3.7 and 5.3; base64 around 2. Bytes that are no ASCII
 * letters separate words. No pair: 0. */
double detect_prose_grade(struct wh_str text, size_t *pairs);
/* From here on a text may be taken for English prose. */
#define DETECT_PROSE_LIKELY 6.0
/* How much better a decoded text must read than what it was made from. */
#define DETECT_PROSE_GAIN 1.0

/* The letter permutations that are tried: 1 to 25 are rotations by that many
 * places, DETECT_PROSE_MIRROR is a <-> z. */
#define DETECT_PROSE_MIRROR 26
/* The letter that `c` stands for, case kept; other bytes as they are. */
char detect_prose_letter(char c, int key);
/* The key by whose application the text has the letters of English most
 * nearly, 0 for as it is. */
int detect_prose_key(struct wh_str text);

#endif
