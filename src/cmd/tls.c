/*
 * tls.c - certificate and key from files.
 */
#include "cmd/tls.h"
#include "base/file.h"
#include "base/log.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t changed_at(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0
               ? (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec
               : 0;
}

static bool read_both(struct cmd_tls *t, struct wh_arena *a,
                      struct wh_str *certificate, struct wh_str *key,
                      struct wh_err *err)
{
    a->wipe = true; /* it holds a private key */
    return (wh_file_read(a, t->certificate, NET_TLS_FILE_MAX, certificate,
                         err) ||
            wh_err_wrap(err, "tls.certificate")) &&
           (wh_file_read(a, t->key, NET_TLS_FILE_MAX, key, err) ||
            wh_err_wrap(err, "tls.key"));
}

/* The file's own place, behind links, for the rules of the sandbox. */
static const char *full(struct wh_arena *a, struct wh_str name)
{
    char real[PATH_MAX];
    const char *path = wh_arena_cstr(a, name);

    /* a link's target may change: the name itself is kept, made absolute */
    if (path[0] == '/' || !getcwd(real, sizeof real)) {
        return path;
    }
    return wh_arena_fmt(a, "%s/%s", real, path).p;
}

bool cmd_tls_open(struct wh_arena *a, const struct conf *conf,
                  struct cmd_tls *out, struct wh_err *err)
{
    struct cmd_tls t = {.tls = NULL};
    struct wh_str certificate, key;
    struct wh_arena own;
    bool ok;

    *out = t;
    if ((conf->tls_certificate.n > 0) != (conf->tls_key.n > 0)) {
        return wh_fail(err, WH_USAGE,
                       "tls.certificate and tls.key go together");
    }
    if (conf->tls_certificate.n == 0) {
        return true;
    }
    t.certificate = full(a, conf->tls_certificate);
    t.key = full(a, conf->tls_key);
    t.seen[0] = changed_at(t.certificate);
    t.seen[1] = changed_at(t.key);
    wh_arena_init(&own, 4 * NET_TLS_FILE_MAX);
    ok = read_both(&t, &own, &certificate, &key, err) &&
         net_tls_new(certificate, key, &t.tls, err);
    wh_arena_done(&own);
    if (ok) {
        *out = t;
    }
    return ok;
}

/* The folder in which the file really lies; false when it is closed to us. */
static bool folder_of(const char *path, char out[PATH_MAX])
{
    char *slash;

    if (!realpath(path, out) || access(out, R_OK) != 0) {
        return false;
    }
    slash = strrchr(out, '/');
    if (!slash || slash == out) {
        return false;
    }
    *slash = 0;
    return access(out, X_OK) == 0;
}

unsigned cmd_tls_paths(struct cmd_tls *t, struct proc_path *paths)
{
    const char *const files[] = {t->certificate, t->key};
    unsigned n = 0;

    for (unsigned i = 0; t->tls && i < CMD_TLS_FOLDERS; i++) {
        if (folder_of(files[i], t->folders[i])) {
            paths[n++] = (struct proc_path){t->folders[i], false};
        }
    }
    return n;
}

void cmd_tls_refresh(struct cmd_tls *t)
{
    struct wh_str certificate, key;
    struct wh_err err = {0};
    struct wh_arena a;
    int64_t now[2];

    if (!t->tls) {
        return;
    }
    now[0] = changed_at(t->certificate);
    now[1] = changed_at(t->key);
    if (now[0] == t->seen[0] && now[1] == t->seen[1]) {
        return;
    }
    memcpy(t->seen, now, sizeof now);
    wh_arena_init(&a, 4 * NET_TLS_FILE_MAX);
    if (read_both(t, &a, &certificate, &key, &err) &&
        net_tls_replace(t->tls, certificate, key, &err)) {
        wh_log(WH_INFO, "tls.replaced", "file=%s",
               wh_log_q(wh_str_of(t->certificate)));
    } else {
        /* half of a renewal, or closed to us: the old one goes on */
        wh_log_err(WH_WARN, "tls.kept", &err);
    }
    wh_arena_done(&a);
}

void cmd_tls_close(struct cmd_tls *t)
{
    net_tls_free(&t->tls);
}
