/*
 * detect_bench.c - what the detectors catch, what they wrongly alarm, what that
 * does to accounts, and how long it takes. Run by detect.py.
 *
 * usage: detect_bench HIJACK HARM ACCOUNTS
 *
 * Folders with train.jsonl.gz and dev.jsonl.gz. Prints tables; a line that
 * begins with "row" and tabs is for the table of all benchmarks. No text of a
 * row is printed.
 */
#include "base/mem.h"
#include "base/time.h"
#include "detect/exact.h"
#include "detect/sequence.h"
#include "detect/sketch.h"
#include "detect/train.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MISS 0.025 /* at each end: 95 % intervals */
#define LIFE 1000  /* requests of an honest account */
#define STOLEN_AFTER 2000
#define NAMES 64

/* Families that classifier and rules were tuned on. All others only judge. */
static const char *const tune[] = {"persona", "suffix", "injection", "cipher"};

static bool is_tune(struct wh_str family)
{
    for (size_t i = 0; i < sizeof(tune) / sizeof(*tune); i++) {
        if (wh_str_is(family, tune[i])) {
            return true;
        }
    }
    return false;
}

struct bench {
    struct wh_arena arena;
    struct detect_signatures *signatures;
    struct detect_screen *screen;
    struct detect_model *model;
    struct detect_corpus train, dev;
    uint64_t chance;
};

static void must(bool ok, const struct wh_err *err)
{
    if (!ok) {
        fprintf(stderr, "detect_bench: %s (%s)\n", err->msg, err->detail);
        _exit(4);
    }
}

static uint64_t next(struct bench *b)
{
    b->chance ^= b->chance << 13;
    b->chance ^= b->chance >> 7;
    b->chance ^= b->chance << 17;
    return b->chance;
}

static double uniform(struct bench *b)
{
    return (double)(next(b) >> 11) * 0x1p-53;
}

static double now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void screen_in(struct bench *b, struct wh_str text, const char *segment,
                      struct detect_result *r)
{
    struct detect_prompt prompt = {.text = text, .segment = wh_str_of(segment)};
    detect_screen_run(b->screen, b->model, &prompt, DETECT_POINT, r);
}

/* At the threshold of the worst of all sources. */
static void screen_text(struct bench *b, struct wh_str text,
                        struct detect_result *r)
{
    screen_in(b, text, "", r);
}

/* ---- reading ---- */

static void read_split(struct bench *b, struct detect_corpus *c,
                       const char *hijack, const char *harm, const char *name)
{
    struct wh_err err = {0};
    char path[4096];
    detect_corpus_init(c, &b->arena);
    (void)snprintf(path, sizeof(path), "%s/%s.jsonl.gz", hijack, name);
    must(detect_corpus_read(c, path, &err), &err);
    (void)snprintf(path, sizeof(path), "%s/%s.jsonl.gz", harm, name);
    must(detect_corpus_read(c, path, &err), &err);
    detect_corpus_finish(c);
}

/* ---- recall and false alarms, by source ---- */

struct tally {
    struct wh_str source, family;
    uint64_t n, hit[DETECT_POINTS];
    uint64_t clusters, clusters_hit;
    uint64_t seen[4096]; /* clusters */
};

static struct tally *tally_of(struct tally *t, size_t *n,
                              const struct detect_row *r)
{
    size_t i;
    for (i = 0; i < *n; i++) {
        if (wh_str_eq(t[i].source, r->source) &&
            (!r->attack || wh_str_eq(t[i].family, r->family))) {
            return &t[i];
        }
    }
    wh_assert(*n < NAMES);
    t[*n] = (struct tally){.source = r->source, .family = r->family};
    return &t[(*n)++];
}

/* One row drawn from each cluster: the first that comes. */
static bool first_of_cluster(struct tally *t, uint64_t cluster)
{
    for (uint64_t i = 0; i < t->clusters; i++) {
        if (t->seen[i] == cluster) {
            return false;
        }
    }
    wh_assert(t->clusters < 4096);
    t->seen[t->clusters++] = cluster;
    return true;
}

static void count(struct bench *b, struct tally *t, const struct detect_row *r)
{
    struct detect_result result;
    screen_text(b, r->text, &result);
    t->n++;
    for (size_t i = 0; i < DETECT_POINTS; i++) {
        t->hit[i] += result.z > b->model->at[i];
    }
    if (first_of_cluster(t, r->cluster)) {
        t->clusters_hit += result.alarm;
    }
}

