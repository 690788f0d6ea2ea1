/*
 * walk.c - see walk.h. Sources: PNG (ISO/IEC 15948) 5.3; JPEG (ITU-T T.81)
 * Annex B; GIF89a 17-27; RIFF (Microsoft, 1991); Ogg (RFC 3533) 6; FLAC (RFC
 * 9639) 8 and 9.1; PDF (ISO 32000-2) 7.5.5; Apache Parquet and Arrow file
 * formats.
 */
#include "scan/walk.h"

#include "base/rd.h"

/* ---- PNG ---- */

static bool letters(const uint8_t p[4])
{
    for (size_t i = 0; i < 4; i++) {
        uint8_t lower = p[i] | 0x20;
        if (lower < 'a' || lower > 'z') {
            return false;
        }
    }
    return true;
}

/* 8 bytes of mark, then length, type, data, CRC; IHDR first, IEND last. */
enum scan_walk scan_walk_png(struct wh_win *w)
{
    bool first = true;

    w->swap = true;
    if (!wh_win_skip(w, 8)) {
        return SCAN_WALK_BROKEN;
    }
    for (;;) {
        uint8_t type[4];
        uint32_t n = wh_win_u32(w);
        if (!wh_win_copy(w, type, 4) || !letters(type) ||
            (first && (n != 13 || memcmp(type, "IHDR", 4) != 0)) ||
            !wh_win_skip(w, (uint64_t)n + 4)) {
            return SCAN_WALK_BROKEN;
        }
        first = false;
        if (memcmp(type, "IEND", 4) == 0) {
            return SCAN_WALK_ENDS;
        }
    }
}

/* ---- JPEG ---- */

/* Cameras add a few bytes behind the picture. */
#define JPEG_TAIL 4096u

static bool segment(struct wh_win *w)
{
    uint64_t n = (uint64_t)wh_win_u8(w) << 8;
    n |= wh_win_u8(w);
    return n >= 2 && wh_win_skip(w, n - 2);
}

/* Entropy-coded bytes up to the next marker: there 0xFF is followed by 0 or a
 * restart marker. 0: the file ended. */
static uint8_t coded(struct wh_win *w)
{
    while (wh_win_fill(w)) {
        const uint8_t *p = w->buf + w->at;
        const uint8_t *ff = memchr(p, 0xff, w->n - w->at);
        w->at = ff ? (size_t)(ff - w->buf) + 1 : w->n;
        if (!ff) {
            continue;
        }
        uint8_t m = wh_win_u8(w);
        while (m == 0xff && !w->bad) {
            m = wh_win_u8(w);
        }
        if (m != 0 && (m < 0xd0 || m > 0xd7)) {
            return m;
        }
    }
    return 0;
}

static uint8_t marker(struct wh_win *w)
{
    uint8_t m = wh_win_u8(w);
    if (m != 0xff) {
        return 0;
    }
    while (m == 0xff && !w->bad) {
        m = wh_win_u8(w);
    }
    return m;
}

enum { SOI = 0xd8, EOI = 0xd9, SOS = 0xda };

/* One picture, from its first marker to EOI. */
static bool jpeg_image(struct wh_win *w)
{
    bool scans = false;
    uint8_t m = marker(w);

    if (m != SOI) {
        return false;
    }
    m = marker(w);
    while (!w->bad && m >= 0xc0 && m != SOI) {
        if (m == EOI) {
            return scans;
        }
        if (!segment(w)) {
            return false;
        }
        scans |= m == SOS;
        m = m == SOS ? coded(w) : marker(w);
    }
    return false;
}

enum scan_walk scan_walk_jpeg(struct wh_win *w)
{
    do {
        if (!jpeg_image(w)) {
            return SCAN_WALK_BROKEN;
        }
        /* a preview or a second view may follow as a picture of its own */
    } while (wh_win_left(w) > JPEG_TAIL);
    return wh_win_left(w) > 0 && wh_win_left(w) <= JPEG_TAIL ? SCAN_WALK_SEEN
                                                             : SCAN_WALK_ENDS;
}

/* ---- GIF ---- */

/* Blocks of a length byte and so many bytes, up to an empty one. */
static bool sub_blocks(struct wh_win *w)
{
    for (uint8_t n = wh_win_u8(w); n > 0; n = wh_win_u8(w)) {
        if (!wh_win_skip(w, n)) {
            return false;
        }
    }
    return !w->bad;
}

/* The colour table that a packed byte announces. */
static bool colours(struct wh_win *w, uint8_t packed)
{
    return !(packed & 0x80) || wh_win_skip(w, (uint64_t)6 << (packed & 7));
}

static bool gif_image(struct wh_win *w)
{
    return wh_win_skip(w, 8) && colours(w, wh_win_u8(w)) && wh_win_skip(w, 1) &&
           sub_blocks(w);
}

enum scan_walk scan_walk_gif(struct wh_win *w)
{
    uint8_t kind;
    bool images = false, ok;

