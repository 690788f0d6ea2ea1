/*
 * parse.c - llhttp, without any of its lenient flags, behind a small interface,
 * plus the checks it leaves to its caller. A request that two readers could
 * understand differently is refused and its connection closed: everything that
 * follows it on the connection may be part of an attack.
 */
#include "net/parse.h"

/* Chunk heads, extensions and trailers may cost this much, and this many bytes
 * for each byte of body (a sender of one-byte chunks needs six). */
#define AROUND_FREE 16384
#define AROUND_PER_BYTE 8

struct reason {
    llhttp_errno_t code;
    struct net_fault fault;
};

static const struct reason reasons[] = {
    {HPE_INVALID_METHOD, {501, "this method is not served here"}},
    {HPE_INVALID_URL, {400, "malformed request target"}},
    {HPE_INVALID_VERSION, {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"}},
    {HPE_INVALID_CONSTANT, {400, "malformed request line"}},
    {HPE_INVALID_HEADER_TOKEN, {400, "malformed header line"}},
    {HPE_UNEXPECTED_SPACE, {400, "blank where none may be"}},
    {HPE_LF_EXPECTED, {400, "malformed line end"}},
    {HPE_CR_EXPECTED, {400, "malformed line end"}},
    {HPE_INVALID_CONTENT_LENGTH, {400, "malformed Content-Length"}},
    {HPE_UNEXPECTED_CONTENT_LENGTH, {400, "more than one body length"}},
    {HPE_INVALID_TRANSFER_ENCODING, {400, "malformed Transfer-Encoding"}},
    {HPE_INVALID_CHUNK_SIZE, {400, "malformed chunk size"}},
    {HPE_STRICT, {400, "malformed chunk"}},
    {HPE_INVALID_EOF_STATE, {400, "the message broke off"}},
};

static const struct {
    const char *name;
    llhttp_method_t code;
} methods[NET_METHOD_COUNT] = {
    [NET_GET] = {"GET", HTTP_GET},
    [NET_HEAD] = {"HEAD", HTTP_HEAD},
    [NET_POST] = {"POST", HTTP_POST},
    [NET_PUT] = {"PUT", HTTP_PUT},
    [NET_PATCH] = {"PATCH", HTTP_PATCH},
    [NET_DELETE] = {"DELETE", HTTP_DELETE},
    [NET_OPTIONS] = {"OPTIONS", HTTP_OPTIONS},
};

static bool refuse(struct net_parser *p, int status, const char *message)
{
    if (p->fault.status == 0) {
        p->fault = (struct net_fault){status, message};
    }
    return false;
}

static bool refuse_long(struct net_parser *p)
{
    return p->head->count == 0
               ? refuse(p, 414, "the request target is too long")
               : refuse(p, 431, "the header lines are too long or too many");
}

static struct net_fault reason_of(llhttp_errno_t code)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].code == code) {
            return reasons[i].fault;
        }
    }
    return (struct net_fault){400, "malformed request"};
}

static bool no_controls(struct wh_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c <= 0x20 || c >= 0x7f || c == '#') {
            return false;
        }
    }
    return true;
}

/* Only "chunked", once, and only from an HTTP/1.1 peer: any other coding could
 * be framed differently by a proxy before us. */
static bool check_coding(struct net_parser *p)
{
    size_t count = 0;
    struct wh_str te = net_head_find(p->head, "transfer-encoding", &count);
    if (count == 0) {
        return true;
    }
    if (p->http10) {
        return refuse(p, 400, "Transfer-Encoding in HTTP/1.0");
    }
    if (count > 1 || !wh_str_ieq(te, WH_S("chunked"))) {
        return refuse(p, 501, "this Transfer-Encoding is not served here");
    }
    return true;
}

static bool check_host(struct net_parser *p)
{
    size_t count = 0;
    (void)net_head_find(p->head, "host", &count);
    if (count > 1) {
        return refuse(p, 400, "more than one Host header");
    }
    if (count == 0 && !p->http10) {
        return refuse(p, 400, "the Host header is missing");
    }
    return true;
}

