/*
 * checkpoint.c - the three lines that a log signs.
 */
#include "tlog/checkpoint.h"
#include "base/enc.h"

#include <inttypes.h>

void tlog_checkpoint_text(const struct tlog_checkpoint *cp, struct wh_buf *out)
{
    wh_buf_fmt(out, "%s\n%" PRIu64 "\n", cp->origin, cp->size);
    wh_buf_base64(out, cp->root.b, TLOG_HASH);
    wh_buf_char(out, '\n');
}

bool tlog_checkpoint_parse(struct wh_str text, struct tlog_checkpoint *out,
                           struct wh_err *err)
{
    struct tlog_checkpoint cp = {0};
    struct wh_str origin, size, root, rest = text;
    size_t n;
    if (!wh_str_cut(&rest, '\n', &origin) || !wh_str_cut(&rest, '\n', &size) ||
        !wh_str_cut(&rest, '\n', &root) || rest.n > 0) {
        return wh_fail(err, WH_NOT_VERIFIABLE,
                       "a checkpoint has exactly three lines");
    }
    if (!tlog_name_ok(origin) || !wh_str_u64(size, &cp.size) ||
        cp.size > TLOG_SIZE_MAX ||
        !wh_base64_dec(root, cp.root.b, TLOG_HASH, &n) || n != TLOG_HASH) {
        return wh_fail(err, WH_NOT_VERIFIABLE, "malformed checkpoint");
    }
    memcpy(cp.origin, origin.p, origin.n);
    *out = cp;
    return true;
}

bool tlog_checkpoint_open(struct wh_str note, const struct tlog_vkey *key,
                          struct tlog_checkpoint *out, struct wh_err *err)
{
    struct tlog_note parsed;
    struct tlog_checkpoint cp;
    if (!tlog_note_parse(note, &parsed, err) ||
        !tlog_note_verify(&parsed, key, NULL, err) ||
        !tlog_checkpoint_parse(parsed.text, &cp, err)) {
        return false;
    }
    if (!wh_str_is(wh_str_of(cp.origin), key->name)) {
        return wh_fail(err, WH_NOT_VERIFIABLE,
                       "the checkpoint is of another log");
    }
    *out = cp;
    return true;
}

void tlog_checkpoint_sign(const struct tlog_checkpoint *cp,
                          const struct tlog_vkey *key,
                          const struct crypto_ed25519 *secret,
                          struct wh_buf *out)
{
    struct wh_buf text;
    wh_buf_init(&text, TLOG_NAME_MAX + 128);
    tlog_checkpoint_text(cp, &text);
    wh_assert(!text.over);
    wh_buf_add(out, wh_buf_str(&text));
    wh_buf_char(out, '\n');
    tlog_note_sign(wh_buf_str(&text), key, secret, out);
    wh_buf_done(&text);
}
