/*
 * route.c - models by name. What a name means is read from the database and
 * believed for a second; a recall that comes in between stops the route at
 * once.
 */
#include "gateway/route.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "line/approve.h"
#include "line/exam.h"
#include "line/refusal.h"
#include "line/rows.h"
#include "store/repo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CHECK_US 1000000
#define BUCKETS 256
/* Requests that may wait in an engine for each it works on. */
#define PER_SLOT 8
/* Seconds to come back after, while an engine loads. */
#define LOADING_S 3

struct gateway_routes {
    struct gateway_routes_config conf;
    struct gateway_place places[GATEWAY_PLACES_MAX];
    size_t places_n;
    struct wh_arena arena;
    pthread_mutex_t lock; /* guards all below */
    struct gateway_route *rows[BUCKETS];
    char weights[GATEWAY_ENGINES_MAX][WH_SHA256_HEX + 1]; /* of targets */
    char examined[GATEWAY_MODEL_MAX + 1];                 /* now; "": none */
};

/* --- the configuration ---------------------------------------------------- */

static bool bad_place(struct wh_str item, struct wh_err *err)
{
    return wh_fail(err, WH_USAGE,
                   "gateway.upstreams: '%.*s' is not MODEL=unix:PATH or "
                   "MODEL=http://ADDRESS:PORT",
                   (int)(item.n > 100 ? 100 : item.n), item.p);
}

/* "127.0.0.1:80", "[::1]:80", "localhost:80". */
static bool read_http(struct gateway_place *p, struct wh_str at)
{
    struct wh_str host;
    uint64_t port = 0;
    size_t colon = at.n;
    while (colon > 0 && at.p[colon - 1] != ':') {
        colon--;
    }
    if (colon < 2 || !wh_str_u64(wh_str_sub(at, colon, at.n), &port) ||
        port == 0 || port > UINT16_MAX) {
        return false;
    }
    host = wh_str_sub(at, 0, colon - 1);
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        host = wh_str_sub(host, 1, host.n - 2);
    }
    if (wh_str_is(host, "localhost")) {
        host = WH_S("127.0.0.1");
    }
    if (host.n >= sizeof p->address) {
        return false;
    }
    memcpy(p->address, host.p, host.n);
    p->address[host.n] = '\0';
    p->port = (uint16_t)port;
    struct in6_addr any;
    return inet_pton(AF_INET, p->address, &any) == 1 ||
           inet_pton(AF_INET6, p->address, &any) == 1;
}

static bool read_place(struct gateway_routes *r, struct wh_str item,
                       struct wh_err *err)
{
    struct gateway_place *p = &r->places[r->places_n];
    struct wh_str at = item, model, address;
    if (!wh_str_cut(&at, '=', &model) || model.n == 0 ||
        model.n > GATEWAY_MODEL_MAX) {
        return bad_place(item, err);
    }
    p->model = wh_arena_dup(&r->arena, model);
    /* "...#NAME": what it calls the model */
    (void)wh_str_cut(&at, '#', &address);
    p->there = at.n > 0 ? wh_arena_dup(&r->arena, at) : WH_S("");
    if (wh_str_starts(address, WH_S("unix:"))) {
        struct wh_str path = wh_str_sub(address, 5, address.n);
        if (path.n == 0 || path.p[0] != '/' || path.n >= sizeof p->address) {
            return bad_place(item, err);
        }
        p->is_unix = true;
        memcpy(p->address, path.p, path.n);
        p->address[path.n] = '\0';
    } else if (!wh_str_starts(address, WH_S("http://")) ||
               !read_http(p, wh_str_sub(address, 7, address.n))) {
        return bad_place(item, err);
    }
    r->places_n++;
    return true;
}

static bool read_places(struct gateway_routes *r, struct wh_err *err)
{
    struct wh_str rest = r->conf.places, item;
    while (rest.n > 0) {
        (void)wh_str_cut(&rest, ',', &item);
        item = wh_str_trim(item);
        if (r->places_n == GATEWAY_PLACES_MAX) {
            return wh_fail(err, WH_USAGE,
                           "gateway.upstreams: more than %u places",
                           GATEWAY_PLACES_MAX);
        }
        if (item.n > 0 && !read_place(r, item, err)) {
            return false;
        }
    }
    return true;
}

