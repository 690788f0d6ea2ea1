/*
 * downloads.h - how often repos are downloaded: counted in memory, written now
 * and then.
 * Owner: front makes one; the sweep writes it out.
 * Never: knows who downloaded; writes on a request.
 *
 * A download is a request for a large file from its first byte. A crash loses
 * the counts of one round of the sweep; so does a table that is full.
 */
#ifndef WH_HUB_DOWNLOADS_H
#define WH_HUB_DOWNLOADS_H

#include "db/writer.h"

struct hub_downloads;

/* An empty table. */
struct hub_downloads *hub_downloads_new(void);
/* Nulls the pointer; null is fine. What was not written is lost. */
void hub_downloads_free(struct hub_downloads **d);
/* One more for this repo. Any thread; never waits for the database. */
void hub_downloads_add(struct hub_downloads *d, int64_t repo);
/* Write what was counted, at most a few hundred repos a transaction. */
bool hub_downloads_write(struct hub_downloads *d, struct db_writer *w,
                         struct wh_err *err) WH_CHECK;

#endif
