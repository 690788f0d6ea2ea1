/*
 * out.c - building an answer in memory.
 */
#include "net/out.h"

#include "base/file.h"
#include "base/mem.h"
#include "net/live.h"

#define MAX_LINES 65536 /* bytes of header lines of one answer */

static const struct {
    int status;
    const char *text;
} texts[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

struct net_out *net_out_new(int status, size_t max_body)
{
    wh_assert(status >= 200 && status <= 599);
    struct net_out *o = wh_alloc(sizeof *o);
    o->status = status;
    o->fd = -1;
    wh_buf_init(&o->lines, MAX_LINES);
    wh_buf_init(&o->body, max_body);
    return o;
}

void net_out_free(struct net_out **o)
{
    if (*o == NULL) {
        return;
    }
    if ((*o)->live != NULL) {
        (*o)->live->never((*o)->live_ctx);
    }
    wh_fd_close(&(*o)->fd);
    wh_buf_done(&(*o)->lines);
    wh_buf_done(&(*o)->body);
    wh_free(*o);
    *o = NULL;
}

void net_out_line(struct net_out *o, const char *name, struct wh_str value)
{
    wh_buf_cstr(&o->lines, name);
    wh_buf_cstr(&o->lines, ": ");
    size_t at = o->lines.n;
    wh_buf_add(&o->lines, value);
    for (size_t i = at; i < o->lines.n; i++) {
        unsigned char c = (unsigned char)o->lines.p[i];
        if (c < 0x20 || c == 0x7f) {
            o->lines.p[i] = ' ';
        }
    }
    wh_buf_cstr(&o->lines, "\r\n");
}

void net_out_fault(struct net_out *o, const struct net_conf *conf,
                   const struct net_req *r, struct net_fault fault)
{
    const char *type = "application/json";
    struct wh_str message = wh_str_of(fault.message);
    if (conf->fault != NULL) {
        conf->fault(conf->app, r, fault, &o->body, &type);
    } else {
        wh_buf_cstr(&o->body, "{\"error\":");
        wh_buf_json(&o->body, message);
        wh_buf_cstr(&o->body, "}\n");
    }
    net_out_line(o, "Content-Type", wh_str_of(type));
    net_out_line(o, "X-Error-Message", message);
    if (fault.status == 503) {
        net_out_line(o, "Retry-After", WH_S("5"));
    }
}

const char *net_status_text(int status)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].status == status) {
            return texts[i].text;
        }
    }
    return "Status";
}

bool net_status_has_body(int status)
{
    return status != 204 && status != 304;
}
