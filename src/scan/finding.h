/*
 * finding.h - one thing wrong or notable in a file: id, severity, where, why.
 * Owner: the list and its texts live in the arena it was made with.
 * Never: grows over SCAN_FINDINGS_MAX entries (the last one then says how many
 * were left out).
 */
#ifndef WH_SCAN_FINDING_H
#define WH_SCAN_FINDING_H

#include "base/arena.h"
#include "base/str.h"

enum scan_severity { SCAN_NOTE, SCAN_WARN, SCAN_DANGER };

enum scan_finding_id {
#define SCAN_F(id, text, severity, words) SCAN_F_##id,
#include "scan/findings.tbl"
#undef SCAN_F
    SCAN_F_COUNT
};

#define SCAN_FINDINGS_MAX 64
#define SCAN_WHY_MAX 400

struct scan_finding {
    enum scan_finding_id id;
    enum scan_severity severity;
    uint64_t at;       /* byte offset in the file */
    struct wh_str why; /* one sentence about this file; valid UTF-8 */
};

struct scan_findings {
    struct wh_arena *a;
    struct scan_finding *list; /* room for SCAN_FINDINGS_MAX */
    size_t n, left_out, dangers;
};

/* One row of findings.tbl; all strings static. */
struct scan_finding_row {
    const char *id; /* "program.elf" */
    enum scan_severity severity;
    const char *words; /* what it means, for the report and the manual */
};

/* The row of an id; static. */
const struct scan_finding_row *scan_finding_row(enum scan_finding_id id);
/* "note", "warn", "danger"; static. */
const char *scan_severity_name(enum scan_severity s);

/* An empty list in the arena. */
void scan_findings_init(struct scan_findings *f, struct wh_arena *a);
/* Add one with the table's sentence. */
void scan_findings_note(struct scan_findings *f, enum scan_finding_id id,
                        uint64_t at);
/* Add one with a sentence of its own. Text from the file goes through
 * scan_quote. */
void scan_findings_add(struct scan_findings *f, enum scan_finding_id id,
                       uint64_t at, const char *fmt, ...) WH_PRINTF(4, 5);
/* True if the list has this id. */
bool scan_findings_has(const struct scan_findings *f, enum scan_finding_id id);
/* A name as formats use them: 1 to 64 letters, digits, '.', '_', '-', '/'. */
bool scan_is_word(struct wh_str s);
/* Foreign bytes fit to stand in a sentence: quoted, printable ASCII only, cut
 * at 60 bytes. Lives in the arena. */
const char *scan_quote(struct wh_arena *a, struct wh_str s);

#endif
