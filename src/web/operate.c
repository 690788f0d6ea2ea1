/*
 * operate.c - pages for those who run the house.
 */
#include "front/operate.h"
#include "web/handlers.h"
#include "web/page.h"

bool web_on_doctor(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Doctor"), "");

    json_object_set(page, "doctor", front_operate_doctor(q));
    return web_page_send(q, 200, "doctor", page, err);
}
