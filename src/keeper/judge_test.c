/* May this be opened? True papers open; each lie that front could tell, and
 * each case in which the rules say no, does not. */
#include "keeper/server.h"
#include "keeper/testing.h"

#include "base/unit.h"

#include <stdlib.h>
#include <sys/stat.h>

#define D1 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define D2 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SIZE 1000u
#define SMALL 22713216u

struct world {
    char dir[64];
    struct testpapers p;
    struct keeper k;
    struct wh_str bundle;
};

static int up(void **state)
{
    struct wh_err err;
    struct world *w = test_calloc(1, sizeof *w);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/wh-judge-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    testpapers_init(&w->p, w->dir);
    w->k.keys_dir = w->dir;
    pthread_mutex_init(&w->k.horizon.lock, NULL);
    pthread_mutex_init(&w->k.pin.lock, NULL);
    pthread_mutex_init(&w->k.told.lock, NULL);
    w->k.told.at.entry = -1;
    for (unsigned i = 0; i < 2; i++) {
        unit_ok(rule_line_load(&w->p.a, w->p.lines[i], &w->k.lines[i], &err),
                err);
    }
    w->k.nlines = 2;
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;
    char path[128];
    (void)snprintf(path, sizeof path, "%s/log.vkey", w->dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(w->dir), 0);
    pthread_mutex_destroy(&w->k.horizon.lock);
    pthread_mutex_destroy(&w->k.pin.lock);
    pthread_mutex_destroy(&w->k.told.lock);
    testpapers_done(&w->p);
    test_free(w);
    return 0;
}

/* One scanned file. */
struct scanned {
    const char *sha256;
    uint64_t size, parameters;
    unsigned dangers;
};

/* Judge the papers of `spec` with these scans. */
static enum wh_code judge(struct world *w, struct testpapers_spec spec,
                          const struct scanned *scans, size_t nscans)
{
    struct wh_err err = {0};
    struct keeper_opening o = {0};
    struct keeper_scan_doc docs[4] = {0};
    struct wh_arena a;
    spec.sha256 = spec.sha256 ? spec.sha256 : D1;
    spec.size = spec.size ? spec.size : SIZE;
    testpapers_make(&w->p, &spec, &o);
    wh_arena_init(&a, 64 << 20);
    for (size_t i = 0; i < nscans; i++) {
        json_t *result = NULL;
        struct wh_str text = testpapers_result(
            &w->p, "weights", scans[i].parameters, scans[i].dangers);
        unit_ok(wh_json_parse(&a, text, &result, &err), err);
        docs[i] = (struct keeper_scan_doc){wh_str_of(scans[i].sha256),
                                           scans[i].size, result};
    }
    struct keeper_case c = {
        .a = &a,
        .content = {.repo = WH_S("model:1"), .sha256 = WH_S(D1), .size = SIZE},
        .manifest = o.manifest,
        .leaf = o.leaf,
        .proof = o.proof,
        .evidence = o.evidence,
        .subject_salt = o.subject_salt,
        .evidence_salt = o.evidence_salt,
        .scans = docs,
        .nscans = nscans,
        .bundle = w->bundle};
    err = (struct wh_err){0};
    bool ok = keeper_judge(&w->k, &c, &err);
    assert_true(ok == (err.code == WH_NONE));
    w->k.horizon.has_root = false; /* each case is a register of its own */
    wh_arena_done(&a);
    return err.code;
}

static const struct scanned small = {D1, SIZE, SMALL, 0};

static void true_papers(void **state)
{
    struct world *w = *state;
    struct testpapers_spec spec = {0};
    assert_int_equal(judge(w, spec, &small, 1), WH_NONE);
    spec.until = 4000000000;
    spec.committed = true;
    assert_int_equal(judge(w, spec, &small, 1), WH_NONE);
    struct scanned two[2] = {{D2, 5, 1000, 0}, small};
    spec.other_file = D2;
    assert_int_equal(judge(w, spec, two, 2), WH_NONE);
}

