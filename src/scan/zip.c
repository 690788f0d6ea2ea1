/*
 * zip.c - readers find an archive from its last bytes, whatever stands before,
 * so the end of every file is searched for the closing record.
 */
#include "scan/zip.h"

#include "base/mem.h"
#include "base/rd.h"

#define CLOSING 22u /* bytes of the closing record without its comment */
#define COMMENT 65535u
#define ENTRY 46u /* bytes of a directory entry without its names */
#define ENTRIES_MAX 4096u

static const uint8_t closing_mark[4] = {'P', 'K', 5, 6};
static const uint8_t entry_mark[4] = {'P', 'K', 1, 2};
static const uint8_t member_mark[4] = {'P', 'K', 3, 4};

/* Members of which loaders run or unpickle the content. */
static bool is_code(struct wh_str name)
{
    static const char *const ends[] = {".pkl", ".class", ".py",
                                       ".pyc", ".so",    ".dll",
                                       ".exe", ".dylib", ".js"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (wh_str_ends(name, wh_str_of(ends[i]))) {
            return true;
        }
    }
    return wh_str_starts(name, WH_S("META-INF/"));
}

/* Walk the directory at `at`; true if its first entry is one. */
static bool walk(const struct wh_src *src, uint64_t at, uint64_t end,
                 struct scan_zip_look *out, struct wh_err *err)
{
    uint8_t head[ENTRY];
    char name[256];
    for (unsigned i = 0; i < ENTRIES_MAX && end - at >= ENTRY; i++) {
        struct wh_rd r;
        if (!wh_src_read(src, at, head, ENTRY, err)) {
            return false;
        }
        if (memcmp(head, entry_mark, 4) != 0) {
            return true;
        }
        out->found = true;
        wh_rd_init(&r, head + 28, 6);
        uint64_t n = wh_rd_u16le(&r);
        uint64_t rest = (uint64_t)wh_rd_u16le(&r) + wh_rd_u16le(&r);
        if (n + rest > end - at - ENTRY) {
            return true;
        }
        size_t keep = n < sizeof name ? (size_t)n : sizeof name;
        uint64_t from = at + ENTRY + (n - keep); /* the end of the name */
        if (!wh_src_read(src, from, name, keep, err)) {
            return false;
        }
        out->code |= is_code(wh_str_mem(name, keep));
        at += ENTRY + n + rest;
    }
    return true;
}

/* A closing record at `at`: its comment must reach to the end of the file and
 * its directory must lie before it. */
static bool try_closing(const struct wh_src *src, const uint8_t *rec,
                        uint64_t at, struct scan_zip_look *out,
                        struct wh_err *err)
{
    struct wh_rd r;
    wh_rd_init(&r, rec + 10, 12);
    uint16_t count = wh_rd_u16le(&r);
    uint32_t size = wh_rd_u32le(&r);
    (void)wh_rd_u32le(&r); /* offset: counted from an unknown start */
    uint64_t comment = wh_rd_u16le(&r);
    if (at + CLOSING + comment != src->size || size > at) {
        return true;
    }
    if (count == 0 && size == 0) {
        out->found = true;
    } else if (!walk(src, at - size, at, out, err)) {
        return false;
    }
    out->at = out->found ? at : out->at;
    return true;
}

bool scan_zip_look(const struct wh_src *src, struct scan_zip_look *out,
                   struct wh_err *err)
{
    *out = (struct scan_zip_look){0};
    uint8_t head[4];
    if (src->size < CLOSING) {
        return true;
    }
    if (!wh_src_read(src, 0, head, 4, err)) {
        return false;
    }
    out->found = memcmp(head, member_mark, 4) == 0;
    size_t n =
        src->size < CLOSING + COMMENT ? (size_t)src->size : CLOSING + COMMENT;
    uint64_t base = src->size - n;
    uint8_t *tail = wh_alloc(n);
    bool ok = wh_src_read(src, base, tail, n, err);
    for (size_t i = n - CLOSING + 1; ok && !out->at && i-- > 0;) {
        if (memcmp(tail + i, closing_mark, 4) == 0) {
            ok = try_closing(src, tail + i, base + i, out, err);
        }
    }
    wh_free(tail);
    return ok;
}
