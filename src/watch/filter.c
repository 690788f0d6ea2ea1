/*
 * filter.c - a request on its way to an engine: whether anything is in force
 * against who sends it, what its words say, what that adds to the evidence, and
 * what follows.
 *
 * Only what is new in a conversation is looked at: the beginning that this key
 * has sent before was looked at then. What the house said itself is not the
 * caller's; what the caller carries in from elsewhere (turns of the assistant
 * that are not ours, results of tools) is looked at apart, and its chance of a
 * false alarm is added: the sum of two bounds bounds either.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "crypto/hmac.h"
#include "watch/watch_impl.h"
#include <math.h>
#include <stdio.h>

/* However few honest samples were alarmed, no lower chance is believed. */
#define P0_LEAST 0.01
#define P0_MOST 0.5
#define REASONS_MAX 1024u

/* One request on its way. */
struct way {
    struct watch *w;
    struct db *db;
    struct wh_arena *a;
    const struct watch_asked *q;
    struct watch_refusal *no;
    int64_t now;
    uint64_t person;
    struct watch_entry *e[WATCH_LEVELS];
    struct watch_secrets secrets; /* a copy, overwritten at the end */
    uint64_t seed;
    struct watch_chain chain;
    struct watch_look look;
    struct wh_str caller, carried; /* new texts */
    struct detect_result result;   /* of the worse of both */
    struct watch_attempt attempt;
    struct watch_judged judged;
    bool screened;
};

/* ---- refusals ---- */

static bool fail_closed(struct way *y, const struct wh_err *err)
{
    wh_log_err(WH_WARN, "watch.closed", err);
    *y->no = (struct watch_refusal){
        .kind = WATCH_NO_SLOWER,
        .message = WH_S("Requests to this model have to be looked at, and "
                        "that is not possible just now. Try again."),
        .retry_after = 5};
    return false;
}

static struct wh_str case_url(struct way *y, const struct watch_entry *e)
{
    char secret[WATCH_CASE_SECRET + 1];

    if (!e->case_id[0]) {
        return WH_S("");
    }
    watch_case_secret(y->w->house_key, wh_str_of(e->case_id), secret);
    return wh_arena_fmt(y->a, "%.*s/cases/%s", WH_FMT(y->q->base), secret);
}

static const char *whose(const struct watch_entry *e)
{
    static const char *const words[WATCH_LEVELS] = {
        [WATCH_KEY] = "this key",
        [WATCH_PERSON] = "this user of your key",
        [WATCH_ACCOUNT] = "this account"};

    return words[e->level];
}

static bool refuse(struct way *y, const struct watch_entry *e,
                   enum watch_no kind, const char *what, unsigned retry)
{
    char until[WH_TIME_TEXT];

    wh_time_text(e->until, until);
    y->w->waiting.counts[WATCH_N_REFUSED]++;
    *y->no = (struct watch_refusal){
        .kind = kind,
        .message =
            wh_arena_fmt(y->a,
                         "%s Case %.8s about %s says why, until %.10s at the "
                         "latest; read it "
                         "and appeal at its address, no sign-in is needed.",
                         what, e->case_id, whose(e), until),
        .url = case_url(y, e),
        .retry_after = retry};
    return false;
}

static bool refuse_stopped(struct way *y, const struct watch_entry *e)
{
    return refuse(y, e, WATCH_NO_SUSPENDED,
                  e->confirmed
                      ? "No request is answered: a reviewer has confirmed it."
                      : "No request is answered until a person has looked.",
                  0);
}

/* ---- before it is looked at ---- */

static bool find_entries(struct way *y, struct wh_err *err)
{
    const struct watch_asked *q = y->q;
    struct watch *w = y->w;

    return watch_entry_get(w, y->db, WATCH_KEY, q->key, 0, q->account,
                           &y->e[WATCH_KEY], err) &&
           watch_entry_get(w, y->db, WATCH_ACCOUNT, q->account, 0, q->account,
                           &y->e[WATCH_ACCOUNT], err) &&
           (y->person == 0 ||
            watch_entry_get(w, y->db, WATCH_PERSON, q->key, y->person,
                            q->account, &y->e[WATCH_PERSON], err));
}

