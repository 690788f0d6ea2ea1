/*
 * sequence.c - the restart mixture in the log domain.
 */
#include "detect/sequence.h"
#include "base/err.h"
#include <math.h>

/* The shares of alarms that a misused key is thought to have. A lower one would
 * find slower thieves, and suspend honest accounts whose true rate is twice p0.
 */
static const double ways[DETECT_SEQUENCE_WAYS] = {0.25, 0.5, 0.9};

static const struct detect_rung_row ladder[DETECT_RUNG_COUNT] = {
    [DETECT_RUNG_NONE] = {"none", 1},
    [DETECT_RUNG_LOOK] = {"look", 1e-1},
    [DETECT_RUNG_THROTTLE] = {"throttle", 1e-2},
    [DETECT_RUNG_QUEUE] = {"queue", 1e-3},
    [DETECT_RUNG_SUSPEND] = {"suspend", 1e-4},
    [DETECT_RUNG_CUT] = {"cut", 1e-6},
};

/* ln(e^a + e^b). */
static double log_add(double a, double b)
{
    return a > b ? a + log1p(exp(b - a)) : b + log1p(exp(a - b));
}

/* ln of the step. A way that p0 has overtaken would turn its direction round:
 * it is kept at p0, where every step is 1. */
static double log_step(double p0, double p1, bool alarm)
{
    double p = p1 > p0 ? p1 : p0;

    return alarm ? log(p / p0) : log1p(-p) - log1p(-p0);
}

const struct detect_rung_row *detect_rung_row(enum detect_rung rung)
{
    wh_assert(rung < DETECT_RUNG_COUNT);
    return &ladder[rung];
}

void detect_sequence_init(struct detect_sequence *s)
{
    *s = (struct detect_sequence){0};
}

void detect_sequence_add(struct detect_sequence *s, double p0, bool alarm)
{
    double log_w;
    size_t i;

    wh_assert(p0 > 0 && p0 < 1);
    s->t++;
    log_w = -log((double)s->t) - log((double)s->t + 1);
    for (i = 0; i < DETECT_SEQUENCE_WAYS; i++) {
        double sum = s->t == 1 ? log_w : log_add(s->log_s[i], log_w);
        s->log_s[i] = sum + log_step(p0, ways[i], alarm);
    }
}

double detect_sequence_log(const struct detect_sequence *s)
{
    double m[DETECT_SEQUENCE_WAYS];
    size_t i;

    if (s->t == 0) {
        return 0;
    }
    for (i = 0; i < DETECT_SEQUENCE_WAYS; i++) {
        m[i] = log_add(s->log_s[i], -log((double)s->t + 1));
    }
    return detect_sequence_mean(m, DETECT_SEQUENCE_WAYS);
}

enum detect_rung detect_rung_of(double log_e)
{
    enum detect_rung rung = DETECT_RUNG_NONE;
    int i;

    for (i = DETECT_RUNG_LOOK; i < DETECT_RUNG_COUNT; i++) {
        /* a hair's breadth for the logarithm's rounding, to the account's
         * side */
        if (log_e >= -log(ladder[i].alpha) + 1e-9) {
            rung = (enum detect_rung)i;
        }
    }
    return rung;
}

double detect_sequence_mean(const double *log_e, size_t n)
{
    double sum;
    size_t i;

    wh_assert(n > 0);
    sum = log_e[0];
    for (i = 1; i < n; i++) {
        sum = log_add(sum, log_e[i]);
    }
    return sum - log((double)n);
}
