/*
 * note.c - signed notes, C2SP signed-note v1.0.0 and tlog-cosignature.
 *
 * The text is signed exactly as it stands; what follows the last blank line are
 * signature lines. Lines of keys that we do not know are skipped unread, save
 * that they must have the right shape.
 */
#include "tlog/note.h"
#include "base/enc.h"
#include "base/mem.h"
#include "base/sha256.h"

#include <inttypes.h>
#include <stdio.h>

#define DASH "\xe2\x80\x94 " /* U+2014 and a blank open a signature line */

/* Blanks by Unicode, as code points; ASCII control bytes are refused before. */
static bool is_blank(uint32_t c)
{
    return c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

/* Next code point of text known to be UTF-8. */
static uint32_t next_point(struct wh_str s, size_t *at)
{
    uint8_t b = (uint8_t)s.p[(*at)++];
    unsigned more = b < 0x80 ? 0 : b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
    uint32_t c = more == 0 ? b : b & (0x3fU >> more);
    while (more-- > 0 && *at < s.n) {
        c = c << 6 | ((uint8_t)s.p[(*at)++] & 0x3fU);
    }
    return c;
}

bool tlog_name_ok(struct wh_str name)
{
    if (name.n == 0 || name.n > TLOG_NAME_MAX || !wh_str_utf8_ok(name)) {
        return false;
    }
    for (size_t at = 0; at < name.n;) {
        uint32_t c = next_point(name, &at);
        if (c < 0x20 || c == 0x7f || c == '+' || is_blank(c)) {
            return false;
        }
    }
    return true;
}

/* SHA-256(name || "\n" || type || public key), cut to four bytes. */
static void key_id(struct wh_str name, enum tlog_key_type type,
                   const uint8_t *pub, uint8_t out[TLOG_KEY_ID])
{
    uint8_t in[TLOG_NAME_MAX + 2 + CRYPTO_ED25519_PUB], digest[WH_SHA256_LEN];
    memcpy(in, name.p, name.n);
    in[name.n] = '\n';
    in[name.n + 1] = (uint8_t)type;
    memcpy(in + name.n + 2, pub, CRYPTO_ED25519_PUB);
    wh_sha256_of(wh_str_mem(in, name.n + 2 + CRYPTO_ED25519_PUB), digest);
    memcpy(out, digest, TLOG_KEY_ID);
}

void tlog_vkey_make(struct wh_str name, enum tlog_key_type type,
                    const uint8_t pub[CRYPTO_ED25519_PUB],
                    struct tlog_vkey *out)
{
    wh_assert(tlog_name_ok(name));
    memset(out, 0, sizeof *out);
    memcpy(out->name, name.p, name.n);
    out->type = type;
    memcpy(out->pub, pub, CRYPTO_ED25519_PUB);
    key_id(name, type, pub, out->id);
}

bool tlog_vkey_parse(struct wh_str text, struct tlog_vkey *out,
                     struct wh_err *err)
{
    struct wh_str name, id, rest = text;
    uint8_t want[TLOG_KEY_ID], key[1 + CRYPTO_ED25519_PUB];
    size_t n;
    if (!wh_str_cut(&rest, '+', &name) || !wh_str_cut(&rest, '+', &id) ||
        !tlog_name_ok(name) || !wh_hex_dec(id, want, sizeof want, false) ||
        !wh_base64_dec(rest, key, sizeof key, &n) || n != sizeof key) {
        return wh_fail(err, WH_BAD_REQUEST, "malformed verifier key");
    }
    if (key[0] != TLOG_KEY_ED25519 && key[0] != TLOG_KEY_COSIGNER) {
        return wh_fail(err, WH_BAD_REQUEST, "verifier key of unknown type");
    }
    struct tlog_vkey vk;
    tlog_vkey_make(name, (enum tlog_key_type)key[0], key + 1, &vk);
    if (memcmp(vk.id, want, sizeof want) != 0) {
        return wh_fail(err, WH_BAD_REQUEST,
                       "the verifier key does not have the id it claims");
    }
    *out = vk;
    return true;
}

void tlog_vkey_text(const struct tlog_vkey *key, struct wh_buf *out)
{
    uint8_t bytes[1 + CRYPTO_ED25519_PUB];
    bytes[0] = (uint8_t)key->type;
    memcpy(bytes + 1, key->pub, CRYPTO_ED25519_PUB);
    wh_buf_cstr(out, key->name);
    wh_buf_char(out, '+');
    wh_buf_hex(out, key->id, sizeof key->id);
    wh_buf_char(out, '+');
    wh_buf_base64(out, bytes, sizeof bytes);
}

/* "name base64" after the dash: checks the shape, takes the key id. */
static bool parse_sig(struct wh_str line, struct tlog_sig *sig)
{
    struct wh_str rest = line;
    if (!wh_str_cut(&rest, ' ', &sig->name) || !tlog_name_ok(sig->name)) {
        return false;
    }
    sig->base64 = rest;
    uint8_t bytes[4096];
    size_t n;
    if (!wh_base64_dec(rest, bytes, sizeof bytes, &n) || n <= TLOG_KEY_ID) {
        return false;
    }
    memcpy(sig->id, bytes, TLOG_KEY_ID);
    return true;
}

/* Position after the last blank line, or 0. */
static size_t find_sigs(struct wh_str note)
{
    for (size_t i = note.n; i >= 2; i--) {
        if (note.p[i - 1] == '\n' && note.p[i - 2] == '\n') {
            return i;
        }
    }
    return 0;
}

bool tlog_note_parse(struct wh_str note, struct tlog_note *out,
                     struct wh_err *err)
{
    out->n = 0;
    if (note.n > TLOG_NOTE_MAX || !wh_str_utf8_ok(note)) {
        return wh_fail(err, WH_NOT_VERIFIABLE, "not a signed note");
    }
    for (size_t i = 0; i < note.n; i++) {
        if ((uint8_t)note.p[i] < 0x20 && note.p[i] != '\n') {
            return wh_fail(err, WH_NOT_VERIFIABLE, "not a signed note");
        }
    }
    size_t sigs = find_sigs(note);
    if (sigs < 2 || sigs == note.n || note.p[note.n - 1] != '\n') {
        return wh_fail(err, WH_NOT_VERIFIABLE, "the note is not signed");
    }
    out->text = wh_str_sub(note, 0, sigs - 1);

    struct wh_str line, rest = wh_str_sub(note, sigs, note.n - sigs);
    while (rest.n > 0) {
        bool cut = wh_str_cut(&rest, '\n', &line);
        wh_assert(cut); /* the note ends in a newline */
        if (out->n == TLOG_NOTE_SIGS) {
            return wh_fail(err, WH_NOT_VERIFIABLE,
                           "the note has too many signatures");
        }
        if (!wh_str_starts(line, WH_S(DASH)) ||
            !parse_sig(wh_str_sub(line, 4, line.n - 4), &out->sigs[out->n])) {
            return wh_fail(err, WH_NOT_VERIFIABLE, "malformed signature line");
        }
        out->n++;
    }
    return true;
}

/* What a cosigner signs: a header with the time, then the text. */
static struct wh_str cosigned(struct wh_str text, uint64_t time,
                              struct wh_buf *buf)
{
    wh_buf_init(buf, TLOG_NOTE_MAX + 64);
    wh_buf_fmt(buf, "cosignature/v1\ntime %" PRIu64 "\n", time);
    wh_buf_add(buf, text);
    return wh_buf_str(buf);
}

/* Does this line's signature hold? */
static bool sig_ok(struct wh_str text, const struct tlog_sig *sig,
                   const struct tlog_vkey *key, uint64_t *time)
{
    uint8_t b[TLOG_KEY_ID + 8 + CRYPTO_ED25519_SIG];
    size_t n;
    bool timed = key->type == TLOG_KEY_COSIGNER;
    size_t want = sizeof b - (timed ? 0 : 8);
    if (!wh_base64_dec(sig->base64, b, sizeof b, &n) || n != want) {
        return false;
    }
    *time = 0;
    if (!timed) {
        return crypto_ed25519_verify(key->pub, text, b + TLOG_KEY_ID);
    }
    for (size_t i = 0; i < 8; i++) {
        *time = *time << 8 | b[TLOG_KEY_ID + i];
    }
    if (*time > INT64_MAX) {
        return false;
    }
    struct wh_buf buf;
    struct wh_str msg = cosigned(text, *time, &buf);
    bool ok =
        !buf.over && crypto_ed25519_verify(key->pub, msg, b + TLOG_KEY_ID + 8);
    wh_buf_done(&buf);
    return ok;
}

bool tlog_note_verify(const struct tlog_note *note, const struct tlog_vkey *key,
                      uint64_t *time, struct wh_err *err)
{
    bool found = false;
    uint64_t newest = 0;
    for (size_t i = 0; i < note->n; i++) {
        const struct tlog_sig *sig = &note->sigs[i];
        if (!wh_str_is(sig->name, key->name) ||
            memcmp(sig->id, key->id, sizeof key->id) != 0) {
            continue;
        }
        uint64_t t;
        if (!sig_ok(note->text, sig, key, &t)) {
            return wh_fail(err, WH_CORRUPT, "the signature of %s is wrong",
                           key->name);
        }
        newest = t > newest ? t : newest;
        found = true;
    }
    if (!found) {
        return wh_fail(err, WH_NOT_VERIFIABLE, "the note is not signed by %s",
                       key->name);
    }
    if (time) {
        *time = newest;
    }
    return true;
}

static void add_line(const struct tlog_vkey *key, const uint8_t *sig, size_t n,
                     struct wh_buf *out)
{
    uint8_t b[TLOG_KEY_ID + 8 + CRYPTO_ED25519_SIG];
    wh_assert(TLOG_KEY_ID + n <= sizeof b);
    memcpy(b, key->id, TLOG_KEY_ID);
    memcpy(b + TLOG_KEY_ID, sig, n);
    wh_buf_cstr(out, DASH);
    wh_buf_cstr(out, key->name);
    wh_buf_char(out, ' ');
    wh_buf_base64(out, b, TLOG_KEY_ID + n);
    wh_buf_char(out, '\n');
}

void tlog_note_sign(struct wh_str text, const struct tlog_vkey *key,
                    const struct crypto_ed25519 *secret, struct wh_buf *out)
{
    wh_assert(key->type == TLOG_KEY_ED25519);
    wh_assert(text.n > 0 && text.p[text.n - 1] == '\n');
    uint8_t sig[CRYPTO_ED25519_SIG];
    crypto_ed25519_sign(secret, text, sig);
    add_line(key, sig, sizeof sig, out);
}

void tlog_note_cosign(struct wh_str text, const struct tlog_vkey *key,
                      const struct crypto_ed25519 *secret, uint64_t time,
                      struct wh_buf *out)
{
    wh_assert(key->type == TLOG_KEY_COSIGNER && time <= INT64_MAX);
    wh_assert(text.n > 0 && text.p[text.n - 1] == '\n');
    uint8_t b[8 + CRYPTO_ED25519_SIG];
    for (size_t i = 0; i < 8; i++) {
        b[i] = (uint8_t)(time >> (56 - 8 * i));
    }
    struct wh_buf buf;
    crypto_ed25519_sign(secret, cosigned(text, time, &buf), b + 8);
    wh_assert(!buf.over);
    wh_buf_done(&buf);
    add_line(key, b, sizeof b, out);
}
