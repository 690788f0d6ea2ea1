/*
 * Unit tests of detect/phrase.h: against a matcher that tries everything, on
 * texts made of the words of a few small rules.
 */
#include "base/buf.h"
#include "base/unit.h"
#include "detect/phrase.h"

#define CLASS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct detect_rule rules[] = {
    {.prompt = true,
     .gap = 3,
     .n_seq = 2,
     .seq = {CLASS("salt", "salt and pepper", "salt's"), CLASS("grain")}},
    {.prompt = true,
     .gap = 9,
     .n_seq = 3,
     .seq = {CLASS("a", "grain", "a grain"), CLASS("salt", "an"),
             CLASS("sea-salt", "sea", "salt")}},
    {.output = true, .gap = 9, .n_seq = 2, .seq = {CLASS("a"), CLASS("a")}},
    {.prompt = true,
     .gap = DETECT_GAP_MAX,
     .n_seq = 4,
     .seq = {CLASS("a"), CLASS("a", "an"), CLASS("a", "sea'"), CLASS("salt")}},
};
#define RULES (sizeof(rules) / sizeof(*rules))

/* ---- the matcher that tries everything ---- */

static bool in_word(struct wh_str s, size_t i)
{
    return i < s.n && s.p[i] != '\0' &&
           strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                  "0123456789_",
                  s.p[i]) != NULL;
}

static bool edge(struct wh_str s, size_t i)
{
    return (i > 0 && in_word(s, i - 1)) != in_word(s, i);
}

/* The end of a word at `at`, or 0; with single blanks there is only one. */
static size_t end_of(const char *word, struct wh_str s, size_t at)
{
    for (size_t i = at; edge(s, at); word++) {
        if (*word == '\0') {
            return edge(s, i) ? i : 0;
        }
        if (*word != ' ' && (i >= s.n || s.p[i] != *word)) {
            return 0;
        }
        size_t blanks = 0;
        while (*word == ' ' && blanks < 3 && i < s.n && s.p[i] != '\0' &&
               strchr(" \t\n\v\f\r", s.p[i])) {
            blanks++;
            i++;
        }
        if (*word == ' ' && blanks == 0) {
            return 0;
        }
        i += *word != ' ';
    }
    return 0;
}

static bool is_stop(char c)
{
    return c == '.' || c == '!' || c == '?';
}

static bool follows(const struct detect_rule *r, size_t step, struct wh_str s,
                    size_t before);

/* A word of the step at `at`, and all steps behind it. */
static bool begins(const struct detect_rule *r, size_t step, struct wh_str s,
                   size_t at)
{
    for (size_t w = 0; r->seq[step][w]; w++) {
        size_t end = end_of(r->seq[step][w], s, at);
        if (end > 0 && (step + 1 == r->n_seq || follows(r, step + 1, s, end))) {
            return true;
        }
    }
    return false;
}

static bool follows(const struct detect_rule *r, size_t step, struct wh_str s,
                    size_t before)
{
    for (size_t at = before; at < s.n && !is_stop(s.p[at]); at++) {
        if (at + 1 - before > r->gap) {
            return false;
        }
        if (begins(r, step, s, at + 1)) {
            return true;
        }
    }
    return false;
}

static bool tries_all(const struct detect_rule *r, struct wh_str s)
{
    for (size_t at = 0; r->prompt && at < s.n; at++) {
        if (begins(r, 0, s, at)) {
            return true;
        }
    }
    return false;
}

/* ---- texts ---- */

static uint64_t chance = 88172645463325252ULL;

static size_t below(size_t n)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (size_t)(chance % n);
}

static void make(struct wh_buf *b, size_t pieces)
{
    static const char *const some[] = {"a",
                                       "salt",
                                       "grain",
                                       "an",
                                       "sea",
                                       "sea-salt",
                                       "sea'",
                                       "salts",
                                       "and",
                                       "pepper",
                                       "salt's",
                                       "_",
                                       "Salt",
                                       "7",
                                       "salt and pepper",
                                       "salt  and   pepper",
                                       "a grain",
                                       "s"};
    static const char *const between[] = {" ", " ",     "  ",    "-",
                                          "'", ". ",    "\n",    "?",
                                          "",  "  \t ", ", x, ", "\xc3\xa9"};
    wh_buf_reset(b);
    for (size_t i = 0; i < pieces; i++) {
        wh_buf_cstr(b, some[below(sizeof(some) / sizeof(*some))]);
        wh_buf_cstr(b, between[below(sizeof(between) / sizeof(*between))]);
    }
}

static struct detect_phrases *phrases;
static struct detect_trail *trail;

static void finds_what_trying_all_finds(void **state)
{
    (void)state;
    struct wh_buf b;
    size_t hit[RULES] = {0}, missed[RULES] = {0};
    wh_buf_init(&b, 1 << 16);
    for (size_t i = 0; i < 20000; i++) {
        struct detect_hits h = {{0}};
        make(&b, 1 + below(12));
        detect_phrases_find(phrases, trail, wh_buf_str(&b), &h);
        for (size_t r = 0; r < RULES; r++) {
            bool want = tries_all(&rules[r], wh_buf_str(&b));
            if (detect_hits_has(&h, r) != want) {
                print_error("rule %zu: '%.*s'\n", r, (int)b.n, b.p);
                fail();
            }
            hit[r] += want;
            missed[r] += !want;
        }
    }
    for (size_t r = 0; r < RULES; r++) {
        assert_true(!rules[r].prompt || hit[r] > 100);
        assert_true(missed[r] > 100);
    }
    wh_buf_done(&b);
}

/* More ends than are kept, and then, far behind, one that counts. */
static void forgets_what_is_too_far(void **state)
{
    (void)state;
    struct wh_buf b;
    wh_buf_init(&b, 1 << 20);
    for (size_t i = 0; i < 5000; i++) {
        wh_buf_cstr(&b, "a grain\n");
    }
    for (size_t gap = 1; gap < 30; gap++) {
        struct detect_hits h = {{0}};
        size_t n = b.n;
        for (size_t i = 1; i < gap; i++) {
            wh_buf_char(&b, '-');
        }
        wh_buf_cstr(&b, "salt,sea");
        detect_phrases_find(phrases, trail, wh_buf_str(&b), &h);
        assert_int_equal(detect_hits_has(&h, 1), gap <= 9);
        assert_false(detect_hits_has(&h, 0));
        b.n = n;
    }
    wh_buf_done(&b);
}

static void nothing_comes_of_nothing(void **state)
{
    (void)state;
    struct detect_phrases *none = detect_phrases_new(NULL, 0);
    struct detect_trail *t = detect_trail_new(none);
    struct detect_hits h = {{0}}, zero = {{0}};
    detect_phrases_find(none, t, WH_S("a salt of the sea"), &h);
    detect_phrases_find(phrases, trail, WH_S(""), &h);
    assert_memory_equal(&h, &zero, sizeof(h));
    detect_trail_free(&t);
    detect_trail_free(&t);
    detect_phrases_free(&none);
    detect_phrases_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_trying_all_finds),
        cmocka_unit_test(forgets_what_is_too_far),
        cmocka_unit_test(nothing_comes_of_nothing),
    };
    phrases = detect_phrases_new(rules, RULES);
    trail = detect_trail_new(phrases);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    detect_trail_free(&trail);
    detect_phrases_free(&phrases);
    return failed;
}
