/*
 * exam_impl.h - what the files of an exam share: exam.c runs it, exam_doc.c
 * writes what came of it.
 * Owner: struct gateway_sitting is made and freed by exam.c.
 * Never: holds an answer.
 */
#ifndef WH_GATEWAY_EXAM_IMPL_H
#define WH_GATEWAY_EXAM_IMPL_H

#include "base/json.h"
#include "gateway/exam.h"
#include "gateway/exam_ask.h"
#include "gateway/exam_set.h"

/* What one prompt came to. */
struct gateway_marks {
    uint8_t bare, guarded; /* enum gateway_reply; AGAIN: not asked yet */
};

/* One exam. */
struct gateway_sitting {
    struct gateway_set set;
    const struct gateway_prompt **drawn; /* the harmful ones first */
    struct gateway_marks *marks;
    size_t harm, benign;
    uint64_t seed;
    char model[GATEWAY_MODEL_MAX + 1];
    char there[GATEWAY_MODEL_MAX + 1]; /* the engine's name for it */
    char weights[WH_SHA256_HEX + 1];   /* or "": it runs elsewhere */
    char subject[WH_SHA256_HEX + 1];
    int64_t private_repo; /* 0: in the open */
    char key[GATEWAY_KEY_LEN + 1];
    int64_t began, ends; /* wh_mono_us */
};

/* The document (docs/formats/exam.md): new reference. program: of the engine;
 * "" when that is not known. */
json_t *gateway_exam_doc(const struct gateway_sitting *s, const char *program,
                         int64_t now_us);

#endif
