/*
 * backup.c - `weighhouse backup` and `weighhouse restore`: the data folder to
 * another place and back, and in words what such a copy is worth without keys.
 */
#include "hub/backup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/keysafe.h"
#include "cmd/paths.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH ".backup-"
#define KEYS_SEALED "keys.sealed"

static int usage_backup(FILE *out)
{
    fputs(
        "Usage: weighhouse backup DIR|- [--data DIR] [--config FILE]\n"
        "                         [--keys FILE|-] [--json]\n\n"
        "Copies the data folder into DIR, or as a tar stream to standard "
        "output, while the\nhouse goes on. What was acknowledged before it "
        "began is in it. A DIR with an\nearlier backup is brought up to date. "
        "Whoever may read the data folder may do it:\nthe user that runs the "
        "house, or root.\n\n"
        "The token in admin.token is not in it: a restore makes a new one.\n\n"
        "The keys are not in it: without custody.key everything that is sealed "
        "is lost.\nKeep keys.dir apart, or say:\n\n"
        "  --keys FILE|-  take the keys along, sealed with a passphrase (the "
        "first line of\n                 FILE; -: asked for), with the key "
        "of the cases' addresses\n"
        "  --data DIR     the data folder, as for serve\n"
        "  --config FILE  the settings, as for serve\n"
        "  --json         what was done as JSON, on standard error\n\n"
        "Exit codes: 0 good, 2 wrong usage, 3 something is damaged, 4 it could "
        "not be written.\n",
        out);
    return out == stdout ? 0 : 2;
}

static int usage_restore(FILE *out)
{
    fputs(
        "Usage: weighhouse restore DIR|- --data DIR [--config FILE] [--keys "
        "FILE|-]\n                          [--json]\n\n"
        "Makes a data folder from a backup, or from its stream on standard "
        "input. The new\nfolder must not be there, or be empty. Every file is "
        "checked on the way.\nThe account admin gets a new token, in "
        "DIR/admin.token; all that it had end, and\neverybody is signed "
        "out.\n\n"
        "  --keys FILE|-  the backup holds keys: write them into keys.dir, "
        "which must be empty\n                 (the passphrase is the first "
        "line of FILE; -: asked for)\n"
        "  --data DIR     the new data folder\n"
        "  --config FILE  the settings, as for serve: they say where keys.dir "
        "is\n"
        "  --json         what was done as JSON\n\n"
        "Exit codes: 0 good; 1 restored, but the house will not start, or not "
        "with all it\nhad: it says why; 2 wrong usage; 3 the backup is "
        "damaged; 4 it could not be read or\nwritten.\n",
        out);
    return out == stdout ? 0 : 2;
}

struct call {
    const char *words[1];
    size_t n;
    const char *data, *config, *keys;
    bool json;
    struct wh_arena a;
    struct conf conf;
    struct cmd_paths paths;
};

static bool read_words(int argc, char **argv, struct call *c)
{
    const struct cmd_option table[] = {
        {"--data", &c->data}, {"--config", &c->config}, {"--keys", &c->keys}};

    return cmd_words(argc, argv, table, 3, &c->json, c->words, 1, &c->n) &&
           c->n == 1;
}

static bool read_conf(struct call *c, struct wh_err *err)
{
    return conf_load(&c->a, c->config, &c->conf, err) &&
           (!c->data ||
            conf_set(&c->a, &c->conf, CONF_data_dir, wh_str_of(c->data), err));
}

/* "-": the terminal. */
static const char *pass_file(const struct call *c)
{
    return strcmp(c->keys, "-") == 0 ? NULL : c->keys;
}

/* ---- backup ---- */

/* What a backup that was killed left. */
static void clear_scratch(const char *data)
{
    DIR *d = opendir(data);
    const struct dirent *e;

    while (d && (e = readdir(d)) != NULL) {
        struct wh_str name = wh_str_of(e->d_name), pid;
        uint64_t n;
        if (!wh_str_starts(name, WH_S(SCRATCH))) {
            continue;
        }
        name = wh_str_sub(name, sizeof SCRATCH - 1, name.n);
        (void)wh_str_cut(&name, '.', &pid);
        if (wh_str_u64(pid, &n) && n < INT32_MAX &&
            (kill((pid_t)n, 0) != 0 && errno == ESRCH)) {
            (void)unlinkat(dirfd(d), e->d_name, 0);
        }
    }
    if (d) {
        closedir(d);
    }
}

