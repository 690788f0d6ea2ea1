/*
 * doctor_house.c - checks of what belongs to the house: its folders, its keys,
 * its database, its register, the address it listens on.
 */
#include "base/file.h"
#include "base/time.h"
#include "db/db.h"
#include "front/doctor_impl.h"
#include "hub/backup.h"
#include "net/tls.h"
#include "register/fsck.h"
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define EXPIRES_SOON_DAYS 21
#define OTHERS 0007u
#define GROUP_AND_OTHERS 0077u
/* Larger databases are read through by the command alone. */
#define QUICK_CHECK_BYTES ((off_t)256 << 20)

/* ---- modes ---- */

struct file_row {
    const char *name; /* "": the folder itself */
    mode_t closed;    /* bits that must not be there */
};

/* Names of files that are more open than they should be; how many were seen. */
static unsigned too_open(const struct doctor *d, const char *dir,
                         const struct file_row *rows, size_t n,
                         struct wh_str *open)
{
    unsigned seen = 0;

    *open = WH_S("");
    for (size_t i = 0; i < n; i++) {
        const char *path =
            wh_arena_fmt(d->a, "%s%s%s", dir, rows[i].name[0] ? "/" : "",
                         rows[i].name)
                .p;
        struct stat st;
        if (lstat(path, &st) != 0) {
            continue;
        }
        seen++;
        if (st.st_mode & rows[i].closed) {
            *open = wh_arena_fmt(d->a, "%.*s%s%s (mode %04o)", WH_FMT(*open),
                                 open->n ? ", " : "", path, st.st_mode & 07777);
        }
    }
    return seen;
}

static void say_modes(const struct doctor *d, struct doctor_row *r,
                      unsigned seen, struct wh_str open)
{
    if (open.n > 0) {
        doctor_say(d, r, DOCTOR_FAIL, "open to other users: %.*s",
                   WH_FMT(open));
        doctor_advise(r, WH_S("chmod o= on each (keys: chmod go=); think about "
                              "who could have read them until now"));
    } else if (seen == 0) {
        doctor_say(d, r, DOCTOR_UNKNOWN, "nothing of it can be seen from here");
    } else {
        doctor_say(d, r, DOCTOR_OK, "%u of them looked at", seen);
    }
}

void doctor_data_modes(struct doctor *d, struct doctor_row *r)
{
    static const struct file_row rows[] = {{"", OTHERS},
                                           {"house.db", GROUP_AND_OTHERS},
                                           {"house.db-wal", GROUP_AND_OTHERS},
                                           {"sealed", OTHERS},
                                           {"open", OTHERS},
                                           {"register", OTHERS},
                                           {"custody", OTHERS}};
    struct wh_str open;
    unsigned seen =
        too_open(d, d->at->data, rows, sizeof rows / sizeof *rows, &open);

    say_modes(d, r, seen, open);
}

void doctor_key_modes(struct doctor *d, struct doctor_row *r)
{
    static const struct file_row rows[] = {{"", OTHERS},
                                           {"custody.key", GROUP_AND_OTHERS},
                                           {"log.key", GROUP_AND_OTHERS},
                                           {"log.memory", GROUP_AND_OTHERS}};
    struct wh_str open = WH_S("");
    unsigned seen = 0;

    if (d->at->keys) {
        seen =
            too_open(d, d->at->keys, rows, sizeof rows / sizeof *rows, &open);
    }
    say_modes(d, r, seen, open);
}

void doctor_socket_modes(struct doctor *d, struct doctor_row *r)
{
    static const struct file_row rows[] = {{"run/signer.sock", OTHERS},
                                           {"run/keeper.sock", OTHERS},
                                           {"run/zygote.sock", OTHERS},
                                           {"run/engines.sock", OTHERS}};
    struct wh_str open;
    unsigned seen =
        too_open(d, d->at->data, rows, sizeof rows / sizeof *rows, &open);

    say_modes(d, r, seen, open);
}

