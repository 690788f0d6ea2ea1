/*
 * Fuzz target of base/enc.h: whatever a decoder accepts is the one spelling
 * of its bytes (decode, encode, and the text is back).
 */
#include "base/buf.h"
#include "base/enc.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hex(struct wh_str s, unsigned char *out)
{
    if (wh_hex_dec(s, out, s.n / 2, false)) {
        char *text = wh_alloc(s.n + 1);
        wh_hex_enc(out, s.n / 2, text);
        wh_assert(wh_str_is(s, text));
        wh_free(text);
    }
}

static void base64(struct wh_str s, unsigned char *out)
{
    struct wh_buf b;
    size_t n;
    wh_buf_init(&b, s.n + 4);
    if (wh_base64_dec(s, out, s.n, &n)) {
        wh_buf_base64(&b, out, n);
        wh_assert(wh_str_eq(wh_buf_str(&b), s));
    }
    wh_buf_reset(&b);
    if (wh_base64url_dec(s, out, s.n, &n)) {
        wh_buf_base64url(&b, out, n);
        wh_assert(wh_str_eq(wh_buf_str(&b), s));
    }
    wh_buf_done(&b);
}

/* Percent escapes have several spellings; what was decoded survives being
 * written and read again. */
static void percent(struct wh_str s, unsigned char *out)
{
    struct wh_buf b;
    size_t n;
    if (!wh_url_dec(s, false, (char *)out, &n)) {
        return;
    }
    wh_assert(n <= s.n);
    wh_buf_init(&b, n * 3 + 1);
    wh_buf_url(&b, wh_str_mem(out, n));
    char *again = wh_alloc(b.n + 1);
    size_t again_n;
    wh_assert(wh_url_dec(wh_buf_str(&b), true, again, &again_n));
    wh_assert(wh_str_eq(wh_str_mem(again, again_n), wh_str_mem(out, n)));
    wh_free(again);
    wh_buf_done(&b);
}

static void times(struct wh_str s)
{
    int64_t us;
    int64_t again;
    if (wh_time_parse(s, &us)) {
        char text[WH_TIME_TEXT];
        wh_time_text(us, text);
        wh_assert(wh_time_parse(wh_str_of(text), &again));
        wh_assert(again <= us && us - again < 1000);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_str s = wh_str_mem(data, size);
    unsigned char *out = wh_alloc(size);
    hex(s, out);
    base64(s, out);
    percent(s, out);
    times(s);
    wh_free(out);
    return 0;
}
