/*
 * history.c - a running digest over the messages of a conversation: its value
 * after each of them names the beginning up to there.
 */
#include "watch/history.h"
#include "base/mem.h"
#include "crypto/random.h"

/* Boundaries of one request that are remembered, the last ones. */
#define REMEMBERED 32
/* Boundaries of one request that are looked for. */
#define SEARCHED 512u

void watch_secrets_begin(struct watch_secrets *s, int64_t now)
{
    *s = (struct watch_secrets){.turn = 2, .since = now};
    crypto_random(s->now, sizeof s->now);
    crypto_random(s->before, sizeof s->before);
}

bool watch_secrets_turn(struct watch_secrets *s, int64_t now)
{
    if (now - s->since < WATCH_TURN_US) {
        return false;
    }
    if (now - s->since < 2 * WATCH_TURN_US) {
        memcpy(s->before, s->now, sizeof s->before);
        s->turn++;
    } else {
        crypto_random(s->before, sizeof s->before);
        s->turn += 2;
    }
    crypto_random(s->now, sizeof s->now);
    s->since = now;
    return true;
}

void watch_secrets_end(struct watch_secrets *s)
{
    wh_wipe(s, sizeof *s);
}

/* ---- digests ---- */

static uint64_t first64(const struct wh_sha256 *hash)
{
    uint8_t out[WH_SHA256_LEN];
    uint64_t v = 0;

    wh_sha256_get(hash, out);
    for (size_t i = 0; i < 8; i++) {
        v = v << 8 | out[i];
    }
    return v;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void watch_digest_init(struct watch_digest *d,
                       const uint8_t secret[WATCH_SECRET])
{
    *d = (struct watch_digest){0};
    wh_sha256_init(&d->hash);
    wh_sha256_add(&d->hash, secret, WATCH_SECRET);
}

/* Words are short, and each call of the hash has its price. */
static void put(struct watch_digest *d, const char *p, size_t n)
{
    if (n > sizeof d->buf - d->n) {
        wh_sha256_add(&d->hash, d->buf, d->n);
        d->n = 0;
    }
    if (n > sizeof d->buf) {
        wh_sha256_add(&d->hash, p, n);
        return;
    }
    memcpy(d->buf + d->n, p, n);
    d->n += n;
}

/* A run without blanks. */
static void add_run(struct watch_digest *d, const char *p, size_t n)
{
    if (d->blank && d->any) {
        put(d, " ", 1);
    }
    d->any = true;
    d->blank = false;
    put(d, p, n);
    for (size_t i = 0; i < n && d->begun < sizeof d->head; i++) {
        d->head[d->begun++] = p[i];
    }
}

void watch_digest_add(struct watch_digest *d, struct wh_str text)
{
    size_t i = 0, from;

    while (i < text.n) {
        from = i;
        while (i < text.n && !is_blank(text.p[i])) {
            i++;
        }
        if (i > from) {
            add_run(d, text.p + from, i - from);
        }
        for (; i < text.n && is_blank(text.p[i]); i++) {
            d->blank = true;
        }
    }
}

uint64_t watch_digest_end(struct watch_digest *d)
{
    uint64_t v;

    wh_sha256_add(&d->hash, d->buf, d->n);
    v = first64(&d->hash);
    wh_sha256_done(&d->hash);
    return v;
}

bool watch_digest_thinks(const struct watch_digest *d)
{
    return d->begun >= 6 && memcmp(d->head, "<think", 6) == 0;
}

/* ---- chains ---- */

static uint64_t piece_digest(const uint8_t secret[WATCH_SECRET],
                             struct wh_str text)
{
    struct watch_digest d;

    watch_digest_init(&d, secret);
    watch_digest_add(&d, text);
    return watch_digest_end(&d);
}

/* The words of one message in the voice that it is in. */
static uint64_t words_digest(const uint8_t secret[WATCH_SECRET],
                             const struct watch_said *said, size_t n,
                             enum watch_voice voice)
{
    struct watch_digest d;

    watch_digest_init(&d, secret);
    for (size_t i = 0; i < n; i++) {
        if (said[i].voice == voice) {
            watch_digest_add(&d, said[i].text);
        }
    }
    return watch_digest_end(&d);
}

static void chain_run(const uint8_t secret[WATCH_SECRET],
                      const struct watch_said *said, size_t n,
                      const enum watch_voice *voice, uint64_t *after,
                      uint64_t *alone)
{
    struct wh_sha256 chain;
    uint64_t one = 0;
    uint8_t part[9];
    size_t i = 0, m = 0, end;

    wh_sha256_init(&chain);
    wh_sha256_add(&chain, secret, WATCH_SECRET);
    for (; i < n; i = end, m++) {
        for (end = i; end < n && said[end].message == said[i].message; end++) {
            one = piece_digest(secret, said[end].text);
            part[0] = (uint8_t)said[end].voice;
            memcpy(part + 1, &one, 8);
            wh_sha256_add(&chain, part, sizeof part);
        }
        wh_sha256_add(&chain, "\xff", 1);
        alone[m] = end - i == 1
                       ? one
                       : words_digest(secret, said + i, end - i, voice[m]);
        after[m] = first64(&chain);
    }
    wh_sha256_done(&chain);
}

/* Whose message it is: the assistant's also where it begins with a call. */
static size_t find_voices(const struct watch_said *said, size_t n,
                          enum watch_voice *voice)
{
    size_t m = 0;

    for (size_t i = 0; i < n; i++) {
        if (i == 0 || said[i].message != said[i - 1].message) {
            voice[m++] = said[i].voice;
        } else if (said[i].voice == WATCH_ASSISTANT) {
            voice[m - 1] = WATCH_ASSISTANT;
        }
    }
    return m;
}

void watch_chain_make(struct watch_chain *c, const struct watch_secrets *s,
                      bool twice, struct wh_arena *a,
                      const struct watch_said *said, size_t n)
{
    *c = (struct watch_chain){.turn = s->turn, .twice = twice};
    c->now = wh_arena_array(a, n + 1, sizeof *c->now);
    c->said = wh_arena_array(a, n + 1, sizeof *c->said);
    c->voice = wh_arena_array(a, n + 1, sizeof *c->voice);
    c->messages = find_voices(said, n, c->voice);
    chain_run(s->now, said, n, c->voice, c->now, c->said);
    if (twice) {
        c->before = wh_arena_array(a, n + 1, sizeof *c->before);
        c->said_before = wh_arena_array(a, n + 1, sizeof *c->said_before);
        chain_run(s->before, said, n, c->voice, c->before, c->said_before);
    }
}

/* ---- a key's past ---- */

bool watch_history_reaches(const struct watch_history *h, uint32_t turn)
{
    for (size_t i = 0; i < WATCH_SEEN; i++) {
        if (h->seen[i].turn == turn - 1) {
            return true;
        }
    }
    return false;
}

static bool was_seen(const struct watch_history *h, uint64_t prefix,
                     uint32_t turn, bool *alarmed)
{
    bool seen = false;

    for (size_t i = 0; i < WATCH_SEEN; i++) {
        if (h->seen[i].turn == turn && h->seen[i].prefix == prefix) {
            seen = true;
            *alarmed = *alarmed || h->seen[i].alarmed;
        }
    }
    return seen;
}

static bool is_known(const struct watch_history *h, const struct watch_chain *c,
                     size_t m, bool *alarmed)
{
    return was_seen(h, c->now[m - 1], c->turn, alarmed) ||
           (c->twice && was_seen(h, c->before[m - 1], c->turn - 1, alarmed));
}

/* A known conversation is known nearly to its end, and a new one perhaps in its
 * first message: between, nothing is searched in very long ones. */
static size_t longest_known(const struct watch_history *h,
                            const struct watch_chain *c, bool *alarmed)
{
    size_t least = c->messages > SEARCHED ? c->messages - SEARCHED : 0;

    for (size_t m = c->messages; m > least; m--) {
        if (is_known(h, c, m, alarmed)) {
            return m;
        }
    }
    return least > 0 && is_known(h, c, 1, alarmed) ? 1 : 0;
}

/* What is known of the answers to one beginning. */
static void judge_in(const struct watch_history *h, uint64_t prefix,
                     uint64_t said, uint32_t turn, enum watch_turn *out)
{
    for (size_t i = 0; i < WATCH_ANSWERS && *out != WATCH_OURS; i++) {
        if (h->answer[i].turn != turn || h->answer[i].prefix != prefix) {
            continue;
        }
        if (h->answer[i].open) {
            /* anything may be what was left of it */
            *out = WATCH_OURS;
        } else {
            *out = h->answer[i].said == said ? WATCH_OURS : WATCH_EDITED;
        }
    }
}

static enum watch_turn judge(const struct watch_history *h,
                             const struct watch_chain *c, size_t m)
{
    enum watch_turn out = WATCH_ELSEWHERE;

    if (m == 0) {
        return out;
    }
    judge_in(h, c->now[m - 1], c->said[m], c->turn, &out);
    if (c->twice) {
        judge_in(h, c->before[m - 1], c->said_before[m], c->turn - 1, &out);
    }
    return out;
}

void watch_history_look(const struct watch_history *h,
                        const struct watch_chain *c, struct wh_arena *a,
                        struct watch_look *out)
{
    *out = (struct watch_look){0};
    out->known = longest_known(h, c, &out->tainted);
    out->of = wh_arena_array(a, c->messages + 1, sizeof *out->of);
    for (size_t m = out->known; m < c->messages; m++) {
        out->of[m] = WATCH_CALLERS;
        if (c->voice[m] == WATCH_ASSISTANT) {
            out->of[m] = judge(h, c, m);
            out->edited += out->of[m] == WATCH_EDITED;
            out->elsewhere += out->of[m] == WATCH_ELSEWHERE;
        }
    }
}

void watch_history_asked(struct watch_history *h, const struct watch_chain *c,
                         const struct watch_look *look, bool alarmed)
{
    size_t m = c->messages - look->known > REMEMBERED ? c->messages - REMEMBERED
                                                      : look->known;
    /* the first message too: the instructions that many conversations share */
    size_t first = look->known == 0 && m > 0 ? 0 : m;

    for (size_t i = first; i < c->messages; i = i < m ? m : i + 1) {
        size_t at = h->n_seen++ % WATCH_SEEN;
        h->seen[at].prefix = c->now[i];
        h->seen[at].turn = c->turn;
        h->seen[at].alarmed = alarmed || look->tainted;
    }
}

/* One of several answers to the same beginning is forgotten: it might be the
 * one that comes back, so of the others nothing is said any more. */
static void forget(struct watch_history *h, size_t at)
{
    for (size_t i = 0; i < WATCH_ANSWERS; i++) {
        if (i != at && h->answer[i].turn == h->answer[at].turn &&
            h->answer[i].prefix == h->answer[at].prefix) {
            h->answer[i].open = true;
        }
    }
}

void watch_history_answered(struct watch_history *h, uint32_t turn,
                            uint64_t prefix, uint64_t said, bool open)
{
    size_t at = h->n_answers++ % WATCH_ANSWERS;

    if (h->answer[at].turn != 0) {
        forget(h, at);
    }
    h->answer[at].prefix = prefix;
    h->answer[at].said = said;
    h->answer[at].turn = turn;
    h->answer[at].open = open;
}
