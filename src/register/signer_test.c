/*
 * signer_test.c - the signer's one rule, its memory, and its process.
 */
#include "base/file.h"
#include "base/unit.h"
#include "register/signer.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LEAVES 20

static char dir[] = "/tmp/wh-signer-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static const char *in_dir(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static int clear(void **state)
{
    (void)state;
    unlink(in_dir("log.key"));
    unlink(in_dir("log.vkey"));
    unlink(in_dir("log.memory"));
    unlink(in_dir("signer.sock"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return rmdir(dir);
}

/* A small tree and its requests. `salt` makes another tree. */
static struct tlog_hash leaf_hash(uint64_t index, uint64_t salt)
{
    struct tlog_hash h;
    uint64_t in[2] = {index, salt};
    tlog_hash_leaf(wh_str_mem(in, sizeof in), &h);
    return h;
}

static bool node(void *ctx, unsigned level, uint64_t index,
                 struct tlog_hash *out, struct wh_err *err)
{
    if (level == 0) {
        *out = leaf_hash(index, *(const uint64_t *)ctx);
        return true;
    }
    struct tlog_hash l, r;
    bool ok = node(ctx, level - 1, 2 * index, &l, err) &&
              node(ctx, level - 1, 2 * index + 1, &r, err);
    tlog_hash_node(&l, &r, out);
    return ok;
}

static struct register_sign_request request(uint64_t from, uint64_t to,
                                            uint64_t salt)
{
    struct register_sign_request rq = {.from = from, .to = to};
    struct tlog_reader reader = {.node = node, .ctx = &salt};
    struct tlog_frontier f;
    struct wh_err err;
    unit_ok(tlog_frontier_read(&reader, to, &f, &err), err);
    tlog_frontier_root(&f, &rq.root);
    unit_ok(tlog_consistency(&reader, from, to, &rq.path, &err), err);
    return rq;
}

static struct register_signer *open_signer(void)
{
    struct register_signer *s = NULL;
    struct wh_err err;
    unit_ok(register_signer_open(dir, &s, &err), err);
    return s;
}

static bool sign(struct register_signing g, struct register_sign_request rq,
                 struct wh_buf *note, struct wh_err *err)
{
    wh_buf_reset(note);
    return g.sign(g.ctx, &rq, note, err);
}

static void signs_what_continues(void **state)
{
    (void)state;
    struct register_signer *s = open_signer();
    struct register_signing g = register_signer_direct(s);
    struct register_signer_state st;
    struct wh_buf note;
    struct wh_err err;
    struct tlog_vkey vk;
    struct tlog_checkpoint cp;
    wh_buf_init(&note, TLOG_NOTE_MAX);
    unit_ok(g.state(g.ctx, &st, &err), err);
    assert_true(st.size == 0);
    unit_ok(tlog_vkey_parse(wh_str_of(st.vkey), &vk, &err), err);
    assert_true(wh_str_starts(wh_str_of(vk.name), WH_S("weighhouse.local/")));
    assert_int_equal(strlen(vk.name), 17 + 16);
    for (uint64_t from = 0; from < LEAVES; from += 3) {
        struct register_sign_request rq = request(from, from + 3, 0);
        unit_ok(sign(g, rq, &note, &err), err);
        unit_ok(tlog_checkpoint_open(wh_buf_str(&note), &vk, &cp, &err), err);
        assert_true(cp.size == from + 3);
        assert_true(tlog_hash_eq(&cp.root, &rq.root));
    }
    wh_buf_done(&note);
    register_signer_close(&s);
}

static void remembers_over_a_restart(void **state)
{
    (void)state;
    struct wh_buf note, again;
    struct wh_err err;
    wh_buf_init(&note, TLOG_NOTE_MAX);
    wh_buf_init(&again, TLOG_NOTE_MAX);
    struct register_signer *s = open_signer();
    unit_ok(sign(register_signer_direct(s), request(0, 5, 0), &note, &err),
            err);
    register_signer_close(&s);

    s = open_signer();
    struct register_signing g = register_signer_direct(s);
    struct register_signer_state st;
    unit_ok(g.state(g.ctx, &st, &err), err);
    assert_true(st.size == 5);
    /* the same again gives the same bytes */
    unit_ok(sign(g, request(5, 5, 0), &again, &err), err);
    assert_true(wh_str_eq(wh_buf_str(&note), wh_buf_str(&again)));
    unit_fails(sign(g, request(0, 4, 0), &again, &err), err, WH_ROLLED_BACK);
    unit_fails(sign(g, request(5, 5, 1), &again, &err), err, WH_CORRUPT);
    unit_fails(sign(g, request(0, 9, 0), &again, &err), err, WH_CONFLICT);
    unit_fails(sign(g, request(5, 9, 1), &again, &err), err, WH_CORRUPT);
    struct register_sign_request rq = request(5, 9, 0);
    rq.path.h[1].b[0] ^= 1;
    unit_fails(sign(g, rq, &again, &err), err, WH_CORRUPT);
    rq = request(5, 9, 0);
    rq.path.n--;
    unit_fails(sign(g, rq, &again, &err), err, WH_CORRUPT);
    /* refusals change nothing */
    unit_ok(sign(g, request(5, 9, 0), &again, &err), err);
    register_signer_close(&s);
    wh_buf_done(&note);
    wh_buf_done(&again);
}

static void nothing_is_signed_for_an_empty_log(void **state)
{
    (void)state;
    struct register_signer *s = open_signer();
    struct wh_buf note;
    struct wh_err err;
    wh_buf_init(&note, TLOG_NOTE_MAX);
    unit_fails(sign(register_signer_direct(s), request(0, 0, 0), &note, &err),
               err, WH_BAD_REQUEST);
    wh_buf_done(&note);
    register_signer_close(&s);
}

static void use_once(void)
{
    struct register_signer *s = open_signer();
    struct wh_buf note;
    struct wh_err err;
    wh_buf_init(&note, TLOG_NOTE_MAX);
    unit_ok(sign(register_signer_direct(s), request(0, 2, 0), &note, &err),
            err);
    wh_buf_done(&note);
    register_signer_close(&s);
}

static void key_and_memory_go_together(void **state)
{
    (void)state;
    struct register_signer *s = NULL;
    struct wh_err err;
    use_once();
    assert_int_equal(unlink(in_dir("log.memory")), 0);
    unit_fails(register_signer_open(dir, &s, &err), err, WH_ROLLED_BACK);
    clear(NULL);
    use_once();
    assert_int_equal(unlink(in_dir("log.key")), 0);
    unit_fails(register_signer_open(dir, &s, &err), err, WH_ROLLED_BACK);
    /* a first start that died before the key was made begins again */
    clear(NULL);
    s = open_signer();
    register_signer_close(&s);
    assert_int_equal(unlink(in_dir("log.key")), 0);
    s = open_signer();
    register_signer_close(&s);
}

static void damaged_memory_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "x", "weighhouse.local/0000000000000000\n1\nAAAA\n",
        "other.log/1\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"};
    use_once();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct register_signer *s = NULL;
        struct wh_err err;
        unit_ok(wh_file_write_atomic(in_dir("log.memory"), wh_str_of(bad[i]),
                                     0600, &err),
                err);
        err = (struct wh_err){0};
        assert_false(register_signer_open(dir, &s, &err));
        assert_null(s);
    }
}

