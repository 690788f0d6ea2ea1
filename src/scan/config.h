/*
 * config.h - JSON texts beside a model: keys that name code, chat templates,
 * the model's own words about its size, vocabularies.
 * Owner: results live in the arena of the context.
 * Never: believes the words; they add findings and hints, nothing else.
 */
#ifndef WH_SCAN_CONFIG_H
#define WH_SCAN_CONFIG_H

#include "scan/alphabet.h"
#include "scan/ctx.h"

/* What a config.json says; 0 or empty where it says nothing. */
struct scan_config {
    bool json; /* the text is strict JSON to its last byte */
    struct scan_arch arch;
    unsigned quant_bits;           /* of quantization_config */
    struct scan_alphabet alphabet; /* of a vocabulary inside */
};

/* Read a JSON text. With `report`, keys that name code and templates become
 * findings. A text that is no strict JSON gives json = false and no failure. */
bool scan_config_read(struct scan_ctx *c, const struct wh_src *src, bool report,
                      struct scan_config *out, struct wh_err *err) WH_CHECK;

#endif
