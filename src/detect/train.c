/*
 * train.c - logistic regression by AdaGrad over hashed features, four times
 * without a quarter of the clusters and once with all.
 */
#include "detect/train.h"
#include "base/mem.h"
#include "detect/exact.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ALL DETECT_FOLDS
#define EPOCHS 6
#define RATE 0.6F
#define MISS_P0 1e-3
/* Traffic of the same kind from elsewhere alarms somewhat more often than the
 * rows at hand: p0 is at least twice the share that the threshold allows. */
#define P0_LEAST 0.02
#define GROUPS_MAX ((size_t)2 * DETECT_CORPUS_SOURCES)
/* Rows of a source below this can not place a threshold. */
#define LEAST_ROWS 20
#define LOWEST (-1e6)

struct example {
    uint32_t *slot;
    uint32_t n;
    float share; /* what the row counts for */
    unsigned fold;
    bool attack;
};

struct trainer {
    const struct detect_corpus *corpus;
    const struct detect_train_options *options;
    struct detect_screen *screen;
    struct example *example;
    size_t n;
    float *w, *g, bias, bias_g;
    uint64_t chance;
    double *z; /* of each row, by a model that did not see it */
};

static bool used(const struct trainer *t, const struct detect_row *r)
{
    return !r->attack || !t->options->family || t->options->family(r->family);
}

static void say(const struct trainer *t, const char *text)
{
    if (t->options->say) {
        t->options->say(t->options->arg, text);
    }
}

/* xorshift64. */
static uint64_t next(struct trainer *t)
{
    t->chance ^= t->chance << 13;
    t->chance ^= t->chance >> 7;
    t->chance ^= t->chance << 17;
    return t->chance;
}

/* ---- examples ---- */

/* What an encoding holds is learnt, not the encoding: that is no ill will. */
static struct wh_str learnt_text(struct trainer *t, struct wh_str text)
{
    struct detect_views *v = &t->screen->views;
    size_t i, best = 0;

    detect_views_make(v, wh_str_sub(text, 0, DETECT_TEXT_MAX));
    for (i = 1; i < v->n; i++) {
        const struct detect_view *view = &v->view[i];
        if (view->parent == best &&
            (size_t)view->covered * 2 >= v->view[best].text.n) {
            best = i;
        }
    }
    return v->view[best].text;
}

static void add_example(struct trainer *t, const struct detect_row *r,
                        struct wh_str text, float share)
{
    struct detect_features *f = &t->screen->features;
    struct example *e = &t->example[t->n];

    detect_features_make(f, text);
    if (f->n == 0) {
        return;
    }
    *e = (struct example){.slot = wh_calloc(f->n, sizeof(*e->slot)),
                          .n = f->n,
                          .share = share,
                          .fold = detect_row_fold(r),
                          .attack = r->attack};
    memcpy(e->slot, f->slot, f->n * sizeof(*e->slot));
    t->n++;
}

