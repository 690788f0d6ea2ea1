/*
 * phrase.h - rules of word classes in order, looked for all at once: a text is
 * cut into words, each is looked up, and what a rule has seen so far is kept.
 * Owner: detect_phrases_new .. _free; read-only and shared by threads. It
 * refers to the rules, which outlive it. Each thread has a trail of its own.
 * Never: looks at a byte twice for two rules; allocates while looking.
 */
#ifndef WH_DETECT_PHRASE_H
#define WH_DETECT_PHRASE_H

#include "detect/signatures.h"

/* Longest word of a class, in bytes. */
#define DETECT_WORD_MAX 40

struct detect_phrases;
struct detect_trail;

/* Of those of n rules that are for prompts (at most DETECT_RULES_MAX). Their
 * words are of lower-case letters, digits, single blanks, hyphens and
 * apostrophes, and begin with a letter or a digit. */
struct detect_phrases *detect_phrases_new(const struct detect_rule *rules,
                                          size_t n);
void detect_phrases_free(struct detect_phrases **p);

/* Working memory of one thread, for these phrases. */
struct detect_trail *detect_trail_new(const struct detect_phrases *p);
void detect_trail_free(struct detect_trail **t);

/* Add the bit of each rule that a folded text of at most UINT32_MAX / 2 bytes
 * has: a word of each class, whole words all, a blank of a word being one to
 * three white characters, and between two words 1 to `gap` bytes without a full
 * stop, an exclamation or a question mark. */
void detect_phrases_find(const struct detect_phrases *p, struct detect_trail *t,
                         struct wh_str text, struct detect_hits *hits);

#endif
