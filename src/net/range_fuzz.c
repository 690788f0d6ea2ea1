/*
 * range_fuzz.c - eight bytes of size, then a Range header.
 */
#include "net/range.h"

#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t total = 0;
    struct net_range r;
    char text[NET_RANGE_TEXT];
    if (size < 8) {
        return 0;
    }
    for (size_t i = 0; i < 8; i++) {
        total = total << 8 | data[i];
    }
    if (net_range_parse(wh_str_mem(data + 8, size - 8), total, &r) ==
        NET_RANGE_PART) {
        wh_assert(r.len > 0 && r.len <= total && r.off <= total - r.len);
        net_range_text(&r, total, text);
    }
    return 0;
}
