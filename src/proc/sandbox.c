/*
 * Taking rights away. Order matters: files that need a right are opened by the
 * caller before; the user id goes before Landlock (which needs no_new_privs,
 * not root); parent-death is set again after the change of user, which clears
 * it. Landlock is used through its system calls, asked for at run time, because
 * the kernel that runs us need not be the one whose headers built us.
 */
#include "proc/sandbox.h"

#include "base/file.h"
#include "proc/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights of ABI 1, which every Landlock has; later ones are added by version.
 */
#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define MAKE_RIGHTS                                                   \
    (LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |      \
     LANDLOCK_ACCESS_FS_MAKE_SYM)
#define OTHER_RIGHTS                                               \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |   \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK)
#define REFER_RIGHT (1ULL << 13)    /* ABI 2: rename and link across folders */
#define TRUNCATE_RIGHT (1ULL << 14) /* ABI 3 */
/* What may be granted on a file that is no folder. */
#define FILE_RIGHTS                                                 \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
     TRUNCATE_RIGHT)

static const struct {
    enum proc_guard guard;
    const char *name, *text;
} guards[] = {
    {PROC_GUARD_DUMP, "dump", "other processes can not read its memory"},
    {PROC_GUARD_CORE, "core", "a crash writes no memory to disk"},
    {PROC_GUARD_UID, "uid", "a user id of its own"},
    {PROC_GUARD_PRIVS, "privs", "no new privileges through programs it starts"},
    {PROC_GUARD_LANDLOCK, "landlock", "files only under named folders"},
    {PROC_GUARD_SECCOMP, "seccomp", "only the system calls that it needs"},
};
#define NGUARDS (sizeof guards / sizeof guards[0])

static uint64_t write_rights(int abi)
{
    return LANDLOCK_ACCESS_FS_WRITE_FILE | MAKE_RIGHTS |
           (abi >= 2 ? REFER_RIGHT : 0) | (abi >= 3 ? TRUNCATE_RIGHT : 0);
}

static bool landlock_allow(int rules, const struct proc_path *p, int abi,
                           struct wh_err *err)
{
    struct stat st;
    int fd = open(p->path, O_PATH | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        wh_fail_errno(err, WH_IO, "open a folder for the sandbox");
        wh_fd_close(&fd);
        return wh_err_detail(err, "%s", p->path);
    }
    struct landlock_path_beneath_attr at = {
        .allowed_access = READ_RIGHTS | (p->write ? write_rights(abi) : 0),
        .parent_fd = fd};
    if (!S_ISDIR(st.st_mode)) {
        at.allowed_access &= FILE_RIGHTS;
    }
    long r = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
                     &at, 0);
    bool ok = r == 0 || wh_fail_errno(err, WH_OUTSIDE, "add a Landlock rule");
    wh_fd_close(&fd);
    return ok;
}

static bool landlock_enter(const struct proc_sandbox *s, int abi,
                           struct wh_err *err)
{
    struct landlock_ruleset_attr attr = {
        .handled_access_fs = READ_RIGHTS | OTHER_RIGHTS | write_rights(abi)};
    int rules =
        (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (rules < 0) {
        return wh_fail_errno(err, WH_OUTSIDE, "make a Landlock rule set");
    }
    bool ok = true;
    for (unsigned i = 0; ok && i < s->npaths; i++) {
        ok = landlock_allow(rules, &s->paths[i], abi, err);
    }
#ifdef WH_SANITIZED /* their leak checker looks at its own memory there */
    const struct proc_path self = {"/proc", false};
    ok = ok && landlock_allow(rules, &self, abi, err);
#endif
    if (ok && syscall(SYS_landlock_restrict_self, rules, 0) != 0) {
        ok = wh_fail_errno(err, WH_OUTSIDE, "enter Landlock");
    }
    close(rules);
    return ok;
}

/* No capability of any kind, whatever the parent was given. */
static bool drop_caps(struct wh_err *err)
{
    struct __user_cap_header_struct head = {.version =
                                                _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {
        {0, 0, 0}};
    return syscall(SYS_capset, &head, none) == 0 ||
           wh_fail_errno(err, WH_OUTSIDE, "drop the capabilities of a process");
}

static bool is_user(uid_t uid, gid_t gid)
{
    uid_t r, e, s;
    gid_t rg, eg, sg;
    return getresuid(&r, &e, &s) == 0 && getresgid(&rg, &eg, &sg) == 0 &&
           r == uid && e == uid && s == uid && rg == gid && eg == gid &&
           sg == gid && getgroups(0, NULL) == 0;
}

/* Other processes can not look into its memory. */
static bool close_memory(struct wh_err *err)
{
#ifdef WH_SANITIZED /* their leak checker attaches to the process */
    const unsigned long dumpable = 1;
#else
    const unsigned long dumpable = 0;
#endif
    return prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) == 0 ||
           wh_fail_errno(err, WH_OUTSIDE, "lock a process in");
}

bool proc_user_enter(uid_t uid, gid_t gid, struct wh_err *err)
{
    pid_t parent = getppid();
    if (is_user(uid, gid)) {
        return drop_caps(err);
    }
    if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 ||
        setresuid(uid, uid, uid) != 0 || !is_user(uid, gid)) {
        return wh_fail_errno(err, WH_OUTSIDE, "change the user of a process");
    }
    proc_die_with_parent(SIGKILL);
    if (getppid() != parent) { /* it went while nothing was armed */
        return wh_fail(err, WH_OUTSIDE, "the parent process is gone");
    }
    return drop_caps(err) && close_memory(err);
}

