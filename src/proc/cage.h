/*
 * cage.h - running a stranger's program over secrets: bubblewrap, without
 * network, files, other processes or capabilities, with a list of system calls.
 * Owner: the caller owns descriptors and pid; the program ends with the thread
 * that started it.
 * Never: starts a program with less than all of this; gives it a descriptor
 * that it was not told to give.
 */
#ifndef WH_PROC_CAGE_H
#define WH_PROC_CAGE_H

#include "base/err.h"
#include <stdint.h>
#include <sys/types.h>

#define PROC_CAGE_ARGS 48u
#define PROC_CAGE_ENV 16u

/* A program, found and opened while it can be reached: whoever runs it later
 * may have another user id. */
struct proc_cage_program {
    char path[512]; /* on the host, for people */
    char file_name[128];
    int file;     /* O_PATH, of the program */
    int dir;      /* O_PATH, of its folder: libraries may lie beside it */
    bool dynamic; /* needs libraries: it sees /usr and its folder, read-only */
};

/* Find `name`: a path if it has a slash, else through PATH. WH_NOT_FOUND. */
bool proc_cage_find(const char *name, struct proc_cage_program *out,
                    struct wh_err *err) WH_CHECK;
/* The same with a search path in the form of PATH, which may be null. */
bool proc_cage_find_in(const char *path, const char *name,
                       struct proc_cage_program *out,
                       struct wh_err *err) WH_CHECK;
/* Close its descriptors. */
void proc_cage_program_done(struct proc_cage_program *p);

/* One run. */
struct proc_cage {
    const struct proc_cage_program *bwrap, *program;
    const char *args[PROC_CAGE_ARGS];  /* after the program's name, then null */
    const char *env[PROC_CAGE_ENV][2]; /* name, value; nothing else is there */
    int file;        /* the program sees it, read-only, as /model.gguf; -1 */
    int socket_dir;  /* O_PATH; the one folder it may write to: /run */
    int filter;      /* from proc_cage_filter */
    int out;         /* its standard output and error */
    uint64_t memory; /* bytes of its own (RLIMIT_DATA); mapped files are not
                        counted */
    unsigned files;  /* descriptors */
};

/* A descriptor (a memory file, close-on-exec) that holds the system call filter
 * of caged programs: threads, memory, UNIX sockets, reading files; everything
 * else is refused with EPERM. -1 with *err where the host can not. */
int proc_cage_filter(struct wh_err *err);

/* Start it. *pid is bubblewrap's, a child of the calling thread, which has to
 * live as long; SIGKILL to it ends everything inside. It runs at nice 10 and
 * can write no file, whatever its size. May be called with threads around. */
bool proc_cage_start(const struct proc_cage *c, pid_t *pid,
                     struct wh_err *err) WH_CHECK;

/* Does bubblewrap work here? Runs it once with a program of no effect; false
 * with what it said. */
bool proc_cage_check(const struct proc_cage_program *bwrap,
                     struct wh_err *err) WH_CHECK;

/* What later children inherit: no part of their memory goes into a core file,
 * and when memory runs out they are ended first. To be called before the
 * process is locked in. */
void proc_cage_prepare(void);

#endif
