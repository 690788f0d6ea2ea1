/*
 * identity.c - who am I, and the small questions that clients ask of any hub.
 */
#include "api/handlers.h"
#include "front/answer.h"
#include "front/scopes.h"
#include "hub/head.h"
#include "hub/view.h"

static json_t *view_orgs(const struct store_membership *list, size_t n)
{
    json_t *orgs = json_array();

    for (size_t i = 0; i < n; i++) {
        const struct store_account *org = &list[i].org;
        json_array_append_new(
            orgs,
            json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", "type", "org", "id",
                      org->public_id, "name", org->name, "fullname",
                      org->fullname[0] ? org->fullname : org->name, "roleInOrg",
                      store_role_name(list[i].role), "isEnterprise", 0));
    }
    return orgs;
}

/* The clients know "read" and "write" only; more than write is write. */
static const char *client_role(enum store_role role)
{
    return role == STORE_ROLE_ADMIN ? "write" : store_role_name(role);
}

static json_t *view_auth(const struct store_token *t, json_t *scopes)
{
    json_t *token = json_object(), *auth = json_object();

    json_object_set_new(token, "displayName", json_string(t->name));
    json_object_set_new(token, "role", json_string(client_role(t->role)));
    json_object_set_new(token, "createdAt", hub_view_time(t->created));
    if (scopes) {
        json_object_set(token, "fineGrained", scopes);
    }
    json_object_set_new(auth, "type", json_string("access_token"));
    json_object_set_new(auth, "accessToken", token);
    if (t->expires) {
        json_object_set_new(auth, "expiresAt", hub_view_time(t->expires));
    }
    return auth;
}

bool api_whoami(struct front_req *q, struct wh_err *err)
{
    const struct store_account *me = &q->who.account;
    struct store_membership *orgs;
    json_t *o, *scopes = NULL;
    size_t n;

    if (!store_member_orgs(q->db, q->a, me->id, &orgs, &n, err) ||
        (q->who.token.role == STORE_ROLE_FINE &&
         !front_scopes_view(q, &q->who.token, &scopes, err))) {
        return false;
    }
    o = wh_json_own(q->a, json_pack("{s:s,s:s,s:s,s:s,s:b,s:b,s:o,s:o}", "type",
                                    me->org ? "org" : "user", "id",
                                    me->public_id, "name", me->name, "fullname",
                                    me->fullname[0] ? me->fullname : me->name,
                                    "isPro", 0, "canPay", 0, "orgs",
                                    view_orgs(orgs, n), "auth",
                                    view_auth(&q->who.token, scopes)));
    if (me->email[0]) {
        json_object_set_new(o, "email", json_string(me->email));
    }
    front_answer_json(q->net, 200, o);
    return true;
}

bool api_agent_harnesses(struct front_req *q, struct wh_err *err)
{
    (void)err;
    net_answer(q->net, 200);
    net_answer_header(q->net, "Cache-Control", WH_S("public, max-age=86400"));
    front_answer_json_body(
        q->net, wh_json_own(q->a, json_pack("{s:[],s:{}}", "standardEnvVars",
                                            "harnesses")));
    return true;
}

/* Clients count their own calls; the house keeps none of it. */
bool api_telemetry(struct front_req *q, struct wh_err *err)
{
    (void)err;
    front_answer_text(q->net, 200, "text/plain; charset=utf-8", WH_S(""));
    return true;
}

bool api_auth_check(struct front_req *q, struct wh_err *err)
{
    (void)err;
    front_answer_json(q->net, 200, wh_json_own(q->a, json_object()));
    return true;
}

bool api_validate_yaml(struct front_req *q, struct wh_err *err)
{
    struct wh_err why = {0};
    struct wh_str content;
    json_t *body, *card, *errors = wh_json_own(q->a, json_array());
    bool good;

    if (!front_req_json(q, &body, err) ||
        !wh_json_get_str(body, "content", &content, err)) {
        return false;
    }
    good = hub_card_data(q->a, content, &card, &why);
    if (!good) {
        json_array_append_new(errors, json_pack("{s:s}", "message", why.msg));
    }
    front_answer_json(q->net, good ? 200 : 400,
                      wh_json_own(q->a, json_pack("{s:O,s:[]}", "errors",
                                                  errors, "warnings")));
    return true;
}
