/*
 * fetch.c - libcurl's easy interface behind limits.
 */
#include "net/fetch.h"
#include "base/mem.h"
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest token that is sent. */
#define TOKEN_MAX 512

struct net_fetch {
    CURL *curl;
};

/* One body on its way in. */
struct body {
    struct wh_buf *out;
    size_t before, max;
    bool over;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin(void)
{
    CURLcode r = curl_global_init(CURL_GLOBAL_DEFAULT);
    wh_assert(r == CURLE_OK);
}

static size_t take(char *p, size_t size, size_t n, void *ctx)
{
    struct body *b = ctx;
    size_t bytes = size * n; /* size is 1, says libcurl */
    if (bytes > b->max - (b->out->n - b->before)) {
        b->over = true;
        return 0;
    }
    wh_buf_mem(b->out, p, bytes);
    return b->out->over ? 0 : bytes;
}

struct net_fetch *net_fetch_new(void)
{
    struct net_fetch *f = wh_alloc(sizeof *f);
    pthread_once(&once, begin);
    f->curl = curl_easy_init();
    wh_assert(f->curl != NULL);
    return f;
}

void net_fetch_free(struct net_fetch **f)
{
    if (!f || !*f) {
        return;
    }
    curl_easy_cleanup((*f)->curl);
    wh_free(*f);
    *f = NULL;
}

/* All options that do not depend on the request. Connections outlive reset. */
static bool prepare(CURL *c)
{
    curl_easy_reset(c);
    const char *authorities = getenv("SSL_CERT_FILE");

    /* as the tools around OpenSSL do: a house may have a CA of its own */
    if (authorities && authorities[0] &&
        curl_easy_setopt(c, CURLOPT_CAINFO, authorities) != CURLE_OK) {
        return false;
    }
    return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") ==
               CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
                            (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_NOPROXY, "localhost,127.0.0.1,::1") ==
               CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_USERAGENT, "weighhouse") == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take) == CURLE_OK;
}

static bool failed(CURLcode r, const struct body *b, struct wh_err *err)
{
    if (b->over) {
        return wh_fail(err, WH_TOO_LARGE, "the answer is larger than allowed");
    }
    if (b->out->over) {
        return wh_buf_ok(b->out, err);
    }
    if (r == CURLE_OPERATION_TIMEDOUT) {
        return wh_fail(err, WH_TIMEOUT, "the server did not answer in time");
    }
    return wh_fail(err, WH_OUTSIDE, "the server could not be reached: %s",
                   curl_easy_strerror(r));
}

static bool status_ok(int status, struct wh_err *err)
{
    switch (status) {
    case 200:
        return true;
    case 404:
        return wh_fail(err, WH_NOT_FOUND, "the server has no such file");
    case 429:
    case 503:
        return wh_fail(err, WH_UNAVAILABLE,
                       "the server asks to come back later (%d)", status);
    default:
        return wh_fail(err, WH_OUTSIDE, "the server answered with status %d",
                       status);
    }
}

/* ---- headers of a call ---- */

/* Printable ASCII without blanks: what may stand in a header. */
static bool token_ok(const char *token)
{
    for (const char *p = token; *p; p++) {
        if (*p <= ' ' || *p > '~') {
            return false;
        }
    }
    return token[0] != '\0' && strlen(token) <= TOKEN_MAX;
}

static bool add_header(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*list, text);

    if (longer) {
        *list = longer;
    }
    return longer != NULL;
}

static bool call_headers(const struct net_fetch_call *call,
                         struct curl_slist **list, struct wh_err *err)
{
    char text[TOKEN_MAX + 32];

    *list = NULL;
    if (call->token) {
        if (!token_ok(call->token)) {
            return wh_fail(err, WH_USAGE, "the token is not one");
        }
        snprintf(text, sizeof text, "Authorization: Bearer %s", call->token);
    }
    if ((call->token && !add_header(list, text)) ||
        !add_header(list, "Expect:") ||
        (call->json.n > 0 &&
         !add_header(list, "Content-Type: application/json"))) {
        return wh_fail(err, WH_NOMEM, "");
    }
    return true;
}

static bool set_call(CURL *c, const struct net_fetch_call *call,
                     struct curl_slist *headers, struct body *b)
{
    return prepare(c) &&
           curl_easy_setopt(c, CURLOPT_URL, call->url) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms) ==
               CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_WRITEDATA, b) == CURLE_OK &&
           curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
           (call->json.n == 0 ||
            (curl_easy_setopt(c, CURLOPT_POSTFIELDS, call->json.p) ==
                 CURLE_OK &&
             curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE,
                              (curl_off_t)call->json.n) == CURLE_OK)) &&
           curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, call->method) == CURLE_OK;
}

bool net_fetch_do(struct net_fetch *f, const struct net_fetch_call *call,
                  struct wh_buf *out, int *status, struct wh_err *err)
{
    struct body b = {.out = out, .before = out->n, .max = call->max};
    struct curl_slist *headers;
    long code = 0;
    CURLcode r;
    bool ok;

    if (!call_headers(call, &headers, err)) {
        curl_slist_free_all(headers);
        return false;
    }
    if (set_call(f->curl, call, headers, &b)) {
        r = curl_easy_perform(f->curl);
        curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &code);
        ok = r == CURLE_OK || failed(r, &b, err);
    } else {
        ok = wh_fail(err, WH_INTERNAL, "libcurl refused an option");
    }
    curl_slist_free_all(headers);
    if (!ok) {
        out->n = b.before;
        out->over = false;
        return false;
    }
    *status = (int)code;
    return true;
}

bool net_fetch_get(struct net_fetch *f, const char *url, size_t max,
                   int64_t timeout_ms, struct wh_buf *out, struct wh_err *err)
{
    struct net_fetch_call call = {
        .method = "GET", .url = url, .max = max, .timeout_ms = timeout_ms};

    size_t before = out->n;
    int status;

    if (!net_fetch_do(f, &call, out, &status, err)) {
        return false;
    }
    if (!status_ok(status, err)) {
        out->n = before;
        return false;
    }
    return true;
}
