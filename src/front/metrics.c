/*
 * metrics.c - counting requests by route, and writing all figures down. A row
 * of the route tables has a block of counters: one for each status, a
 * histogram, and sums.
 */
#include "front/metrics.h"
#include "base/count.h"
#include "base/time.h"
#include "net/live.h"
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

/* ---- blocks of counters ---- */

/* Any other status counts as the last of its hundred. */
static const int STATUSES[] = {200, 201, 204, 206, 299, 303, 304, 399, 400,
                               401, 403, 404, 408, 409, 412, 413, 416, 422,
                               429, 499, 500, 503, 507, 599, 0};
#define NSTATUS (sizeof STATUSES / sizeof *STATUSES)

/* Upper bounds in microseconds; the last bucket has none. */
static const int64_t BOUNDS[] = {1000,   2500,    5000,    10000,
                                 25000,  50000,   100000,  250000,
                                 500000, 1000000, 2500000, 10000000};
#define NBOUND (sizeof BOUNDS / sizeof *BOUNDS)

enum {
    AT_STATUS,
    AT_BUCKET = AT_STATUS + NSTATUS,
    AT_US = AT_BUCKET + NBOUND + 1,
    AT_BYTES,
    BLOCK
};

/* Block 0 is of requests that have no row. */
static size_t block_of(const struct front_house *h,
                       const struct front_route *row)
{
    size_t before = 1;

    for (size_t t = 0; row && t < h->ntables; t++) {
        const struct front_table *table = h->tables[t];
        if (row >= table->rows && row < table->rows + table->n) {
            return before + (size_t)(row - table->rows);
        }
        before += table->n;
    }
    return 0;
}

static size_t cell(size_t block, size_t at)
{
    return WH_COUNT_FIRST_FREE + block * BLOCK + at;
}

static size_t status_at(int status)
{
    for (size_t i = 0; i < NSTATUS; i++) {
        if (STATUSES[i] == status ||
            (STATUSES[i] % 100 == 99 && STATUSES[i] / 100 == status / 100)) {
            return i;
        }
    }
    return NSTATUS - 1;
}

static size_t bucket_at(int64_t us)
{
    size_t i = 0;

    while (i < NBOUND && us > BOUNDS[i]) {
        i++;
    }
    return i;
}

void front_metrics_open(struct front_house *h)
{
    size_t rows = 1;

    for (size_t t = 0; t < h->ntables; t++) {
        rows += h->tables[t]->n;
    }
    wh_assert(cell(rows, 0) <= WH_COUNT_MAX);
    h->started_us = wh_now_us();
    /* opened before the sandbox closes /proc; null: not to be had here */
    h->open_files = opendir("/proc/self/fd");
}

void front_metrics_over(void *house, const struct net_req *r, int status,
                        uint64_t bytes, int64_t us)
{
    size_t block = block_of(house, r->route);

    wh_count(cell(block, AT_STATUS + status_at(status)), 1);
    wh_count(cell(block, AT_BUCKET + bucket_at(us)), 1);
    wh_count(cell(block, AT_US), us > 0 ? (uint64_t)us : 0);
    wh_count(cell(block, AT_BYTES), bytes);
}

/* ---- text ---- */

static void family(struct wh_buf *b, const char *name, const char *type,
                   const char *help)
{
    wh_buf_fmt(b, "# TYPE weighhouse_%s %s\n# HELP weighhouse_%s %s\n", name,
               type, name, help);
}

static void gauge(struct wh_buf *b, const char *name, const char *help,
                  uint64_t v)
{
    family(b, name, "gauge", help);
    wh_buf_fmt(b, "weighhouse_%s %" PRIu64 "\n", name, v);
}

static void counter(struct wh_buf *b, const char *name, const char *help,
                    uint64_t v)
{
    family(b, name, "counter", help);
    wh_buf_fmt(b, "weighhouse_%s_total %" PRIu64 "\n", name, v);
}

/* method="GET",route="/api/..." */
static void labels(struct wh_buf *b, const struct front_route *row)
{
    wh_buf_fmt(b, "method=\"%s\",route=\"%s\"",
               row ? net_method_name(row->method) : "",
               row ? row->pattern : "");
}

