/*
 * answer.c - hub-shaped answers. Clients choose their exception by
 * X-Error-Code and print X-Error-Message, so both stand on every refusal.
 */
#include "front/answer.h"
#include "base/log.h"

/* What pages of other origins may read of an answer (as HF sends it). */
#define EXPOSED                                                              \
    "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count," \
    "ETag,Link,Accept-Ranges,Content-Range,X-Linked-Size,X-Linked-ETag,"     \
    "X-Xet-Hash"

void front_answer_cors(struct net_req *r)
{
    net_answer_header(r, "Access-Control-Allow-Origin", WH_S("*"));
    net_answer_header(r, "Access-Control-Expose-Headers", WH_S(EXPOSED));
}

void front_answer_json_body(struct net_req *r, const json_t *v)
{
    struct wh_buf b;

    wh_buf_init(&b, (size_t)64 << 20);
    wh_json_write(&b, v, false);
    net_answer_header(r, "Content-Type",
                      WH_S("application/json; charset=utf-8"));
    net_answer_header(r, "X-Content-Type-Options", WH_S("nosniff"));
    front_answer_cors(r);
    net_answer_bytes(r, wh_buf_str(&b));
    wh_buf_done(&b);
    net_answer_send(r);
}

void front_answer_json(struct net_req *r, int status, const json_t *v)
{
    net_answer(r, status);
    front_answer_json_body(r, v);
}

void front_answer_text(struct net_req *r, int status, const char *type,
                       struct wh_str text)
{
    net_answer(r, status);
    net_answer_header(r, "Content-Type", wh_str_of(type));
    net_answer_header(r, "X-Content-Type-Options", WH_S("nosniff"));
    front_answer_cors(r);
    net_answer_bytes(r, text);
    net_answer_send(r);
}

/* Headers are read as Latin-1 by clients: other bytes become '?', and what does
 * not fit is cut at a blank. */
static void header_text(const char *msg, char out[FRONT_ERROR_HEADER_MAX + 1])
{
    size_t n = 0;

    for (; n < FRONT_ERROR_HEADER_MAX && msg[n]; n++) {
        unsigned char c = (unsigned char)msg[n];
        out[n] = c < 0x20 || c > 0x7e ? '?' : (char)c;
    }
    out[n] = 0;
}

/* As HF has them; the clients wait for `t` when `r` is 0. */
static void rate_headers(struct net_req *r, const struct front_rate *rate)
{
    net_answer_headerf(r, "RateLimit", "\"api\";r=%llu;t=%llu",
                       (unsigned long long)rate->left,
                       (unsigned long long)rate->seconds);
    net_answer_headerf(r, "RateLimit-Policy",
                       "\"fixed window\";\"api\";q=%llu;w=60",
                       (unsigned long long)rate->limit);
}

static void error_headers(struct net_req *r, int status,
                          const struct wh_err_row *row,
                          const struct wh_err *err,
                          const struct front_rate *rate)
{
    char text[FRONT_ERROR_HEADER_MAX + 1];

    header_text(err->msg, text);
    net_answer_header(r, "X-Error-Message", wh_str_of(text));
    if (err->code == WH_HELD || err->code == WH_WEIGHING) {
        /* `hf` has its own words for GatedRepo; warnings are printed as sent */
        net_answer_headerf(r, "X-HF-Warning", "held; %s", text);
    }
    if (row->hub_code[0]) {
        net_answer_header(r, "X-Error-Code", wh_str_of(row->hub_code));
    }
    if (status == 401) {
        net_answer_header(
            r, "WWW-Authenticate",
            WH_S("Basic realm=\"Weighhouse\", charset=\"UTF-8\""));
    }
    if (status == 429 && rate && rate->limit > 0) {
        net_answer_headerf(r, "Retry-After", "%llu",
                           (unsigned long long)rate->seconds);
    } else if (status == 503 || status == 429 || status == 507 ||
               err->code == WH_WEIGHING) {
        net_answer_header(r, "Retry-After", WH_S("5"));
    }
    net_answer_header(r, "Cache-Control", WH_S("no-store"));
}

void front_answer_error(struct net_req *r, int status, const struct wh_err *err,
                        const char *commit_hex, const struct front_rate *rate)
{
    const struct wh_err_row *row = wh_err_row(err->code);
    json_t *body = json_object();

    if (row->http >= 500) {
        wh_log_err(WH_ERROR, "request.failed", err);
    }
    json_object_set_new(body, "error", wh_json_str(wh_str_of(err->msg)));
    net_answer(r, status);
    error_headers(r, status, row, err, rate);
    if (commit_hex) {
        net_answer_header(r, "X-Repo-Commit", wh_str_of(commit_hex));
    }
    if (rate && rate->limit > 0) {
        rate_headers(r, rate);
    }
    front_answer_json_body(r, body);
    json_decref(body);
}
