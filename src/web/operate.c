/*
 * operate.c - how the house is run: for those who run it, and for everybody.
 */
#include "front/operate.h"
#include "front/custody.h"
#include "web/handlers.h"
#include "web/page.h"

bool web_on_custody(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Custody"), ""), *o;

    if (!front_custody(q, &o, err)) {
        return false;
    }
    json_object_set(page, "custody", o);
    return web_page_send(q, 200, "custody", page, err);
}

bool web_on_doctor(struct front_req *q, struct wh_err *err)
{
    json_t *page = web_page(q, WH_S("Doctor"), "");

    json_object_set(page, "doctor", front_operate_doctor(q));
    return web_page_send(q, 200, "doctor", page, err);
}