/* The keys first: the signer's memory may be older than the database, never
 * newer. */
static bool put_keys(struct call *c, struct hub_archive *ar, struct wh_err *err)
{
    struct wh_str pass;
    struct wh_buf b;
    int fd = -1;
    bool ok;

    wh_buf_init(&b, (size_t)16 << 20);
    ok = cmd_passphrase(&c->a, pass_file(c), true, &pass, err) &&
         cmd_keysafe_seal(&c->a, c->paths.keys, c->paths.data, pass, &b, err);
    if (ok) {
        fd = memfd_create("keys", MFD_CLOEXEC);
        ok = fd >= 0 ? wh_fd_write(fd, b.p, b.n, err)
                     : wh_fail_errno(err, WH_OUTSIDE, "memory");
    }
    ok = ok && hub_archive_put(ar, WH_S(KEYS_SEALED), fd, b.n, false, err);
    wh_fd_close(&fd);
    wh_buf_done(&b);
    return ok;
}

static bool end_backup(struct call *c, struct hub_archive *ar, json_t *summary,
                       struct wh_err *err)
{
    char made[WH_TIME_TEXT];
    struct wh_buf b;
    bool ok;

    wh_time_text(wh_now_us(), made);
    json_object_set_new(summary, "v", json_integer(1));
    json_object_set_new(summary, "software", json_string(WH_VERSION));
    json_object_set_new(summary, "made", json_string(made));
    json_object_set_new(summary, "keys", json_boolean(c->keys != NULL));
    json_object_set_new(summary, "files",
                        json_integer((json_int_t)hub_archive_files(ar)));
    json_object_set_new(summary, "bytes",
                        json_integer((json_int_t)hub_archive_bytes(ar)));
    wh_buf_init(&b, (size_t)1 << 20);
    ok = wh_json_canonical(&b, summary, err) && wh_buf_ok(&b, err) &&
         hub_archive_end(ar, wh_buf_str(&b), err);
    wh_buf_done(&b);
    return ok;
}

static long long figure(const json_t *o, const char *what, const char *which)
{
    return (long long)json_integer_value(
        json_object_get(json_object_get(o, what), which));
}

static void say_backup(const struct call *c, const json_t *s)
{
    if (c->json) {
        (void)json_dumpf(s, stderr, JSON_INDENT(2));
        fputc('\n', stderr);
        return;
    }
    fprintf(stderr,
            "backup: %lld files, %lld bytes, %lld entries of the "
            "register\n",
            (long long)json_integer_value(json_object_get(s, "files")),
            (long long)json_integer_value(json_object_get(s, "bytes")),
            figure(s, "register", "size"));
    if (!c->keys) {
        fprintf(stderr,
                "The keys are not in it. %lld files of %lld repos (%lld bytes) "
                "are sealed: without\ncustody.key they are lost. Keep %s "
                "apart.\n",
                figure(s, "sealed", "files"), figure(s, "sealed", "repos"),
                figure(s, "sealed", "bytes"), c->paths.keys);
    }
}

static bool open_archive(const struct call *c, struct hub_archive **ar,
                         struct wh_err *err)
{
    if (strcmp(c->words[0], "-") != 0) {
        return hub_archive_folder(c->words[0], ar, err);
    }
    if (isatty(STDOUT_FILENO)) {
        return wh_fail(err, WH_USAGE, "a backup is not written to a terminal");
    }
    *ar = hub_archive_stream(STDOUT_FILENO);
    return true;
}

static bool back_up(struct call *c, json_t *summary, struct wh_err *err)
{
    struct hub_archive *ar = NULL;
    const char *scratch;
    bool ok;

    if (!read_conf(c, err) ||
        !cmd_paths_name(&c->a, &c->conf, &c->paths, err) ||
        !open_archive(c, &ar, err)) {
        return false;
    }
    clear_scratch(c->paths.data);
    scratch =
        wh_arena_fmt(&c->a, "%s/" SCRATCH "%d.db", c->paths.data, (int)getpid())
            .p;
    ok = (!c->keys || put_keys(c, ar, err)) &&
         hub_backup(c->paths.data, scratch, ar, summary, err) &&
         end_backup(c, ar, summary, err);
    hub_archive_free(&ar);
    return ok;
}

