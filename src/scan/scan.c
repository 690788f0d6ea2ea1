/*
 * scan.c - one file from its first bytes to its report. Every recogniser is
 * asked; a file that is weights to one reader and a program to another is
 * named as such. What nothing explains is not verifiable.
 */
#include "scan/scan.h"

#include "scan/arch.h"
#include "scan/config.h"
#include "scan/count.h"
#include "scan/ctx.h"
#include "scan/data.h"
#include "scan/gguf.h"
#include "scan/pass.h"
#include "scan/program.h"
#include "scan/safetensors.h"
#include "scan/template.h"

#include <stdarg.h>
#include <stdio.h>

static const char method_biology_names[] =
    "architecture family by tensor names and configuration, size of the "
    "vocabulary; renamed tensors and what the model learned are not seen";
static const char method_biology_tokens[] =
    "architecture family and the letters of the vocabulary; what the model "
    "learned is not seen";

bool scan_fault(struct scan_ctx *c, struct wh_err *err, enum scan_finding_id id,
                uint64_t at, const char *fmt, ...)
{
    char why[SCAN_WHY_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    scan_findings_add(&c->r->findings, id, at, "%s", why);
    scan_not_verifiable(c, wh_str_of(why));
    c->faulted = true;
    return wh_fail(err, WH_NOT_VERIFIABLE, "%s", why);
}

void scan_not_verifiable(struct scan_ctx *c, struct wh_str why)
{
    if (c->r->why.n == 0) {
        c->r->why = wh_arena_dup(c->a, why);
    }
    c->r->verifiable = false;
}

static void set_format(struct scan_ctx *c, enum scan_format f)
{
    c->r->format = f;
    c->r->class = scan_format_class(f);
}

/* ---- weights ---- */

/* A fault of the file is an answer, not a failure. */
static bool settle(const struct scan_ctx *c, bool ok)
{
    return ok || c->faulted;
}

/* The text of the configuration beside the file, if the caller gave one. */
static bool read_config(struct scan_ctx *c, struct scan_config *out,
                        struct wh_err *err)
{
    struct wh_str text = c->opt->config;
    struct wh_src src = wh_src_mem(text.p, text.n);
    *out = (struct scan_config){0};
    return text.n == 0 || scan_config_read(c, &src, false, out, err);
}

static void judge_biology(struct scan_ctx *c, const struct scan_alphabet *a)
{
    struct scan_report *r = c->r;
    bool tokens = a && a->tokens > 0;
    r->speciality_method =
        tokens ? method_biology_tokens : method_biology_names;
    if (scan_arch_biological(r->arch.family) ||
        (tokens && scan_alphabet_biological(a))) {
        r->biology = SCAN_PRESENCE_FOUND;
        scan_findings_note(&r->findings, SCAN_F_SPECIALITY_BIOLOGY, 0);
    } else if (!tokens && scan_alphabet_size_fits(r->arch.vocab)) {
        r->biology = SCAN_PRESENCE_UNKNOWN;
    } else {
        r->biology = SCAN_PRESENCE_NONE_FOUND;
    }
}

static bool weigh_safetensors(struct scan_ctx *c, struct scan_tensors *t,
                              struct wh_err *err)
{
    struct scan_pass pass = {.tensors = t};
    struct scan_config config;
    if (!scan_safetensors_parse(c, t, &pass.data, err)) {
        return false;
    }
    pass.header_end = pass.data;
    if (!scan_pass_run(c, &pass, err) || !read_config(c, &config, err)) {
        return false;
    }
    scan_arch_tensors(c, t, &config);
    scan_count(c, t, config.quant_bits);
    judge_biology(c, NULL);
    c->r->exploit = SCAN_PRESENCE_NONE_FOUND;
    return true;
}

static bool weigh_gguf(struct scan_ctx *c, struct scan_tensors *t,
                       struct wh_err *err)
{
    struct scan_pass pass = {.tensors = t};
    struct scan_gguf *g;
    if (!scan_gguf_parse(c, t, &g, err)) {
        return false;
    }
    pass.header_end = g->header_end;
    pass.data = g->data;
    if (!scan_pass_run(c, &pass, err)) {
        return false;
    }
    for (size_t i = 0; i < g->ntemplates; i++) {
        scan_template_check(c, g->templates[i].key, g->templates[i].text,
                            g->templates[i].at);
    }
    scan_arch_gguf(c, t, g);
    scan_count(c, t, 0);
    judge_biology(c, &g->alphabet);
    c->r->exploit = scan_arch_exploit(g->name) ? SCAN_PRESENCE_FOUND
                                               : SCAN_PRESENCE_NONE_FOUND;
    return true;
}

/* Does the file mean to be weights? Sets the format if so. */
static bool means_weights(struct scan_ctx *c, const struct scan_head *h)
{
    static const char *const old[] = {"lmgg", "fmgg", "tjgg"};
    if (scan_safetensors_looks(h->p, h->n)) {
        set_format(c, SCAN_FMT_SAFETENSORS);
        return true;
    }
    if (scan_gguf_looks(h->p, h->n)) {
        set_format(c, SCAN_FMT_GGUF);
        return true;
    }
    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++) {
        if (h->n >= 8 && memcmp(h->p, old[i], 4) == 0 && h->p[6] == 0 &&
            h->p[7] == 0) {
            set_format(c, SCAN_FMT_GGML);
            return true;
        }
    }
    return false;
}