/* Is anything in force? */
static bool pass_gate(struct way *y)
{
    struct watch_entry *slow = NULL;

    for (size_t i = 0; i < WATCH_LEVELS; i++) {
        struct watch_entry *e = y->e[i];
        if (!e) {
            continue;
        }
        if (e->case_id[0] && e->until <= y->now) {
            watch_entry_free_of(e, e->case_rung >= DETECT_RUNG_QUEUE);
        }
        if (watch_ladder_step(e->rung)->stop) {
            return refuse_stopped(y, e);
        }
        if (watch_ladder_step(e->rung)->slow && e->case_id[0]) {
            slow = e;
        }
    }
    if (slow && y->now < slow->slow_next) {
        int64_t wait = (slow->slow_next - y->now + 999999) / 1000000;
        return refuse(y, slow, WATCH_NO_SLOWER,
                      "One request is answered every ten seconds.",
                      (unsigned)wait);
    }
    if (slow) {
        slow->slow_next = y->now + WATCH_SLOW_US;
    }
    return true;
}

static uint64_t person_of(const struct watch *w, struct wh_str end_user)
{
    uint8_t mac[CRYPTO_HMAC_LEN];
    uint64_t v = 0;

    if (end_user.n == 0) {
        return 0;
    }
    crypto_hmac_sha256(wh_str_mem(w->house_key, sizeof w->house_key), end_user,
                       mac);
    for (size_t i = 0; i < 8; i++) {
        v = v << 8 | mac[i];
    }
    return v ? v : 1;
}

/* First lock: who is it, is anything in force; and the secrets. */
static bool enter(struct way *y, bool *twice)
{
    struct watch *w = y->w;
    struct wh_err err = {0};
    struct watch_memory *m;
    bool ok;

    (void)pthread_mutex_lock(&w->lock);
    w->waiting.counts[WATCH_N_REQUESTS]++;
    ok = find_entries(y, &err);
    if (!ok) {
        (void)fail_closed(y, &err);
    } else if ((ok = pass_gate(y))) {
        m = watch_entry_memory(w, y->e[WATCH_KEY]);
        y->secrets = w->secrets;
        y->seed = w->seed;
        *twice = watch_history_reaches(&m->history, w->secrets.turn);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return ok;
}

/* ---- looking ---- */

/* What is new, by whose words it is. */
static void gather(struct way *y)
{
    const struct watch_asked *q = y->q;
    struct wh_buf caller, carried;
    size_t m = 0;

    wh_buf_init(&caller, (size_t)16 << 20);
    wh_buf_init(&carried, (size_t)16 << 20);
    for (size_t i = 0; i < q->n_said; i++) {
        const struct watch_said *s = &q->said[i];
        bool theirs = s->voice == WATCH_SYSTEM || s->voice == WATCH_USER ||
                      s->voice == WATCH_TOOL_USE;
        m += i > 0 && s->message != q->said[i - 1].message;
        if (m < y->look.known || y->look.of[m] == WATCH_OURS) {
            continue;
        }
        theirs = theirs || y->look.of[m] == WATCH_EDITED;
        wh_buf_add(theirs ? &caller : &carried, s->text);
        wh_buf_char(theirs ? &caller : &carried, '\n');
    }
    y->caller = wh_arena_dup(y->a, wh_buf_str(&caller));
    y->carried = wh_arena_dup(y->a, wh_buf_str(&carried));
    wh_buf_done(&caller);
    wh_buf_done(&carried);
}

static void screen_one(struct way *y, struct detect_screen *screen,
                       struct wh_str text, enum detect_role role,
                       struct detect_result *out)
{
    struct detect_prompt prompt = {.text = text, .role = role};

    detect_screen_run(screen, y->w->model, &prompt, DETECT_POINT, out);
}

/* Is there as much punctuation of programs as programs have? */
static bool looks_like_code(struct wh_str text)
{
    static const struct wh_str signs = WH_SI("(){}[];=<>_\\#");
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        n += wh_str_find(signs, text.p[i]) != SIZE_MAX;
    }
    return 25 * n >= text.n;
}

/* The bound for this text: the worst of all sorts of text, but that of programs
 * counts only for what looks like one. It is high where programs were few. */
