/* The ledger: every line survives, any change to one is found, a line that a
 * crash cut is taken away. */
#include "keeper/ledger.h"

#include "base/file.h"
#include "base/log.h"
#include "base/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char pattern[] = "/tmp/wh-ledger-XXXXXX";
static char dir[sizeof pattern], path[64];
static const struct keeper_keys_set keys = {.ledger = {7}};

static int up(void **state)
{
    (void)state;
    memcpy(dir, pattern, sizeof dir);
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/ledger", dir);
    wh_log_level(WH_ERROR);
    return 0;
}

static int down(void **state)
{
    (void)state;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
    return 0;
}

static struct keeper_ledger *open_ok(uint64_t want_n, uint64_t want_cp)
{
    struct wh_err err = {0};
    uint64_t n = 99, cp = 99;
    char head[65];
    struct keeper_ledger *l = keeper_ledger_open(path, &keys, &cp, &err);
    if (!l) {
        print_error("%s %s\n", err.msg, err.detail);
    }
    assert_non_null(l);
    keeper_ledger_head(l, &n, head);
    assert_int_equal(n, want_n);
    assert_int_equal(cp, want_cp);
    return l;
}

static void append(struct keeper_ledger *l, int checkpoint)
{
    struct wh_err err;
    json_t *e = json_pack("{s:s,s:i}", "op", "open", "checkpoint", checkpoint);
    unit_ok(keeper_ledger_append(l, e, &err), err);
}

static void fill(int n)
{
    struct keeper_ledger *l = open_ok(0, 0);
    for (int i = 0; i < n; i++) {
        append(l, i);
    }
    keeper_ledger_close(&l);
}

static void goes_on(void **state)
{
    (void)state;
    struct keeper_ledger *l;
    fill(300);
    l = open_ok(300, 299);
    append(l, 5);
    keeper_ledger_close(&l);
    l = open_ok(301, 299);
    keeper_ledger_close(&l);
    keeper_ledger_close(&l);
}

static void any_change_is_found(void **state)
{
    (void)state;
    struct wh_err err = {0};
    uint64_t cp;
    struct stat st;
    fill(3);
    assert_int_equal(stat(path, &st), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    for (off_t i = 0; i < st.st_size; i++) {
        char was, now;
        assert_int_equal(pread(fd, &was, 1, i), 1);
        now = (char)(was ^ 1);
        assert_int_equal(pwrite(fd, &now, 1, i), 1);
        struct keeper_ledger *l = keeper_ledger_open(path, &keys, &cp, &err);
        if (i == st.st_size - 1) {
            assert_non_null(l); /* a last line without its end: was cut */
            keeper_ledger_close(&l);
            break;
        }
        assert_null(l);
        assert_int_equal(err.code, WH_CORRUPT);
        assert_int_equal(pwrite(fd, &was, 1, i), 1);
    }
    close(fd);
    struct keeper_ledger *l = open_ok(2, 1);
    keeper_ledger_close(&l);
}

/* Lines of the file into an arena. */
static size_t lines_of(struct wh_arena *a, struct wh_str out[8])
{
    struct wh_err err;
    struct wh_str text, line;
    size_t n = 0;
    unit_ok(wh_file_read(a, path, 1 << 16, &text, &err), err);
    while (wh_str_cut(&text, '\n', &line)) {
        out[n++] = line;
    }
    return n;
}

static void write_lines(struct wh_arena *a, const struct wh_str *lines,
                        const size_t *order, size_t n)
{
    struct wh_err err;
    struct wh_buf b;
    (void)a;
    wh_buf_init(&b, 1 << 16);
    for (size_t i = 0; i < n; i++) {
        wh_buf_add(&b, lines[order[i]]);
        wh_buf_char(&b, '\n');
    }
    unit_ok(wh_file_write_atomic(path, wh_buf_str(&b), 0600, &err), err);
    wh_buf_done(&b);
}

static void order_counts(void **state)
{
    (void)state;
    struct wh_err err = {0};
    struct wh_arena a;
    struct wh_str lines[8] = {0};
    uint64_t cp;
    fill(4);
    wh_arena_init(&a, 1 << 20);
    assert_int_equal(lines_of(&a, lines), 4);
    static const size_t wrong[][4] = {
        {1, 0, 2, 3}, {0, 2, 1, 3}, {0, 0, 1, 2}, {0, 1, 3, 3}, {1, 2, 3, 3}};
    for (size_t i = 0; i < 5; i++) {
        write_lines(&a, lines, wrong[i], 4);
        assert_null(keeper_ledger_open(path, &keys, &cp, &err));
        assert_int_equal(err.code, WH_CORRUPT);
    }
    static const size_t gap[] = {0, 1, 3};
    write_lines(&a, lines, gap, 3);
    assert_null(keeper_ledger_open(path, &keys, &cp, &err));
    static const size_t right[] = {0, 1, 2, 3};
    write_lines(&a, lines, right, 4);
    struct keeper_ledger *l = open_ok(4, 3);
    keeper_ledger_close(&l);
    /* another key */
    struct keeper_keys_set other = {.ledger = {8}};
    assert_null(keeper_ledger_open(path, &other, &cp, &err));
    wh_arena_done(&a);
}

static void cut_lines_are_removed(void **state)
{
    (void)state;
    struct stat st;
    fill(2);
    assert_int_equal(stat(path, &st), 0);
    off_t whole = st.st_size;
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "{\"half", 6), 6);
    close(fd);
    struct keeper_ledger *l = open_ok(2, 1);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, whole);
    append(l, 9);
    keeper_ledger_close(&l);
    l = open_ok(3, 9);
    keeper_ledger_close(&l);
}