static bool check_expect(struct net_parser *p)
{
    size_t count = 0;
    struct wh_str e = net_head_find(p->head, "expect", &count);
    if (count == 0) {
        return true;
    }
    if (count > 1 || !wh_str_ieq(e, WH_S("100-continue"))) {
        return refuse(p, 417, "this expectation can not be met");
    }
    p->expect_continue = !p->http10;
    return true;
}

static bool set_method(struct net_parser *p)
{
    for (size_t i = 0; i < NET_METHOD_COUNT; i++) {
        if (methods[i].code == (llhttp_method_t)p->ll.method) {
            p->method = (enum net_method)i;
            return true;
        }
    }
    return refuse(p, 501, "this method is not served here");
}

static bool check_request(struct net_parser *p)
{
    if (!no_controls(net_head_target(p->head))) {
        return refuse(p, 400, "malformed request target");
    }
    return set_method(p) && check_host(p) && check_coding(p) && check_expect(p);
}

static void set_length(struct net_parser *p)
{
    if (p->ll.flags & F_CHUNKED) {
        p->length = NET_CHUNKED;
    } else if (p->ll.flags & F_CONTENT_LENGTH) {
        p->length = p->ll.content_length;
    } else {
        p->length = p->ll.type == HTTP_RESPONSE ? NET_CHUNKED : 0;
    }
}

/* Responses that have no body, whatever their head says (RFC 9112, 6.3). */
static bool never_body(const struct net_parser *p)
{
    return p->ll.type == HTTP_RESPONSE &&
           (p->status / 100 == 1 || p->status == 204 || p->status == 304);
}

/* --- llhttp's callbacks -------------------------------------------------- */

static int verdict(struct net_parser *p, bool good)
{
    return good || (p->head->too_long && refuse_long(p)) ? HPE_OK : HPE_USER;
}

static int on_url(llhttp_t *ll, const char *at, size_t n)
{
    struct net_parser *p = ll->data;
    return verdict(p, net_head_add_target(p->head, at, n));
}

static int on_field(llhttp_t *ll, const char *at, size_t n)
{
    struct net_parser *p = ll->data;
    /* after the head these are trailers, which nobody reads */
    return p->in_head ? verdict(p, net_head_add_name(p->head, at, n)) : HPE_OK;
}

static int on_field_end(llhttp_t *ll)
{
    struct net_parser *p = ll->data;
    if (!p->in_head) {
        return HPE_OK;
    }
    if (verdict(p, net_head_end_name(p->head)) != HPE_OK) {
        return -1;
    }
    if (p->head->no_name) {
        refuse(p, 400, "a header line without a name");
        return -1;
    }
    return HPE_OK;
}

static int on_value(llhttp_t *ll, const char *at, size_t n)
{
    struct net_parser *p = ll->data;
    return p->in_head ? verdict(p, net_head_add_value(p->head, at, n)) : HPE_OK;
}

