/*
 * users.c - one user for each process. Named users of the system are taken when
 * they are there; a system without any of them gets five numbers, which need
 * no entry anywhere.
 */
#include "cmd/users.h"
#include "base/log.h"
#include "proc/state.h"
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

static const struct {
    enum conf_id setting;
    const char *process;
    unsigned peers; /* bits: who may connect to its socket */
} table[CMD_WHO_COUNT] = {
    [CMD_FRONT] = {CONF_users_front, "front", 0},
    [CMD_KEEPER] = {CONF_users_keeper, "keeper", 1u << CMD_FRONT},
    [CMD_SIGNER] = {CONF_users_signer, "signer", 1u << CMD_FRONT},
    [CMD_SCANNER] = {CONF_users_scanner, "scanner",
                     1u << CMD_FRONT | 1u << CMD_KEEPER},
    [CMD_ENGINES] = {CONF_users_engine, "engine", 1u << CMD_FRONT},
};

/* What the parent needs to hand its children over to others. */
#define CAPS_NEEDED                                                      \
    (1ULL << CAP_CHOWN | 1ULL << CAP_DAC_OVERRIDE | 1ULL << CAP_FOWNER | \
     1ULL << CAP_KILL | 1ULL << CAP_SETGID | 1ULL << CAP_SETUID)

#define ENTRY_MAX 16384 /* one entry of passwd */

const char *cmd_user_text(uid_t uid, char out[CMD_USER_TEXT])
{
    char room[ENTRY_MAX];
    struct passwd pw, *found = NULL;

    if (getpwuid_r(uid, &pw, room, sizeof room, &found) == 0 && found) {
        (void)snprintf(out, CMD_USER_TEXT, "%.60s (%u)", pw.pw_name, uid);
    } else {
        (void)snprintf(out, CMD_USER_TEXT, "%u", uid);
    }
    return out;
}

static const char *number_name(struct wh_arena *a, uint64_t id)
{
    return wh_arena_fmt(a, "%llu", (unsigned long long)id).p;
}

/* A name of the system, or a number. False: there is no such user. */
static bool look_up(struct wh_arena *a, struct wh_str text,
                    struct cmd_user *out)
{
    char room[ENTRY_MAX];
    struct passwd pw, *found = NULL;
    uint64_t id;

    if (wh_str_u64(text, &id)) {
        *out = (struct cmd_user){number_name(a, id), (uid_t)id, (gid_t)id};
        return id <= UINT32_MAX;
    }
    if (getpwnam_r(wh_arena_cstr(a, text), &pw, room, sizeof room, &found) !=
            0 ||
        !found) {
        return false;
    }
    *out = (struct cmd_user){wh_arena_cstr(a, text), pw.pw_uid, pw.pw_gid};
    return true;
}

/* The five numbers; none may be somebody's already. */
static bool take_numbers(struct wh_arena *a, const struct conf *conf,
                         struct cmd_users *u, struct wh_err *err)
{
    for (unsigned i = 0; i < CMD_WHO_COUNT; i++) {
        uid_t id = (uid_t)(conf->users_first_id + i);
        char is[CMD_USER_TEXT];

        if (strchr(cmd_user_text(id, is), '(')) {
            return wh_fail(err, WH_USAGE,
                           "user id %u is that of %s: set users.first_id to "
                           "the first of four free ones",
                           id, is);
        }
        u->of[i] = (struct cmd_user){number_name(a, id), id, id};
    }
    return true;
}

static bool take_names(struct wh_arena *a, const struct conf *conf,
                       struct cmd_users *u, struct wh_err *err)
{
    unsigned missing = CMD_WHO_COUNT, found = 0;
    bool set = false;

    for (unsigned i = 0; i < CMD_WHO_COUNT; i++) {
        const struct conf_value *v = &conf->values[table[i].setting];
        set = set || v->origin != CONF_DEFAULT;
        if (look_up(a, v->text, &u->of[i])) {
            found++;
        } else if (missing == CMD_WHO_COUNT) {
            missing = i; /* the first */
        }
    }
    if (found == 0 && !set) {
        return take_numbers(a, conf, u, err);
    }
    if (found < CMD_WHO_COUNT) {
        return wh_fail(
            err, WH_USAGE,
            "there is no user %.*s for the %s: make it (useradd --system "
            "--user-group --no-create-home) or set users.%s",
            WH_FMT(conf->values[table[missing].setting].text),
            table[missing].process, table[missing].process);
    }
    return true;
}

