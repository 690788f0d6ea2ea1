/*
 * doctor.c - running the table of checks and putting the report together.
 */
#include "front/doctor.h"
#include "base/time.h"
#include "front/doctor_impl.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define SEEN_MAX 1024
#define KERNEL_FILE ((size_t)64 << 10)

static const char *const STATES[] = {[DOCTOR_OK] = "ok",
                                     [DOCTOR_UNKNOWN] = "unknown",
                                     [DOCTOR_WARN] = "warn",
                                     [DOCTOR_FAIL] = "fail"};
#define NSTATES (sizeof STATES / sizeof *STATES)

struct check {
    enum front_doctor_when when;
    const char *id, *title;
    void (*run)(struct doctor *d, struct doctor_row *r);
};

static const struct check CHECKS[] = {
#define DOCTOR(when, id, function, title) \
    {FRONT_DOCTOR_##when, id, title, doctor_##function},
#include "front/doctor.tbl"
#undef DOCTOR
};
#define NCHECKS (sizeof CHECKS / sizeof *CHECKS)

/* ---- for the checks ---- */

void doctor_say(const struct doctor *d, struct doctor_row *r,
                enum doctor_state state, const char *fmt, ...)
{
    char text[SEEN_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    r->state = state;
    r->seen = wh_arena_dup(d->a, wh_str_of(text));
}

void doctor_advise(struct doctor_row *r, struct wh_str todo)
{
    r->todo = todo;
}

bool doctor_read(const struct doctor *d, const char *path, struct wh_str *out)
{
    char *p = wh_arena_alloc(d->a, KERNEL_FILE);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;
    ssize_t got = -1;

    if (fd < 0) {
        return false;
    }
    while (n < KERNEL_FILE && (got = read(fd, p + n, KERNEL_FILE - n)) > 0) {
        n += (size_t)got;
    }
    (void)close(fd);
    *out = wh_str_mem(p, n);
    return got >= 0;
}

const char *doctor_path(const struct doctor *d, const char *name)
{
    return wh_arena_fmt(d->a, "%s/%s", d->at->data, name).p;
}

/* ---- the report ---- */

static json_t *view(const struct check *c, const struct doctor_row *r,
                    const char *asked)
{
    json_t *o = json_object();

    json_object_set_new(o, "id", json_string(c->id));
    json_object_set_new(o, "title", json_string(c->title));
    json_object_set_new(o, "state", json_string(STATES[r->state]));
    json_object_set_new(o, "seen", wh_json_str(r->seen));
    json_object_set_new(o, "do",
                        r->todo.n > 0 ? wh_json_str(r->todo) : json_null());
    json_object_set_new(o, "asked", json_string(asked));
    return o;
}

static enum doctor_state state_of(const json_t *o)
{
    const char *s = json_string_value(json_object_get(o, "state"));

    for (size_t i = 0; s && i < NSTATES; i++) {
        if (strcmp(s, STATES[i]) == 0) {
            return (enum doctor_state)i;
        }
    }
    return DOCTOR_UNKNOWN;
}

/* The report of rows; takes the reference to them. */
static json_t *report(struct wh_arena *a, json_t *rows, const char *now)
{
    enum doctor_state worst = DOCTOR_OK;
    json_t *o = wh_json_own(a, json_object());
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
    {
        enum doctor_state s = state_of(row);
        worst = s > worst && s != DOCTOR_UNKNOWN ? s : worst;
    }
    json_object_set_new(o, "state", json_string(STATES[worst]));
    json_object_set_new(o, "time", json_string(now));
    json_object_set_new(o, "checks", rows);
    return o;
}

json_t *front_doctor_run(struct wh_arena *a, const struct front_doctor *at,
                         enum front_doctor_when when)
{
    struct doctor d = {.a = a, .at = at};
    json_t *rows = json_array();
    char now[WH_TIME_TEXT];

    wh_time_text(wh_now_us(), now);
    if (when & FRONT_DOCTOR_START) {
        doctor_find_processes(&d);
    }
    for (size_t i = 0; i < NCHECKS; i++) {
        struct doctor_row r = {.state = DOCTOR_UNKNOWN, .seen = WH_S("")};
        if (CHECKS[i].when & when) {
            CHECKS[i].run(&d, &r);
            json_array_append_new(rows, view(&CHECKS[i], &r, now));
        }
    }
    return report(a, rows, now);
}

/* The row of that id, or null. */
static json_t *find(const json_t *o, const char *id)
{
    json_t *row;
    size_t i;

    json_array_foreach(json_object_get(o, "checks"), i, row)
    {
        const char *is = json_string_value(json_object_get(row, "id"));
        if (is && strcmp(is, id) == 0) {
            return row;
        }
    }
    return NULL;
}

json_t *front_doctor_join(struct wh_arena *a, struct wh_str start,
                          const json_t *now)
{
    json_t *before = NULL, *rows = json_array();
    const char *time = json_string_value(json_object_get(now, "time"));
    struct wh_err ignored = {0};

    if (!wh_json_parse(a, start, &before, &ignored)) {
        before = NULL; /* its rows are missing, then */
    }
    for (size_t i = 0; i < NCHECKS; i++) {
        json_t *row = find(now, CHECKS[i].id);
        row = row || !before ? row : find(before, CHECKS[i].id);
        if (row) {
            json_array_append(rows, row);
        }
    }
    return report(a, rows, time ? time : "");
}

bool front_doctor_good(const json_t *o)
{
    return state_of(o) != DOCTOR_FAIL;
}
