/*
 * The leak probe: are bytes of a file to be found in the clear below a folder?
 *
 *   probe [--pid PID]... [--quiet] SECRET... -- FOLDER...
 *
 * Of every 4 KiB block of each SECRET it takes four pieces of 32 bytes and
 * looks for them at every byte offset of every regular file below the folders,
 * whatever that file is (databases cut what they hold into pages, so whole
 * blocks need not lie together), and in what the processes hold open without a
 * name. Files that are the secrets themselves (same device and inode) are not
 * looked at. Pieces of one repeated byte prove nothing and are left out; the
 * secrets should be random.
 *
 * Prints each place found, at most 20 of them, and a line of totals. Exit code
 * 0: nothing found; 1: found; 2: it could not look (no file, nothing to look
 * for), which must not pass for "nothing found".
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 4096u
#define PIECE 32u
#define STEP 1024u /* a piece every so many bytes */
#define SECRETS 16u
#define PIDS 16u
#define SHOW 20u
#define FILTER_BITS 26u
#define WINDOW (1u << 20)

/* One secret, mapped. */
struct secret {
    const char *path;
    const uint8_t *p;
    size_t n;
    dev_t dev;
    ino_t ino;
};

/* A piece in the table: first eight bytes, and where it is from. */
struct piece {
    uint64_t head;
    uint32_t secret;
    uint64_t off;
};

static struct secret secrets[SECRETS];
static unsigned nsecrets;
static struct piece *table; /* sorted by head */
static size_t npieces, cap;
static uint8_t *filter; /* one bit for a hash of each head */
static unsigned long long files, bytes, found;
static bool quiet;

static void die(const char *what, const char *path)
{
    err(2, "%s %s", what, path);
}

static uint64_t head_of(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint32_t hash(uint64_t v)
{
    return (uint32_t)((v * 0x9e3779b97f4a7c15u) >> (64 - FILTER_BITS));
}

/* Map a file read-only; an empty one gives n = 0 and p = NULL. */
static bool map_fd(int fd, const uint8_t **p, size_t *n)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return false;
    }
    *n = (size_t)st.st_size;
    *p = NULL;
    if (*n == 0) {
        return true;
    }
    void *m = mmap(NULL, *n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (m == MAP_FAILED) {
        return false;
    }
    *p = m;
    return true;
}

static bool telling(const uint8_t *p)
{
    for (unsigned i = 1; i < PIECE; i++) {
        if (p[i] != p[0]) {
            return true;
        }
    }
    return false;
}

static void add_piece(uint32_t secret, uint64_t off, const uint8_t *p)
{
    if (npieces == cap) {
        cap = cap ? 2 * cap : 1024;
        table = realloc(table, cap * sizeof *table);
        if (!table) {
            die("memory for", "pieces");
        }
    }
    table[npieces++] = (struct piece){head_of(p), secret, off};
    uint32_t h = hash(head_of(p));
    filter[h / 8] |= (uint8_t)(1u << (h % 8));
}

static void add_secret(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct secret *s = &secrets[nsecrets];
    if (nsecrets == SECRETS || fd < 0 || fstat(fd, &st) != 0 ||
        !map_fd(fd, &s->p, &s->n)) {
        die("secret", path);
    }
    s->path = path;
    s->dev = st.st_dev;
    s->ino = st.st_ino;
    for (uint64_t off = 0; off + PIECE <= s->n; off += STEP) {
        if (telling(s->p + off)) {
            add_piece(nsecrets, off, s->p + off);
        }
    }
    nsecrets++;
    close(fd);
}

static int by_head(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    return x->head < y->head ? -1 : x->head > y->head;
}

/* The first piece with this head, or the end of the table. */
static size_t first_of(uint64_t head)
{
    size_t lo = 0, hi = npieces;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (table[mid].head < head) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

/* Is one of the pieces at p, which is byte `at` of the file? */
static void check_at(const char *path, const uint8_t *p, uint64_t at)
{
    uint64_t head = head_of(p);
    for (size_t i = first_of(head); i < npieces && table[i].head == head; i++) {
        const struct secret *s = &secrets[table[i].secret];
        if (memcmp(s->p + table[i].off, p, PIECE) != 0) {
            continue;
        }
        if (found++ < SHOW && !quiet) {
            printf("found: block %llu of %s at byte %llu of %s\n",
                   (unsigned long long)(table[i].off / BLOCK), s->path,
                   (unsigned long long)at, path);
        }
        return;
    }
}

static bool is_secret(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return false;
    }
    for (unsigned i = 0; i < nsecrets; i++) {
        if (secrets[i].dev == st.st_dev && secrets[i].ino == st.st_ino) {
            return true;
        }
    }
    return false;
}

