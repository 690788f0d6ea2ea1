/*
 * The ledger of openings. A line is canonical JSON, a blank, and its MAC in
 * hex; "prev" in it is the SHA-256 of the whole line before. Whoever holds the
 * data folder can cut lines off the end, which nothing in one file can prevent;
 * changing, reordering or inserting one is noticed at the next start.
 */
#include "keeper/ledger.h"

#include "base/enc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "crypto/hmac.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define MAC_HEX (2 * CRYPTO_HMAC_LEN)

struct keeper_ledger {
    int fd;
    uint8_t key[32];
    pthread_mutex_t lock; /* everything below */
    bool broken;          /* what is on disk is not known: no more lines */
    uint64_t n, end;      /* lines, bytes */
    char head[WH_SHA256_HEX + 1];
    int64_t roster; /* version of the newest roster on it, or 0 */
    char roster_digest[WH_SHA256_HEX + 1];
    struct keeper_ledger_told told;
};

static struct wh_str key_of(const struct keeper_ledger *l)
{
    return wh_str_mem(l->key, sizeof l->key);
}

static bool bad_line(uint64_t n, struct wh_err *err)
{
    return wh_fail(err, WH_CORRUPT,
                   "custody/ledger: line %llu is not as it "
                   "was written",
                   (unsigned long long)n + 1);
}

/* Does the line tell of a roster newer than those before? */
static bool take_roster(struct keeper_ledger *l, const json_t *doc,
                        struct wh_err *err)
{
    struct wh_str digest;
    int64_t version;
    if (!wh_json_opt_i64(doc, "roster", 0, &version, err) ||
        !wh_json_opt_str(doc, "sha256", WH_S(""), &digest, err)) {
        return false;
    }
    if (version > l->roster && digest.n == WH_SHA256_HEX) {
        l->roster = version;
        memcpy(l->roster_digest, digest.p, digest.n);
    }
    return true;
}

/* Does it tell of lines, by a newer entry than those before? */
static bool take_told(struct keeper_ledger *l, const json_t *doc,
                      struct wh_err *err)
{
    const json_t *list = json_object_get(doc, "lines");
    int64_t entry;
    if (!wh_json_opt_i64(doc, "entry", -1, &entry, err) ||
        json_array_size(list) > KEEPER_LEDGER_LINES) {
        return false;
    }
    if (entry < l->told.entry || !json_is_array(list)) {
        return true;
    }
    l->told.entry = entry;
    l->told.n = json_array_size(list);
    for (size_t i = 0; i < l->told.n; i++) {
        const char *s = json_string_value(json_array_get(list, i));
        if (!s || strlen(s) != WH_SHA256_HEX) {
            return false;
        }
        memcpy(l->told.digests[i], s, WH_SHA256_HEX + 1);
    }
    return true;
}

/* Check one line (without its line feed) against what the ledger has so far,
 * and take it in. */
static bool take_line(struct keeper_ledger *l, struct wh_str line,
                      uint64_t *checkpoint, struct wh_err *err)
{
    uint8_t mac[CRYPTO_HMAC_LEN];
    struct wh_arena a;
    json_t *doc;
    struct wh_str prev;
    int64_t n = 0, cp = 0;
    if (line.n < MAC_HEX + 3 || line.p[line.n - MAC_HEX - 1] != ' ') {
        return bad_line(l->n, err);
    }
    struct wh_str json = wh_str_sub(line, 0, line.n - MAC_HEX - 1);
    if (!wh_hex_dec(wh_str_sub(line, line.n - MAC_HEX, MAC_HEX), mac,
                    sizeof mac, false) ||
        !crypto_hmac_ok(key_of(l), json, mac)) {
        return bad_line(l->n, err);
    }
    wh_arena_init(&a, 1 << 16);
    bool ok = wh_json_parse(&a, json, &doc, err) &&
              wh_json_get_str(doc, "prev", &prev, err) &&
              wh_json_get_i64(doc, "n", &n, err) &&
              wh_json_opt_i64(doc, "checkpoint", 0, &cp, err) &&
              take_roster(l, doc, err) && take_told(l, doc, err) &&
              wh_str_is(prev, l->head) && (uint64_t)n == l->n;
    if (ok) {
        wh_sha256_hex_of(line, l->head);
        l->n++;
        l->end += line.n + 1;
        *checkpoint = (uint64_t)cp > *checkpoint ? (uint64_t)cp : *checkpoint;
    }
    wh_arena_done(&a);
    if (!ok) {
        *err = (struct wh_err){0};
        return bad_line(l->n, err);
    }
    return true;
}

