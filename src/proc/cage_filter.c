/*
 * The system call filter of caged programs. It lists what a server of one UNIX
 * socket needs that computes with threads over a file. What is not listed is
 * refused with EPERM and not with death: libraries ask for more than they need,
 * and differ.
 */
#include "proc/cage.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Allowed whatever their arguments: none of them reaches beyond the process and
 * what it was given. execve is how bubblewrap starts the program. */
static const int always[] = {
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(msync),
    SCMP_SYS(mincore),
    SCMP_SYS(mlock),
    SCMP_SYS(munlock),
    SCMP_SYS(membarrier),
    SCMP_SYS(fadvise64),
    /* threads, time, signals of its own */
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(tgkill),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_setaffinity),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrusage),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(execve),
    SCMP_SYS(wait4),
    /* who and where */
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrandom),
    SCMP_SYS(getcwd),
    /* files that are open, and looking at others */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(fcntl),
    /* waiting */
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(pipe2),
    /* its socket */
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockopt),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(shutdown),
};

/* Memory that can be written is never run, and becomes no code later. */
static bool add_memory(scmp_filter_ctx ctx)
{
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0 &&
           seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE,
                                    PROT_EXEC)) == 0 &&
           seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) == 0;
}

/* Files are opened for reading. */
static bool add_open(scmp_filter_ctx ctx)
{
    const scmp_datum_t writes =
        O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY);
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, writes, 0)) == 0 &&
           seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
                            SCMP_A1(SCMP_CMP_MASKED_EQ, writes, 0)) == 0;
}

/* Threads, but no processes. clone3 hides its flags behind a pointer: it is
 * said not to exist, and clone is taken instead. */
static bool add_threads(scmp_filter_ctx ctx)
{
    const scmp_datum_t both = CLONE_THREAD | CLONE_VM;
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, both, both)) == 0 &&
           seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) ==
               0;
}

static bool add_one(scmp_filter_ctx ctx, int call, unsigned arg,
                    scmp_datum_t value)
{
    const struct scmp_arg_cmp is = {arg, SCMP_CMP_EQ, value, 0};
    return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, 1, &is) == 0;
}

static bool add_single(scmp_filter_ctx ctx)
{
    return add_one(ctx, SCMP_SYS(socket), 0, AF_UNIX) &&
           add_one(ctx, SCMP_SYS(socketpair), 0, AF_UNIX) &&
           add_one(ctx, SCMP_SYS(ioctl), 1, FIONBIO) &&
           add_one(ctx, SCMP_SYS(ioctl), 1, FIONREAD) &&
           add_one(ctx, SCMP_SYS(ioctl), 1, TCGETS) &&
           add_one(ctx, SCMP_SYS(prctl), 0, PR_SET_NAME) &&
           add_one(ctx, SCMP_SYS(prctl), 0, PR_GET_NAME) &&
           /* limits may be asked for, not set */
           add_one(ctx, SCMP_SYS(prlimit64), 2, 0);
}

static bool add_rules(scmp_filter_ctx ctx)
{
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, always[i], 0) != 0) {
            return false;
        }
    }
    return add_memory(ctx) && add_open(ctx) && add_threads(ctx) &&
           add_single(ctx);
}

int proc_cage_filter(struct wh_err *err)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int fd = memfd_create("filter", MFD_CLOEXEC);
    if (!ctx || fd < 0 || !add_rules(ctx) || seccomp_export_bpf(ctx, fd) != 0) {
        wh_fail(err, WH_OUTSIDE,
                "this host can not build a system call filter");
        wh_fd_close(&fd);
    }
    if (ctx) {
        seccomp_release(ctx);
    }
    return fd;
}
