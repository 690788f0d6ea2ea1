/*
 * fetch.c - libcurl's easy interface behind limits.
 */
#include "net/fetch.h"
#include "base/mem.h"
#include <curl/curl.h>
#include <pthread.h>

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

static bool status_ok(long status, struct wh_err *err)
{
    switch (status) {
    case 200:
        return true;
    case 404:
        return wh_fail(err, WH_NOT_FOUND, "the server has no such file");
    case 429:
    case 503:
        return wh_fail(err, WH_UNAVAILABLE,
                       "the server asks to come back later (%ld)", status);
    default:
        return wh_fail(err, WH_OUTSIDE, "the server answered with status %ld",
                       status);
    }
}

bool net_fetch_get(struct net_fetch *f, const char *url, size_t max,
                   int64_t timeout_ms, struct wh_buf *out, struct wh_err *err)
{
    struct body b = {.out = out, .before = out->n, .max = max};
    CURL *c = f->curl;
    if (!prepare(c) || curl_easy_setopt(c, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms) != CURLE_OK ||
        curl_easy_setopt(c, CURLOPT_WRITEDATA, &b) != CURLE_OK) {
        return wh_fail(err, WH_INTERNAL, "libcurl refused an option");
    }
    CURLcode r = curl_easy_perform(c);
    long status = 0;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    bool ok = r == CURLE_OK ? status_ok(status, err) : failed(r, &b, err);
    if (!ok) {
        out->n = b.before;
        out->over = false;
    }
    return ok;
}