static void secrets_have_secret_modes(void **state)
{
    (void)state;
    struct stat st;
    struct register_signer *s = open_signer();
    register_signer_close(&s);
    assert_int_equal(stat(in_dir("log.key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(in_dir("log.vkey"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_int_equal(chmod(in_dir("log.key"), 0644), 0);
    struct wh_err err;
    unit_fails(register_signer_open(dir, &s, &err), err, WH_FORBIDDEN);
}

/* The signer as a process, asked over its socket. */
static void over_the_socket(void **state)
{
    (void)state;
    struct wh_err err = {0};
    int fd = proc_listen(dir, REGISTER_SIGNER_NAME, 0600, &err);
    assert_true(fd >= 0);
    pid_t pid = fork();
    if (pid == 0) {
        uid_t me = getuid();
        struct register_signer *s = open_signer();
        bool ok = register_signer_serve(s, fd, &me, 1, &err);
        register_signer_close(&s);
        close(fd);
        _exit(ok ? 0 : 1);
    }
    close(fd);
    struct proc_client *c =
        proc_client_new(dir, REGISTER_SIGNER_NAME, 1, 0, &err);
    assert_non_null(c);
    struct register_signing g = register_signer_remote(c);
    struct register_signer_state st;
    struct wh_buf note;
    struct tlog_vkey vk;
    struct tlog_checkpoint cp;
    wh_buf_init(&note, TLOG_NOTE_MAX);
    unit_ok(g.state(g.ctx, &st, &err), err);
    unit_ok(tlog_vkey_parse(wh_str_of(st.vkey), &vk, &err), err);
    unit_ok(sign(g, request(0, 7, 0), &note, &err), err);
    unit_ok(sign(g, request(7, 19, 0), &note, &err), err);
    unit_ok(tlog_checkpoint_open(wh_buf_str(&note), &vk, &cp, &err), err);
    assert_true(cp.size == 19);
    unit_fails(sign(g, request(7, 20, 1), &note, &err), err, WH_CONFLICT);
    unit_ok(g.state(g.ctx, &st, &err), err);
    assert_true(st.size == 19);
    proc_client_free(&c);
    wh_buf_done(&note);
    int status;
    kill(pid, SIGTERM);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(signs_what_continues, clear),
        cmocka_unit_test_teardown(remembers_over_a_restart, clear),
        cmocka_unit_test_teardown(nothing_is_signed_for_an_empty_log, clear),
        cmocka_unit_test_teardown(key_and_memory_go_together, clear),
        cmocka_unit_test_teardown(damaged_memory_is_refused, clear),
        cmocka_unit_test_teardown(secrets_have_secret_modes, clear),
        cmocka_unit_test_teardown(over_the_socket, clear),
    };
    return cmocka_run_group_tests_name("register/signer", tests, setup,
                                       teardown);
}
