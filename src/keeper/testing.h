/*
 * testing.h - for tests only: the papers of an opening, true or twisted, and
 * a small register that signs what it is told.
 * Owner: testpapers_init .. testpapers_done; texts live in its arena.
 * Never: linked into the product.
 */
#ifndef WH_KEEPER_TESTING_H
#define WH_KEEPER_TESTING_H

#include "keeper/client.h"
#include "tlog/checkpoint.h"

struct testpapers {
    struct wh_arena a;
    struct crypto_ed25519 *secret;
    struct tlog_vkey key;
    char digests[2][WH_SHA256_HEX + 1]; /* of the enforced lines */
    struct wh_str lines[2];             /* their texts */
};

/* What the papers say. Zero bytes and nulls give the true papers of the
 * content. */
struct testpapers_spec {
    const char *sha256; /* the content: hex digest and size */
    uint64_t size;
    const char *part;    /* of the file in the manifest; "weights" */
    const char *lineage; /* "none-found"; "" leaves it out */
    const char *compute; /* evidence that front adds about compute; null */
    const char *type;    /* of the leaf; "decision" */
    const char *tier;    /* of the part in the leaf; "open" */
    const char *subject; /* in the leaf; the manifest's digest */
    const char *named_evidence; /* in the leaf; the evidence's digest */
    const char *other_file;     /* digest of a second file of weights; null */
    int64_t until;              /* 0: none */
    bool one_line;              /* the leaf names only the first line */
    bool committed;             /* subject and evidence by commitment */
    uint64_t tree;              /* size of the tree, at least 2; 0: 2 */
    bool wrong_path;            /* the proof leads elsewhere */
    bool other_signer;          /* the note is signed by another key */
    bool flip_note;             /* one byte of the note is changed */
};

/* Key of the register in keys_dir/log.vkey. */
void testpapers_init(struct testpapers *p, const char *keys_dir);
void testpapers_done(struct testpapers *p);
/* A scan result with this many parameters, dangerous findings and class. */
struct wh_str testpapers_result(struct testpapers *p, const char *class,
                                uint64_t parameters, unsigned dangers);
/* Fill everything of *o but content and scans. */
void testpapers_make(struct testpapers *p, const struct testpapers_spec *spec,
                     struct keeper_opening *o);

#endif