static double bound_of(const struct detect_model *m,
                       const struct detect_result *r, struct wh_str text)
{
    double worst = 0;

    if (!m || looks_like_code(text)) {
        return r->p0;
    }
    for (size_t i = 0; i < m->n_segments; i++) {
        if (strcmp(m->segment[i].name, "code") != 0) {
            worst = fmax(worst, m->segment[i].p0);
        }
    }
    return worst > 0 ? worst : r->p0;
}

static bool screen_all(struct way *y, struct wh_err *err)
{
    struct detect_screen *screen = watch_pool_take(&y->w->screens);
    struct detect_result other = {0};
    double p0 = 0;
    bool alarm = false;

    if (!screen && !detect_screen_new(y->w->signatures, &screen, err)) {
        return false;
    }
    if (y->carried.n > 0) {
        screen_one(y, screen, y->carried, DETECT_ROLE_TOOL, &other);
        p0 += bound_of(y->w->model, &other, y->carried);
        alarm = other.alarm;
    }
    if (y->caller.n > 0 || y->carried.n == 0) {
        screen_one(y, screen, y->caller, DETECT_ROLE_USER, &y->result);
        p0 += bound_of(y->w->model, &y->result, y->caller);
        alarm = alarm || y->result.alarm;
    }
    if (y->caller.n == 0 || (other.alarm && !y->result.alarm)) {
        y->result = other;
    }
    detect_sketch_make(&y->attempt.sketch, screen->views.view[0].text, y->seed);
    watch_pool_give(&y->w->screens, screen);
    y->attempt.p0 = fmax(P0_LEAST, fmin(p0, P0_MOST));
    y->attempt.alarm = alarm;
    y->attempt.calibrated = y->result.calibrated;
    y->screened = true;
    return true;
}

/* ---- what follows ---- */

static const char *layer_of(const struct way *y)
{
    if (y->judged.mutant && !y->judged.alarm) {
        return "sequence";
    }
    return y->result.n > 0 ? detect_layer_name(y->result.signal[0].layer)
                           : "classifier";
}

static char *copy(struct wh_str s)
{
    char *c = wh_alloc(s.n + 1);

    if (s.n > 0) {
        memcpy(c, s.p, s.n);
    }
    return c;
}

/* Sentences for the person: each reason once, then what is said of the turns.
 */
static char *reasons_of(const struct way *y)
{
    struct wh_buf b;
    char *out;

    wh_buf_init(&b, REASONS_MAX);
    for (size_t i = 0; i < y->result.n; i++) {
        const struct detect_signal *s = &y->result.signal[i];
        bool again = false;
        for (size_t k = 0; k < i; k++) {
            again = again || strcmp(y->result.signal[k].reason, s->reason) == 0;
        }
        if (!again && s->weight > 0) {
            wh_buf_fmt(&b, "%s\n", s->reason);
        }
    }
    if (y->judged.mutant) {
        wh_buf_cstr(&b, "an alarmed request, sent again with every word "
                        "changed a little\n");
    }
    if (y->look.edited > 0) {
        wh_buf_cstr(&b, "an answer of this house comes back changed\n");
    }
    out = copy(wh_buf_str(&b));
    wh_buf_done(&b);
    return out;
}

static int64_t millionths(double v)
{
    return isfinite(v) ? (int64_t)(1e6 * fmax(fmin(v, 1e6), -1e6)) : 0;
}

/* The new texts, for whoever may read them; null when the keys are not there.
 */
static void seal(struct way *y, struct watch_pending_alarm *p)
{
    struct wh_err err = {0};
    /* one byte more than is kept, so that the cut is known */
    struct wh_str caller = wh_str_sub(y->caller, 0, WATCH_TEXT_MAX + 1);
    struct wh_str carried = wh_str_sub(y->carried, 0, WATCH_TEXT_MAX + 1);
    struct wh_str text =
        wh_arena_fmt(y->a, "%.*s%s%.*s", WH_FMT(caller),
                     carried.n ? "\n[from elsewhere]\n" : "", WH_FMT(carried));

    if (!watch_vault_day(&y->w->vault, y->db, y->now, &err)) {
        wh_log_err(WH_WARN, "watch.text", &err);
        return;
    }
    watch_vault_seal(&y->w->vault, y->q->request, text, &p->text);
    memcpy(p->salt, y->w->vault.salt, sizeof p->salt);
}