static bool listed(struct wh_str list, struct wh_str name)
{
    struct wh_str item;
    while (list.n > 0) {
        (void)wh_str_cut(&list, ',', &item);
        if (wh_str_ieq(wh_str_trim(item), name)) {
            return true;
        }
    }
    return false;
}

/* The place of a model: its own, else the one for all others, else -1. */
static int place_of(const struct gateway_routes *r, struct wh_str name,
                    bool *own)
{
    int all = -1;
    *own = false;
    for (size_t i = 0; i < r->places_n; i++) {
        if (wh_str_ieq(r->places[i].model, name)) {
            *own = true;
            return (int)i;
        }
        if (wh_str_is(r->places[i].model, "*")) {
            all = (int)i;
        }
    }
    return all;
}

/* --- what a name means ---------------------------------------------------- */

/* The state of a model, out of the database. */
struct found {
    struct store_repo repo;
    bool decided;
    struct line_row row;
    struct wh_str subject, doc; /* doc: of the decision that says the tier */
    enum rule_tier tier;        /* of the weights */
};

/* What people closed is closed under every name that it has. */
static bool read_closing(struct db *db, struct wh_arena *a, struct found *f,
                         struct wh_err *err)
{
    struct line_row row;
    bool closed;
    if (!line_closing_of(db, a, f->subject, f->repo.is_private ? f->repo.id : 0,
                         &closed, &row, err)) {
        return false;
    }
    if (closed && row.tiers.part[RULE_PART_WEIGHTS] < f->tier) {
        f->doc = row.doc;
        f->tier = row.tiers.part[RULE_PART_WEIGHTS];
    }
    return true;
}

static bool read_model(struct db *db, struct wh_arena *a, struct wh_str name,
                       struct found *f, struct wh_err *err)
{
    if (!store_repo_by_name(db, a, STORE_MODEL, name, &f->repo, err)) {
        return false;
    }
    f->tier = RULE_TIER_HELD;
    if (f->repo.head.sha.n == 0) {
        return true;
    }
    if (!line_revision_subject(db, a, f->repo.id, f->repo.head.sha, &f->subject,
                               err)) {
        return false;
    }
    if (f->subject.n == 0) {
        return true;
    }
    if (!line_current(db, a, f->subject, f->repo.is_private ? f->repo.id : 0,
                      &f->decided, &f->row, err)) {
        return false;
    }
    if (!f->decided) {
        return true;
    }
    f->doc = f->row.doc;
    f->tier = f->row.tiers.part[RULE_PART_WEIGHTS];
    /* a decision that has ended serves nobody, until the next one */
    if (f->row.until != 0 && f->row.until <= wh_now_us() / 1000000 &&
        f->tier != RULE_TIER_OPEN) {
        f->tier = RULE_TIER_HELD;
    }
    return read_closing(db, a, f, err);
}

/* SHA-256 of the one file that an engine can run; "" if there is none. */
static bool find_weights(struct db *db, struct wh_arena *a,
                         const struct found *f, char out[WH_SHA256_HEX + 1],
                         struct wh_err *err)
{
    struct wh_str text;
    json_t *manifest;
    const json_t *file;
    size_t i;
    out[0] = '\0';
    if (!line_subject_manifest(db, a, f->subject, &text, err) ||
        !wh_json_parse(a, text, &manifest, err)) {
        return false;
    }
    json_array_foreach(json_object_get(manifest, "files"), i, file)
    {
        const char *path = json_string_value(json_object_get(file, "path"));
        const char *sha = json_string_value(json_object_get(file, "sha256"));
        if (path != NULL && sha != NULL && strlen(sha) == WH_SHA256_HEX &&
            wh_str_ends(wh_str_of(path), WH_S(".gguf")) && out[0] == '\0') {
            memcpy(out, sha, WH_SHA256_HEX + 1);
        }
    }
    return true;
}