static int on_head(llhttp_t *ll)
{
    struct net_parser *p = ll->data;
    p->http10 = ll->http_major == 1 && ll->http_minor == 0;
    p->status = ll->status_code;
    if (ll->http_major != 1 || ll->http_minor > 1) {
        refuse(p, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
        return -1;
    }
    if (ll->type == HTTP_REQUEST && !check_request(p)) {
        return -1;
    }
    if (ll->type == HTTP_RESPONSE && p->status == 101) {
        refuse(p, 502, "a change of protocol that nobody asked for");
        return -1;
    }
    /* "Upgrade" is an offer, and we never take it (RFC 9110, 7.8). */
    ll->upgrade = 0;
    set_length(p);
    p->in_head = false;
    if (p->no_body || never_body(p)) {
        return 1; /* llhttp: this message has no body */
    }
    /* stop before a body; without one the message ends at once */
    return p->length == 0 ? HPE_OK : HPE_PAUSED;
}

static int on_body(llhttp_t *ll, const char *at, size_t n)
{
    struct net_parser *p = ll->data;
    p->body_n += n;
    p->body(p->ctx, at, n);
    return HPE_OK;
}

static int on_done(llhttp_t *ll)
{
    struct net_parser *p = ll->data;
    p->complete = true;
    /* only here is llhttp's answer right */
    p->keep_alive = llhttp_should_keep_alive(ll) == 1;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_field_complete = on_field_end,
    .on_header_value = on_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_done,
};

/* --- public -------------------------------------------------------------- */

const char *net_method_name(enum net_method m)
{
    return m < NET_METHOD_COUNT ? methods[m].name : "?";
}

void net_parser_init(struct net_parser *p, enum net_side side, size_t max_head,
                     void (*body)(void *ctx, const char *p, size_t n),
                     void *ctx)
{
    *p = (struct net_parser){.max_head = max_head, .body = body, .ctx = ctx};
    llhttp_init(&p->ll, side == NET_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE,
                &settings);
    p->ll.data = p;
}

void net_parser_begin(struct net_parser *p, struct net_head *head)
{
    llhttp_reset(&p->ll);
    p->head = head;
    p->fault = (struct net_fault){0};
    p->length = p->body_n = p->around_n = 0;
    p->head_n = 0;
    p->in_head = true;
    p->complete = p->keep_alive = p->expect_continue = p->http10 = false;
}

/* Bytes that carry neither names nor values (blanks before a value, line ends,
 * chunk extensions) are bounded too. */
static bool count_bytes(struct net_parser *p, bool was_head, uint64_t used,
                        uint64_t body)
{
    if (was_head) {
        p->head_n += used - body;
        return p->head_n <= p->max_head ||
               refuse(p, 431, "the head of the request is too long");
    }
    p->around_n += used - body;
    return p->around_n <= AROUND_FREE + AROUND_PER_BYTE * p->body_n ||
           refuse(p, 400, "too much framing around the body");
}

enum net_event net_parser_feed(struct net_parser *p, const char *data, size_t n,
                               size_t *used)
{
    wh_assert(n > 0 && p->head != NULL && !p->complete);
    bool was_head = p->in_head;
    uint64_t body_before = p->body_n;
    llhttp_errno_t code = llhttp_execute(&p->ll, data, n);
    *used = n;
    if (code == HPE_PAUSED) {
        *used = (size_t)(llhttp_get_error_pos(&p->ll) - data);
        llhttp_resume(&p->ll);
    } else if (code != HPE_OK) {
        struct net_fault fault = reason_of(code);
        refuse(p, fault.status, fault.message);
        return NET_EV_BAD;
    }
    if (!count_bytes(p, was_head, *used, p->body_n - body_before)) {
        return NET_EV_BAD;
    }
    if (was_head && !p->in_head) {
        return NET_EV_HEAD;
    }
    return p->complete ? NET_EV_DONE : NET_EV_MORE;
}

enum net_event net_parser_eof(struct net_parser *p)
{
    llhttp_errno_t code = llhttp_finish(&p->ll);
    if (code == HPE_OK || code == HPE_PAUSED) {
        if (p->complete) {
            return NET_EV_DONE;
        }
    }
    refuse(p, 400, "the message broke off");
    return NET_EV_BAD;
}

static bool host_char(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

static bool port_ok(struct wh_str s)
{
    uint64_t port = 0;
    return s.n == 0 || (wh_str_u64(s, &port) && port <= UINT16_MAX);
}

static bool literal_ok(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (!hex && c != ':' && c != '.') {
            return false;
        }
    }
    return n > 0;
}

bool net_host_split(struct wh_str s, char *out, size_t *out_n)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    if (s.n > 0 && s.p[0] == '[') {
        size_t end = wh_str_find(s, ']');
        if (end == SIZE_MAX || !literal_ok(out + 1, end - 1)) {
            return false;
        }
        *out_n = end + 1;
        struct wh_str rest = wh_str_sub(s, end + 1, s.n);
        return rest.n == 0 ||
               (rest.p[0] == ':' && port_ok(wh_str_sub(rest, 1, rest.n)));
    }
    size_t colon = wh_str_find(s, ':');
    size_t n = colon == SIZE_MAX ? s.n : colon;
    for (size_t i = 0; i < n; i++) {
        if (!host_char((unsigned char)out[i])) {
            return false;
        }
    }
    *out_n = n;
    return colon == SIZE_MAX || port_ok(wh_str_sub(s, colon + 1, s.n));
}
