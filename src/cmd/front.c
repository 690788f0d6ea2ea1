/*
 * front.c - the process that people talk to: opens the database, the register
 * and the ways to the other processes, then runs loops and workers.
 */
#include "api/api.h"
#include "api/gateway.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "cmd/cmd.h"
#include "cmd/hosting.h"
#include "cmd/lines.h"
#include "cmd/processes.h"
#include "cmd/tls.h"
#include "cmd/watched.h"
#include "crypto/random.h"
#include "front/bucket.h"
#include "front/doctor.h"
#include "front/house.h"
#include "front/metrics.h"
#include "front/quota.h"
#include "front/request.h"
#include "gateway/exam.h"
#include "gateway/gateway.h"
#include "hub/git.h"
#include "keeper/client.h"
#include "line/keep.h"
#include "proc/client.h"
#include "proc/supervise.h"
#include "register/register.h"
#include "store/auth.h"
#include "web/web.h"
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* How long a stop waits for running requests. */
#define GRACE_MS 8000u
/* What waits for the register has this long when the house stops. */
#define HURRY_US INT64_C(2000000)
/* Threads for settling, scanning and opening. */
#define QUEUE_THREADS 4u

struct front {
    const struct cmd_serve *serve;
    struct cmd_paths paths; /* from the working folder */
    struct cmd_tls tls;
    struct front_house house;
    struct store_first first;
    struct wh_arena arena; /* of the settings' documents */
    struct proc_client *signer, *keeper, *zygote;
    struct register_log *log;
    struct cmd_watched watched;
    struct cmd_hosting hosting;
};

/* ---- the database ---- */

static bool migrate(const char *path, struct wh_err *err)
{
    struct db *db = db_open(path, false, err);
    bool ok = db && db_migrate(db, err);

    db_close(&db);
    return ok;
}

/* The admin's token appears once, in a file only its owner reads. */
static bool announce_first(struct front *f, struct wh_err *err)
{
    char line[STORE_TOKEN_LEN + 2];

    if (!f->first.created) {
        return true;
    }
    snprintf(line, sizeof line, "%s\n", f->first.token);
    if (!wh_file_write_atomic(f->paths.token, wh_str_of(line), 0600, err)) {
        return false;
    }
    fprintf(stderr, "sign in: %s/signin/%s\n", f->serve->url, f->first.link);
    return true;
}

static bool open_database(struct front *f, struct wh_err *err)
{
    const char *path = f->paths.db;

    if (!migrate(path, err)) {
        return false;
    }
    f->house.writer = db_writer_new(NULL, path, err);
    f->house.vault.writer = f->house.writer;
    return f->house.writer &&
           db_write(f->house.writer, store_bootstrap, &f->first, err) &&
           announce_first(f, err);
}

/* ---- the other processes and the register ---- */

static struct proc_client *client(const struct front *f, const char *name,
                                  unsigned calls, unsigned sessions,
                                  struct wh_err *err)
{
    return proc_client_new(f->paths.run, name, calls, sessions, err);
}

static bool open_clients(struct front *f, struct wh_err *err)
{
    f->signer = client(f, REGISTER_SIGNER_NAME, 2, 1, err);
    f->keeper = f->signer ? client(f, KEEPER_NAME, 16, 64, err) : NULL;
    f->zygote = f->keeper ? client(f, "zygote", 16, 64, err) : NULL;
    f->house.vault.keeper = f->keeper;
    f->house.vault.zygote = f->zygote;
    return f->zygote != NULL;
}

/* The register knows which lines decide here. */
static bool settle_lines(struct front *f, struct wh_err *err)
{
    struct db *db = db_open(f->paths.db, true, err);
    bool ok = db && cmd_lines_settle(&f->arena, db, &f->house.lines, err);

    db_close(&db);
    return ok;
}

static bool record_lines(struct front *f, struct wh_err *err)
{
    bool ok =
        cmd_lines_record(f->house.writer, &f->house.lines, WH_VERSION, err);

    register_kick(f->log);
    return ok;
}

