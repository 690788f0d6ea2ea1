/*
 * exam_set.h - the prompts of exams: a folder of rows (docs/formats/exam.md),
 * read strictly, and the drawing of some of them.
 * Owner: gateway_set_open .. gateway_set_done; prompts are views into it.
 * Never: prints or logs a prompt: a row is named by its id; draws otherwise for
 * the same set and seed.
 */
#ifndef WH_GATEWAY_EXAM_SET_H
#define WH_GATEWAY_EXAM_SET_H

#include "base/arena.h"
#include "base/sha256.h"

#define GATEWAY_SET_FILES_MAX 16u
#define GATEWAY_SET_FILE_MAX ((size_t)16 << 20)  /* bytes of a file */
#define GATEWAY_SET_PLAIN_MAX ((size_t)64 << 20) /* and unpacked */
#define GATEWAY_SET_ROWS_MAX 100000u
#define GATEWAY_SET_LINE_MAX ((size_t)64 << 10)
#define GATEWAY_PROMPT_MAX 2000u /* bytes of a prompt that is asked */
#define GATEWAY_HAZARDS_MAX 64u
#define GATEWAY_HAZARD_MAX 48u

/* One row that can be asked. */
struct gateway_prompt {
    struct wh_str id, hazard, text;
    bool harm;     /* else benign */
    uint64_t turn; /* in the drawing */
};

struct gateway_set {
    struct wh_arena arena;
    struct gateway_prompt *rows;
    size_t n, cap, harm, benign;
    struct wh_sha256 hash;
    char digest[WH_SHA256_HEX + 1]; /* of names and bytes of all files */
};

/* An empty set. */
void gateway_set_init(struct gateway_set *s);
/* Overwrite and free it. */
void gateway_set_done(struct gateway_set *s);
/* Add the rows of one file: JSON lines, gzip or plain. WH_BAD_REQUEST naming
 * file and line, WH_TOO_LARGE. */
bool gateway_set_add(struct gateway_set *s, struct wh_str name,
                     struct wh_str bytes, struct wh_err *err) WH_CHECK;
/* After the last file: the digest, and no id twice. */
bool gateway_set_close(struct gateway_set *s, struct wh_err *err) WH_CHECK;
/* The three of them for all *.jsonl and *.jsonl.gz of a folder, by name.
 * WH_NOT_FOUND, with the folder, when there is none. On failure the set is
 * done. */
bool gateway_set_open(struct gateway_set *s, const char *dir,
                      struct wh_err *err) WH_CHECK;
/* Draw: out has room for harm + benign, and gets the harmful ones first. Each
 * hazard gives as many as any other, as far as it has them. WH_BAD_REQUEST when
 * the set is too small. Changes the order of the rows. */
bool gateway_set_draw(struct gateway_set *s, uint64_t seed, size_t harm,
                      size_t benign, const struct gateway_prompt **out,
                      struct wh_err *err) WH_CHECK;

#endif
