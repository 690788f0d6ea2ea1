/*
 * corpus.h - rows of the data files (JSON lines, gzip or not) for training and
 * measuring.
 * Owner: everything lies in the caller's arena.
 * Never: used while serving; prints a row.
 */
#ifndef WH_DETECT_CORPUS_H
#define WH_DETECT_CORPUS_H

#include "base/arena.h"

#define DETECT_CORPUS_SOURCES 128
#define DETECT_FOLDS 4

struct detect_row {
    struct wh_str text;
    struct wh_str source, family;
    uint64_t cluster; /* hash of its name */
    bool attack;
    bool harm;     /* asks plainly for harm: no hijack, and not ordinary */
    bool fragment; /* only a piece: put behind an honest request */
    bool made;     /* joined from other rows by detect_corpus_finish */
};

struct detect_corpus {
    struct wh_arena *arena;
    struct detect_row *row;
    size_t n, cap;
    uint64_t *seen; /* hashes of the rows' ids */
};

/* An empty corpus in the arena. */
void detect_corpus_init(struct detect_corpus *c, struct wh_arena *arena);
/* Add all rows of a file whose id is new; several turns are joined by a line's
 * end. Fails with WH_NOT_FOUND, or
 * WH_BAD_JSON or WH_BAD_REQUEST naming the line. */
bool detect_corpus_read(struct detect_corpus *c, const char *path,
                        struct wh_err *err) WH_CHECK;
/* Which fold a row is in: whole clusters are in one. */
unsigned detect_row_fold(const struct detect_row *r);
/* Put fragments behind honest requests, and add long honest texts made of two
 * to eight rows of one source (source and family keep their names, `made` is
 * set), so that length alone tells nothing. What is put together comes from one
 * fold, so that no text is both learnt and judged. Same rows, same result. */
void detect_corpus_finish(struct detect_corpus *c);
/* In which segment of traffic a family of honest rows lies. */
const char *detect_corpus_segment(struct wh_str family);

#endif
