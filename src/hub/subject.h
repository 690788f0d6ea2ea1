/*
 * subject.h - what is weighed and decided: the manifest of a revision.
 * Owner: everything lives in the arena given.
 * Never: leaves out a file of weights or code; names anything but paths,
 * parts, digests and sizes.
 */
#ifndef WH_HUB_SUBJECT_H
#define WH_HUB_SUBJECT_H

#include "hub/git.h"
#include "hub/vault.h"
#include "rule/combine.h"
#include "weigh/look.h"
#include "weigh/part.h"

/* Files of one revision that can be weighed. */
#define HUB_SUBJECT_FILES 50000u

struct hub_subject_file {
    struct wh_str path;
    enum weigh_part part;
    uint64_t size;
    char sha256[WH_SHA256_HEX + 1];
    bool weighed;                 /* it belongs to the manifest */
    bool large;                   /* stored as content */
    struct store_content content; /* if large: its row, scanned */
    struct weigh_look look;       /* if large: the scanner's answer */
};

struct hub_subject {
    struct hub_subject_file *files; /* all of the revision */
    size_t n;
    struct wh_str manifest; /* canonical; "" when nothing belongs to it */
    char digest[WH_SHA256_HEX + 1];
    bool weights; /* it holds weights */
};

/* Look through a revision: scans large files that were not scanned yet (asks
 * the keeper; may take long), finds every file's part, and writes the
 * manifest. For datasets and spaces only what parses as weights, or is a
 * finding, belongs to it. */
bool hub_subject_read(const struct hub_vault *v, struct db *db,
                      struct wh_arena *a, const struct store_repo *repo,
                      const struct hub_oid *commit, struct hub_subject *out,
                      struct wh_err *err) WH_CHECK;

/* The evidence map of the subject: the claims of its manifest's files
 * combined. */
json_t *hub_subject_evidence(struct wh_arena *a, const struct hub_subject *s);

#endif