/* At most so many of one key a day. */
static bool may_keep(struct way *y)
{
    struct watch_memory *m = watch_entry_memory(y->w, y->e[WATCH_KEY]);

    if (m->day != y->now / WATCH_DAY_US) {
        m->day = y->now / WATCH_DAY_US;
        m->kept = 0;
    }
    return m->kept++ < WATCH_KEPT_A_DAY;
}

static void keep_alarm(struct way *y)
{
    struct watch_pending_alarm *p;
    struct watch *w = y->w;

    w->waiting.counts[WATCH_N_ALARMS]++;
    for (size_t i = 0; i < WATCH_LEVELS; i++) {
        if (y->e[i]) {
            y->e[i]->layer = layer_of(y);
            y->e[i]->score = millionths(y->result.chance);
            (void)snprintf(y->e[i]->request, sizeof y->e[i]->request, "%.*s",
                           WH_FMT(y->q->request));
        }
    }
    if (!may_keep(y)) {
        return;
    }
    p = wh_alloc(sizeof *p);
    p->account = y->q->account;
    p->key = y->q->key;
    p->at = y->now;
    p->score = millionths(y->result.chance);
    p->p0 = millionths(y->attempt.p0);
    p->counted = (int)y->judged.counted;
    p->layer = layer_of(y);
    p->model = copy(y->q->model);
    p->reasons = reasons_of(y);
    watch_person_text(y->person, p->person);
    (void)snprintf(p->request, sizeof p->request, "%.*s",
                   WH_FMT(y->q->request));
    for (size_t i = 0; i < WATCH_LEVELS; i++) {
        p->log_e[i] =
            y->e[i] ? millionths(watch_trace_log(&y->e[i]->trace)) : 0;
    }
    seal(y, p);
    p->next = w->waiting.alarms;
    w->waiting.alarms = p;
    w->waiting.n++;
}

/* Add to the evidence. A text that was there before adds nothing. */
static void count(struct way *y)
{
    struct watch_entry *key = y->e[WATCH_KEY];
    struct watch_memory *m = watch_entry_memory(y->w, key);

    wh_assert(key);
    y->attempt.now = y->now;
    y->attempt.retry = y->q->retry;
    y->attempt.digest =
        y->chain.messages > 0 ? y->chain.now[y->chain.messages - 1] : 0;
    watch_recent_judge(&m->recent, &y->attempt, &y->judged);
    for (size_t i = 0; i < WATCH_LEVELS; i++) {
        if (y->e[i]) {
            watch_trace_add(&y->e[i]->trace, &y->judged);
            y->e[i]->dirty = true;
        }
    }
    if (y->judged.repeated) {
        key->repeated = true;
    }
    if (y->judged.alarm || y->judged.mutant) {
        keep_alarm(y);
    }
}

/* What is in force after it was counted. */
static bool after(struct way *y)
{
    bool alarm = y->look.tainted || y->judged.alarm || y->judged.mutant;

    for (size_t i = 0; i < WATCH_LEVELS; i++) {
        const struct watch_entry *e = y->e[i];
        if (e && e->case_id[0] && watch_ladder_step(e->rung)->stop) {
            return refuse_stopped(y, e);
        }
    }
    for (size_t i = 0; i < WATCH_LEVELS; i++) {
        const struct watch_entry *e = y->e[i];
        if (alarm && e && e->case_id[0] &&
            watch_ladder_step(e->rung)->refuse_alarmed) {
            return refuse(y, e, WATCH_NO_POLICY,
                          "This request looks like an attempt to get round "
                          "the model's rules and was not answered.",
                          0);
        }
    }
    return true;
}

/* Second lock: count, act. *stopped: somebody is from now on. */
static bool settle(struct way *y, bool *stopped, bool revoke[WATCH_LEVELS],
                   bool halt[WATCH_LEVELS])
{
    struct watch *w = y->w;
    bool was[WATCH_LEVELS] = {false}, ok;

    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < WATCH_LEVELS; i++) {
        was[i] = y->e[i] && watch_ladder_step(y->e[i]->rung)->stop;
    }
    if (y->screened) {
        count(y);
        watch_history_asked(&watch_entry_memory(w, y->e[WATCH_KEY])->history,
                            &y->chain, &y->look,
                            y->judged.alarm || y->judged.mutant);
    }
    (void)watch_act(w, y->e, y->q->model, y->q->request, y->now);
    for (size_t i = 0; i < WATCH_LEVELS; i++) {
        halt[i] = y->e[i] && !was[i] && watch_ladder_step(y->e[i]->rung)->stop;
        revoke[i] = y->e[i] && watch_ladder_step(y->e[i]->rung)->revoke;
        *stopped = *stopped || halt[i];
    }
    ok = after(y);
    (void)pthread_mutex_unlock(&w->lock);
    return ok;
}

