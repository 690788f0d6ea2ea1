/*
 * paths.h - where an installation keeps its things.
 * Owner: all texts live in the arena given.
 * Never: creates anything but the folders it names.
 */
#ifndef WH_CMD_PATHS_H
#define WH_CMD_PATHS_H

#include "base/arena.h"
#include "conf/conf.h"

struct cmd_paths {
    const char *data;    /* the installation's folder, absolute */
    const char *keys;    /* keys.dir, never inside data */
    const char *run;     /* DATA/run: sockets */
    const char *db;      /* DATA/house.db */
    const char *sealed;  /* DATA/sealed: containers */
    const char *open;    /* DATA/open: opened content by SHA-256 */
    const char *log;     /* DATA/register: the public log */
    const char *custody; /* DATA/custody: the keeper's ledger */
    const char *watch;   /* DATA/watch: halves of the watch's keys */
    const char *token;   /* DATA/admin.token */
    const char *pid;     /* DATA/run/parent.pid */
};

struct cmd_users;

/* Make the folders that are missing (0700) and name everything. WH_USAGE when
 * keys.dir lies inside data.dir, or cmd_owners_check refuses one of them. */
bool cmd_paths_make(struct wh_arena *a, const struct conf *conf,
                    const struct cmd_users *users, struct cmd_paths *out,
                    struct wh_err *err) WH_CHECK;

/* Name them as they are, and make nothing: for commands that look at an
 * installation. WH_USAGE without data.dir, WH_NOT_FOUND when there is no such
 * folder; keys.dir may be missing. */
bool cmd_paths_name(struct wh_arena *a, const struct conf *conf,
                    struct cmd_paths *out, struct wh_err *err) WH_CHECK;

/* The same names for a process whose working folder is the data folder. */
struct cmd_paths cmd_paths_inside(const struct cmd_paths *p);

#endif
