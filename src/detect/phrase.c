/*
 * phrase.c - words are found by their head, the letters and digits they begin
 * with: that is always a whole run of them in the text. A word stands for the
 * steps of rules that want it. A step that is reached leaves the place where
 * its word ends, and the next step of the rule looks for such a place before
 * its own.
 */
#include "detect/phrase.h"
#include "base/mem.h"
#include <stdlib.h>

/* Most white characters for one blank of a word. */
#define BLANKS 3
/* Ends that a next step may still want: as far back as the widest gap, and as
 * far ahead as the longest word that began before. */
#define ENDS 256
_Static_assert(DETECT_GAP_MAX + 2 * DETECT_WORD_MAX < ENDS,
               "they would not fit");

/* One class of one rule. */
struct step {
    uint16_t rule;
    bool first, last;
};

struct word {
    const char *text;
    uint16_t n, head;
    bool more; /* the next one has the same head */
    uint32_t refs, n_refs;
};

struct detect_phrases {
    const struct detect_rule *rules;
    struct step *step;
    struct word *word;
    uint16_t *ref;  /* steps, of all words */
    uint32_t *slot; /* by head: a word's index, or 0 */
    size_t n_steps, n_slots;
};

struct detect_trail {
    size_t n_steps;
    uint16_t *n;           /* of each step: how many ends */
    uint32_t (*end)[ENDS]; /* ascending */
};

enum { WORD = 1, BLANK = 2, STOP = 4 };

/* clang-format off */
static const uint8_t classes[256] = {
    ['a'] = WORD, ['b'] = WORD, ['c'] = WORD, ['d'] = WORD, ['e'] = WORD, ['f'] = WORD, ['g'] = WORD,
    ['h'] = WORD, ['i'] = WORD, ['j'] = WORD, ['k'] = WORD, ['l'] = WORD, ['m'] = WORD, ['n'] = WORD,
    ['o'] = WORD, ['p'] = WORD, ['q'] = WORD, ['r'] = WORD, ['s'] = WORD, ['t'] = WORD, ['u'] = WORD,
    ['v'] = WORD, ['w'] = WORD, ['x'] = WORD, ['y'] = WORD, ['z'] = WORD,
    ['A'] = WORD, ['B'] = WORD, ['C'] = WORD, ['D'] = WORD, ['E'] = WORD, ['F'] = WORD, ['G'] = WORD,
    ['H'] = WORD, ['I'] = WORD, ['J'] = WORD, ['K'] = WORD, ['L'] = WORD, ['M'] = WORD, ['N'] = WORD,
    ['O'] = WORD, ['P'] = WORD, ['Q'] = WORD, ['R'] = WORD, ['S'] = WORD, ['T'] = WORD, ['U'] = WORD,
    ['V'] = WORD, ['W'] = WORD, ['X'] = WORD, ['Y'] = WORD, ['Z'] = WORD,
    ['0'] = WORD, ['1'] = WORD, ['2'] = WORD, ['3'] = WORD, ['4'] = WORD, ['5'] = WORD, ['6'] = WORD,
    ['7'] = WORD, ['8'] = WORD, ['9'] = WORD, ['_'] = WORD,
    [' '] = BLANK, ['\t'] = BLANK, ['\n'] = BLANK, ['\v'] = BLANK, ['\f'] = BLANK, ['\r'] = BLANK,
    ['.'] = STOP, ['!'] = STOP, ['?'] = STOP,
};
/* clang-format on */

static uint8_t class_of(struct wh_str s, size_t i)
{
    return i < s.n ? classes[(unsigned char)s.p[i]] : 0;
}

/* ---- heads ---- */

/* The run of letters and digits at *at, which moves behind it; a hash of it. */
static size_t head_at(struct wh_str s, size_t *at)
{
    uint64_t v = 0;

    for (; class_of(s, *at) == WORD; ++*at) {
        v = (v << 5 | v >> 59) ^ (unsigned char)s.p[*at];
    }
    return (size_t)(v * 0x9e3779b97f4a7c15ULL >> 40);
}

/* The first word with this head, or null. */
static const struct word *look_up(const struct detect_phrases *p, size_t hash,
                                  const char *head, size_t n)
{
    size_t i = hash & (p->n_slots - 1);

    for (; p->slot[i] != 0; i = (i + 1) & (p->n_slots - 1)) {
        const struct word *w = &p->word[p->slot[i]];
        if (w->head == n && memcmp(w->text, head, n) == 0) {
            return w;
        }
    }
    return NULL;
}