static bool check_distinct(const struct cmd_users *u, struct wh_err *err)
{
    for (unsigned i = 0; i < CMD_WHO_COUNT; i++) {
        const struct cmd_user *x = &u->of[i];

        if (x->uid == 0 || x->gid == 0 || x->uid == (uid_t)-1 ||
            x->gid == (gid_t)-1) {
            return wh_fail(err, WH_USAGE,
                           "users.%s: user and group must not be root",
                           table[i].process);
        }
        for (unsigned k = 0; k < i; k++) {
            if (x->uid == u->of[k].uid || x->gid == u->of[k].gid) {
                return wh_fail(err, WH_USAGE,
                               "users.%s and users.%s have a user or a group "
                               "in common: each needs its own",
                               table[k].process, table[i].process);
            }
        }
    }
    return true;
}

/* Whether this root may become them: some containers have one user only. */
static bool may_become(const struct cmd_users *u)
{
    struct proc_state self;
    bool ok;

    proc_state_self(false, &self);
    ok = (self.caps & CAPS_NEEDED) == CAPS_NEEDED;
    for (unsigned i = 0; ok && i < CMD_WHO_COUNT; i++) {
        /* the saved id alone, and back: fails where it has no mapping */
        ok = setresuid((uid_t)-1, (uid_t)-1, u->of[i].uid) == 0 &&
             setresgid((gid_t)-1, (gid_t)-1, u->of[i].gid) == 0;
    }
    return setresuid((uid_t)-1, (uid_t)-1, geteuid()) == 0 &&
           setresgid((gid_t)-1, (gid_t)-1, getegid()) == 0 && ok;
}

static void share_one(struct wh_arena *a, const char *why,
                      struct cmd_users *out)
{
    const char *name = number_name(a, geteuid());

    *out = (struct cmd_users){.why = why};
    for (unsigned i = 0; i < CMD_WHO_COUNT; i++) {
        out->of[i] = (struct cmd_user){name, geteuid(), getegid()};
    }
}

bool cmd_users_find(struct wh_arena *a, const struct conf *conf,
                    struct cmd_users *out, struct wh_err *err)
{
    struct cmd_users u = {.own = true, .why = ""};

    if (geteuid() != 0) {
        share_one(a, "not started as root", out);
        return true;
    }
    if (!take_names(a, conf, &u, err) || !check_distinct(&u, err)) {
        return false;
    }
    if (!may_become(&u)) {
        share_one(a, "this root may not change users", out);
        return true;
    }
    *out = u;
    return true;
}

unsigned cmd_users_peers(const struct cmd_users *u, enum cmd_who who,
                         uid_t peers[CMD_WHO_COUNT])
{
    unsigned n = 0;

    for (unsigned i = 0; i < CMD_WHO_COUNT; i++) {
        if (table[who].peers & 1u << i) {
            peers[n++] = u->of[i].uid;
        }
    }
    return n;
}

void cmd_users_log(const struct cmd_users *u)
{
    if (!u->own) {
        wh_log(WH_WARN, "serve.users",
               "weaker: all processes are of user %u, each can reach the "
               "files of the others but for Landlock: %s",
               u->of[0].uid, u->why);
        return;
    }
    wh_log(WH_INFO, "serve.users",
           "front=%s(%u) keeper=%s(%u) signer=%s(%u) scanner=%s(%u) "
           "engine=%s(%u)",
           u->of[CMD_FRONT].name, u->of[CMD_FRONT].uid, u->of[CMD_KEEPER].name,
           u->of[CMD_KEEPER].uid, u->of[CMD_SIGNER].name, u->of[CMD_SIGNER].uid,
           u->of[CMD_SCANNER].name, u->of[CMD_SCANNER].uid,
           u->of[CMD_ENGINES].name, u->of[CMD_ENGINES].uid);
}
