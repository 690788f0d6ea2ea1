/*
 * What is put in the engine's place: it serves GET on the socket it is told,
 * and does what the file that it takes for its model says, word by word:
 *
 *   crash     ends at once with code 7, after a line of complaint
 *   never     never answers
 *   late      answers after half a second
 *   (else)    answers
 *
 * GET /health is 200. GET /try reports, a line each, what happened when it
 * tried what an engine has no business to do: "name: no (errno)" or "name:
 * YES". GET /die ends it, GET /hang stops it. Everything else is 404.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static char report[65536];
static size_t used;

/* What is too long for the report is left out. */
static void said(int n)
{
    if (n > 0 && used + (size_t)n < sizeof report) {
        used += (size_t)n;
    }
}

#define say(...) \
    said(snprintf(report + used, sizeof report - used, __VA_ARGS__))

static void result(const char *name, long r)
{
    if (r < 0) {
        say("%s: no (%s)\n", name, strerrordesc_np(errno));
    } else {
        say("%s: YES\n", name);
    }
}

/* ---- tries ---- */

static void try_file(const char *name, const char *path, int flags)
{
    int fd = open(path, flags, 0600);
    result(name, fd);
    if (fd >= 0) {
        close(fd);
    }
}

static void try_network(void)
{
    const struct {
        const char *name;
        int family, type;
    } kinds[] = {{"socket inet", AF_INET, SOCK_STREAM},
                 {"socket inet6", AF_INET6, SOCK_STREAM},
                 {"socket udp", AF_INET, SOCK_DGRAM},
                 {"socket raw", AF_INET, SOCK_RAW},
                 {"socket netlink", AF_NETLINK, SOCK_RAW},
                 {"socket packet", AF_PACKET, SOCK_RAW},
                 {"socket vsock", 40, SOCK_STREAM}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int fd = socket(kinds[i].family, kinds[i].type, 0);
        result(kinds[i].name, fd);
        if (fd >= 0) {
            close(fd);
        }
    }
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)snprintf(sa.sun_path, sizeof sa.sun_path, "/run/s.sock");
    result("connect", connect(fd, (struct sockaddr *)&sa, sizeof sa));
    close(fd);
}

static void try_files(const char *const *paths, int n)
{
    char name[300];
    for (int i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "read %s", paths[i]);
        try_file(name, paths[i], O_RDONLY);
    }
    try_file("write /x", "/x", O_WRONLY | O_CREAT);
    try_file("write /tmp/x", "/tmp/x", O_WRONLY | O_CREAT);
    try_file("write /run/x", "/run/x", O_WRONLY | O_CREAT);
    try_file("write /dev/shm/x", "/dev/shm/x", O_WRONLY | O_CREAT);
    result("mkdir /run/d", mkdir("/run/d", 0700));
    result("symlink", symlink("/etc/passwd", "/run/l"));
    result("unlink socket", unlink("/run/s.sock"));
    result("rename", rename("/run/s.sock", "/run/t.sock"));
    result("chmod", chmod("/run/s.sock", 0777));
    result("mknod", mknod("/run/n", S_IFCHR | 0600, 0x103));
}

/* How many processes can be seen, and are any of them not ours? */
static void try_processes(void)
{
    DIR *d = opendir("/proc");
    int seen = 0;
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        seen += e->d_name[0] >= '1' && e->d_name[0] <= '9' ? 1 : 0;
    }
    if (d) {
        closedir(d);
    }
    say("processes seen: %d\n", seen);
    say("my pid: %d\n", (int)getpid());
}

