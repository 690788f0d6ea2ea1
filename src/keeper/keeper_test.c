/* The keeper as a process, with a zygote whose scanners are stand-ins: the FILE
 * job answers with the bytes of the file, XORB with its first bytes, REBUILD
 * copies the ranges of its terms. */
#include "keeper/hand.h"
#include "keeper/keeper.h"
#include "keeper/testing.h"
#include "keeper/wire.h"

#include "base/enc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/unit.h"
#include "proc/sandbox.h"
#include "proc/zygote.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define R STORE_CONTAINER_RECORD

struct world {
    char dir[64], run[80], keys[80], custody[80], sealed[80];
    int root, keeper_fd, zygote_fd;
    int hand[2]; /* the keeper's end, the engines' */
    pid_t keeper_pid, zygote_pid;
    uid_t keeper_uid, zygote_uid; /* 0: that of the test */
    struct proc_client *c;
    struct wh_arena a;
    struct testpapers p;
};

/* ---- stand-in scanners ---- */

static bool job_file(struct proc_job *j, struct wh_buf *answer,
                     struct wh_err *err)
{
    unsigned n;
    const struct wh_src *src = proc_job_sources(j, &n);
    char *room = wh_buf_room(answer, (size_t)src->size);
    if (!room) {
        return wh_fail(err, WH_TOO_LARGE, "");
    }
    if (!wh_src_read(src, 0, room, (size_t)src->size, err)) {
        return false;
    }
    wh_buf_grew(answer, (size_t)src->size);
    wh_assert(room[0] != '!'); /* a file that kills its scanner */
    return true;
}

static bool job_xorb(struct proc_job *j, struct wh_buf *answer,
                     struct wh_err *err)
{
    unsigned n;
    char first[8];
    const struct wh_src *src = proc_job_sources(j, &n);
    if (!wh_src_read(src, 0, first, sizeof first, err)) {
        return false;
    }
    if ((uint8_t)proc_job_params(j).p[1] != (uint8_t)first[0]) {
        return wh_fail(err, WH_DIGEST_MISMATCH, "");
    }
    wh_buf_mem(answer, first, sizeof first);
    return true;
}

static bool copy_term(struct proc_job *j, const struct wh_src *src,
                      struct wh_rd *r, struct wh_err *err)
{
    static char buf[1 << 20];
    uint32_t source = wh_rd_u32le(r);
    uint64_t off = wh_rd_u64le(r);
    (void)wh_rd_u32le(r);
    uint32_t raw = wh_rd_u32le(r);
    return wh_src_read(&src[source], off, buf, raw, err) &&
           proc_job_write(j, wh_str_mem(buf, raw), err);
}

static bool job_rebuild(struct proc_job *j, struct wh_buf *answer,
                        struct wh_err *err)
{
    unsigned n;
    uint8_t terms[1000];
    struct wh_rd r;
    const struct wh_src *src = proc_job_sources(j, &n);
    if (!wh_src_read(&src[0], 0, terms, (size_t)src[0].size, err)) {
        return false;
    }
    wh_rd_init(&r, terms, (size_t)src[0].size);
    while (wh_rd_left(&r) > 0) {
        if (!copy_term(j, src, &r, err)) {
            return false;
        }
    }
    wh_buf_u8(answer, 1);
    return true;
}

static const struct proc_job_type jobs[] = {
    {KEEPER_JOB_FILE, "test.file", job_file, 64 << 20, 20},
    {KEEPER_JOB_XORB, "test.xorb", job_xorb, 64 << 20, 20},
    {KEEPER_JOB_REBUILD, "test.rebuild", job_rebuild, 64 << 20, 20},
};

/* ---- processes ---- */

static pid_t start_zygote(const struct world *w)
{
    struct wh_err err = {0};
    pid_t pid = fork();
    if (pid == 0) {
        struct proc_zygote z = {.listen_fd = w->zygote_fd,
                                .types = jobs,
                                .ntypes = 3,
                                .max_jobs = 2,
                                .peers = {geteuid(), w->keeper_uid},
                                .npeers = 2,
                                .uid = w->zygote_uid,
                                .gid = w->zygote_uid};
        _exit(proc_zygote_run(&z, false, &err) ? 0 : 1);
    }
    return pid;
}