typedef void each_row(struct wh_buf *b, const struct front_route *row,
                      size_t block);

/* Rows that were ever asked, and what had no row. */
static void walk(const struct front_house *h, struct wh_buf *b, each_row *fn)
{
    fn(b, NULL, 0);
    for (size_t t = 0; t < h->ntables; t++) {
        for (size_t i = 0; i < h->tables[t]->n; i++) {
            const struct front_route *row = &h->tables[t]->rows[i];
            fn(b, row, block_of(h, row));
        }
    }
}

static void put_requests(struct wh_buf *b, const struct front_route *row,
                         size_t block)
{
    for (size_t i = 0; i < NSTATUS; i++) {
        uint64_t n = wh_count_get(cell(block, AT_STATUS + i));
        if (n > 0) {
            wh_buf_cstr(b, "weighhouse_http_requests_total{");
            labels(b, row);
            /* 4xx for what has no counter of its own */
            wh_buf_fmt(b,
                       STATUSES[i] == 0          ? ",status=\"none\"} "
                       : STATUSES[i] % 100 == 99 ? ",status=\"%dxx\"} "
                                                 : ",status=\"%d\"} ",
                       STATUSES[i] % 100 == 99 ? STATUSES[i] / 100
                                               : STATUSES[i]);
            wh_buf_fmt(b, "%" PRIu64 "\n", n);
        }
    }
}

static void put_bytes(struct wh_buf *b, const struct front_route *row,
                      size_t block)
{
    uint64_t n = wh_count_get(cell(block, AT_BYTES));

    if (n > 0) {
        wh_buf_cstr(b, "weighhouse_http_answer_bytes_total{");
        labels(b, row);
        wh_buf_fmt(b, "} %" PRIu64 "\n", n);
    }
}

static void put_histogram(struct wh_buf *b, const struct front_route *row,
                          size_t block)
{
    uint64_t n[NBOUND + 1], sum = 0;

    for (size_t i = 0; i <= NBOUND; i++) {
        n[i] = wh_count_get(cell(block, AT_BUCKET + i));
        sum += n[i];
    }
    if (sum == 0) {
        return;
    }
    sum = 0;
    for (size_t i = 0; i <= NBOUND; i++) {
        sum += n[i];
        wh_buf_cstr(b, "weighhouse_http_request_seconds_bucket{");
        labels(b, row);
        if (i < NBOUND) {
            wh_buf_fmt(b, ",le=\"%g\"", (double)BOUNDS[i] / 1e6);
        } else {
            wh_buf_cstr(b, ",le=\"+Inf\"");
        }
        wh_buf_fmt(b, "} %" PRIu64 "\n", sum);
    }
    wh_buf_cstr(b, "weighhouse_http_request_seconds_count{");
    labels(b, row);
    wh_buf_fmt(b, "} %" PRIu64 "\nweighhouse_http_request_seconds_sum{", sum);
    labels(b, row);
    wh_buf_fmt(b, "} %.6f\n", (double)wh_count_get(cell(block, AT_US)) / 1e6);
}

static void put_http(const struct front_house *h, struct wh_buf *b)
{
    family(b, "http_requests", "counter",
           "Requests by row of the route table and status.");
    walk(h, b, put_requests);
    family(b, "http_answer_bytes", "counter", "Bytes of bodies answered.");
    walk(h, b, put_bytes);
    family(b, "http_request_seconds", "histogram",
           "Time from the first byte of a request to the last of its answer.");
    walk(h, b, put_histogram);
}

/* ---- what is asked of others now ---- */

