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

/* Files and folders of one revision. */
#define HUB_SUBJECT_FILES 50000u
/* Bytes of scanners' answers about one revision. */
#define HUB_SUBJECT_SCANS ((size_t)64 << 20)

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

/* Can a revision be weighed at all, by the number of its files and the depth of
 * its folders? WH_TOO_LARGE with a sentence for its owner: a commit that makes
 * one that can not is refused. */
bool hub_subject_fits(struct hub_git *g, const struct hub_oid *commit,
                      struct wh_err *err) WH_CHECK;
/* Look through a revision: scans large files that were not scanned yet (asks
 * the keeper; may take long), finds every file's part, and writes the
 * manifest. For datasets and spaces only what parses as weights, or is a
 * finding, belongs to it. WH_TOO_LARGE, with a sentence for its owner, when no
 * other try can do better. */
bool hub_subject_read(const struct hub_vault *v, struct db *db,
                      struct wh_arena *a, const struct store_repo *repo,
                      const struct hub_oid *commit, struct hub_subject *out,
                      struct wh_err *err) WH_CHECK;

/* The evidence map of the subject: the claims of its manifest's files, and of
 * more files that it has to be seen with (hub/earlier.h), combined. */
json_t *hub_subject_evidence(struct wh_arena *a, const struct hub_subject *s,
                             const struct rule_file_claims *more, size_t nmore);

#endif
