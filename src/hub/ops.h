/*
 * ops.h - the operations of a commit, read from NDJSON as it streams in.
 * Owner: hub_ops_init .. hub_ops_done; strings live in the arena given, file
 * contents in a memory file (the spool) that ends with hub_ops_done.
 * Never: writes a stranger's bytes to a disk; holds more than its budget.
 *
 * Wire form: spec of the commit route, one JSON object a line:
 *   {"key":"header","value":{"summary","description"?,"parentCommit"?}}
 *   {"key":"file","value":{"path","content","encoding":"base64"|"utf-8"}}
 *   {"key":"lfsFile","value":{"path","algo":"sha256","oid","size"?}}
 *   {"key":"deletedFile"|"deletedFolder","value":{"path"}}
 */
#ifndef WH_HUB_OPS_H
#define WH_HUB_OPS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/sha256.h"
#include "base/src.h"

/* The largest regular file; preupload sends larger ones to LFS. */
#define HUB_REGULAR_MAX ((size_t)10 << 20)
/* Bytes of all regular files of a commit, and operations of a commit. */
#define HUB_SPOOL_MAX ((uint64_t)100 << 20)
/* The same of all commits that are arriving now: it is memory. */
#define HUB_SPOOL_ALL ((uint64_t)1 << 30)
#define HUB_OPS_MAX 25000u
#define HUB_PATH_MAX 1024u

enum hub_op_kind {
    HUB_OP_FILE,
    HUB_OP_LFS,
    HUB_OP_DELETE_FILE,
    HUB_OP_DELETE_FOLDER
};

struct hub_op {
    enum hub_op_kind kind;
    struct wh_str path;
    uint64_t size;      /* of the file; for LFS without one: HUB_SIZE_UNKNOWN */
    uint64_t spool_off; /* HUB_OP_FILE: where its bytes are */
    char sha256[WH_SHA256_HEX + 1]; /* HUB_OP_LFS; of the content */
};
#define HUB_SIZE_UNKNOWN UINT64_MAX

struct hub_ops {
    struct wh_arena *a;
    struct wh_buf line; /* the unfinished line */
    int spool;          /* memory file, or -1 */
    uint64_t spooled;
    bool has_header;
    struct wh_str summary, description, parent; /* parent may be empty */
    struct hub_op *list;
    size_t n, cap;
};

/* Begin; what is read lives in the arena. */
void hub_ops_init(struct hub_ops *o, struct wh_arena *a);
/* End: the spool goes. */
void hub_ops_done(struct hub_ops *o);
/* The next piece of the body, of any size. */
bool hub_ops_feed(struct hub_ops *o, struct wh_str chunk,
                  struct wh_err *err) WH_CHECK;
/* The body is complete (a last line without newline counts). Fails without a
 * header or with a path given twice. */
bool hub_ops_end(struct hub_ops *o, struct wh_err *err) WH_CHECK;
/* The bytes of a HUB_OP_FILE, as a view over the spool that lives until
 * hub_ops_done (copied into the arena `a`). */
bool hub_ops_data(const struct hub_ops *o, const struct hub_op *op,
                  struct wh_arena *a, struct wh_str *out,
                  struct wh_err *err) WH_CHECK;

/* A path that every client can check out: relative, UTF-8, no control bytes,
 * no empty, "." or ".." part, no backslash, no ".git", bounded. */
bool hub_path_ok(struct wh_str path);

#endif