static void try_others(void)
{
    char buf[16];
    struct iovec l = {buf, sizeof buf}, r = {(void *)0x400000, sizeof buf};
    const pid_t pids[] = {1, 2, getppid()};
    for (size_t i = 0; i < sizeof pids / sizeof pids[0]; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "ptrace %d", (int)pids[i]);
        result(name, ptrace(PTRACE_ATTACH, pids[i], NULL, NULL));
        (void)snprintf(name, sizeof name, "process_vm_readv %d", (int)pids[i]);
        result(name, process_vm_readv(pids[i], &l, 1, &r, 1, 0));
        (void)snprintf(name, sizeof name, "kill %d", (int)pids[i]);
        result(name, kill(pids[i], 0));
        (void)snprintf(name, sizeof name, "/proc/%d/mem", (int)pids[i]);
        if (pids[i] != getpid()) {
            try_file(name, name, O_RDWR);
        }
    }
    result("pidfd_open 1", syscall(SYS_pidfd_open, 1, 0));
    result("pidfd_getfd", syscall(SYS_pidfd_getfd, 0, 0, 0));
}

static void try_kernel(void)
{
    result("unshare user", unshare(CLONE_NEWUSER));
    result("unshare mount", unshare(CLONE_NEWNS));
    result("setns", setns(0, 0));
    result("mount", mount("none", "/run", "tmpfs", 0, ""));
    result("chroot", chroot("/run"));
    result("setuid 0", setuid(0));
    result("fork", syscall(SYS_fork));
    result("vfork by clone", syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
    result("clone3", syscall(SYS_clone3, 0, 0));
    result("bpf", syscall(SYS_bpf, 0, 0, 0));
    result("perf_event_open", syscall(SYS_perf_event_open, 0, 0, 0, 0, 0));
    result("io_uring_setup", syscall(SYS_io_uring_setup, 1, 0));
    result("userfaultfd", syscall(SYS_userfaultfd, 0));
    result("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
    result("memfd_create", syscall(SYS_memfd_create, "x", 0));
    result("shmget", syscall(SYS_shmget, 1, 4096, 01600));
    result("mq_open", syscall(SYS_mq_open, "x", O_CREAT, 0600, 0));
    result("open_by_handle_at", syscall(SYS_open_by_handle_at, 0, 0, 0));
    result("personality", syscall(SYS_personality, 0x0040000));
    result("prctl dumpable", prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
    struct rlimit lim = {RLIM_INFINITY, RLIM_INFINITY};
    result("setrlimit core", setrlimit(RLIMIT_CORE, &lim));
    result("setrlimit data", setrlimit(RLIMIT_DATA, &lim));
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    result("mmap write+exec", p == MAP_FAILED ? -1 : 0);
    p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
             -1, 0);
    result("mprotect exec", mprotect(p, 4096, PROT_READ | PROT_EXEC));
    size_t big = (size_t)64 << 30;
    p = mmap(NULL, big, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
             0);
    result("64 GiB of memory", p == MAP_FAILED ? -1 : 0);
    getrlimit(RLIMIT_CORE, &lim);
    say("core limit: %llu\n", (unsigned long long)lim.rlim_cur);
}

static void show(const char *path, const char *only)
{
    char buf[8192];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof buf - 1);
    if (fd >= 0) {
        close(fd);
    }
    buf[n > 0 ? n : 0] = '\0';
    for (char *save = NULL, *line = strtok_r(buf, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        if (strstr(line, only)) {
            say("%s %s\n", path, line);
        }
    }
}

static void try_weights(void)
{
    char first[5] = "";
    int fd = open("/model.gguf", O_RDONLY);
    result("weights, to read (wanted)", fd);
    if (fd >= 0 && read(fd, first, 4) == 4) {
        void *p = mmap(NULL, 4, PROT_READ, MAP_SHARED, fd, 0);
        result("weights, to map (wanted)", p == MAP_FAILED ? -1 : 0);
        p = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        result("weights, map writable", p == MAP_FAILED ? -1 : 0);
    }
    if (fd >= 0) {
        result("weights, write", pwrite(fd, "x", 1, 0));
        result("weights, ftruncate", ftruncate(fd, 0));
        close(fd);
    }
    try_file("weights, open for writing", "/model.gguf", O_RDWR);
    /* every descriptor that was inherited */
    for (int i = 3; i < 64; i++) {
        char link[64], to[256];
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", i);
        ssize_t n = readlink(link, to, sizeof to - 1);
        if (n <= 0) {
            continue;
        }
        to[n] = '\0';
        say("descriptor %d: %s\n", i, to);
        if (strstr(to, "memfd")) {
            result("weights, write by descriptor", pwrite(i, "x", 1, 0));
            result("weights, truncate by descriptor", ftruncate(i, 0));
            void *p = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, i, 0);
            result("weights, map by descriptor", p == MAP_FAILED ? -1 : 0);
        }
    }
}

static void try_all(const char *const *paths, int n)
{
    used = 0;
    try_network();
    try_files(paths, n);
    try_processes();
    try_others();
    try_kernel();
    try_weights();
    show("/proc/self/status", "Cap");
    show("/proc/self/status", "Seccomp:");
    show("/proc/self/status", "NoNewPrivs:");
    show("/proc/self/status", "Uid:");
    show("/proc/net/dev", ":");
    show("/proc/self/coredump_filter", "");
    show("/proc/self/oom_score_adj", "");
    show("/proc/self/mountinfo", " / ");
    for (char **e = environ; *e; e++) {
        say("environment %s\n", *e);
    }
}

/* ---- the server ---- */

static void answer(int fd, const char *status, const char *body, size_t n)
{
    char head[128];
    int h = snprintf(head, sizeof head,
                     "HTTP/1.1 %s\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n",
                     status, n);
    if (write(fd, head, (size_t)h) == h && n > 0) {
        ssize_t w = write(fd, body, n);
        (void)w;
    }
}

/* "GET /try?/etc/passwd,/work HTTP/1.1": what to try to read. */
static void serve_try(int fd, char *request)
{
    const char *paths[32];
    int n = 0;
    char *save = NULL;
    char *end = strstr(request, " HTTP/");
    if (end) {
        *end = '\0';
    }
    for (char *p = strtok_r(request + 9, ",", &save); p && n < 32;
         p = strtok_r(NULL, ",", &save)) {
        paths[n++] = p;
    }
    try_all(paths, n);
    answer(fd, "200 OK", report, used);
}

static void serve_one(int fd)
{
    char request[4096];
    ssize_t n = read(fd, request, sizeof request - 1);
    request[n > 0 ? n : 0] = '\0';
    if (strncmp(request, "GET /health", 11) == 0) {
        answer(fd, "200 OK", "ok", 2);
    } else if (strncmp(request, "GET /try?", 9) == 0) {
        serve_try(fd, request);
    } else if (strncmp(request, "GET /die", 8) == 0) {
        _exit(9);
    } else if (strncmp(request, "GET /hang", 9) == 0) {
        for (;;) {
            (void)pause();
        }
    } else {
        answer(fd, "404 Not Found", "", 0);
    }
    close(fd);
}

int main(int argc, char **argv)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char word[16] = "";
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--host") == 0) {
            (void)snprintf(sa.sun_path, sizeof sa.sun_path, "%.100s",
                           argv[i + 1]);
        }
    }
    (void)signal(SIGPIPE, SIG_IGN); /* who asks may hang up at any time */
    int model = open("/model.gguf", O_RDONLY);
    ssize_t n = read(model, word, sizeof word - 1);
    close(model);
    word[n > 0 ? n : 0] = '\0';
    if (strncmp(word, "crash", 5) == 0) {
        printf("the model is not to my taste\n");
        return 7;
    }
    while (strncmp(word, "never", 5) == 0) {
        (void)pause();
    }
    if (strncmp(word, "late", 4) == 0) {
        (void)usleep(500000);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0 ||
        listen(fd, 16) != 0) {
        perror("listen");
        return 1;
    }
    for (;;) {
        int c = accept(fd, NULL, NULL);
        if (c >= 0) {
            serve_one(c);
        }
    }
}
