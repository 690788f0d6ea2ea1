/*
 * bubblewrap, with the arguments that this house always gives it. The argument
 * list is built before the fork; between fork and exec only system calls are
 * made, because the caller may have threads.
 *
 * Descriptors: everything is close-on-exec in the child, then those that
 * bubblewrap is to use are let through. It closes the ones it was told about
 * (filter, folders); the file of weights stays open for the program, which
 * opens it again through /proc/self/fd.
 */
#include "proc/cage.h"

#include "base/file.h"
#include "base/mem.h"
#include "proc/supervise.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NICE 10
#define ARGV_MAX 192u
#define SAID_MAX 400u

/* ---- finding programs ---- */

/* Does it name an interpreter, so that it needs libraries? What is no 64-bit
 * ELF file (a script) is taken to need them. */
static bool is_dynamic(int fd)
{
    Elf64_Ehdr h;
    if (pread(fd, &h, sizeof h, 0) != (ssize_t)sizeof h ||
        memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 ||
        h.e_ident[EI_CLASS] != ELFCLASS64) {
        return true;
    }
    for (unsigned i = 0; i < h.e_phnum; i++) {
        Elf64_Phdr p;
        off_t at = (off_t)(h.e_phoff + (uint64_t)i * sizeof p);
        if (pread(fd, &p, sizeof p, at) != (ssize_t)sizeof p ||
            p.p_type == PT_INTERP) {
            return true;
        }
    }
    return false;
}

