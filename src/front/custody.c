/*
 * custody.c - the facts behind the custody table.
 */
#include "front/custody.h"
#include "base/buf.h"
#include "base/time.h"
#include "hub/backup.h"
#include "hub/retier.h"
#include "keeper/client.h"
#include "line/approve.h"
#include "proc/sandbox.h"

/* What was looked at for one table. */
struct seen {
    struct front_req *q;
    struct keeper_status keeper;
    bool has_keeper;
    struct register_status log;
    struct line_roster *rosters;
    size_t n_rosters, behind;
    json_t *doctor, *attested, *sealed;
};

struct row {
    const char *state;
    json_t *by, *seen; /* new references, or null */
};

static const char HERE[] = "enforced here", PART[] = "in part",
                  ABSENT[] = "absent", UNKNOWN[] = "unknown";

static struct row says(const char *state, const char *seen)
{
    return (struct row){.state = state, .seen = json_string(seen)};
}

/* A check of the doctor, by its state alone: what it saw is for operators. */
static struct row by_doctor(const struct seen *s, const char *id,
                            const char *good, const char *bad)
{
    const json_t *check;
    size_t i;

    json_array_foreach(json_object_get(s->doctor, "checks"), i, check)
    {
        const char *is = json_string_value(json_object_get(check, "id"));
        const char *state = json_string_value(json_object_get(check, "state"));
        if (is && state && strcmp(is, id) == 0) {
            return strcmp(state, "ok") == 0        ? says(HERE, good)
                   : strcmp(state, "unknown") == 0 ? says(UNKNOWN, "it could "
                                                                   "not be "
                                                                   "seen")
                                                   : says(ABSENT, bad);
        }
    }
    return says(UNKNOWN, "it was not looked at");
}

/* ---- the rows ---- */

static struct row fact_sealed(const struct seen *s)
{
    if (!s->has_keeper) {
        return says(UNKNOWN, "the keeper did not answer");
    }
    if (!s->keeper.sealed) {
        return says(ABSENT, "this is a test build: its containers are plain");
    }
    return (struct row){
        HERE, NULL,
        json_sprintf(
            "%lld files of %lld repos exist in sealed form only",
            (long long)json_integer_value(json_object_get(s->sealed, "files")),
            (long long)json_integer_value(
                json_object_get(s->sealed, "repos")))};
}

static struct row fact_key_apart(const struct seen *s)
{
    return by_doctor(s, "keys.place",
                     "its folder is outside of the data, on another disk",
                     "its folder is outside of the data, but on the same disk: "
                     "whoever takes the disk has both");
}

static struct row fact_key_memory(const struct seen *s)
{
    return !s->has_keeper ? says(UNKNOWN, "the keeper did not answer")
           : s->keeper.memory_locked
               ? says(HERE, "the keeper's memory is locked")
               : says(ABSENT, "the host does not let the keeper lock memory");
}

static struct row fact_key_process(const struct seen *s)
{
    if (!s->has_keeper) {
        return says(UNKNOWN, "the keeper did not answer");
    }
    if (s->keeper.missing == 0) {
        return says(HERE, "all guards of the keeper are on");
    }
    struct wh_buf b;
    wh_buf_init(&b, 256);
    proc_guard_list(&b, s->keeper.missing);
    json_t *text = json_sprintf("of the keeper's guards, missing here: %.*s",
                                WH_FMT(wh_buf_str(&b)));
    wh_buf_done(&b);
    return (struct row){PART, NULL, text};
}

static struct row fact_opening(const struct seen *s)
{
    return s->has_keeper
               ? (struct row){HERE, NULL,
                              json_sprintf(
                                  "%llu openings so far",
                                  (unsigned long long)s->keeper.openings)}
               : says(UNKNOWN, "the keeper did not answer");
}

static struct row fact_two(const struct seen *s)
{
    const struct rule_roster *r =
        s->n_rosters > 0 ? s->rosters[s->n_rosters - 1].r : NULL;

    if (!r || r->self_run) {
        return says(HERE, "self-run: nobody can open anything above the line");
    }
    return (struct row){
        r->demo ? PART : HERE, NULL,
        json_sprintf(
            "%u of %u affiliations have to agree%s",
            (unsigned)r->quorum[RULE_ACT_OPEN], (unsigned)r->affiliations,
            r->demo ? "; DEMO: some of them are no real persons" : "")};
}

static struct row fact_closing(const struct seen *s)
{
    return s->behind == 0
               ? says(HERE, "nothing that is closed lies in the clear")
               : (struct row){PART, NULL,
                              json_sprintf("%zu closed files could not be "
                                           "sealed so far; they are refused "
                                           "all the same",
                                           s->behind)};
}

static struct row fact_strangers(const struct seen *s)
{
    return by_doctor(s, "host.seccomp",
                     "a process for each file, with a short list of system "
                     "calls",
                     "a process for each file, but this host has no seccomp");
}

static struct row fact_users(const struct seen *s)
{
    return by_doctor(s, "processes.users", "each process has its own",
                     "all processes are one user: what keeps them apart is "
                     "weaker");
}

