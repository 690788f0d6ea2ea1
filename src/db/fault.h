/*
 * fault.h - for tests only: a driver over SQLite that fails at the Nth call.
 * Owner: the counter is one for the process; arm it before each run.
 * Never: linked into the product.
 */
#ifndef WH_DB_FAULT_H
#define WH_DB_FAULT_H

#include "base/err.h"

struct db_driver;

/* The driver, for db_open_with and db_writer_new. */
const struct db_driver *db_fault_driver(void);
/* Let the nth fallible call from now (from 1) fail with code; 0 never fails.
 * A failing COMMIT is really rolled back first, as a full disk does it. */
void db_fault_arm(unsigned long nth, enum wh_code code);
/* Fallible calls since the last arm. */
unsigned long db_fault_calls(void);

#endif
