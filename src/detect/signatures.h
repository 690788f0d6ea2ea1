/*
 * signatures.h - structure of known attempts: word classes in order, with gaps,
 * all at once; in prompts by detect/phrase.h, in output by vectorscan.
 * Owner: detect_signatures_new .. _free; read-only and shared by threads. Each
 * thread has a scratch of its own.
 * Never: a verdict: a hit is evidence with a weight. No attack is quoted.
 */
#ifndef WH_DETECT_SIGNATURES_H
#define WH_DETECT_SIGNATURES_H

#include "base/err.h"
#include "base/str.h"

#define DETECT_RULES_MAX 256
#define DETECT_CLASSES_MAX 256
#define DETECT_WORDS_MAX 256 /* in one class */
#define DETECT_SEQ_MAX 6
#define DETECT_GAP_MAX 120

/* What a rule is about; the order of the table detect_category_rows. */
enum detect_category {
    DETECT_CATEGORY_OVERRIDE,
    DETECT_CATEGORY_PERSONA,
    DETECT_CATEGORY_SUPPRESSION,
    DETECT_CATEGORY_EXTRACTION,
    DETECT_CATEGORY_INJECTION,
    DETECT_CATEGORY_SMUGGLING,
    DETECT_CATEGORY_PRIVILEGE,
    DETECT_CATEGORY_COUNT
};

/* Its name in the file, and the words for the person it concerns. */
struct detect_category_row {
    const char *name, *reason;
};
/* The row of a category. */
const struct detect_category_row *detect_category_row(enum detect_category c);

struct detect_rule {
    const char *id, *provenance;
    enum detect_category category;
    double weight; /* logits */
    bool prompt, output;
    size_t n_seq, gap;
    const char *const
        *seq[DETECT_SEQ_MAX]; /* words of each class, null-ended */
};

struct detect_signatures;
struct detect_scratch;

/* The shipped file. */
extern const struct wh_str detect_signatures_shipped;

/* Compile a rule file (docs/watch.md). Fails with WH_BAD_JSON, WH_BAD_REQUEST
 * and the place, or WH_UNAVAILABLE where the processor can not run vectorscan.
 */
bool detect_signatures_new(struct wh_str json, struct detect_signatures **out,
                           struct wh_err *err) WH_CHECK;
void detect_signatures_free(struct detect_signatures **s);
/* Rule number i, or null past the end. */
const struct detect_rule *
detect_signatures_rule(const struct detect_signatures *s, size_t i);
/* The widest text that an output rule may match, in bytes. */
size_t detect_signatures_width(const struct detect_signatures *s);
/* vectorscan's database of output rules in stream mode, for stream.c; null when
 * no rule is for output. */
const void *detect_signatures_stream(const struct detect_signatures *s);

/* Working memory of one thread, for this and no other set of signatures. */
bool detect_scratch_new(const struct detect_signatures *s,
                        struct detect_scratch **out,
                        struct wh_err *err) WH_CHECK;
void detect_scratch_free(struct detect_scratch **s);
/* vectorscan's scratch inside it, for stream.c. */
void *detect_scratch_raw(const struct detect_scratch *s);

/* Which rules hit: a bit for each. */
struct detect_hits {
    uint64_t bits[DETECT_RULES_MAX / 64];
};
static inline bool detect_hits_has(const struct detect_hits *h, size_t rule)
{
    return (h->bits[rule / 64] >> (rule % 64) & 1) != 0;
}

/* Match the prompt rules on a folded text; bits are added to *hits. */
void detect_signatures_scan(const struct detect_signatures *s,
                            struct detect_scratch *scratch, struct wh_str text,
                            struct detect_hits *hits);

#endif