int cmd_backup(int argc, char **argv)
{
    struct call c = {0};
    struct wh_err err = {0};
    json_t *summary;
    int code = 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        return usage_backup(stdout);
    }
    if (!read_words(argc, argv, &c)) {
        return usage_backup(stderr);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    wh_arena_init(&c.a, (size_t)64 << 20);
    c.a.wipe = true;
    summary = json_object();
    if (back_up(&c, summary, &err)) {
        say_backup(&c, summary);
    } else {
        code = cmd_fail("backup", &err);
    }
    json_decref(summary);
    wh_arena_done(&c.a);
    return code;
}

/* ---- restore ---- */

/* The new folder's path; it is not there, or empty and then removed. */
static bool make_way(const char *path, struct wh_err *err)
{
    if (rmdir(path) == 0 || errno == ENOENT) {
        return true;
    }
    return errno == ENOTEMPTY || errno == EEXIST
               ? wh_fail(err, WH_CONFLICT,
                         "%.200s is not empty: nothing is restored over data",
                         path)
               : wh_fail_errno(err, WH_IO, path);
}

static const char *without_slash(struct wh_arena *a, struct wh_str path)
{
    while (path.n > 1 && path.p[path.n - 1] == '/') {
        path.n--;
    }
    return wh_arena_cstr(a, path);
}

static bool take_all(struct call *c, struct hub_restore *r,
                     struct wh_str *summary, struct wh_err *err)
{
    return strcmp(c->words[0], "-") == 0
               ? hub_archive_read_stream(&c->a, STDIN_FILENO, hub_restore_take,
                                         r, summary, err)
               : hub_archive_read_folder(&c->a, c->words[0], hub_restore_take,
                                         r, summary, err);
}

static bool is_same(int fd, const char *path)
{
    struct stat held, there;
    return fstat(fd, &held) == 0 && lstat(path, &there) == 0 &&
           held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

/* What a restore that was killed left in the folder. */
static bool remove_left(struct wh_arena *a, const char *path,
                        struct wh_err *err)
{
    DIR *d = opendir(path);
    bool ok = true;
    if (!d) {
        return wh_fail_errno(err, WH_IO, path);
    }
    for (const struct dirent *e; ok && (e = readdir(d)) != NULL;) {
        ok = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
             wh_dir_remove(wh_arena_fmt(a, "%s/%s", path, e->d_name).p, err);
    }
    (void)closedir(d);
    return ok;
}

/* DATA.restoring for this process alone, empty: locked from before it is
 * emptied until it has its name, so that nobody's but what a killed restore
 * left there is removed. One that was removed or renamed between its opening
 * and its lock was another's. */
static bool begin_filling(struct wh_arena *a, const char *path, int *lock,
                          struct wh_err *err)
{
    if (!wh_dir_make(path, 0700, err)) {
        return false;
    }
    *lock = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*lock < 0) {
        return wh_fail_errno(err, WH_IO, path);
    }
    if (flock(*lock, LOCK_EX | LOCK_NB) != 0 || !is_same(*lock, path)) {
        return wh_fail(err, WH_CONFLICT,
                       "%.200s is being filled by another restore", path);
    }
    return (fchmod(*lock, 0700) == 0 || wh_fail_errno(err, WH_IO, path)) &&
           remove_left(a, path, err);
}

/* All of it below its own name; what came to no end is removed. */
static bool fill(struct call *c, struct hub_restore *r, const char *target,
                 json_t **summary, struct wh_err *err)
{
    struct wh_err ignored = {0};
    struct wh_str text;
    int lock = -1;
    bool ok;

    if (!begin_filling(&c->a, r->data, &lock, err)) {
        wh_fd_close(&lock);
        return false;
    }
    ok = take_all(c, r, &text, err) &&
         wh_json_parse(&c->a, text, summary, err) && hub_restore_end(r, err);
    if (ok && rename(r->data, target) != 0) {
        ok = wh_fail_errno(err, WH_IO, target);
    }
    if (!ok && !wh_dir_remove(r->data, &ignored)) {
        wh_log_err(WH_WARN, "restore.left", &ignored);
    }
    wh_fd_close(&lock);
    return ok;
}

