/* Unit tests of archives: there and back in both forms, brought up to date, and
 * every kind of damage. */
#include "base/file.h"
#include "base/unit.h"
#include "hub/archive.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

static struct wh_arena A;
static char DIR_[32];
static struct wh_err E;

static int up(void **state)
{
    (void)state;
    E = (struct wh_err){0};
    wh_arena_init(&A, 16 << 20);
    memcpy(DIR_, "/tmp/wh-arch-XXXXXX", sizeof "/tmp/wh-arch-XXXXXX");
    return mkdtemp(DIR_) ? 0 : -1;
}

static int drop(const char *path, const struct stat *st, int kind,
                struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int down(void **state)
{
    (void)state;
    wh_arena_done(&A);
    return nftw(DIR_, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static int memory(const char *text)
{
    int fd = memfd_create("x", MFD_CLOEXEC);
    assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return fd;
}

static bool put(struct hub_archive *ar, const char *name, const char *text,
                bool lasting)
{
    int fd = memory(text);
    bool ok =
        hub_archive_put(ar, wh_str_of(name), fd, strlen(text), lasting, &E);
    close(fd);
    return ok;
}

/* What was taken, as "name=bytes;". */
static bool take(void *ctx, const struct hub_archive_file *f,
                 struct wh_err *err)
{
    struct wh_buf *b = ctx;
    char *p = wh_arena_alloc(&A, (size_t)f->size + 1);
    if (!f->read(f->from, p, (size_t)f->size, err)) {
        return false;
    }
    wh_buf_fmt(b, "%.*s=%s;", WH_FMT(f->name), p);
    return true;
}

static const char *read_folder(const char *path)
{
    struct wh_str summary;
    struct wh_buf b;
    const char *out = NULL;
    wh_buf_init(&b, 1 << 20);
    E = (struct wh_err){0};
    if (hub_archive_read_folder(&A, path, take, &b, &summary, &E)) {
        unit_str(summary, "{}");
        out = wh_arena_cstr(&A, wh_buf_str(&b));
    }
    wh_buf_done(&b);
    return out;
}

static const char *read_stream(struct wh_str bytes)
{
    struct wh_str summary;
    struct wh_buf b;
    const char *out = NULL;
    int fd = memfd_create("x", MFD_CLOEXEC);
    assert_true(write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    wh_buf_init(&b, 1 << 20);
    E = (struct wh_err){0};
    if (hub_archive_read_stream(&A, fd, take, &b, &summary, &E)) {
        assert_int_equal(summary.n, 2); /* the one thing that has no digest */
        out = wh_arena_cstr(&A, wh_buf_str(&b));
    }
    wh_buf_done(&b);
    close(fd);
    return out;
}

static void names(void **state)
{
    static const struct {
        const char *name;
        bool ok;
    } cases[] = {
        {"data/house.db", true}, {"a", true},
        {"a/b-c_D.9", true},     {"", false},
        {"/a", false},           {"a/", false},
        {"a//b", false},         {"..", false},
        {"a/../b", false},       {"./a", false},
        {"a b", false},          {"a\nb", false},
        {"a/.b", true},          {"a\\b", false},
        {"\xc3\xa4", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(hub_archive_name_ok(wh_str_of(cases[i].name)),
                         cases[i].ok);
    }
}

static const char *in(const char *name)
{
    return wh_arena_fmt(&A, "%s/%s", DIR_, name).p;
}

static void folder(void **state)
{
    const char *path = in("b");
    struct hub_archive *ar;
    (void)state;
    assert_true(hub_archive_folder(path, &ar, &E));
    assert_true(put(ar, "data/x/one", "1", true));
    assert_true(put(ar, "data/two", "22", false));
    assert_false(put(ar, "data/two", "22", false));
    assert_int_equal(E.code, WH_CONFLICT);
    assert_false(put(ar, "../two", "22", false));
    assert_null(read_folder(path)); /* not ended */
    assert_int_equal(E.code, WH_CORRUPT);
    assert_int_equal(hub_archive_files(ar), 2);
    assert_int_equal(hub_archive_bytes(ar), 3);
    assert_true(hub_archive_end(ar, WH_S("{}"), &E));
    hub_archive_free(&ar);
    assert_string_equal(read_folder(path), "data/x/one=1;data/two=22;");
}

static void brought_up_to_date(void **state)
{
    const char *path = in("b");
    struct hub_archive *ar;
    struct stat a, b;
    (void)state;
    assert_true(hub_archive_folder(path, &ar, &E));
    assert_true(put(ar, "data/stays", "1", true));
    assert_true(put(ar, "data/deep/goes", "2", true));
    assert_true(put(ar, "data/house.db", "old", false));
    assert_true(hub_archive_end(ar, WH_S("{}"), &E));
    hub_archive_free(&ar);
    assert_int_equal(stat(in("b/data/stays"), &a), 0);
    assert_true(hub_archive_folder(path, &ar, &E));
    assert_null(read_folder(path)); /* until it is whole again */
    assert_true(put(ar, "data/stays", "1", true));
    assert_true(put(ar, "data/new", "3", true));
    assert_true(put(ar, "data/house.db", "new", false));
    assert_true(hub_archive_end(ar, WH_S("{}"), &E));
    hub_archive_free(&ar);
    assert_string_equal(read_folder(path),
                        "data/stays=1;data/new=3;data/house.db=new;");
    assert_int_equal(stat(in("b/data/stays"), &b), 0);
    assert_int_equal(a.st_ino, b.st_ino); /* not written again */
    assert_int_not_equal(access(in("b/data/deep"), F_OK), 0);
    /* what must not change, and did, is no silent copy */
    assert_true(hub_archive_folder(path, &ar, &E));
    assert_false(put(ar, "data/stays", "9", true));
    assert_int_equal(E.code, WH_CORRUPT);
    hub_archive_free(&ar);
}

static void other_folders(void **state)
{
    struct hub_archive *ar;
    (void)state;
    assert_int_equal(mkdir(in("b"), 0700), 0);
    assert_true(wh_file_write_atomic(in("b/letter"), WH_S("x"), 0600, &E));
    assert_false(hub_archive_folder(in("b"), &ar, &E));
    assert_int_equal(E.code, WH_CONFLICT);
}

static void damaged_folder(void **state)
{
    const char *path = in("b");
    struct hub_archive *ar;
    (void)state;
    assert_true(hub_archive_folder(path, &ar, &E));
    assert_true(put(ar, "data/one", "1", true));
    assert_true(hub_archive_end(ar, WH_S("{}"), &E));
    hub_archive_free(&ar);
    assert_true(wh_file_write_atomic(in("b/data/one"), WH_S("2"), 0600, &E));
    assert_null(read_folder(path));
    assert_int_equal(E.code, WH_CORRUPT);
    assert_int_equal(unlink(in("b/data/one")), 0);
    assert_null(read_folder(path));
    assert_int_equal(E.code, WH_CORRUPT);
}

static struct wh_str make_stream(void)
{
    int fd = memfd_create("x", MFD_CLOEXEC);
    struct hub_archive *ar = hub_archive_stream(fd);
    struct stat st;
    char *p;
    assert_true(put(ar, "data/one", "1", true));
    assert_true(put(ar, "data/none", "", true));
    assert_true(hub_archive_end(ar, WH_S("{}"), &E));
    hub_archive_free(&ar);
    assert_int_equal(fstat(fd, &st), 0);
    p = wh_arena_alloc(&A, (size_t)st.st_size);
    assert_true(pread(fd, p, (size_t)st.st_size, 0) == st.st_size);
    close(fd);
    return wh_str_mem(p, (size_t)st.st_size);
}

/* Every byte that counts: changed, it is refused or was padding; cut anywhere
 * before the end, it is refused. */
static void damaged_stream(void **state)
{
    struct wh_str good = make_stream();
    char *copy = wh_arena_alloc(&A, good.n);
    size_t passed = 0;
    (void)state;
    assert_string_equal(read_stream(good), "data/one=1;data/none=;");
    for (size_t i = 0; i < good.n; i++) {
        memcpy(copy, good.p, good.n);
        copy[i] = (char)(copy[i] ^ 1);
        const char *said = read_stream(wh_str_mem(copy, good.n));
        passed += said != NULL;
        if (said) {
            assert_string_equal(said, "data/one=1;data/none=;");
        } else {
            assert_int_not_equal(E.code, WH_NONE);
        }
    }
    assert_true(passed < good.n); /* padding, and what backup.json says */
    for (size_t n = 0; n + 1024 < good.n; n += 64) {
        assert_null(read_stream(wh_str_sub(good, 0, n)));
        assert_int_equal(E.code, WH_CORRUPT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, up, down)
        T(names),         T(folder),         T(brought_up_to_date),
        T(other_folders), T(damaged_folder), T(damaged_stream),
    };
    return cmocka_run_group_tests_name("hub/archive", tests, NULL, NULL);
}
