/*
 * house.h - what front's workers share: everything a handler may need.
 * Owner: cmd makes it at the start of front and ends it after the server.
 * Never: changes after the server has started, save through its members' own
 * locks.
 */
#ifndef WH_FRONT_HOUSE_H
#define WH_FRONT_HOUSE_H

#include "conf/conf.h"
#include "db/writer.h"
#include "hub/approvals.h"
#include "hub/queue.h"
#include "hub/release.h"
#include "hub/retier.h"
#include "hub/sweep.h"
#include "hub/vault.h"
#include "line/set.h"
#include "net/server.h"
#include "proc/client.h"
#include "register/read.h"
#include "register/register.h"
#include "store/repo_names.h"
#include <dirent.h>

struct front_quota;
struct front_buckets;
struct front_req;
struct front_table;
struct gateway;
struct gateway_exams;
struct watch;
struct web;

struct front_house {
    const struct conf *conf;
    const char *data_dir; /* the installation */
    const char *db_path;
    const char *open_dir; /* opened content, by SHA-256 */
    const char *register_dir;
    struct db_writer *writer;
    struct hub_vault vault;
    struct hub_queue *queue; /* long work: settling, scanning, opening */
    struct register_log *log;
    struct register_reader *reader;
    struct line_set lines;
    struct hub_release *release;
    struct front_buckets *reporters; /* of danger, by address; or null */
    struct hub_retier *retier;       /* changed tiers, carried out */
    struct hub_sweep *sweep;
    struct hub_approvals approvals;
    struct store_names *names; /* for searches */
    struct net_server *server; /* set right after its start */
    bool tls;
    struct front_quota *quota;
    int64_t started_us;
    DIR *open_files;            /* /proc/self/fd, or null (front/metrics.c) */
    struct wh_str attestations; /* what others say of this house, JSON */
    struct wh_str doctor;       /* what front saw before it locked itself in */
    uint8_t url_key[32]; /* signs upload and token URLs; new every start */

    const struct front_table *tables[4]; /* route tables, first fit wins */
    size_t ntables;
    struct web *web;             /* the pages (web/web.h), or null */
    struct gateway *gateway;     /* requests to hosted models */
    struct gateway_exams *exams; /* of hosted models, or null */
    struct watch *watch;         /* who looks at them, or null */
    /* Rows for KEY: who holds this key, for q->key; and a failure in OpenAI's
     * form. Null where there is no gateway. */
    bool (*enter_key)(struct front_req *q, struct wh_str text,
                      struct wh_err *err);
    /* The same and the answer, on the loop: false without a trace where that
     * would take a worker (net/server.h). q->db is null. */
    bool (*quick_key)(struct front_req *q, struct wh_str text);
    void (*fail_key)(struct front_req *q, const struct wh_err *err);
    /* A failure as a page; null where there are no pages. */
    void (*fail_page)(struct front_req *q, const struct wh_err *err);
};

/* State of one worker. */
struct front_worker {
    struct front_house *house;
    struct db *db; /* its own reading connection */
};

#endif
