/*
 * Fuzz target of detect/stream.h: the first bytes say how the rest is cut. The
 * verdict does not depend on the cuts; what came out is a beginning of the
 * input, in whole characters, all of it when the verdict is good, and nothing
 * from the first protected window on when it is not.
 */
#include "base/mem.h"
#include "detect/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET "the tide is at nine"

static struct detect_signatures *signatures;
static struct detect_scratch *scratch;
static struct detect_stream *stream;
static struct detect_protected *secret;

static void begin(void)
{
    struct wh_err err = {0};

    if (!stream) {
        wh_assert(detect_signatures_new(detect_signatures_shipped, &signatures,
                                        &err));
        wh_assert(detect_scratch_new(signatures, &scratch, &err));
        wh_assert(detect_stream_new(signatures, &stream, &err));
        wh_assert(detect_protected_new(WH_S(SECRET), &secret, &err));
    }
}

struct run {
    enum detect_verdict verdict;
    size_t out;
};

static void take(struct run *r, struct wh_str text, struct wh_str got)
{
    wh_assert(r->verdict == DETECT_VERDICT_GOOD || got.n == 0);
    wh_assert(r->out + got.n <= text.n);
    wh_assert(got.n == 0 || memcmp(text.p + r->out, got.p, got.n) == 0);
    r->out += got.n;
}

static struct run run(struct wh_str text, const uint8_t *cuts, size_t n)
{
    struct run r = {DETECT_VERDICT_GOOD, 0};
    struct wh_str got;
    size_t at = 0, i = 0;

    detect_stream_begin(stream, scratch, secret);
    while (at < text.n && r.verdict == DETECT_VERDICT_GOOD) {
        size_t want = n ? (size_t)cuts[i++ % n] + 1 : text.n;
        r.verdict = detect_stream_add(stream, scratch,
                                      wh_str_sub(text, at, want), &got);
        take(&r, text, got);
        at += want;
    }
    if (r.verdict == DETECT_VERDICT_GOOD) {
        r.verdict = detect_stream_end(stream, scratch, &got);
        take(&r, text, got);
    }
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_str text;
    struct run whole, cut;
    size_t n = size < 8 ? 0 : 8;
    const char *found;

    begin();
    text = wh_str_mem(data + n, size - n);
    if (text.n > DETECT_STREAM_CAP) {
        return 0;
    }
    whole = run(text, NULL, 0);
    cut = run(text, data, n);
    wh_assert((whole.verdict == DETECT_VERDICT_GOOD) ==
              (cut.verdict == DETECT_VERDICT_GOOD));
    wh_assert(cut.verdict != DETECT_VERDICT_GOOD || cut.out == text.n);
    found = text.n ? memmem(text.p, text.n, SECRET, sizeof(SECRET) - 1) : NULL;
    wh_assert(!found || (cut.verdict != DETECT_VERDICT_GOOD &&
                         cut.out <= (size_t)(found - text.p)));
    return 0;
}
