/*
 * lines.h - the lines of this house, as the settings name them.
 * Owner: everything lives in the arena given.
 * Never: starts a house whose lines are looser than those on its register.
 */
#ifndef WH_CMD_LINES_H
#define WH_CMD_LINES_H

#include "conf/conf.h"
#include "line/set.h"
#include "register/register.h"

/* Load lines.enforce and lines.shadow. */
bool cmd_lines_load(struct wh_arena *a, const struct conf *conf,
                    struct line_set *out, struct wh_err *err) WH_CHECK;
/* Digests of the enforced lines, for the genesis leaf. */
void cmd_lines_genesis(struct wh_arena *a, const struct line_set *set,
                       struct register_genesis *out);
/* Every line that the register recorded last must still be enforced
 * (WH_ROLLED_BACK). Lines that are new are recorded now: configuration may add
 * lines, never take one away. db reads, writer writes; software is our
 * version. */
bool cmd_lines_record(struct wh_arena *a, struct db *db,
                      struct db_writer *writer, const struct line_set *set,
                      const char *software, struct wh_err *err) WH_CHECK;

#endif