/* Take in all whole lines of b; what is left is the begin of one. */
static bool take_lines(struct keeper_ledger *l, struct wh_buf *b,
                       uint64_t *checkpoint, struct wh_err *err)
{
    struct wh_str rest = wh_buf_str(b), line;
    while (wh_str_find(rest, '\n') != SIZE_MAX) {
        (void)wh_str_cut(&rest, '\n', &line);
        if (!take_line(l, line, checkpoint, err)) {
            return false;
        }
    }
    wh_buf_drop(b, b->n - rest.n);
    return b->n <= KEEPER_LEDGER_LINE || bad_line(l->n, err);
}

static bool read_all(struct keeper_ledger *l, uint64_t *checkpoint,
                     struct wh_err *err)
{
    struct wh_buf b;
    bool ok = true;
    wh_buf_init(&b, 16 * KEEPER_LEDGER_LINE);
    for (;;) {
        char *at = wh_buf_room(&b, 8 * KEEPER_LEDGER_LINE);
        ssize_t r = read(l->fd, at, 8 * KEEPER_LEDGER_LINE);
        if (r < 0 && errno == EINTR) {
            continue;
        }
        if (r < 0) {
            ok = wh_fail_errno(err, WH_IO, "read the ledger");
        }
        if (r <= 0) {
            break;
        }
        wh_buf_grew(&b, (size_t)r);
        ok = take_lines(l, &b, checkpoint, err);
        if (!ok) {
            break;
        }
    }
    if (ok && b.n > 0) {
        wh_log(WH_WARN, "ledger.cut", "line=%llu bytes=%zu",
               (unsigned long long)l->n + 1, b.n);
        ok = (ftruncate(l->fd, (off_t)l->end) == 0 && fsync(l->fd) == 0) ||
             wh_fail_errno(err, WH_IO, "mend the ledger");
    }
    wh_buf_done(&b);
    return ok;
}

/* The folder's entry for a file that was just made. */
static bool sync_parent(const char *path, struct wh_err *err)
{
    struct wh_arena a;
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] != '/') {
        n--;
    }
    wh_arena_init(&a, 8192);
    const char *dir = n == 0 ? "." : wh_arena_cstr(&a, wh_str_mem(path, n));
    bool ok = wh_dir_sync(dir, err);
    wh_arena_done(&a);
    return ok;
}

struct keeper_ledger *keeper_ledger_open(const char *path,
                                         const struct keeper_keys_set *k,
                                         uint64_t *checkpoint,
                                         struct wh_err *err)
{
    struct keeper_ledger *l = wh_alloc(sizeof *l);
    memcpy(l->key, k->ledger, sizeof l->key);
    memset(l->head, '0', WH_SHA256_HEX);
    l->told.entry = -1;
    pthread_mutex_init(&l->lock, NULL);
    l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    *checkpoint = 0;
    bool ok = true;
    if (l->fd < 0) {
        ok = wh_fail_errno(err, WH_IO, "open the ledger");
    }
    if (!ok || !sync_parent(path, err) || !read_all(l, checkpoint, err)) {
        keeper_ledger_close(&l);
    }
    return l;
}

void keeper_ledger_close(struct keeper_ledger **lp)
{
    struct keeper_ledger *l = *lp;
    if (l) {
        wh_fd_close(&l->fd);
        pthread_mutex_destroy(&l->lock);
        wh_wipe(l->key, sizeof l->key);
        wh_free(l);
        *lp = NULL;
    }
}

/* Write one line behind the others; the lock is held. */
static bool write_line(struct keeper_ledger *l, struct wh_buf *line,
                       struct wh_err *err)
{
    char head[WH_SHA256_HEX + 1];
    wh_sha256_hex_of(wh_buf_str(line), head);
    wh_buf_char(line, '\n');
    if (!wh_buf_ok(line, err)) {
        return false;
    }
    if (!wh_fd_pwrite(l->fd, l->end, line->p, line->n, err)) {
        l->broken = ftruncate(l->fd, (off_t)l->end) != 0;
        return false;
    }
    if (fdatasync(l->fd) != 0) {
        l->broken = true; /* what is on disk is known again after a restart */
        return wh_fail_errno(err, WH_IO, "sync the ledger");
    }
    memcpy(l->head, head, sizeof head);
    l->end += line->n;
    l->n++;
    return true;
}

