/*
 * vault.h - large files on their way in and at rest: receiving into sealed
 * containers, settling with the keeper, reading back what is open.
 * Owner: front makes one vault; receivers belong to the request that receives.
 * Never: writes a byte of an upload in the clear; keeps a container's key
 * longer than it is being written.
 */
#ifndef WH_HUB_VAULT_H
#define WH_HUB_VAULT_H

#include "db/writer.h"
#include "hub/downloads.h"
#include "hub/keys.h"
#include "keeper/client.h"
#include "store/content.h"
#include "store/repo.h"

/* What the parts below stand on; shared by all threads, never changed. */
struct hub_vault {
    struct db_writer *writer;
    struct proc_client *keeper, *zygote;
    int sealed;           /* descriptor of DATA/sealed */
    const char *open_dir; /* DATA/open */
    struct hub_downloads *downloads;
    struct hub_keys *keys; /* of content on its way into the clear */
    uint64_t max_size;     /* of a file */
    unsigned free_percent; /* of the disk that uploads leave free */
};

/* "model:42": how the keeper knows a repo. */
#define HUB_KEEPER_NAME 32
void hub_keeper_name(enum store_kind kind, int64_t repo,
                     char out[HUB_KEEPER_NAME]);

/* WH_NOSPACE when an upload of this size would eat into the reserve. */
bool hub_vault_room(const struct hub_vault *v, uint64_t size,
                    struct wh_err *err) WH_CHECK;

/* ---- receiving one container ---- */

struct hub_receiver;

/* A fresh container of this repo, with its key on record before its first
 * byte. `trail` lets the keeper hash along while bytes arrive: for whole files,
 * not for parts. */
bool hub_receive_begin(const struct hub_vault *v, enum store_kind kind,
                       int64_t repo, bool trail, struct hub_receiver **out,
                       struct wh_err *err) WH_CHECK;
bool hub_receive_data(struct hub_receiver *r, struct wh_str bytes,
                      struct wh_err *err) WH_CHECK;
/* All bytes are there: durable, under its name. */
bool hub_receive_finish(struct hub_receiver *r, struct wh_err *err) WH_CHECK;
/* Bytes so far. */
uint64_t hub_receive_size(const struct hub_receiver *r);
/* Its row, for store_*; valid after the begin. */
const struct store_container_row *hub_receive_row(const struct hub_receiver *r);
/* End. A container that was not kept (hub_receive_keep) is given up, and its
 * file removed by the sweep. Nulls the pointer; null is fine. */
void hub_receive_free(struct hub_receiver **r);
/* Its row is part of something now. */
void hub_receive_keep(struct hub_receiver *r);

/* ---- settling ---- */

/* The received container is the whole file: have it read back and hashed.
 * WH_DIGEST_MISMATCH unless it is `sha256`. Makes the content row. */
bool hub_settle_whole(struct hub_receiver *r, struct wh_arena *a,
                      const char *sha256, struct wh_err *err) WH_CHECK;
/* The received container holds what repo row `content` had in the clear only:
 * the same checks, and the row has a sealed form again. */
bool hub_settle_again(struct hub_receiver *r, struct wh_arena *a,
                      int64_t content, const char *sha256,
                      struct wh_err *err) WH_CHECK;
/* The same over the finished parts of an upload, which ends with it. */
bool hub_settle_parts(const struct hub_vault *v, struct wh_arena *a,
                      enum store_kind kind, const struct store_upload *up,
                      const struct store_container_row *parts, size_t n,
                      struct wh_err *err) WH_CHECK;

/* ---- at rest ---- */

/* A keeper session over these finished containers of a repo, in order. */
bool hub_vault_session(const struct hub_vault *v, enum store_kind kind,
                       int64_t repo, const struct store_container_row *rows,
                       size_t n, struct keeper_session **out,
                       struct wh_err *err) WH_CHECK;
/* The same over a content's containers. */
bool hub_content_session(const struct hub_vault *v, struct db *db,
                         struct wh_arena *a, enum store_kind kind,
                         const struct store_content *c,
                         struct keeper_session **out, size_t *containers,
                         struct wh_err *err) WH_CHECK;
/* Make sure that the content is scanned: asks keeper and scanner if there is no
 * answer yet, stores it, and fills scan and scan_statement of *c. */
bool hub_content_scan(const struct hub_vault *v, struct db *db,
                      struct wh_arena *a, enum store_kind kind,
                      struct store_content *c, struct wh_str path,
                      struct wh_err *err) WH_CHECK;
/* The keeper gave these keys for a content's n containers: from now on it can
 * be read, sealed as it still is. */
bool hub_readable(const struct hub_vault *v, struct db *db, struct wh_arena *a,
                  const struct store_content *c,
                  uint8_t (*keys)[STORE_CONTAINER_KEY], size_t n,
                  struct wh_err *err) WH_CHECK;
/* Bring a content into the clear with the keys that the keeper gave for its n
 * containers: decrypt, check the digest, make it durable, then let the sealed
 * forms go. */
bool hub_materialise(const struct hub_vault *v, struct db *db,
                     struct wh_arena *a, const struct store_content *c,
                     uint8_t (*keys)[STORE_CONTAINER_KEY], size_t n,
                     struct wh_err *err) WH_CHECK;
/* Path of opened content, in the arena. */
const char *hub_open_path(const struct hub_vault *v, struct wh_arena *a,
                          const char *sha256);

#endif
