/*
 * operate.c - the doctor's report of a running house.
 */
#include "front/operate.h"

bool front_operate_doctor(struct front_req *q, json_t **out, struct wh_err *err)
{
    const struct front_house *h = q->house;
    struct register_status log;
    struct front_doctor at = {
        .conf = h->conf, .data = h->data_dir, .inside = true};

    if (q->who.token.role != STORE_ROLE_ADMIN) {
        return wh_fail(err, WH_FORBIDDEN,
                       "that takes credentials of the role admin");
    }
    register_status_get(h->log, &log);
    at.vkey = log.vkey;
    *out = front_doctor_join(q->a, h->doctor,
                             front_doctor_run(q->a, &at, FRONT_DOCTOR_NOW));
    return true;
}
