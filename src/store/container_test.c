/* Containers: what is written is read, in any pieces; any damage is noticed. */
#include "store/container.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define R STORE_CONTAINER_RECORD
/* printed by tests/fuzz/make_store_container.py */
#define VECTOR \
    "f1b35fa1d14f69e1df17042ba4127d9746c5ec8bfa1b781ff7816e40a668f719"

static const uint8_t id[STORE_CONTAINER_ID] = {0, 1, 2,  3,  4,  5,  6,  7,
                                               8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t key[STORE_CONTAINER_KEY] = {
    0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a,
    0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95,
    0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f};

/* Plaintext that differs everywhere. */
static void fill(uint8_t *p, size_t n)
{
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        p[i] = (uint8_t)x;
    }
}

/* A container of n bytes in a memory file, appended in pieces of `step`. */
static int make(const uint8_t *p, size_t n, size_t step, bool flush)
{
    struct wh_err err;
    int fd = memfd_create("container", MFD_CLOEXEC);
    struct store_container_writer *w = store_container_writer_new(fd, id, key);
    for (size_t at = 0; at < n; at += step) {
        size_t k = n - at < step ? n - at : step;
        unit_ok(store_container_append(w, wh_str_mem(p + at, k), &err), err);
        if (flush) {
            unit_ok(store_container_flush(w, &err), err);
        }
    }
    assert_int_equal(store_container_length(w), n);
    unit_ok(store_container_finish(w, &err), err);
    store_container_writer_free(&w);
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, store_container_disk_size(n));
    return fd;
}

static const size_t sizes[] = {
    0,      1,          4095,         R - 1,   R,           R + 1,
    16 * R, 16 * R + 1, 255 * R + 77, 256 * R, 256 * R + 1, 270 * R + 4097};

/* Whatever the pieces it is appended in, the file is the same. */
static void same_bytes_whatever_the_pieces(void **state)
{
    (void)state;
    size_t most = 270 * R + 4097;
    uint8_t *p = wh_alloc(most);
    fill(p, most);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t n = sizes[i], disk = (size_t)store_container_disk_size(n);
        const size_t steps[] = {R, 1000003, 77777, 4 * R};
        uint8_t *a = wh_alloc(disk), *b = wh_alloc(disk);
        struct wh_err err;
        int fd = make(p, n, 5 * R + 3, false);
        unit_ok(wh_fd_pread(fd, 0, a, disk, &err), err);
        close(fd);
        for (size_t s = 0; s < 4; s++) {
            fd = make(p, n, steps[s], s % 2 == 0);
            unit_ok(wh_fd_pread(fd, 0, b, disk, &err), err);
            close(fd);
            assert_memory_equal(a, b, disk);
        }
        wh_free(a);
        wh_free(b);
    }
    wh_free(p);
}

static void any_range(void **state)
{
    (void)state;
    struct wh_err err;
    size_t n = 270 * R + 4097;
    uint8_t *p = wh_alloc(n), *q = wh_alloc(n);
    fill(p, n);
    struct store_container *c =
        store_container_open(make(p, n, n, false), id, key, &err);
    assert_non_null(c);
    const struct wh_src *src = store_container_src(c);
    assert_int_equal(src->size, n);
    static const struct {
        size_t off, n;
    } ranges[] = {{0, 1},           {0, 270 * R + 4097}, {R - 1, 2},
                  {R, R},           {5, 40 * R},         {250 * R, 12 * R},
                  {256 * R - 1, 2}, {270 * R, 4097},     {270 * R + 4096, 1},
                  {100 * R, 0}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        memset(q, 0, n);
        unit_ok(wh_src_read(src, ranges[i].off, q, ranges[i].n, &err), err);
        assert_memory_equal(q, p + ranges[i].off, ranges[i].n);
    }
    srandom(7);
    for (int i = 0; i < 300; i++) {
        size_t off = (size_t)random() % n;
        size_t k = (size_t)random() % (i % 2 ? 3 * R : 5000);
        k = k < n - off ? k : n - off;
        unit_ok(wh_src_read(src, off, q, k, &err), err);
        assert_memory_equal(q, p + off, k);
    }
    unit_fails(wh_src_read(src, n, q, 1, &err), err, WH_BAD_RANGE);
    store_container_close(&c);
    store_container_close(&c);
    wh_free(p);
    wh_free(q);
}

