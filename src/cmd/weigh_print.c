/*
 * weigh_print.c - what was weighed, for people: one row a file, what is wrong
 * below its row, then the sums. Text that comes from files is cleaned before it
 * reaches a terminal.
 */
#include "cmd/weighed.h"

#include <stdio.h>

#define TEXT_SHOWN_MAX 400

static struct wh_str text(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_string(v)
               ? wh_str_mem(json_string_value(v), json_string_length(v))
               : WH_S("");
}

/* Control bytes and everything beyond ASCII could steer a terminal. */
static void say(struct wh_str s)
{
    for (size_t i = 0; i < s.n && i < TEXT_SHOWN_MAX; i++) {
        (void)putchar(s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?');
    }
}

/* Whole numbers in groups of three; anything else as it is. */
static void say_number(struct wh_str digits)
{
    uint64_t v;
    bool whole = wh_str_u64(digits, &v);
    for (size_t i = 0; i < digits.n; i++) {
        if (whole && i > 0 && (digits.n - i) % 3 == 0) {
            (void)putchar(',');
        }
        say(wh_str_sub(digits, i, 1));
    }
}

static void say_u64(uint64_t v)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%llu", (unsigned long long)v);
    say_number(wh_str_of(digits));
}

/* "90.8 MB", right-aligned in ten columns. */
static void say_size(uint64_t n)
{
    static const char *const units[] = {"B ", "kB", "MB", "GB", "TB"};
    unsigned u = 0;
    uint64_t whole = n, rest = 0;
    while (whole >= 1000 && u < 4) {
        rest = whole % 1000;
        whole /= 1000;
        u++;
    }
    if (u == 0) {
        printf("%7llu %s", (unsigned long long)whole, units[u]);
    } else {
        printf("%5llu.%llu %s", (unsigned long long)whole,
               (unsigned long long)(rest / 100), units[u]);
    }
}

/* The word at the front of a row: the worst that was found. */
static const char *mark(const struct cmd_weighed_file *f)
{
    const json_t *item;
    size_t i;
    const char *worst = "ok";
    if (!f->looked) {
        return "FAILED";
    }
    json_array_foreach(json_object_get(f->look.result, "findings"), i, item)
    {
        struct wh_str s = text(item, "severity");
        if (wh_str_is(s, "danger")) {
            return "DANGER";
        }
        if (wh_str_is(s, "warn")) {
            worst = "look";
        }
    }
    return f->look.verifiable || wh_str_is(f->look.class, "data") ? worst
                                                                  : "unread";
}

static void print_findings(const json_t *list)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        printf("          %-6s ", "");
        say(text(item, "severity"));
        printf(" ");
        say(text(item, "id"));
        printf(": ");
        say(text(item, "why"));
        (void)putchar('\n');
    }
}

static void print_part_of_arch(const json_t *arch, const char *key,
                               const char *words, bool *first)
{
    const json_t *v = json_object_get(arch, key);
    if (json_is_integer(v)) {
        printf("%s%s ", *first ? "" : ", ", words);
        say_u64((uint64_t)json_integer_value(v));
        *first = false;
    }
}

/* "bert, layers 6, width 384" */
static void print_architecture(const json_t *arch)
{
    struct wh_str family = text(arch, "family");
    bool first = family.n == 0;
    if (json_object_size(arch) == 0) {
        return;
    }
    printf("          %-6s architecture: ", "");
    say(family);
    print_part_of_arch(arch, "layers", "layers", &first);
    print_part_of_arch(arch, "width", "width", &first);
    print_part_of_arch(arch, "vocab", "vocabulary", &first);
    print_part_of_arch(arch, "experts", "experts", &first);
    (void)putchar('\n');
}

static void print_types(json_t *types)
{
    const char *key;
    const json_t *v;
    bool first = true;
    json_object_foreach(types, key, v)
    {
        printf("%s", first ? ": " : ", ");
        say(wh_str_of(key));
        printf(" ");
        say_number(wh_str_of(json_string_value(v) ? json_string_value(v) : ""));
        first = false;
    }
}

