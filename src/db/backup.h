/*
 * backup.h - a consistent copy of a database while others write to it.
 * Owner: files only; nothing stays open.
 * Never: changes the database that it copies, or waits for its writer.
 */
#ifndef WH_DB_BACKUP_H
#define WH_DB_BACKUP_H

#include "base/err.h"

/* Copy the database of one moment into a new file (mode 0600; WH_CONFLICT when
 * there is one of this name), whole and without files beside it. A failure
 * leaves no file. The copy is durable. */
bool db_backup(const char *from, const char *to, struct wh_err *err) WH_CHECK;

/* Read all of a database and check its pages, indexes and references;
 * WH_CORRUPT with the first thing that is wrong. */
bool db_sound(const char *path, struct wh_err *err) WH_CHECK;

#endif
