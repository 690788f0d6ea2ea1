/* Fuzz target: any body of the commit route, in two pieces. */
#include "hub/ops.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wh_arena a;
    struct hub_ops o;
    struct wh_err err = {0};
    struct wh_str body = wh_str_mem(data, size);
    size_t cut = size ? data[0] % size : 0;

    wh_arena_init(&a, 4 << 20);
    hub_ops_init(&o, &a);
    if (hub_ops_feed(&o, wh_str_sub(body, 0, cut), &err) &&
        hub_ops_feed(&o, wh_str_sub(body, cut, size), &err) &&
        hub_ops_end(&o, &err)) {
        wh_assert(o.has_header);
        for (size_t i = 0; i < o.n; i++) {
            wh_assert(hub_path_ok(o.list[i].path));
        }
    }
    hub_ops_done(&o);
    wh_arena_done(&a);
    return 0;
}
