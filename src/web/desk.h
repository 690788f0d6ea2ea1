/*
 * desk.h - what the pages of the desk share. For web/ only.
 * Owner: everything lives in the request's arena.
 * Never: keeps a statement that nobody has signed.
 */
#ifndef WH_WEB_DESK_H
#define WH_WEB_DESK_H

#include "web/page.h"

/* A statement as a page or a form carries it, and what was typed beside it. */
struct web_statement {
    struct wh_str text, paper; /* paper: the roster that is to follow */
    struct wh_str signature, confirm;
};

/* Adds `repos` and `about`, the name of what a matter's `subject` is: "demo/x",
 * "subject 0123456789ab", or "" where there is none. */
bool web_desk_about(struct front_req *q, json_t *o,
                    struct wh_err *err) WH_CHECK;
/* The page of one statement; wrong: why a signature was not taken, or null. */
bool web_desk_statement(struct front_req *q, int status,
                        const struct web_statement *s, const char *wrong,
                        struct wh_err *err) WH_CHECK;

#endif