static void keep_head(struct detect_phrases *p, size_t word, size_t hash)
{
    size_t i = hash & (p->n_slots - 1);

    while (p->slot[i] != 0) {
        i = (i + 1) & (p->n_slots - 1);
    }
    p->slot[i] = (uint32_t)word;
}

/* ---- making ---- */

/* A word that a step wants. */
struct want {
    const char *text;
    uint16_t step;
};

static int by_text(const void *a, const void *b)
{
    const struct want *x = a, *y = b;
    int order = strcmp(x->text, y->text);

    return order != 0 ? order : (int)x->step - (int)y->step;
}

static size_t count(const struct detect_rule *rules, size_t n, size_t *words)
{
    size_t steps = 0, r, i, k;

    *words = 0;
    for (r = 0; r < n; r++) {
        for (i = 0; rules[r].prompt && i < rules[r].n_seq; i++) {
            steps++;
            for (k = 0; rules[r].seq[i][k]; k++) {
                ++*words;
            }
        }
    }
    return steps;
}

static void gather(struct detect_phrases *p, size_t n, struct want *want)
{
    size_t step = 0, at = 0, r, i, k;

    for (r = 0; r < n; r++) {
        const struct detect_rule *rule = &p->rules[r];
        for (i = 0; rule->prompt && i < rule->n_seq; i++, step++) {
            p->step[step] = (struct step){.rule = (uint16_t)r,
                                          .first = i == 0,
                                          .last = i + 1 == rule->n_seq};
            for (k = 0; rule->seq[i][k]; k++) {
                want[at++] = (struct want){rule->seq[i][k], (uint16_t)step};
            }
        }
    }
}

/* What is not in a head sorts before what is: words with one head are
 * neighbours. Word 0 is none. */
static void group(struct detect_phrases *p, const struct want *want, size_t n)
{
    struct word *last = &p->word[0];
    size_t i;

    *last = (struct word){.text = ""};
    for (i = 0; i < n; i++) {
        struct wh_str text = wh_str_of(want[i].text);
        size_t head = 0, hash = head_at(text, &head);
        p->ref[i] = want[i].step;
        if (strcmp(last->text, text.p) == 0) {
            last->n_refs++;
            continue;
        }
        wh_assert(head > 0 && text.n <= DETECT_WORD_MAX);
        last->more =
            last->head == head && memcmp(last->text, text.p, head) == 0;
        if (!last->more) {
            keep_head(p, (size_t)(last + 1 - p->word), hash);
        }
        *++last = (struct word){.text = text.p,
                                .n = (uint16_t)text.n,
                                .head = (uint16_t)head,
                                .refs = (uint32_t)i,
                                .n_refs = 1};
    }
}

struct detect_phrases *detect_phrases_new(const struct detect_rule *rules,
                                          size_t n)
{
    struct detect_phrases *p = wh_alloc(sizeof(*p));
    size_t words;
    struct want *want;

    wh_assert(n <= DETECT_RULES_MAX);
    p->rules = rules;
    p->n_steps = count(rules, n, &words);
    for (p->n_slots = 64; p->n_slots < 4 * words;) {
        p->n_slots *= 2;
    }
    p->step = wh_calloc(p->n_steps + 1, sizeof(*p->step));
    p->word = wh_calloc(words + 1, sizeof(*p->word));
    p->ref = wh_calloc(words + 1, sizeof(*p->ref));
    p->slot = wh_calloc(p->n_slots, sizeof(*p->slot));
    want = wh_calloc(words + 1, sizeof(*want));
    gather(p, n, want);
    qsort(want, words, sizeof(*want), by_text);
    group(p, want, words);
    wh_free(want);
    return p;
}

void detect_phrases_free(struct detect_phrases **p)
{
    if (*p) {
        wh_free((*p)->step);
        wh_free((*p)->word);
        wh_free((*p)->ref);
        wh_free((*p)->slot);
        wh_free(*p);
        *p = NULL;
    }
}

struct detect_trail *detect_trail_new(const struct detect_phrases *p)
{
    struct detect_trail *t = wh_alloc(sizeof(*t));