/* On disk first, then what runs is ended. A person behind a key has no streams
 * of their own name: they end by themselves, no more begins. */
static void stop(struct way *y, const bool revoke[WATCH_LEVELS],
                 const bool halt[WATCH_LEVELS])
{
    const struct watch_config *c = &y->w->c;
    struct wh_err err = {0};

    if (!watch_flush(y->w, &err)) {
        wh_log_err(WH_ERROR, "watch.store", &err);
    }
    if (c->stop && halt[WATCH_KEY]) {
        c->stop(c->ctx, y->q->account, y->q->key, revoke[WATCH_KEY],
                y->no->message, y->no->url);
    }
    if (c->stop && halt[WATCH_ACCOUNT]) {
        c->stop(c->ctx, y->q->account, 0, revoke[WATCH_ACCOUNT], y->no->message,
                y->no->url);
    }
}

static bool look(struct way *y)
{
    bool stopped = false, halt[WATCH_LEVELS], revoke[WATCH_LEVELS], ok;
    struct watch *w = y->w;
    struct wh_err err = {0};

    (void)pthread_mutex_lock(&w->lock);
    watch_history_look(&watch_entry_memory(w, y->e[WATCH_KEY])->history,
                       &y->chain, y->a, &y->look);
    (void)pthread_mutex_unlock(&w->lock);
    gather(y);
    if ((y->caller.n > 0 || y->carried.n > 0) && !screen_all(y, &err)) {
        return fail_closed(y, &err);
    }
    ok = settle(y, &stopped, revoke, halt);
    if (stopped) {
        stop(y, revoke, halt);
    }
    return ok;
}

/* An exam is nobody's: the same detectors look at it, no ladder stands behind
 * them. */
static bool look_at_exam(struct way *y, struct watch_run **run)
{
    struct wh_err err = {0};
    struct wh_buf all;

    (void)pthread_mutex_lock(&y->w->lock);
    y->secrets = y->w->secrets;
    y->seed = y->w->seed;
    (void)pthread_mutex_unlock(&y->w->lock);
    wh_buf_init(&all, (size_t)16 << 20);
    for (size_t i = 0; i < y->q->n_said; i++) {
        wh_buf_add(&all, y->q->said[i].text);
        wh_buf_char(&all, '\n');
    }
    y->caller = wh_arena_dup(y->a, wh_buf_str(&all));
    wh_buf_done(&all);
    y->carried = WH_S("");
    bool ok = screen_all(y, &err);
    if (ok) {
        *run = watch_run_new(y->q, &y->secrets, 0);
    }
    watch_secrets_end(&y->secrets);
    return ok || fail_closed(y, &err);
}

bool watch_request(struct watch *w, struct db *db, struct wh_arena *a,
                   const struct watch_asked *q, struct watch_run **run,
                   struct watch_refusal *no)
{
    struct way y = {.w = w, .db = db, .a = a, .q = q, .no = no};
    struct wh_err err = {0};
    bool demanded, twice = false, ok;

    *run = NULL;
    y.now = watch_now(w);
    if (!w->c.demands(w->c.ctx, db, q->model, &demanded, &err)) {
        return fail_closed(&y, &err);
    }
    if (!demanded) {
        return true;
    }
    if (q->exam) {
        return look_at_exam(&y, run);
    }
    y.person = person_of(w, q->end_user);
    if (!enter(&y, &twice)) {
        return false;
    }
    watch_chain_make(&y.chain, &y.secrets, twice, a, q->said, q->n_said);
    ok = look(&y);
    if (ok) {
        *run = watch_run_new(
            q, &y.secrets,
            y.chain.messages > 0 ? y.chain.now[y.chain.messages - 1] : 0);
    }
    watch_secrets_end(&y.secrets);
    return ok;
}