static int by_cluster(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Rows of the cluster, by a sorted list of all rows' clusters. */
static size_t cluster_size(const uint64_t *sorted, size_t n, uint64_t cluster)
{
    size_t lo = 0, hi = n, k;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (sorted[mid] < cluster) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    for (k = lo; k < n && sorted[k] == cluster; k++) {
    }
    return k - lo;
}

static void make_examples(struct trainer *t)
{
    const struct detect_corpus *c = t->corpus;
    uint64_t *sorted = wh_calloc(c->n, sizeof(*sorted));
    size_t i;

    for (i = 0; i < c->n; i++) {
        sorted[i] = c->row[i].cluster;
    }
    qsort(sorted, c->n, sizeof(*sorted), by_cluster);
    t->example = wh_calloc(2 * c->n, sizeof(*t->example));
    for (i = 0; i < c->n; i++) {
        const struct detect_row *r = &c->row[i];
        struct wh_str text;
        float share = 1 / sqrtf((float)cluster_size(sorted, c->n, r->cluster));
        if (!used(t, r)) {
            continue;
        }
        text = learnt_text(t, r->text);
        add_example(t, r, wh_str_sub(text, 0, DETECT_LINEAR_WINDOW), share);
        if (text.n > 2 * DETECT_LINEAR_WINDOW) {
            add_example(
                t, r,
                wh_str_sub(text, DETECT_LINEAR_STRIDE, DETECT_LINEAR_WINDOW),
                share);
        }
    }
    wh_free(sorted);
}

/* ---- descent ---- */

static void learn(struct trainer *t, const struct example *e)
{
    float v = 1 / sqrtf((float)e->n), sum = 0, p, g;
    uint32_t i;

    for (i = 0; i < e->n; i++) {
        sum += t->w[e->slot[i]];
    }
    p = 1 / (1 + expf(-(sum * v + t->bias)));
    g = (p - (e->attack ? 1.0F : 0.0F)) * e->share;
    t->bias_g += g * g;
    t->bias -= 0.1F * g / sqrtf(t->bias_g + 1e-6F);
    g *= v;
    if (fabsf(g) < 1e-7F) {
        return;
    }
    for (i = 0; i < e->n; i++) {
        uint32_t s = e->slot[i];
        t->g[s] += g * g;
        t->w[s] -= RATE * g / sqrtf(t->g[s] + 1e-4F);
    }
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* Weights as bytes. The few greatest are clipped, so that the small ones keep
 * their digits. */
static void quantise(struct trainer *t, struct detect_model *m)
{
    size_t i, top = DETECT_LINEAR_SLOTS - DETECT_LINEAR_SLOTS / 8192;
    float scale;

    for (i = 0; i < DETECT_LINEAR_SLOTS; i++) {
        t->g[i] = fabsf(t->w[i]);
    }
    qsort(t->g, DETECT_LINEAR_SLOTS, sizeof(*t->g), by_size);
    scale = fmaxf(t->g[top] / 127, 1e-6F);
    for (i = 0; i < DETECT_LINEAR_SLOTS; i++) {
        float q = roundf(t->w[i] / scale);
        m->weight[i] = (int8_t)fmaxf(-127, fminf(127, q));
    }
    m->scale = (double)scale;
    m->bias = (double)t->bias;
}

/* Train without one fold (ALL: without none). */
static void descend(struct trainer *t, unsigned without, struct detect_model *m)
{
    size_t *order = wh_calloc(t->n, sizeof(*order)), i;
    int epoch;

    memset(t->w, 0, DETECT_LINEAR_SLOTS * sizeof(*t->w));
    memset(t->g, 0, DETECT_LINEAR_SLOTS * sizeof(*t->g));
    t->bias = t->bias_g = 0;
    t->chance = 0x9e3779b97f4a7c15ULL;
    for (i = 0; i < t->n; i++) {
        order[i] = i;
    }
    for (epoch = 0; epoch < EPOCHS; epoch++) {
        for (i = t->n; i > 1; i--) {
            size_t k = (size_t)(next(t) % i), swap = order[k];
            order[k] = order[i - 1];
            order[i - 1] = swap;
        }
        for (i = 0; i < t->n; i++) {
            if (t->example[order[i]].fold != without) {
                learn(t, &t->example[order[i]]);
            }
        }
    }
    quantise(t, m);
    wh_free(order);
}

static void score_fold(struct trainer *t, unsigned fold,
                       const struct detect_model *m)
{
    struct detect_result result;
    size_t i;

    for (i = 0; i < t->corpus->n; i++) {
        const struct detect_row *r = &t->corpus->row[i];
        struct detect_prompt prompt = {.text = r->text};
        if (used(t, r) && detect_row_fold(r) == fold) {
            detect_screen_run(t->screen, m, &prompt, 0, &result);
            t->z[i] = result.z;
        }
    }
}

/* ---- thresholds ---- */

struct group {
    struct wh_str source;
    const char *segment;
    bool made;
    size_t n;
};

static int downwards(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x < y) - (x > y);
}

static bool ordinary(const struct detect_row *r)
{
    return !r->attack && !r->harm;
}

/* The honest sources; joined rows are one of their own. */
static size_t list_groups(const struct detect_corpus *c, struct group *group)
{
    size_t n = 0, i, k;

    for (i = 0; i < c->n; i++) {
        const struct detect_row *r = &c->row[i];
        if (!ordinary(r)) {
            continue;
        }
        for (k = 0; k < n && !(wh_str_eq(group[k].source, r->source) &&
                               group[k].made == r->made);
             k++) {
        }
        if (k == n && n == GROUPS_MAX) {
            continue;
        }
        if (k == n) {
            group[n++] =
                (struct group){.source = r->source,
                               .segment = detect_corpus_segment(r->family),
                               .made = r->made};
        }
        group[k].n++;
    }
    return n;
}

static void raise_to(double *at, const double *z, size_t n)
{
    size_t i;

    for (i = 0; i < DETECT_POINTS; i++) {
        at[i] = fmax(at[i], z[(size_t)(detect_points[i] * (double)n)]);
    }
}

/* Note the segment, if it is new. */
static void add_segment(struct detect_model *m, const char *name)
{
    struct detect_segment *s;
    size_t i;

    for (i = 0; i < m->n_segments; i++) {
        if (strcmp(m->segment[i].name, name) == 0) {
            return;
        }
    }
    wh_assert(m->n_segments < DETECT_SEGMENTS_MAX);
    s = &m->segment[m->n_segments++];
    *s = (struct detect_segment){.rows = 0};
    (void)snprintf(s->name, sizeof(s->name), "%s", name);
}

/* Raise the thresholds to where this group keeps each point's share. All
 * segments have the same: a source that is not among the rows alarms far more
 * often under thresholds that were set on its neighbours only. */
static void heed_group(const struct trainer *t, const struct group *g,
                       struct detect_model *m)
{
    const struct detect_corpus *c = t->corpus;
    double *z = wh_calloc(g->n, sizeof(*z));
    char text[160];
    size_t n = 0, i;

    for (i = 0; i < c->n; i++) {
        const struct detect_row *r = &c->row[i];
        if (ordinary(r) && r->made == g->made &&
            wh_str_eq(r->source, g->source)) {
            z[n++] = t->z[i];
        }
    }
    qsort(z, n, sizeof(*z), downwards);
    raise_to(m->at, z, n);
    add_segment(m, g->segment);
    (void)snprintf(text, sizeof(text),
                   "honest %.*s%s: %zu rows, 1 %% above %.2f, 5 %% above %.2f",
                   WH_FMT(g->source), g->made ? " (joined)" : "", n, z[n / 100],
                   z[n / 20]);
    say(t, text);
    wh_free(z);
}

static void set_thresholds(const struct trainer *t, struct detect_model *m)
{
    struct group group[GROUPS_MAX];
    size_t n = list_groups(t->corpus, group), i;

    m->n_segments = 0;
    for (i = 0; i < DETECT_POINTS; i++) {
        m->at[i] = LOWEST;
    }
    for (i = 0; i < n; i++) {
        if (group[i].n >= LEAST_ROWS) {
            heed_group(t, &group[i], m);
        }
    }
}

struct counted {
    uint64_t cluster;
    bool alarm;
};

static int by_counted(const void *a, const void *b)
{
    const struct counted *x = a, *y = b;

    return (x->cluster > y->cluster) - (x->cluster < y->cluster);
}

/* Rows of a cluster say the same thing: a cluster counts as one, alarmed if any
 * of it was. Joined rows are not counted, since they hold others. `rows` has
 * room for all rows. */
static void count_segment(const struct trainer *t, double at,
                          struct detect_segment *s, struct counted *rows)
{
    size_t n = 0, i;

    for (i = 0; i < t->corpus->n; i++) {
        const struct detect_row *r = &t->corpus->row[i];
        if (ordinary(r) && !r->made &&
            strcmp(detect_corpus_segment(r->family), s->name) == 0) {
            rows[n++] = (struct counted){r->cluster, t->z[i] > at};
        }
    }
    qsort(rows, n, sizeof(*rows), by_counted);
    for (i = 0; i < n;) {
        uint64_t cluster = rows[i].cluster;
        bool alarm = false;
        for (; i < n && rows[i].cluster == cluster; i++) {
            alarm = alarm || rows[i].alarm;
        }
        s->rows++;
        s->alarms += alarm;
    }
}

/* How often each segment's honest rows are above its threshold. A segment of
 * which all alarm (too few to mean anything) is dropped. */
static void count_segments(const struct trainer *t, struct detect_model *m)
{
    struct counted *rows = wh_calloc(t->corpus->n, sizeof(*rows));
    size_t k, kept = 0;

    for (k = 0; k < m->n_segments; k++) {
        struct detect_segment s = m->segment[k];
        count_segment(t, m->at[DETECT_POINT], &s, rows);
        if (s.rows > s.alarms) {
            s.p0 =
                fmax(detect_exact_upper(s.alarms, s.rows, MISS_P0), P0_LEAST);
            m->segment[kept++] = s;
        }
    }
    m->n_segments = (uint32_t)kept;
    wh_free(rows);
}

/* ---- calibration ---- */

/* Fit p = 1/(1+exp(-a z - b)) to one length bucket by Newton's method, drawn
 * towards a = 1, b = 0 where rows are few. Both kinds weigh the same. */
static void calibrate(const struct trainer *t, size_t bucket, double *a,
                      double *b)
{
    const struct detect_corpus *c = t->corpus;
    double count[2] = {1, 1}, pull = 0.05;
    size_t i;
    int step;

    for (i = 0; i < c->n; i++) {
        const struct detect_row *r = &c->row[i];
        if (used(t, r) && detect_length_bucket(r->text.n) == bucket) {
            count[r->attack]++;
        }
    }
    *a = 1;
    *b = 0;
    for (step = 0; step < 25; step++) {
        double ga = pull * (*a - 1), gb = pull * *b, haa = pull, hab = 0,
               hbb = pull, det;
        for (i = 0; i < c->n; i++) {
            const struct detect_row *r = &c->row[i];
            double p, w;
            if (!used(t, r) || detect_length_bucket(r->text.n) != bucket) {
                continue;
            }
            p = 1 / (1 + exp(-*a * t->z[i] - *b));
            w = 1 / count[r->attack];
            ga += w * (p - r->attack) * t->z[i];
            gb += w * (p - r->attack);
            haa += w * p * (1 - p) * t->z[i] * t->z[i];
            hab += w * p * (1 - p) * t->z[i];
            hbb += w * p * (1 - p);
        }
        det = haa * hbb - hab * hab;
        *a -= (hbb * ga - hab * gb) / det;
        *b -= (haa * gb - hab * ga) / det;
        *a = fmin(fmax(*a, 0.05), 10);
        *b = fmin(fmax(*b, -20), 20);
    }
}

/* ---- the whole ---- */

static bool both_kinds(struct trainer *t, struct wh_err *err)
{
    size_t attacks = 0, honest = 0, i;

    for (i = 0; i < t->corpus->n; i++) {
        attacks += t->corpus->row[i].attack && used(t, &t->corpus->row[i]);
        honest += ordinary(&t->corpus->row[i]);
    }
    if (attacks < DETECT_FOLDS || honest < (size_t)LEAST_ROWS) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "a classifier needs attacks and honest rows");
    }
    return true;
}

