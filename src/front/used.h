/*
 * used.h - the day a token was last used: noted once a day, behind the request.
 * Owner: the process.
 * Never: makes a request wait; keeps more than the day.
 */
#ifndef WH_FRONT_USED_H
#define WH_FRONT_USED_H

#include "front/house.h"
#include "store/auth.h"

/* This token is being used. Any thread. Best effort: a day that could not be
 * written is tried again with a later request. */
void front_used_note(struct front_house *house, const struct store_token *t);

#endif
