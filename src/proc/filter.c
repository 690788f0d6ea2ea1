/*
 * The system call filter of scanners: read what was given, compute, answer.
 * libseccomp makes the program once, in the zygote; the scanner loads it with
 * two system calls and needs no library for it. Anything else kills the
 * process, all of it.
 */
#include "base/file.h"
#include "base/mem.h"
#include "proc/sandbox.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct proc_filter {
    struct sock_fprog prog;
};

/* Calls allowed whatever their arguments. futex and madvise serve malloc,
 * sysinfo serves qsort, the rest is reading and answering. */
static const int always[] = {
    SCMP_SYS(pread64),
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(close),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sysinfo),
#ifdef WH_SANITIZED
    /* test builds: what the sanitizers' own run time asks for */
    SCMP_SYS(sched_yield),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(rt_sigprocmask),
#endif
};

/* Flags of anonymous private memory that change nothing about what it is. */
#define MMAP_HARMLESS (MAP_NORESERVE | MAP_STACK)
#ifdef WH_SANITIZED
#define MMAP_FREE (MMAP_HARMLESS | MAP_FIXED)
#else
#define MMAP_FREE MMAP_HARMLESS
#endif

static bool add_memory_rules(scmp_filter_ctx ctx)
{
    const scmp_datum_t exec = PROT_EXEC;
    const scmp_datum_t all = 0xffffffffu;
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 3,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0),
                            SCMP_A3(SCMP_CMP_MASKED_EQ,
                                    all & ~(scmp_datum_t)MMAP_FREE,
                                    MAP_PRIVATE | MAP_ANONYMOUS),
                            SCMP_A4(SCMP_CMP_MASKED_EQ, all, all)) == 0 &&
           seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, exec, 0)) == 0;
}

static bool add_rules(scmp_filter_ctx ctx)
{
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, always[i], 0) != 0) {
            return false;
        }
    }
    return add_memory_rules(ctx);
}

/* libseccomp exports to a descriptor; a memory file serves. */
static bool export_to(scmp_filter_ctx ctx, struct proc_filter *f,
                      struct wh_err *err)
{
    struct stat st;
    int fd = memfd_create("filter", MFD_CLOEXEC);
    bool ok = fd >= 0 && seccomp_export_bpf(ctx, fd) == 0 &&
              fstat(fd, &st) == 0 && st.st_size > 0 &&
              (size_t)st.st_size % sizeof(struct sock_filter) == 0;
    if (!ok) {
        wh_fail_errno(err, WH_OUTSIDE, "export the system call filter");
    } else {
        size_t n = (size_t)st.st_size;
        f->prog.filter = wh_alloc(n);
        f->prog.len = (unsigned short)(n / sizeof(struct sock_filter));
        ok = wh_fd_pread(fd, 0, f->prog.filter, n, err);
    }
    wh_fd_close(&fd);
    return ok;
}

struct proc_filter *proc_filter_new(struct wh_err *err)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    struct proc_filter *f = wh_alloc(sizeof *f);
    bool ok = ctx && add_rules(ctx);
    if (!ok) {
        wh_fail(err, WH_OUTSIDE,
                "this host can not build a system call filter");
    } else {
        ok = export_to(ctx, f, err);
    }
    seccomp_release(ctx);
    if (!ok) {
        proc_filter_free(&f);
    }
    return f;
}

void proc_filter_free(struct proc_filter **f)
{
    if (*f) {
        wh_free((*f)->prog.filter);
        wh_free(*f);
        *f = NULL;
    }
}

bool proc_filter_load(const struct proc_filter *f, struct wh_err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &f->prog) != 0) {
        return wh_fail_errno(err, WH_OUTSIDE, "load the system call filter");
    }
    return true;
}