/* Collects what a follower gives. */
static bool collect(void *ctx, struct wh_str bytes, struct wh_err *err)
{
    (void)err;
    wh_buf_add(ctx, bytes);
    return true;
}

static void trails_the_writer(void **state)
{
    (void)state;
    struct wh_err err;
    size_t n = 260 * R + 5;
    uint8_t *p = wh_alloc(n);
    fill(p, n);
    struct wh_buf got;
    wh_buf_init(&got, n);
    int fd = memfd_create("container", MFD_CLOEXEC);
    struct store_container_writer *w = store_container_writer_new(fd, id, key);
    unit_ok(store_container_flush(w, &err), err);
    struct store_container_follower *f =
        store_container_follow(dup(fd), id, key, &err);
    assert_non_null(f);
    for (size_t at = 0; at < n; at += 300000) {
        size_t k = n - at < 300000 ? n - at : 300000;
        unit_ok(store_container_append(w, wh_str_mem(p + at, k), &err), err);
        if (at % 900000 == 0) {
            unit_ok(store_container_flush(w, &err), err);
        }
        uint64_t ready = store_container_ready(w);
        unit_ok(store_container_follow_to(f, ready, collect, &got, &err), err);
        assert_int_equal(got.n, ready);
    }
    uint64_t length = 0;
    unit_fails(store_container_follow_end(f, collect, &got, &length, &err), err,
               WH_CORRUPT);
    unit_ok(store_container_finish(w, &err), err);
    unit_ok(store_container_follow_end(f, collect, &got, &length, &err), err);
    assert_int_equal(length, n);
    assert_int_equal(got.n, n);
    assert_memory_equal(got.p, p, n);
    store_container_follower_free(&f);
    store_container_writer_free(&w);
    close(fd);
    wh_buf_done(&got);
    wh_free(p);
}

static bool ignore(void *ctx, struct wh_str bytes, struct wh_err *err)
{
    (void)ctx;
    (void)bytes;
    (void)err;
    return true;
}

/* Both ways of reading must refuse; what was refused is WH_CORRUPT. */
static bool read_all(int fd, const uint8_t *cid, const uint8_t *ckey)
{
    struct wh_err err = {0};
    uint8_t *buf = wh_alloc(4 * R);
    bool ranges = false, whole = false;
    struct store_container *c = store_container_open(dup(fd), cid, ckey, &err);
    if (c) {
        ranges = wh_src_read(store_container_src(c), 0, buf,
                             (size_t)store_container_src(c)->size, &err);
    }
    assert_true(ranges || err.code == WH_CORRUPT);
    store_container_close(&c);
    err = (struct wh_err){0};
    uint64_t length;
    struct store_container_follower *f =
        store_container_follow(dup(fd), cid, ckey, &err);
    whole = f && store_container_follow_end(f, ignore, NULL, &length, &err);
    assert_true(whole || err.code == WH_CORRUPT);
    assert_true(whole == ranges);
    store_container_follower_free(&f);
    wh_free(buf);
    return whole;
}

/* Every byte of a small container, and every bit of a few. */
static void every_flipped_byte(void **state)
{
    (void)state;
    uint8_t p[1000];
    struct wh_err err;
    fill(p, sizeof p);
    int fd = make(p, sizeof p, sizeof p, false);
    size_t disk = (size_t)store_container_disk_size(sizeof p);
    assert_true(read_all(fd, id, key));
    for (size_t i = 0; i < disk; i++) {
        uint8_t was, now;
        unit_ok(wh_fd_pread(fd, i, &was, 1, &err), err);
        now = was ^ (uint8_t)(1u << (i % 8));
        unit_ok(wh_fd_pwrite(fd, i, &now, 1, &err), err);
        assert_false(read_all(fd, id, key));
        unit_ok(wh_fd_pwrite(fd, i, &was, 1, &err), err);
    }
    assert_true(read_all(fd, id, key));
    close(fd);
}

