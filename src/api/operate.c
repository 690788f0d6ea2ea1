/*
 * operate.c - for those who run the house.
 */
#include "front/operate.h"
#include "api/handlers.h"
#include "front/answer.h"

bool api_doctor(struct front_req *q, struct wh_err *err)
{
    json_t *report;

    if (!front_operate_doctor(q, &report, err)) {
        return false;
    }
    front_answer_json(q->net, 200, report);
    return true;
}