static void print_share(uint64_t k, uint64_t n)
{
    printf(" %5.1f [%5.1f,%5.1f]", 100.0 * (double)k / (double)n,
           100 * detect_exact_lower(k, n, MISS),
           100 * detect_exact_upper(k, n, MISS));
}

static void print_tallies(const struct tally *t, size_t n)
{
    printf("%-31s %-14s %5s %7s %7s %22s %5s %22s\n", "source", "family",
           "rows", "@0.1%", "@5%", "@1% of rows [95 %]", "clust",
           "@1% of clusters");
    for (size_t i = 0; i < n; i++) {
        double rows = (double)t[i].n;
        printf("%-31.*s %-14.*s %5llu %7.1f %7.1f", WH_FMT(t[i].source),
               WH_FMT(t[i].family), (unsigned long long)t[i].n,
               100 * (double)t[i].hit[0] / rows,
               100 * (double)t[i].hit[2] / rows);
        print_share(t[i].hit[DETECT_POINT], t[i].n);
        printf(" %5llu", (unsigned long long)t[i].clusters);
        print_share(t[i].clusters_hit, t[i].clusters);
        printf("\n");
    }
}

enum choice { TUNE_DEV, JUDGE_TRAIN, JUDGE_DEV, HONEST, JOINED, HARM };

static bool chosen(const struct detect_row *r, enum choice c)
{
    switch (c) {
    case TUNE_DEV:
        return r->attack && is_tune(r->family);
    case JUDGE_TRAIN:
    case JUDGE_DEV:
        return r->attack && !is_tune(r->family);
    case HONEST:
        return !r->attack && !r->harm && !r->made;
    case JOINED:
        return !r->attack && !r->harm && r->made;
    case HARM:
        return r->harm;
    default:
        return false;
    }
}

static void table(struct bench *b, const struct detect_corpus *c,
                  enum choice what, const char *title)
{
    struct tally *t = wh_calloc(NAMES, sizeof(*t));
    size_t n = 0;
    printf("\n%s\n", title);
    for (size_t i = 0; i < c->n; i++) {
        if (chosen(&c->row[i], what)) {
            count(b, tally_of(t, &n, &c->row[i]), &c->row[i]);
        }
    }
    print_tallies(t, n);
    wh_free(t);
}

/* ---- transforms ---- */

static void to_base64(struct wh_buf *b, struct wh_str s)
{
    wh_buf_base64(b, s.p, s.n);
}

static void to_hex(struct wh_buf *b, struct wh_str s)
{
    wh_buf_hex(b, s.p, s.n);
}

static void to_percent(struct wh_buf *b, struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        wh_buf_fmt(b, "%%%02X", (unsigned)(unsigned char)s.p[i]);
    }
}

static void to_bits(struct wh_buf *b, struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        for (int k = 7; k >= 0; k--) {
            wh_buf_char(b, (unsigned char)s.p[i] >> k & 1 ? '1' : '0');
        }
        wh_buf_char(b, ' ');
    }
}

static bool letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static void to_rot(struct wh_buf *b, struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        wh_buf_char(b, letter(c)
                           ? (char)((c & 0x60) + ((c & 0x1f) - 1 + 13) % 26 + 1)
                           : c);
    }
}

static void to_reversed(struct wh_buf *b, struct wh_str s)
{
    for (size_t i = s.n; i > 0; i--) {
        wh_buf_char(b, s.p[i - 1]);
    }
}

static void to_leet(struct wh_buf *b, struct wh_str s)
{
    static const char from[] = "oeastiOEASTI", to[] = "034571034571";
    for (size_t i = 0; i < s.n; i++) {
        const char *at = s.p[i] ? strchr(from, s.p[i]) : NULL;
        wh_buf_char(b, at ? to[at - from] : s.p[i]);
    }
}

static void to_spaced(struct wh_buf *b, struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        wh_buf_char(b, s.p[i]);
        wh_buf_char(b, ' ');
    }
}

static void to_zero_width(struct wh_buf *b, struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        wh_buf_char(b, s.p[i]);
        if (letter(s.p[i])) {
            wh_buf_cstr(b, "\xe2\x80\x8b");
        }
    }
}