static bool open_register(struct front *f, struct wh_err *err)
{
    struct register_config cfg = {
        .dir = f->paths.log,
        .db_path = f->paths.db,
        .writer = f->house.writer,
        .signing = register_signer_remote(f->signer),
        .genesis = {.software = WH_VERSION},
        .cadence_us = f->serve->conf->register_cadence_ms * 1000,
        .free_percent = (unsigned)f->serve->conf->limits_free_percent};

    if (!settle_lines(f, err)) {
        return false;
    }
    cmd_lines_genesis(&f->arena, &f->house.lines, &cfg.genesis);
    if (!register_open(&cfg, &f->log, err)) {
        return false;
    }
    f->house.log = f->log;
    return record_lines(f, err) &&
           register_reader_open(f->paths.log, &f->house.reader, err);
}

/* ---- long work ---- */

/* What a crash left between a checkpoint and the decisions it covers. */
static bool catch_up_fn(struct db *db, void *ctx, struct wh_err *err)
{
    const struct front *f = ctx;
    struct register_status status;
    size_t n;

    register_status_get(f->log, &status);
    do {
        if (!line_decisions_catch_up(db, status.size, wh_now_us(), &n, err)) {
            return false;
        }
    } while (n > 0);
    return true;
}

/* Whoever is being sent this content is cut; there may be no server yet. */
static void cut_downloads(void *ctx, const char *sha256)
{
    struct front *f = ctx;
    uint8_t tag[NET_TAG];

    if (f->house.server &&
        wh_hex_dec(wh_str_of(sha256), tag, sizeof tag, false)) {
        net_server_end_matching(f->house.server, tag);
    }
}

static void stop_hosting(void *ctx, struct wh_str subject)
{
    struct front *f = ctx;

    cmd_hosting_stop(&f->hosting, subject);
}

static void open_retier(struct front *f)
{
    const struct hub_retier_config c = {.vault = &f->house.vault,
                                        .queue = f->house.queue,
                                        .release = f->house.release,
                                        .cut = cut_downloads,
                                        .stop = stop_hosting,
                                        .ctx = f};

    f->house.retier = hub_retier_new(&c);
    f->house.approvals = (struct hub_approvals){.writer = f->house.writer,
                                                .log = f->log,
                                                .lines = &f->house.lines,
                                                .retier = f->house.retier,
                                                .software = WH_VERSION};
}

static bool open_sweep(struct front *f, struct wh_err *err)
{
    const struct conf *conf = f->serve->conf;
    struct hub_sweep_config c = {
        .vault = &f->house.vault,
        .release = f->house.release,
        .retier = f->house.retier,
        .approvals = &f->house.approvals,
        .db_path = f->paths.db,
        .every_us = conf->uploads_sweep_seconds * 1000000,
        .expire_us = conf->uploads_expire_hours * STORE_HOUR_US};

    f->house.sweep = hub_sweep_new(&c, err);
    return f->house.sweep != NULL;
}

/* Take up what a stop interrupted, and read the names that searches need. */
static bool resume_releases(struct front *f, struct wh_err *err)
{
    struct db *db = db_open(f->paths.db, true, err);
    bool ok;

    f->house.names = store_names_new();
    ok = db && store_names_refresh(f->house.names, db, err) &&
         hub_release_resume(f->house.release, db, INT64_MAX, err);

    hub_retier_resume(f->house.retier);
    db_close(&db);
    return ok;
}

static bool open_queue(struct front *f, struct wh_err *err)
{
    struct hub_release_config c = {.vault = &f->house.vault,
                                   .per_owner =
                                       (unsigned)f->serve->conf->quota_scans,
                                   .log = f->log,
                                   .reader = f->house.reader,
                                   .lines = &f->house.lines};

    f->house.queue = hub_queue_new(f->paths.db, QUEUE_THREADS, err);
    if (!f->house.queue) {
        return false;
    }
    c.queue = f->house.queue;
    f->house.release = hub_release_new(&c);
    open_retier(f);
    return db_write(f->house.writer, catch_up_fn, f, err) &&
           open_sweep(f, err) && resume_releases(f, err);
}

/* ---- the gateway ---- */