/* Index of the pool for connections to this engine. */
static unsigned engine_target(struct gateway_routes *r, const char *weights)
{
    for (unsigned i = 0; i < GATEWAY_ENGINES_MAX; i++) {
        if (r->weights[i][0] == '\0') {
            memcpy(r->weights[i], weights, WH_SHA256_HEX + 1);
        }
        if (strcmp(r->weights[i], weights) == 0) {
            return GATEWAY_PLACES_MAX + i;
        }
    }
    return GATEWAY_TARGETS;
}

static bool deny(struct wh_arena *a, const struct found *m, struct wh_str base,
                 struct gateway_fault *f)
{
    struct wh_err err = {0};
    json_t *doc = NULL;
    struct wh_buf b;
    struct wh_str url =
        wh_arena_fmt(a, "%.*s/%s/decision", WH_FMT(base), m->repo.full);
    if (m->decided && !wh_json_parse(a, m->doc, &doc, &err)) {
        return gateway_fail_err(f, &err);
    }
    struct line_refusal refusal = {.name = wh_str_of(m->repo.full),
                                   .part = RULE_PART_WEIGHTS,
                                   .decision = doc,
                                   .url = url};
    wh_buf_init(&b, 2048);
    line_refusal_short(&refusal, &b);
    (void)gateway_fail(f, GATEWAY_F_MODEL_DENIED, "model", "%.*s",
                       WH_FMT(wh_buf_str(&b)));
    wh_buf_done(&b);
    (void)snprintf(f->url, sizeof f->url, "%.*s", WH_FMT(url));
    return false;
}

static bool unknown(struct wh_str name, struct gateway_fault *f)
{
    struct wh_str n = wh_str_sub(name, 0, 200);
    return gateway_fail(f, GATEWAY_F_NO_MODEL, "model",
                        "the model '%.*s' does not exist, or you may not see "
                        "it",
                        WH_FMT(n));
}

static bool not_served(const struct found *m, struct gateway_fault *f)
{
    return gateway_fail(f, GATEWAY_F_NO_MODEL, "model",
                        "the model '%s' is not served here", m->repo.full);
}

/* --- routes --------------------------------------------------------------- */

static size_t bucket(struct wh_str name)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 16777619u;
    }
    return h % BUCKETS;
}

static struct gateway_route **slot(struct gateway_routes *r, struct wh_str name)
{
    struct gateway_route **at = &r->rows[bucket(name)];
    while (*at != NULL && !wh_str_ieq(wh_str_of((*at)->model), name)) {
        at = &(*at)->next;
    }
    return at;
}

/* Take a route out of the table; who uses it goes on. */
static void forget(struct gateway_routes *r, struct wh_str name)
{
    struct gateway_route **at = slot(r, name), *route = *at;
    if (route != NULL) {
        *at = route->next;
        gateway_route_drop(&route);
    }
}

static bool same(const struct gateway_route *a, const struct gateway_route *b)
{
    return a->repo == b->repo && a->owner == b->owner &&
           a->is_private == b->is_private && a->custody == b->custody &&
           a->waits == b->waits && a->place == b->place &&
           strcmp(a->weights, b->weights) == 0 && a->context == b->context &&
           a->most == b->most && strcmp(a->model, b->model) == 0;
}

/* Put what was found into the table: the route that is there already, if it
 * still says the same, so that what it counts goes on. */
static struct gateway_route *keep(struct gateway_routes *r,
                                  const struct gateway_route *now)
{
    struct wh_str name = wh_str_of(now->model);
    pthread_mutex_lock(&r->lock);
    struct gateway_route *old = *slot(r, name);
    if (old != NULL && (!same(old, now) || old->stopped)) {
        forget(r, name);
        old = NULL;
    }
    if (old == NULL) {
        old = wh_alloc(sizeof *old);
        memcpy(old, now, sizeof *old);
        old->refs = 1;
        old->running = 0;
        old->stopped = false;
        old->target = now->place >= 0 ? (unsigned)now->place
                                      : engine_target(r, now->weights);
        old->next = r->rows[bucket(name)];
        r->rows[bucket(name)] = old;
    }
    old->checked = wh_mono_us();
    (void)gateway_route_hold(old);
    pthread_mutex_unlock(&r->lock);
    return old;
}

