/*
 * floor.h - what no line, no roster and no approver can change: the numbers
 * behind "the house is bound too".
 * Owner: constants only.
 * Never: read from a setting.
 */
#ifndef WH_RULE_FLOOR_H
#define WH_RULE_FLOOR_H

#include <stdint.h>

#define RULE_DAY_S INT64_C(86400)

/* Affiliations that agree, at least, before anything opens above the line. */
#define RULE_QUORUM_MIN 2
/* Between the quorum and an opening that can not be taken back. A roster of
 * DEMO approvers alone may wait a second. */
#define RULE_COOLING_MIN_S RULE_DAY_S
#define RULE_COOLING_DEMO_S 1
#define RULE_COOLING_MAX_S (30 * RULE_DAY_S)
/* A closing by one approver ends by itself, and does not come back soon. */
#define RULE_EMERGENCY_S (72 * INT64_C(3600))
#define RULE_EMERGENCY_AGAIN_S (180 * RULE_DAY_S)
/* A hold by approvers: how long, how often renewed for one subject. The last
 * renewal needs an outside seat. */
#define RULE_HOLD_MAX_S (180 * RULE_DAY_S)
#define RULE_RENEWALS_MAX 3
/* A tier between held and open is looked at again. */
#define RULE_GRANT_MAX_S (180 * RULE_DAY_S)
/* A statement may be used so long after it was made. */
#define RULE_STATEMENT_LIFE_S (60 * RULE_DAY_S)
/* An appeal is answered within this time. */
#define RULE_ANSWER_S (30 * RULE_DAY_S)

#endif
