/* The life of an engine, event by event. */
#include "gateway/engine_state.h"

#include "base/unit.h"

static const struct engine_times T = {.start = 100,
                                      .stop = 10,
                                      .backoff_first = 5,
                                      .backoff_most = 30,
                                      .calm = 1000,
                                      .probe_every = 1,
                                      .probe_wait = 2,
                                      .misses = 3};

#define EV(name) ENGINE_EV_##name

static void lives(void **state)
{
    static const struct {
        enum engine_event ev;
        int64_t at;
        enum engine_phase phase;
        enum engine_act act;
        int64_t due;
    } steps[] = {
        {EV(START), 0, ENGINE_STARTING, ENGINE_DO_SPAWN, 100},
        {EV(START), 1, ENGINE_STARTING, ENGINE_DO_NOTHING, 100},
        {EV(SICK), 2, ENGINE_STARTING, ENGINE_DO_NOTHING, 100},
        {EV(HEALTHY), 3, ENGINE_READY, ENGINE_DO_NOTHING, 0},
        /* two misses are forgiven, three are not */
        {EV(SICK), 4, ENGINE_READY, ENGINE_DO_NOTHING, 0},
        {EV(SICK), 5, ENGINE_READY, ENGINE_DO_NOTHING, 0},
        {EV(HEALTHY), 6, ENGINE_READY, ENGINE_DO_NOTHING, 0},
        {EV(SICK), 7, ENGINE_READY, ENGINE_DO_NOTHING, 0},
        {EV(SICK), 8, ENGINE_READY, ENGINE_DO_NOTHING, 0},
        {EV(SICK), 9, ENGINE_ENDING, ENGINE_DO_KILL, 19},
        {EV(HEALTHY), 10, ENGINE_ENDING, ENGINE_DO_NOTHING, 19},
        {EV(DUE), 19, ENGINE_ENDING, ENGINE_DO_KILL, 29},
        {EV(ENDED), 20, ENGINE_WAITING, ENGINE_DO_NOTHING, 25},
        {EV(DUE), 25, ENGINE_STARTING, ENGINE_DO_SPAWN, 125},
        /* it ends at once, again and again: longer each time, to a limit */
        {EV(ENDED), 30, ENGINE_WAITING, ENGINE_DO_NOTHING, 40},
        {EV(DUE), 40, ENGINE_STARTING, ENGINE_DO_SPAWN, 140},
        {EV(ENDED), 50, ENGINE_WAITING, ENGINE_DO_NOTHING, 70},
        {EV(DUE), 70, ENGINE_STARTING, ENGINE_DO_SPAWN, 170},
        {EV(ENDED), 80, ENGINE_WAITING, ENGINE_DO_NOTHING, 110},
        {EV(DUE), 110, ENGINE_STARTING, ENGINE_DO_SPAWN, 210},
        /* it does not come up */
        {EV(DUE), 210, ENGINE_ENDING, ENGINE_DO_KILL, 220},
        {EV(ENDED), 211, ENGINE_WAITING, ENGINE_DO_NOTHING, 241},
        /* somebody asks: no more waiting, and a new count */
        {EV(START), 212, ENGINE_STARTING, ENGINE_DO_SPAWN, 312},
        {EV(HEALTHY), 213, ENGINE_READY, ENGINE_DO_NOTHING, 0},
        {EV(ENDED), 214, ENGINE_WAITING, ENGINE_DO_NOTHING, 219},
        {EV(DUE), 219, ENGINE_STARTING, ENGINE_DO_SPAWN, 319},
        {EV(HEALTHY), 220, ENGINE_READY, ENGINE_DO_NOTHING, 0},
        {EV(HEALTHY), 1500, ENGINE_READY, ENGINE_DO_NOTHING, 0},
        /* after a calm time the count begins anew */
        {EV(ENDED), 1501, ENGINE_WAITING, ENGINE_DO_NOTHING, 1506},
        {EV(DUE), 1506, ENGINE_STARTING, ENGINE_DO_SPAWN, 1606},
        {EV(HEALTHY), 1507, ENGINE_READY, ENGINE_DO_NOTHING, 0},
        {EV(STOP), 1510, ENGINE_STOPPING, ENGINE_DO_END, 1520},
        {EV(START), 1511, ENGINE_STOPPING, ENGINE_DO_NOTHING, 1520},
        {EV(SICK), 1512, ENGINE_STOPPING, ENGINE_DO_NOTHING, 1520},
        {EV(DUE), 1520, ENGINE_STOPPING, ENGINE_DO_KILL, 1530},
        {EV(ENDED), 1521, ENGINE_IDLE, ENGINE_DO_DROP, 0},
        {EV(STOP), 1522, ENGINE_IDLE, ENGINE_DO_DROP, 0},
        {EV(ENDED), 1523, ENGINE_IDLE, ENGINE_DO_NOTHING, 0},
    };
    struct engine_machine m = {0};
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        enum engine_act act = engine_step(&m, &T, steps[i].ev, steps[i].at);
        if (m.phase != steps[i].phase || act != steps[i].act ||
            m.due != steps[i].due) {
            print_error("step %zu: %s, act %d, due %lld\n", i,
                        engine_phase_word(m.phase), (int)act, (long long)m.due);
            fail();
        }
    }
    assert_int_equal(m.restarts, 7);
}

/* Whatever comes in whatever order: something that runs has a way to its end,
 * and after STOP nothing is started again. */
static void any_order(void **state)
{
    uint32_t seed = 1;
    (void)state;
    for (int run = 0; run < 2000; run++) {
        struct engine_machine m = {0};
        bool runs = false, stopped = false;
        for (int64_t now = 1; now < 60; now++) {
            seed = seed * 1664525u + 1013904223u;
            enum engine_event ev =
                (enum engine_event)((seed >> 16) % ENGINE_EVENTS);
            if (stopped && ev == ENGINE_EV_START) {
                ev = ENGINE_EV_DUE;
            }
            if (ev == ENGINE_EV_ENDED && !runs) {
                continue;
            }
            enum engine_act act = engine_step(&m, &T, ev, now);
            runs = act == ENGINE_DO_SPAWN || (runs && ev != ENGINE_EV_ENDED);
            stopped = stopped || ev == ENGINE_EV_STOP;
            assert_true(engine_phase_alive(m.phase) == runs);
            assert_false(stopped && act == ENGINE_DO_SPAWN);
            assert_false(act == ENGINE_DO_DROP && runs);
            assert_true(m.due != 0 || m.phase == ENGINE_READY ||
                        m.phase == ENGINE_IDLE);
        }
    }
}

static void says_why(void **state)
{
    struct engine_machine m = {0};
    (void)state;
    (void)engine_step(&m, &T, ENGINE_EV_START, 0);
    (void)engine_step(&m, &T, ENGINE_EV_DUE, 100);
    assert_true(m.slow && !m.hung);
    (void)engine_step(&m, &T, ENGINE_EV_ENDED, 101);
    (void)engine_step(&m, &T, ENGINE_EV_DUE, 110);
    assert_true(!m.slow && !m.hung);
    (void)engine_step(&m, &T, ENGINE_EV_HEALTHY, 111);
    for (int i = 0; i < 3; i++) {
        (void)engine_step(&m, &T, ENGINE_EV_SICK, 112);
    }
    assert_true(m.hung);
    assert_true(engine_times_usual().misses > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lives),
        cmocka_unit_test(any_order),
        cmocka_unit_test(says_why),
    };
    return cmocka_run_group_tests_name("gateway/engine_state", tests, NULL,
                                       NULL);
}
