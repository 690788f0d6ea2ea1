/*
 * finding.c - the table of findings and the list a scan fills.
 *
 * The list has a fixed size: a hostile file must not choose how much we write
 * about it. What is left out is counted, and dangers are counted in full.
 */
#include "scan/finding.h"

#include <stdarg.h>
#include <stdio.h>

static const struct scan_finding_row rows[] = {
#define SCAN_F(id, text, severity, words) {text, SCAN_##severity, words},
#include "scan/findings.tbl"
#undef SCAN_F
};

static const char *const severities[] = {
    [SCAN_NOTE] = "note", [SCAN_WARN] = "warn", [SCAN_DANGER] = "danger"};

const struct scan_finding_row *scan_finding_row(enum scan_finding_id id)
{
    wh_assert((size_t)id < SCAN_F_COUNT);
    return &rows[id];
}

const char *scan_severity_name(enum scan_severity s)
{
    wh_assert((size_t)s < sizeof severities / sizeof severities[0]);
    return severities[s];
}

void scan_findings_init(struct scan_findings *f, struct wh_arena *a)
{
    *f = (struct scan_findings){.a = a};
    f->list = wh_arena_array(a, SCAN_FINDINGS_MAX, sizeof *f->list);
}

/* Count it; the place to fill, or null when the list is full. */
static struct scan_finding *next(struct scan_findings *f,
                                 enum scan_finding_id id, uint64_t at)
{
    enum scan_severity severity = scan_finding_row(id)->severity;
    if (severity == SCAN_DANGER) {
        f->dangers++;
    }
    if (f->n == SCAN_FINDINGS_MAX) {
        f->left_out++;
        return NULL;
    }
    struct scan_finding *it = &f->list[f->n++];
    *it = (struct scan_finding){.id = id, .severity = severity, .at = at};
    return it;
}

void scan_findings_note(struct scan_findings *f, enum scan_finding_id id,
                        uint64_t at)
{
    struct scan_finding *it = next(f, id, at);
    if (it) {
        it->why = wh_str_of(scan_finding_row(id)->words);
    }
}

void scan_findings_add(struct scan_findings *f, enum scan_finding_id id,
                       uint64_t at, const char *fmt, ...)
{
    struct scan_finding *it = next(f, id, at);
    if (!it) {
        return;
    }
    char text[SCAN_WHY_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    size_t len = n < 0 ? 0 : (size_t)n;
    if (len >= sizeof text) {
        len = sizeof text - 1;
    }
    it->why = wh_arena_dup(f->a, wh_str_mem(text, len));
}

bool scan_findings_has(const struct scan_findings *f, enum scan_finding_id id)
{
    for (size_t i = 0; i < f->n; i++) {
        if (f->list[i].id == id) {
            return true;
        }
    }
    return false;
}

bool scan_is_word(struct wh_str s)
{
    enum { MAX = 64 };
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = c >= '0' && c <= '9';
        if (!letter && !digit && c != '.' && c != '_' && c != '-' && c != '/') {
            return false;
        }
    }
    return s.n > 0 && s.n <= MAX;
}

const char *scan_quote(struct wh_arena *a, struct wh_str s)
{
    enum { MAX = 60 };
    size_t n = s.n > MAX ? MAX : s.n;
    char *out = wh_arena_alloc(a, n + 6);
    char *w = out;
    *w++ = '\'';
    for (size_t i = 0; i < n; i++) {
        char c = s.p[i];
        *w++ = c >= ' ' && c <= '~' ? c : '?';
    }
    if (n < s.n) {
        *w++ = '.';
        *w++ = '.';
        *w++ = '.';
    }
    *w++ = '\'';
    *w = '\0';
    return out;
}
