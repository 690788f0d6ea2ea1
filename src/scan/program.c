/*
 * program.c - a table of matchers over the first bytes, then the three that
 * look further: zip (from the back), pickle (by walking), PE (by its pointer).
 */
#include "scan/program.h"

#include "base/rd.h"
#include "scan/pickle.h"
#include "scan/zip.h"

/* Plain magics: bytes at an offset. */
struct magic {
    size_t at, n;
    const char *bytes;
    enum scan_format format;
    enum scan_finding_id finding;
};

#define M(at, bytes, format, finding)                                     \
    {                                                                     \
        at, sizeof(bytes) - 1, bytes, SCAN_FMT_##format, SCAN_F_##finding \
    }

static const struct magic magics[] = {
    M(0,
      "\x7f"
      "ELF\x01",
      ELF, PROGRAM_ELF),
    M(0,
      "\x7f"
      "ELF\x02",
      ELF, PROGRAM_ELF),
    M(0, "\xfe\xed\xfa\xce", MACHO, PROGRAM_MACHO),
    M(0, "\xfe\xed\xfa\xcf", MACHO, PROGRAM_MACHO),
    M(0, "\xce\xfa\xed\xfe", MACHO, PROGRAM_MACHO),
    M(0, "\xcf\xfa\xed\xfe", MACHO, PROGRAM_MACHO),
    M(0, "\0asm\x01\0\0\0", WASM, PROGRAM_WASM),
    M(0, "7z\xbc\xaf\x27\x1c", SEVENZIP, ARCHIVE_7Z),
    M(0, "Rar!\x1a\x07", RAR, ARCHIVE_RAR),
    M(0, "\x1f\x8b\x08", GZIP, ARCHIVE_GZIP),
    M(0, "BZh", COMPRESSED, ARCHIVE_COMPRESSED),
    M(0,
      "\xfd"
      "7zXZ\0",
      COMPRESSED, ARCHIVE_COMPRESSED),
    M(0, "\x28\xb5\x2f\xfd", COMPRESSED, ARCHIVE_COMPRESSED),
    M(0, "\x04\x22\x4d\x18", COMPRESSED, ARCHIVE_COMPRESSED),
    M(257, "ustar", TAR, ARCHIVE_TAR),
};

static bool has(const struct scan_head *h, size_t at, const char *bytes,
                size_t n)
{
    return at + n <= h->n && memcmp(h->p + at, bytes, n) == 0;
}

/* "BZh" also begins words; the block size and the block's mark follow. */
static bool false_alarm(const struct scan_head *h, const struct magic *m)
{
    return m->n == 3 && memcmp(m->bytes, "BZh", 3) == 0 &&
           !has(h, 4, "1AY&SY", 6);
}

/* cafebabe: a Mach-O file for several processors counts them (few), a Java
 * class has its version there (45 and up). */
static bool cafebabe(const struct scan_head *h, struct scan_program *out)
{
    struct wh_rd r;
    if (!has(h, 0, "\xca\xfe\xba\xbe", 4) || h->n < 8) {
        return false;
    }
    wh_rd_init(&r, h->p + 4, 4);
    bool mach = wh_rd_u32be(&r) < 45;
    *out = (struct scan_program){
        .format = mach ? SCAN_FMT_MACHO : SCAN_FMT_CLASS,
        .finding = mach ? SCAN_F_PROGRAM_MACHO : SCAN_F_PROGRAM_CLASS};
    return true;
}

/* "MZ": a program if its pointer leads to a PE header, or if its old header is
 * plausible (bytes in the last page below 512, pages that the file has). */
static bool pe(const struct scan_head *h, struct scan_program *out, bool *yes,
               struct wh_err *err)
{
    struct wh_rd r;
    uint8_t sign[4];
    *yes = false;
    if (h->n < 64 || !has(h, 0, "MZ", 2)) {
        return true;
    }
    *out = (struct scan_program){.format = SCAN_FMT_PE,
                                 .finding = SCAN_F_PROGRAM_PE};
    wh_rd_init(&r, h->p + 2, 4);
    uint64_t last = wh_rd_u16le(&r), pages = wh_rd_u16le(&r);
    wh_rd_init(&r, h->p + 60, 4);
    uint64_t at = wh_rd_u32le(&r);
    if (at <= h->src->size - 4) {
        if (!wh_src_read(h->src, at, sign, 4, err)) {
            return false;
        }
        *yes = memcmp(sign, "PE\0\0", 4) == 0;
        out->at = at;
    }
    *yes =
        *yes || (last < 512 && pages > 0 && pages * 512 <= h->src->size + 512);
    return true;
}

/* Compiled Python: a cached file (version, CR LF, flags) or a bare code
 * object, which starts with five small counts. */
