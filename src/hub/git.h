/*
 * git.h - one repo's git objects and references for the length of one job.
 * Owner: the caller of hub_git_open; close it before the job's connection and
 * never carry it across a transaction that was rolled back.
 * Never: shared between threads; touches files of the host's git set-up.
 *
 * Objects are rows (sql/migrations/006_git.sql) seen through a libgit2 object
 * backend. New objects collect in memory (the overlay) and become rows only in
 * the writer's transaction, by hub_git_flush.
 */
#ifndef WH_HUB_GIT_H
#define WH_HUB_GIT_H

#include "base/arena.h"
#include "base/sha256.h"
#include "db/db.h"

#define HUB_OID_LEN 20
#define HUB_OID_HEX 40
/* Regular blobs up to this size are rows, larger ones are content. */
#define HUB_BLOB_ROW_MAX (64 * 1024)
/* Folders in one another that are walked; git itself has no bound. */
#define HUB_GIT_DEPTH 64

struct hub_oid {
    uint8_t b[HUB_OID_LEN];
};

/* Longest word of the scanner for a content ("weights", "unknown") + NUL. */
#define HUB_CLASS_MAX 16

struct hub_git;

/* A file or folder of a revision. Strings live in the arena given. */
struct hub_entry {
    struct wh_str path;
    bool dir;
    bool exec; /* mode 100755 */
    struct hub_oid oid;
    uint64_t size; /* of the file, not of its pointer; 0 for folders */
    bool lfs;      /* stands in git as a pointer */
    uint64_t pointer_size;
    char sha256[WH_SHA256_HEX + 1]; /* of content (lfs or large blob), or "" */
    char class[HUB_CLASS_MAX];      /* the scanner's word, regular files only */
};

/* A commit as people read it. */
struct hub_commit {
    struct hub_oid oid, tree;
    struct hub_oid parent; /* all zero: a root commit */
    struct wh_str author, title, message;
    int64_t time_us;
};

/* Bring libgit2 up for this process, without the host's configuration. */
bool hub_git_init(struct wh_err *err) WH_CHECK;

/* Open repo `repo` over connection db (read-only is enough). open_dir is the
 * folder of opened content, from which large regular blobs are read. */
bool hub_git_open(struct db *db, int64_t repo, const char *open_dir,
                  struct hub_git **out, struct wh_err *err) WH_CHECK;
void hub_git_close(struct hub_git **g);

/* Text forms of object names. */
void hub_oid_hex(const struct hub_oid *oid, char out[HUB_OID_HEX + 1]);
bool hub_oid_parse(struct wh_str hex, struct hub_oid *out);
bool hub_oid_eq(const struct hub_oid *a, const struct hub_oid *b);
bool hub_oid_zero(const struct hub_oid *a);

/* ---- revisions ---- */

/* Name of the branch that a revision names: "main" -> "refs/heads/main";
 * "refs/pr/1" and other full names stay. WH_BAD_NAME if git forbids it. */
bool hub_ref_name(struct wh_arena *a, struct wh_str branch, struct wh_str *out,
                  struct wh_err *err) WH_CHECK;
/* The commit that a revision names: branch, tag (peeled), "HEAD" (main),
 * refs/..., full or short (>= 5 digits) object name. WH_REVISION_NOT_FOUND. */
bool hub_git_resolve(struct hub_git *g, struct wh_str rev, struct hub_oid *out,
                     struct wh_err *err) WH_CHECK;
/* A reference's commit; false with *found false when there is none. */
bool hub_ref_read(struct db *db, int64_t repo, struct wh_str name, bool *found,
                  struct hub_oid *out, struct wh_err *err) WH_CHECK;
/* In the writer: move `name` from `old` (null: it must not exist) to `new`
 * (null: drop it), refusing names that are folders of other names (git could
 * not check them out). WH_HEAD_MOVED when somebody was faster. */
bool hub_ref_move(struct db *db, int64_t repo, struct wh_str name,
                  const struct hub_oid *old, const struct hub_oid *new,
                  int64_t account, struct wh_err *err) WH_CHECK;

/* ---- reading ---- */

