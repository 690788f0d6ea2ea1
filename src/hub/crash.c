/*
 * crash.c - dying on request, for tests of what a crash leaves; part of the
 * build only with HUB_CRASH_POINTS.
 */
#include "hub/crash.h"
#include "base/str.h"
#include <signal.h>
#include <stdlib.h>

void hub_crash_point(enum hub_step step)
{
    uint64_t at;

    if (wh_str_u64(wh_str_of(getenv("WEIGHHOUSE_HUB_CRASH_AT")), &at) &&
        at == (uint64_t)step) {
        (void)raise(SIGKILL);
    }
}
