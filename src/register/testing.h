/*
 * testing.h - for the tests of this room: a register over a database of its
 * own, in one process, and events for it.
 * Owner: register_testing_setup .. register_testing_teardown.
 * Never: linked into the binary.
 */
#ifndef WH_REGISTER_TESTING_H
#define WH_REGISTER_TESTING_H

#include "db/testdb.h"
#include "register/register.h"
#include "register/signer.h"
#include "register/submit.h"

/* A time for register_wait that no test reaches. */
#define REGISTER_TESTING_SOON (wh_mono_us() + INT64_C(20000000))

struct register_testing {
    struct testdb t;
    char dir[96], keys[96];
    struct register_signer *signer;
    struct register_config cfg;
    struct register_log *log;
};

/* What is submitted, and under which number it waits then. */
struct register_testing_event {
    char hex[WH_SHA256_HEX + 1]; /* its subject */
    int64_t outbox;
};

/* For cmocka: *state is a register that runs; and its end. */
int register_testing_setup(void **state);
int register_testing_teardown(void **state);
/* Put its clock so far ahead (us); the next setup sets it right. */
void register_testing_clock(int64_t shift);
/* Open the log again after register_close, with a config as at first. */
bool register_testing_start(struct register_testing *h,
                            struct wh_err *err) WH_CHECK;

/* Event number n, about a subject of its own. */
struct register_testing_event register_testing_event(unsigned n);
/* A db_fn for db_write: submits a struct register_testing_event. */
bool register_testing_submit(struct db *db, void *ctx,
                             struct wh_err *err) WH_CHECK;
/* Submit event n and wait for it. */
struct register_place register_testing_logged(struct register_testing *h,
                                              unsigned n);
/* Submit n events in one transaction and wait for the last; the size of the
 * log then. */
uint64_t register_testing_log_many(struct register_testing *h, unsigned n);

/* The key that the log is signed with. */
struct tlog_vkey register_testing_key(struct register_testing *h);
/* Check every byte of it, as somebody outside would. */
void register_testing_scrub(struct register_testing *h);

#endif
