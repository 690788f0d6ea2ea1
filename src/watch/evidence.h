/*
 * evidence.h - what one request adds to the evidence about a key, a person
 * behind it and an account.
 * Owner: plain values; whoever keeps an account keeps these.
 * Never: allocates, looks at a clock, keeps text.
 *
 * Two detectors, each with a bound p0 for its alarms from honest use, each with
 * a sequence of detect/sequence.h; the evidence is the mean of their e-values.
 * PROMPT alarms are the screen's (p0 of the segment, from rows that the
 * classifier has not learnt from). MUTATION is a request that has the shape of
 * an alarmed one of the last hour, or of several others, but not their words:
 * noise in every word.
 *
 * The bound wants that the chance of an alarm, given the past, is at most p0.
 * So what can not be new is not counted, whether it is alarmed or not: retries,
 * near-duplicates within the hour, and the rest of a session that had its share
 * of alarms.
 */
#ifndef WH_WATCH_EVIDENCE_H
#define WH_WATCH_EVIDENCE_H

#include "detect/sequence.h"
#include "detect/sketch.h"

enum watch_detector { WATCH_PROMPT, WATCH_MUTATION, WATCH_DETECTORS };

/* Of all requests of honest accounts, at most this share looks mutated:
 * assumed; `./dev bench watch` says what was seen. */
#define WATCH_MUTATION_P0 0.02
#define WATCH_ALIKE 0.5          /* share of lanes that makes near-duplicates */
#define WATCH_MUTANT_WORDS_MIN 8 /* shorter texts have no shape */
#define WATCH_MUTANTS 3          /* of one shape, none of which was alarmed */
#define WATCH_SESSION_ALARMS 24
#define WATCH_REPEATED                                     \
    50 /* alarmed near-duplicates in a day: a person looks \
        */
#define WATCH_MINUTE_US (INT64_C(60) * 1000000)
#define WATCH_HOUR_US (60 * WATCH_MINUTE_US)
#define WATCH_SESSION_GAP_US (30 * WATCH_MINUTE_US)
#define WATCH_RETRY_US (10 * WATCH_MINUTE_US)

/* The evidence about one of them. */
struct watch_trace {
    struct detect_sequence of[WATCH_DETECTORS];
    uint64_t requests, alarms; /* looked at; alarmed */
};

/* The last requests of a key, for what is alike. */
struct watch_recent {
    struct detect_sketch_ring ring;
    uint64_t digest[DETECT_SKETCH_RING];
    int64_t at[DETECT_SKETCH_RING]; /* microseconds; 0: empty */
    bool alarmed[DETECT_SKETCH_RING];
    int64_t session_last; /* the session's latest request */
    unsigned session_alarms;
    int64_t repeat_since; /* begin of the day of `repeats` */
    unsigned repeats;
};

/* One request after the screen. */
struct watch_attempt {
    struct detect_sketch sketch;
    uint64_t digest; /* of the whole conversation */
    int64_t now;     /* microseconds */
    unsigned retry;  /* what the client calls it: 0 is the first */
    bool calibrated, alarm;
    double p0;
};

enum watch_counted {
    WATCH_COUNTED,
    WATCH_RETRIED,
    WATCH_ALIKE_SEEN,
    WATCH_SESSION_FULL,
    WATCH_UNCALIBRATED
};

/* What is to be added. */
struct watch_judged {
    enum watch_counted counted;
    bool alarm, mutant;
    double p0;
    bool repeated; /* too many alarmed near-duplicates: to the desk */
};

/* Judge a request by the requests before it, and remember it. */
void watch_recent_judge(struct watch_recent *r, const struct watch_attempt *t,
                        struct watch_judged *out);
/* What sketches were made with is gone: forget them. */
void watch_recent_forget(struct watch_recent *r);
/* "yes", "a retry", ...: for the person. */
const char *watch_counted_words(enum watch_counted c);

/* Nothing is known; after a review that found nothing, too. */
void watch_trace_init(struct watch_trace *t);
void watch_trace_add(struct watch_trace *t, const struct watch_judged *j);
/* ln of the evidence. */
double watch_trace_log(const struct watch_trace *t);

/* As stored: docs/formats/watch.md. Read gives false for bytes that were not
 * written by us. */
#define WATCH_TRACE_BYTES \
    (8 + 16 + WATCH_DETECTORS * (8 + 8 * DETECT_SEQUENCE_WAYS))
void watch_trace_write(const struct watch_trace *t,
                       uint8_t out[WATCH_TRACE_BYTES]);
bool watch_trace_read(struct wh_str bytes, struct watch_trace *out);

#endif