static void put_net(struct front_house *h, struct wh_buf *b)
{
    struct net_stats s = net_server_stats(h->server);
    const struct conf *c = h->conf;

    gauge(b, "loops", "Threads that move bytes.", net_server_loops(h->server));
    gauge(b, "connections", "Connections open now.", s.connections);
    counter(b, "connections_accepted", "Connections taken.", s.accepted);
    counter(b, "connections_refused",
            "Connections closed at once, because there were too many.",
            s.refused);
    counter(b, "faults", "Answers given before or without a handler.",
            s.faults);
    counter(b, "bytes_received", "Bytes read from clients.", s.bytes_in);
    counter(b, "bytes_sent", "Bytes written to clients.", s.bytes_out);
    gauge(b, "requests_parked", "Requests that wait without a worker.",
          s.parked);
    gauge(b, "worker_queue", "Jobs that wait for a worker.", s.jobs_waiting);
    gauge(b, "stream_buffers", "Buffers of streams in use.", s.buffers);
    gauge(b, "body_memory_bytes", "Memory claimed by buffered bodies.",
          s.body_bytes);
    gauge(b, "body_memory_limit_bytes", "What they may claim together.",
          (uint64_t)c->limits_body_memory);
    gauge(b, "body_memory_waiting", "Requests that wait for that memory.",
          s.body_waiting);
}

static void put_house(struct front_house *h, struct wh_buf *b)
{
    struct register_status log;
    int64_t age;

    register_status_get(h->log, &log);
    age = wh_now_us() - log.published_at;
    gauge(b, "writer_queue", "Requests that wait for the database writer.",
          db_writer_depth(h->writer));
    gauge(b, "long_work_queue", "Settlings, weighings and openings that wait.",
          hub_queue_depth(h->queue));
    gauge(b, "register_size", "Entries that the published checkpoint covers.",
          log.size);
    gauge(b, "register_checkpoint_age_seconds",
          "Since the last checkpoint was published.",
          age > 0 ? (uint64_t)age / 1000000 : 0);
    gauge(b, "register_well",
          "1 unless the register is halted, stalled, or short of room.",
          !log.halted && !log.stalled && !log.low_space);
    gauge(b, "start_time_seconds", "When this process started.",
          (uint64_t)h->started_us / 1000000);
}

/* One stream of the folder is shared: the caller holds the lock. */
static void put_files(struct front_house *h, struct wh_buf *b)
{
    uint64_t n = 0;
    const struct dirent *e;

    if (!h->open_files) {
        return;
    }
    rewinddir(h->open_files);
    while ((e = readdir(h->open_files)) != NULL) {
        n += e->d_name[0] != '.';
    }
    gauge(b, "open_files", "Files and sockets that front has open.", n);
}

static void put_counts(struct wh_buf *b)
{
    for (int i = 0; i < WH_COUNT_FIRST_FREE; i++) {
        enum wh_count_id id = (enum wh_count_id)i;
        counter(b, wh_count_name(id), wh_count_help(id), wh_count_get(id));
    }
}

void front_metrics_write(struct front_house *house, struct wh_buf *out)
{
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

    put_net(house, out);
    put_house(house, out);
    pthread_mutex_lock(&one);
    put_files(house, out);
    pthread_mutex_unlock(&one);
    put_counts(out);
    put_http(house, out);
    wh_buf_cstr(out, "# EOF\n");
}

/* ---- who may read ---- */

/* A proxy on this host speaks for others; most say so. */
static bool from_here(const struct net_req *r)
{
    static const char *const forwarded[] = {"forwarded", "x-forwarded-for",
                                            "x-real-ip", "via"};
    struct wh_str peer = wh_str_of(r->peer);

    for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++) {
        if (net_req_header(r, forwarded[i]).p) {
            return false;
        }
    }
    return wh_str_starts(peer, WH_S("127.")) || wh_str_is(peer, "::1") ||
           wh_str_starts(peer, WH_S("::ffff:127."));
}

bool front_metrics_may(const struct front_req *q, struct wh_err *err)
{
    if (from_here(q->net)) {
        return true;
    }
    if (!q->signed_in) {
        return wh_fail(err, WH_AUTH_REQUIRED, "");
    }
    return q->who.token.metrics ||
           (q->who.account.is_operator &&
            q->who.token.role == STORE_ROLE_ADMIN) ||
           wh_fail(err, WH_FORBIDDEN,
                   "the metrics are read from the house's own host, or with a "
                   "token that has the scope metrics");
}
