/*
 * Containers: places in the file, sealing of single records, and the life of
 * the file itself. Writer and readers are files of their own.
 */
#include "store/container.h"

#include "base/arena.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/rd.h"
#include "store/container_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define GROUP_BYTES (PAGE + (uint64_t)GROUP * RECORD)
#define PATH_ROOM 64

#ifdef WH_UNSEALED
#ifndef WH_TEST_BUILD
#error "containers can be unsealed in a test build only"
#endif
static const char magic[8] = {'W', 'H', 'C', 'L', 'E', 'A', 'R', '1'};
#else
static const char magic[8] = {'W', 'H', 'S', 'E', 'A', 'L', '1', '\n'};
#endif

bool store_container_sealed(void)
{
#ifdef WH_UNSEALED
    return false;
#else
    return true;
#endif
}

void store_container_name(const uint8_t id[STORE_CONTAINER_ID],
                          char out[STORE_CONTAINER_NAME])
{
    wh_hex_enc(id, STORE_CONTAINER_ID, out);
}

bool store_container_id(struct wh_str name, uint8_t out[STORE_CONTAINER_ID])
{
    return wh_hex_dec(name, out, STORE_CONTAINER_ID, false);
}

/* ---- places ---- */

uint64_t store_container_record_at(uint64_t r)
{
    return PAGE + r / GROUP * GROUP_BYTES + PAGE + r % GROUP * RECORD;
}

uint64_t store_container_tag_at(uint64_t r)
{
    return PAGE + r / GROUP * GROUP_BYTES + r % GROUP * TAG;
}

uint64_t store_container_count(uint64_t length)
{
    return length / RECORD + (length % RECORD != 0);
}

size_t store_container_record_size(uint64_t length, uint64_t r)
{
    uint64_t left = length - r * RECORD;
    return left < RECORD ? (size_t)left : RECORD;
}

uint64_t store_container_end_at(uint64_t length)
{
    if (length == 0) {
        return PAGE;
    }
    uint64_t last = store_container_count(length) - 1;
    return store_container_record_at(last) +
           store_container_record_size(length, last);
}

uint64_t store_container_disk_size(uint64_t length)
{
    return store_container_end_at(length) + TRAILER;
}

/* ---- sealing ---- */

void store_sealer_init(struct store_sealer *s,
                       const uint8_t id[STORE_CONTAINER_ID],
                       const uint8_t key[STORE_CONTAINER_KEY])
{
    memcpy(s->id, id, sizeof s->id);
    s->aead = crypto_aead_new(key);
}

void store_sealer_done(struct store_sealer *s)
{
    crypto_aead_free(&s->aead);
}

#ifdef WH_UNSEALED

void store_sealer_seal(struct store_sealer *s, uint64_t number, const void *in,
                       size_t n, void *out, uint8_t tag[TAG])
{
    (void)s;
    (void)number;
    memmove(out, in, n);
    memset(tag, 0, TAG);
}

bool store_sealer_open(struct store_sealer *s, uint64_t number, void *bytes,
                       size_t n, const uint8_t tag[TAG], struct wh_err *err)
{
    static const uint8_t zero[TAG];
    (void)s;
    (void)number;
    (void)bytes;
    (void)n;
    return memcmp(tag, zero, TAG) == 0 || wh_fail(err, WH_CORRUPT, "");
}

#else

static void put_u64be(uint8_t *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--) {
        p[i] = (uint8_t)v;
        v >>= 8;
    }
}

struct names {
    uint8_t iv[CRYPTO_AEAD_IV];
    uint8_t aad[4 + STORE_CONTAINER_ID + 8];
};

static struct names names_of(const struct store_sealer *s, uint64_t number)
{
    struct names n = {.iv = {0}, .aad = {'W', 'H', 'C', '1'}};
    put_u64be(n.iv + 4, number);
    memcpy(n.aad + 4, s->id, sizeof s->id);
    put_u64be(n.aad + 4 + sizeof s->id, number);
    return n;
}

void store_sealer_seal(struct store_sealer *s, uint64_t number, const void *in,
                       size_t n, void *out, uint8_t tag[TAG])
{
    struct names nm = names_of(s, number);
    crypto_aead_seal(s->aead, nm.iv, wh_str_mem(nm.aad, sizeof nm.aad), in, n,
                     out, tag);
}

