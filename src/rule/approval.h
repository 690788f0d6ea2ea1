/*
 * approval.h - do these signatures carry this statement? Asked by the house
 * before it acts, and by the keeper again before it believes the house.
 * Owner: texts live in the arena given.
 * Never: verifies a signature itself (the caller gives a function that can);
 * counts one key twice.
 */
#ifndef WH_RULE_APPROVAL_H
#define WH_RULE_APPROVAL_H

#include "rule/roster.h"
#include "rule/statement.h"

#define RULE_SIGNATURES_TEXT_MAX ((size_t)262144)
#define RULE_SIGNATURE_MAX 2048 /* bytes of one */
#define RULE_SIGNATURES_MAX (2 * RULE_KEYS_MAX)

/* How a signature is verified: over exactly this message, in this namespace,
 * with somebody present; gives the fingerprint of the key. */
struct rule_verifier {
    bool (*verify)(void *ctx, struct wh_str sig, struct wh_str ns,
                   struct wh_str message, char key[WH_SHA256_HEX + 1],
                   struct wh_err *err);
    void *ctx;
};

/* Whose signatures stand under a statement: keys of the roster in force and,
 * for a change of the roster, of the one that is to follow. */
struct rule_signers {
    uint32_t now, next;
    size_t n;
};

/* Read a document of signatures over `text` and verify all of it: one that
 * does not hold spoils the document. now or next may be null. WH_FORBIDDEN or
 * WH_BAD_REQUEST. */
bool rule_signatures_read(struct wh_arena *a, struct wh_str doc,
                          struct wh_str text, const struct rule_roster *now,
                          const struct rule_roster *next,
                          const struct rule_verifier *v,
                          struct rule_signers *out,
                          struct wh_err *err) WH_CHECK;
/* One signature as it comes in. */
struct rule_signature {
    struct wh_str approver, sig; /* sig: the blob */
};
/* The document of n signatures (sorted here), canonical, in the arena. */
bool rule_signatures_write(struct wh_arena *a, struct wh_str text,
                           struct rule_signature *sigs, size_t n,
                           struct wh_str *out, struct wh_err *err) WH_CHECK;

/* What must be so for a statement to be used here and now. */
struct rule_facts {
    struct wh_str origin;       /* of this register */
    struct wh_str subject;      /* 64 hex digits; "" for roster and lines */
    struct wh_str evidence;     /* the same */
    const struct wh_str *lines; /* digests of the enforced lines */
    size_t n_lines;
    const struct rule_roster *roster; /* in force; null before the founding */
    uint64_t size; /* of a published checkpoint, later than the statement's */
    int64_t now;   /* unix seconds */
    bool effect;   /* it is to take effect now, not only to be signed */
};
/* Does the statement speak of this house, this roster, this subject and this
 * time? WH_FORBIDDEN says of what else. */
bool rule_statement_fits(const struct rule_statement *s,
                         const struct rule_facts *f,
                         struct wh_err *err) WH_CHECK;

#endif
