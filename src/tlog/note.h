/*
 * note.h - C2SP signed notes: text with signature lines, and verifier keys.
 * Owner: a parsed note is views into the caller's text.
 * Never: trusts a name: keys are matched by name and key id, then verified.
 */
#ifndef WH_TLOG_NOTE_H
#define WH_TLOG_NOTE_H

#include "base/buf.h"
#include "crypto/ed25519.h"

#define TLOG_NOTE_MAX 65536 /* bytes of a note with its signatures */
#define TLOG_NOTE_SIGS 32
#define TLOG_NAME_MAX 255
#define TLOG_KEY_ID 4
/* Bytes of any vkey text made here, with its NUL. */
#define TLOG_VKEY_TEXT (TLOG_NAME_MAX + 64)

enum tlog_key_type {
    TLOG_KEY_ED25519 = 1, /* a log's signature */
    TLOG_KEY_COSIGNER = 4 /* a witness's Ed25519 signature with a time */
};

/* A public key with its name. */
struct tlog_vkey {
    char name[TLOG_NAME_MAX + 1];
    enum tlog_key_type type;
    uint8_t id[TLOG_KEY_ID];
    uint8_t pub[CRYPTO_ED25519_PUB];
};

/* One signature line: `base64` still holds key id and signature. */
struct tlog_sig {
    struct wh_str name, base64;
    uint8_t id[TLOG_KEY_ID];
};

struct tlog_note {
    struct wh_str text; /* what is signed, with its final newline */
    size_t n;
    struct tlog_sig sigs[TLOG_NOTE_SIGS];
};

/* Non-empty UTF-8 without blanks, control bytes and '+', at most
 * TLOG_NAME_MAX bytes. */
bool tlog_name_ok(struct wh_str name) WH_CHECK;
/* Make a key of a name (asserted to be good) and 32 public bytes. */
void tlog_vkey_make(struct wh_str name, enum tlog_key_type type,
                    const uint8_t pub[CRYPTO_ED25519_PUB],
                    struct tlog_vkey *out);
/* "<name>+<key id>+<base64>"; WH_BAD_REQUEST if malformed, if the id is not
 * that of the key, or if the type is none of ours. */
bool tlog_vkey_parse(struct wh_str text, struct tlog_vkey *out,
                     struct wh_err *err) WH_CHECK;
void tlog_vkey_text(const struct tlog_vkey *key, struct wh_buf *out);

/* Split a note; WH_NOT_VERIFIABLE unless it is one, with 1 to TLOG_NOTE_SIGS
 * signature lines. */
bool tlog_note_parse(struct wh_str note, struct tlog_note *out,
                     struct wh_err *err) WH_CHECK;
/* True if the note is signed by this key. WH_NOT_VERIFIABLE without a line of
 * the key, WH_CORRUPT if any line of it does not verify. time is set to a
 * cosigner's time, or 0; may be null. */
bool tlog_note_verify(const struct tlog_note *note, const struct tlog_vkey *key,
                      uint64_t *time, struct wh_err *err) WH_CHECK;

/* Append the signature line over `text` (which ends in a newline). A whole note
 * is text, "\n", lines. */
void tlog_note_sign(struct wh_str text, const struct tlog_vkey *key,
                    const struct crypto_ed25519 *secret, struct wh_buf *out);
/* The same as a cosigner, at POSIX time `time`. */
void tlog_note_cosign(struct wh_str text, const struct tlog_vkey *key,
                      const struct crypto_ed25519 *secret, uint64_t time,
                      struct wh_buf *out);

#endif