static bool weigh(struct scan_ctx *c, struct wh_err *err)
{
    struct scan_tensors t;
    bool ok;
    if (c->r->format == SCAN_FMT_GGML) {
        scan_findings_note(&c->r->findings, SCAN_F_GGML_OLD, 0);
        scan_not_verifiable(c, WH_S("an older container that is not read"));
        return true;
    }
    scan_tensors_init(&t);
    ok = c->r->format == SCAN_FMT_GGUF ? weigh_gguf(c, &t, err)
                                       : weigh_safetensors(c, &t, err);
    c->r->weighs = ok;
    scan_tensors_done(&t);
    return settle(c, ok);
}

/* ---- programs and containers ---- */

static void add_programs(struct scan_ctx *c, const struct scan_program *p,
                         size_t n)
{
    for (size_t i = 0; i < n; i++) {
        scan_findings_note(&c->r->findings, p[i].finding, p[i].at);
    }
}

/* Weights that are also a program: say both names. */
static void judge_polyglot(struct scan_ctx *c, const struct scan_program *p,
                           size_t n)
{
    if (n == 0) {
        return;
    }
    scan_findings_add(
        &c->r->findings, SCAN_F_POLYGLOT, p[0].at, "the file is %s and also %s",
        scan_format_words(c->r->format), scan_format_words(p[0].format));
    scan_not_verifiable(c, WH_S("one file, two formats"));
}

static void judge_program(struct scan_ctx *c, const struct scan_program *p,
                          size_t n)
{
    set_format(c, p[0].format);
    if (n > 1) {
        judge_polyglot(c, p + 1, n - 1);
    }
    scan_not_verifiable(c, wh_arena_fmt(c->a, "%s is identified, not read",
                                        scan_format_words(p[0].format)));
}

static void judge_data(struct scan_ctx *c, const struct scan_data_look *d)
{
    set_format(c, d->format);
    if (d->whole) {
        return;
    }
    if (d->tail) {
        scan_findings_add(&c->r->findings, SCAN_F_BYTES_UNEXPLAINED, d->at,
                          "%llu bytes follow the end of %s",
                          (unsigned long long)(c->r->size - d->at),
                          scan_format_words(d->format));
    }
    scan_not_verifiable(
        c, wh_arena_fmt(c->a, "%s is identified, not read to its last byte",
                        scan_format_words(d->format)));
}

/* ---- text ---- */

static bool ends_with(struct wh_str s, const char *tail)
{
    struct wh_str t = wh_str_of(tail);
    return s.n >= t.n && wh_str_ieq(wh_str_sub(s, s.n - t.n, t.n), t);
}

/* Templates and vocabularies that are plain text, known by their usual names;
 * at most this much of them is looked at. */
#define PLAIN_MAX (1u << 20)

