/*
 * scan.h - weighing one file: what it is, what it holds, what is wrong with it.
 * Owner: everything in a report lives in the arena given to scan_file.
 * Never: trusts a name or an extension; reads outside the source; claims what
 * was not read to the last byte (then `verifiable` is false and `why` says so).
 *
 * Formats are known by content. A fault of the file is no error of scan_file:
 * it is a finding in the report. False is returned only when the source could
 * not be read or a ceiling of the machine was met.
 */
#ifndef WH_SCAN_SCAN_H
#define WH_SCAN_SCAN_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"
#include "base/src.h"
#include "scan/finding.h"

/* Version of the rules in this room; part of every result. */
#define SCAN_VERSION "1.2"

/* What a caller may tell; all of it optional (zero bytes). Nothing here can
 * make a result milder: hints only add findings or name what was measured. */
struct scan_options {
    struct wh_str path;   /* for "the name says A, the content is B" */
    struct wh_str config; /* text of the config.json beside the file */
    bool sha256;          /* also compute the SHA-256 of the whole file */
};

/* Every content falls in one class. */
enum scan_class {
    SCAN_CLASS_WEIGHTS, /* parses as tensors */
    SCAN_CLASS_TEXT,    /* UTF-8 text, JSON, YAML, ... to its last byte */
    SCAN_CLASS_DATA,    /* pictures, sound, tables: known containers */
    SCAN_CLASS_PROGRAM, /* a program, or a container that can carry one */
    SCAN_CLASS_BULK,    /* text or data so large that weights fit into it */
    SCAN_CLASS_UNKNOWN, /* bytes that nothing here explains */
};

/* From this size on, text and data are bulk: they are judged with the weights
 * of a model, by what they could carry. Papers, pictures and vocabularies are
 * smaller. */
#define SCAN_BULK_MIN (UINT64_C(32) << 20)
/* From this size on they make a claim of what they could carry at all. */
#define SCAN_CARRY_MIN (UINT64_C(1) << 20)
/* A text may hold this many encoded bytes (pictures in a notebook). */
#define SCAN_ENCODED_MAX (UINT64_C(16) << 20)

/* Formats whose values are named in results ("safetensors", "gguf", ...). */
enum scan_format {
#define SCAN_FORMAT(id, name, class, words) SCAN_FMT_##id,
#include "scan/formats.tbl"
#undef SCAN_FORMAT
    SCAN_FMT_COUNT
};

/* Three-valued answers of the house's own look. */
enum scan_presence {
    SCAN_PRESENCE_UNKNOWN,
    SCAN_PRESENCE_NONE_FOUND,
    SCAN_PRESENCE_FOUND,
};

#define SCAN_DTYPES_MAX 64

/* Logical parameters of one stored type. */
struct scan_dtype_count {
    const char *name; /* "F32", "Q4_1"; static */
    uint64_t parameters;
};

/* Shape of the model as far as tensors, metadata and config tell; 0 or empty
 * is "not known". */
struct scan_arch {
    struct wh_str family; /* "llama", "bert" */
    uint64_t layers, width, vocab, heads, kv_heads, feed_forward, context;
    uint64_t experts, experts_used;
};

/* The result for one file. Lives in the arena of scan_file. */
struct scan_report {
    enum scan_format format;
    enum scan_class class;
    bool verifiable;   /* every byte is explained by the format */
    struct wh_str why; /* when not: the reason, one sentence */
    uint64_t size;     /* bytes of the file */

    bool weighs;           /* the fields down to tensor_set are set */
    uint64_t tensors;      /* entries of the header */
    uint64_t tensor_bytes; /* sum of their data */
    uint64_t parameters;   /* logical count, best reading */
    uint64_t parameters_lo, parameters_hi; /* what it can not be outside of */
    uint64_t buffers; /* elements of tables that are no parameters */
    struct scan_dtype_count by_dtype[SCAN_DTYPES_MAX];
    size_t dtypes;
    unsigned min_bits; /* narrowest logical parameter */
    struct scan_arch arch;
    uint8_t tensor_set[WH_SHA256_LEN]; /* see docs/formats/tensor-set.md */
    uint8_t names[WH_SHA256_LEN];      /* digest of the set of tensor names */

    enum scan_presence biology, exploit; /* speciality.* */
    const char *speciality_method;       /* static: how, and what it misses */

    bool has_sha256;
    uint8_t sha256[WH_SHA256_LEN];
    struct scan_findings findings;
};

/* Read and judge the whole source. opt may be null. On success *out is filled
 * and lives in `a`; bad content is a finding, not a failure. Errors: what
 * src->read_at raises; WH_NOMEM when the arena's ceiling was passed. */
bool scan_file(const struct wh_src *src, const struct scan_options *opt,
               struct wh_arena *a, struct scan_report *out,
               struct wh_err *err) WH_CHECK;

/* Is a text of this name read as something that another name would not show: a
 * vocabulary, a template? Everything else is judged by content alone. */
bool scan_reads_by_name(struct wh_str path);

/* The canonical scan result (sorted keys, integers only, large numbers as
 * decimal strings) appended to b; docs/formats/scan-result.md. The claims in
 * it carry "by":"house". Never fails; a full buffer sets b->over. */
void scan_report_json(struct wh_buf *b, const struct scan_report *r);

/* A list of findings as a canonical JSON array. */
void scan_findings_json(struct wh_buf *b, const struct scan_findings *f);

/* The compute interval's upper end, 6 * n * 5e13, exactly, in the shortest
 * decimal form ("4.03545024e22"; "0" for 0). out has room for 40 bytes. */
#define SCAN_COMPUTE_TEXT 40
void scan_compute_hi(uint64_t n, char out[SCAN_COMPUTE_TEXT]);

/* "safetensors"; the sentence that explains a format; "weights". Static. */
const char *scan_format_name(enum scan_format f);
const char *scan_format_words(enum scan_format f);
enum scan_class scan_format_class(enum scan_format f);
const char *scan_class_name(enum scan_class c);
/* Number of findings of severity danger. */
size_t scan_report_dangers(const struct scan_report *r);

#endif
