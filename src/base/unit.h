/*
 * unit.h - what the unit tests of every room share: cmocka with the headers
 * it wants before it, and a few checks it lacks.
 * Owner: nothing is owned.
 * Never: included outside *_test.c.
 */
#ifndef WH_BASE_UNIT_H
#define WH_BASE_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The view holds exactly the bytes of the C string. */
#define unit_str(s, c) unit_str_at((s), (c), __FILE__, __LINE__)
static inline void unit_str_at(struct wh_str s, const char *c, const char *file,
                               int line)
{
    if (!wh_str_is(s, c)) {
        print_error("\"%.*s\" is not \"%s\"\n", WH_FMT(s), c);
        _fail(file, line);
    }
}

/* A call failed as it should, with this code. */
#define unit_fails(call, err, want)                       \
    do {                                                  \
        (err) = (struct wh_err){0};                       \
        assert_false(call);                               \
        assert_string_equal(wh_err_row((err).code)->name, \
                            wh_err_row(want)->name);      \
    } while (0)

/* A call worked; prints the error when it did not. */
#define unit_ok(call, err)                                             \
    do {                                                               \
        (err) = (struct wh_err){0};                                    \
        if (!(call)) {                                                 \
            print_error("%s: %s (%s)\n", wh_err_row((err).code)->name, \
                        (err).msg, (err).detail);                      \
            fail();                                                    \
        }                                                              \
    } while (0)

/* fn(arg) ends its process by abort; what it said on standard error (cut) goes
 * to said. */
static inline void unit_dies(void (*fn)(void *), void *arg, char *said,
                             size_t cap)
{
    int pipe_fd[2];
    assert_int_equal(pipe(pipe_fd), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)dup2(pipe_fd[1], STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        fn(arg);
        _exit(0);
    }
    (void)close(pipe_fd[1]);
    size_t n = 0;
    ssize_t r = 1;
    while (r > 0 && n < cap - 1) {
        r = read(pipe_fd[0], said + n, cap - 1 - n);
        n += r > 0 ? (size_t)r : 0;
    }
    said[n] = '\0';
    (void)close(pipe_fd[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

#endif
