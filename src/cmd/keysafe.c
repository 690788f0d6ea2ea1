/*
 * keysafe.c - keys under a passphrase: scrypt, then AES-256-GCM over one JSON
 * document; what the cost was stands before it, and is authenticated.
 */
#include "cmd/keysafe.h"
#include "base/enc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/random.h"
#include "crypto/scrypt.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static const char magic[] = "WHKEYS1\n";
#define MAGIC (sizeof magic - 1)
#define HEAD (MAGIC + 1 + CRYPTO_SCRYPT_SALT + CRYPTO_AEAD_IV)
#define FILE_MAX ((size_t)1 << 20)
#define ALL_MAX ((size_t)8 << 20)
#define LINE_MAX_BYTES 1024

/* ---- the passphrase ---- */

static bool read_line(FILE *f, char out[LINE_MAX_BYTES])
{
    size_t n;

    if (!fgets(out, LINE_MAX_BYTES, f)) {
        return false;
    }
    n = strlen(out);
    if (n > 0 && out[n - 1] == '\n') {
        out[n - 1] = 0;
    }
    return true;
}

static bool ask_once(FILE *tty, const char *words, char out[LINE_MAX_BYTES])
{
    struct termios old, quiet;
    bool ok = tcgetattr(fileno(tty), &old) == 0;

    if (ok) {
        quiet = old;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        ok = tcsetattr(fileno(tty), TCSAFLUSH, &quiet) == 0;
    }
    if (ok) {
        fputs(words, tty);
        fflush(tty);
        ok = read_line(tty, out);
        (void)tcsetattr(fileno(tty), TCSAFLUSH, &old);
        fputs("\n", tty);
    }
    return ok;
}

static bool ask(char out[LINE_MAX_BYTES], bool again, struct wh_err *err)
{
    char second[LINE_MAX_BYTES];
    FILE *tty = fopen("/dev/tty", "r+e");
    bool ok = tty && ask_once(tty, "Passphrase of the keys: ", out) &&
              (!again || ask_once(tty, "Once more: ", second));

    if (tty) {
        (void)fclose(tty);
    }
    if (!ok) {
        return wh_fail(err, WH_USAGE,
                       "there is no terminal to ask for the passphrase: name "
                       "a file with it, --passphrase-file FILE");
    }
    ok = !again || strcmp(out, second) == 0;
    wh_wipe(second, sizeof second);
    return ok || wh_fail(err, WH_USAGE, "these are two different passphrases");
}

bool cmd_passphrase(struct wh_arena *a, const char *path, bool again,
                    struct wh_str *out, struct wh_err *err)
{
    char line[LINE_MAX_BYTES] = "";
    bool ok;

    if (path) {
        FILE *f = fopen(path, "re");
        ok = f ? read_line(f, line) ||
                     wh_fail(err, WH_USAGE, "%.200s is empty", path)
               : wh_fail_errno(err, WH_IO, path);
        if (f) {
            (void)fclose(f);
        }
    } else {
        ok = ask(line, again, err);
    }
    if (ok && again && strlen(line) < CMD_PASSPHRASE_MIN) {
        ok = wh_fail(err, WH_USAGE, "a passphrase has at least %u bytes",
                     CMD_PASSPHRASE_MIN);
    }
    if (ok) {
        *out = wh_arena_dup(a, wh_str_of(line));
    }
    wh_wipe(line, sizeof line);
    return ok;
}

/* ---- sealing ---- */

static bool add_file(struct wh_arena *a, json_t *files, const char *dir,
                     const char *name, struct wh_err *err)
{
    const char *path = wh_arena_fmt(a, "%s/%s", dir, name).p;
    struct wh_str bytes;
    struct wh_buf b64;

    if (!wh_file_read(a, path, FILE_MAX, &bytes, err)) {
        return false;
    }
    wh_buf_init(&b64, 2 * FILE_MAX);
    wh_buf_base64(&b64, bytes.p, bytes.n);
    json_object_set_new(files, name, wh_json_str(wh_buf_str(&b64)));
    wh_buf_done(&b64);
    return true;
}

static bool add_if_there(struct wh_arena *a, json_t *files, const char *dir,
                         const char *name, struct wh_err *err)
{
    if (add_file(a, files, dir, name, err)) {
        return true;
    }
    if (err->code != WH_NOT_FOUND) {
        return false;
    }
    *err = (struct wh_err){0};
    return true;
}

static bool read_dir(struct wh_arena *a, const char *dir, json_t *files,
                     struct wh_err *err)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    bool ok = true;

    if (!d) {
        return wh_fail_errno(err, WH_IO, dir);
    }
    while (ok && (e = readdir(d)) != NULL) {
        struct stat st;
        if (e->d_name[0] != '.' &&
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode)) {
            ok = add_file(a, files, dir, e->d_name, err);
        }
    }
    closedir(d);
    return ok && (json_object_get(files, "custody.key") ||
                  wh_fail(err, WH_NOT_FOUND,
                          "%.200s holds no custody.key: there are no keys to "
                          "take along",
                          dir));
}

static bool seal(struct wh_str text, struct wh_str passphrase,
                 struct wh_buf *out, struct wh_err *err)
{
    uint8_t head[HEAD], key[CRYPTO_SCRYPT_KEY], tag[CRYPTO_AEAD_TAG];
    struct crypto_aead *aead;
    char *sealed;

