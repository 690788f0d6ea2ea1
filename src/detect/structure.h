/*
 * structure.h - what the form of a prompt says, whatever its words: things
 * hidden, wrappings, rows of fake turns, the template's own signs, noise.
 * Owner: nothing is owned, but a history, which has init and done.
 * Never: reads meaning; a large document or a program is no signal by itself.
 */
#ifndef WH_DETECT_STRUCTURE_H
#define WH_DETECT_STRUCTURE_H

#include "base/sha256.h"
#include "detect/views.h"

/* One sort of evidence. The row says what the person is told. */
enum detect_form {
    DETECT_FORM_HIDDEN,    /* characters that show nothing, spelling text */
    DETECT_FORM_BIDI,      /* reading order turned round */
    DETECT_FORM_INVISIBLE, /* zero-width characters inside Latin text */
    DETECT_FORM_ALIKE,     /* letters of other alphabets among Latin ones */
    DETECT_FORM_STACKED,   /* marks piled on letters */
    DETECT_FORM_ENCODED,   /* most of the prompt is an encoding of text */
    DETECT_FORM_NESTED,    /* an encoding inside an encoding */
    DETECT_FORM_DISGUISED, /* words written with digits, or spaced out */
    DETECT_FORM_NOISE,     /* a run of signs that is no language or program */
    DETECT_FORM_TURNS,     /* many fake turns inside one message */
    DETECT_FORM_SYSTEM,    /* a line that claims to be the system's */
    DETECT_FORM_TEMPLATE,  /* signs of the served model's own template */
    DETECT_FORM_REPEATED,  /* one word over and over */
    DETECT_FORM_SPLIT,     /* pieces of text to be put together */
    DETECT_FORM_EDITED,    /* the model's earlier words were changed */
    DETECT_FORM_PREFILLED, /* the caller began the model's answer */
    DETECT_FORM_COUNT
};

struct detect_form_row {
    const char *name, *reason;
    double weight; /* logits when strength is 1 */
};
/* The row of a form. */
const struct detect_form_row *detect_form_row(enum detect_form form);

/* Strength of each form, 0 (absent) to 1. */
struct detect_forms {
    double strength[DETECT_FORM_COUNT];
};

/* Look at a text and its views. template_signs: the special tokens of the
 * served model as they stand in its tokenizer (not folded). EDITED and
 * PREFILLED are the caller's to set. */
void detect_forms_of(struct detect_forms *f, struct wh_str text,
                     const struct detect_views *views,
                     const struct wh_str *template_signs, size_t n_signs);

/* Is one of the signs in the text, exactly? For escaping or refusing. */
bool detect_has_sign(struct wh_str text, const struct wh_str *signs, size_t n);

/* A chain over the messages of a conversation, so that a resent history is
 * known to be the one that was screened, and the model's part the one that was
 * said. Same messages, same digest. */
struct detect_history {
    uint8_t digest[WH_SHA256_LEN];
    struct wh_sha256 hash;
};
/* Begin with no message; free; add the next message. */
void detect_history_init(struct detect_history *h);
void detect_history_done(struct detect_history *h);
void detect_history_add(struct detect_history *h, struct wh_str role,
                        struct wh_str text);

#endif
