/*
 * str.h - text and bytes as a view: pointer and length, not owned.
 * Owner: the memory behind a view belongs to somebody else.
 * Never: NUL-terminated by promise; use wh_arena_cstr where C wants that.
 */
#ifndef WH_BASE_STR_H
#define WH_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wh_str {
    const char *p;
    size_t n;
};

/* View of a string literal, as a value and as the initializer of a static
 * table; of a C string; of any memory. */
#define WH_S(lit) ((struct wh_str){"" lit, sizeof(lit) - 1})
/* clang-format off */
#define WH_SI(lit) {"" lit, sizeof(lit) - 1}
/* clang-format on */
#define WH_FMT(s) (int)(s).n, (s).p /* for "%.*s" */
static inline struct wh_str wh_str_of(const char *c)
{
    return (struct wh_str){c, c ? strlen(c) : 0};
}
static inline struct wh_str wh_str_mem(const void *p, size_t n)
{
    return (struct wh_str){p, n};
}

/* Byte equality; with a C string; ASCII case-insensitive. */
bool wh_str_eq(struct wh_str a, struct wh_str b);
bool wh_str_is(struct wh_str a, const char *c);
bool wh_str_ieq(struct wh_str a, struct wh_str b);
/* memcmp order, shorter first on a tie: <0, 0, >0. */
int wh_str_cmp(struct wh_str a, struct wh_str b);
bool wh_str_starts(struct wh_str s, struct wh_str prefix);
bool wh_str_ends(struct wh_str s, struct wh_str suffix);
/* First index of a byte or a needle, or SIZE_MAX. */
size_t wh_str_find(struct wh_str s, char c);
size_t wh_str_find_str(struct wh_str s, struct wh_str needle);
/* Sub-view; out of range positions are clamped. */
struct wh_str wh_str_sub(struct wh_str s, size_t from, size_t n);
/* Without leading and trailing ASCII blanks (space, tab, CR, LF). */
struct wh_str wh_str_trim(struct wh_str s);
/* Cut at the first `c`: *head is before it, *s becomes what follows. False,
 * with *head = *s and *s empty, when `c` does not occur. */
bool wh_str_cut(struct wh_str *s, char c, struct wh_str *head);
/* Decimal, no sign, no leading zero unless "0", must end at s.n; false on
 * overflow or any other byte. */
bool wh_str_u64(struct wh_str s, uint64_t *out);
/* Bytes of the well-formed UTF-8 character s begins with (1 to 4), or 0 when
 * s is empty or begins with anything else. */
size_t wh_str_utf8_len(struct wh_str s);
/* Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool wh_str_utf8_ok(struct wh_str s);
/* Equality in time independent of the content, for secrets. */
bool wh_str_eq_secret(struct wh_str a, struct wh_str b);

/* Checked arithmetic on lengths: false on overflow, *out untouched. */
static inline bool wh_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}
static inline bool wh_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

#endif
