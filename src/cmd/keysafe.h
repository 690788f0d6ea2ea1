/*
 * keysafe.h - the files of keys.dir, sealed with a passphrase
 * (docs/formats/backup.md).
 * Owner: what is read lives in the arena, which is wiped.
 * Never: writes a key in the clear but into a new house; keeps a passphrase.
 */
#ifndef WH_CMD_KEYSAFE_H
#define WH_CMD_KEYSAFE_H

#include "base/arena.h"
#include "base/buf.h"

/* Below DATA: what the addresses of cases are made with
 * (docs/formats/watch.md). The other keys there are to be forgotten, so no copy
 * may have them. */
#define CMD_KEYSAFE_WATCH "watch/house.key"

/* Shortest passphrase that is taken for sealing. */
#define CMD_PASSPHRASE_MIN 12u

/* The first line of a file, or of the terminal when path is null; twice there,
 * if `again`. WH_USAGE when there is no terminal. */
bool cmd_passphrase(struct wh_arena *a, const char *path, bool again,
                    struct wh_str *out, struct wh_err *err) WH_CHECK;

/* All files of keys.dir, sealed, and of the keys in the data folder the one
 * that is to outlive it, if it is there: CMD_KEYSAFE_WATCH. */
bool cmd_keysafe_seal(struct wh_arena *a, const char *keys_dir,
                      const char *data, struct wh_str passphrase,
                      struct wh_buf *out, struct wh_err *err) WH_CHECK;
/* The reverse, into a folder that is not there or is empty, and into the data
 * folder. WH_FORBIDDEN: it is another passphrase, or the file is damaged. */
bool cmd_keysafe_open(struct wh_arena *a, struct wh_str sealed,
                      struct wh_str passphrase, const char *keys_dir,
                      const char *data, struct wh_err *err) WH_CHECK;

#endif