static bool open_gateway(struct front *f, struct wh_err *err)
{
    const struct conf *conf = f->serve->conf;
    struct gateway_config c = {
        .writer = f->house.writer,
        .places = conf->gateway_upstreams,
        .serve = conf->gateway_serve,
        .engines = f->hosting.engines,
        .lines = &f->house.lines,
        .filter = &f->watched.filter,
        .caps = {(uint64_t)conf->gateway_requests_per_minute,
                 (uint64_t)conf->gateway_tokens_per_minute,
                 (uint64_t)conf->gateway_tokens_per_day,
                 (uint64_t)conf->gateway_streams},
        .context = (unsigned)conf->gateway_context,
        .first_us = conf->gateway_first_seconds * 1000000,
        .silence_us = conf->gateway_silence_seconds * 1000000};

    f->house.gateway = gateway_new(&c, err);
    f->house.enter_key = api_gateway_enter;
    f->house.quick_key = api_gateway_quick;
    f->house.fail_key = api_gateway_fail;
    return f->house.gateway != NULL;
}

/* ---- the server ---- */

static bool worker_init(void *app, unsigned index, void **state,
                        struct wh_err *err)
{
    struct front_house *house = app;
    struct front_worker *w = wh_alloc(sizeof *w);

    (void)index;
    w->house = house;
    w->db = db_open(house->db_path, true, err);
    *state = w;
    return w->db != NULL;
}

static void worker_exit(void *app, void *state)
{
    struct front_worker *w = state;

    (void)app;
    db_close(&w->db);
    wh_free(w);
}

static bool host_ok(void *app, struct wh_str host)
{
    const struct front_house *house = app;
    struct wh_str rest = house->conf->http_hosts, one;

    if (wh_str_is(host, "localhost") || wh_str_is(host, "127.0.0.1") ||
        wh_str_is(host, "[::1]") || wh_str_is(host, "::1")) {
        return true;
    }
    while (conf_list_next(&rest, &one)) {
        if (wh_str_ieq(one, host)) {
            return true;
        }
    }
    /* the address we were told to listen on */
    return host.n > 0 && wh_str_starts(house->conf->http_listen, host) &&
           house->conf->http_listen.p[host.n] == ':';
}

static bool start_server(struct front *f, struct wh_err *err)
{
    const struct conf *conf = f->serve->conf;
    struct net_conf net = {.listen_fd = dup(f->serve->http_fd),
                           .loops = (unsigned)conf->http_loops,
                           .workers = (unsigned)conf->http_workers,
                           .limits = front_request_limits(conf),
                           .tls = f->tls.tls,
                           .app = &f->house,
                           .plan = front_request_plan,
                           .host_ok = host_ok,
                           .fault = front_request_fault,
                           .over = front_metrics_over,
                           .worker_init = worker_init,
                           .worker_exit = worker_exit};

    return net_server_start(&net, &f->house.server, err);
}

static bool open_exams(struct front *f)
{
    const struct conf *conf = f->serve->conf;
    const struct gateway_exams_config c = {
        .gateway = f->house.gateway,
        .server = f->house.server,
        .engines = f->hosting.engines,
        .lines = &f->house.lines,
        .writer = f->house.writer,
        .log = f->log,
        .db_path = f->paths.db,
        .set = conf->exam_set,
        .digest = conf->exam_digest,
        .minutes = conf->exam_minutes,
        .patience_us = conf->exam_patience_seconds * 1000000};

    f->house.exams = gateway_exams_new(&c);
    return true;
}

static void fill_house(struct front *f)
{
    struct front_house *h = &f->house;

    h->conf = f->serve->conf;
    h->data_dir = f->paths.data;
    h->db_path = f->paths.db;
    h->vault.open_dir = f->paths.open;
    h->vault.keys = hub_keys_new();
    h->vault.downloads = hub_downloads_new();
    h->quota = front_quota_new(h->conf);
    h->vault.max_size = (uint64_t)h->conf->limits_file_size;
    h->vault.free_percent = (unsigned)h->conf->limits_free_percent;
    h->register_dir = f->paths.log;
    crypto_random(h->url_key, sizeof h->url_key);
    if (h->conf->reports_per_hour > 0) {
        uint64_t seed;
        crypto_random(&seed, sizeof seed);
        h->reporters =
            front_buckets_new((uint64_t)h->conf->reports_per_hour, seed);
    }
    h->tables[h->ntables++] = &api_table;
}