static void to_fullwidth(struct wh_buf *b, struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned c = (unsigned char)s.p[i];
        if (c > 0x20 && c < 0x7f) {
            c += 0xfee0;
            wh_buf_char(b, (char)(0xe0 | c >> 12));
            wh_buf_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
            wh_buf_char(b, (char)(0x80 | (c & 0x3f)));
        } else {
            wh_buf_char(b, s.p[i]);
        }
    }
}

static void to_cyrillic(struct wh_buf *b, struct wh_str s)
{
    static const char from[] = "aeopcx";
    static const char *const to[] = {"\xd0\xb0", "\xd0\xb5", "\xd0\xbe",
                                     "\xd1\x80", "\xd1\x81", "\xd1\x85"};
    for (size_t i = 0; i < s.n; i++) {
        const char *at = s.p[i] ? strchr(from, s.p[i]) : NULL;
        if (at) {
            wh_buf_cstr(b, to[at - from]);
        } else {
            wh_buf_char(b, s.p[i]);
        }
    }
}

static void to_tags(struct wh_buf *b, struct wh_str s)
{
    wh_buf_cstr(b, "hello ");
    for (size_t i = 0; i < s.n; i++) {
        unsigned c = (unsigned char)s.p[i];
        if (c >= 0x20 && c < 0x7f) {
            wh_buf_cstr(b, "\xf3\xa0");
            wh_buf_char(b, (char)(0x80 | (c >> 6)));
            wh_buf_char(b, (char)(0x80 | (c & 0x3f)));
        }
    }
}

static void to_cased(struct wh_buf *b, struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        wh_buf_char(b,
                    letter(s.p[i]) && i % 3 ? (char)(s.p[i] ^ 0x20) : s.p[i]);
    }
}

static void to_swapped(struct wh_buf *b, struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool swap =
            i % 9 == 4 && i + 1 < s.n && letter(s.p[i]) && letter(s.p[i + 1]);
        wh_buf_char(b, swap ? s.p[i + 1] : s.p[i]);
        if (swap) {
            wh_buf_char(b, s.p[i]);
            i++;
        }
    }
}

static const struct transform {
    const char *name;
    void (*apply)(struct wh_buf *b, struct wh_str s);
} transforms[] = {
    {"as it is", wh_buf_add},
    {"base64", to_base64},
    {"hex", to_hex},
    {"percent", to_percent},
    {"bits", to_bits},
    {"ROT-13", to_rot},
    {"reversed", to_reversed},
    {"digits for letters", to_leet},
    {"letters spaced", to_spaced},
    {"zero-width between", to_zero_width},
    {"fullwidth", to_fullwidth},
    {"Cyrillic look-alikes", to_cyrillic},
    {"tag characters", to_tags},
    {"random case", to_cased},
    {"letters swapped", to_swapped},
};

/* Every `step`th row of a choice in dev, transformed. */
static void transformed(struct bench *b, const struct transform *t, bool attack,
                        uint64_t *hit, uint64_t *n)
{
    struct detect_result r;
    struct wh_buf text;
    size_t k = 0;
    *hit = *n = 0;
    wh_buf_init(&text, (size_t)1 << 20);
    for (size_t i = 0; i < b->dev.n; i++) {
        const struct detect_row *row = &b->dev.row[i];
        bool wanted =
            attack ? row->attack && wh_str_is(row->source, "garak-inthewild")
                   : chosen(row, HONEST) && ++k % 4 == 0;
        if (!wanted || row->text.n > 12000) {
            continue;
        }
        wh_buf_reset(&text);
        t->apply(&text, row->text);
        screen_text(b, wh_buf_str(&text), &r);
        *hit += r.alarm;
        (*n)++;
    }
    wh_buf_done(&text);
}

static void transform_table(struct bench *b)
{
    printf(
        "\nTransforms of garak-inthewild (dev) and of every fourth honest row "
        "(dev), @1%%\n%-22s %-22s %s\n",
        "transform", "alarmed attacks", "alarmed honest rows");
    for (size_t i = 0; i < sizeof(transforms) / sizeof(*transforms); i++) {
        uint64_t hit, n;
        printf("%-22s", transforms[i].name);
        transformed(b, &transforms[i], true, &hit, &n);
        print_share(hit, n);
        transformed(b, &transforms[i], false, &hit, &n);
        print_share(hit, n);
        printf("\n");
    }
}

/* ---- accounts ---- */

struct pool {
    struct wh_str name;
    uint8_t *alarm; /* of each row */
    size_t n;
    double p0;
};