static void judge_vocabulary(struct scan_ctx *c, struct wh_str text)
{
    struct scan_alphabet a = {0};
    struct wh_str line;
    while (text.n > 0) {
        (void)wh_str_cut(&text, '\n', &line);
        scan_alphabet_add(&a, wh_str_trim(line));
    }
    if (scan_alphabet_biological(&a)) {
        c->r->biology = SCAN_PRESENCE_FOUND;
        c->r->speciality_method = method_biology_tokens;
        scan_findings_note(&c->r->findings, SCAN_F_SPECIALITY_BIOLOGY, 0);
    }
}

static bool is_vocabulary(struct wh_str path)
{
    return ends_with(path, "vocab.txt");
}

bool scan_reads_by_name(struct wh_str path)
{
    return is_vocabulary(path) || ends_with(path, ".jinja");
}

static bool judge_plain(struct scan_ctx *c, struct wh_err *err)
{
    bool vocab = is_vocabulary(c->opt->path);
    if (!scan_reads_by_name(c->opt->path)) {
        return true;
    }
    size_t n = c->src->size < PLAIN_MAX ? (size_t)c->src->size : PLAIN_MAX;
    char *p = wh_arena_alloc(c->a, n);
    if (!wh_src_read(c->src, 0, p, n, err)) {
        return false;
    }
    if (vocab) {
        judge_vocabulary(c, wh_str_mem(p, n));
    } else {
        scan_template_check(c, WH_S("template"), wh_str_mem(p, n), 0);
        if (c->src->size > n) {
            scan_findings_add(&c->r->findings, SCAN_F_LIMIT_OVER, n,
                              "a template of more than %u bytes", PLAIN_MAX);
        }
    }
    return true;
}

/* *json: it is JSON. What was seen up to a break stays reported. */
static bool judge_json(struct scan_ctx *c, bool *json, struct wh_err *err)
{
    struct scan_config config;
    if (!scan_config_read(c, c->src, true, &config, err)) {
        return false;
    }
    *json = config.json;
    if (!config.json) {
        return true;
    }
    set_format(c, SCAN_FMT_JSON);
    c->r->arch = config.arch;
    if (scan_arch_biological(config.arch.family) ||
        scan_alphabet_biological(&config.alphabet)) {
        c->r->biology = SCAN_PRESENCE_FOUND;
        c->r->speciality_method = method_biology_tokens;
        scan_findings_note(&c->r->findings, SCAN_F_SPECIALITY_BIOLOGY, 0);
    }
    return true;
}

/* A text that is mostly a binary written down explains nothing of it. */
static bool judge_encoded(struct scan_ctx *c, uint64_t encoded)
{
    if (encoded <= SCAN_ENCODED_MAX) {
        return false;
    }
    c->r->class = SCAN_CLASS_UNKNOWN;
    scan_findings_add(&c->r->findings, SCAN_F_BINARY_UNKNOWN, 0,
                      "%llu bytes of this text are a binary written as text",
                      (unsigned long long)encoded);
    scan_not_verifiable(c, WH_S("a binary written as text is not read"));
    return true;
}

static bool judge_text(struct scan_ctx *c, const struct scan_head *h,
                       uint64_t encoded, struct wh_err *err)
{
    set_format(c, SCAN_FMT_TEXT);
    if (judge_encoded(c, encoded)) {
        return true;
    }
    if (scan_is_script(h)) {
        set_format(c, SCAN_FMT_SCRIPT);
        scan_findings_note(&c->r->findings, SCAN_F_PROGRAM_SCRIPT, 0);
        return true;
    }
    if (scan_is_html(h)) {
        set_format(c, SCAN_FMT_HTML);
        scan_findings_note(&c->r->findings, SCAN_F_PROGRAM_HTML, 0);
        return true;
    }
    struct wh_str s = wh_str_trim(wh_str_mem(h->p, h->n));
    bool json = false;
    if (s.n > 0 && (s.p[0] == '{' || s.p[0] == '[') &&
        !judge_json(c, &json, err)) {
        return false;
    }
    return json || judge_plain(c, err);
}

/* ---- what the name says ---- */