static bool open_pages(struct front *f, struct wh_err *err)
{
    struct web_config c = {.version = WH_VERSION};
    struct front_house *h = &f->house;

    if (h->conf->house_templates.n > 0) {
        c.dir = wh_arena_cstr(&f->arena, h->conf->house_templates);
    }
    if (!web_open(&c, &h->web, err)) {
        return false;
    }
    h->tables[h->ntables++] = &web_table;
    h->fail_page = web_fail;
    return true;
}

/* What a folder of the operator's needs that front reads while it runs. */
static bool check_pages(const struct front *f, const char *dir,
                        struct wh_err *err)
{
    const struct cmd_user *u = &f->serve->users.of[CMD_FRONT];

    return access(dir, R_OK | X_OK) == 0 ||
           wh_fail(err, WH_USAGE,
                   "house.templates: user %s can not read the folder %.200s, "
                   "or one above it",
                   u->name, dir);
}

/* The host as the doctor's page will show it: once the sandbox is closed,
 * little of it can be seen. */
static void look_around(struct front *f)
{
    const struct front_doctor at = {.conf = f->serve->conf,
                                    .data = f->paths.data,
                                    .keys = f->serve->paths.keys,
                                    .inside = true,
                                    .parent = getppid()};
    struct wh_arena a;
    struct wh_buf b;

    wh_arena_init(&a, (size_t)8 << 20);
    wh_buf_init(&b, (size_t)1 << 20);
    wh_json_write(&b, front_doctor_run(&a, &at, FRONT_DOCTOR_START), false);
    f->house.doctor = wh_arena_dup(&f->arena, wh_buf_str(&b));
    wh_buf_done(&b);
    wh_arena_done(&a);
}

/* What others say of this house is read once. */
static bool read_attestations(struct front *f, struct wh_err *err)
{
    struct wh_str path = f->serve->conf->house_attestations;
    json_t *list;

    if (path.n == 0) {
        return true;
    }
    if (!wh_file_read(&f->arena, wh_arena_cstr(&f->arena, path), 1 << 20,
                      &f->house.attestations, err) ||
        !wh_json_parse(&f->arena, f->house.attestations, &list, err)) {
        return wh_err_wrap(err, "house.attestations");
    }
    return json_is_array(list) ||
           wh_fail(err, WH_USAGE, "house.attestations is no JSON list");
}

/* Front reads and writes the data folder, and sees no keys. The lines are read
 * before: their folder may be open to root alone. */
static bool enter(struct front *f, struct wh_err *err)
{
    struct proc_path paths[3 + CMD_TLS_FOLDERS] = {{f->paths.data, true}};
    struct wh_str pages = f->serve->conf->house_templates;
    unsigned n = 1;

    if (!cmd_lines_load(&f->arena, f->serve->conf, &f->house.lines, err) ||
        !read_attestations(f, err) ||
        !cmd_watched_read(&f->watched, &f->arena, f->serve->conf, err) ||
        !cmd_tls_open(&f->arena, f->serve->conf, &f->tls, err) ||
        !cmd_enter(f->serve, CMD_FRONT, f->serve->paths.data, err)) {
        return false;
    }
    if (pages.n > 0) {
        paths[n].path = wh_arena_cstr(&f->arena, pages);
        if (!check_pages(f, paths[n++].path, err)) {
            return false;
        }
    }
    /* a set that is not there is said to who asks for an exam */
    if (f->serve->conf->exam_set.n > 0) {
        const char *set = wh_arena_cstr(&f->arena, f->serve->conf->exam_set);
        if (access(set, R_OK | X_OK) == 0) {
            paths[n++].path = set;
        }
    }
    n += cmd_tls_paths(&f->tls, paths + n);
    f->house.tls = f->tls.tls != NULL;
    look_around(f);
    front_metrics_open(&f->house);
    return cmd_lock_in(f->serve, CMD_FRONT, paths, n, err);
}

