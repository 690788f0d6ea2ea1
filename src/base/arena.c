/*
 * Arena: blocks from wh_alloc, handed out front to back. Fresh blocks are
 * zero, and the block kept by a reset is zeroed there, so that a hand-out
 * needs no clearing of its own. In sanitizer builds everything that is not
 * handed out is poisoned, with a red zone after each piece, so that ASan sees
 * an overflow inside a block and a use after reset.
 */
#include "base/arena.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#define RED_ZONE 32U
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define RED_ZONE 0U
#endif

#define ALIGN _Alignof(max_align_t)
#define BLOCK_BYTES ((size_t)16 * 1024)
#define PANIC_FACTOR 8U

struct wh_arena_block {
    struct wh_arena_block *prev;
    size_t cap, used;
    _Alignas(max_align_t) unsigned char data[];
};

struct wh_arena_defer {
    struct wh_arena_defer *prev;
    void (*fn)(void *);
    void *p;
};

static struct wh_arena_block *block_new(size_t cap)
{
    size_t total;
    wh_assert(
        !__builtin_add_overflow(sizeof(struct wh_arena_block), cap, &total));
    struct wh_arena_block *b = wh_alloc(total);
    b->cap = cap;
    POISON(b->data, cap);
    return b;
}

static void block_free(struct wh_arena_block *b, bool wipe)
{
    UNPOISON(b->data, b->cap);
    if (wipe) {
        wh_wipe(b->data, b->used);
    }
    wh_free(b);
}

static void run_defers(struct wh_arena *a)
{
    while (a->defers) {
        struct wh_arena_defer *d = a->defers;
        a->defers = d->prev;
        d->fn(d->p);
    }
}

/* Count n bytes against the ceiling. */
static void account(struct wh_arena *a, size_t n)
{
    size_t limit;
    if (__builtin_mul_overflow(a->ceiling, PANIC_FACTOR, &limit)) {
        limit = SIZE_MAX;
    }
    wh_assert(!__builtin_add_overflow(a->used, n, &a->used));
    wh_assert(a->used <= limit);
    if (a->used > a->ceiling) {
        a->over = true;
    }
}

/* Bytes a piece of n takes in its block: aligned, with its red zone. */
static size_t footprint(size_t n)
{
    size_t total;
    wh_assert(!__builtin_add_overflow(n, ALIGN - 1 + RED_ZONE, &total));
    return total & ~(ALIGN - 1);
}

void wh_arena_init(struct wh_arena *a, size_t ceiling)
{
    *a = (struct wh_arena){.ceiling = ceiling};
}

void wh_arena_done(struct wh_arena *a)
{
    run_defers(a);
    while (a->head) {
        struct wh_arena_block *b = a->head;
        a->head = b->prev;
        block_free(b, a->wipe);
    }
    a->used = 0;
}

void wh_arena_reset(struct wh_arena *a)
{
    run_defers(a);
    while (a->head && (a->head->prev || a->head->cap > BLOCK_BYTES)) {
        struct wh_arena_block *b = a->head;
        a->head = b->prev;
        block_free(b, a->wipe);
    }
    if (a->head) {
        UNPOISON(a->head->data, a->head->used);
        wh_wipe(a->head->data, a->head->used);
        POISON(a->head->data, a->head->cap);
        a->head->used = 0;
    }
    a->used = 0;
    a->over = false;
}

void *wh_arena_alloc(struct wh_arena *a, size_t n)
{
    account(a, n);
    size_t need = footprint(n ? n : 1);
    struct wh_arena_block *b = a->head;
    if (!b || b->cap - b->used < need) {
        b = block_new(need > BLOCK_BYTES ? need : BLOCK_BYTES);
        b->prev = a->head;
        a->head = b;
    }
    unsigned char *p = b->data + b->used;
    b->used += need;
    UNPOISON(p, n);
    return p;
}

void *wh_arena_array(struct wh_arena *a, size_t count, size_t size)
{
    size_t total;
    wh_assert(!__builtin_mul_overflow(count, size, &total));
    return wh_arena_alloc(a, total);
}

struct wh_str wh_arena_dup(struct wh_arena *a, struct wh_str s)
{
    return (struct wh_str){wh_arena_cstr(a, s), s.n};
}

char *wh_arena_cstr(struct wh_arena *a, struct wh_str s)
{
    wh_assert(s.n < SIZE_MAX);
    char *p = wh_arena_alloc(a, s.n + 1);
    if (s.n > 0) {
        memcpy(p, s.p, s.n);
    }
    return p;
}

struct wh_str wh_arena_fmt(struct wh_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    wh_assert(n >= 0);
    char *p = wh_arena_alloc(a, (size_t)n + 1);
    va_start(ap, fmt);
    (void)vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return (struct wh_str){p, (size_t)n};
}

void wh_arena_defer(struct wh_arena *a, void (*fn)(void *), void *p)
{
    struct wh_arena_defer *d = WH_NEW(a, struct wh_arena_defer);
    d->fn = fn;
    d->p = p;
    d->prev = a->defers;
    a->defers = d;
}

bool wh_arena_over(const struct wh_arena *a, struct wh_err *err)
{
    if (a->over) {
        (void)wh_fail(err, WH_NOMEM, "");
    }
    return a->over;
}