static struct row fact_dumps(const struct seen *s)
{
    return by_doctor(s, "host.cores", "the host writes none",
                     "the host writes core dumps");
}

static struct row fact_swap(const struct seen *s)
{
    return by_doctor(s, "host.swap", "there is no swap, or it is encrypted",
                     "there is swap in the clear");
}

static struct row fact_engines(const struct seen *s)
{
    return by_doctor(s, "host.cages", "engines run in cages",
                     "there are no cages here, so nothing held is run");
}

static struct row fact_ledger(const struct seen *s)
{
    return s->has_keeper
               ? (struct row){HERE, NULL,
                              json_sprintf("head %.16s", s->keeper.ledger_head)}
               : says(UNKNOWN, "the keeper did not answer");
}

static struct row fact_log(const struct seen *s)
{
    return (struct row){
        HERE, NULL,
        json_sprintf("%llu entries", (unsigned long long)s->log.size)};
}

static struct row fact_witnesses(const struct seen *s)
{
    (void)s;
    return says(ABSENT, "unwitnessed: that nobody is shown another log is the "
                        "house's word");
}

static struct row fact_elsewhere(const struct seen *s)
{
    (void)s;
    return says(ABSENT, "nobody attests it");
}

static const struct {
    const char *id, *measure;
    struct row (*fact)(const struct seen *s);
} ROWS[] = {
#define CUSTODY(id_, which_, measure_) {id_, measure_, fact_##which_},
#include "front/custody.tbl"
#undef CUSTODY
};

static const char *const NOT[] = {
    "Root on this host reads the memory of every process, and with it keys "
    "and weights.",
    "Whoever has the machine in their hands can do what root can.",
    "What was once open is out: closing it ends downloads from here, not "
    "copies elsewhere.",
    "Who uploaded weights may have kept them.",
    "A model that is run says something about its weights with every answer.",
    "The operating system, the libraries, the compiler and the processor are "
    "believed.",
    "A backup of the keys is as good as the keys.",
};

/* ---- looking ---- */

static bool look(struct front_req *q, struct seen *s, struct wh_err *err)
{
    const struct front_house *h = q->house;
    struct wh_err why = {0};

    *s = (struct seen){.q = q};
    register_status_get(h->log, &s->log);
    s->has_keeper = keeper_status(h->vault.keeper, &s->keeper, &why);
    if (!wh_json_parse(q->a, h->doctor, &s->doctor, &why)) {
        s->doctor = NULL;
    }
    why = (struct wh_err){0};
    if (h->attestations.n > 0 &&
        !wh_json_parse(q->a, h->attestations, &s->attested, &why)) {
        s->attested = NULL;
    }
    if (!line_rosters(q->db, q->a, s->log.size, &s->rosters, &s->n_rosters,
                      err) ||
        !hub_retier_behind(q->db, q->a, &s->behind, err) ||
        !hub_backup_sealed(q->db, 0, &s->sealed, err)) {
        return false;
    }
    wh_json_own(q->a, s->sealed);
    return true;
}

/* Somebody's word for what nobody can see from here: [{id, by, says}]. */
static void ask_others(const struct seen *s, const char *id, struct row *row)
{
    const json_t *a;
    size_t i;

    json_array_foreach(s->attested, i, a)
    {
        const char *is = json_string_value(json_object_get(a, "id"));
        const json_t *by = json_object_get(a, "by"),
                     *words = json_object_get(a, "says");
        if (is && strcmp(is, id) == 0 && row->state == ABSENT &&
            json_is_string(by) && json_is_string(words)) {
            json_decref(row->seen);
            *row = (struct row){"attested", json_copy((json_t *)(uintptr_t)by),
                                json_copy((json_t *)(uintptr_t)words)};
        }
    }
}

bool front_custody(struct front_req *q, json_t **out, struct wh_err *err)
{
    struct seen *s = WH_NEW(q->a, struct seen);
    json_t *o = wh_json_own(q->a, json_object()), *rows = json_array(),
           *not = json_array();

    json_object_set_new(o, "rows", rows);
    json_object_set_new(o, "not", not );
    if (!look(q, s, err)) {
        return false;
    }
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct row r = ROWS[i].fact(s);
        ask_others(s, ROWS[i].id, &r);
        json_array_append_new(
            rows, json_pack("{s:s,s:s,s:s,s:o,s:o}", "id", ROWS[i].id,
                            "measure", ROWS[i].measure, "state", r.state, "by",
                            r.by ? r.by : json_null(), "seen", r.seen));
    }
    for (size_t i = 0; i < sizeof NOT / sizeof *NOT; i++) {
        json_array_append_new(not, json_string(NOT[i]));
    }
    json_object_set_new(
        o, "key", s->has_keeper ? json_string(s->keeper.key_id) : json_null());
    json_object_set(o, "sealed", s->sealed);
    json_object_set_new(o, "behind", json_integer((json_int_t)s->behind));
    *out = o;
    return true;
}