void doctor_token_file(struct doctor *d, struct doctor_row *r)
{
    static const struct file_row row = {"admin.token", GROUP_AND_OTHERS};
    struct wh_str open;

    if (too_open(d, d->at->data, &row, 1, &open) == 0) {
        doctor_say(d, r, DOCTOR_OK, "there is none");
    } else if (open.n > 0) {
        doctor_say(d, r, DOCTOR_FAIL, "%.*s", WH_FMT(open));
        doctor_advise(r,
                      WH_S("weighhouse token rotate 1 --grace 0, then delete "
                           "the file: whoever read it is the operator"));
    } else {
        doctor_say(d, r, DOCTOR_OK,
                   "its owner alone reads it; it may be deleted");
    }
}

/* ---- the keys ---- */

void doctor_key_place(struct doctor *d, struct doctor_row *r)
{
    struct stat data, keys;

    if (!d->at->keys || stat(d->at->keys, &keys) != 0 ||
        stat(d->at->data, &data) != 0) {
        doctor_say(d, r, DOCTOR_UNKNOWN, "keys.dir can not be seen from here");
    } else if (keys.st_dev == data.st_dev) {
        doctor_say(d, r, DOCTOR_WARN,
                   "%s is on the same file system as the data: sealed content "
                   "is safe from a copy of the data folder, but not from a "
                   "copy, or a thief, of the whole disk",
                   d->at->keys);
        doctor_advise(r, WH_S("put keys.dir on another disk, or give it as a "
                              "credential of the service"));
    } else {
        doctor_say(d, r, DOCTOR_OK, "%s is on another file system",
                   d->at->keys);
    }
}

/* How much is lost without the key, in words; empty when it can not be asked.
 */
static struct wh_str sealed_only(const struct doctor *d)
{
    struct wh_err ignored = {0};
    struct db *db = db_open(doctor_path(d, "house.db"), true, &ignored);
    struct wh_str text = WH_S("");
    json_t *o = NULL;

    if (db && hub_backup_sealed(db, 0, &o, &ignored)) {
        text = wh_arena_fmt(
            d->a, ": %lld files of %lld repos are sealed only",
            (long long)json_integer_value(json_object_get(o, "files")),
            (long long)json_integer_value(json_object_get(o, "repos")));
    }
    json_decref(o);
    db_close(&db);
    return text;
}

/* A house that runs holds it in memory: it says nothing until it starts again.
 * Whether it is the right one is the keeper's to say; here nobody reads it. */
void doctor_custody_key(struct doctor *d, struct doctor_row *r)
{
    const char *id = doctor_path(d, "custody/key-id");
    const char *key =
        d->at->keys ? wh_arena_fmt(d->a, "%s/custody.key", d->at->keys).p : "";
    struct stat st;
    bool there = stat(key, &st) == 0, gone = !there && errno == ENOENT;
    bool sealed = stat(id, &st) == 0;

    if (!d->at->keys || (!there && !gone) || (!sealed && errno != ENOENT)) {
        doctor_say(d, r, DOCTOR_UNKNOWN, "it can not be seen from here");
    } else if (there) {
        doctor_say(d, r, DOCTOR_OK, "%s", key);
    } else if (!sealed) {
        doctor_say(d, r, DOCTOR_OK, "nothing was ever sealed here");
    } else {
        struct wh_str lost = sealed_only(d);
        doctor_say(d, r, DOCTOR_FAIL,
                   "%s is gone%.*s, and lost unless it comes back; the next "
                   "start will fail",
                   key, WH_FMT(lost));
        doctor_advise(r, WH_S("bring it back from its copy before the house is "
                              "stopped; `weighhouse custody` names what it "
                              "seals, `weighhouse custody give-up` is the way "
                              "on without it"));
    }
}

/* ---- room, database, register ---- */

void doctor_disk(struct doctor *d, struct doctor_row *r)
{
    struct statvfs v;
    int64_t floor = d->at->conf->limits_free_percent;
    uint64_t percent, mib;

    if (statvfs(d->at->data, &v) != 0 || v.f_blocks == 0) {
        doctor_say(d, r, DOCTOR_UNKNOWN, "its size can not be asked");
        return;
    }
    percent = (uint64_t)v.f_bavail * 100 / (uint64_t)v.f_blocks;
    mib = (uint64_t)v.f_bavail * v.f_frsize >> 20;
    doctor_say(d, r, DOCTOR_OK,
               "%" PRIu64 " MiB free, %" PRIu64 " %%; below %" PRId64
               " %% nothing is taken",
               mib, percent, floor);
    if (percent < (uint64_t)floor) {
        r->state = DOCTOR_FAIL;
        doctor_advise(r, WH_S("make room: uploads and decisions are refused "
                              "now"));
    } else if (percent < (uint64_t)floor + 5) {
        r->state = DOCTOR_WARN;
        doctor_advise(r, WH_S("make room soon"));
    }
}

