/*
 * count.h - counters of the process, for /metrics: each thread counts into
 * memory of its own, and whoever reads adds them up.
 * Owner: the process; counters begin at zero and never go back.
 * Never: takes a lock or shares a line of cache when counting.
 */
#ifndef WH_BASE_COUNT_H
#define WH_BASE_COUNT_H

#include <stddef.h>
#include <stdint.h>

/* WH_COUNT_SCANS ..., and how many; from there on are the application's. */
enum wh_count_id {
#define WH_COUNT(id, name, help) WH_COUNT_##id,
#include "base/count.tbl"
#undef WH_COUNT
    WH_COUNT_FIRST_FREE
};

/* Counters that there can be, all together. */
#define WH_COUNT_MAX 16384u

/* Add n to a counter (asserted to exist). */
void wh_count(size_t id, uint64_t n);
/* The sum over all threads, also those that have ended. */
uint64_t wh_count_get(size_t id);

/* Name and help of a counter of the table. */
const char *wh_count_name(enum wh_count_id id);
const char *wh_count_help(enum wh_count_id id);

#endif
