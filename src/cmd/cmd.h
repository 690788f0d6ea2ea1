/*
 * cmd.h - what the files of cmd/ share.
 * Owner: static tables; each subcommand owns its own things.
 * Never: included by another room.
 */
#ifndef WH_CMD_CMD_H
#define WH_CMD_CMD_H

#include "base/err.h"

/* One function a subcommand: argv[0] is the subcommand's name. Returns the exit
 * code of errors.tbl: 0 good, 1 finding or refusal, 2 usage, 3 can not verify,
 * 4 outside failure. */
#define CMD(name, suffix, help) int cmd_##suffix(int argc, char **argv);
#include "cmd/commands.tbl"
#undef CMD

/* Print "weighhouse NAME: message" on standard error; returns the exit code of
 * the error's row. */
int cmd_fail(const char *name, const struct wh_err *err);

#endif
