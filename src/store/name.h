/*
 * name.h - rules for the names of accounts and repos.
 * Owner: nothing is owned.
 * Never: looks anything up; these are the rules, not who has the name.
 */
#ifndef WH_STORE_NAME_H
#define WH_STORE_NAME_H

#include "base/err.h"
#include "base/str.h"

/* Longest names, in bytes; the schema repeats them. */
#define STORE_ACCOUNT_NAME_MAX 42
#define STORE_REPO_NAME_MAX 96
/* "namespace/name" and its NUL. */
#define STORE_FULL_MAX (STORE_ACCOUNT_NAME_MAX + 1 + STORE_REPO_NAME_MAX + 1)

/* Letters, digits, '-', '_', '.'; every '-' and '.' stands between letters,
 * digits or '_' (so no "--" and no ".."); does not end in ".git" or ".ipynb",
 * whatever the case (spec hub-api.md 1.1). False with WH_BAD_NAME and a
 * sentence that names the rule. */
bool store_repo_name_ok(struct wh_str name, struct wh_err *err) WH_CHECK;
/* The same rules, at most 42 bytes, and not a reserved word. */
bool store_account_name_ok(struct wh_str name, struct wh_err *err) WH_CHECK;
/* Is this a word of reserved.tbl (ASCII case ignored)? */
bool store_name_reserved(struct wh_str name);
/* Split "namespace/name" into views; both parts checked, reserved words not
 * (old accounts keep working when a word is added). */
bool store_full_split(struct wh_str full, struct wh_str *ns,
                      struct wh_str *name, struct wh_err *err) WH_CHECK;

#endif
