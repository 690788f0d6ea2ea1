/*
 * screen.h - all layers on one prompt, and what they say together.
 * Owner: one struct detect_screen for each thread; signatures and model are
 * shared and outlive it.
 * Never: decides about a person: it gives signals, a calibrated chance, and an
 * alarm bit for detect/sequence.h. Keeps nothing of the text.
 */
#ifndef WH_DETECT_SCREEN_H
#define WH_DETECT_SCREEN_H

#include "detect/linear.h"
#include "detect/signatures.h"
#include "detect/structure.h"
#include "detect/views.h"

enum detect_layer {
    DETECT_LAYER_SIGNATURE,
    DETECT_LAYER_CLASSIFIER,
    DETECT_LAYER_STRUCTURE
};

#define DETECT_SIGNALS_MAX 16

struct detect_signal {
    enum detect_layer layer;
    const char *name;      /* rule, form, or "classifier": static */
    const char *reason;    /* for the person, without a quotation: static */
    double weight;         /* logits that it added */
    enum detect_kind view; /* in which reading of the text */
};

/* Who said it: documents and tool results are no orders of the caller. */
enum detect_role { DETECT_ROLE_USER, DETECT_ROLE_TOOL, DETECT_ROLE_ASSISTANT };

enum {
    DETECT_FLAG_EDITED = 1,   /* history that is not what was said */
    DETECT_FLAG_PREFILLED = 2 /* last message is the model's, unfinished */
};

struct detect_prompt {
    struct wh_str text; /* all new text of this role; any length */
    enum detect_role role;
    unsigned flags;
    const struct wh_str *template_signs; /* of the served model */
    size_t n_signs;
    struct wh_str segment; /* name; "" or unknown: the worst of all */
};

struct detect_result {
    double z;      /* combined logit */
    double chance; /* calibrated; 0.5 is as likely as not; NAN without model */
    double p0;     /* the honest alarm rate of the segment, at most */
    bool alarm;    /* x for the account's sequence */
    bool calibrated; /* false without a classifier: count no evidence */
    bool cut;        /* a budget ended before the text did */
    size_t n;
    struct detect_signal signal[DETECT_SIGNALS_MAX]; /* heaviest first */
};

struct detect_screen {
    const struct detect_signatures *signatures;
    struct detect_scratch *scratch;
    struct detect_views views;
    struct detect_features features;
};

/* Memory for one thread, about 650 KiB on the heap. */
bool detect_screen_new(const struct detect_signatures *signatures,
                       struct detect_screen **out, struct wh_err *err) WH_CHECK;
void detect_screen_free(struct detect_screen **s);
/* Screen a prompt. model may be null: "classifier: absent"; then rules and
 * forms still give signals, and an alarm needs two and a half logits of them.
 * The point says which threshold of the model decides, see detect_points. */
#define DETECT_POINT 1
void detect_screen_run(struct detect_screen *s,
                       const struct detect_model *model,
                       const struct detect_prompt *prompt, size_t point,
                       struct detect_result *out);
const char *detect_layer_name(enum detect_layer layer);

#endif
