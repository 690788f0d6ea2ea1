/*
 * operate.h - what an operator asks of a running house.
 * Owner: answers live in the request's arena.
 * Never: tells it to anybody but an operator (the routes see to it).
 */
#ifndef WH_FRONT_OPERATE_H
#define WH_FRONT_OPERATE_H

#include "front/doctor.h"
#include "front/request.h"

/* The report of `weighhouse doctor` as front can make it: what it saw before it
 * locked itself in, and what can be asked now. */
json_t *front_operate_doctor(struct front_req *q);

#endif