static pid_t start_keeper(const struct world *w)
{
    struct wh_err err = {0};
    pid_t pid = fork();
    if (pid == 0) {
        struct keeper_config c = {.listen_fd = w->keeper_fd,
                                  .run_dir = w->run,
                                  .keys_dir = w->keys,
                                  .custody_dir = w->custody,
                                  .lines = {w->p.lines[0], w->p.lines[1]},
                                  .nlines = 2,
                                  .peers = {geteuid()},
                                  .npeers = 1,
                                  .uid = w->keeper_uid,
                                  .gid = w->keeper_uid,
                                  .hand_fd = w->hand[0],
                                  .threads = 3,
                                  .max_sessions = 16};
        bool ok = keeper_serve(&c, &err);
        if (!ok) {
            print_error("keeper: %s %s\n", err.msg, err.detail);
        }
        _exit(ok ? 0 : wh_err_row(err.code)->exit_code);
    }
    return pid;
}

static void end(pid_t pid, int sig)
{
    int status = 0;
    assert_int_equal(kill(pid, sig), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (sig == SIGTERM) {
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static int up(void **state)
{
    struct wh_err err;
    struct world *w = wh_alloc(sizeof *w);
    char *dirs[4] = {w->run, w->keys, w->custody, w->sealed};
    const char *names[4] = {"run", "keys", "custody", "sealed"};
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/wh-keeper-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    for (int i = 0; i < 4; i++) {
        (void)snprintf(dirs[i], 80, "%.60s/%s", w->dir, names[i]);
        unit_ok(wh_dir_make(dirs[i], 0700, &err), err);
    }
    wh_log_level(WH_ERROR);
    w->root = open(w->sealed, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    testpapers_init(&w->p, w->keys);
    wh_arena_init(&w->a, 256 << 20);
    w->keeper_fd = proc_listen(w->run, KEEPER_NAME, 0600, &err);
    w->zygote_fd = proc_listen(w->run, "zygote", 0600, &err);
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, w->hand), 0);
    w->zygote_pid = start_zygote(w);
    w->keeper_pid = start_keeper(w);
    w->c = proc_client_new(w->run, KEEPER_NAME, 4, 16, &err);
    assert_non_null(w->c);
    *state = w;
    return 0;
}

static int down(void **state)
{
    struct world *w = *state;
    char cmd[128];
    proc_client_free(&w->c);
    end(w->keeper_pid, SIGTERM);
    end(w->zygote_pid, SIGTERM);
    testpapers_done(&w->p);
    wh_arena_done(&w->a);
    close(w->root);
    close(w->keeper_fd);
    close(w->zygote_fd);
    close(w->hand[0]);
    close(w->hand[1]);
    (void)snprintf(cmd, sizeof cmd, "%s", w->dir);
    pid_t pid = fork();
    if (pid == 0) {
        execlp("rm", "rm", "-rf", cmd, (char *)NULL);
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    wh_free(w);
    return 0;
}

/* ---- front's part ---- */

/* A container with this content, as front makes it. */
static struct keeper_item upload(struct world *w, struct wh_str repo,
                                 struct wh_str content)
{
    struct wh_err err;
    struct keeper_new n;
    struct store_container_file f;
    struct keeper_item item;
    unit_ok(keeper_new(w->c, repo, &n, &err), err);
    unit_ok(store_container_create(w->root, n.id, &f, &err), err);
    struct store_container_writer *wr =
        store_container_writer_new(f.fd, n.id, n.key);
    unit_ok(store_container_append(wr, content, &err), err);
    unit_ok(store_container_finish(wr, &err), err);
    store_container_writer_free(&wr);
    memcpy(item.id, n.id, sizeof item.id);
    memcpy(item.wrapped, n.wrapped, sizeof item.wrapped);
    item.fd = store_container_reopen(&f, &err);
    unit_ok(store_container_link(&f, &err), err);
    store_container_drop(&f);
    return item;
}

static struct keeper_session *session(struct world *w, const char *repo,
                                      const struct keeper_item *items, size_t n)
{
    struct wh_err err = {0};
    struct keeper_session *s = keeper_open(w->c, wh_str_of(repo), &err);
    if (!s) {
        print_error("%s\n", err.msg);
    }
    assert_non_null(s);
    unit_ok(keeper_add(s, items, n, &err), err);
    return s;
}

static struct wh_str bytes(struct world *w, size_t n, unsigned seed)
{
    uint8_t *p = wh_arena_alloc(&w->a, n);
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(i * seed + i / 5000);
    }
    return wh_str_mem(p, n);
}

static void settles(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    struct wh_str all = bytes(w, 40 * R + 99, 7);
    const size_t cut[] = {0, 10, 10 + 17 * R, 10 + 17 * R, 33 * R, 40 * R + 99};
    struct keeper_item items[5];
    struct keeper_content c;
    char want[WH_SHA256_HEX + 1];
    for (int i = 0; i < 5; i++) {
        items[i] = upload(w, WH_S("model:1"),
                          wh_str_sub(all, cut[i], cut[i + 1] - cut[i]));
    }
    wh_sha256_hex_of(all, want);
    for (int fed = 0; fed < 2; fed++) {
        struct keeper_session *s = session(w, "model:1", items, 5);
        if (fed) {
            unit_ok(keeper_feed(s, 1, 3 * R, &err), err);
            unit_ok(keeper_feed(s, 1, 9 * R, &err), err);
            unit_ok(keeper_feed(s, 4, 0, &err), err);
        }
        unit_ok(keeper_settle(s, &w->a, &c, &err), err);
        assert_string_equal(c.sha256, want);
        assert_int_equal(c.size, all.n);
        unit_fails(keeper_settle(s, &w->a, &c, &err), err, WH_CONFLICT);
        keeper_close(&s);
    }
    /* damage on disk is found */
    char name[STORE_CONTAINER_NAME], path[200];
    store_container_name(items[3].id, name);
    (void)snprintf(path, sizeof path, "%s/%.2s/%s", w->sealed, name, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "x", 1, 9000), 1);
    close(fd);
    struct keeper_session *s = session(w, "model:1", items, 5);
    unit_fails(keeper_settle(s, &w->a, &c, &err), err, WH_CORRUPT);
    unit_fails(keeper_settle(s, &w->a, &c, &err), err, WH_CONFLICT);
    keeper_close(&s);
    for (int i = 0; i < 5; i++) {
        close(items[i].fd);
    }
}

/* Hashing while the container is being written. */
static void trails_an_upload(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    struct wh_str all = bytes(w, 70 * R + 5, 11);
    struct keeper_new n;
    struct store_container_file f;
    struct keeper_item item;
    struct keeper_content c;
    char want[WH_SHA256_HEX + 1];
    unit_ok(keeper_new(w->c, WH_S("model:1"), &n, &err), err);
    unit_ok(store_container_create(w->root, n.id, &f, &err), err);
    struct store_container_writer *wr =
        store_container_writer_new(f.fd, n.id, n.key);
    unit_ok(store_container_flush(wr, &err), err);
    memcpy(item.id, n.id, sizeof item.id);
    memcpy(item.wrapped, n.wrapped, sizeof item.wrapped);
    item.fd = store_container_reopen(&f, &err);
    struct keeper_session *s = session(w, "model:1", &item, 1);
    for (size_t at = 0; at < all.n; at += 5 * R) {
        unit_ok(store_container_append(wr, wh_str_sub(all, at, 5 * R), &err),
                err);
        unit_ok(store_container_flush(wr, &err), err);
        unit_ok(keeper_feed(s, 0, store_container_ready(wr), &err), err);
    }
    unit_ok(store_container_finish(wr, &err), err);
    unit_ok(keeper_settle(s, &w->a, &c, &err), err);
    wh_sha256_hex_of(all, want);
    assert_string_equal(c.sha256, want);
    keeper_close(&s);
    close(item.fd);
    store_container_writer_free(&wr);
    store_container_drop(&f);
}

/* A feed that is wrong is told at the next call. */
static void wrong_use(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    struct keeper_new n;
    struct keeper_content c;
    struct keeper_item item = upload(w, WH_S("model:1"), WH_S("content"));
    struct keeper_session *s = session(w, "model:1", &item, 1);
    unit_ok(keeper_feed(s, 7, 0, &err), err);
    unit_fails(keeper_settle(s, &w->a, &c, &err), err, WH_BAD_REQUEST);
    keeper_close(&s);
    unit_fails(keeper_new(w->c, WH_S("repo without a kind"), &n, &err), err,
               WH_BAD_REQUEST);
    /* the container of another repo, or under another id */
    s = keeper_open(w->c, WH_S("model:2"), &err);
    unit_fails(keeper_add(s, &item, 1, &err), err, WH_CORRUPT);
    unit_fails(keeper_settle(s, &w->a, &c, &err), err, WH_BAD_REQUEST);
    keeper_close(&s);
    item.id[3] ^= 1;
    s = keeper_open(w->c, WH_S("model:1"), &err);
    unit_fails(keeper_add(s, &item, 1, &err), err, WH_CORRUPT);
    keeper_close(&s);
    close(item.fd);
}

/* Upload, settle and scan a result-shaped file. */
struct scanned {
    struct keeper_item item;
    struct keeper_session *s;
    struct keeper_content content;
    struct keeper_scan scan;
};

static struct scanned scan(struct world *w, const char *repo,
                           struct wh_str text)
{
    struct wh_err err;
    struct scanned out;
    out.item = upload(w, wh_str_of(repo), text);
    out.s = session(w, repo, &out.item, 1);
    unit_ok(keeper_settle(out.s, &w->a, &out.content, &err), err);
    unit_ok(keeper_scan(out.s, &w->a, out.content.statement, WH_S("a/b.bin"),
                        WH_S(""), &out.scan, &err),
            err);
    return out;
}

static void scan_end(struct scanned *x)
{
    keeper_close(&x->s);
    close(x->item.fd);
}

static void scans(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    struct keeper_scan sc;
    struct keeper_content c;
    struct wh_str text = testpapers_result(&w->p, "weights", 1000, 0);
    struct scanned x = scan(w, "model:1", text);
    assert_true(wh_str_eq(x.scan.result, text));
    /* a statement about other containers, or of another kind */
    struct scanned y = scan(w, "model:1", WH_S("{}"));
    unit_fails(keeper_scan(x.s, &w->a, y.content.statement, WH_S(""), WH_S(""),
                           &sc, &err),
               err, WH_FORBIDDEN);
    unit_fails(keeper_scan(x.s, &w->a, x.scan.statement, WH_S(""), WH_S(""),
                           &sc, &err),
               err, WH_FORBIDDEN);
    /* a scanner whose answer is no object, or that dies */
    struct keeper_item items[2] = {upload(w, WH_S("model:1"), WH_S("[1]")),
                                   upload(w, WH_S("model:1"), WH_S("!"))};
    for (int i = 0; i < 2; i++) {
        struct keeper_session *s = session(w, "model:1", &items[i], 1);
        unit_ok(keeper_settle(s, &w->a, &c, &err), err);
        unit_fails(
            keeper_scan(s, &w->a, c.statement, WH_S(""), WH_S(""), &sc, &err),
            err, WH_CHILD_DIED);
        keeper_close(&s);
        close(items[i].fd);
    }
    /* large hints travel too */
    struct wh_str config = bytes(w, KEEPER_CONFIG_MAX, 3);
    unit_ok(keeper_scan(x.s, &w->a, x.content.statement, WH_S("x"), config, &sc,
                        &err),
            err);
    scan_end(&x);
    scan_end(&y);
}

static void opens(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    uint8_t keys[1][STORE_CONTAINER_KEY];
    struct wh_str text = testpapers_result(&w->p, "weights", 1000, 0);
    struct scanned x = scan(w, "model:1", text);
    struct testpapers_spec spec = {.sha256 = x.content.sha256,
                                   .size = x.content.size};
    struct keeper_opening o = {.content = x.content.statement,
                               .scans = &x.scan.statement,
                               .nscans = 1};
    testpapers_make(&w->p, &spec, &o);
    unit_ok(keeper_keys(x.s, &o, keys, 1, &err), err);
    /* with that key the content can be read */
    struct store_container *c =
        store_container_open(dup(x.item.fd), x.item.id, keys[0], &err);
    assert_non_null(c);
    char *got = wh_arena_alloc(&w->a, text.n);
    unit_ok(wh_src_read(store_container_src(c), 0, got, text.n, &err), err);
    assert_memory_equal(got, text.p, text.n);
    store_container_close(&c);
    struct keeper_status st;
    unit_ok(keeper_status(w->c, &st, &err), err);
    assert_int_equal(st.openings, 1);
    assert_true(st.sealed);
    /* front lies: see judge_test.c for the papers themselves */
    o.nscans = 0;
    unit_fails(keeper_keys(x.s, &o, keys, 1, &err), err, WH_FORBIDDEN);
    char *f = wh_arena_cstr(&w->a, x.scan.statement);
    f[20] ^= 1;
    struct wh_str forged = wh_str_mem(f, x.scan.statement.n);
    o.scans = &forged;
    o.nscans = 1;
    unit_fails(keeper_keys(x.s, &o, keys, 1, &err), err, WH_FORBIDDEN);
    o.scans = &x.scan.statement;
    spec.tier = "held";
    testpapers_make(&w->p, &spec, &o);
    unit_fails(keeper_keys(x.s, &o, keys, 1, &err), err, WH_HELD);
    unit_ok(keeper_status(w->c, &st, &err), err);
    assert_int_equal(st.openings, 1);
    scan_end(&x);
}

/* The engines' side of one hosting: what came, and what is answered. */
struct engines {
    struct world *w;
    pthread_t thread;
    enum wh_code room; /* WH_NONE: there is */
    bool there;        /* it is there already */
    unsigned rooms, gifts;
    struct keeper_hand given;
    bool same; /* the file holds what was expected */
    struct wh_str expect;
};

static void look_at(struct engines *e)
{
    char *got = test_malloc(e->expect.n);
    struct wh_err err = {0};
    char x = 'x';
    e->same = e->given.bytes == e->expect.n &&
              wh_fd_pread(e->given.fd, 0, got, e->expect.n, &err) &&
              memcmp(got, e->expect.p, e->expect.n) == 0 &&
              pwrite(e->given.fd, &x, 1, 0) < 0 &&
              ftruncate(e->given.fd, 0) != 0;
    test_free(got);
}

/* Answer until nothing came for a while. */
static void *engines_main(void *arg)
{
    struct engines *e = arg;
    struct proc_frame *f = wh_alloc(sizeof *f);
    struct wh_err err = {0};
    int fd = e->w->hand[1];
    while (proc_msg_recv(fd, f, proc_deadline(2000), &err)) {
        struct wh_buf b;
        struct keeper_hand h;
        wh_buf_init(&b, 2048);
        struct proc_msg m = {.type = (uint16_t)(f->msg.type | PROC_MSG_REPLY),
                             .id = f->msg.id};
        bool give = f->msg.type == KEEPER_HAND_GIVE;
        wh_assert(keeper_hand_read(f, &h, &err));
        wh_buf_u8(&b, give || e->there ? 1 : 0);
        m.body = wh_buf_str(&b);
        if (give) {
            e->gifts++;
            e->given = h;
            look_at(e);
            wh_fd_close(&h.fd);
        } else if (e->room != WH_NONE) {
            struct wh_err no = {0};
            wh_fail(&no, e->room, "not hosted: no room");
            proc_msg_of_err(&m, f->msg.id, &no, &b);
        }
        e->rooms += give ? 0 : 1;
        wh_assert(proc_msg_send(fd, &m, proc_deadline(2000), &err));
        wh_buf_done(&b);
        proc_frame_done(f);
        if (give || e->there || e->room != WH_NONE) {
            break;
        }
    }
    wh_free(f);
    return NULL;
}

static struct engines begin(struct world *w, struct wh_str expect)
{
    return (struct engines){.w = w, .expect = expect};
}

static void run(struct engines *e)
{
    assert_int_equal(pthread_create(&e->thread, NULL, engines_main, e), 0);
}

static void join(struct engines *e)
{
    assert_int_equal(pthread_join(e->thread, NULL), 0);
}

/* Weights that nobody may read, but an engine may have. */
static void hosts(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    struct keeper_status st;
    uint8_t keys[1][STORE_CONTAINER_KEY];
    bool locked = false;
    struct wh_str text = testpapers_result(&w->p, "weights", 1000, 0);
    struct scanned x = scan(w, "model:1", text);
    struct testpapers_spec spec = {.sha256 = x.content.sha256,
                                   .size = x.content.size,
                                   .tier = "hosted",
                                   .until = 4000000000};
    struct keeper_opening o = {.content = x.content.statement,
                               .scans = &x.scan.statement,
                               .nscans = 1};
    testpapers_make(&w->p, &spec, &o);
    struct engines e = begin(w, text);
    run(&e);
    unit_ok(keeper_host(x.s, &o, &locked, &err), err);
    join(&e);
    assert_true(e.same && locked);
    assert_int_equal(e.rooms, 1);
    assert_int_equal(e.gifts, 1);
    assert_string_equal(e.given.sha256, x.content.sha256);
    assert_int_equal(e.given.until, 4000000000);
    unit_ok(keeper_status(w->c, &st, &err), err);
    assert_int_equal(st.openings, 1);
    /* it does not make them readable */
    unit_fails(keeper_keys(x.s, &o, keys, 1, &err), err, WH_HELD);
    /* there already, or no room: nothing is decrypted, nothing is written down
     */
    e = begin(w, text);
    e.there = true;
    run(&e);
    unit_ok(keeper_host(x.s, &o, &locked, &err), err);
    join(&e);
    assert_int_equal(e.gifts, 0);
    e = begin(w, text);
    e.room = WH_TOO_LARGE;
    run(&e);
    unit_fails(keeper_host(x.s, &o, &locked, &err), err, WH_TOO_LARGE);
    assert_string_equal(err.msg, "not hosted: no room");
    join(&e);
    unit_ok(keeper_status(w->c, &st, &err), err);
    assert_int_equal(st.openings, 1);
    /* what is open may be hosted too; an answer that came late is no answer */
    spec.tier = "open";
    spec.tree = 3;
    testpapers_make(&w->p, &spec, &o);
    struct proc_msg late = {
        .type = KEEPER_HAND_ROOM | PROC_MSG_REPLY, .id = 7, .body = WH_S("\1")};
    unit_ok(proc_msg_send(w->hand[1], &late, proc_deadline(1000), &err), err);
    e = begin(w, text);
    run(&e);
    unit_ok(keeper_host(x.s, &o, &locked, &err), err);
    join(&e);
    assert_int_equal(e.gifts, 1);
    scan_end(&x);
}

static struct wh_str result_of(struct world *w, const char *format,
                               const char *verifiable, unsigned dangers)
{
    struct wh_str s = testpapers_result(&w->p, "weights", 1000, dangers);
    json_t *doc = NULL;
    struct wh_err err;
    struct wh_buf b;
    unit_ok(wh_json_parse(&w->a, s, &doc, &err), err);
    json_object_set_new(doc, "format", json_string(format));
    json_object_set_new(doc, "verifiable",
                        json_boolean(strcmp(verifiable, "yes") == 0));
    wh_buf_init(&b, 1 << 20);
    unit_ok(wh_json_canonical(&b, doc, &err), err);
    s = wh_arena_dup(&w->a, wh_buf_str(&b));
    wh_buf_done(&b);
    return s;
}

/* No engine gets it: nobody is asked for room, nothing is given. */
static void does_not_host(void **state)
{
    static const struct {
        const char *tier, *format, *verifiable;
        unsigned dangers;
        bool flip_note;
        enum wh_code want;
    } cases[] = {
        {"held", "gguf", "yes", 0, false, WH_HELD},
        {"pass", "gguf", "yes", 0, false, WH_HELD},
        {"hosted ", "gguf", "yes", 0, false, WH_HELD},
        {"hosted", "safetensors", "yes", 0, false, WH_REFUSED},
        {"hosted", "gguf", "no", 0, false, WH_REFUSED},
        {"hosted", "gguf", "yes", 1, false, WH_HELD},
        {"hosted", "gguf", "yes", 0, true, WH_CORRUPT},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wh_err err = {0};
        bool locked;
        struct scanned x =
            scan(w, "model:1",
                 result_of(w, cases[i].format, cases[i].verifiable,
                           cases[i].dangers));
        struct testpapers_spec spec = {.sha256 = x.content.sha256,
                                       .size = x.content.size,
                                       .tier = cases[i].tier,
                                       .tree = 2 + i,
                                       .flip_note = cases[i].flip_note};
        struct keeper_opening o = {.content = x.content.statement,
                                   .scans = &x.scan.statement,
                                   .nscans = 1};
        testpapers_make(&w->p, &spec, &o);
        unit_fails(keeper_host(x.s, &o, &locked, &err), err, cases[i].want);
        scan_end(&x);
    }
    struct pollfd p = {.fd = w->hand[1], .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    struct wh_err err;
    struct keeper_status st;
    unit_ok(keeper_status(w->c, &st, &err), err);
    assert_int_equal(st.openings, 0);
}

static void opens_plain(void **state)
{
    static const struct {
        const char *repo, *class;
        unsigned dangers;
        enum wh_code want;
    } cases[] = {
        {"model:1", "text", 0, WH_NONE},
        {"model:1", "data", 0, WH_NONE},
        {"model:1", "unknown", 0, WH_HELD},
        {"dataset:1", "unknown", 0, WH_NONE},
        {"space:1", "text", 0, WH_NONE},
        {"dataset:1", "weights", 0, WH_HELD},
        {"space:1", "program", 0, WH_HELD},
        {"dataset:1", "data", 1, WH_HELD},
        {"model:1", "weights", 0, WH_HELD},
        {"model:1", "text", 1, WH_HELD},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wh_err err = {0};
        uint8_t keys[1][STORE_CONTAINER_KEY];
        struct scanned x =
            scan(w, cases[i].repo,
                 testpapers_result(&w->p, cases[i].class, 0, cases[i].dangers));
        bool ok = keeper_keys_plain(x.s, x.content.statement, x.scan.statement,
                                    keys, 1, &err);
        assert_true(ok == (err.code == WH_NONE));
        assert_int_equal(err.code, cases[i].want);
        scan_end(&x);
    }
    /* the scan of another file */
    struct wh_err err = {0};
    uint8_t keys[1][STORE_CONTAINER_KEY];
    struct scanned x =
        scan(w, "model:1", testpapers_result(&w->p, "weights", 5, 0));
    struct scanned y =
        scan(w, "model:1", testpapers_result(&w->p, "text", 0, 0));
    unit_fails(keeper_keys_plain(x.s, x.content.statement, y.scan.statement,
                                 keys, 1, &err),
               err, WH_FORBIDDEN);
    unit_fails(keeper_keys_plain(x.s, y.content.statement, y.scan.statement,
                                 keys, 1, &err),
               err, WH_FORBIDDEN);
    scan_end(&x);
    scan_end(&y);
}

static void xorbs(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    struct keeper_xorb x;
    uint8_t hash[32] = {'x'};
    struct keeper_item item = upload(w, WH_S("model:1"), WH_S("xorb and more"));
    struct keeper_session *s = session(w, "model:1", &item, 1);
    unit_ok(keeper_xorb(s, &w->a, hash, &x, &err), err);
    unit_str(x.table, "xorb and");
    hash[0] = 'y';
    unit_fails(keeper_xorb(s, &w->a, hash, &x, &err), err, WH_DIGEST_MISMATCH);
    keeper_close(&s);
    close(item.fd);
}

static void put_term(struct wh_buf *b, uint32_t source, uint64_t off,
                     uint32_t raw)
{
    wh_buf_u32le(b, source);
    wh_buf_u64le(b, off);
    wh_buf_u32le(b, 1);
    wh_buf_u32le(b, raw);
}

static void rebuilds(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    struct keeper_new n;
    struct store_container_file f;
    struct keeper_content c, again;
    char want[WH_SHA256_HEX + 1];
    struct wh_str one = bytes(w, 300000, 7), two = bytes(w, 900000, 3);
    struct keeper_item items[2] = {upload(w, WH_S("model:1"), one),
                                   upload(w, WH_S("model:1"), two)};
    struct wh_buf terms, file;
    wh_buf_init(&terms, 1000);
    wh_buf_init(&file, 2 << 20);
    for (uint32_t i = 0; i < 6; i++) {
        struct wh_str from = i % 2 ? two : one;
        put_term(&terms, 1 + i % 2, (uint64_t)i * 100, 100000 + i);
        wh_buf_add(&file, wh_str_sub(from, (size_t)i * 100, 100000 + i));
    }
    unit_ok(keeper_new_target(w->c, WH_S("model:1"), &n, &err), err);
    unit_ok(store_container_create(w->root, n.id, &f, &err), err);
    struct keeper_rebuild rq = {.terms = wh_buf_str(&terms),
                                .nterms = 6,
                                .size = file.n,
                                .target = {.fd = f.fd}};
    memcpy(rq.target.id, n.id, sizeof n.id);
    memcpy(rq.target.wrapped, n.wrapped, sizeof n.wrapped);
    struct keeper_session *s = session(w, "model:1", items, 2);
    unit_ok(keeper_rebuild(s, &w->a, &rq, &c, &err), err);
    wh_sha256_hex_of(wh_buf_str(&file), want);
    assert_string_equal(c.sha256, want);
    assert_int_equal(c.size, file.n);
    /* a target that is not empty is refused, a size that is not met too */
    unit_fails(keeper_rebuild(s, &w->a, &rq, &again, &err), err,
               WH_BAD_REQUEST);
    assert_int_equal(ftruncate(f.fd, 0), 0);
    rq.size--;
    unit_fails(keeper_rebuild(s, &w->a, &rq, &again, &err), err, WH_TOO_LARGE);
    keeper_close(&s);
    store_container_drop(&f);
    wh_buf_done(&terms);
    wh_buf_done(&file);
    close(items[0].fd);
    close(items[1].fd);
}

/* Killed at work, and started again: nothing that was sealed is lost. */
static void killed(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    struct keeper_content c;
    struct keeper_item item = upload(w, WH_S("model:1"), WH_S("content"));
    struct keeper_session *s = session(w, "model:1", &item, 1);
    end(w->keeper_pid, SIGKILL);
    unit_fails(keeper_settle(s, &w->a, &c, &err), err, WH_CHILD_DIED);
    keeper_close(&s);
    w->keeper_pid = start_keeper(w);
    s = session(w, "model:1", &item, 1);
    unit_ok(keeper_settle(s, &w->a, &c, &err), err);
    /* the zygote dies: the scan fails, a later one does not */
    struct keeper_scan sc;
    end(w->zygote_pid, SIGKILL);
    w->zygote_pid = start_zygote(w);
    unit_fails(
        keeper_scan(s, &w->a, c.statement, WH_S(""), WH_S(""), &sc, &err), err,
        WH_CHILD_DIED); /* "content" is no JSON */
    keeper_close(&s);
    struct scanned x = scan(w, "model:1", WH_S("{}"));
    scan_end(&x);
    close(item.fd);
}

/* As root, each process has a user of its own, and everything still works. */
static void users_of_their_own(void **state)
{
    struct world *w = *state;
    struct wh_err err;
    struct keeper_status st;
    char path[128];
    bool root = geteuid() == 0;
    unit_ok(keeper_status(w->c, &st, &err), err);
    assert_true(st.missing & PROC_GUARD_UID);
    end(w->keeper_pid, SIGTERM);
    end(w->zygote_pid, SIGTERM);
    if (root) {
        w->keeper_uid = 64001;
        w->zygote_uid = 64002;
        assert_int_equal(chmod(w->dir, 0711), 0);
        assert_int_equal(chmod(w->run, 0711), 0);
        assert_int_equal(chmod(w->keys, 0711), 0);
        (void)snprintf(path, sizeof path, "%s/zygote.sock", w->run);
        assert_int_equal(chmod(path, 0666), 0);
    }
    w->zygote_pid = start_zygote(w);
    w->keeper_pid = start_keeper(w);
    unit_ok(keeper_status(w->c, &st, &err), err);
    assert_true(root == ((st.missing & PROC_GUARD_UID) == 0));
    opens(state);
    rebuilds(state);
}

/* The key goes away: the keeper says so and does not start. */
static void key_lost(void **state)
{
    struct world *w = *state;
    char path[128], aside[128];
    int status = 0;
    struct wh_err err;
    struct keeper_new n;
    (void)snprintf(path, sizeof path, "%s/custody.key", w->keys);
    (void)snprintf(aside, sizeof aside, "%s/aside", w->keys);
    unit_ok(keeper_new(w->c, WH_S("model:1"), &n, &err), err);
    end(w->keeper_pid, SIGTERM);
    assert_int_equal(rename(path, aside), 0);
    w->keeper_pid = start_keeper(w);
    assert_int_equal(waitpid(w->keeper_pid, &status, 0), w->keeper_pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
    assert_int_equal(rename(aside, path), 0);
    w->keeper_pid = start_keeper(w);
    unit_ok(keeper_new(w->c, WH_S("model:1"), &n, &err), err);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(settles),
        T(trails_an_upload),
        T(wrong_use),
        T(scans),
        T(opens),
        T(hosts),
        T(does_not_host),
        T(opens_plain),
        T(xorbs),
        T(rebuilds),
        T(killed),
        T(key_lost),
        T(users_of_their_own),
    };
    return cmocka_run_group_tests_name("keeper/keeper", tests, NULL, NULL);
}