static bool quick_check(const struct doctor *d, const char *path,
                        struct wh_str *word, struct wh_err *err)
{
    struct db *db = db_open(path, true, err);
    struct db_stmt *s = db ? db_start(db, DBQ_DB_QUICK_CHECK) : NULL;
    enum db_row row = s ? db_step(s, err) : DB_FAIL;

    if (row == DB_ROW) {
        *word = db_col_dup(s, 0, d->a);
    }
    db_finish(&s);
    db_close(&db);
    return row == DB_ROW;
}

void doctor_database(struct doctor *d, struct doctor_row *r)
{
    const char *path = doctor_path(d, "house.db");
    struct wh_str word = WH_S("");
    struct wh_err err = {0};
    struct stat st;

    if (stat(path, &st) != 0) {
        doctor_say(d, r, errno == ENOENT ? DOCTOR_WARN : DOCTOR_UNKNOWN,
                   "%s can not be seen", path);
    } else if (d->at->inside && st.st_size > QUICK_CHECK_BYTES) {
        doctor_say(d, r, DOCTOR_UNKNOWN,
                   "it has %" PRId64 " MiB: `weighhouse doctor` reads it "
                   "through, not this page",
                   (int64_t)(st.st_size >> 20));
    } else if (!quick_check(d, path, &word, &err)) {
        doctor_say(d, r, DOCTOR_FAIL, "%s", err.msg);
        doctor_advise(r, WH_S("ask as the user that the data belong to, or as "
                              "root; if it is damaged, stop the house and "
                              "restore a backup"));
    } else if (!wh_str_is(word, "ok")) {
        doctor_say(d, r, DOCTOR_FAIL, "%.*s", WH_FMT(wh_str_sub(word, 0, 400)));
        doctor_advise(r, WH_S("stop the house and restore a backup"));
    } else {
        doctor_say(d, r, DOCTOR_OK, "quick_check of %" PRId64 " KiB: ok",
                   (int64_t)(st.st_size >> 10));
    }
}

/* Front knows it from the signer; a command reads it where the keys lie. */
static bool log_key(const struct doctor *d, struct tlog_vkey *key,
                    struct wh_err *err)
{
    struct wh_str text;

    if (d->at->vkey) {
        return tlog_vkey_parse(wh_str_of(d->at->vkey), key, err);
    }
    if (!d->at->keys) {
        return wh_fail(err, WH_NOT_FOUND,
                       "the log's key can not be seen from here");
    }
    return wh_file_read(d->a, wh_arena_fmt(d->a, "%s/log.vkey", d->at->keys).p,
                        TLOG_VKEY_TEXT, &text, err) &&
           tlog_vkey_parse(wh_str_trim(text), key, err);
}

void doctor_register_edge(struct doctor *d, struct doctor_row *r)
{
    struct register_files *files = NULL;
    struct register_fsck_report report = {0};
    struct register_source src;
    struct tlog_vkey key;
    struct wh_err err = {0};
    bool seen = log_key(d, &key, &err);

    if (!seen) {
        doctor_say(d, r, DOCTOR_UNKNOWN, "%s", err.msg);
        return;
    }
    if (register_files_open(doctor_path(d, "register"), false, &files, &err)) {
        src = register_source_files(files);
        seen = register_fsck_light(&src, &key, &report, &err);
    } else {
        seen = false;
    }
    register_files_close(&files);
    if (seen) {
        doctor_say(d, r, DOCTOR_OK, "%" PRIu64 " entries, signed by %s",
                   report.checkpoint.size, key.name);
        return;
    }
    doctor_say(d, r, err.code == WH_NOT_FOUND ? DOCTOR_UNKNOWN : DOCTOR_FAIL,
               "%s", err.msg);
    if (r->state == DOCTOR_FAIL) {
        doctor_advise(r, WH_S("weighhouse register fsck says where; stop the "
                              "house, and restore the register with its "
                              "database"));
    }
}