static void lies(void **state)
{
    static const struct {
        struct testpapers_spec spec;
        enum wh_code want;
    } cases[] = {
        /* the manifest holds another file, or this one with another size */
        {{.sha256 = D2}, WH_FORBIDDEN},
        {{.size = SIZE + 1}, WH_FORBIDDEN},
        {{.part = "knowledge"}, WH_FORBIDDEN},
        /* weights under the name of a part whose rules are mild */
        {{.part = "data"}, WH_FORBIDDEN},
        {{.part = "software"}, WH_FORBIDDEN},
        {{.part = "source"}, WH_FORBIDDEN},
        /* the leaf is no decision, or about something else */
        {{.type = "weighing"}, WH_FORBIDDEN},
        {{.subject = D2}, WH_FORBIDDEN},
        {{.named_evidence = D2}, WH_FORBIDDEN},
        {{.subject = D2, .committed = true}, WH_FORBIDDEN},
        {{.named_evidence = D2, .committed = true}, WH_FORBIDDEN},
        /* the decision does not open it, has run out, or forgot a line */
        {{.tier = "held"}, WH_HELD},
        {{.tier = "hosted"}, WH_HELD},
        {{.tier = "gated"}, WH_HELD},
        {{.until = 1000000000}, WH_HELD},
        {{.one_line = true}, WH_HELD},
        /* the register does not hold it */
        {{.wrong_path = true}, WH_CORRUPT},
        {{.other_signer = true}, WH_CORRUPT},
        {{.flip_note = true}, WH_CORRUPT},
        /* the rules say no, whatever the leaf says */
        {{.lineage = ""}, WH_HELD},
        {{.lineage = "found"}, WH_HELD},
        {{.lineage = "unknown"}, WH_HELD},
        /* a second file of weights was not weighed */
        {{.other_file = D2}, WH_FORBIDDEN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum wh_code got = judge(*state, cases[i].spec, &small, 1);
        if (got != cases[i].want) {
            print_error("case %zu: %s\n", i, wh_err_row(got)->name);
        }
        assert_int_equal(got, cases[i].want);
    }
}

static void scans_decide(void **state)
{
    struct world *w = *state;
    struct testpapers_spec spec = {0};
    struct scanned s = small;
    s.parameters = 134515008; /* above demo.low */
    assert_int_equal(judge(w, spec, &s, 1), WH_HELD);
    /* front's own evidence makes nothing smaller */
    spec.compute = "1e10";
    s.parameters = 100000000000; /* above limited.default too */
    assert_int_equal(judge(w, spec, &s, 1), WH_HELD);
    spec.compute = NULL;
    s = small;
    s.dangers = 1;
    assert_int_equal(judge(w, spec, &s, 1), WH_HELD);
    /* the scan is of another file, or of another size */
    s = small;
    s.sha256 = D2;
    assert_int_equal(judge(w, spec, &s, 1), WH_FORBIDDEN);
    s = small;
    s.size++;
    assert_int_equal(judge(w, spec, &s, 1), WH_FORBIDDEN);
    assert_int_equal(judge(w, spec, NULL, 0), WH_FORBIDDEN);
    /* two files that are small apart are large together */
    struct scanned two[2] = {{D1, SIZE, 60000000, 0}, {D2, 5, 60000000, 0}};
    spec.other_file = D2;
    assert_int_equal(judge(w, spec, two, 2), WH_HELD);
}

/* A bundle is looked at where the lines say no, and only there. */
static void a_bundle_of_nothing(void **state)
{
    struct world *w = *state;
    struct testpapers_spec spec = {0};
    struct scanned s = small;
    w->bundle = WH_S("approved, believe me");
    assert_int_equal(judge(w, spec, &s, 1), WH_NONE);
    s.parameters = 134515008; /* above demo.low */
    assert_int_equal(judge(w, spec, &s, 1), WH_BAD_REQUEST);
    spec.tier = "hosted"; /* the decision itself does not open it */
    assert_int_equal(judge(w, spec, &s, 1), WH_HELD);
}

static void no_lines_open_nothing(void **state)
{
    struct world *w = *state;
    struct testpapers_spec spec = {0};
    w->k.nlines = 0;
    assert_int_equal(judge(w, spec, &small, 1), WH_HELD);
    /* a line that only objects opens nothing either */
    w->k.lines[0] = w->k.lines[1];
    w->k.nlines = 1;
    assert_int_equal(judge(w, spec, &small, 1), WH_HELD);
}

static void no_register_yet(void **state)
{
    struct world *w = *state;
    struct testpapers_spec spec = {0};
    w->k.keys_dir = "/nonexistent";
    assert_int_equal(judge(w, spec, &small, 1), WH_UNAVAILABLE);
}

static void broken_papers(void **state)
{
    struct world *w = *state;
    struct wh_err err = {0};
    struct testpapers_spec spec = {.sha256 = D1, .size = SIZE};
    struct keeper_opening o;
    testpapers_make(&w->p, &spec, &o);
    struct wh_str *texts[4] = {&o.manifest, &o.leaf, &o.evidence, &o.proof};
    for (size_t t = 0; t < 4; t++) {
        struct wh_str whole = *texts[t];
        for (size_t n = 0; n < whole.n; n += 1 + whole.n / 60) {
            struct wh_arena a;
            wh_arena_init(&a, 1 << 20);
            texts[t]->n = n;
            struct keeper_case c = {
                .a = &a,
                .content = {.sha256 = WH_S(D1), .size = SIZE},
                .manifest = o.manifest,
                .leaf = o.leaf,
                .proof = o.proof,
                .evidence = o.evidence};
            assert_false(keeper_judge(&w->k, &c, &err));
            wh_arena_done(&a);
        }
        *texts[t] = whole;
    }
}

/* Checkpoints may fall back for a moment (two threads), not for long. */
static void horizon(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    struct keeper_horizon *h = &w->k.horizon;
    struct tlog_checkpoint cp = {.size = 100}, other = {.size = 100};
    other.root.b[0] = 1;
    unit_ok(keeper_horizon_take(h, &cp, &err), err);
    cp.size = 90;
    unit_ok(keeper_horizon_take(h, &cp, &err), err);
    unit_fails(keeper_horizon_take(h, &other, &err), err, WH_CORRUPT);
    h->top_since -= 60 * 1000000LL; /* a minute later */
    unit_fails(keeper_horizon_take(h, &cp, &err), err, WH_ROLLED_BACK);
    cp.size = 100;
    unit_ok(keeper_horizon_take(h, &cp, &err), err);
    cp.size = 101;
    unit_ok(keeper_horizon_take(h, &cp, &err), err);
    /* papers under a checkpoint that is long past */
    struct testpapers_spec spec = {.tree = 64};
    assert_int_equal(judge(w, spec, &small, 1), WH_ROLLED_BACK);
    spec.tree = 128;
    assert_int_equal(judge(w, spec, &small, 1), WH_NONE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(true_papers),         T(lies),
        T(scans_decide),        T(no_lines_open_nothing),
        T(broken_papers),       T(horizon),
        T(a_bundle_of_nothing), T(no_register_yet),
    };
    return cmocka_run_group_tests_name("keeper/judge", tests, NULL, NULL);
}
