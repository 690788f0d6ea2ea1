/*
 * repo.h - repos as rows: identity, counters, and what is shown of the head.
 * Owner: texts of a struct store_repo live in the arena it was read into.
 * Never: decides who may see a private repo (callers ask store_repo_readable)
 * and opens no transaction; changes run inside a db_write function.
 */
#ifndef WH_STORE_REPO_H
#define WH_STORE_REPO_H

#include "store/account.h"

enum store_kind { STORE_MODEL = 1, STORE_DATASET, STORE_SPACE };

/* Parts of a model, and what people may do with one. NONE: the revision has no
 * file of this part. */
enum store_part {
    STORE_PART_SOURCE,
    STORE_PART_SOFTWARE,
    STORE_PART_DATA,
    STORE_PART_WEIGHTS,
    STORE_PARTS
};
enum store_tier {
    STORE_TIER_NONE,
    STORE_TIER_HELD,
    STORE_TIER_HOSTED,
    STORE_TIER_GATED,
    STORE_TIER_OPEN
};

/* Where the head stands. */
enum store_repo_state {
    STORE_REPO_EMPTY,    /* no commit on main */
    STORE_REPO_WEIGHING, /* the old tiers stand meanwhile */
    STORE_REPO_DECIDED
};

/* What lists and cards show of the head of main. Texts may be empty. */
struct store_repo_head {
    struct wh_str sha;  /* 40 hex digits or empty */
    struct wh_str tags; /* JSON array of strings */
    struct wh_str pipeline_tag, library, sdk;
    enum store_repo_state state;
    enum store_tier tiers[STORE_PARTS];
    struct wh_str subject; /* 64 hex digits or empty */
    struct wh_str card;    /* front matter as a JSON object, or empty */
    int64_t used;          /* bytes of storage */
};

struct store_repo {
    int64_t id;                              /* ours; never used twice */
    char public_id[STORE_PUBLIC_ID_LEN + 1]; /* "_id": survives renames */
    enum store_kind kind;
    int64_t owner;             /* the account of the namespace */
    char full[STORE_FULL_MAX]; /* "namespace/name" as first written */
    bool is_private;
    int64_t created, modified; /* microseconds since 1970 */
    int64_t downloads, likes;
    struct store_repo_head head;
};

/* "model", "dataset", "space", and the plural of API paths. */
const char *store_kind_name(enum store_kind kind);
const char *store_kind_plural(enum store_kind kind);
/* From either form; false for anything else. */
bool store_kind_of(struct wh_str name, enum store_kind *out);

/* What a new repo is made of. */
struct store_repo_new {
    enum store_kind kind;
    const struct store_account *ns; /* the namespace; may it be written to is
                                       the caller's question */
    struct wh_str name;             /* checked by name.h */
    struct wh_str sdk;              /* spaces; else empty */
    bool is_private;
};
/* WH_BAD_NAME, or WH_CONFLICT when the namespace has this name (in any case)
 * for this kind. */
bool store_repo_create(struct db *db, const struct store_repo_new *in,
                       int64_t *id, struct wh_err *err) WH_CHECK;
/* By name, whatever the case, or by id; WH_REPO_NOT_FOUND. */
bool store_repo_by_name(struct db *db, struct wh_arena *a, enum store_kind kind,
                        struct wh_str full, struct store_repo *out,
                        struct wh_err *err) WH_CHECK;
bool store_repo_by_id(struct db *db, struct wh_arena *a, int64_t id,
                      struct store_repo *out, struct wh_err *err) WH_CHECK;
/* May this caller know that the repo exists? account 0 is anonymous. */
bool store_repo_readable(struct db *db, const struct store_repo *repo,
                         int64_t account, bool *out,
                         struct wh_err *err) WH_CHECK;

/* A commit moved main: replace the head, the tag rows, and `modified`. tags are
 * the names behind head->tags: at most STORE_TAGS_MAX of 1..STORE_TAG_MAX bytes
 * (else WH_TOO_LARGE); doubles are fine. */
#define STORE_TAGS_MAX 1000
#define STORE_TAG_MAX 256
bool store_repo_head_set(struct db *db, int64_t repo,
                         const struct store_repo_head *head,
                         const struct wh_str *tags, size_t n_tags, int64_t now,
                         struct wh_err *err) WH_CHECK;
/* A weighing or a decision changed state and tiers, not the head. */
bool store_repo_tiers_set(struct db *db, int64_t repo,
                          enum store_repo_state state,
                          const enum store_tier tiers[STORE_PARTS],
                          struct wh_err *err) WH_CHECK;
bool store_repo_private_set(struct db *db, int64_t repo, bool is_private,
                            struct wh_err *err) WH_CHECK;
/* Counters; n may be negative for likes. Gather counts: at most a few hundred
 * of these in one db_write. */
bool store_repo_downloads_add(struct db *db, int64_t repo, int64_t n,
                              struct wh_err *err) WH_CHECK;
bool store_repo_likes_add(struct db *db, int64_t repo, int64_t n,
                          struct wh_err *err) WH_CHECK;

/* Take a repo out of every list and give its name back. Its rows stay until
 * store_repo_purge, because objects and content are cleared in small steps. */
bool store_repo_delete(struct db *db, int64_t repo, int64_t now,
                       struct wh_err *err) WH_CHECK;
/* The longest deleted repo, deleted at or before `until`; 0 when none. */
bool store_repo_gone_next(struct db *db, int64_t until, int64_t *repo,
                          struct wh_err *err) WH_CHECK;
/* Remove a deleted repo's row, and by foreign keys what still hangs on it:
 * clear large tables first. */
bool store_repo_purge(struct db *db, int64_t repo, struct wh_err *err) WH_CHECK;

#endif