/* Which engine of the house, and how much it takes. */
static bool fill_engine(struct gateway_routes *r, struct db *db,
                        struct wh_arena *a, const struct found *m,
                        struct gateway_route *route, struct gateway_fault *f)
{
    struct wh_err err = {0};
    struct gateway_engine_view view;
    if (r->conf.engines == NULL) {
        return not_served(m, f);
    }
    if (!find_weights(db, a, m, route->weights, &err)) {
        return gateway_fail_err(f, &err);
    }
    if (route->weights[0] == '\0') {
        return gateway_fail(f, GATEWAY_F_NO_MODEL, "model",
                            "the model '%s' has no GGUF file, and nothing else "
                            "runs here",
                            m->repo.full);
    }
    if (gateway_engine_look(r->conf.engines, route->weights, &view) &&
        view.state == GATEWAY_ENGINE_READY) {
        route->context = view.context;
        route->most = view.slots * PER_SLOT;
    }
    return true;
}

/* It is hosted, and yet nobody is answered. */
static bool awaits_exam(struct gateway_routes *r, struct wh_arena *a,
                        const struct found *m, const struct line_demand *d,
                        struct wh_str base, struct gateway_fault *f)
{
    struct wh_str words = line_demand_words(a, d);
    pthread_mutex_lock(&r->lock);
    bool now = wh_str_ieq(wh_str_of(r->examined), wh_str_of(m->repo.full));
    pthread_mutex_unlock(&r->lock);
    (void)gateway_fail(
        f, GATEWAY_F_EXAM, "model",
        "the model '%.100s' is hosted, but %s, and is not served "
        "before that is done: %.*s",
        m->repo.full,
        now ? "the house is examining it now" : "the house has not examined it",
        WH_FMT(words));
    (void)snprintf(f->url, sizeof f->url, "%.*s/%s#exam", WH_FMT(base),
                   m->repo.full);
    f->no_retry = true;
    return false;
}

/* What the lines demand of a hosted model; *waits: it is not met. */
static bool ask_demand(struct gateway_routes *r, struct db *db,
                       struct wh_arena *a, const struct found *m,
                       struct line_demand *d, bool *waits, struct wh_err *err)
{
    *waits = false;
    if (m->tier != RULE_TIER_HOSTED || r->conf.lines == NULL) {
        return true;
    }
    *waits = true; /* until it is known */
    if (!line_demand_ask(db, a, r->conf.lines, &m->row,
                         m->repo.is_private ? m->repo.id : 0,
                         wh_now_us() / 1000000, d, err)) {
        return false;
    }
    *waits = !d->met;
    return true;
}

/* Who asks for a route. */
struct asker {
    int64_t account; /* 0: nobody */
    bool exam;       /* the house, for an exam */
    struct wh_str base;
};

static bool is_readable(struct db *db, const struct found *m,
                        const struct asker *who, bool *out, struct wh_err *err)
{
    *out = who->exam;
    return who->exam ||
           store_repo_readable(db, &m->repo, who->account, out, err);
}

static bool make_route(struct gateway_routes *r, struct db *db,
                       struct wh_arena *a, struct wh_str name,
                       const struct asker *who, struct gateway_route **out,
                       struct gateway_fault *f)
{
    struct wh_err err = {0};
    struct found m = {0};
    struct wh_str base = who->base;
    struct line_demand demand = {0};
    bool readable = false, own = false;
    struct gateway_route now = {.context = r->conf.context};
    if (!read_model(db, a, name, &m, &err) ||
        !is_readable(db, &m, who, &readable, &err)) {
        return err.code == WH_REPO_NOT_FOUND ? unknown(name, f)
                                             : gateway_fail_err(f, &err);
    }
    if (!readable) {
        return unknown(name, f);
    }
    now.place = place_of(r, wh_str_of(m.repo.full), &own);
    if (m.tier != RULE_TIER_HOSTED && m.tier != RULE_TIER_OPEN) {
        return deny(a, &m, base, f);
    }
    if (!ask_demand(r, db, a, &m, &demand, &now.waits, &err)) {
        return gateway_fail_err(f, &err);
    }
    if (now.waits && !who->exam) {
        return awaits_exam(r, a, &m, &demand, base, f);
    }
    if (m.tier == RULE_TIER_OPEN && !own &&
        !listed(r->conf.serve, wh_str_of(m.repo.full))) {
        return not_served(&m, f);
    }
    (void)snprintf(now.model, sizeof now.model, "%s", m.repo.full);
    now.repo = m.repo.id;
    now.owner = m.repo.owner;
    now.created = m.repo.created / 1000000;
    now.is_private = m.repo.is_private;
    now.custody = m.tier == RULE_TIER_HOSTED;
    if (now.place < 0 && !fill_engine(r, db, a, &m, &now, f)) {
        return false;
    }
    *out = keep(r, &now);
    return true;
}