/* A commit's fields. */
bool hub_git_commit(struct hub_git *g, const struct hub_oid *oid,
                    struct wh_arena *a, struct hub_commit *out,
                    struct wh_err *err) WH_CHECK;
/* One path of a commit; "" is the root folder. WH_ENTRY_NOT_FOUND. */
bool hub_git_entry(struct hub_git *g, const struct hub_oid *commit,
                   struct wh_str path, struct wh_arena *a,
                   struct hub_entry *out, struct wh_err *err) WH_CHECK;
struct hub_git_extent {
    size_t entries;
    unsigned depth; /* HUB_GIT_DEPTH + 1: deeper than anything lists */
};
/* How far a commit's tree goes: its files and folders, counted up to `max` and
 * no further, and how deep folders lie in one another. A look at folders only,
 * cheap beside hub_git_list. */
bool hub_git_measure(struct hub_git *g, const struct hub_oid *commit,
                     size_t max, struct hub_git_extent *out,
                     struct wh_err *err) WH_CHECK;
/* Entries under `path` in git's order, starting after `after` ("" from the
 * start), at most `limit`; *more says whether some are left. With `recursive`
 * the whole subtree, folders included. */
bool hub_git_list(struct hub_git *g, const struct hub_oid *commit,
                  struct wh_str path, bool recursive, struct wh_str after,
                  size_t limit, struct wh_arena *a, struct hub_entry **out,
                  size_t *n, bool *more, struct wh_err *err) WH_CHECK;
/* Commits from `from` backwards in time, after `skip`, at most `limit`; *total
 * is the length of the whole history. */
bool hub_git_log(struct hub_git *g, const struct hub_oid *from, size_t skip,
                 size_t limit, struct wh_arena *a, struct hub_commit **out,
                 size_t *n, size_t *total, struct wh_err *err) WH_CHECK;
/* Bytes of a regular blob, at most max (else WH_TOO_LARGE). */
bool hub_git_blob(struct hub_git *g, const struct hub_oid *oid, size_t max,
                  struct wh_arena *a, struct wh_str *out,
                  struct wh_err *err) WH_CHECK;

/* ---- writing, into the overlay ---- */

/* A small blob with its bytes (at most HUB_BLOB_ROW_MAX). */
bool hub_git_put_blob(struct hub_git *g, struct wh_str data,
                      struct hub_oid *out, struct wh_err *err) WH_CHECK;
/* A large blob whose bytes are open content named by sha256. */
bool hub_git_put_content(struct hub_git *g, struct hub_oid oid, uint64_t size,
                         const char *sha256, struct wh_err *err) WH_CHECK;
/* Note what the scanner called a new blob; a blob that is not new keeps what
 * was said of it before (the same bytes have the same class). */
void hub_git_set_class(struct hub_git *g, const struct hub_oid *oid,
                       struct wh_str class);
/* The object name that git gives a blob of these bytes. */
void hub_git_blob_oid(struct wh_str data, struct hub_oid *out);

/* One change of a commit. */
struct hub_change {
    struct wh_str path;
    bool remove; /* else the file at `path` becomes blob `oid` */
    struct hub_oid oid;
};
/* A new tree from base (null: empty): removals first, then files. Paths must be
 * valid, no path may be given twice and no file may lie under another file.
 * Files that stood where a folder is wanted, and folders where a file is
 * wanted, are replaced. */
bool hub_git_put_tree(struct hub_git *g, const struct hub_oid *base,
                      const struct hub_change *changes, size_t n,
                      struct hub_oid *tree, struct wh_err *err) WH_CHECK;
/* A commit over tree; parent may be null. Author and committer are
 * `name <email>` now. */
bool hub_git_put_commit(struct hub_git *g, const struct hub_oid *tree,
                        const struct hub_oid *parent, const char *name,
                        const char *email, int64_t time_us, const char *message,
                        struct hub_oid *out, struct wh_err *err) WH_CHECK;
/* In the writer: rows for all overlay objects that a new commit reaches. db is
 * the writer's connection; libgit2 is not touched. */
bool hub_git_flush(const struct hub_git *g, struct db *db,
                   struct wh_err *err) WH_CHECK;

#endif
