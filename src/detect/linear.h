/*
 * linear.h - a logistic model over hashed words and byte n-grams: a screen for
 * known ways of writing, not a judge.
 * Owner: detect_model_new .. _free; read-only and shared by threads. Features
 * belong to a thread.
 * Never: allocates while scoring; trusts its file: every length and the
 * checksum are checked.
 */
#ifndef WH_DETECT_LINEAR_H
#define WH_DETECT_LINEAR_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define DETECT_LINEAR_BITS 18
#define DETECT_LINEAR_SLOTS ((size_t)1 << DETECT_LINEAR_BITS)
#define DETECT_LINEAR_WINDOW ((size_t)4096) /* bytes scored at a time */
#define DETECT_LINEAR_STRIDE ((size_t)3072)
#define DETECT_LENGTHS 5
#define DETECT_POINTS 3
#define DETECT_SEGMENTS_MAX 16

/* The features of one window, each once. Starts zeroed. */
struct detect_features {
    uint32_t n;
    uint32_t slot[4 * DETECT_LINEAR_WINDOW];
    uint64_t seen[DETECT_LINEAR_SLOTS / 64]; /* all zero between calls */
};

/* Traffic of one kind: how often honest rows of it were alarmed. */
struct detect_segment {
    char name[24];
    uint64_t rows, alarms; /* clusters of rows; those above the model's at[1] */
    double p0;             /* upper bound for an honest request's alarm */
};

struct detect_model {
    double scale, bias;            /* logit = bias + scale * sum / sqrt(n) */
    double slope[DETECT_LENGTHS];  /* calibration by length: */
    double offset[DETECT_LENGTHS]; /* p = 1/(1+exp(-slope*z-offset)) */
    double at[DETECT_POINTS];      /* thresholds on the worst of all sources */
    uint32_t n_segments;
    struct detect_segment segment[DETECT_SEGMENTS_MAX];
    uint32_t rows; /* it was trained on */
    int8_t weight[DETECT_LINEAR_SLOTS];
};

/* Share of the worst benign source that is above detect_model.at[i]. */
extern const double detect_points[DETECT_POINTS];

/* Which length bucket a text falls in. */
size_t detect_length_bucket(size_t bytes);
/* Features of a folded text of at most DETECT_LINEAR_WINDOW bytes: words, pairs
 * of words, 4- and 5-grams of bytes. */
void detect_features_make(struct detect_features *f, struct wh_str text);
/* The greatest logit of all windows of a folded text; an empty one has the
 * bias. */
double detect_model_score(const struct detect_model *m,
                          struct detect_features *f, struct wh_str text);
/* Chance that a text with this combined score is an attack, where attacks and
 * honest texts are equally many. */
double detect_model_chance(const struct detect_model *m, double z,
                           size_t bytes);
/* The segment of that name, or null. */
const struct detect_segment *detect_model_segment(const struct detect_model *m,
                                                  struct wh_str name);

/* A model with nothing in it. */
struct detect_model *detect_model_new(void);
void detect_model_free(struct detect_model **m);
/* The file (docs/formats/watch-model.md): written, read. What is read has
 * finite numbers and a right checksum, or fails with WH_BAD_REQUEST. */
void detect_model_write(const struct detect_model *m, struct wh_buf *out);
bool detect_model_read(struct wh_str bytes, struct detect_model **out,
                       struct wh_err *err) WH_CHECK;
#define DETECT_MODEL_BYTES_MAX (DETECT_LINEAR_SLOTS + 4096)

#endif
