/*
 * screen.c - views, then rules and classifier on each view, forms once; the
 * logits add up, with a cap for each layer, so that no layer shouts the others
 * down.
 */
#include "detect/screen.h"
#include "base/mem.h"
#include <math.h>

#define CAP_SIGNATURES 5.0
#define CAP_FORMS 5.0
/* Text is read in pieces that overlap by more than a rule is wide. */
#define OVERLAP ((size_t)1024)
#define ALARM_WITHOUT_MODEL 2.5
#define P0_UNKNOWN 0.5

bool detect_screen_new(const struct detect_signatures *signatures,
                       struct detect_screen **out, struct wh_err *err)
{
    struct detect_screen *s = wh_alloc(sizeof(*s));

    s->signatures = signatures;
    if (!detect_scratch_new(signatures, &s->scratch, err)) {
        wh_free(s);
        return false;
    }
    detect_views_init(&s->views);
    *out = s;
    return true;
}

void detect_screen_free(struct detect_screen **s)
{
    if (*s) {
        detect_scratch_free(&(*s)->scratch);
        detect_views_done(&(*s)->views);
        wh_free(*s);
        *s = NULL;
    }
}

const char *detect_layer_name(enum detect_layer layer)
{
    static const char *const names[] = {"signature", "classifier", "structure"};

    return names[layer];
}

/* Keep the heaviest; a name counts once, with its greatest weight. */
static void say(struct detect_result *r, const struct detect_signal *signal)
{
    size_t i = 0;

    while (i < r->n && strcmp(r->signal[i].name, signal->name) != 0) {
        i++;
    }
    if (i < r->n) {
        if (r->signal[i].weight >= signal->weight) {
            return;
        }
    } else if (r->n < DETECT_SIGNALS_MAX) {
        r->n++;
    } else {
        i = DETECT_SIGNALS_MAX - 1;
        if (r->signal[i].weight >= signal->weight) {
            return;
        }
    }
    for (; i > 0 && r->signal[i - 1].weight < signal->weight; i--) {
        r->signal[i] = r->signal[i - 1];
    }
    r->signal[i] = *signal;
}

struct piece {
    double signatures, forms, classifier;
    enum detect_kind view; /* in which the classifier was surest */
};

static void run_signatures(struct detect_screen *s, struct piece *p,
                           struct detect_result *out)
{
    struct detect_hits all = {{0}};
    const struct detect_rule *rule;
    size_t v, i;

    for (v = 0; v < s->views.n; v++) {
        struct detect_hits hits = {{0}};
        detect_signatures_scan(s->signatures, s->scratch, s->views.view[v].text,
                               &hits);
        for (i = 0; (rule = detect_signatures_rule(s->signatures, i)); i++) {
            if (detect_hits_has(&hits, i) && !detect_hits_has(&all, i)) {
                p->signatures += rule->weight;
                say(out, &(struct detect_signal){
                             DETECT_LAYER_SIGNATURE, rule->id,
                             detect_category_row(rule->category)->reason,
                             rule->weight, s->views.view[v].kind});
            }
        }
        for (i = 0; i < DETECT_RULES_MAX / 64; i++) {
            all.bits[i] |= hits.bits[i];
        }
    }
    p->signatures = fmin(p->signatures, CAP_SIGNATURES);
}

static void run_classifier(struct detect_screen *s,
                           const struct detect_model *model, struct piece *p)
{
    size_t v;

    p->classifier = -INFINITY;
    for (v = 0; v < s->views.n; v++) {
        double z =
            detect_model_score(model, &s->features, s->views.view[v].text);
        if (z > p->classifier) {
            p->classifier = z;
            p->view = s->views.view[v].kind;
        }
    }
}

static void run_forms(struct detect_screen *s, struct wh_str text,
                      const struct detect_prompt *prompt, struct piece *p,
                      struct detect_result *out)
{
    struct detect_forms forms;
    int i;

    detect_forms_of(&forms, text, &s->views, prompt->template_signs,
                    prompt->n_signs);
    forms.strength[DETECT_FORM_EDITED] =
        (prompt->flags & DETECT_FLAG_EDITED) != 0;
    forms.strength[DETECT_FORM_PREFILLED] =
        (prompt->flags & DETECT_FLAG_PREFILLED) != 0;
    for (i = 0; i < DETECT_FORM_COUNT; i++) {
        const struct detect_form_row *row =
            detect_form_row((enum detect_form)i);
        double w = row->weight * forms.strength[i];
        if (w > 0) {
            p->forms += w;
            say(out,
                &(struct detect_signal){DETECT_LAYER_STRUCTURE, row->name,
                                        row->reason, w, DETECT_KIND_PLAIN});
        }
    }
    p->forms = fmin(p->forms, CAP_FORMS);
}

static void run_piece(struct detect_screen *s, const struct detect_model *model,
                      struct wh_str text, const struct detect_prompt *prompt,
                      struct detect_result *out)
{
    struct piece p = {0};
    double z;

    detect_views_make(&s->views, text);
    out->cut = out->cut || s->views.over;
    run_signatures(s, &p, out);
    run_forms(s, text, prompt, &p, out);
    if (model) {
        run_classifier(s, model, &p);
        say(out, &(struct detect_signal){DETECT_LAYER_CLASSIFIER, "classifier",
                                         "written like known attempts",
                                         p.classifier, p.view});
    }
    z = p.signatures + p.forms + p.classifier;
    out->z = z > out->z ? z : out->z;
}

/* The honest alarm rate: the segment's; where it is not known, the worst. */
static double p0_of(const struct detect_model *model, struct wh_str segment)
{
    const struct detect_segment *known = detect_model_segment(model, segment);
    double worst = 0;
    size_t i;

    for (i = 0; i < model->n_segments; i++) {
        worst = fmax(worst, model->segment[i].p0);
    }
    return known ? known->p0 : worst > 0 ? worst : P0_UNKNOWN;
}

void detect_screen_run(struct detect_screen *s,
                       const struct detect_model *model,
                       const struct detect_prompt *prompt, size_t point,
                       struct detect_result *out)
{
    struct wh_str rest = prompt->text;
    bool more = true;

    wh_assert(point < DETECT_POINTS);
    memset(out, 0, sizeof(*out));
    out->z = -INFINITY;
    while (more) {
        more = rest.n > DETECT_TEXT_MAX;
        run_piece(s, model, wh_str_sub(rest, 0, DETECT_TEXT_MAX), prompt, out);
        rest = wh_str_sub(rest, DETECT_TEXT_MAX - OVERLAP, rest.n);
    }
    out->calibrated = model != NULL;
    out->chance = (double)NAN;
    out->p0 = P0_UNKNOWN;
    out->alarm = out->z > (model ? model->at[point] : ALARM_WITHOUT_MODEL);
    if (model) {
        out->chance = detect_model_chance(model, out->z, prompt->text.n);
        out->p0 = p0_of(model, prompt->segment);
    }
}
