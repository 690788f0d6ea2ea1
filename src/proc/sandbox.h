/*
 * sandbox.h - taking rights away from a process for good.
 * Owner: nothing is owned; the sandbox belongs to the calling process.
 * Never: claims a guard that the host did not give: what is missing is told.
 */
#ifndef WH_PROC_SANDBOX_H
#define WH_PROC_SANDBOX_H

#include "base/buf.h"
#include "base/err.h"
#include <sys/types.h>

/* The guards, one bit each. */
enum proc_guard {
    PROC_GUARD_DUMP = 1,      /* not dumpable: no ptrace, no /proc/self/mem */
    PROC_GUARD_CORE = 2,      /* no core file */
    PROC_GUARD_UID = 4,       /* a user id of its own */
    PROC_GUARD_PRIVS = 8,     /* no new privileges through exec */
    PROC_GUARD_LANDLOCK = 16, /* files only under named folders */
    PROC_GUARD_SECCOMP = 32   /* only the system calls it needs */
};

/* A folder or file that stays reachable. */
struct proc_path {
    const char *path;
    bool write; /* also create, write, rename and remove below it */
};

/* What a process may keep. */
struct proc_sandbox {
    /* 0: keep the user; else proc_user_enter, which may have been done. */
    uid_t uid;
    gid_t gid;
    /* With Landlock, only these; npaths 0 with `files` false means none. */
    const struct proc_path *paths;
    unsigned npaths;
    bool files; /* true: leave the file system as it is */
    /* Resource limits; 0 leaves a limit as it is. */
    uint64_t limit_files; /* RLIMIT_NOFILE; less if the host allows less */
};

/* From root to another user and group for good, or nothing new if it is that
 * user already: real, effective and saved ids, no supplementary group, no
 * capability, not dumpable, dies with its parent. For processes that make files
 * of their own before they lock themselves in. Before any thread starts. */
bool proc_user_enter(uid_t uid, gid_t gid, struct wh_err *err) WH_CHECK;

/* Apply to the calling process (before its threads start); its capabilities go
 * in any case. Guards that this host can not provide are set in *missing and
 * are not a failure; a guard that exists and refuses is. */
bool proc_sandbox_enter(const struct proc_sandbox *s, unsigned *missing,
                        struct wh_err *err) WH_CHECK;

/* What this host can provide, without entering anything: bits of
 * enum proc_guard. For `doctor` and the custody page. */
unsigned proc_sandbox_host(void);
/* Landlock's ABI version here; 0 when there is none. */
int proc_sandbox_landlock(void);
/* One line about a guard, for people: "files only under named folders". */
const char *proc_guard_text(enum proc_guard g);
/* Names of the bits in `set`, comma separated, appended to b. */
void proc_guard_list(struct wh_buf *b, unsigned set);

/* The system call filter of scanners, compiled once by the zygote. */
struct proc_filter;
/* Build it with libseccomp; null with *err (WH_OUTSIDE) when this host can
 * not. */
struct proc_filter *proc_filter_new(struct wh_err *err);
void proc_filter_free(struct proc_filter **f);
/* Load it into the calling process: from here on any other call kills. Uses
 * prctl and seccomp(2) only. */
bool proc_filter_load(const struct proc_filter *f, struct wh_err *err) WH_CHECK;

#endif
