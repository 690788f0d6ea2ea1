/*
 * testdb.h - for tests only: a migrated database in a folder of its own.
 * Owner: testdb_open .. testdb_close.
 * Never: linked into the product.
 */
#ifndef WH_DB_TESTDB_H
#define WH_DB_TESTDB_H

#include "db/writer.h"

struct testdb {
    char dir[64];        /* /tmp/wh-test-XXXXXX, removed by testdb_close */
    char path[80];       /* the database in it */
    struct db *db;       /* one writing connection, schema complete */
    struct db_writer *w; /* null until testdb_writer */
};

/* Make folder and database, apply all migrations. Prints and aborts on
 * failure: a test can do nothing without it. */
void testdb_open(struct testdb *t);
/* The same with an empty database. */
void testdb_open_empty(struct testdb *t);
/* Start a writer; closes t->db first, so that there is one writer only. Open
 * readers with testdb_reader. */
struct db_writer *testdb_writer(struct testdb *t);
/* A reading connection; close it with db_close. */
struct db *testdb_reader(struct testdb *t);
void testdb_close(struct testdb *t);

#endif