/* Open what is at out->path; false when it is no program. */
static bool open_program(struct proc_cage_program *out)
{
    struct stat st;
    char real[4096], *slash;
    if (!realpath(out->path, real) || strlen(real) >= sizeof out->path ||
        access(real, X_OK) != 0) {
        return false;
    }
    memcpy(out->path, real, strlen(real) + 1);
    slash = strrchr(real, '/');
    if (strlen(slash + 1) >= sizeof out->file_name) {
        return false;
    }
    memcpy(out->file_name, slash + 1, strlen(slash + 1) + 1);
    int fd = open(real, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    out->dynamic = ok && is_dynamic(fd);
    wh_fd_close(&fd);
    slash[slash == real ? 1 : 0] = '\0';
    if (ok) {
        out->file = open(out->path, O_PATH | O_CLOEXEC);
        out->dir = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    return ok && out->file >= 0 && out->dir >= 0;
}

/* One candidate: dir (n bytes) and name. */
static bool try_in(struct proc_cage_program *out, const char *dir, size_t n,
                   const char *name)
{
    int len = snprintf(out->path, sizeof out->path, "%.*s%s%s", (int)n, dir,
                       n > 0 ? "/" : "", name);
    if (len > 0 && (size_t)len < sizeof out->path && open_program(out)) {
        return true;
    }
    proc_cage_program_done(out);
    return false;
}

bool proc_cage_find(const char *name, struct proc_cage_program *out,
                    struct wh_err *err)
{
    return proc_cage_find_in(getenv("PATH"), name, out, err);
}

bool proc_cage_find_in(const char *path, const char *name,
                       struct proc_cage_program *out, struct wh_err *err)
{
    *out = (struct proc_cage_program){.file = -1, .dir = -1};
    if (strchr(name, '/')) {
        if (try_in(out, "", 0, name)) {
            return true;
        }
        path = NULL;
    }
    while (path && *path) {
        size_t n = strcspn(path, ":");
        if (n > 0 && n < sizeof out->path && try_in(out, path, n, name)) {
            return true;
        }
        path += n + (path[n] == ':' ? 1 : 0);
    }
    out->path[0] = '\0';
    return wh_fail(err, WH_NOT_FOUND, "there is no program %.100s here", name);
}

void proc_cage_program_done(struct proc_cage_program *p)
{
    wh_fd_close(&p->file);
    wh_fd_close(&p->dir);
}

/* ---- the argument list ---- */

struct args {
    const char *v[ARGV_MAX];
    size_t n;
    char text[1024]; /* numbers and paths that v points at */
    size_t used;
};

static void put(struct args *a, const char *s)
{
    wh_assert(a->n + 1 < ARGV_MAX);
    a->v[a->n++] = s;
    a->v[a->n] = NULL;
}

/* A formatted one; fmt has one %d or %s. */
static const char *text(struct args *a, const char *before, const char *s)
{
    char *at = a->text + a->used;
    int n = snprintf(at, sizeof a->text - a->used, "%s%s", before, s);
    wh_assert(n > 0 && (size_t)n < sizeof a->text - a->used);
    a->used += (size_t)n + 1;
    return at;
}

static const char *number(struct args *a, const char *before, int n)
{
    char digits[16];
    (void)snprintf(digits, sizeof digits, "%d", n);
    return text(a, before, digits);
}

static void put3(struct args *a, const char *x, const char *y, const char *z)
{
    put(a, x);
    put(a, y);
    put(a, z);
}

/* Nothing is shared with the host, nothing can be taken back. */
static void put_walls(struct args *a)
{
    static const char *const walls[] = {"bwrap",
                                        "--unshare-user",
                                        "--unshare-ipc",
                                        "--unshare-pid",
                                        "--unshare-net",
                                        "--unshare-uts",
                                        "--unshare-cgroup-try",
                                        "--disable-userns",
                                        "--die-with-parent",
                                        "--new-session",
                                        "--cap-drop",
                                        "ALL",
                                        "--clearenv",
                                        "--hostname",
                                        "engine",
                                        "--uid",
                                        "65534",
                                        "--gid",
                                        "65534",
                                        "--proc",
                                        "/proc"};
    for (size_t i = 0; i < sizeof walls / sizeof walls[0]; i++) {
        put(a, walls[i]);
    }
    put3(a, "--dev-bind", "/dev/null", "/dev/null");
    put3(a, "--dev-bind", "/dev/urandom", "/dev/urandom");
}

/* /bin, /lib, /lib64 as they are on this host: links into /usr, or folders. */
static void put_libraries(struct args *a)
{
    static const char *const tops[] = {"/bin", "/lib", "/lib64"};
    put3(a, "--ro-bind", "/usr", "/usr");
    put3(a, "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache");
    for (size_t i = 0; i < sizeof tops / sizeof tops[0]; i++) {
        char to[128];
        ssize_t n = readlink(tops[i], to, sizeof to - 1);
        if (n > 0) {
            to[n] = '\0';
            put3(a, "--symlink", text(a, "", to), tops[i]);
        } else {
            put3(a, "--ro-bind-try", tops[i], tops[i]);
        }
    }
}

/* Where the program is, inside; its own folder only if it needs libraries. */
static const char *put_program(struct args *a, const struct proc_cage *c)
{
    const struct proc_cage_program *p = c->program;
    const char *inside = text(a, "/engine/", p->file_name);
    if (p->dynamic) {
        put_libraries(a);
        put3(a, "--ro-bind-fd", number(a, "", p->dir), "/engine");
    } else {
        put3(a, "--ro-bind-fd", number(a, "", p->file), inside);
    }
    return inside;
}

static void build(struct args *a, const struct proc_cage *c)
{
    put_walls(a);
    const char *inside = put_program(a, c);
    if (c->file >= 0) {
        put3(a, "--symlink", number(a, "/proc/self/fd/", c->file),
             "/model.gguf");
    }
    put3(a, "--bind-fd", number(a, "", c->socket_dir), "/run");
    put(a, "--remount-ro");
    put(a, "/");
    put(a, "--chdir");
    put(a, "/");
    for (size_t i = 0; i < PROC_CAGE_ENV && c->env[i][0]; i++) {
        put3(a, "--setenv", c->env[i][0], c->env[i][1]);
    }
    put(a, "--seccomp");
    put(a, number(a, "", c->filter));
    put(a, "--");
    put(a, inside);
    for (size_t i = 0; i < PROC_CAGE_ARGS && c->args[i]; i++) {
        put(a, c->args[i]);
    }
}

/* ---- in the child: system calls only ---- */

static bool limit(int what, uint64_t n)
{
    struct rlimit l = {.rlim_cur = n, .rlim_max = n};
    return n == 0 || setrlimit((__rlimit_resource_t)what, &l) == 0;
}

static bool pass_on(int fd)
{
    return fd < 0 || fcntl(fd, F_SETFD, 0) == 0;
}

static _Noreturn void child(const struct proc_cage *c, const struct args *a,
                            pid_t parent)
{
    static char *const no_env[] = {NULL};
    const struct rlimit none = {0, 0};
    sigset_t empty;
    sigemptyset(&empty);
    (void)pthread_sigmask(SIG_SETMASK, &empty, NULL);
    proc_die_with_parent(SIGKILL);
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool ok = getppid() == parent && in >= 0 && dup2(in, 0) == 0 &&
              dup2(c->out, 1) == 1 && dup2(c->out, 2) == 2 &&
              syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
    if (c->program) {
        ok =
            ok &&
            pass_on(c->program->dynamic ? c->program->dir : c->program->file) &&
            pass_on(c->file) && pass_on(c->socket_dir) && pass_on(c->filter);
    }
    ok = ok && limit(RLIMIT_DATA, c->memory) &&
         limit(RLIMIT_NOFILE, c->files) && setrlimit(RLIMIT_CORE, &none) == 0 &&
         setrlimit(RLIMIT_FSIZE, &none) == 0 &&
         setpriority(PRIO_PROCESS, 0, NICE) == 0;
    if (ok) {
        /* execve wants pointers to plain char; it changes nothing */
        char *argv[ARGV_MAX];
        memcpy(argv, a->v, sizeof argv);
        (void)fexecve(c->bwrap->file, argv, no_env);
        (void)execve(c->bwrap->path, argv, no_env);
    }
    _exit(127);
}

static bool start(const struct proc_cage *c, const struct args *a, pid_t *pid,
                  struct wh_err *err)
{
    /* no signal of ours is to be handled in the child */
    sigset_t all, old;
    sigfillset(&all);
    pid_t parent = getpid();
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid_t p = fork();
    if (p == 0) {
        child(c, a, parent);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (p < 0) {
        return wh_fail_errno(err, WH_OUTSIDE, "start a program");
    }
    *pid = p;
    return true;
}

bool proc_cage_start(const struct proc_cage *c, pid_t *pid, struct wh_err *err)
{
    wh_assert(c->program && c->filter >= 0 && c->socket_dir >= 0);
    struct args *a = wh_alloc(sizeof *a);
    build(a, c);
    if (lseek(c->filter, 0, SEEK_SET) != 0) {
        wh_free(a);
        return wh_fail_errno(err, WH_OUTSIDE, "read the system call filter");
    }
    bool ok = start(c, a, pid, err);
    wh_free(a);
    return ok;
}

bool proc_cage_check(const struct proc_cage_program *bwrap, struct wh_err *err)
{
    int p[2], status = 0;
    char said[SAID_MAX];
    pid_t pid = 0;
    struct args *a = wh_alloc(sizeof *a);
    put_walls(a);
    put_libraries(a);
    put(a, "--");
    put(a, "/bin/true");
    if (pipe2(p, O_CLOEXEC) != 0) {
        wh_free(a);
        return wh_fail_errno(err, WH_OUTSIDE, "make a pipe");
    }
    struct proc_cage c = {.bwrap = bwrap,
                          .file = -1,
                          .socket_dir = -1,
                          .filter = -1,
                          .out = p[1]};
    bool ok = start(&c, a, &pid, err);
    wh_fd_close(&p[1]);
    wh_free(a);
    if (ok) {
        ssize_t n = read(p[0], said, sizeof said - 1);
        said[n > 0 ? n : 0] = '\0';
        said[strcspn(said, "\n")] = '\0';
        ok = waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
             WEXITSTATUS(status) == 0;
        if (!ok) {
            wh_fail(err, WH_OUTSIDE, "bubblewrap can not lock a program in: %s",
                    said);
        }
    }
    wh_fd_close(&p[0]);
    return ok;
}

static void tell_kernel(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = write(fd, value, strlen(value));
        (void)n; /* a wish: the limit on core files holds without it */
        wh_fd_close(&fd);
    }
}

void proc_cage_prepare(void)
{
    tell_kernel("/proc/self/coredump_filter", "0");
    tell_kernel("/proc/self/oom_score_adj", "500");
}