static bool set_limit(int what, uint64_t n, struct wh_err *err)
{
    struct rlimit l = {.rlim_cur = n, .rlim_max = n};
    return setrlimit((__rlimit_resource_t)what, &l) == 0 ||
           wh_fail_errno(err, WH_OUTSIDE, "set a limit of a process");
}

/* As many descriptors as wanted, or as the host allows. */
static bool limit_files(uint64_t n, struct wh_err *err)
{
    struct rlimit l;
    if (n == 0) {
        return true;
    }
    if (getrlimit(RLIMIT_NOFILE, &l) != 0) {
        return wh_fail_errno(err, WH_OUTSIDE, "ask for a limit of a process");
    }
    return set_limit(RLIMIT_NOFILE, n < l.rlim_max ? n : l.rlim_max, err);
}

static bool enter_user(const struct proc_sandbox *s, unsigned *missing,
                       struct wh_err *err)
{
    if (s->uid == 0) {
        *missing |= PROC_GUARD_UID;
        return drop_caps(err);
    }
    return proc_user_enter(s->uid, s->gid, err);
}

/* After the change of user, which may set it anew. */
static bool enter_memory(unsigned *missing, struct wh_err *err)
{
    if (!close_memory(err)) {
        return false;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return wh_fail_errno(err, WH_OUTSIDE, "lock a process in");
    }
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) {
        *missing |= PROC_GUARD_DUMP;
    }
    return true;
}

static bool enter_files(const struct proc_sandbox *s, unsigned *missing,
                        struct wh_err *err)
{
    int abi = proc_sandbox_landlock();
    if (s->files || abi == 0) {
        *missing |= PROC_GUARD_LANDLOCK;
        return true;
    }
    return landlock_enter(s, abi, err);
}

bool proc_sandbox_enter(const struct proc_sandbox *s, unsigned *missing,
                        struct wh_err *err)
{
    /* the filter is the scanners' own, see proc_filter_load */
    unsigned lack = PROC_GUARD_SECCOMP;
    if (!limit_files(s->limit_files, err) || !set_limit(RLIMIT_CORE, 0, err) ||
        !enter_user(s, &lack, err)) {
        return false;
    }
    if (!enter_memory(&lack, err)) {
        return false;
    }
    if (!enter_files(s, &lack, err)) {
        return false;
    }
    *missing = lack;
    return true;
}

int proc_sandbox_landlock(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
                       LANDLOCK_CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : 0;
}

unsigned proc_sandbox_host(void)
{
    unsigned have = PROC_GUARD_DUMP | PROC_GUARD_CORE | PROC_GUARD_PRIVS;
    struct wh_err err = {0};
    if (geteuid() == 0) {
        have |= PROC_GUARD_UID;
    }
    if (proc_sandbox_landlock() > 0) {
        have |= PROC_GUARD_LANDLOCK;
    }
    struct proc_filter *f = proc_filter_new(&err);
    if (f && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0) {
        have |= PROC_GUARD_SECCOMP;
    }
    proc_filter_free(&f);
    return have;
}

const char *proc_guard_text(enum proc_guard g)
{
    for (size_t i = 0; i < NGUARDS; i++) {
        if (guards[i].guard == g) {
            return guards[i].text;
        }
    }
    return "unknown";
}

void proc_guard_list(struct wh_buf *b, unsigned set)
{
    const char *sep = "";
    for (size_t i = 0; i < NGUARDS; i++) {
        if (set & guards[i].guard) {
            wh_buf_fmt(b, "%s%s", sep, guards[i].name);
            sep = ",";
        }
    }
}
