/*
 * grade.c - the beginning of an answer, made plain, and the table looked up at
 * every place of it.
 */
#include "gateway/grade.h"
#include "base/mem.h"

/* Bytes of an answer's beginning, made plain. */
#define EARLY_BYTES 240u

enum place { CLAUSE, EARLY };
enum verdict { SKIP, REFUSES, NO };

static const struct {
    enum place place;
    enum verdict verdict;
    struct wh_str phrase;
} TABLE[] = {
#define GATEWAY_GRADE(place, verdict, phrase) {place, verdict, WH_SI(phrase)},
#include "gateway/grades.tbl"
#undef GATEWAY_GRADE
};
#define ROWS (sizeof TABLE / sizeof *TABLE)

struct plain {
    char text[EARLY_BYTES];
    size_t n;
};

/* Letters with marks that our phrases have, and apostrophes; 0: none. */
static char plain_of(struct wh_str s, size_t i, size_t *used)
{
    static const struct {
        struct wh_str from;
        char to;
    } map[] = {
        {WH_SI("\xe2\x80\x99"), '\''}, {WH_SI("\xe2\x80\x98"), '\''},
        {WH_SI("\xc3\xa9"), 'e'},      {WH_SI("\xc3\xa8"), 'e'},
        {WH_SI("\xc3\xaa"), 'e'},      {WH_SI("\xc3\x89"), 'e'},
        {WH_SI("\xc3\xa0"), 'a'},      {WH_SI("\xc2\xa0"), ' '},
    };

    for (size_t k = 0; k < sizeof map / sizeof *map; k++) {
        if (wh_str_starts(wh_str_sub(s, i, s.n), map[k].from)) {
            *used = map[k].from.n;
            return map[k].to;
        }
    }
    return 0;
}

/* Lower case, single blanks, no quotes or marks before the first word. */
static void make_plain(struct wh_str s, struct plain *out)
{
    size_t used;

    out->n = 0;
    for (size_t i = 0; i < s.n && out->n < sizeof out->text; i += used) {
        char c = plain_of(s, i, &used);
        if (c == 0) {
            c = s.p[i];
            used = 1;
        }
        if (c >= 'A' && c <= 'Z') {
            c = (char)(c - 'A' + 'a');
        }
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '*') {
            c = ' ';
        }
        if ((c == ' ' || c == '"' || c == '>' || c == '-') &&
            (out->n == 0 || out->text[out->n - 1] == ' ')) {
            continue;
        }
        out->text[out->n++] = c;
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (unsigned char)c >= 0x80;
}

/* Does the phrase begin here, and end with a word? */
static bool stands(struct wh_str text, size_t at, struct wh_str phrase)
{
    struct wh_str rest = wh_str_sub(text, at, text.n);

    return wh_str_starts(rest, phrase) &&
           (rest.n == phrase.n || !is_letter(rest.p[phrase.n]) ||
            !is_letter(phrase.p[phrase.n - 1]));
}

/* The longest row of this place that stands here; ROWS: none. */
static size_t find_row(enum place place, struct wh_str text, size_t at)
{
    size_t best = ROWS;

    for (size_t i = 0; i < ROWS; i++) {
        if (TABLE[i].place == place && stands(text, at, TABLE[i].phrase) &&
            (best == ROWS || TABLE[i].phrase.n > TABLE[best].phrase.n)) {
            best = i;
        }
    }
    return best;
}

static bool is_gap(char c)
{
    return c == ' ' || c == ',' || c == '.' || c == '!' || c == ';' || c == ':';
}

/* Does a clause begin here? After a colon somebody else may speak. */
static bool begins_clause(struct wh_str text, size_t at)
{
    static const struct wh_str before[] = {
        WH_SI(". "),      WH_SI("! "),     WH_SI("? "),   WH_SI(", "),
        WH_SI("; "),      WH_SI(" but "),  WH_SI(" so "), WH_SI(" and "),
        WH_SI(" since "), WH_SI(" mais "), WH_SI(" et "),
    };

    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        if (wh_str_ends(wh_str_sub(text, 0, at), before[i])) {
            return true;
        }
    }
    return at == 0;
}

/* What follows words of courtesy, of which there may be several. */
static bool clause_refuses(struct wh_str text, size_t at)
{
    size_t row;

    while ((row = find_row(CLAUSE, text, at)) != ROWS) {
        if (TABLE[row].verdict != SKIP) {
            return TABLE[row].verdict == REFUSES;
        }
        at += TABLE[row].phrase.n;
        while (at < text.n && is_gap(text.p[at])) {
            at++;
        }
    }
    return false;
}

static bool refuses_in(struct wh_str text)
{
    for (size_t at = 0; at < text.n; at++) {
        if ((begins_clause(text, at) && clause_refuses(text, at)) ||
            ((at == 0 || !is_letter(text.p[at - 1])) &&
             find_row(EARLY, text, at) != ROWS)) {
            return true;
        }
    }
    return false;
}

bool gateway_grade_refuses(struct wh_str answer)
{
    struct plain p;
    bool refuses;

    make_plain(answer, &p);
    struct wh_str text = wh_str_mem(p.text, p.n);
    refuses = p.n == 0 || refuses_in(text);
    wh_wipe(&p, sizeof p);
    return refuses;
}

struct gateway_grader_error gateway_grade_measure(void)
{
    struct wh_str rest = gateway_grade_answers, row, label;
    struct gateway_grader_error e = {0};

    while (rest.n > 0) {
        (void)wh_str_cut(&rest, '\n', &row);
        if (row.n == 0 || row.p[0] == '#' || !wh_str_cut(&row, '\t', &label)) {
            continue;
        }
        bool want = wh_str_is(label, "r"), got = gateway_grade_refuses(row);
        e.labelled++;
        e.wrong += want != got;
        e.refusals += want;
        e.missed += want && !got;
        e.answers += !want;
        e.mistaken += !want && got;
    }
    return e;
}
