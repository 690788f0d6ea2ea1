/*
 * git_impl.h - what the files git*.c share; nobody else includes it.
 * Owner: struct hub_git, made and freed in git.c.
 * Never: leaves this room (it shows libgit2's types).
 */
#ifndef WH_HUB_GIT_IMPL_H
#define WH_HUB_GIT_IMPL_H

#include "hub/git.h"
#include "hub/pointer.h"
#include <git2.h>
#include <git2/sys/odb_backend.h>
#include <git2/sys/repository.h>

/* A new object that is not a row yet. */
struct hub_git_new {
    git_oid oid;
    git_object_t type;
    uint64_t size;
    struct wh_str data; /* in the overlay arena; unset for content */
    char content[WH_SHA256_HEX + 1];
    bool lfs;
    struct hub_pointer pointer;
    char class[HUB_CLASS_MAX];
    bool wanted; /* a new commit reaches it: it becomes a row */
};

struct hub_git {
    struct db *db;
    int64_t repo;
    const char *open_dir;
    git_odb *odb;
    git_repository *git;
    struct wh_arena overlay; /* owns the bytes of new objects */
    struct hub_git_new *fresh;
    size_t n, cap;
    uint32_t *slots; /* hash of object name -> place in fresh + 1; 2 * cap */
};

/* The meta row of an object: enough for listings, without its bytes. */
struct hub_git_meta {
    git_object_t type;
    uint64_t size;
    char content[WH_SHA256_HEX + 1];
    bool lfs;
    struct hub_pointer pointer;
    char class[HUB_CLASS_MAX];
};

/* The new object of this name, or null. Valid until the next write. */
struct hub_git_new *hub_git_overlay(struct hub_git *g, const git_oid *oid);
/* Add to the overlay; data is copied. */
void hub_git_overlay_add(struct hub_git *g, const struct hub_git_new *o);
/* Meta of an object of this repo; *found false when it has none such. */
bool hub_git_meta(struct hub_git *g, const git_oid *oid, bool *found,
                  struct hub_git_meta *out, struct wh_err *err) WH_CHECK;
/* libgit2's last error as ours: code, and libgit2's words in the detail. */
bool hub_git_fail(struct wh_err *err, enum wh_code code, const char *what);

#endif
