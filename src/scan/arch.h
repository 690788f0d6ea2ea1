/*
 * arch.h - what kind of model, and how large: from metadata, tensor names and
 * shapes.
 * Owner: results live in the arena of the context.
 * Never: decides anything; names are hints.
 */
#ifndef WH_SCAN_ARCH_H
#define WH_SCAN_ARCH_H

#include "scan/config.h"
#include "scan/ctx.h"
#include "scan/gguf.h"
#include "scan/tensor.h"

/* Fill the report's architecture from the tensors; then hold the config (may
 * be null) against it: what it adds is taken, what it contradicts is a
 * finding. */
void scan_arch_tensors(struct scan_ctx *c, const struct scan_tensors *t,
                       const struct scan_config *config);
/* The same for GGUF, whose settings take the place of a config. */
void scan_arch_gguf(struct scan_ctx *c, const struct scan_tensors *t,
                    const struct scan_gguf *g);
/* True for families of models for biological sequences. */
bool scan_arch_biological(struct wh_str family);
/* A name that speaks of exploit code. */
bool scan_arch_exploit(struct wh_str name);

#endif
