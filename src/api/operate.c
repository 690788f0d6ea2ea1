/*
 * operate.c - for those who run the house.
 */
#include "front/operate.h"
#include "api/handlers.h"
#include "front/answer.h"
#include "front/custody.h"
#include "front/metrics.h"

#define METRICS_MAX ((size_t)4 << 20)

bool api_custody(struct front_req *q, struct wh_err *err)
{
    json_t *o;

    if (!front_custody(q, &o, err)) {
        return false;
    }
    front_answer_json(q->net, 200, o);
    return true;
}

bool api_doctor(struct front_req *q, struct wh_err *err)
{
    (void)err;
    front_answer_json(q->net, 200, front_operate_doctor(q));
    return true;
}

/* Is the house well? For load balancers and supervisors: no secrets, no work.
 */
bool api_healthz(struct front_req *q, struct wh_err *err)
{
    struct register_status log;
    bool well;

    (void)err;
    register_status_get(q->house->log, &log);
    well = !log.halted && !log.stalled;
    front_answer_json(q->net, well ? 200 : 503,
                      wh_json_own(q->a, json_pack("{s:s}", "status",
                                                  well ? "ok" : "unwell")));
    return true;
}

bool api_metrics(struct front_req *q, struct wh_err *err)
{
    struct wh_buf b;
    bool ok;

    wh_buf_init(&b, METRICS_MAX);
    front_metrics_write(q->house, &b);
    ok = wh_buf_ok(&b, err);
    if (ok) {
        net_answer(q->net, 200);
        net_answer_header(q->net, "Content-Type",
                          WH_S("application/openmetrics-text; version=1.0.0; "
                               "charset=utf-8"));
        net_answer_header(q->net, "Cache-Control", WH_S("no-store"));
        net_answer_bytes(q->net, wh_buf_str(&b));
        net_answer_send(q->net);
    }
    wh_buf_done(&b);
    return ok;
}