/* How far the signer remembers, or -1. */
static long long signer_size(struct call *c)
{
    struct wh_str text, line;
    struct wh_err ignored = {0};
    uint64_t n;

    if (!wh_file_read(&c->a,
                      wh_arena_fmt(&c->a, "%s/log.memory", c->paths.keys).p,
                      4096, &text, &ignored)) {
        return -1;
    }
    (void)wh_str_cut(&text, '\n', &line);
    (void)wh_str_cut(&text, '\n', &line);
    return wh_str_u64(line, &n) && n < INT64_MAX ? (long long)n : -1;
}

static bool open_keys(struct call *c, const struct hub_restore *r,
                      struct wh_err *err)
{
    struct wh_str pass;

    if (r->keys.n == 0) {
        return wh_fail(err, WH_NOT_FOUND, "the backup holds no keys");
    }
    return cmd_passphrase(&c->a, pass_file(c), false, &pass, err) &&
           cmd_keysafe_open(&c->a, r->keys, pass, c->paths.keys, c->paths.data,
                            err);
}

static void say_admin(const struct call *c, const struct hub_admin *admin)
{
    if (admin->made) {
        fprintf(stderr,
                "A new token of admin is in %s; the %llu that it had have "
                "ended. Everybody is\nsigned out. Tokens of others are as "
                "they were: what was revoked after the backup\nis valid "
                "again.\n",
                c->paths.token, (unsigned long long)admin->ended);
    }
}

/* Say what a start with these keys will find. False: it will not go well. */
static bool say_restored(struct call *c, const struct hub_restore *r,
                         const json_t *summary)
{
    long long has = figure(summary, "register", "size"),
              signer = signer_size(c);
    const char *key = wh_arena_fmt(&c->a, "%s/custody.key", c->paths.keys).p;
    bool well = true;

    if (!c->json) {
        printf("restored: %llu files, %llu bytes, %lld entries of the "
               "register\n",
               (unsigned long long)r->files, (unsigned long long)r->bytes, has);
    }
    say_admin(c, &r->admin);
    if (access(key, F_OK) != 0 && figure(summary, "sealed", "files") > 0) {
        fprintf(stderr,
                "custody.key is not in %s: %lld files of %lld repos (%lld "
                "bytes) are sealed, and\nlost unless it comes back. The house "
                "does not start without it; `weighhouse custody give-up`\nis "
                "the way to go on without them.\n",
                c->paths.keys, figure(summary, "sealed", "files"),
                figure(summary, "sealed", "repos"),
                figure(summary, "sealed", "bytes"));
        well = false;
    }
    if (signer > has) {
        fprintf(stderr,
                "The signer in %s has signed %lld entries, the backup has "
                "%lld: the house will not\nstart on it, since that would take "
                "back what was published. Look for a later backup.\n",
                c->paths.keys, signer, has);
        well = false;
    }
    if (c->keys) {
        fprintf(stderr,
                "The signer's memory is as old as the backup. If the house "
                "published more than\n%lld entries after it, whoever saw them "
                "will see another log: say so in public\nbefore you start "
                "it.\n",
                has);
    }
    return well;
}

static bool restore(struct call *c, json_t **summary, bool *well,
                    struct wh_err *err)
{
    struct hub_restore r = {.arena = &c->a};
    const char *target;

    if (!read_conf(c, err)) {
        return false;
    }
    if (c->conf.data_dir.n == 0) {
        return wh_fail(err, WH_USAGE, "say where the data go: --data DIR");
    }
    target = without_slash(&c->a, c->conf.data_dir);
    r.data = wh_arena_fmt(&c->a, "%s.restoring", target).p;
    if (!make_way(target, err) || !fill(c, &r, target, summary, err)) {
        return false;
    }
    if (!cmd_paths_name(&c->a, &c->conf, &c->paths, err) ||
        (c->keys && !open_keys(c, &r, err))) {
        return false;
    }
    *well = say_restored(c, &r, *summary);
    return true;
}

int cmd_restore(int argc, char **argv)
{
    struct call c = {0};
    struct wh_err err = {0};
    json_t *summary = NULL;
    bool well = true;
    int code;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        return usage_restore(stdout);
    }
    if (!read_words(argc, argv, &c)) {
        return usage_restore(stderr);
    }
    wh_arena_init(&c.a, (size_t)1 << 30);
    c.a.wipe = true;
    if (restore(&c, &summary, &well, &err)) {
        if (c.json) {
            cmd_print_json(summary);
        }
        code = well ? 0 : 1;
    } else {
        code = cmd_fail("restore", &err);
    }
    wh_arena_done(&c.a);
    return code;
}
