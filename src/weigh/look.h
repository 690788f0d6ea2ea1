/*
 * look.h - what is this file? One scanner's answer about one file in the clear.
 * Owner: results live in the arena.
 * Never: parses a stranger's bytes in this process; reads the answer without
 * bounds (it comes from a process that has read strangers' bytes).
 */
#ifndef WH_WEIGH_LOOK_H
#define WH_WEIGH_LOOK_H

#include "base/json.h"
#include "base/src.h"
#include "proc/client.h"

/* What callers ask of a scan result. */
struct weigh_look {
    struct wh_str class;  /* "weights", "text", "data", "program", "unknown" */
    struct wh_str format; /* "safetensors" */
    bool verifiable;
    struct wh_str why; /* when not */
    bool danger;       /* a finding of severity danger */
    json_t *result;    /* the whole scan result */
};

/* Run a scanner over src. path is a hint only. Fails as proc_job_run does. */
bool weigh_look(struct proc_client *zygote, struct wh_arena *a,
                const struct wh_src *src, struct wh_str path,
                struct weigh_look *out, struct wh_err *err) WH_CHECK;
/* What a scanner that reads many files says of one. The texts are ours. */
struct weigh_kind {
    struct wh_str class, format;
};

/* Class and format alone of n small files (SCAN_JOB_KINDS_* are the bounds), by
 * one scanner for all: out[i] is about srcs[i]. A file that takes the scanner
 * over can lie about those read after it, so the files must be of one sender,
 * who could tell the same lies in each of them; and what is to be refused is
 * asked again alone (docs/decisions/0006-small-files-share-a-scanner.md). Fails
 * as proc_job_run does: then nothing is known about any of them. */
bool weigh_look_kinds(struct proc_client *zygote, struct wh_arena *a,
                      const struct wh_src *srcs, unsigned n,
                      struct weigh_kind *out, struct wh_err *err) WH_CHECK;
/* Read a stored scan result. WH_CORRUPT if it is not one. */
bool weigh_look_read(struct wh_arena *a, struct wh_str result,
                     struct weigh_look *out, struct wh_err *err) WH_CHECK;

#endif
