/*
 * enc.h - decoding text codes into caller's memory.
 * Owner: the caller owns input and output.
 * Never: writes past the stated capacity; accepts a sloppy form.
 */
#ifndef WH_BASE_ENC_H
#define WH_BASE_ENC_H

#include "base/str.h"

/* Exactly n bytes from 2n hex digits; upper case only if `any_case`. */
bool wh_hex_dec(struct wh_str s, void *out, size_t n, bool any_case);
/* 2n lower hex digits and a NUL. */
void wh_hex_enc(const void *p, size_t n, char *out);
/* Standard alphabet, padding required, no blanks, canonical last group.
 * False if malformed or larger than cap; *out_n is set on success. */
bool wh_base64_dec(struct wh_str s, void *out, size_t cap, size_t *out_n);
/* URL alphabet, no padding. */
bool wh_base64url_dec(struct wh_str s, void *out, size_t cap, size_t *out_n);
/* Percent-decoding; `plus` turns '+' into a blank (forms). Refuses broken
 * escapes and NUL. out has room for s.n bytes. */
bool wh_url_dec(struct wh_str s, bool plus, char *out, size_t *out_n);

#endif