bool store_sealer_open(struct store_sealer *s, uint64_t number, void *bytes,
                       size_t n, const uint8_t tag[TAG], struct wh_err *err)
{
    struct names nm = names_of(s, number);
    return crypto_aead_open(s->aead, nm.iv, wh_str_mem(nm.aad, sizeof nm.aad),
                            bytes, n, tag, bytes) ||
           wh_fail(err, WH_CORRUPT, "");
}

#endif

void store_container_header(const uint8_t id[STORE_CONTAINER_ID],
                            uint8_t out[PAGE])
{
    memset(out, 0, PAGE);
    memcpy(out, magic, sizeof magic);
    out[10] = RECORD >> 16; /* u32le 65536 at 8 */
    memcpy(out + 16, id, STORE_CONTAINER_ID);
}

bool store_container_check_header(int fd, const uint8_t id[STORE_CONTAINER_ID],
                                  struct wh_err *err)
{
    uint8_t want[PAGE], got[PAGE];
    store_container_header(id, want);
    if (!wh_fd_pread(fd, 0, got, PAGE, err)) {
        return false;
    }
    return memcmp(want, got, PAGE) == 0 || wh_fail(err, WH_CORRUPT, "");
}

bool store_trailer_read(int fd, struct store_sealer *s,
                        struct store_trailer *out, struct wh_err *err)
{
    struct stat st;
    uint8_t t[TRAILER];
    if (fstat(fd, &st) != 0) {
        return wh_fail_errno(err, WH_IO, "look at a container");
    }
    if (st.st_size < (off_t)(PAGE + TRAILER)) {
        return wh_fail(err, WH_CORRUPT, "");
    }
    uint64_t size = (uint64_t)st.st_size;
    if (!wh_fd_pread(fd, size - TRAILER, t, TRAILER, err) ||
        !store_sealer_open(s, TRAILER_NUMBER, t, TRAILER_PLAIN,
                           t + TRAILER_PLAIN, err)) {
        return false;
    }
    struct wh_rd r;
    wh_rd_init(&r, t, TRAILER_PLAIN);
    out->count = wh_rd_u64le(&r);
    out->length = wh_rd_u64le(&r);
    wh_rd_copy(&r, out->digest, sizeof out->digest);
    if (out->length > STORE_CONTAINER_MAX ||
        out->count != store_container_count(out->length) ||
        store_container_disk_size(out->length) != size) {
        return wh_fail(err, WH_CORRUPT, "");
    }
    return true;
}

bool store_container_check_unused(int fd, uint64_t count, struct wh_err *err)
{
    static const uint8_t zero[PAGE];
    uint8_t got[PAGE];
    size_t used = count % GROUP * TAG;
    if (used == 0) {
        return true;
    }
    if (!wh_fd_pread(fd, store_container_tag_at(count - 1) + TAG, got,
                     PAGE - used, err)) {
        return false;
    }
    return memcmp(got, zero, PAGE - used) == 0 || wh_fail(err, WH_CORRUPT, "");
}

bool store_container_load(int fd, struct store_sealer *s, uint64_t r,
                          uint64_t n, uint64_t length, uint8_t *buf,
                          uint8_t tags[BATCH * TAG], struct wh_err *err)
{
    wh_assert(n > 0 && n <= BATCH && r / GROUP == (r + n - 1) / GROUP);
    size_t bytes = (size_t)(n - 1) * RECORD +
                   store_container_record_size(length, r + n - 1);
    if (!wh_fd_pread(fd, store_container_tag_at(r), tags, (size_t)n * TAG,
                     err) ||
        !wh_fd_pread(fd, store_container_record_at(r), buf, bytes, err)) {
        return false;
    }
    for (uint64_t i = 0; i < n; i++) {
        size_t size = store_container_record_size(length, r + i);
        if (!store_sealer_open(s, r + i, buf + i * RECORD, size, tags + i * TAG,
                               err)) {
            return false;
        }
    }
    return true;
}

/* ---- files ---- */

/* "ab/abcdef..." with a suffix; `folder` cuts it after the first two digits. */
static void path_of(const uint8_t id[STORE_CONTAINER_ID], const char *suffix,
                    char folder[3], char out[PATH_ROOM])
{
    char name[STORE_CONTAINER_NAME];
    store_container_name(id, name);
    memcpy(folder, name, 2);
    folder[2] = '\0';
    (void)snprintf(out, PATH_ROOM, "%s/%s%s", folder, name, suffix);
}