static void every_truncation(void **state)
{
    (void)state;
    uint8_t p[300];
    struct wh_err err;
    fill(p, sizeof p);
    int fd = make(p, sizeof p, sizeof p, false);
    size_t disk = (size_t)store_container_disk_size(sizeof p);
    uint8_t *bytes = wh_alloc(disk + 1);
    unit_ok(wh_fd_pread(fd, 0, bytes, disk, &err), err);
    assert_int_equal(ftruncate(fd, (off_t)disk + 1), 0);
    assert_false(read_all(fd, id, key));
    for (size_t n = disk; n-- > 0;) {
        assert_int_equal(ftruncate(fd, (off_t)n), 0);
        assert_false(read_all(fd, id, key));
    }
    wh_free(bytes);
    close(fd);
}

/* Swap n bytes at a and b. */
static void swap(int fd, uint64_t a, uint64_t b, size_t n)
{
    struct wh_err err;
    uint8_t *x = wh_alloc(n), *y = wh_alloc(n);
    unit_ok(wh_fd_pread(fd, a, x, n, &err), err);
    unit_ok(wh_fd_pread(fd, b, y, n, &err), err);
    unit_ok(wh_fd_pwrite(fd, a, y, n, &err), err);
    unit_ok(wh_fd_pwrite(fd, b, x, n, &err), err);
    wh_free(x);
    wh_free(y);
}

static void moved_records(void **state)
{
    (void)state;
    struct wh_err err;
    uint8_t *p = wh_alloc(3 * R);
    fill(p, 3 * R);
    int fd = make(p, 3 * R, R, false);
    assert_true(read_all(fd, id, key));
    /* two records with their tags change places */
    swap(fd, 8192, 8192 + R, R);
    assert_false(read_all(fd, id, key));
    swap(fd, 4096, 4096 + 16, 16);
    assert_false(read_all(fd, id, key));
    swap(fd, 8192, 8192 + R, R);
    swap(fd, 4096, 4096 + 16, 16);
    assert_true(read_all(fd, id, key));
    /* another id, another key */
    uint8_t other[STORE_CONTAINER_KEY] = {1};
    assert_false(read_all(fd, other, key));
    assert_false(read_all(fd, id, other));
    /* the trailer of a shorter container of the same id and key, in place */
    int fd2 = make(p, 2 * R, R, false);
    uint8_t t[64];
    unit_ok(
        wh_fd_pread(fd2, store_container_disk_size(2 * R) - 64, t, 64, &err),
        err);
    unit_ok(
        wh_fd_pwrite(fd, store_container_disk_size(3 * R) - 64, t, 64, &err),
        err);
    assert_false(read_all(fd, id, key));
    /* and with the file cut to fit it: the third record's tag is left over */
    assert_int_equal(ftruncate(fd, (off_t)(8192 + 2 * R)), 0);
    unit_ok(wh_fd_pwrite(fd, 8192 + 2 * R, t, 64, &err), err);
    assert_false(read_all(fd, id, key));
    close(fd);
    close(fd2);
    wh_free(p);
}

/* The digest of a whole file, made by an independent program; its plaintext is
 * i * 7 + i / 4096, one byte each. */
static void vector(void **state)
{
    (void)state;
    struct wh_err err;
    size_t n = 2 * R + 1000, disk = (size_t)store_container_disk_size(n);
    uint8_t *p = wh_alloc(n), *q = wh_alloc(disk);
    char hex[WH_SHA256_HEX + 1];
    for (size_t i = 0; i < n; i++) {
        p[i] = (uint8_t)(i * 7 + i / 4096);
    }
    int fd = make(p, n, 12345, false);
    unit_ok(wh_fd_pread(fd, 0, q, disk, &err), err);
    wh_sha256_hex_of(wh_str_mem(q, disk), hex);
    assert_string_equal(hex, VECTOR);
    close(fd);
    wh_free(p);
    wh_free(q);
}

/* ---- files ---- */

static unsigned count_files(const char *dir)
{
    char path[600];
    unsigned n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] == '.') {
            continue;
        }
        n += e->d_type == DT_DIR ? count_files(path) : 1;
    }
    closedir(d);
    return n;
}