/* ---- the address ---- */

bool front_doctor_public(struct wh_str listen)
{
    size_t colon = SIZE_MAX;
    struct wh_str host;

    for (size_t i = 0; i < listen.n; i++) {
        colon = listen.p[i] == ':' ? i : colon;
    }
    host = wh_str_sub(listen, 0, colon == SIZE_MAX ? listen.n : colon);
    return !wh_str_starts(host, WH_S("127.")) && !wh_str_is(host, "[::1]") &&
           !wh_str_is(host, "localhost");
}

static const char *no_tls = "the house speaks no TLS itself";

void doctor_certificate(struct doctor *d, struct doctor_row *r)
{
    struct wh_str path = d->at->conf->tls_certificate, text;
    struct net_tls_about about;
    struct wh_err err = {0};
    char until[WH_TIME_TEXT];
    int64_t now = wh_now_us(), days;

    if (path.n == 0) {
        doctor_say(d, r, DOCTOR_OK, "%s", no_tls);
        return;
    }
    if (!wh_file_read(d->a, wh_arena_cstr(d->a, path), NET_TLS_FILE_MAX, &text,
                      &err) ||
        !net_tls_read(text, &about, &err)) {
        doctor_say(d, r, err.code == WH_USAGE ? DOCTOR_FAIL : DOCTOR_UNKNOWN,
                   "%s", err.msg);
        return;
    }
    wh_time_text(about.until, until);
    days = (about.until - now) / (24 * 3600 * 1000000LL);
    doctor_say(d, r, DOCTOR_OK, "%s, until %.10s: %" PRId64 " days",
               about.subject, until, days);
    if (about.until <= now || about.from > now) {
        r->state = DOCTOR_FAIL;
        doctor_advise(r, WH_S("it is not good now: clients refuse it. Get a "
                              "new one; the house takes it when the file "
                              "changes"));
    } else if (days < EXPIRES_SOON_DAYS) {
        r->state = DOCTOR_WARN;
        doctor_advise(r, WH_S("renew it; the house takes a new one when the "
                              "file changes"));
    }
}

void doctor_tls_key(struct doctor *d, struct doctor_row *r)
{
    struct wh_str path = d->at->conf->tls_key;
    struct stat st;

    if (path.n == 0) {
        doctor_say(d, r, DOCTOR_OK, "%s", no_tls);
    } else if (stat(wh_arena_cstr(d->a, path), &st) != 0) {
        doctor_say(d, r, DOCTOR_UNKNOWN, "it can not be seen from here");
    } else if (st.st_mode & OTHERS) {
        doctor_say(d, r, DOCTOR_FAIL, "%.*s (mode %04o)", WH_FMT(path),
                   st.st_mode & 07777);
        doctor_advise(r, WH_S("chmod o= on it, and think about who could have "
                              "read it until now"));
    } else {
        doctor_say(d, r, DOCTOR_OK, "%.*s (mode %04o)", WH_FMT(path),
                   st.st_mode & 07777);
    }
}

void doctor_address(struct doctor *d, struct doctor_row *r)
{
    struct wh_str at = d->at->conf->http_listen;

    if (d->at->conf->tls_certificate.n > 0) {
        doctor_say(d, r, DOCTOR_OK, "%.*s speaks TLS", WH_FMT(at));
        return;
    }

    if (!front_doctor_public(at)) {
        doctor_say(d, r, DOCTOR_OK, "%.*s is reached from this host alone",
                   WH_FMT(at));
        return;
    }
    doctor_say(d, r, DOCTOR_FAIL,
               "%.*s is reached over the network, without TLS: whoever "
               "listens there reads tokens",
               WH_FMT(at));
    doctor_advise(r, WH_S("set tls.certificate and tls.key, or listen on "
                          "127.0.0.1 behind a proxy that speaks TLS "
                          "(docs/operator.md)"));
}