static bool sync_folder(int root, const char *folder, struct wh_err *err)
{
    int fd = openat(root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok) {
        wh_fail_errno(err, WH_IO, "sync a folder of containers");
    }
    wh_fd_close(&fd);
    return ok;
}

static bool make_folder(int root, const char *folder, struct wh_err *err)
{
    if (mkdirat(root, folder, 0700) == 0) {
        return sync_folder(root, ".", err);
    }
    return errno == EEXIST ||
           wh_fail_errno(err, WH_IO, "make a folder of containers");
}

bool store_container_create(int root, const uint8_t id[STORE_CONTAINER_ID],
                            struct store_container_file *out,
                            struct wh_err *err)
{
    char folder[3], path[PATH_ROOM];
    struct store_container_file f = {.root = root};
    memcpy(f.id, id, sizeof f.id);
    path_of(id, ".part", folder, path);
    out->fd = -1;
    if (!make_folder(root, folder, err)) {
        return false;
    }
    f.fd = openat(root, folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (f.fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        f.named = true;
        f.fd = openat(root, path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    }
    if (f.fd < 0) {
        return wh_fail_errno(err, WH_IO, "make a container");
    }
    *out = f;
    return true;
}

int store_container_reopen(const struct store_container_file *f,
                           struct wh_err *err)
{
    char path[PATH_ROOM];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", f->fd);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        wh_fail_errno(err, WH_IO, "open a container again");
    }
    return fd;
}

bool store_container_link(struct store_container_file *f, struct wh_err *err)
{
    char folder[3], path[PATH_ROOM], from[PATH_ROOM];
    int r;
    if (f->named) {
        path_of(f->id, ".part", folder, from);
        path_of(f->id, "", folder, path);
        r = renameat2(f->root, from, f->root, path, RENAME_NOREPLACE);
    } else {
        (void)snprintf(from, sizeof from, "/proc/self/fd/%d", f->fd);
        path_of(f->id, "", folder, path);
        r = linkat(AT_FDCWD, from, f->root, path, AT_SYMLINK_FOLLOW);
    }
    if (r != 0) {
        return wh_fail_errno(err, errno == EEXIST ? WH_CONFLICT : WH_IO,
                             "name a container");
    }
    f->named = false;
    return sync_folder(f->root, folder, err);
}

void store_container_drop(struct store_container_file *f)
{
    char folder[3], path[PATH_ROOM];
    if (f->fd >= 0 && f->named) {
        path_of(f->id, ".part", folder, path);
        (void)unlinkat(f->root, path, 0);
    }
    wh_fd_close(&f->fd);
}

int store_container_open_file(int root, const uint8_t id[STORE_CONTAINER_ID],
                              struct wh_err *err)
{
    char folder[3], path[PATH_ROOM];
    path_of(id, "", folder, path);
    int fd = openat(root, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        wh_fail_errno(err, errno == ENOENT ? WH_NOT_FOUND : WH_IO,
                      "open a container");
    }
    return fd;
}

bool store_container_remove(int root, const uint8_t id[STORE_CONTAINER_ID],
                            struct wh_err *err)
{
    char folder[3], path[PATH_ROOM];
    path_of(id, "", folder, path);
    if (unlinkat(root, path, 0) != 0) {
        return errno == ENOENT ||
               wh_fail_errno(err, WH_IO, "remove a container");
    }
    return sync_folder(root, folder, err);
}

/* Remove "*.part" in one folder. */
static void clean_folder(int root, const char *folder, unsigned *n)
{
    int fd = openat(root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        wh_fd_close(&fd);
        return;
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (wh_str_ends(wh_str_of(e->d_name), WH_S(".part")) &&
            unlinkat(dirfd(d), e->d_name, 0) == 0) {
            (*n)++;
        }
    }
    closedir(d);
}

bool store_container_clean(int root, unsigned *n, struct wh_err *err)
{
    int fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        wh_fail_errno(err, WH_IO, "read the folder of containers");
        wh_fd_close(&fd);
        return false;
    }
    unsigned gone = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] != '.') {
            clean_folder(root, e->d_name, &gone);
        }
    }
    closedir(d);
    *n = gone;
    return true;
}
