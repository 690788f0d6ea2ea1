/*
 * gguf.h - GGUF versions 2 and 3: settings, vocabulary, tensors.
 * Owner: the tensors belong to the caller's list; texts live in the arena.
 * Never: allocates by a declared count; follows nested arrays.
 *
 * Source: the format's description in ggml (docs/gguf.md) and its reference
 * reader; caps are ours.
 */
#ifndef WH_SCAN_GGUF_H
#define WH_SCAN_GGUF_H

#include "scan/alphabet.h"
#include "scan/ctx.h"

#define SCAN_GGUF_STRING_MAX (16u << 20)
#define SCAN_GGUF_TEMPLATE_MAX (1u << 20)
#define SCAN_GGUF_ARRAY_MAX (4u << 20)
#define SCAN_GGUF_KEYS_MAX 65536u
#define SCAN_GGUF_KEY_MAX 1024u
#define SCAN_GGUF_NAME_MAX 256u
#define SCAN_GGUF_TEMPLATES_MAX 16

/* A number among the settings, such as "llama.block_count". */
struct scan_gguf_number {
    struct wh_str key;
    uint64_t value;
};
#define SCAN_GGUF_NUMBERS_MAX 256

/* A chat template and where it stands. */
struct scan_gguf_template {
    struct wh_str key, text;
    uint64_t at;
};

/* What the scan keeps of the settings. Lives in the arena. */
struct scan_gguf {
    uint32_t version;
    bool big_endian;
    struct wh_str architecture, name;
    uint64_t vocab; /* entries of tokenizer.ggml.tokens */
    struct scan_alphabet alphabet;
    struct scan_gguf_number numbers[SCAN_GGUF_NUMBERS_MAX];
    size_t nnumbers;
    struct scan_gguf_template templates[SCAN_GGUF_TEMPLATES_MAX];
    size_t ntemplates;
    uint64_t alignment;
    uint64_t header_end; /* first byte after the tensor list */
    uint64_t data;       /* first data byte */
};

/* Does a file that starts with these bytes mean to be one? */
bool scan_gguf_looks(const uint8_t *head, size_t n);
/* Parse and check everything before the data. The list stays in file order,
 * which is also the order of the data. Faults of the file: scan_fault. */
bool scan_gguf_parse(struct scan_ctx *c, struct scan_tensors *t,
                     struct scan_gguf **out, struct wh_err *err) WH_CHECK;
/* The number "<architecture>.<suffix>", or 0. */
uint64_t scan_gguf_number(const struct scan_gguf *g, const char *suffix);

#endif
