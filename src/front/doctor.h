/*
 * doctor.h - what is unsafe about this installation: a table of checks, asked
 * by the command, by the API and by a page.
 * Owner: reports live in the arena given.
 * Never: repairs anything; calls a thing good that it could not see.
 */
#ifndef WH_FRONT_DOCTOR_H
#define WH_FRONT_DOCTOR_H

#include "base/arena.h"
#include "base/json.h"
#include "conf/conf.h"
#include <sys/types.h>

/* What to look at. */
struct front_doctor {
    const struct conf *conf;
    const char *data, *keys; /* folders; keys null: not known from here */
    const char *vkey;        /* of the register; null: as the keys have it */
    bool inside;             /* asked by front, about its own house */
    /* Of the parent of all processes; 0: to be read from DATA/run/parent.pid,
     * if the house runs. */
    pid_t parent;
};

enum front_doctor_when {
    FRONT_DOCTOR_START = 1,
    FRONT_DOCTOR_NOW = 2,
    FRONT_DOCTOR_ALL = 3
};

/* {"state", "time", "checks": [{"id", "title", "state", "seen", "do",
 * "asked"}]} with the rows of that kind. States, from good to bad: "ok",
 * "unknown" (could not be seen from here), "warn", "fail"; the report's is the
 * worst but for unknown. */
json_t *front_doctor_run(struct wh_arena *a, const struct front_doctor *at,
                         enum front_doctor_when when);
/* The rows of `start`, a text that front_doctor_run gave at the start of front,
 * and those of `now`, in the order of the table. */
json_t *front_doctor_join(struct wh_arena *a, struct wh_str start,
                          const json_t *now);
/* Is that report free of "fail"? */
bool front_doctor_good(const json_t *report);

/* Whether everybody can reach that address ("127.0.0.1:8080", "[::]:80"): it is
 * not of this host alone. */
bool front_doctor_public(struct wh_str listen);

#endif
