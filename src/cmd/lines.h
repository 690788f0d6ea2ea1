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

/* Read what lines.enforce and lines.shadow name, and all that is at hand.
 * Nothing is enforced yet. */
bool cmd_lines_load(struct wh_arena *a, const struct conf *conf,
                    struct line_set *out, struct wh_err *err) WH_CHECK;
/* What is enforced, now that the register can be asked: its lines in force, and
 * what the names add (docs/decisions/0011). Texts that are no longer at hand
 * come out of the database. WH_ROLLED_BACK, WH_NOT_FOUND: see
 * rule_enforced_find. */
bool cmd_lines_settle(struct wh_arena *a, struct db *db, struct line_set *set,
                      struct wh_err *err) WH_CHECK;
/* Digests of the enforced lines, for the genesis leaf. */
void cmd_lines_genesis(struct wh_arena *a, const struct line_set *set,
                       struct register_genesis *out);
/* Keep the documents of all lines, and record on the register those that are
 * new: configuration may add lines, never take one away. software is our
 * version. */
bool cmd_lines_record(struct db_writer *writer, const struct line_set *set,
                      const char *software, struct wh_err *err) WH_CHECK;
/* Does the register have other lines in force than these? Then the house begins
 * anew. */
bool cmd_lines_changed(struct db *db, const struct line_set *set);

#endif