/* Rows of dev that match, screened once by the threshold of a segment. */
static void fill_pool(struct bench *b, struct pool *p, const char *segment,
                      bool (*match)(const struct detect_row *r,
                                    struct wh_str name))
{
    const struct detect_segment *s =
        detect_model_segment(b->model, wh_str_of(segment));
    struct detect_result r;
    p->p0 = s ? s->p0 : 0.5;
    p->n = 0;
    p->alarm = wh_alloc(b->dev.n);
    for (size_t i = 0; i < b->dev.n; i++) {
        if (match(&b->dev.row[i], p->name)) {
            screen_in(b, b->dev.row[i].text, segment, &r);
            p->alarm[p->n++] = r.alarm;
        }
    }
}

static bool in_source(const struct detect_row *r, struct wh_str name)
{
    return chosen(r, HONEST) && wh_str_eq(r->source, name);
}

static bool in_segment(const struct detect_row *r, struct wh_str name)
{
    return !r->attack && !r->harm &&
           wh_str_is(name, detect_corpus_segment(r->family));
}

static bool in_family(const struct detect_row *r, struct wh_str name)
{
    return r->attack && (name.n == 0 || wh_str_eq(r->family, name));
}

/* One honest account: sessions on a topic of 12 rows, bursts and retries. A
 * retry is not counted, nor an alarm of a row that alarmed within the hour. */
static enum detect_rung honest_life(struct bench *b, const struct pool *p)
{
    struct detect_sequence s;
    enum detect_rung worst = DETECT_RUNG_NONE;
    double clock = 0, last[12];
    size_t topic[12];
    detect_sequence_init(&s);
    for (int t = 0; t < LIFE; t++) {
        size_t k = (size_t)(next(b) % 12);
        if (t % 50 == 0) {
            for (size_t i = 0; i < 12; i++) {
                topic[i] = (size_t)(next(b) % p->n);
                last[i] = -1e9;
            }
        }
        /* in a burst seconds lie between requests, else minutes */
        clock += t / 10 % 3 == 0 ? 2 : -300 * log(uniform(b) + 1e-12);
        if (uniform(b) < 0.05) {
            continue; /* a retry by the client's library */
        }
        bool alarm = p->alarm[topic[k]] && clock - last[k] > 3600;
        last[k] = p->alarm[topic[k]] && alarm ? clock : last[k];
        detect_sequence_add(&s, p->p0, alarm);
        enum detect_rung rung = detect_rung_of(detect_sequence_log(&s));
        worst = rung > worst ? rung : worst;
    }
    return worst;
}

static void honest_accounts(struct bench *b, const struct pool *p,
                            size_t accounts,
                            uint64_t reached[DETECT_RUNG_COUNT])
{
    memset(reached, 0, DETECT_RUNG_COUNT * sizeof(*reached));
    for (size_t i = 0; i < accounts; i++) {
        enum detect_rung worst = honest_life(b, p);
        for (int k = 0; k <= (int)worst; k++) {
            reached[k]++;
        }
    }
}

static void print_honest(struct bench *b, struct pool *p, size_t accounts,
                         uint64_t total[2])
{
    uint64_t reached[DETECT_RUNG_COUNT], k = 0;
    if (p->n == 0) {
        return;
    }
    for (size_t i = 0; i < p->n; i++) {
        k += p->alarm[i];
    }
    honest_accounts(b, p, accounts, reached);
    printf("%-24.*s %5zu %6.2f %6.2f %9zu", WH_FMT(p->name), p->n,
           100 * (double)k / (double)p->n, 100 * p->p0, accounts);
    for (int i = DETECT_RUNG_LOOK; i < DETECT_RUNG_COUNT; i++) {
        printf(" %8llu", (unsigned long long)reached[i]);
    }
    printf("   %.2e\n",
           detect_exact_upper(reached[DETECT_RUNG_SUSPEND], accounts, 0.05));
    total[0] += reached[DETECT_RUNG_SUSPEND];
    total[1] += accounts;
}

static void honest_head(const char *title)
{
    printf("\n%s\n%-24s %5s %6s %6s %9s", title, "", "rows", "alarm%", "p0%",
           "accounts");
    for (int i = DETECT_RUNG_LOOK; i < DETECT_RUNG_COUNT; i++) {
        printf(" %8s", detect_rung_row((enum detect_rung)i)->name);
    }
    printf("   suspended at most (95 %%)\n");
}

static const char *const segments[] = {"ask", "code", "edge", "text"};

