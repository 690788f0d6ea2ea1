/*
 * crash.c - dying on request, for the tests of recovery; part of the build only
 * with REGISTER_CRASH_POINTS.
 */
#include "register/crash.h"

#include "base/str.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_bool disarmed;

void register_crash_disarm(void)
{
    atomic_store(&disarmed, true);
}

void register_crash_point(enum register_step step)
{
    static atomic_uint passed;
    struct wh_str head, rest = wh_str_of(getenv("WEIGHHOUSE_CRASH_AT"));
    uint64_t at, count = 1;
    bool counted = wh_str_cut(&rest, ':', &head);
    if (atomic_load(&disarmed) || !wh_str_u64(head, &at) ||
        at != (uint64_t)step || (counted && !wh_str_u64(rest, &count))) {
        return;
    }
    if (atomic_fetch_add(&passed, 1) + 1 == count) {
        _exit(99);
    }
}
