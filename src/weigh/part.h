/*
 * part.h - which part of a model a file belongs to, and why.
 * Owner: plain values; reasons are static text.
 * Never: lets a name make weights of less: content decides first.
 */
#ifndef WH_WEIGH_PART_H
#define WH_WEIGH_PART_H

#include "base/str.h"

/* The four parts, and the fifth shelf. */
enum weigh_part {
    WEIGH_PART_KNOWLEDGE,
    WEIGH_PART_SOURCE,
    WEIGH_PART_SOFTWARE,
    WEIGH_PART_DATA,
    WEIGH_PART_WEIGHTS,
    WEIGH_PART_COUNT
};

/* "weights"; the reverse gives false for an unknown word. */
const char *weigh_part_name(enum weigh_part p);
bool weigh_part_parse(struct wh_str word, enum weigh_part *out);

/* The part of one file. `class` is the scanner's word for the content
 * ("weights", "text", "data", "program", "unknown"; "" if it was not looked
 * at, which is only so for files that git holds as rows and the scanner called
 * text before). *why is the reason, for people. */
enum weigh_part weigh_part_of(struct wh_str path, struct wh_str class,
                              const char **why);
/* Is this part in the manifest, that is: does a change of it make a new
 * subject? */
bool weigh_part_in_subject(enum weigh_part p);

#endif
