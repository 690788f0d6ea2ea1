/*
 * operate.c - the doctor's report of a running house.
 */
#include "front/operate.h"

json_t *front_operate_doctor(struct front_req *q)
{
    const struct front_house *h = q->house;
    struct register_status log;
    struct front_doctor at = {
        .conf = h->conf, .data = h->data_dir, .inside = true};

    register_status_get(h->log, &log);
    at.vkey = log.vkey;
    return front_doctor_join(q->a, h->doctor,
                             front_doctor_run(q->a, &at, FRONT_DOCTOR_NOW));
}