static bool marshal(const struct scan_head *h)
{
    enum { COUNTS = 5, COUNT_BYTES = 20, COUNT_MAX = 1 << 16 };
    enum { CODE = 0x63, REF = 0x80 };
    struct wh_rd r;
    if (h->n >= 17 && h->p[2] == '\r' && h->p[3] == '\n' && h->p[4] < 4 &&
        h->p[5] == 0 && h->p[6] == 0 && h->p[7] == 0) {
        return (h->p[16] & ~REF) == CODE;
    }
    if (h->n < 1 + COUNT_BYTES || h->p[0] != (CODE | REF)) {
        return false;
    }
    wh_rd_init(&r, h->p + 1, COUNT_BYTES);
    for (unsigned i = 0; i < COUNTS; i++) {
        if (wh_rd_u32le(&r) > COUNT_MAX) {
            return false;
        }
    }
    return true;
}

/* Tar without "ustar": a name, and an octal sum over the header that fits. */
static bool old_tar(const struct scan_head *h)
{
    enum { BLOCK = 512, SUM_AT = 148, SUM_N = 8 };
    uint64_t sum = 0, stated = 0;
    if (h->n < BLOCK || h->p[0] < 0x20 || h->src->size % BLOCK != 0) {
        return false;
    }
    for (unsigned i = 0; i < BLOCK; i++) {
        bool blank = i >= SUM_AT && i < SUM_AT + SUM_N;
        sum += blank ? ' ' : h->p[i];
    }
    for (unsigned i = SUM_AT; i < SUM_AT + SUM_N; i++) {
        uint8_t c = h->p[i];
        if (c >= '0' && c <= '7') {
            stated = stated * 8 + (uint64_t)(c - '0');
        } else if (c != ' ' && c != 0) {
            return false;
        }
    }
    return sum == stated;
}

struct list {
    struct scan_program *out;
    size_t n;
};

static void add(struct list *l, struct scan_program p)
{
    if (l->n < SCAN_PROGRAMS_MAX) {
        l->out[l->n++] = p;
    }
}

static void by_magic(const struct scan_head *h, struct list *l)
{
    bool tar = false;
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++) {
        const struct magic *m = &magics[i];
        if (has(h, m->at, m->bytes, m->n) && !false_alarm(h, m)) {
            add(l, (struct scan_program){m->format, m->finding, m->at});
            tar |= m->format == SCAN_FMT_TAR;
        }
    }
    if (!tar && old_tar(h)) {
        add(l, (struct scan_program){SCAN_FMT_TAR, SCAN_F_ARCHIVE_TAR, 0});
    }
    if (marshal(h)) {
        add(l,
            (struct scan_program){SCAN_FMT_MARSHAL, SCAN_F_PROGRAM_MARSHAL, 0});
    }
}

static bool by_zip(const struct scan_head *h, struct list *l,
                   struct wh_err *err)
{
    struct scan_zip_look z;
    if (!scan_zip_look(h->src, &z, err)) {
        return false;
    }
    if (z.found) {
        add(l, (struct scan_program){
                   SCAN_FMT_ZIP,
                   z.code ? SCAN_F_PROGRAM_ZIP : SCAN_F_ARCHIVE_ZIP, z.at});
    }
    return true;
}

bool scan_programs(const struct scan_head *h,
                   struct scan_program out[SCAN_PROGRAMS_MAX], size_t *n,
                   struct wh_err *err)
{
    struct list l = {.out = out};
    struct scan_program one;
    bool yes;
    by_magic(h, &l);
    if (cafebabe(h, &one)) {
        add(&l, one);
    }
    if (!pe(h, &one, &yes, err)) {
        return false;
    }
    if (yes) {
        add(&l, one);
    }
    if (!by_zip(h, &l, err) || !scan_pickle_looks(h->src, &yes, err)) {
        return false;
    }
    if (yes) {
        add(&l,
            (struct scan_program){SCAN_FMT_PICKLE, SCAN_F_PROGRAM_PICKLE, 0});
    }
    *n = l.n;
    return true;
}

bool scan_is_script(const struct scan_head *h)
{
    if (!has(h, 0, "#!", 2)) {
        return false;
    }
    size_t i = 2;
    while (i < h->n && (h->p[i] == ' ' || h->p[i] == '\t')) {
        i++;
    }
    if (i >= h->n || h->p[i] != '/') {
        return false;
    }
    for (; i < h->n && i < 256; i++) {
        if (h->p[i] == '\n') {
            return true;
        }
        if (h->p[i] < 0x20 && h->p[i] != '\t' && h->p[i] != '\r') {
            return false;
        }
    }
    return i == h->n; /* a file of one line */
}

bool scan_is_html(const struct scan_head *h)
{
    static const char *const marks[] = {"<!doctype html", "<html",   "<head",
                                        "<body",          "<script", "<svg"};
    struct wh_str s = wh_str_mem(h->p, h->n);
    if (wh_str_starts(s, WH_S("\xef\xbb\xbf"))) {
        s = wh_str_sub(s, 3, s.n);
    }
    s = wh_str_trim(s);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        struct wh_str mark = wh_str_of(marks[i]);
        if (wh_str_ieq(wh_str_sub(s, 0, mark.n), mark)) {
            return true;
        }
    }
    return false;
}
