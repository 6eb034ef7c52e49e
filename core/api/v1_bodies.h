/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/v1_bodies.h - what bodies and queries may hold: checked against, and documented with.
 */
#pragma once

#include "api/v1.h"

extern const char body_start[], body_rollback[], body_nothing[], body_reason[],
    body_needs_reason[], body_settle[], body_signal[], body_release[], body_glass[],
    body_review[], body_vote[], body_answer[], body_halt[], body_check[], body_test[],
    body_policy_test[];

extern const char body_sign_in[], body_sign_in_again[], body_token[];
extern const struct query query_runs[], query_gates[], query_holds[], query_events[];