static void files(void **state)
{
    (void)state;
    char dir[] = "/tmp/wh-container-XXXXXX", path[128];
    struct wh_err err;
    struct store_container_file f, g;
    unsigned gone = 99;
    assert_non_null(mkdtemp(dir));
    int root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    unit_ok(store_container_create(root, id, &f, &err), err);
    struct store_container_writer *w =
        store_container_writer_new(f.fd, id, key);
    unit_ok(store_container_append(w, WH_S("content"), &err), err);
    unit_ok(store_container_finish(w, &err), err);
    store_container_writer_free(&w);
    assert_int_equal(count_files(dir), 0); /* a crash here leaves nothing */
    int again = store_container_reopen(&f, &err);
    assert_true(again >= 0);
    assert_int_equal(write(again, "x", 1), -1);
    assert_true(read_all(again, id, key));
    close(again);
    unit_fails(store_container_open_file(root, id, &err) >= 0, err,
               WH_NOT_FOUND);
    unit_ok(store_container_link(&f, &err), err);
    store_container_drop(&f);
    assert_int_equal(count_files(dir), 1);
    int fd = store_container_open_file(root, id, &err);
    assert_true(fd >= 0);
    assert_true(read_all(fd, id, key));
    close(fd);
    /* the same id a second time */
    unit_ok(store_container_create(root, id, &g, &err), err);
    unit_fails(store_container_link(&g, &err), err, WH_CONFLICT);
    store_container_drop(&g);
    unit_ok(store_container_remove(root, id, &err), err);
    unit_ok(store_container_remove(root, id, &err), err);
    assert_int_equal(count_files(dir), 0);
    /* leftovers of a file system without unnamed files */
    (void)snprintf(path, sizeof path,
                   "%s/00/000102030405060708090a0b0c0d0e0f.part", dir);
    unit_ok(wh_file_write_atomic(path, WH_S("half"), 0600, &err), err);
    unit_ok(store_container_clean(root, &gone, &err), err);
    assert_int_equal(gone, 1);
    (void)snprintf(path, sizeof path, "%s/00", dir);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(dir), 0);
    close(root);
}

static void joined(void **state)
{
    (void)state;
    struct wh_arena a;
    struct wh_err err;
    struct wh_src parts[5], all;
    uint8_t p[1000], q[1000];
    wh_arena_init(&a, 1 << 16);
    fill(p, sizeof p);
    const size_t cut[6] = {0, 0, 10, 10, 999, 1000};
    for (size_t i = 0; i < 5; i++) {
        parts[i] = wh_src_mem(p + cut[i], cut[i + 1] - cut[i]);
    }
    unit_ok(store_joined_src(&a, parts, 5, &all, &err), err);
    assert_int_equal(all.size, 1000);
    for (size_t off = 0; off <= 1000; off += 9) {
        for (size_t n = 0; n <= 1000 - off; n += 13) {
            unit_ok(wh_src_read(&all, off, q, n, &err), err);
            assert_memory_equal(q, p + off, n);
        }
    }
    unit_ok(store_joined_src(&a, parts, 0, &all, &err), err);
    assert_int_equal(all.size, 0);
    parts[0].size = UINT64_MAX;
    unit_fails(store_joined_src(&a, parts, 5, &all, &err), err, WH_TOO_LARGE);
    wh_arena_done(&a);
}

static void names(void **state)
{
    (void)state;
    char name[STORE_CONTAINER_NAME];
    uint8_t back[STORE_CONTAINER_ID];
    store_container_name(id, name);
    assert_string_equal(name, "000102030405060708090a0b0c0d0e0f");
    assert_true(store_container_id(wh_str_of(name), back));
    assert_memory_equal(id, back, sizeof id);
    assert_false(store_container_id(WH_S("../../etc/passwd"), back));
    assert_false(
        store_container_id(WH_S("000102030405060708090A0B0C0D0E0F"), back));
    assert_true(store_container_sealed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_whatever_the_pieces),
        cmocka_unit_test(any_range),
        cmocka_unit_test(trails_the_writer),
        cmocka_unit_test(every_flipped_byte),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(moved_records),
        cmocka_unit_test(vector),
        cmocka_unit_test(files),
        cmocka_unit_test(joined),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests_name("store/container", tests, NULL, NULL);
}
