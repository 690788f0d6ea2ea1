/*
 * xet_tables.h - the chunk tables of a repo's xorbs, as the checks of a shard
 * ask for them.
 * Owner: hub_tables_init .. hub_tables_done; one thread.
 * Never: holds more than a bounded number of tables; finds those of other
 * repos.
 */
#ifndef WH_HUB_XET_TABLES_H
#define WH_HUB_XET_TABLES_H

#include "db/writer.h"
#include "scan/shard.h"

struct hub_tables;

/* Tables of a repo, read over db, which must outlive them; never null. */
struct hub_tables *hub_tables_new(struct db *db, struct db_writer *writer,
                                  int64_t repo);
/* Nulls the pointer; null is fine. */
void hub_tables_free(struct hub_tables **t);
/* The world for scan_shard_check_file; tables it gives are good until the next
 * one is asked for. */
struct scan_shard_world *hub_tables_world(struct hub_tables *t);
/* A check in this world failed with *err: if the reason is ours (the database)
 * and not the shard's, put it there instead. Returns false. */
bool hub_tables_why(const struct hub_tables *t, struct wh_err *err);
/* Note down that all xorbs asked for until now are in use. */
bool hub_tables_touch(struct hub_tables *t, struct wh_err *err) WH_CHECK;

#endif