static void judge_name(struct scan_ctx *c)
{
    static const struct {
        const char *ending;
        enum scan_format format;
    } names[] = {
        {".safetensors", SCAN_FMT_SAFETENSORS},
        {".gguf", SCAN_FMT_GGUF},
        {".json", SCAN_FMT_JSON},
        {".png", SCAN_FMT_PNG},
        {".jpg", SCAN_FMT_JPEG},
        {".jpeg", SCAN_FMT_JPEG},
        {".gif", SCAN_FMT_GIF},
        {".txt", SCAN_FMT_TEXT},
        {".md", SCAN_FMT_TEXT},
        {".parquet", SCAN_FMT_PARQUET},
        {".pdf", SCAN_FMT_PDF},
        {".zip", SCAN_FMT_ZIP},
    };
    struct wh_str path = c->opt->path;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!ends_with(path, names[i].ending)) {
            continue;
        }
        enum scan_format f = names[i].format;
        /* One text for another is no contradiction: .txt files hold JSON. */
        bool texts = f == SCAN_FMT_TEXT && c->r->class == SCAN_CLASS_TEXT;
        if (c->r->format != f && !texts && c->r->format != SCAN_FMT_EMPTY) {
            scan_findings_add(&c->r->findings, SCAN_F_NAME_CONTRADICTION, 0,
                              "the name ends in %s, the content is %s",
                              names[i].ending, scan_format_words(c->r->format));
        }
        return;
    }
}

/* ---- all of it ---- */

/* A file that is no weights: text if the whole of it is, else what the first
 * bytes say, else unknown. */
static bool judge_other(struct scan_ctx *c, const struct scan_head *h,
                        const struct scan_program *p, size_t n,
                        struct wh_err *err)
{
    struct scan_data_look data;
    struct scan_pass pass = {.text = true};
    if (!scan_data_look(h, &data, err) || !scan_pass_run(c, &pass, err)) {
        return false;
    }
    add_programs(c, p, n);
    if (data.found) {
        judge_data(c, &data);
        judge_polyglot(c, p, n);
    } else if (n > 0) {
        judge_program(c, p, n);
    } else if (pass.text) {
        return judge_text(c, h, pass.encoded, err);
    } else {
        set_format(c, SCAN_FMT_UNKNOWN);
        scan_findings_note(&c->r->findings, SCAN_F_BINARY_UNKNOWN, 0);
        scan_not_verifiable(c, WH_S("a binary that nothing here explains"));
    }
    return true;
}

static bool judge(struct scan_ctx *c, struct wh_err *err)
{
    struct scan_head *h = WH_NEW(c->a, struct scan_head);
    struct scan_program programs[SCAN_PROGRAMS_MAX];
    size_t n;
    h->src = c->src;
    h->n = c->src->size < SCAN_HEAD ? (size_t)c->src->size : SCAN_HEAD;
    if (!wh_src_read(c->src, 0, h->p, h->n, err) ||
        !scan_programs(h, programs, &n, err)) {
        return false;
    }
    if (!means_weights(c, h)) {
        return judge_other(c, h, programs, n, err);
    }
    if (!weigh(c, err)) {
        return false;
    }
    add_programs(c, programs, n);
    judge_polyglot(c, programs, n);
    return true;
}

static void judge_bulk(struct scan_report *r)
{
    if (r->size > SCAN_BULK_MIN &&
        (r->class == SCAN_CLASS_TEXT || r->class == SCAN_CLASS_DATA)) {
        r->class = SCAN_CLASS_BULK;
    }
}

/* A fault stops the reading; the digest of the file is owed all the same. */
static bool finish_digest(struct scan_ctx *c, struct wh_err *err)
{
    struct scan_pass pass = {0};
    return !c->opt->sha256 || c->r->has_sha256 || scan_pass_run(c, &pass, err);
}

bool scan_file(const struct wh_src *src, const struct scan_options *opt,
               struct wh_arena *a, struct scan_report *out, struct wh_err *err)
{
    static const struct scan_options none = {0};
    struct scan_ctx c = {
        .src = src, .opt = opt ? opt : &none, .a = a, .r = out};
    *out = (struct scan_report){.size = src->size, .verifiable = true};
    scan_findings_init(&out->findings, a);
    if (src->size == 0) {
        set_format(&c, SCAN_FMT_EMPTY);
        return finish_digest(&c, err);
    }
    if (!judge(&c, err) || !finish_digest(&c, err)) {
        return false;
    }
    judge_name(&c);
    judge_bulk(out);
    return !wh_arena_over(a, err);
}
