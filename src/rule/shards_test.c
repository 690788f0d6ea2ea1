/* Unit tests of rule/shards.h. */
#include "base/unit.h"
#include "rule/shards.h"

struct row {
    const char *paths;   /* separated by blanks */
    const char *missing; /* name of the set that is not whole; null: none */
    size_t have, total;
};

static const struct row rows[] = {
    {"", NULL, 0, 0},
    {"model.safetensors config.json", NULL, 0, 0},
    {"model-00001-of-00001.gguf", NULL, 0, 0},
    {"m-00001-of-00002.gguf m-00002-of-00002.gguf", NULL, 0, 0},
    {"m-00002-of-00002.gguf m-00001-of-00002.gguf x.bin", NULL, 0, 0},
    {"m-1-of-2.gguf m-2-of-2.gguf", NULL, 0, 0},
    {"m-00001-of-00002.gguf", "m-00001-of-00002.gguf", 1, 2},
    {"m-00002-of-00002.gguf", "m-00002-of-00002.gguf", 1, 2},
    /* folders, stems, endings and totals tell sets apart */
    {"a/m-1-of-2.gguf b/m-2-of-2.gguf", "a/m-1-of-2.gguf", 1, 2},
    {"m-1-of-2.gguf n-2-of-2.gguf", "m-1-of-2.gguf", 1, 2},
    {"m-1-of-2.gguf m-2-of-2.bin", "m-2-of-2.bin", 1, 2},
    {"m-1-of-2.gguf m-2-of-3.gguf", "m-1-of-2.gguf", 1, 2},
    {"a-1-of-1.gguf b-1-of-2.gguf c-1-of-3.gguf", "b-1-of-2.gguf", 1, 2},
    /* numbers that are none of a set */
    {"m-0-of-2.gguf m-1-of-2.gguf m-2-of-2.gguf", "m-0-of-2.gguf", 3, 2},
    {"m-3-of-2.gguf m-1-of-2.gguf m-2-of-2.gguf", "m-1-of-2.gguf", 3, 2},
    {"m-1-of-0.gguf", "m-1-of-0.gguf", 1, 0},
    {"m-1-of-9999999.gguf", "m-1-of-9999999.gguf", 1, 9999999},
    {"m-1-of-99999999.gguf m-of-2.gguf m-1-of-.gguf m1-of-2.gguf", NULL, 0, 0},
    {"-1-of-2", "-1-of-2", 1, 2},
    {"m-1-of-2.gguf m-1-of-2.gguf", "m-1-of-2.gguf", 1, 2},
    {"part-1-of-2/model.gguf", NULL, 0, 0},
};

static void sets_are_whole_or_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wh_arena a;
        struct wh_str paths[8], rest = wh_str_of(rows[i].paths);
        struct rule_shards out = {0};
        size_t n = 0;
        wh_arena_init(&a, 1U << 16);
        while (rest.n > 0 && n < 8) {
            (void)wh_str_cut(&rest, ' ', &paths[n++]);
        }
        bool ok = rule_shards_whole(&a, paths, n, &out);
        if (ok != !rows[i].missing ||
            (!ok && (!wh_str_is(out.name, rows[i].missing) ||
                     out.have != rows[i].have || out.total != rows[i].total))) {
            fail_msg("%s: %d %.*s %zu of %zu", rows[i].paths, ok,
                     WH_FMT(out.name), out.have, out.total);
        }
        wh_arena_done(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_are_whole_or_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