/* --- public --------------------------------------------------------------- */

struct gateway_routes *gateway_routes_new(const struct gateway_routes_config *c,
                                          struct wh_err *err)
{
    struct gateway_routes *r = wh_alloc(sizeof *r);
    r->conf = *c;
    wh_arena_init(&r->arena, (size_t)1 << 20);
    pthread_mutex_init(&r->lock, NULL);
    r->conf.places = wh_arena_dup(&r->arena, c->places);
    r->conf.serve = wh_arena_dup(&r->arena, c->serve);
    if (!read_places(r, err)) {
        gateway_routes_free(&r);
    }
    return r;
}

void gateway_routes_free(struct gateway_routes **routes)
{
    struct gateway_routes *r = *routes;
    if (r == NULL) {
        return;
    }
    *routes = NULL;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (r->rows[i] != NULL) {
            wh_assert(r->rows[i]->refs == 1);
            forget(r, wh_str_of(r->rows[i]->model));
        }
    }
    wh_arena_done(&r->arena);
    pthread_mutex_destroy(&r->lock);
    wh_free(r);
}

struct gateway_route *gateway_route_hold(struct gateway_route *route)
{
    route->refs++;
    return route;
}

void gateway_route_drop(struct gateway_route **route)
{
    if (*route != NULL && --(*route)->refs == 0) {
        wh_free(*route);
    }
    *route = NULL;
}

static struct gateway_route *peek(struct gateway_routes *r, struct wh_str name,
                                  bool exam)
{
    struct gateway_route *route = NULL;
    pthread_mutex_lock(&r->lock);
    struct gateway_route *held = *slot(r, name);
    /* who may see a private one is asked each time */
    if (held != NULL && !held->stopped && (exam || !held->is_private) &&
        (exam || !held->waits) && wh_mono_us() - held->checked < CHECK_US) {
        route = gateway_route_hold(held);
    }
    pthread_mutex_unlock(&r->lock);
    return route;
}

struct gateway_route *gateway_route_peek(struct gateway_routes *r,
                                         struct wh_str name)
{
    return peek(r, name, false);
}

bool gateway_route_find(struct gateway_routes *r, struct db *db,
                        struct wh_arena *a, struct wh_str name, int64_t account,
                        struct wh_str base, struct gateway_route **out,
                        struct gateway_fault *f)
{
    const struct asker who = {.account = account, .base = base};
    struct gateway_route *route = peek(r, name, false);
    if (route == NULL && !make_route(r, db, a, name, &who, &route, f)) {
        return false;
    }
    *out = route;
    return true;
}

bool gateway_route_exam(struct gateway_routes *r, struct db *db,
                        struct wh_arena *a, struct wh_str name,
                        struct gateway_route **out, struct gateway_fault *f)
{
    const struct asker who = {.exam = true, .base = WH_S("")};
    struct gateway_route *route = peek(r, name, true);
    if (route == NULL && !make_route(r, db, a, name, &who, &route, f)) {
        return false;
    }
    *out = route;
    return true;
}

void gateway_routes_examine(struct gateway_routes *r, struct wh_str name)
{
    struct wh_str s = wh_str_sub(name, 0, GATEWAY_MODEL_MAX);
    pthread_mutex_lock(&r->lock);
    if (s.n > 0) {
        memcpy(r->examined, s.p, s.n);
    }
    r->examined[s.n] = '\0';
    pthread_mutex_unlock(&r->lock);
}

