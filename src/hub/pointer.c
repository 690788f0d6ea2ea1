/*
 * pointer.c - reads and writes LFS pointers.
 *
 * git-lfs fixes the form: `version` first, the other keys sorted, each line
 * "key value\n". A blob that is not of this form is an ordinary file, so the
 * reader never fails: it says yes or no.
 */
#include "hub/pointer.h"
#include "base/enc.h"

static const char VERSION[] = "version https://git-lfs.github.com/spec/v1";

/* Cut one "\n"-ended line; false when there is none left. */
static bool take_line(struct wh_str *s, struct wh_str *line)
{
    if (s->n == 0) {
        return false;
    }
    return wh_str_cut(s, '\n', line);
}

static bool take_oid(struct wh_str v, struct hub_pointer *out)
{
    struct wh_str algo = WH_S("sha256:");
    uint8_t raw[WH_SHA256_LEN];

    if (!wh_str_starts(v, algo)) {
        return false;
    }
    v = wh_str_sub(v, algo.n, v.n);
    if (!wh_hex_dec(v, raw, sizeof raw, false)) {
        return false;
    }
    wh_hex_enc(raw, sizeof raw, out->sha256);
    return true;
}

bool hub_pointer_parse(struct wh_str blob, struct hub_pointer *out)
{
    struct hub_pointer p = {0};
    struct wh_str line, key;
    bool oid = false, size = false;

    if (blob.n > HUB_POINTER_MAX || !take_line(&blob, &line) ||
        !wh_str_is(line, VERSION)) {
        return false;
    }
    while (take_line(&blob, &line)) {
        if (!wh_str_cut(&line, ' ', &key)) {
            return false;
        }
        if (wh_str_is(key, "oid")) {
            oid = !oid && take_oid(line, &p);
        } else if (wh_str_is(key, "size")) {
            size = !size && wh_str_u64(line, &p.size);
        }
    }
    if (blob.n != 0 || !oid || !size || p.size > INT64_MAX) {
        return false;
    }
    *out = p;
    return true;
}

void hub_pointer_write(struct wh_buf *b, const struct hub_pointer *p)
{
    wh_buf_cstr(b, VERSION);
    wh_buf_fmt(b, "\noid sha256:%s\nsize %llu\n", p->sha256,
               (unsigned long long)p->size);
}