bool keeper_ledger_append(struct keeper_ledger *l, json_t *entry,
                          struct wh_err *err)
{
    uint8_t mac[CRYPTO_HMAC_LEN];
    struct wh_buf b;
    wh_buf_init(&b, KEEPER_LEDGER_LINE);
    pthread_mutex_lock(&l->lock);
    json_object_set_new(entry, "n", json_integer((json_int_t)l->n));
    json_object_set_new(entry, "prev", json_string(l->head));
    json_object_set_new(entry, "t",
                        json_integer((json_int_t)(wh_now_us() / 1000000)));
    bool ok = !l->broken || wh_fail(err, WH_IO, "the ledger is broken");
    ok = ok && wh_json_canonical(&b, entry, err);
    if (ok) {
        crypto_hmac_sha256(key_of(l), wh_buf_str(&b), mac);
        wh_buf_char(&b, ' ');
        wh_buf_hex(&b, mac, sizeof mac);
        ok = wh_buf_ok(&b, err) && write_line(l, &b, err);
    }
    pthread_mutex_unlock(&l->lock);
    wh_buf_done(&b);
    json_decref(entry);
    return ok;
}

/* What an opening is looked for by. */
struct sought {
    struct wh_str sha256, leaf;
    bool found;
};

static bool says(const json_t *doc, const char *key, struct wh_str want)
{
    const char *s = json_string_value(json_object_get(doc, key));
    return s && wh_str_is(want, s);
}

/* The file may have been changed since it was checked: a line counts only with
 * its MAC. */
static void look_at(const struct keeper_ledger *l, struct wh_str line,
                    struct sought *x)
{
    uint8_t mac[CRYPTO_HMAC_LEN];
    struct wh_err ignored = {0};
    struct wh_arena a;
    json_t *doc;
    if (line.n < MAC_HEX + 3 || wh_str_find_str(line, x->leaf) == SIZE_MAX) {
        return;
    }
    struct wh_str json = wh_str_sub(line, 0, line.n - MAC_HEX - 1);
    if (!wh_hex_dec(wh_str_sub(line, line.n - MAC_HEX, MAC_HEX), mac,
                    sizeof mac, false) ||
        !crypto_hmac_ok(key_of(l), json, mac)) {
        return;
    }
    wh_arena_init(&a, 1 << 16);
    if (wh_json_parse(&a, json, &doc, &ignored)) {
        x->found |= says(doc, "op", WH_S("open")) &&
                    says(doc, "sha256", x->sha256) &&
                    says(doc, "leaf", x->leaf);
    }
    wh_arena_done(&a);
}

bool keeper_ledger_opened(struct keeper_ledger *l, struct wh_str sha256,
                          struct wh_str leaf, bool *out, struct wh_err *err)
{
    struct sought x = {.sha256 = sha256, .leaf = leaf};
    struct wh_buf b;
    bool ok = true;
    pthread_mutex_lock(&l->lock);
    uint64_t end = l->end, at = 0;
    pthread_mutex_unlock(&l->lock);
    wh_buf_init(&b, 16 * KEEPER_LEDGER_LINE);
    while (ok && at < end && !x.found) {
        size_t n = end - at < 8 * KEEPER_LEDGER_LINE
                       ? (size_t)(end - at)
                       : (size_t)8 * KEEPER_LEDGER_LINE;
        ok = wh_fd_pread(l->fd, at, wh_buf_room(&b, n), n, err);
        if (ok) {
            struct wh_str rest, line;
            wh_buf_grew(&b, n);
            at += n;
            rest = wh_buf_str(&b);
            while (wh_str_find(rest, '\n') != SIZE_MAX) {
                (void)wh_str_cut(&rest, '\n', &line);
                look_at(l, line, &x);
            }
            wh_buf_drop(&b, b.n - rest.n);
            ok = b.n <= KEEPER_LEDGER_LINE || bad_line(0, err);
        }
    }
    wh_buf_done(&b);
    *out = x.found;
    return ok;
}

void keeper_ledger_head(struct keeper_ledger *l, uint64_t *n, char head[65])
{
    pthread_mutex_lock(&l->lock);
    *n = l->n;
    memcpy(head, l->head, sizeof l->head);
    pthread_mutex_unlock(&l->lock);
}

void keeper_ledger_roster(struct keeper_ledger *l, int64_t *version,
                          char digest[65])
{
    pthread_mutex_lock(&l->lock);
    *version = l->roster;
    memcpy(digest, l->roster_digest, sizeof l->roster_digest);
    pthread_mutex_unlock(&l->lock);
}

void keeper_ledger_lines(struct keeper_ledger *l,
                         struct keeper_ledger_told *out)
{
    pthread_mutex_lock(&l->lock);
    *out = l->told;
    pthread_mutex_unlock(&l->lock);
}
