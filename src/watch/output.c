/*
 * output.c - an answer on its way to the caller: nothing leaves before it was
 * checked; and what left is remembered by its digest.
 */
#include "base/mem.h"
#include "watch/watch_impl.h"

/* One channel of an answer. */
struct channel {
    struct detect_stream *stream;
    struct watch_digest digest;
    bool content;
    uint64_t in, out; /* bytes that came, and that may go */
};

struct watch_run {
    int64_t key;
    bool chat, cut, exam;
    uint32_t turn;
    uint64_t prefix;
    uint8_t secret[WATCH_SECRET];
    struct channel *channel[WATCH_CHANNELS];
};

struct watch_run *watch_run_new(const struct watch_asked *q,
                                const struct watch_secrets *s, uint64_t prefix)
{
    struct watch_run *r = wh_alloc(sizeof *r);

    r->key = q->key;
    r->chat = q->chat;
    r->exam = q->exam;
    r->turn = s->turn;
    r->prefix = prefix;
    memcpy(r->secret, s->now, sizeof r->secret);
    return r;
}

/* Working memory of a matcher: lent for one call. */
static struct detect_scratch *borrow(struct watch *w)
{
    struct detect_scratch *s = watch_pool_take(&w->scratches);
    struct wh_err err = {0};

    if (!s && !detect_scratch_new(w->signatures, &s, &err)) {
        return NULL;
    }
    return s;
}

static struct channel *channel_of(struct watch *w, struct watch_run *run,
                                  const struct watch_piece *piece,
                                  struct detect_scratch *scratch)
{
    struct channel *c = run->channel[piece->channel];
    struct wh_err err = {0};

    if (c) {
        return c;
    }
    c = wh_alloc(sizeof *c);
    c->content = piece->content && run->chat;
    c->stream = watch_pool_take(&w->streams);
    if (!c->stream && !detect_stream_new(w->signatures, &c->stream, &err)) {
        wh_free(c);
        return NULL;
    }
    detect_stream_begin(c->stream, scratch, NULL);
    watch_digest_init(&c->digest, run->secret);
    run->channel[piece->channel] = c;
    return c;
}

static enum detect_verdict check(struct channel *c,
                                 struct detect_scratch *scratch,
                                 const struct watch_piece *piece)
{
    struct wh_str fresh =
        wh_str_sub(piece->text, piece->text.n - piece->fresh, piece->fresh);
    enum detect_verdict v = DETECT_VERDICT_GOOD;
    struct wh_str out;

    c->in += fresh.n;
    /* the matcher takes a chunk of at most its cap */
    while (v == DETECT_VERDICT_GOOD && fresh.n > 0) {
        struct wh_str part = wh_str_sub(fresh, 0, DETECT_STREAM_CAP / 2);
        v = detect_stream_add(c->stream, scratch, part, &out);
        c->out += out.n;
        fresh = wh_str_sub(fresh, part.n, fresh.n);
    }
    if (v == DETECT_VERDICT_GOOD && piece->last) {
        v = detect_stream_end(c->stream, scratch, &out);
        c->out += out.n;
    }
    return v;
}

bool watch_text(struct watch *w, struct watch_run *run,
                const struct watch_piece *piece, size_t *release,
                const char **why)
{
    struct detect_scratch *scratch = borrow(w);
    struct channel *c = NULL;
    enum detect_verdict v;
    uint64_t sent;

    *release = 0;
    *why = "This answer could not be checked and was ended.";
    if (piece->channel >= WATCH_CHANNELS || piece->fresh > piece->text.n ||
        !scratch || !(c = channel_of(w, run, piece, scratch))) {
        if (scratch) {
            watch_pool_give(&w->scratches, scratch);
        }
        return false;
    }
    v = check(c, scratch, piece);
    watch_pool_give(&w->scratches, scratch);
    sent = c->in - piece->text.n;
    wh_assert(c->out >= sent && c->out <= c->in);
    *release = (size_t)(c->out - sent);
    if (c->content) {
        watch_digest_add(&c->digest,
                         wh_str_sub(piece->text, piece->text.n - piece->fresh,
                                    piece->fresh));
    }
    if (v != DETECT_VERDICT_GOOD) {
        run->cut = true;
        *why = "The answer was ended here: what followed matches a rule about "
               "what this model must not give out. If that is a mistake, say "
               "so with the id of this request.";
        (void)pthread_mutex_lock(&w->lock);
        w->waiting.counts[WATCH_N_CUT] += !run->exam;
        (void)pthread_mutex_unlock(&w->lock);
    }
    return v == DETECT_VERDICT_GOOD;
}

void watch_end(struct watch *w, struct watch_run *run, bool whole)
{
    struct watch_entry *e;
    uint64_t said;

    (void)pthread_mutex_lock(&w->lock);
    e = watch_entry_find(w, WATCH_KEY, run->key, 0);
    for (size_t i = 0; i < WATCH_CHANNELS; i++) {
        struct channel *c = run->channel[i];
        if (!c) {
            continue;
        }
        bool thinks = watch_digest_thinks(&c->digest);
        said = watch_digest_end(&c->digest);
        if (c->content && e && e->memory) {
            watch_history_answered(&e->memory->history, run->turn, run->prefix,
                                   said, !whole || run->cut || thinks);
        }
        watch_pool_give(&w->streams, c->stream);
        wh_free(c);
    }
    (void)pthread_mutex_unlock(&w->lock);
    wh_wipe(run, sizeof *run);
    wh_free(run);
}