static void finish(struct trainer *t)
{
    size_t i;

    for (i = 0; i < t->n; i++) {
        wh_free(t->example[i].slot);
    }
    wh_free(t->example);
    wh_free(t->w);
    wh_free(t->g);
    wh_free(t->z);
}

bool detect_train(const struct detect_corpus *c, struct detect_screen *screen,
                  const struct detect_train_options *options,
                  struct detect_model **out, struct wh_err *err)
{
    struct trainer t = {.corpus = c, .options = options, .screen = screen};
    struct detect_model *m;
    unsigned fold;
    size_t i;

    if (!both_kinds(&t, err)) {
        return false;
    }
    m = detect_model_new();
    t.w = wh_calloc(DETECT_LINEAR_SLOTS, sizeof(*t.w));
    t.g = wh_calloc(DETECT_LINEAR_SLOTS, sizeof(*t.g));
    t.z = wh_calloc(c->n, sizeof(*t.z));
    say(&t, "reading features");
    make_examples(&t);
    for (fold = 0; fold < DETECT_FOLDS; fold++) {
        say(&t, "training without a quarter of the clusters");
        descend(&t, fold, m);
        score_fold(&t, fold, m);
    }
    set_thresholds(&t, m);
    count_segments(&t, m);
    for (i = 0; i < DETECT_LENGTHS; i++) {
        calibrate(&t, i, &m->slope[i], &m->offset[i]);
    }
    say(&t, "training on all rows");
    descend(&t, ALL, m);
    m->rows = (uint32_t)t.n;
    finish(&t);
    *out = m;
    return true;
}
