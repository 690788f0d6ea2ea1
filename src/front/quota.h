/*
 * quota.h - how much one account, and one stranger's address, may take of the
 * house: settings quota.*.
 * Owner: front_quota_new .. front_quota_free, by front; places are given back
 * with the request.
 * Never: refuses without saying which quota, how much of it is used, and who
 * can change it.
 */
#ifndef WH_FRONT_QUOTA_H
#define WH_FRONT_QUOTA_H

#include "front/bucket.h"
#include "front/request.h"

struct front_quota;

/* Whose settings apply; they outlive it. */
struct front_quota *front_quota_new(const struct conf *conf);
/* No request may be left. Nulls the pointer; null is fine. */
void front_quota_free(struct front_quota **q);

/* A request of who has not signed in: WH_RATE_LIMITED when its address has used
 * up its minute; q->rate says what is left. Requests of this host count only if
 * the settings say so. */
bool front_quota_stranger(struct front_req *q, struct wh_err *err) WH_CHECK;
/* A signature of an approver came: WH_RATE_LIMITED when its address has used up
 * its minute, whoever is signed in. Looking at one is work for the writer. */
bool front_quota_signature(struct front_req *q, struct wh_err *err) WH_CHECK;
/* May the namespace of the repo hold `bytes` more, and `account` send them
 * today? WH_FORBIDDEN. */
bool front_quota_room(struct front_req *q, int64_t owner, int64_t account,
                      uint64_t bytes, struct wh_err *err) WH_CHECK;
/* The same for an upload that begins now with this request. It takes a place
 * among the account's uploads at a time (WH_RATE_LIMITED) until the request
 * ends. */
bool front_quota_upload(struct front_req *q, int64_t owner, int64_t account,
                        uint64_t bytes, struct wh_err *err) WH_CHECK;
/* The same, by the number of the repo that it is for. WH_REPO_NOT_FOUND where
 * that was deleted. */
bool front_quota_upload_to(struct front_req *q, int64_t repo, int64_t account,
                           uint64_t bytes, struct wh_err *err) WH_CHECK;
/* So many bytes have arrived. */
void front_quota_sent(struct front_req *q, int64_t account, uint64_t bytes);
/* May one more revision of this namespace wait to be weighed?
 * WH_RATE_LIMITED. */
bool front_quota_weighing(struct front_req *q, int64_t owner,
                          struct wh_err *err) WH_CHECK;

#endif
