/*
 * repo_list.h - lists and search over repos, page by page.
 * Owner: results live in the caller's arena.
 * Never: shows a private repo whose owner is not in the query's `readable`;
 * does unbounded work: a page may come back short, with a cursor to go on.
 */
#ifndef WH_STORE_REPO_LIST_H
#define WH_STORE_REPO_LIST_H

#include "store/repo_names.h"

/* All descending, newest or most first; ties by id. */
enum store_sort {
    STORE_SORT_MODIFIED,
    STORE_SORT_CREATED,
    STORE_SORT_DOWNLOADS,
    STORE_SORT_LIKES,
    STORE_SORT_ID, /* order of registration */
    STORE_SORTS
};

/* A place between two rows of one order. Zero: the beginning. */
struct store_cursor {
    bool set;
    enum store_sort sort;
    int64_t key, id;
};
#define STORE_CURSOR_TEXT 48
/* The text form that travels in URLs: letter of the sort, key, id. */
void store_cursor_text(const struct store_cursor *c,
                       char out[STORE_CURSOR_TEXT]);
/* WH_BAD_REQUEST when it is not one of ours or belongs to another sort. */
bool store_cursor_parse(struct wh_str text, enum store_sort sort,
                        struct store_cursor *out, struct wh_err *err) WH_CHECK;

#define STORE_LIST_MAX 1000  /* rows of a page */
#define STORE_FILTERS_MAX 16 /* tags, and words, of one query */

struct store_repo_query {
    enum store_kind kind;
    enum store_sort sort;
    int64_t owner; /* only this account's; 0: all */
    const struct wh_str *tags;
    size_t n_tags; /* all must be there */
    const struct wh_str *words;
    size_t n_words; /* each a substring of "namespace/name", case ignored */
    struct store_names *names; /* for words; null: rare words take many pages */
    const int64_t *readable;   /* accounts whose private repos may be shown */
    size_t n_readable;
    const int64_t *leave_out; /* repos that are not to be listed, rising */
    size_t n_leave_out;
    size_t limit; /* 1..STORE_LIST_MAX */
    struct store_cursor after;
};

struct store_repo_page {
    struct store_repo *repos;
    size_t n;                 /* may be less than limit though more follow */
    struct store_cursor next; /* not set: this was the last page */
};

/* One page. WH_BAD_REQUEST for too many filters. */
bool store_repo_list(struct db *db, struct wh_arena *a,
                     const struct store_repo_query *q,
                     struct store_repo_page *out, struct wh_err *err) WH_CHECK;

struct store_tag {
    struct wh_str name;
    int64_t n; /* public repos that have it */
};
/* The most common tags of a kind, at most `limit`. */
bool store_tag_common(struct db *db, struct wh_arena *a, enum store_kind kind,
                      size_t limit, struct store_tag **out, size_t *n,
                      struct wh_err *err) WH_CHECK;
/* Public repos of a kind. */
bool store_repo_total(struct db *db, enum store_kind kind, int64_t *out,
                      struct wh_err *err) WH_CHECK;

#endif
