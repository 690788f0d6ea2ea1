/*
 * live.c - the table of keys, persons and accounts that are in memory.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "watch/watch_impl.h"
#include <stdio.h>

void watch_person_text(uint64_t person, char out[17])
{
    out[0] = '\0';
    if (person != 0) {
        (void)snprintf(out, 17, "%016llx", (unsigned long long)person);
    }
}

static size_t slot_of(enum watch_level level, int64_t id, uint64_t person)
{
    uint64_t h = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) + person;

    h += (uint64_t)level * UINT64_C(0xbf58476d1ce4e5b9);
    h ^= h >> 31;
    return (size_t)(h * UINT64_C(0x94d049bb133111eb) >> 40) & (WATCH_SLOTS - 1);
}

struct watch_entry *watch_entry_find(struct watch *w, enum watch_level level,
                                     int64_t id, uint64_t person)
{
    struct watch_entry *e = w->slot[slot_of(level, id, person)];

    while (e && !(e->level == level && e->id == id && e->person == person)) {
        e = e->next;
    }
    return e;
}

/* The trace, and behind it how often it was forgiven. */
static bool read_stored(struct db *db, struct watch_entry *e,
                        struct wh_err *err)
{
    struct db_stmt *s = db_start(db, DBQ_WATCH_TRACE_GET);
    struct wh_str bytes;
    char person[17];
    enum db_row r;

    watch_person_text(e->person, person);
    db_bind_i64(s, 1, e->level);
    db_bind_i64(s, 2, e->id);
    db_bind_cstr(s, 3, person);
    r = db_step(s, err);
    if (r == DB_ROW) {
        bytes = db_col_blob(s, 0);
        if (bytes.n != WATCH_TRACE_BYTES + 1 ||
            !watch_trace_read(wh_str_sub(bytes, 0, WATCH_TRACE_BYTES),
                              &e->trace)) {
            db_finish(&s);
            return wh_fail(err, WH_CORRUPT, "stored evidence is damaged");
        }
        e->forgiven = (uint8_t)bytes.p[WATCH_TRACE_BYTES];
    }
    db_finish(&s);
    return r != DB_FAIL;
}

static void drop_memory(struct watch *w, struct watch_entry *e)
{
    if (e->memory) {
        wh_wipe(e->memory, sizeof *e->memory);
        wh_free(e->memory);
        e->memory = NULL;
        w->memories--;
    }
}

/* The oldest give way when too many are there at once; none that is younger
 * than an hour, unless there are four times too many: the table is full then.
 */
static int64_t horizon(size_t have, size_t most, int64_t now)
{
    if (have >= 4 * most) {
        return now - WATCH_MINUTE_US;
    }
    return have > most ? now - WATCH_HOUR_US : now - 24 * WATCH_HOUR_US;
}

void watch_entries_shrink(struct watch *w, int64_t now)
{
    int64_t memory = horizon(w->memories, WATCH_MEMORIES_MAX, now);
    int64_t entry = horizon(w->entries, WATCH_ENTRIES_MAX / 4, now);

    for (size_t i = 0; i < WATCH_SLOTS; i++) {
        struct watch_entry **at = &w->slot[i], *e;
        while ((e = *at)) {
            if (e->used < memory) {
                drop_memory(w, e);
            }
            if (e->used < entry && !e->dirty && !e->case_id[0]) {
                *at = e->next;
                drop_memory(w, e);
                wh_free(e);
                w->entries--;
            } else {
                at = &e->next;
            }
        }
    }
}

bool watch_entry_get(struct watch *w, struct db *db, enum watch_level level,
                     int64_t id, uint64_t person, int64_t account,
                     struct watch_entry **out, struct wh_err *err)
{
    struct watch_entry *e = watch_entry_find(w, level, id, person);
    size_t at = slot_of(level, id, person);

    if (!e) {
        if (w->entries >= WATCH_ENTRIES_MAX) {
            /* names cost nothing: who makes many keeps nobody out */
            watch_entries_shrink(w, watch_now(w));
        }
        if (w->entries >= WATCH_ENTRIES_MAX) {
            return wh_fail(err, WH_UNAVAILABLE,
                           "more is going on than can be watched");
        }
        e = wh_alloc(sizeof *e);
        *e = (struct watch_entry){.level = level,
                                  .id = id,
                                  .account = account,
                                  .person = person,
                                  .layer = "sequence"};
        watch_trace_init(&e->trace);
        if (db && !read_stored(db, e, err)) {
            wh_free(e);
            return false;
        }
        e->rung =
            watch_ladder_next(DETECT_RUNG_NONE, watch_trace_log(&e->trace));
        e->rung = e->rung < DETECT_RUNG_QUEUE ? e->rung : DETECT_RUNG_THROTTLE;
        e->next = w->slot[at];
        w->slot[at] = e;
        w->entries++;
    }
    e->used = watch_now(w);
    *out = e;
    return true;
}

struct watch_memory *watch_entry_memory(struct watch *w, struct watch_entry *e)
{
    if (!e->memory) {
        e->memory = wh_alloc(sizeof *e->memory);
        e->memory->turn = w->secrets.turn;
        w->memories++;
    }
    if (e->memory->turn != w->secrets.turn) {
        watch_recent_forget(&e->memory->recent);
        e->memory->turn = w->secrets.turn;
    }
    return e->memory;
}

void watch_entry_free_of(struct watch_entry *e, bool clean)
{
    e->case_id[0] = '\0';
    e->case_rung = DETECT_RUNG_NONE;
    e->confirmed = e->repeated = false;
    e->slow_next = e->until = 0;
    if (clean) {
        watch_trace_init(&e->trace);
        e->dirty = true;
    }
    e->rung = watch_ladder_next(DETECT_RUNG_NONE, watch_trace_log(&e->trace));
}

void watch_entries_drop(struct watch *w)
{
    struct watch_entry *e, *next;

    for (size_t i = 0; i < WATCH_SLOTS; i++) {
        for (e = w->slot[i]; e; e = next) {
            next = e->next;
            drop_memory(w, e);
            wh_free(e);
        }
        w->slot[i] = NULL;
    }
}
