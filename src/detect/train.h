/*
 * train.h - makes the classifier out of rows, and sets its thresholds on rows
 * that it has not learnt from.
 * Owner: the caller owns the model that comes out.
 * Never: used while serving; random: same rows, same model on one machine.
 */
#ifndef WH_DETECT_TRAIN_H
#define WH_DETECT_TRAIN_H

#include "detect/corpus.h"
#include "detect/linear.h"
#include "detect/screen.h"

struct detect_train_options {
    /* Families of attacks to learn from; null for all. */
    bool (*family)(struct wh_str family);
    /* Told about each step, or null. */
    void (*say)(void *arg, const char *text);
    void *arg;
};

/* Train on a corpus that is finished. Weights come from all rows; thresholds,
 * calibration and the segments' p0 from models that did not see the row's
 * cluster (DETECT_FOLDS). Fails with WH_BAD_REQUEST when attacks or honest rows
 * are missing. */
bool detect_train(const struct detect_corpus *c, struct detect_screen *screen,
                  const struct detect_train_options *options,
                  struct detect_model **out, struct wh_err *err) WH_CHECK;

#endif
