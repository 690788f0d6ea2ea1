/*
 * quota.c - what is stored and sent is counted in the database, what is under
 * way in a small table of accounts.
 */
#include "front/quota.h"
#include "base/count.h"
#include "base/mem.h"
#include "base/time.h"
#include "crypto/random.h"
#include "store/auth.h"
#include <pthread.h>

/* Days of bytes sent that are kept. */
#define KEEP_DAYS 31

/* Who has uploads under way: by the account that sends, and the bytes by the
 * namespace that is to hold them. */
struct under_way {
    struct under_way *next;
    int64_t account;
    uint64_t uploads, bytes;
};

struct front_quota {
    const struct conf *conf;
    struct front_buckets *strangers;  /* null: no limit */
    struct front_buckets *signatures; /* the same */
    pthread_mutex_t lock;
    struct under_way *list; /* as long as there are accounts at work */
};

struct front_quota *front_quota_new(const struct conf *conf)
{
    struct front_quota *q = wh_alloc(sizeof *q);
    uint64_t seed;

    crypto_random(&seed, sizeof seed);
    q->conf = conf;
    if (conf->quota_anonymous_minute > 0) {
        q->strangers =
            front_buckets_new((uint64_t)conf->quota_anonymous_minute, seed);
    }
    if (conf->quota_signatures_minute > 0) {
        q->signatures =
            front_buckets_new((uint64_t)conf->quota_signatures_minute, seed);
    }
    pthread_mutex_init(&q->lock, NULL);
    return q;
}

void front_quota_free(struct front_quota **qp)
{
    struct front_quota *q = *qp;

    if (!q) {
        return;
    }
    wh_assert(!q->list);
    front_buckets_free(&q->strangers);
    front_buckets_free(&q->signatures);
    pthread_mutex_destroy(&q->lock);
    wh_free(q);
    *qp = NULL;
}

/* ---- strangers ---- */

static bool from_here(struct wh_str peer)
{
    return wh_str_starts(peer, WH_S("127.")) || wh_str_is(peer, "::1") ||
           wh_str_starts(peer, WH_S("::ffff:127."));
}

bool front_quota_stranger(struct front_req *q, struct wh_err *err)
{
    struct front_quota *h = q->house->quota;
    struct wh_str peer = wh_str_of(q->net->peer);

    if (!h->strangers || (from_here(peer) && !h->conf->quota_count_loopback)) {
        return true;
    }
    if (front_buckets_take(h->strangers, peer, wh_mono_us(), &q->rate)) {
        return true;
    }
    wh_count(WH_COUNT_LIMITED, 1);
    return wh_fail(err, WH_RATE_LIMITED,
                   "%llu requests a minute are answered to one address without "
                   "signing in; the next in %llu s. With a token there is no "
                   "such limit",
                   (unsigned long long)q->rate.limit,
                   (unsigned long long)q->rate.seconds);
}

bool front_quota_signature(struct front_req *q, struct wh_err *err)
{
    struct front_quota *h = q->house->quota;
    struct wh_str peer = wh_str_of(q->net->peer);
    struct front_rate rate;

    if (!h->signatures || (from_here(peer) && !h->conf->quota_count_loopback) ||
        front_buckets_take(h->signatures, peer, wh_mono_us(), &rate)) {
        return true;
    }
    wh_count(WH_COUNT_LIMITED, 1);
    return wh_fail(err, WH_RATE_LIMITED,
                   "%llu signatures a minute are looked at from one address; "
                   "the next in %llu s",
                   (unsigned long long)rate.limit,
                   (unsigned long long)rate.seconds);
}

/* ---- what is under way ---- */

/* With the lock held. */
static struct under_way *entry(struct front_quota *h, int64_t account)
{
    struct under_way *u = h->list;

    while (u && u->account != account) {
        u = u->next;
    }
    if (!u) {
        u = wh_alloc(sizeof *u);
        *u = (struct under_way){.next = h->list, .account = account};
        h->list = u;
    }
    return u;
}

/* With the lock held: forget who has nothing under way. */
static void tidy(struct front_quota *h)
{
    struct under_way **at = &h->list;

    while (*at) {
        struct under_way *u = *at;
        if (u->uploads == 0 && u->bytes == 0) {
            *at = u->next;
            wh_free(u);
        } else {
            at = &u->next;
        }
    }
}

static uint64_t bytes_under_way(struct front_quota *h, int64_t owner)
{
    uint64_t n;

    pthread_mutex_lock(&h->lock);
    n = entry(h, owner)->bytes;
    tidy(h);
    pthread_mutex_unlock(&h->lock);
    return n;
}

struct place {
    struct front_quota *h;
    int64_t owner, account;
    uint64_t bytes;
};

static void give_back(void *arg)
{
    struct place *p = arg;

    pthread_mutex_lock(&p->h->lock);
    entry(p->h, p->account)->uploads--;
    entry(p->h, p->owner)->bytes -= p->bytes;
    tidy(p->h);
    pthread_mutex_unlock(&p->h->lock);
}