static bool open_front(struct front *f, struct wh_err *err)
{
    fill_house(f);
    if (!enter(f, err)) {
        return false;
    }
    f->house.vault.sealed =
        open(f->paths.sealed, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->house.vault.sealed < 0) {
        return wh_fail_errno(err, WH_IO, "the folder of containers");
    }
    return hub_git_init(err) && open_pages(f, err) && open_database(f, err) &&
           open_clients(f, err) && open_register(f, err) &&
           open_queue(f, err) &&
           cmd_watched_open(&f->watched, f->paths.watch, &f->house, err) &&
           cmd_hosting_open(&f->hosting, f->paths.run, f->serve->url, &f->house,
                            err) &&
           open_gateway(f, err) && start_server(f, err) && open_exams(f);
}

static void close_front(struct front *f)
{
    /* the queue first: it holds parked requests, and gives them back; it goes
     * last, since requests that are still running ask it for work. What it
     * does may wait for a register that stands still */
    if (f->log) {
        register_hurry(f->log, wh_mono_us() + HURRY_US);
    }
    hub_sweep_free(&f->house.sweep);
    hub_queue_stop(f->house.queue);
    gateway_exams_free(&f->house.exams);
    net_server_stop(&f->house.server, GRACE_MS);
    cmd_tls_close(&f->tls);
    gateway_free(&f->house.gateway);
    watch_close(&f->house.watch);
    web_close(&f->house.web);
    hub_retier_free(&f->house.retier);
    hub_release_free(&f->house.release);
    hub_queue_free(&f->house.queue);
    cmd_hosting_close(&f->hosting);
    register_reader_close(&f->house.reader);
    register_close(&f->log);
    proc_client_free(&f->zygote);
    proc_client_free(&f->keeper);
    proc_client_free(&f->signer);
    db_writer_free(&f->house.writer);
    store_names_free(&f->house.names);
    front_buckets_free(&f->house.reporters);
    hub_keys_free(&f->house.vault.keys);
    hub_downloads_free(&f->house.vault.downloads);
    front_quota_free(&f->house.quota);
    wh_fd_close(&f->house.vault.sealed);
    if (f->house.open_files) {
        (void)closedir(f->house.open_files);
    }
    wh_arena_done(&f->arena);
}

/* How often files are looked at that may be replaced while the house runs. */
#define REFRESH_S 5

/* Approvers have changed the lines: they are settled at a start, and the parent
 * starts us again. Until then nothing is decided (line_in_force). */
static bool lines_changed(struct front *f)
{
    struct wh_err err = {0};
    struct db *db = db_open(f->paths.db, true, &err);
    bool changed = db && cmd_lines_changed(db, &f->house.lines);

    db_close(&db);
    if (changed) {
        wh_log(WH_WARN, "lines.changed", "front=begins-anew");
    }
    return changed;
}

/* Until the parent ends us, or we have to begin anew. SIGHUP is for the
 * impatient. */
static void wait_for_end(struct front *f, const sigset_t *set)
{
    const struct timespec pause = {.tv_sec = REFRESH_S};

    while (sigtimedwait(set, NULL, &pause) != SIGTERM && !lines_changed(f)) {
        cmd_tls_refresh(&f->tls);
        cmd_hosting_refresh(&f->hosting);
    }
}

/* The one line on standard output, once in the life of the parent. */
static void announce(const struct cmd_serve *s)
{
    if (!atomic_exchange(s->announced, true)) {
        printf("ready %s\n", s->url);
        fflush(stdout);
    }
}

int cmd_front_main(void *serve)
{
    const struct cmd_serve *s = serve;
    struct front f = {.serve = s, .paths = cmd_paths_inside(&s->paths)};
    struct wh_err err = {0};
    sigset_t end;
    int code = 0;

    wh_log_process("front");
    cmd_shed(s, CMD_FRONT);
    wh_arena_init(&f.arena, (size_t)64 << 20);
    f.house.vault.sealed = -1;
    /* before any thread, so that all inherit it and only this one is asked */
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigaddset(&end, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &end, NULL);
    if (open_front(&f, &err)) {
        proc_child_ready();
        announce(f.serve);
        wait_for_end(&f, &end);
    } else {
        wh_log_err(WH_ERROR, "front.start", &err);
        code = cmd_fail("serve", &err);
    }
    close_front(&f);
    return code;
}
