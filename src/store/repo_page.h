/*
 * repo_page.h - the page of a list while it is being filled; for
 * store/repo_list.c.
 * Owner: memory is the arena's.
 * Never: knows what a repo is.
 */
#ifndef WH_STORE_REPO_PAGE_H
#define WH_STORE_REPO_PAGE_H

#include "store/repo_list.h"

/* A row's place in a descending order. */
struct store_place {
    int64_t key, id;
};

struct store_page {
    struct store_place *heap; /* the worst on top, until sorted */
    size_t n, cap;
    struct store_cursor after;
};

/* cap is one more than the page shows, to know whether more follow. */
void store_page_init(struct store_page *pg, struct wh_arena *a, size_t cap,
                     const struct store_cursor *after);
/* Take a place if it comes after the cursor and is good enough. Each place may
 * be offered once. */
void store_page_offer(struct store_page *pg, struct store_place p);
/* Whether nothing at or after p can still enter. */
bool store_page_full_before(const struct store_page *pg, struct store_place p);
/* Best first; with `end`, drop what lies behind it. No offers after this. */
void store_page_sort(struct store_page *pg, const struct store_place *end);

#endif