/* Look at n bytes that are byte `at` and on of the file. */
static void look_at_bytes(const char *path, const uint8_t *p, size_t n,
                          uint64_t at)
{
    for (size_t i = 0; i + PIECE <= n; i++) {
        uint32_t h = hash(head_of(p + i));
        if (filter[h / 8] & (1u << (h % 8))) {
            check_at(path, p + i, at + i);
        }
    }
}

/* Read, not mapped: files may be cut while we look. */
static void look_into(int fd, const char *path)
{
    static uint8_t buf[WINDOW];
    size_t have = 0;
    uint64_t at = 0; /* of buf in the file */
    if (is_secret(fd)) {
        return;
    }
    files++;
    for (;;) {
        ssize_t r =
            pread(fd, buf + have, sizeof buf - have, (off_t)(at + have));
        if (r < 0 && errno == EINTR) {
            continue;
        }
        if (r < 0) {
            die("read", path);
        }
        if (r == 0) {
            return;
        }
        bytes += (unsigned long long)r;
        have += (size_t)r;
        look_at_bytes(path, buf, have, at);
        size_t keep = have < PIECE - 1 ? have : PIECE - 1;
        memmove(buf, buf + have - keep, keep);
        at += have - keep;
        have = keep;
    }
}

static int visit(const char *path, const struct stat *st, int type,
                 struct FTW *ftw)
{
    (void)ftw;
    if (type == FTW_F && S_ISREG(st->st_mode)) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0) { /* gone meanwhile: nothing to be found */
            look_into(fd, path);
            close(fd);
        } else if (errno != ENOENT) {
            die("open", path);
        }
    }
    return 0;
}

/* Files that a process holds open without a name. Memory files are not on
 * disk and are left out. */
static void look_at_process(const char *pid)
{
    char dir[64], link[400], target[600];
    snprintf(dir, sizeof dir, "/proc/%s/fd", pid);
    DIR *d = opendir(dir);
    if (!d) {
        die("process", pid);
    }
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        snprintf(link, sizeof link, "%s/%s", dir, e->d_name);
        ssize_t n = readlink(link, target, sizeof target - 1);
        if (n <= 0) {
            continue;
        }
        target[n] = '\0';
        if (target[0] != '/' || !strstr(target, " (deleted)") ||
            strncmp(target, "/memfd:", 7) == 0) {
            continue;
        }
        int fd = open(link, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            look_into(fd, target);
            close(fd);
        }
    }
    closedir(d);
}

static int usage(void)
{
    fprintf(stderr, "usage: probe [--pid PID]... [--quiet] SECRET... -- "
                    "FOLDER...\n");
    return 2;
}

int main(int argc, char **argv)
{
    const char *pids[PIDS];
    unsigned npids = 0;
    int i = 1;
    filter = calloc(1, 1u << (FILTER_BITS - 3));
    if (!filter) {
        die("memory for", "the filter");
    }
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--quiet") == 0) {
            quiet = true;
        } else if (strcmp(argv[i], "--pid") == 0) {
            if (i + 1 >= argc || npids == PIDS) {
                return usage();
            }
            pids[npids++] = argv[++i];
        } else {
            add_secret(argv[i]);
        }
    }
    if (nsecrets == 0 || i + 1 >= argc) {
        return usage();
    }
    if (npieces == 0) {
        fprintf(stderr, "probe: nothing to look for\n");
        return 2;
    }
    qsort(table, npieces, sizeof *table, by_head);
    for (i++; i < argc; i++) {
        if (nftw(argv[i], visit, 16, FTW_PHYS) != 0) {
            die("folder", argv[i]);
        }
    }
    for (unsigned k = 0; k < npids; k++) {
        look_at_process(pids[k]);
    }
    printf("%llu places, %llu files, %llu bytes\n", found, files, bytes);
    return found ? 1 : 0;
}
