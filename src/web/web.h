/*
 * web.h - the pages of the house.
 * Owner: web_open .. web_close, by cmd; the house points to it while it serves.
 * Never: includes api/; shows on a page what the API would not give the same
 * caller.
 */
#ifndef WH_WEB_WEB_H
#define WH_WEB_WEB_H

#include "front/request.h"

struct web;

struct web_config {
    const char *dir;     /* null: templates of the binary; else a folder with
                            templates/ and assets/, for people who work on them */
    const char *version; /* of the program; static */
};

/* Compile all templates. */
bool web_open(const struct web_config *c, struct web **out,
              struct wh_err *err) WH_CHECK;
/* Nulls the pointer; null is fine. */
void web_close(struct web **web);

/* All rows of routes.tbl. */
extern const struct front_table web_table;

/* A failure as a page, or the way to sign in; for house->fail_page. */
void web_fail(struct front_req *q, const struct wh_err *err);

#endif
