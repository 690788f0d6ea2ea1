/*
 * parse_fuzz.c - the first byte chooses request or response and how the rest is
 * cut; the rest is fed twice, whole and in pieces. Both must give the same
 * heads, the same body bytes and the same end.
 */
#include "net/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_HEAD 4096

struct record {
    struct wh_buf text; /* everything that was understood */
    bool bad;
};

static void on_body(void *ctx, const char *p, size_t n)
{
    struct record *r = ctx;
    wh_buf_mem(&r->text, p, n);
}

static void note_head(struct record *r, const struct net_parser *p,
                      const struct net_head *h)
{
    struct wh_str name, value;
    wh_buf_fmt(&r->text, "\n[%d %d %llu] ", (int)p->method, p->status,
               (unsigned long long)p->length);
    wh_buf_add(&r->text, net_head_target(h));
    for (size_t i = 0; net_head_at(h, i, &name, &value); i++) {
        wh_assert(name.n > 0 && wh_str_find(value, '\n') == SIZE_MAX &&
                  wh_str_find(value, '\0') == SIZE_MAX);
        wh_buf_add(&r->text, name);
        wh_buf_char(&r->text, '=');
        wh_buf_add(&r->text, value);
    }
    wh_buf_char(&r->text, '\n');
}

static void play(struct record *r, enum net_side side, const char *p, size_t n,
                 size_t piece)
{
    struct net_parser parser;
    struct net_head head;
    char host[MAX_HEAD];
    size_t host_n;
    net_parser_init(&parser, side, MAX_HEAD, on_body, r);
    net_head_init(&head, MAX_HEAD, 32, 1000);
    net_parser_begin(&parser, &head);
    while (n > 0) {
        size_t part = n < piece ? n : piece, used = 0;
        enum net_event ev = net_parser_feed(&parser, p, part, &used);
        if (ev == NET_EV_BAD) {
            wh_assert(parser.fault.status >= 400);
            r->bad = true;
            break;
        }
        wh_assert(used <= part);
        p += used;
        n -= used;
        if (ev == NET_EV_HEAD) {
            note_head(r, &parser, &head);
            (void)net_host_split(net_head_find(&head, "host", NULL), host,
                                 &host_n);
        }
        if (parser.complete) {
            wh_buf_fmt(&r->text, "\n[end %d]\n", parser.keep_alive);
            net_head_done(&head);
            net_head_init(&head, MAX_HEAD, 32, 1000);
            net_parser_begin(&parser, &head);
        } else {
            wh_assert(used == part || ev == NET_EV_HEAD);
        }
    }
    if (!r->bad) {
        (void)net_parser_eof(&parser);
    }
    net_head_done(&head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record a = {.bad = false}, b = {.bad = false};
    if (size < 2 || size > 16384) {
        return 0;
    }
    enum net_side side = (data[0] & 1) != 0 ? NET_RESPONSE : NET_REQUEST;
    const char *p = (const char *)data + 1;
    wh_buf_init(&a.text, 1 << 22);
    wh_buf_init(&b.text, 1 << 22);
    play(&a, side, p, size - 1, size - 1);
    play(&b, side, p, size - 1, (size_t)(data[0] >> 1) + 1);
    /* heads over the ceiling may be refused a little earlier or later, by up to
     * one read; everything else must agree */
    if (size < MAX_HEAD) {
        wh_assert(a.bad == b.bad);
        wh_assert(wh_str_eq(wh_buf_str(&a.text), wh_buf_str(&b.text)));
    }
    wh_buf_done(&a.text);
    wh_buf_done(&b.text);
    return 0;
}
