/*
 * A thread that counts for the first time gets a page of counters of its own,
 * linked into a list that only grows. Counting is a load and a store by one
 * thread; reading walks the list. When a thread ends, its page goes to the next
 * thread that begins to count, with what is in it: sums stay right, and there
 * are never more pages than threads were alive at once.
 */
#include "base/count.h"
#include "base/err.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Pages come in parts, so that a thread that counts little has little. */
#define PART 512u
#define PARTS (WH_COUNT_MAX / PART)

struct page {
    struct page *next;
    _Atomic bool taken;
    _Atomic(_Atomic uint64_t *) part[PARTS];
};

static _Atomic(struct page *) pages;
static _Thread_local struct page *mine;
static pthread_key_t at_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *const names[] = {
#define WH_COUNT(id, name, help) #name,
#include "base/count.tbl"
#undef WH_COUNT
};
static const char *const helps[] = {
#define WH_COUNT(id, name, help) help,
#include "base/count.tbl"
#undef WH_COUNT
};

static void give_back(void *p)
{
    struct page *page = p;
    atomic_store(&page->taken, false);
}

static void make_key(void)
{
    wh_assert(pthread_key_create(&at_end, give_back) == 0);
}

static struct page *find_page(void)
{
    for (struct page *p = atomic_load(&pages); p; p = p->next) {
        bool free = false;
        if (atomic_compare_exchange_strong(&p->taken, &free, true)) {
            return p;
        }
    }
    struct page *p = wh_alloc(sizeof *p);
    atomic_store(&p->taken, true);
    p->next = atomic_load(&pages);
    while (!atomic_compare_exchange_weak(&pages, &p->next, p)) {
    }
    return p;
}

static _Atomic uint64_t *cell(size_t id)
{
    if (!mine) {
        pthread_once(&once, make_key);
        mine = find_page();
        wh_assert(pthread_setspecific(at_end, mine) == 0);
    }
    _Atomic uint64_t *part =
        atomic_load_explicit(&mine->part[id / PART], memory_order_relaxed);
    if (!part) {
        part = wh_calloc(PART, sizeof *part);
        atomic_store(&mine->part[id / PART], part);
    }
    return &part[id % PART];
}

void wh_count(size_t id, uint64_t n)
{
    wh_assert(id < WH_COUNT_MAX);
    _Atomic uint64_t *c = cell(id);
    /* nobody else writes it */
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

uint64_t wh_count_get(size_t id)
{
    uint64_t sum = 0;
    wh_assert(id < WH_COUNT_MAX);
    for (struct page *p = atomic_load(&pages); p; p = p->next) {
        _Atomic uint64_t *part = atomic_load(&p->part[id / PART]);
        if (part) {
            sum += atomic_load_explicit(&part[id % PART], memory_order_relaxed);
        }
    }
    return sum;
}

const char *wh_count_name(enum wh_count_id id)
{
    wh_assert(id < WH_COUNT_FIRST_FREE);
    return names[id];
}

const char *wh_count_help(enum wh_count_id id)
{
    wh_assert(id < WH_COUNT_FIRST_FREE);
    return helps[id];
}