static void honest_tables(struct bench *b, size_t accounts)
{
    uint64_t total[2] = {0, 0}, ignored[2] = {0, 0};
    struct tally *t = wh_calloc(NAMES, sizeof(*t));
    size_t n = 0;
    honest_head("Honest accounts of dev rows by segment, 1,000 requests each");
    for (size_t i = 0; i < 4; i++) {
        struct pool p = {.name = wh_str_of(segments[i])};
        fill_pool(b, &p, segments[i], in_segment);
        print_honest(b, &p, accounts / 4, total);
        wh_free(p.alarm);
    }
    printf("row\thonest accounts suspended, of %llu\t%llu (at most %.1e)\t"
           "alpha 1e-4\n",
           (unsigned long long)total[1], (unsigned long long)total[0],
           detect_exact_upper(total[0], total[1], 0.05));
    honest_head("The same, accounts that live in one source (assumption "
                "strained: p0 is the segment's)");
    for (size_t i = 0; i < b->dev.n; i++) {
        if (chosen(&b->dev.row[i], HONEST)) {
            (void)tally_of(t, &n, &b->dev.row[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        struct pool p = {.name = t[i].source};
        fill_pool(b, &p, detect_corpus_segment(t[i].family), in_source);
        print_honest(b, &p, accounts / 50, ignored);
        wh_free(p.alarm);
    }
    wh_free(t);
}

/* What the bound is worth when honest accounts alarm more often than p0 says:
 * requests that alarm by chance alone, at a multiple of p0. */
static void strained_table(struct bench *b, size_t accounts)
{
    static const double times[] = {1, 1.5, 2, 3, 4};
    const double p0 = 0.02;
    honest_head("Should p0 be wrong: independent alarms at a multiple of "
                "p0 = 2 %");
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        uint64_t reached[DETECT_RUNG_COUNT] = {0};
        for (size_t a = 0; a < accounts; a++) {
            struct detect_sequence s;
            enum detect_rung worst = DETECT_RUNG_NONE;
            detect_sequence_init(&s);
            for (int t = 0; t < LIFE; t++) {
                detect_sequence_add(&s, p0, uniform(b) < times[i] * p0);
                enum detect_rung now = detect_rung_of(detect_sequence_log(&s));
                worst = now > worst ? now : worst;
            }
            for (int k = 0; k <= (int)worst; k++) {
                reached[k]++;
            }
        }
        printf("%.1f x p0 %29.2f %6.2f %9zu", times[i], 100 * times[i] * p0,
               100 * p0, accounts);
        for (int k = DETECT_RUNG_LOOK; k < DETECT_RUNG_COUNT; k++) {
            printf(" %8llu", (unsigned long long)reached[k]);
        }
        printf("   %.2e\n", detect_exact_upper(reached[DETECT_RUNG_SUSPEND],
                                               accounts, 0.05));
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

#define RUNS 1001
#define PATIENCE 5000

/* Requests until suspension of a key that is misused after `before` honest
 * ones; a share of the thief's requests are attacks. */
static double delay(struct bench *b, const struct pool *honest,
                    const struct pool *attack, int before, double share)
{
    struct detect_sequence s;
    detect_sequence_init(&s);
    wh_assert(honest->n > 0 && attack->n > 0);
    for (int t = 0; t < before; t++) {
        detect_sequence_add(&s, honest->p0, honest->alarm[next(b) % honest->n]);
    }
    for (int t = 1; t <= PATIENCE; t++) {
        const struct pool *from = uniform(b) < share ? attack : honest;
        detect_sequence_add(&s, honest->p0, from->alarm[next(b) % from->n]);
        if (detect_rung_of(detect_sequence_log(&s)) >= DETECT_RUNG_SUSPEND) {
            return t;
        }
    }
    return PATIENCE;
}

static double delays(struct bench *b, const struct pool *honest,
                     const struct pool *attack, int before, double share)
{
    double d[RUNS];
    for (size_t i = 0; i < RUNS; i++) {
        d[i] = delay(b, honest, attack, before, share);
    }
    qsort(d, RUNS, sizeof(*d), by_value);
    printf(" %6.0f /%6.0f", d[RUNS / 2], d[RUNS * 9 / 10]);
    return d[RUNS / 2];
}

/* Thieves who send rows of one family of attacks ("": all). Returns the median
 * for a stolen key. */
static double delay_row(struct bench *b, const char *segment,
                        struct wh_str family)
{
    struct pool honest = {.name = wh_str_of(segment)};
    struct pool attack = {.name = family};
    uint64_t k = 0;
    fill_pool(b, &honest, segment, in_segment);
    fill_pool(b, &attack, segment, in_family);
    for (size_t i = 0; i < attack.n; i++) {
        k += attack.alarm[i];
    }
    printf("%-6s %-14.*s %6.1f ", segment, family.n ? (int)family.n : 3,
           family.n ? family.p : "all", 100 * (double)k / (double)attack.n);
    (void)delays(b, &honest, &attack, 0, 1);
    (void)delays(b, &honest, &attack, 0, 0.25);
    double median = delays(b, &honest, &attack, STOLEN_AFTER, 1);
    (void)delays(b, &honest, &attack, STOLEN_AFTER, 0.25);
    printf("\n");
    wh_free(honest.alarm);
    wh_free(attack.alarm);
    return median;
}

static void delay_table(struct bench *b)
{
    struct tally *t = wh_calloc(NAMES, sizeof(*t));
    size_t n = 0;
    printf("\nRequests until suspension, median / 90th percentile (%d: never). "
           "The thief sends dev rows of a family, all the time or every fourth "
           "request\n%-6s %-14s %6s  %14s %14s %14s %14s\n",
           PATIENCE, "among", "family", "alarm%", "fresh", "fresh, 1 in 4",
           "stolen", "stolen, 1 in 4");
    for (size_t i = 0; i < b->dev.n; i++) {
        size_t k = 0;
        while (k < n && !wh_str_eq(t[k].family, b->dev.row[i].family)) {
            k++;
        }
        if (b->dev.row[i].attack && k == n && n < NAMES) {
            t[n++].family = b->dev.row[i].family;
        }
    }
    for (size_t i = 0; i < n; i++) {
        (void)delay_row(b, "ask", t[i].family);
    }
    for (size_t i = 0; i < 4; i++) {
        double stolen = delay_row(b, segments[i], WH_S(""));
        printf("row\tstolen key stopped after, among \"%s\"\t%.0f requests\t"
               "60\n",
               segments[i], stolen);
    }
    wh_free(t);
}

/* ---- time ---- */

#define PROMPT 2048
#define TIMES 4000

/* A prompt of 2 KB out of rows of dev from i on. */
static void build_prompt(struct bench *b, struct wh_buf *text, size_t i,
                         bool attack)
{
    wh_buf_reset(text);
    for (size_t k = 0; k < b->dev.n && text->n < PROMPT; k++) {
        const struct detect_row *r = &b->dev.row[(i + k) % b->dev.n];
        if (r->attack == attack && !r->harm) {
            wh_buf_add(text, r->text);
            wh_buf_char(text, '\n');
        }
    }
    text->n = text->n > PROMPT ? PROMPT : text->n;
}

static void time_table(struct bench *b, bool attack, const char *title)
{
    static double all[TIMES], part[4][TIMES];
    static struct detect_sketch_ring ring;
    struct detect_sequence s;
    struct wh_buf text;
    wh_buf_init(&text, (size_t)1 << 20);
    detect_sequence_init(&s);
    for (size_t i = 0; i < TIMES; i++) {
        struct detect_result r;
        struct detect_sketch sketch;
        struct detect_sketch_like like;
        struct detect_hits hits = {{0}};
        build_prompt(b, &text, (size_t)(next(b) % b->dev.n), attack);
        double t0 = now_us();
        screen_text(b, wh_buf_str(&text), &r);
        detect_sketch_make(&sketch, b->screen->views.view[0].text, 1);
        detect_sketch_look(&ring, &sketch, &like);
        detect_sketch_add(&ring, &sketch);
        detect_sequence_add(&s, 0.01, r.alarm);
        (void)detect_sequence_log(&s);
        all[i] = now_us() - t0;
        t0 = now_us();
        detect_views_make(&b->screen->views, wh_buf_str(&text));
        double t1 = now_us();
        detect_signatures_scan(b->signatures, b->screen->scratch,
                               b->screen->views.view[0].text, &hits);
        double t2 = now_us();
        (void)detect_model_score(b->model, &b->screen->features,
                                 b->screen->views.view[0].text);
        double t3 = now_us();
        detect_sketch_make(&sketch, b->screen->views.view[0].text, 1);
        part[0][i] = t1 - t0;
        part[1][i] = t2 - t1;
        part[2][i] = t3 - t2;
        part[3][i] = now_us() - t3;
    }
    qsort(all, TIMES, sizeof(*all), by_value);
    for (size_t k = 0; k < 4; k++) {
        qsort(part[k], TIMES, sizeof(**part), by_value);
    }
    printf("%-8s all layers p50 %.1f us, p99 %.1f us; p50 of views %.1f, "
           "signatures %.1f, classifier %.1f, sketch %.1f\n",
           title, all[TIMES / 2], all[TIMES * 99 / 100], part[0][TIMES / 2],
           part[1][TIMES / 2], part[2][TIMES / 2], part[3][TIMES / 2]);
    printf("row\tscreen of 2 KB, %s\tp50 %.0f us, p99 %.0f us\t60 / 150 us\n",
           title, all[TIMES / 2], all[TIMES * 99 / 100]);
    wh_buf_done(&text);
}

/* ---- the whole ---- */

static void say(void *arg, const char *text)
{
    (void)arg;
    if (strncmp(text, "honest", 6) == 0) {
        printf("  %s\n", text);
    }
}

static void train(struct bench *b, bool (*family)(struct wh_str))
{
    struct detect_train_options options = {.family = family, .say = say};
    struct wh_err err = {0};
    double t0 = now_us();
    detect_model_free(&b->model);
    must(detect_train(&b->train, b->screen, &options, &b->model, &err), &err);
    printf(
        "\n%u examples, trained in %.1f s (CPU). Thresholds at 0.1, 1, 5 %% of "
        "the worst honest source: %.2f %.2f %.2f\n",
        b->model->rows, (now_us() - t0) / 1e6, b->model->at[0], b->model->at[1],
        b->model->at[2]);
    for (size_t i = 0; i < b->model->n_segments; i++) {
        const struct detect_segment *s = &b->model->segment[i];
        printf("  segment %-5s %5llu rows, %3llu alarms, p0 %.2f %%\n", s->name,
               (unsigned long long)s->rows, (unsigned long long)s->alarms,
               100 * s->p0);
    }
}

int main(int argc, char **argv)
{
    struct bench b = {.chance = 88172645463325252ULL};
    struct wh_err err = {0};
    if (argc != 4) {
        fprintf(stderr, "usage: detect_bench HIJACK HARM ACCOUNTS\n");
        return 2;
    }
    wh_arena_init(&b.arena, (size_t)1 << 30);
    must(detect_signatures_new(detect_signatures_shipped, &b.signatures, &err),
         &err);
    must(detect_screen_new(b.signatures, &b.screen, &err), &err);
    read_split(&b, &b.train, argv[1], argv[2], "train");
    read_split(&b, &b.dev, argv[1], argv[2], "dev");

    printf("Families that were tuned on:");
    for (size_t i = 0; i < sizeof(tune) / sizeof(*tune); i++) {
        printf(" %s", tune[i]);
    }
    printf(". All others only judge.\n");
    train(&b, is_tune);
    table(&b, &b.dev, TUNE_DEV, "Tuned families, dev rows");
    table(&b, &b.train, JUDGE_TRAIN,
          "Judging families, train rows (not learnt)");
    table(&b, &b.dev, JUDGE_DEV, "Judging families, dev rows");
    table(&b, &b.dev, HONEST, "Honest rows, dev: false alarms");
    table(&b, &b.dev, JOINED, "Honest rows joined to long ones, dev");
    table(&b, &b.dev, HARM,
          "Harm asked for plainly, dev: the other axis, no hijack");

    printf("\n---- as shipped: trained on all families of train ----\n");
    train(&b, NULL);
    table(&b, &b.dev, TUNE_DEV, "dev rows, families tuned on above");
    table(&b, &b.dev, JUDGE_DEV, "dev rows, the others");
    table(&b, &b.dev, HONEST, "Honest rows, dev: false alarms");
    table(&b, &b.dev, JOINED, "Honest rows joined to long ones, dev");
    transform_table(&b);
    honest_tables(&b, (size_t)strtoul(argv[3], NULL, 10));
    strained_table(&b, strtoul(argv[3], NULL, 10) / 10);
    delay_table(&b);
    printf("\n");
    time_table(&b, false, "honest");
    time_table(&b, true, "attack");
    detect_model_free(&b.model);
    detect_screen_free(&b.screen);
    detect_signatures_free(&b.signatures);
    wh_arena_done(&b.arena);
    return 0;
}