/* What only weights have: parameters, architecture, digest. */
static void print_weights(const struct cmd_weighed_file *f)
{
    const json_t *r = f->look.result;
    if (text(r, "parameters").n == 0) {
        return;
    }
    printf("          %-6s ", "");
    say_number(text(r, "parameters"));
    printf(" parameters in ");
    say_u64((uint64_t)json_integer_value(json_object_get(r, "tensors")));
    printf(" tensors");
    print_types(json_object_get(r, "by_dtype"));
    (void)putchar('\n');
    print_architecture(json_object_get(r, "architecture"));
    printf("          %-6s sha256 ", "");
    say(text(r, "sha256"));
    (void)putchar('\n');
}

static void print_file(const struct cmd_weighed_file *f)
{
    printf("  %-6s ", mark(f));
    say_size(f->size);
    printf("  %-12.*s %-10s ", WH_FMT(f->look.format),
           weigh_part_name(f->part));
    say(f->path);
    (void)putchar('\n');
    if (!f->looked) {
        printf("          %-6s %s\n", "", f->err.msg);
        return;
    }
    if (!f->look.verifiable) {
        printf("          %-6s not verifiable: ", "");
        say(f->look.why);
        (void)putchar('\n');
    }
    print_findings(json_object_get(f->look.result, "findings"));
    print_weights(f);
}

static void print_interval(const json_t *evidence, const char *claim,
                           const char *title, const char *unit)
{
    const json_t *item = json_object_get(evidence, claim);
    struct wh_str lo = text(item, "lo"), hi = text(item, "hi");
    printf("  %-12s ", title);
    if (hi.n == 0) {
        printf("unknown\n");
        return;
    }
    if (!wh_str_eq(lo, hi)) {
        say_number(lo);
        printf(" to ");
    }
    say_number(hi);
    printf("%s\n", unit);
}

static void print_line(const struct cmd_weighed_line *l)
{
    const char *answer = "unsure";
    if (l->compute && l->compute->answer == RULE_YES) {
        answer = "below";
    } else if (l->compute && l->compute->answer == RULE_NO) {
        answer = "above";
    }
    printf("  %-12s %s: %.*s", "", answer, WH_FMT(l->name));
    if (l->compute) {
        printf(" asks for ");
        say(l->compute->expr->need);
    }
    (void)putchar('\n');
}

static void print_parts(const struct cmd_weighed *w)
{
    size_t count[WEIGH_PART_COUNT] = {0};
    bool first = true;
    for (size_t i = 0; i < w->n; i++) {
        count[w->files[i].part]++;
    }
    printf("  %-12s ", "parts");
    for (size_t i = WEIGH_PART_COUNT; i-- > 0;) {
        if (count[i] > 0) {
            printf("%s%zu %s", first ? "" : ", ", count[i],
                   weigh_part_name((enum weigh_part)i));
            first = false;
        }
    }
    (void)putchar('\n');
}

static void print_sum_of_findings(const struct cmd_weighed *w)
{
    printf("  %-12s ", "findings");
    if (w->dangers + w->warnings + w->unverified + w->failed == 0) {
        printf("none\n");
        return;
    }
    printf("%zu dangerous, %zu to look at; %zu file%s not verifiable",
           w->dangers, w->warnings, w->unverified,
           w->unverified == 1 ? "" : "s");
    if (w->failed > 0) {
        printf("; %zu could not be read", w->failed);
    }
    (void)putchar('\n');
}

void cmd_print_weighed(const struct cmd_weighed *w)
{
    if (w->tree.folder) {
        say(w->tree.root);
        printf(": %zu file%s\n", w->n, w->n == 1 ? "" : "s");
    }
    for (size_t i = 0; i < w->n; i++) {
        print_file(&w->files[i]);
    }
    if (w->tree.skipped > 0) {
        printf("  %zu entries skipped: links, devices, sockets\n",
               w->tree.skipped);
    }
    if (json_array_size(w->index_findings) > 0) {
        printf("  shard index\n");
        print_findings(w->index_findings);
    }
    if (w->tree.folder) {
        print_parts(w);
    }
    if (w->weights > 0) {
        print_interval(w->evidence, "size.params_total", "parameters", "");
        print_interval(w->evidence, "compute.training", "compute", " FLOP");
        for (size_t i = 0; i < CMD_WEIGHED_LINES; i++) {
            print_line(&w->lines[i]);
        }
    }
    print_sum_of_findings(w);
}