    memcpy(head, magic, MAGIC);
    head[MAGIC] = CRYPTO_SCRYPT_LOG_N;
    crypto_random(head + MAGIC + 1, CRYPTO_SCRYPT_SALT + CRYPTO_AEAD_IV);
    if (!crypto_scrypt(passphrase, head + MAGIC + 1, CRYPTO_SCRYPT_LOG_N, key,
                       err)) {
        return false;
    }
    sealed = wh_alloc(text.n + 1);
    aead = crypto_aead_new(key);
    crypto_aead_seal(aead, head + MAGIC + 1 + CRYPTO_SCRYPT_SALT,
                     wh_str_mem(head, HEAD), text.p, text.n, sealed, tag);
    crypto_aead_free(&aead);
    wh_wipe(key, sizeof key);
    wh_buf_mem(out, head, HEAD);
    wh_buf_mem(out, sealed, text.n);
    wh_buf_mem(out, tag, sizeof tag);
    wh_free(sealed);
    return wh_buf_ok(out, err);
}

bool cmd_keysafe_seal(struct wh_arena *a, const char *keys_dir,
                      const char *data, struct wh_str passphrase,
                      struct wh_buf *out, struct wh_err *err)
{
    json_t *doc = wh_json_own(a, json_object()), *files = json_object();
    json_t *inside = json_object();
    struct wh_buf text;
    bool ok;

    json_object_set_new(doc, "v", json_integer(1));
    json_object_set_new(doc, "files", files);
    json_object_set_new(doc, "data", inside);
    wh_buf_init(&text, ALL_MAX);
    ok = read_dir(a, keys_dir, files, err) &&
         add_if_there(a, inside, data, CMD_KEYSAFE_WATCH, err) &&
         wh_json_canonical(&text, doc, err) && wh_buf_ok(&text, err) &&
         seal(wh_buf_str(&text), passphrase, out, err);
    if (text.n > 0) {
        wh_wipe(text.p, text.n);
    }
    wh_buf_done(&text);
    return ok;
}

/* ---- opening ---- */

static bool unseal(struct wh_arena *a, struct wh_str sealed,
                   struct wh_str passphrase, struct wh_str *text,
                   struct wh_err *err)
{
    const uint8_t *head = (const uint8_t *)sealed.p;
    uint8_t key[CRYPTO_SCRYPT_KEY], tag[CRYPTO_AEAD_TAG];
    struct crypto_aead *aead;
    size_t n = sealed.n - HEAD - CRYPTO_AEAD_TAG;
    char *out;
    bool ok;

    if (sealed.n < HEAD + CRYPTO_AEAD_TAG || sealed.n > ALL_MAX ||
        memcmp(sealed.p, magic, MAGIC) != 0) {
        return wh_fail(err, WH_CORRUPT, "keys.sealed is damaged");
    }
    if (!crypto_scrypt(passphrase, head + MAGIC + 1, head[MAGIC], key, err)) {
        return false;
    }
    out = wh_arena_alloc(a, n + 1);
    memcpy(tag, sealed.p + HEAD + n, sizeof tag);
    aead = crypto_aead_new(key);
    ok = crypto_aead_open(aead, head + MAGIC + 1 + CRYPTO_SCRYPT_SALT,
                          wh_str_sub(sealed, 0, HEAD), sealed.p + HEAD, n, tag,
                          out);
    crypto_aead_free(&aead);
    wh_wipe(key, sizeof key);
    *text = wh_str_mem(out, n);
    return ok || wh_fail(err, WH_FORBIDDEN,
                         "the passphrase is not that of keys.sealed, or the "
                         "file is damaged");
}

static bool write_key(struct wh_arena *a, const char *dir, const char *name,
                      const json_t *value, struct wh_err *err)
{
    const char *path = wh_arena_fmt(a, "%s/%s", dir, name).p;
    struct wh_str text = wh_str_of(json_string_value(value));
    uint8_t *bytes = wh_arena_alloc(a, text.n + 1);
    size_t n;

    if (strchr(name, '/') || name[0] == '.' || !json_is_string(value) ||
        !wh_base64_dec(text, bytes, text.n, &n)) {
        return wh_fail(err, WH_CORRUPT, "keys.sealed is damaged");
    }
    return wh_file_write_atomic(path, wh_str_mem(bytes, n),
                                strcmp(name, "log.vkey") == 0 ? 0644 : 0600,
                                err);
}

static bool is_empty(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *e;
    bool empty = true;

    while (d && (e = readdir(d)) != NULL) {
        empty = empty &&
                (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0);
    }
    if (d) {
        closedir(d);
    }
    return empty;
}

bool cmd_keysafe_open(struct wh_arena *a, struct wh_str sealed,
                      struct wh_str passphrase, const char *keys_dir,
                      const char *data, struct wh_err *err)
{
    struct wh_str text = {"", 0};
    const char *name;
    json_t *doc, *value;
    const char *folder;
    bool ok;

    if (!is_empty(keys_dir)) {
        return wh_fail(err, WH_CONFLICT,
                       "%.200s is not empty: keys are never written over keys",
                       keys_dir);
    }
    if (!unseal(a, sealed, passphrase, &text, err) ||
        !wh_json_parse(a, text, &doc, err) ||
        !wh_dir_make(keys_dir, 0700, err)) {
        return false;
    }
    ok = true;
    json_object_foreach(json_object_get(doc, "files"), name, value)
    {
        ok = ok && write_key(a, keys_dir, name, value, err);
    }
    value = json_object_get(json_object_get(doc, "data"), CMD_KEYSAFE_WATCH);
    folder = wh_arena_fmt(a, "%s/watch", data).p;
    return ok && (!value || (wh_dir_make(folder, 0700, err) &&
                             write_key(a, folder, "house.key", value, err)));
}