static bool take_place(struct front_req *q, int64_t owner, int64_t account,
                       uint64_t bytes, struct wh_err *err)
{
    struct front_quota *h = q->house->quota;
    struct place *p = WH_NEW(q->a, struct place);
    uint64_t most = (uint64_t)h->conf->quota_uploads;
    bool ok;

    *p = (struct place){h, owner, account, bytes};
    pthread_mutex_lock(&h->lock);
    ok = entry(h, account)->uploads < most;
    if (ok) {
        entry(h, account)->uploads++;
        entry(h, owner)->bytes += bytes;
    }
    tidy(h);
    pthread_mutex_unlock(&h->lock);
    if (ok) {
        wh_arena_defer(q->a, give_back, p);
        return true;
    }
    wh_count(WH_COUNT_LIMITED, 1);
    return wh_fail(err, WH_RATE_LIMITED,
                   "%llu uploads of your account are under way, and that is "
                   "the most at a time; try again when one is done",
                   (unsigned long long)most);
}

/* ---- what is stored and sent ---- */

static int64_t today(void)
{
    return wh_now_us() / STORE_DAY_US;
}

static bool ask(struct db_stmt *s, int64_t a, int64_t b, uint64_t *out,
                struct wh_err *err)
{
    int64_t n = 0;

    db_bind_i64(s, 1, a);
    if (b != 0) {
        db_bind_i64(s, 2, b);
    }
    if (!db_one_i64(s, 0, &n, err)) {
        return false;
    }
    *out = n > 0 ? (uint64_t)n : 0;
    return true;
}

static bool over(uint64_t used, uint64_t more, int64_t limit)
{
    uint64_t sum;

    return limit > 0 &&
           (!wh_add_u64(used, more, &sum) || sum > (uint64_t)limit);
}

bool front_quota_room(struct front_req *q, int64_t owner, int64_t account,
                      uint64_t bytes, struct wh_err *err)
{
    const struct conf *c = q->house->conf;
    uint64_t stored = 0, sent = 0;

    if (c->quota_stored > 0 &&
        !ask(db_start(q->db, DBQ_QUOTA_STORED), owner, 0, &stored, err)) {
        return false;
    }
    stored += bytes_under_way(q->house->quota, owner);
    if (over(stored, bytes, c->quota_stored)) {
        wh_count(WH_COUNT_LIMITED, 1);
        return wh_fail(err, WH_FORBIDDEN,
                       "this namespace holds %llu bytes and may hold %lld: "
                       "%llu more do not fit. Delete repos, or ask whoever "
                       "runs this house for more",
                       (unsigned long long)stored, (long long)c->quota_stored,
                       (unsigned long long)bytes);
    }
    if (c->quota_day_bytes > 0 && !ask(db_start(q->db, DBQ_QUOTA_DAY_BYTES),
                                       account, today(), &sent, err)) {
        return false;
    }
    if (over(sent, bytes, c->quota_day_bytes)) {
        wh_count(WH_COUNT_LIMITED, 1);
        return wh_fail(err, WH_FORBIDDEN,
                       "your account has sent %llu bytes today and may send "
                       "%lld a day: %llu more do not fit. Go on after midnight "
                       "UTC, or ask whoever runs this house for more",
                       (unsigned long long)sent, (long long)c->quota_day_bytes,
                       (unsigned long long)bytes);
    }
    return true;
}

bool front_quota_upload(struct front_req *q, int64_t owner, int64_t account,
                        uint64_t bytes, struct wh_err *err)
{
    return front_quota_room(q, owner, account, bytes, err) &&
           take_place(q, owner, account, bytes, err);
}

bool front_quota_upload_to(struct front_req *q, int64_t repo, int64_t account,
                           uint64_t bytes, struct wh_err *err)
{
    struct store_repo row;

    return store_repo_by_id(q->db, q->a, repo, &row, err) &&
           front_quota_upload(q, row.owner, account, bytes, err);
}

struct sent {
    int64_t account, day;
    uint64_t bytes;
};

static bool sent_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct sent *x = ctx;
    struct db_stmt *s = db_start(db, DBQ_QUOTA_DAY_ADD);

    db_bind_i64(s, 1, x->account);
    db_bind_i64(s, 2, x->day);
    db_bind_i64(s, 3, (int64_t)x->bytes);
    if (!db_exec(s, err)) {
        return false;
    }
    s = db_start(db, DBQ_QUOTA_DAY_FORGET);
    db_bind_i64(s, 1, x->account);
    db_bind_i64(s, 2, x->day - KEEP_DAYS);
    return db_exec(s, err);
}

static void sent_done(void *ctx, const struct wh_err *err)
{
    (void)err; /* bytes of a request that could not be written are given away */
    wh_free(ctx);
}

void front_quota_sent(struct front_req *q, int64_t account, uint64_t bytes)
{
    struct sent *x;
    struct wh_err err = {0};

    if (bytes == 0 || bytes > INT64_MAX / 2) {
        return;
    }
    x = wh_alloc(sizeof *x);
    *x = (struct sent){account, today(), bytes};
    if (!db_write_async(q->house->writer, sent_fn, x, sent_done, &err)) {
        wh_free(x);
    }
}

bool front_quota_weighing(struct front_req *q, int64_t owner,
                          struct wh_err *err)
{
    uint64_t most = (uint64_t)q->house->conf->quota_weighing, n = 0;

    if (most == 0) {
        return true;
    }
    if (!ask(db_start(q->db, DBQ_QUOTA_WEIGHING), owner, 0, &n, err)) {
        return false;
    }
    if (n < most) {
        return true;
    }
    wh_count(WH_COUNT_LIMITED, 1);
    return wh_fail(err, WH_RATE_LIMITED,
                   "%llu revisions of this namespace wait to be weighed, and "
                   "that is the most; try again when one is decided",
                   (unsigned long long)n);
}
