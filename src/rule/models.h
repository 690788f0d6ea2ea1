/*
 * models.h - the table of well-known public models (lines/models.tsv).
 * Owner: rows live in the arena they were read into.
 * Never: holds a guess: what a publisher did not state is not there.
 */
#ifndef WH_RULE_MODELS_H
#define WH_RULE_MODELS_H

#include "rule/evidence.h"

#define RULE_MODELS_MAX 1000

struct rule_model {
    struct wh_str name, kind, speciality, source, url; /* speciality: "" none */
    struct wh_str params_text, active_text, tokens_text; /* "-": not stated */
    bool has_params, has_tokens; /* active comes with params */
    struct rule_dec params, active, tokens;
};

/* Read the table: tab-separated, lines that begin with '#' are comments.
 * Strict: eight fields, decimals or "-", kind dense or moe (or "-" where the
 * size is not stated either), an https address, active not above params, no
 * name twice. WH_CORRUPT names the line. */
bool rule_models_read(struct wh_arena *a, struct wh_str text,
                      const struct rule_model **out, size_t *out_n,
                      struct wh_err *err) WH_CHECK;

/* 6 * active parameters * tokens; false if the model does not state both. */
bool rule_model_compute(const struct rule_model *m,
                        struct rule_dec *out) WH_CHECK;

/* The statement of the house about a model's compute that rests on what its
 * publisher has published: that product, 30 % less and 30 % more. New
 * reference, or null. */
json_t *rule_model_compute_item(const struct rule_model *m);

#endif
