/* A migrated database in a temporary folder, for tests of several rooms. */
#include "db/testdb.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void must(bool ok, const struct wh_err *err)
{
    if (!ok) {
        fprintf(stderr, "testdb: %s (%s)\n", err->msg, err->detail);
        abort();
    }
}

void testdb_open(struct testdb *t)
{
    struct wh_err err = {0};
    testdb_open_empty(t);
    must(db_migrate(t->db, &err), &err);
}

void testdb_open_empty(struct testdb *t)
{
    struct wh_err err = {0};
    *t = (struct testdb){.dir = "/tmp/wh-test-XXXXXX"};
    if (!mkdtemp(t->dir)) {
        perror("testdb: mkdtemp");
        abort();
    }
    snprintf(t->path, sizeof t->path, "%s/house.db", t->dir);
    t->db = db_open(t->path, false, &err);
    must(t->db != NULL, &err);
}

struct db_writer *testdb_writer(struct testdb *t)
{
    struct wh_err err = {0};
    db_close(&t->db);
    t->w = db_writer_new(NULL, t->path, &err);
    must(t->w != NULL, &err);
    return t->w;
}

struct db *testdb_reader(struct testdb *t)
{
    struct wh_err err = {0};
    struct db *db = db_open(t->path, true, &err);
    must(db != NULL, &err);
    return db;
}

void testdb_close(struct testdb *t)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char path[sizeof t->path + 4];
    db_writer_free(&t->w);
    db_close(&t->db);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        snprintf(path, sizeof path, "%s%s", t->path, ends[i]);
        unlink(path);
    }
    if (rmdir(t->dir) != 0) {
        perror(t->dir);
        abort(); /* a test left something behind */
    }
}
