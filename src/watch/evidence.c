/*
 * evidence.c - which requests are counted, and the mean of the detectors.
 */
#include "watch/evidence.h"
#include "base/err.h"
#include <math.h>

static const char form[8] = {'w', 'h', 't', 'r', 'a', 'c', 'e', '1'};

void watch_recent_forget(struct watch_recent *r)
{
    memset(&r->ring, 0, sizeof r->ring);
    memset(r->digest, 0, sizeof r->digest);
    memset(r->at, 0, sizeof r->at);
    memset(r->alarmed, 0, sizeof r->alarmed);
}

/* Is it sent again because an answer did not come? The client's word alone is
 * not enough: the request must be one that we had. */
static bool is_retry(const struct watch_recent *r,
                     const struct watch_attempt *t)
{
    for (size_t i = 0; t->retry > 0 && i < DETECT_SKETCH_RING; i++) {
        if (r->at[i] != 0 && r->digest[i] == t->digest &&
            t->now - r->at[i] < WATCH_RETRY_US) {
            return true;
        }
    }
    return false;
}

struct likeness {
    bool alike, mutant;
};

/* Has it the shape of s, and other words? */
static bool is_mutant(const struct detect_sketch *s,
                      const struct watch_attempt *t)
{
    return s->n_words >= WATCH_MUTANT_WORDS_MIN &&
           t->sketch.n_words >= WATCH_MUTANT_WORDS_MIN &&
           detect_sketch_shape(s, &t->sketch) >= WATCH_ALIKE;
}

static struct likeness compare(const struct watch_recent *r,
                               const struct watch_attempt *t)
{
    struct likeness l = {0};
    unsigned shaped = 0;

    for (size_t i = 0; i < DETECT_SKETCH_RING; i++) {
        const struct detect_sketch *s = &r->ring.slot[i];
        if (r->at[i] == 0 || t->now - r->at[i] >= WATCH_HOUR_US) {
            continue;
        }
        if (r->digest[i] == t->digest ||
            detect_sketch_words(s, &t->sketch) >= WATCH_ALIKE) {
            l.alike = true;
        } else if (is_mutant(s, t)) {
            shaped += r->alarmed[i] ? WATCH_MUTANTS : 1;
        }
    }
    l.mutant = shaped >= WATCH_MUTANTS;
    return l;
}

static void remember(struct watch_recent *r, const struct watch_attempt *t)
{
    size_t at = r->ring.n % DETECT_SKETCH_RING;

    detect_sketch_add(&r->ring, &t->sketch);
    r->digest[at] = t->digest;
    r->at[at] = t->now;
    r->alarmed[at] = t->alarm;
}

static void count_session(struct watch_recent *r, const struct watch_attempt *t)
{
    if (t->now - r->session_last > WATCH_SESSION_GAP_US) {
        r->session_alarms = 0;
    }
    r->session_last = t->now;
}

/* Alarmed near-duplicates are no new evidence, but many of them are something
 * for a person to look at. */
static bool count_repeat(struct watch_recent *r, const struct watch_attempt *t)
{
    if (t->now - r->repeat_since > 24 * WATCH_HOUR_US) {
        r->repeat_since = t->now;
        r->repeats = 0;
    }
    return t->alarm && ++r->repeats == WATCH_REPEATED;
}

void watch_recent_judge(struct watch_recent *r, const struct watch_attempt *t,
                        struct watch_judged *out)
{
    struct likeness l;

    *out = (struct watch_judged){.alarm = t->alarm, .p0 = t->p0};
    if (!t->calibrated) {
        out->counted = WATCH_UNCALIBRATED;
        return;
    }
    if (is_retry(r, t)) {
        out->counted = WATCH_RETRIED;
        return;
    }
    count_session(r, t);
    l = compare(r, t);
    remember(r, t);
    if (l.alike) {
        out->counted = WATCH_ALIKE_SEEN;
        out->repeated = count_repeat(r, t);
    } else if (r->session_alarms >= WATCH_SESSION_ALARMS) {
        out->counted = WATCH_SESSION_FULL;
    } else {
        out->counted = WATCH_COUNTED;
        out->mutant = l.mutant;
        r->session_alarms += t->alarm || l.mutant;
    }
}

const char *watch_counted_words(enum watch_counted c)
{
    static const char *const words[] = {
        "counted", "a retry, not counted",
        "like one within the hour, not counted",
        "one of very many in a row, not counted",
        "without a classifier, not counted"};

    wh_assert((size_t)c < sizeof words / sizeof *words);
    return words[c];
}

/* ---- the sum ---- */

void watch_trace_init(struct watch_trace *t)
{
    *t = (struct watch_trace){0};
    for (size_t i = 0; i < WATCH_DETECTORS; i++) {
        detect_sequence_init(&t->of[i]);
    }
}

void watch_trace_add(struct watch_trace *t, const struct watch_judged *j)
{
    t->requests++;
    t->alarms += j->alarm;
    if (j->counted == WATCH_COUNTED) {
        detect_sequence_add(&t->of[WATCH_PROMPT], j->p0, j->alarm);
        detect_sequence_add(&t->of[WATCH_MUTATION], WATCH_MUTATION_P0,
                            j->mutant);
    }
}

double watch_trace_log(const struct watch_trace *t)
{
    double log_e[WATCH_DETECTORS];

    for (size_t i = 0; i < WATCH_DETECTORS; i++) {
        log_e[i] = detect_sequence_log(&t->of[i]);
    }
    return detect_sequence_mean(log_e, WATCH_DETECTORS);
}

/* ---- as bytes ---- */

static uint8_t *put64(uint8_t *p, uint64_t v)
{
    for (size_t i = 0; i < 8; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
    return p + 8;
}

static const uint8_t *get64(const uint8_t *p, uint64_t *v)
{
    *v = 0;
    for (size_t i = 0; i < 8; i++) {
        *v |= (uint64_t)p[i] << (8 * i);
    }
    return p + 8;
}

void watch_trace_write(const struct watch_trace *t,
                       uint8_t out[WATCH_TRACE_BYTES])
{
    uint8_t *p = out;
    uint64_t bits;

    memcpy(p, form, sizeof form);
    p = put64(p + 8, t->requests);
    p = put64(p, t->alarms);
    for (size_t i = 0; i < WATCH_DETECTORS; i++) {
        p = put64(p, t->of[i].t);
        for (size_t k = 0; k < DETECT_SEQUENCE_WAYS; k++) {
            memcpy(&bits, &t->of[i].log_s[k], 8);
            p = put64(p, bits);
        }
    }
}

bool watch_trace_read(struct wh_str bytes, struct watch_trace *out)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    struct watch_trace t = {0};
    uint64_t bits;

    if (bytes.n != WATCH_TRACE_BYTES || memcmp(p, form, sizeof form) != 0) {
        return false;
    }
    p = get64(p + 8, &t.requests);
    p = get64(p, &t.alarms);
    for (size_t i = 0; i < WATCH_DETECTORS; i++) {
        p = get64(p, &t.of[i].t);
        for (size_t k = 0; k < DETECT_SEQUENCE_WAYS; k++) {
            p = get64(p, &bits);
            memcpy(&t.of[i].log_s[k], &bits, 8);
            if (!isfinite(t.of[i].log_s[k])) {
                return false;
            }
        }
    }
    *out = t;
    return true;
}
