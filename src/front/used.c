/*
 * used.c - a small table of what was noted today keeps a busy token from being
 * written more than once while the write is on its way.
 */
#include "front/used.h"
#include "base/mem.h"
#include "base/time.h"
#include <pthread.h>

#define SLOTS 1024

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct noted {
    int64_t id, day;
} noted[SLOTS]; /* by token id; a newer one takes the place */

/* Take the note; false when somebody else has. */
static bool take(int64_t id, int64_t day)
{
    struct noted *n = &noted[(uint64_t)id % SLOTS];
    bool ours;

    pthread_mutex_lock(&lock);
    ours = n->id != id || n->day != day;
    *n = (struct noted){id, day};
    pthread_mutex_unlock(&lock);
    return ours;
}

static bool used_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct noted *n = ctx;

    return store_token_used(db, n->id, n->day, err);
}

static void used_done(void *ctx, const struct wh_err *err)
{
    struct noted *n = ctx;

    if (err) {
        pthread_mutex_lock(&lock);
        noted[(uint64_t)n->id % SLOTS] = (struct noted){0, 0};
        pthread_mutex_unlock(&lock);
    }
    wh_free(n);
}

void front_used_note(struct front_house *house, const struct store_token *t)
{
    int64_t day = wh_now_us() / STORE_DAY_US;
    struct wh_err err = {0};
    struct noted *n;

    if (t->id == 0 || t->used_day >= day || !take(t->id, day)) {
        return;
    }
    n = wh_alloc(sizeof *n);
    *n = (struct noted){t->id, day};
    if (!db_write_async(house->writer, used_fn, n, used_done, &err)) {
        used_done(n, &err);
    }
}