    ok = wh_win_skip(w, 10);
    kind = wh_win_u8(w);
    ok = ok && wh_win_skip(w, 2) && colours(w, kind);
    while (ok && !w->bad) {
        kind = wh_win_u8(w);
        if (kind == ';') {
            return images ? SCAN_WALK_ENDS : SCAN_WALK_BROKEN;
        }
        images |= kind == ',';
        ok = kind == ',' ? gif_image(w)
                         : kind == '!' && wh_win_skip(w, 1) && sub_blocks(w);
    }
    return SCAN_WALK_BROKEN;
}

/* ---- RIFF ---- */

/* What a WebP picture or a WAV sound holds first. */
static bool first_chunk(const uint8_t form[4], const uint8_t id[4])
{
    static const char *const wave[] = {"fmt ", "JUNK", "bext", "LIST", "FLLR"};
    if (memcmp(form, "WEBP", 4) == 0) {
        return memcmp(id, "VP8", 3) == 0 && strchr(" LX", id[3]) && id[3];
    }
    for (size_t i = 0; i < sizeof wave / sizeof *wave; i++) {
        if (memcmp(id, wave[i], 4) == 0) {
            return memcmp(form, "WAVE", 4) == 0;
        }
    }
    return false;
}

/* A length, the form, then chunks that fill it; odd ones are padded. */
enum scan_walk scan_walk_riff(struct wh_win *w)
{
    uint8_t form[4], id[4];
    bool first = true;
    uint64_t end;

    if (!wh_win_skip(w, 4)) {
        return SCAN_WALK_BROKEN;
    }
    end = 8 + (uint64_t)wh_win_u32(w);
    if (!wh_win_copy(w, form, 4)) {
        return SCAN_WALK_BROKEN;
    }
    while (wh_win_offset(w) + 8 <= end) {
        if (!wh_win_copy(w, id, 4) || (first && !first_chunk(form, id))) {
            return SCAN_WALK_BROKEN;
        }
        uint64_t n = wh_win_u32(w);
        if (n == UINT32_MAX && end == (uint64_t)8 + UINT32_MAX && !first) {
            n = wh_win_left(w); /* written to a pipe: its length came late */
            end = wh_win_offset(w) + n;
        }
        if (w->bad || !wh_win_skip(w, n)) {
            return SCAN_WALK_BROKEN;
        }
        if ((n & 1) && wh_win_left(w) > 0 && !wh_win_skip(w, 1)) {
            return SCAN_WALK_BROKEN;
        }
        first = false;
    }
    return first || wh_win_offset(w) < end ? SCAN_WALK_BROKEN : SCAN_WALK_ENDS;
}

/* ---- Ogg ---- */

enum { OGG_FIRST = 2, OGG_FLAGS = 7, OGG_SEGMENTS = 255 };

