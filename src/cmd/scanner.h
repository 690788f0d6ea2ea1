/*
 * scanner.h - scanners without a server: a zygote of our own for one command.
 * Owner: cmd_scanner_new .. cmd_scanner_free; answers live in arenas given.
 * Never: scans in this process where a sandbox can be had.
 */
#ifndef WH_CMD_SCANNER_H
#define WH_CMD_SCANNER_H

#include "base/arena.h"
#include "base/src.h"

struct cmd_scanner;

/* Start a zygote. Where this host has no system call filter, scans run in this
 * process instead and cmd_scanner_locked says so. Null with *err on failure. */
struct cmd_scanner *cmd_scanner_new(struct wh_err *err);
void cmd_scanner_free(struct cmd_scanner **s);
/* True if each file is read by a process that can do nothing else. */
bool cmd_scanner_locked(const struct cmd_scanner *s);

/* Weigh an open file. config: text of the config.json beside it, or empty (one
 * that is too long for a job is left out). The answer is a scan result. */
bool cmd_scanner_file(struct cmd_scanner *s, struct wh_arena *a, int fd,
                      struct wh_str path, struct wh_str config,
                      struct wh_str *answer, struct wh_err *err) WH_CHECK;
/* Hold a shard index against its shards (scan/job.h: scan_job_index). */
bool cmd_scanner_index(struct cmd_scanner *s, struct wh_arena *a,
                       const struct wh_src *index, struct wh_str shards,
                       struct wh_str *answer, struct wh_err *err) WH_CHECK;

#endif
