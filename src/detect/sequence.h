/*
 * sequence.h - evidence against an account, request by request, with a bound
 * on how often an honest one is ever stopped.
 * Owner: the caller keeps one struct detect_sequence for each account; plain
 * numbers that may be stored as they are.
 * Never: allocates; holds anything of what was said.
 *
 * Each request gives an alarm x, 0 or 1. p0 is an upper bound for the chance of
 * an alarm from an honest account of this segment, given what it sent before.
 * For an alternative p1 the step is e = p1/p0 on an alarm and (1-p1)/(1-p0)
 * otherwise: at most 1 on average for the honest. A restart mixture
 *     S_t = (S_{t-1} + w_t) e_t,  w_t = 1/(t (t+1)),  M_t = S_t + 1/(t+1)
 * weighs every moment at which a key may have been stolen, and starts from 1;
 * so does the average over several p1. By Ville's inequality the chance that
 * M_t ever reaches 1/alpha is at most alpha, whatever the length of the
 * account's life. If the true chance of an alarm is above p0, this does not
 * hold.
 */
#ifndef WH_DETECT_SEQUENCE_H
#define WH_DETECT_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DETECT_SEQUENCE_WAYS 3

struct detect_sequence {
    uint64_t t;                         /* requests counted */
    double log_s[DETECT_SEQUENCE_WAYS]; /* ln S_t; valid once t > 0 */
};

/* What may be done to an account, mildest first. */
enum detect_rung {
    DETECT_RUNG_NONE,
    DETECT_RUNG_LOOK,     /* guard call, hold-back */
    DETECT_RUNG_THROTTLE, /* slower, and told so */
    DETECT_RUNG_QUEUE,    /* a person looks */
    DETECT_RUNG_SUSPEND,  /* suspended pending review */
    DETECT_RUNG_CUT,      /* keys revoked at once */
    DETECT_RUNG_COUNT
};

struct detect_rung_row {
    const char *name;
    double alpha; /* chance that an honest account ever gets here, at most */
};

/* The ladder's row; DETECT_RUNG_NONE has alpha 1. */
const struct detect_rung_row *detect_rung_row(enum detect_rung rung);

/* An account of which nothing is known; also after a review that found
 * nothing. */
void detect_sequence_init(struct detect_sequence *s);
/* Count one request. p0 in (0, 1). An alternative that is not above p0 does not
 * move on an alarm. Retries of one request, and near-duplicates within the
 * hour, must not be counted again: the caller's business. */
void detect_sequence_add(struct detect_sequence *s, double p0, bool alarm);
/* ln M_t: 0 at first. */
double detect_sequence_log(const struct detect_sequence *s);
/* The highest rung whose 1/alpha an e-value of this logarithm has reached. */
enum detect_rung detect_rung_of(double log_e);
/* ln of the mean of n >= 1 e-values given as logarithms: an e-value again,
 * however they depend on each other (a product would not be one). */
double detect_sequence_mean(const double *log_e, size_t n);

#endif