bool gateway_route_names(struct gateway_routes *r, struct db *db,
                         struct wh_arena *a, struct wh_str **out, size_t *n,
                         struct wh_err *err)
{
    size_t cap = 1000 + GATEWAY_PLACES_MAX + 256, count = 0;
    struct wh_str *names = wh_arena_array(a, cap, sizeof *names);
    struct wh_str rest = r->conf.serve, item;
    struct db_stmt *s = db_start(db, DBQ_GATEWAY_HOSTED);
    enum db_row row;
    while ((row = db_step(s, err)) == DB_ROW && count < 1000) {
        names[count++] = db_col_dup(s, 0, a);
    }
    db_finish(&s);
    for (size_t i = 0; i < r->places_n && count < cap; i++) {
        names[count++] = r->places[i].model;
    }
    while (rest.n > 0 && count < cap) {
        (void)wh_str_cut(&rest, ',', &item);
        names[count++] = wh_str_trim(item);
    }
    *out = names;
    *n = count;
    return row != DB_FAIL;
}

void gateway_routes_stop(struct gateway_routes *r, struct wh_str model)
{
    pthread_mutex_lock(&r->lock);
    struct gateway_route *route = *slot(r, model);
    if (route != NULL) {
        route->stopped = true;
        forget(r, model);
    }
    pthread_mutex_unlock(&r->lock);
}

const struct gateway_place *gateway_routes_place(const struct gateway_routes *r,
                                                 int place)
{
    return place >= 0 && (size_t)place < r->places_n ? &r->places[place] : NULL;
}

bool gateway_route_look(struct gateway_routes *r,
                        const struct gateway_route *route,
                        struct gateway_engine_view *out)
{
    return route->place < 0 && r->conf.engines != NULL &&
           gateway_engine_look(r->conf.engines, route->weights, out);
}

/* --- connecting ----------------------------------------------------------- */

static int dial_place(const struct gateway_place *p, struct gateway_fault *f)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in4 = {.sin_family = AF_INET,
                              .sin_port = htons(p->port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                               .sin6_port = htons(p->port)};
    const void *to = &un;
    socklen_t n = sizeof un;
    int family = AF_UNIX, one = 1;
    if (p->is_unix) {
        memcpy(un.sun_path, p->address, strlen(p->address) + 1);
    } else if (inet_pton(AF_INET, p->address, &in4.sin_addr) == 1) {
        family = AF_INET, to = &in4, n = sizeof in4;
    } else {
        (void)inet_pton(AF_INET6, p->address, &in6.sin6_addr);
        family = AF_INET6, to = &in6, n = sizeof in6;
    }
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && !p->is_unix) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    if (fd >= 0 && connect(fd, to, n) != 0 && errno != EINPROGRESS) {
        wh_log(WH_WARN, "gateway.dial", "model=%.*s errno=%d", WH_FMT(p->model),
               errno);
        wh_fd_close(&fd);
    }
    if (fd < 0) {
        (void)gateway_fail(f, GATEWAY_F_LOADING, NULL,
                           "the engine of this model can not be reached");
        f->retry_after = LOADING_S;
    }
    return fd;
}

/* Not open yet: have it opened, and say so. */
static int open_engine(struct gateway_routes *r,
                       const struct gateway_route *route,
                       struct gateway_fault *f)
{
    struct wh_err err = {0};
    struct gateway_engine_wish wish = {
        .weights = route->weights, .name = wh_str_of(route->model), .slots = 4};
    if (!gateway_engine_open(r->conf.engines, &wish, &err)) {
        (void)gateway_fail_err(f, &err);
        return -1;
    }
    (void)gateway_fail(f, GATEWAY_F_LOADING, NULL,
                       "the engine of this model is being started; try again");
    f->retry_after = LOADING_S;
    return -1;
}

int gateway_route_dial(struct gateway_routes *r,
                       const struct gateway_route *route,
                       struct gateway_fault *f)
{
    struct wh_err err = {0};
    if (route->place >= 0) {
        return dial_place(&r->places[route->place], f);
    }
    int fd = gateway_engine_connect(r->conf.engines, route->weights, &err);
    if (fd >= 0) {
        return fd;
    }
    if (err.code == WH_NOT_FOUND) {
        return open_engine(r, route, f);
    }
    (void)gateway_fail(f, GATEWAY_F_LOADING, NULL, "%s", err.msg);
    f->retry_after = LOADING_S;
    return -1;
}