/* What the first page of a stream says that it carries. */
static bool ogg_codec(const uint8_t p[8])
{
    static const char *const names[] = {"\x01vorbis", "\x80theora", "\177FLAC",
                                        "OpusHead",   "Speex   ",   "fishead"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (memcmp(p, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Mark, version 0, flags, 20 bytes, the lengths of up to 255 segments, these.
 * *first: it begins a stream, as those before it did. */
static bool ogg_page(struct wh_win *w, bool *first)
{
    uint8_t mark[4], lengths[OGG_SEGMENTS], name[8];
    bool ok = wh_win_copy(w, mark, 4) && memcmp(mark, "OggS", 4) == 0 &&
              wh_win_u8(w) == 0;
    uint8_t flags = wh_win_u8(w);
    uint64_t body = 0;

    ok = ok && flags <= OGG_FLAGS && wh_win_skip(w, 20);
    size_t n = wh_win_u8(w);
    if (!ok || !wh_win_copy(w, lengths, n)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        body += lengths[i];
    }
    if (!(flags & OGG_FIRST)) {
        *first = false;
        return wh_win_skip(w, body);
    }
    return *first && body >= sizeof name && wh_win_copy(w, name, sizeof name) &&
           ogg_codec(name) && wh_win_skip(w, body - sizeof name);
}

enum scan_walk scan_walk_ogg(struct wh_win *w)
{
    bool first = true;
    size_t pages = 0;

    while (wh_win_left(w) > 0) {
        if (!ogg_page(w, &first) || (pages++ == 0 && !first)) {
            return SCAN_WALK_BROKEN;
        }
    }
    return first ? SCAN_WALK_BROKEN : SCAN_WALK_ENDS;
}

/* ---- FLAC ---- */

enum { FLAC_INFO = 34, FLAC_NO_TYPE = 127 };

/* Sizes of blocks, of frames, the rate in 20 bits. */
static bool flac_info(struct wh_win *w)
{
    uint8_t p[FLAC_INFO];

    if (!wh_win_copy(w, p, sizeof p)) {
        return false;
    }
    unsigned least = (unsigned)p[0] << 8 | p[1];
    unsigned most = (unsigned)p[2] << 8 | p[3];
    unsigned rate =
        (unsigned)p[10] << 12 | (unsigned)p[11] << 4 | (unsigned)p[12] >> 4;
    return least >= 16 && least <= most && rate > 0;
}

/* The mark, blocks of which the first describes the sound, and where the last
 * ends a frame begins: fourteen bits of sync, one of zero. */
enum scan_walk scan_walk_flac(struct wh_win *w)
{
    bool first = true;
    uint32_t head;

    w->swap = true;
    if (!wh_win_skip(w, 4)) {
        return SCAN_WALK_BROKEN;
    }
    do {
        head = wh_win_u32(w);
        uint32_t type = head >> 24 & 0x7f, n = head & 0xffffff;
        bool info = type == 0 && n == FLAC_INFO;
        if (w->bad || type == FLAC_NO_TYPE || first != (type == 0) ||
            (first ? !info || !flac_info(w) : !wh_win_skip(w, n))) {
            return SCAN_WALK_BROKEN;
        }
        first = false;
    } while (head >> 31 == 0);
    return wh_win_u8(w) == 0xff && (wh_win_u8(w) & 0xfe) == 0xf8 && !w->bad
               ? SCAN_WALK_SEEN
               : SCAN_WALK_BROKEN;
}

/* ---- documents and tables: their directory stands at the end ---- */

/* The last n bytes, n <= cap; the whole file where it is shorter. */
static struct wh_str last(struct wh_win *w, uint8_t *buf, size_t cap)
{
    uint64_t left = wh_win_left(w);
    size_t n = left < cap ? (size_t)left : cap;
    if (!wh_win_skip(w, left - n) || !wh_win_copy(w, buf, n)) {
        return WH_S("");
    }
    return wh_str_mem(buf, n);
}

static size_t find_last(struct wh_str s, const char *what)
{
    size_t n = strlen(what);
    for (size_t i = s.n >= n ? s.n - n + 1 : 0; i-- > 0;) {
        if (memcmp(s.p + i, what, n) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

/* "startxref", a place inside the file, "%%EOF". */
enum scan_walk scan_walk_pdf(struct wh_win *w)
{
    uint8_t buf[2048];
    uint64_t size = wh_win_left(w), place = 0;
    struct wh_str s = last(w, buf, sizeof buf);
    size_t end = find_last(s, "%%EOF"), at = find_last(s, "startxref");

    if (end == SIZE_MAX || at == SIZE_MAX || at > end) {
        return SCAN_WALK_BROKEN;
    }
    struct wh_str number = wh_str_trim(wh_str_sub(s, at + 9, end - at - 9));
    for (size_t i = 0; i < number.n; i++) {
        if (number.p[i] < '0' || number.p[i] > '9' || place > size) {
            return SCAN_WALK_BROKEN;
        }
        place = place * 10 + (uint64_t)(number.p[i] - '0');
    }
    return number.n > 0 && place < size ? SCAN_WALK_SEEN : SCAN_WALK_BROKEN;
}

/* The footer's length and the mark end the file; the footer is a Thrift
 * structure (compact) whose first field is a 32-bit version. */
enum scan_walk scan_walk_parquet(struct wh_win *w)
{
    uint64_t size = wh_win_left(w);

    if (size < 4 + 1 + 8 || !wh_win_skip(w, size - 8)) {
        return SCAN_WALK_BROKEN;
    }
    uint64_t n = wh_win_u32(w);
    struct wh_win f;
    if (n == 0 || n > size - 12) {
        return SCAN_WALK_BROKEN;
    }
    wh_win_init(&f, w->src, size - 8 - n, size - 8, w->err);
    bool thrift = wh_win_u8(&f) == 0x15;
    w->failed = w->failed || f.failed;
    wh_win_done(&f);
    uint8_t mark[4];
    return thrift && wh_win_copy(w, mark, 4) && memcmp(mark, "PAR1", 4) == 0
               ? SCAN_WALK_SEEN
               : SCAN_WALK_BROKEN;
}

/* "ARROW1", padding, a message with its continuation mark, ..., the footer's
 * length, "ARROW1". */
enum scan_walk scan_walk_arrow(struct wh_win *w)
{
    uint64_t size = wh_win_left(w);
    uint8_t mark[6];

    if (size < 8 + 8 + 10 || !wh_win_skip(w, 8) ||
        wh_win_u32(w) != UINT32_MAX || wh_win_u32(w) > size ||
        !wh_win_skip(w, size - 16 - 10)) {
        return SCAN_WALK_BROKEN;
    }
    uint64_t n = wh_win_u32(w);
    return n >= 8 && n <= size - 18 && wh_win_copy(w, mark, 6) &&
                   memcmp(mark, "ARROW1", 6) == 0
               ? SCAN_WALK_SEEN
               : SCAN_WALK_BROKEN;
}