static void *append_many(void *l)
{
    for (int i = 0; i < 40; i++) {
        append(l, 1);
    }
    return NULL;
}

static void threads(void **state)
{
    (void)state;
    struct keeper_ledger *l = open_ok(0, 0);
    pthread_t t[4];
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&t[i], NULL, append_many, l), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(t[i], NULL), 0);
    }
    keeper_ledger_close(&l);
    l = open_ok(160, 1);
    keeper_ledger_close(&l);
}

static void too_long(void **state)
{
    (void)state;
    struct wh_err err;
    struct keeper_ledger *l = open_ok(0, 0);
    char big[KEEPER_LEDGER_LINE + 1];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    unit_fails(keeper_ledger_append(l, json_pack("{s:s}", "op", big), &err),
               err, WH_TOO_LARGE);
    append(l, 1);
    keeper_ledger_close(&l);
    l = open_ok(1, 1);
    keeper_ledger_close(&l);
}

static void tell(struct keeper_ledger *l, int entry, const char *digest)
{
    struct wh_err err;
    json_t *e = json_pack("{s:s,s:i,s:[s]}", "op", "lines", "entry", entry,
                          "lines", digest);
    unit_ok(keeper_ledger_append(l, e, &err), err);
}

/* The newest entry counts, and holds over a restart. */
static void lines_are_remembered(void **state)
{
    (void)state;
    char one[WH_SHA256_HEX + 1], two[WH_SHA256_HEX + 1];
    struct keeper_ledger_told told;
    wh_sha256_hex_of(WH_S("one"), one);
    wh_sha256_hex_of(WH_S("two"), two);
    struct keeper_ledger *l = open_ok(0, 0);
    keeper_ledger_lines(l, &told);
    assert_int_equal(told.entry, -1);
    tell(l, 7, two);
    append(l, 1);
    tell(l, 3, one);
    keeper_ledger_close(&l);
    l = open_ok(3, 1);
    keeper_ledger_lines(l, &told);
    assert_int_equal(told.entry, 7);
    assert_int_equal(told.n, 1);
    assert_string_equal(told.digests[0], two);
    keeper_ledger_close(&l);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(goes_on),
        T(any_change_is_found),
        T(order_counts),
        T(threads),
        T(cut_lines_are_removed),
        T(too_long),
        T(lines_are_remembered),
    };
    return cmocka_run_group_tests_name("keeper/ledger", tests, NULL, NULL);
}
