/* Unit tests of base/arena.h and base/mem.h. */
#include "base/arena.h"
#include "base/mem.h"
#include "base/unit.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

static void gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    struct wh_arena a;
    wh_arena_init(&a, 1 << 20);
    for (int round = 0; round < 2; round++) {
        for (size_t n = 0; n < 3000; n += 37) {
            unsigned char *p = wh_arena_alloc(&a, n);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < n; i++) {
                assert_int_equal(p[i], 0);
                p[i] = 0xEE;
            }
        }
        wh_arena_reset(&a);
        assert_int_equal(a.used, 0);
    }
    unsigned char *big = wh_arena_alloc(&a, 100000);
    big[99999] = 1;
    assert_int_equal(a.used, 100000);
    wh_arena_done(&a);
    wh_arena_done(&a);
}

static void copies_text(void **state)
{
    (void)state;
    struct wh_arena a;
    wh_arena_init(&a, 1000);
    unit_str(wh_arena_dup(&a, WH_S("abc")), "abc");
    assert_string_equal(wh_arena_cstr(&a, WH_S("xyz")), "xyz");
    assert_string_equal(wh_arena_cstr(&a, (struct wh_str){NULL, 0}), "");
    unit_str(wh_arena_fmt(&a, "%d-%s", 42, "x"), "42-x");
    unit_str(wh_arena_fmt(&a, "%s", ""), "");
    int *five = wh_arena_array(&a, 5, sizeof *five);
    assert_int_equal(five[4], 0);
    wh_arena_done(&a);
}

static char order[8];

static void note(void *p)
{
    size_t n = strlen(order);
    order[n] = *(const char *)p;
}

static void runs_deferred_newest_first(void **state)
{
    (void)state;
    struct wh_arena a;
    wh_arena_init(&a, 1000);
    char names[] = "abcd";
    wh_arena_defer(&a, note, &names[0]);
    wh_arena_defer(&a, note, &names[1]);
    wh_arena_reset(&a);
    assert_string_equal(order, "ba");
    wh_arena_defer(&a, note, &names[2]);
    wh_arena_defer(&a, note, &names[3]);
    wh_arena_done(&a);
    assert_string_equal(order, "badc");
}

static void says_when_over(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err = {0};
    wh_arena_init(&a, 100);
    (void)wh_arena_alloc(&a, 100);
    assert_false(wh_arena_over(&a, &err));
    (void)wh_arena_alloc(&a, 1);
    assert_true(wh_arena_over(&a, &err));
    assert_int_equal(err.code, WH_NOMEM);
    wh_arena_reset(&a);
    assert_false(wh_arena_over(&a, &err));
    wh_arena_done(&a);
}

static void eat(void *p)
{
    for (;;) {
        (void)wh_arena_alloc(p, 1000);
    }
}

static void overflow(void *p)
{
    (void)wh_arena_array(p, SIZE_MAX / 2, 3);
}

static void overflow_calloc(void *p)
{
    (void)p;
    wh_free(wh_calloc(SIZE_MAX / 2, 3));
}

static void panics_without_bound(void **state)
{
    (void)state;
    char said[1000];
    struct wh_arena a;
    wh_arena_init(&a, 10000);
    unit_dies(eat, &a, said, sizeof said);
    assert_non_null(strstr(said, "a->used <= limit"));
    unit_dies(overflow, &a, said, sizeof said);
    unit_dies(overflow_calloc, NULL, said, sizeof said);
    assert_non_null(strstr(said, "overflows"));
    wh_arena_done(&a);
}

/* Secrets do not survive a reset in the block that is kept. */
static void wipes(void **state)
{
    (void)state;
    struct wh_arena a;
    wh_arena_init(&a, 1000);
    a.wipe = true;
    char *p = wh_arena_cstr(&a, WH_S("secret"));
    wh_arena_reset(&a);
    char *q = wh_arena_alloc(&a, 16);
    assert_ptr_equal(p, q);
    assert_int_equal(q[0], 0);
    wh_arena_done(&a);
    char text[] = "secret";
    wh_wipe(text, sizeof text);
    assert_int_equal(text[0] | text[5], 0);
    wh_wipe(NULL, 0);
}

static void allocates(void **state)
{
    (void)state;
    char *p = wh_alloc(0);
    assert_non_null(p);
    wh_free(p);
    p = wh_strdup("text");
    assert_string_equal(p, "text");
    p = wh_realloc(p, 1000);
    p[999] = 'x';
    assert_memory_equal(p, "text", 5);
    wh_free(p);
    wh_free(NULL);
}

#ifdef WITH_ASAN
/* ASan sees what lies behind a piece, and a piece after a reset. */
static void poisons(void **state)
{
    (void)state;
    struct wh_arena a;
    wh_arena_init(&a, 10000);
    char *p = wh_arena_alloc(&a, 10);
    char *q = wh_arena_alloc(&a, 10);
    assert_false(__asan_address_is_poisoned(p + 9));
    assert_true(__asan_address_is_poisoned(p + 10));
    assert_true(__asan_address_is_poisoned(q - 1));
    assert_true(__asan_address_is_poisoned(q + 10));
    char *full = wh_arena_alloc(&a, 64); /* no padding before the red zone */
    (void)wh_arena_alloc(&a, 64);
    assert_true(__asan_address_is_poisoned(full + 64));
    assert_true(__asan_address_is_poisoned(full + 64 + 15));
    wh_arena_reset(&a);
    assert_true(__asan_address_is_poisoned(p));
    assert_true(__asan_address_is_poisoned(q));
    wh_arena_done(&a);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_aligned_memory),
        cmocka_unit_test(copies_text),
        cmocka_unit_test(runs_deferred_newest_first),
        cmocka_unit_test(says_when_over),
        cmocka_unit_test(panics_without_bound),
        cmocka_unit_test(wipes),
        cmocka_unit_test(allocates),
#ifdef WITH_ASAN
        cmocka_unit_test(poisons),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
