/*
 * keysafe.h - the files of keys.dir, sealed with a passphrase
 * (docs/formats/backup.md).
 * Owner: what is read lives in the arena, which is wiped.
 * Never: writes a key in the clear but into a new keys.dir; keeps a passphrase.
 */
#ifndef WH_CMD_KEYSAFE_H
#define WH_CMD_KEYSAFE_H

#include "base/arena.h"
#include "base/buf.h"

/* Shortest passphrase that is taken for sealing. */
#define CMD_PASSPHRASE_MIN 12u

/* The first line of a file, or of the terminal when path is null; twice there,
 * if `again`. WH_USAGE when there is no terminal. */
bool cmd_passphrase(struct wh_arena *a, const char *path, bool again,
                    struct wh_str *out, struct wh_err *err) WH_CHECK;

/* All files of keys.dir, sealed. */
bool cmd_keysafe_seal(struct wh_arena *a, const char *keys_dir,
                      struct wh_str passphrase, struct wh_buf *out,
                      struct wh_err *err) WH_CHECK;
/* The reverse, into a folder that is not there or is empty. WH_FORBIDDEN: it is
 * another passphrase, or the file is damaged. */
bool cmd_keysafe_open(struct wh_arena *a, struct wh_str sealed,
                      struct wh_str passphrase, const char *keys_dir,
                      struct wh_err *err) WH_CHECK;

#endif