    t->n_steps = p->n_steps;
    t->n = wh_calloc(p->n_steps + 1, sizeof(*t->n));
    t->end = wh_calloc(p->n_steps + 1, sizeof(*t->end));
    return t;
}

void detect_trail_free(struct detect_trail **t)
{
    if (*t) {
        wh_free((*t)->n);
        wh_free((*t)->end);
        wh_free(*t);
        *t = NULL;
    }
}

/* ---- looking ---- */

/* Where the rest of a word ends whose head ends at `at`; 0: it is not there. */
static size_t rest_of(const struct word *w, struct wh_str s, size_t at)
{
    size_t k, blanks;
    bool ends_in_word = classes[(unsigned char)w->text[w->n - 1]] == WORD;

    for (k = w->head; k < w->n; k++) {
        if (w->text[k] != ' ') {
            if (at >= s.n || s.p[at] != w->text[k]) {
                return 0;
            }
            at++;
            continue;
        }
        for (blanks = 0; blanks < BLANKS && class_of(s, at) == BLANK;
             blanks++) {
            at++;
        }
        if (blanks == 0) {
            return 0;
        }
    }
    return (class_of(s, at) == WORD) != ends_in_word ? at : 0;
}

/* Where a word was found, and the end of the sentence before it. */
struct find {
    uint32_t from, to, sentence;
};

/* Did the step end at most `gap` bytes before, in the same sentence? */
static bool reached(const struct detect_trail *t, size_t step, size_t gap,
                    const struct find *f)
{
    size_t i = t->n[step];

    while (i > 0 && t->end[step][i - 1] >= f->from) {
        i--;
    }
    return i > 0 && t->end[step][i - 1] + gap >= f->from &&
           t->end[step][i - 1] >= f->sentence;
}

/* Ends come nearly in order, and some twice. */
static void leave(struct detect_trail *t, size_t step, const struct find *f)
{
    uint32_t *end = t->end[step];
    size_t n = t->n[step], old = 0, i;

    if (n == ENDS) {
        while (end[old] + DETECT_GAP_MAX < f->from) {
            old++;
        }
        n -= old;
        memmove(end, end + old, n * sizeof(*end));
    }
    for (i = n; i > 0 && end[i - 1] > f->to; i--) {
    }
    if (i == 0 || end[i - 1] != f->to) {
        wh_assert(n < ENDS);
        memmove(end + i + 1, end + i, (n - i) * sizeof(*end));
        end[i] = f->to;
        n++;
    }
    t->n[step] = (uint16_t)n;
}

static void take(const struct detect_phrases *p, struct detect_trail *t,
                 const struct word *w, const struct find *f,
                 struct detect_hits *hits)
{
    size_t i;

    for (i = w->refs; i < w->refs + w->n_refs; i++) {
        size_t step = p->ref[i];
        const struct step *s = &p->step[step];
        if (detect_hits_has(hits, s->rule) ||
            (!s->first && !reached(t, step - 1, p->rules[s->rule].gap, f))) {
            continue;
        }
        if (s->last) {
            hits->bits[s->rule / 64] |= (uint64_t)1 << (s->rule % 64);
        } else {
            leave(t, step, f);
        }
    }
}

void detect_phrases_find(const struct detect_phrases *p, struct detect_trail *t,
                         struct wh_str text, struct detect_hits *hits)
{
    struct find f = {0};
    size_t i = 0;

    wh_assert(t->n_steps == p->n_steps && text.n <= UINT32_MAX / 2);
    memset(t->n, 0, t->n_steps * sizeof(*t->n));
    while (i < text.n) {
        uint8_t class = class_of(text, i);
        size_t from = i;
        const struct word *w;
        if (class != WORD) {
            i++;
            f.sentence = class == STOP ? (uint32_t)i : f.sentence;
            continue;
        }
        size_t hash = head_at(text, &i);
        if (i - from > DETECT_WORD_MAX) {
            continue;
        }
        for (w = look_up(p, hash, text.p + from, i - from); w;
             w = w->more ? w + 1 : NULL) {
            size_t to = rest_of(w, text, i);
            if (to > 0) {
                f.from = (uint32_t)from;
                f.to = (uint32_t)to;
                take(p, t, w, &f, hits);
            }
        }
    }
}
