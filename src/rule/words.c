/*
 * words.c - tables between enumerators and the words of documents.
 */
#include "rule/words.h"

#include "base/err.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const part_words[] = {"source", "software", "data",
                                         "weights"};
static const char *const tier_words[] = {"held", "hosted", "gated", "open",
                                         "pass"};
static const char *const by_words[] = {"self", "contracted", "independent",
                                       "house", "authority"};
static const char *const by_people[] = {
    "the publisher itself", "somebody whom the publisher pays",
    "an independent party", "the house", "an authority"};
static const char *const three_words[] = {"no", "unknown", "yes"};
static const char *const answer_words[] = {"below", "above", "unsure"};
static const char *const state_words[] = {"used",    "missing", "malformed",
                                          "unknown", "expired", "dependent"};

static const struct rule_claim claims[] = {
#define RULE_C(name, kind, unit, words, fold, values) \
    {name, unit, words, RULE_KIND_##kind, RULE_FOLD_##fold, values},
#include "rule/claims.tbl"
#undef RULE_C
};

_Static_assert(COUNT(part_words) == RULE_PART_COUNT, "a word for each part");
_Static_assert(COUNT(tier_words) == RULE_TIER_COUNT, "a word for each tier");
_Static_assert(COUNT(by_words) == RULE_BY_COUNT, "a word for each attester");
_Static_assert(COUNT(by_people) == RULE_BY_COUNT, "words for each attester");
_Static_assert(COUNT(three_words) == RULE_THREE_COUNT, "a word for each");
_Static_assert(COUNT(answer_words) == RULE_ANSWER_COUNT, "a word for each");
_Static_assert(COUNT(state_words) == RULE_STATE_COUNT, "a word for each");

/* Index of s in words, or -1. */
static int word_find(const char *const *words, size_t n, struct wh_str s)
{
    for (size_t i = 0; i < n; i++) {
        if (wh_str_is(s, words[i])) {
            return (int)i;
        }
    }
    return -1;
}

const char *rule_part_word(enum rule_part part)
{
    wh_assert((size_t)part < COUNT(part_words));
    return part_words[part];
}

const char *rule_tier_word(enum rule_tier tier)
{
    wh_assert((size_t)tier < COUNT(tier_words));
    return tier_words[tier];
}

const char *rule_by_word(enum rule_by by)
{
    wh_assert((size_t)by < COUNT(by_words));
    return by_words[by];
}

const char *rule_three_word(enum rule_three three)
{
    wh_assert((size_t)three < COUNT(three_words));
    return three_words[three];
}

const char *rule_answer_word(enum rule_answer answer)
{
    wh_assert((size_t)answer < COUNT(answer_words));
    return answer_words[answer];
}

const char *rule_state_word(enum rule_state state)
{
    wh_assert((size_t)state < COUNT(state_words));
    return state_words[state];
}

const char *rule_by_words(enum rule_by by)
{
    wh_assert((size_t)by < COUNT(by_people));
    return by_people[by];
}

bool rule_part_of(struct wh_str s, enum rule_part *out)
{
    int i = word_find(part_words, COUNT(part_words), s);
    if (i >= 0) {
        *out = (enum rule_part)i;
    }
    return i >= 0;
}

bool rule_tier_of(struct wh_str s, enum rule_tier *out)
{
    int i = word_find(tier_words, COUNT(tier_words), s);
    if (i >= 0) {
        *out = (enum rule_tier)i;
    }
    return i >= 0;
}

bool rule_by_of(struct wh_str s, enum rule_by *out)
{
    int i = word_find(by_words, COUNT(by_words), s);
    if (i >= 0) {
        *out = (enum rule_by)i;
    }
    return i >= 0;
}

bool rule_answer_of(struct wh_str s, enum rule_answer *out)
{
    int i = word_find(answer_words, COUNT(answer_words), s);
    if (i >= 0) {
        *out = (enum rule_answer)i;
    }
    return i >= 0;
}

const struct rule_claim *rule_claim_find(struct wh_str name)
{
    for (size_t i = 0; i < COUNT(claims); i++) {
        if (wh_str_is(name, claims[i].name)) {
            return &claims[i];
        }
    }
    return NULL;
}

const struct rule_claim *rule_claim_at(size_t i)
{
    return i < COUNT(claims) ? &claims[i] : NULL;
}

struct wh_str rule_claim_value_at(const struct rule_claim *c, size_t i)
{
    struct wh_str rest = wh_str_of(c->values);
    struct wh_str word = {0};
    for (size_t k = 0; k <= i && rest.n > 0; k++) {
        (void)wh_str_cut(&rest, ' ', &word);
        if (k == i) {
            return word;
        }
    }
    return (struct wh_str){"", 0};
}

int rule_claim_value(const struct rule_claim *c, struct wh_str value)
{
    for (size_t i = 0; i < RULE_CLAIM_VALUES_MAX; i++) {
        struct wh_str v = rule_claim_value_at(c, i);
        if (v.n > 0 && wh_str_eq(v, value)) {
            return (int)i;
        }
    }
    return -1;
}

/* The two digits at s.p[at] as a number, or -1. */
static int two_digits(struct wh_str s, size_t at)
{
    char a = s.p[at];
    char b = s.p[at + 1];
    if (a < '0' || a > '9' || b < '0' || b > '9') {
        return -1;
    }
    return (a - '0') * 10 + (b - '0');
}

bool rule_time_ok(struct wh_str s)
{
    static const struct {
        size_t at;
        int min, max;
    } fields[] = {{0, 0, 99},  {2, 0, 99},  {5, 1, 12}, {8, 1, 31},
                  {11, 0, 23}, {14, 0, 59}, {17, 0, 59}};

    if (s.n != 20 || s.p[4] != '-' || s.p[7] != '-' || s.p[10] != 'T' ||
        s.p[13] != ':' || s.p[16] != ':' || s.p[19] != 'Z') {
        return false;
    }
    for (size_t i = 0; i < COUNT(fields); i++) {
        int v = two_digits(s, fields[i].at);
        if (v < fields[i].min || v > fields[i].max) {
            return false;
        }
    }
    return true;
}
