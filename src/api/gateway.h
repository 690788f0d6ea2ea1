/*
 * gateway.h - what front asks of the gateway's rows (front/house.h).
 * Owner: nothing is kept.
 * Never: called by anything but front.
 */
#ifndef WH_API_GATEWAY_H
#define WH_API_GATEWAY_H

#include "front/request.h"

/* Fill q->key with the key of this text; as gateway_keys_find. */
bool api_gateway_enter(struct front_req *q, struct wh_str text,
                       struct wh_err *err);
/* Answer it on the loop, if that can not block; else false. */
bool api_gateway_quick(struct front_req *q, struct wh_str text);
/* Answer a failure in OpenAI's form. */
void api_gateway_fail(struct front_req *q, const struct wh_err *err);

#endif
