/*
 * place.h - where in the HTML a template stands: text, tag or attribute.
 * Private to the room.
 * Owner: a plain value; the text belongs to the caller.
 * Never: accepts HTML that the strict content policy would not run.
 */
#ifndef WH_TMPL_PLACE_H
#define WH_TMPL_PLACE_H

#include "base/str.h"

enum tmpl_where {
    TMPL_WHERE_TEXT,   /* between tags */
    TMPL_WHERE_NAME,   /* in the name of a tag */
    TMPL_WHERE_TAG,    /* in a tag, between attributes */
    TMPL_WHERE_AFTER,  /* in a tag, where only a blank or its end may follow */
    TMPL_WHERE_KEY,    /* in the name of an attribute */
    TMPL_WHERE_EQUALS, /* behind the = of an attribute */
    TMPL_WHERE_BARE,   /* in a value without quotes */
    TMPL_WHERE_QUOTED  /* in a value within quotes */
};

enum { TMPL_WORD_MAX = 16 };

struct tmpl_place {
    enum tmpl_where where;
    char quote;
    bool url;    /* the attribute holds a URL */
    bool start;  /* nothing of the value was written yet */
    bool script; /* a script element was opened: only its end may follow */
    char word[TMPL_WORD_MAX]; /* name of the tag or attribute, lower case */
    size_t word_n;
};

/* Step over text. Returns null, or what is wrong with it (static string). */
const char *tmpl_place_step(struct tmpl_place *p, struct wh_str text);
/* A section begins or ends here: the name of a tag or attribute that was being
 * written is complete, and only a blank or the tag's end may follow. Returns
 * as above. */
const char *tmpl_place_settle(struct tmpl_place *p);

#endif
