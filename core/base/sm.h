/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/sm.h - state machines whose table of allowed moves can be checked by eye.
 *
 * static const struct sm_state states[] = {
 *     [GATE_OPEN]    = { "open",    SM_CAN(GATE_GRANTED) | SM_CAN(GATE_DENIED) },
 *     [GATE_GRANTED] = { "granted", 0 },
 * };
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

struct sm_state {
    const char *name;
    uint32_t can; /* bit n: may move to state n */
};

#define SM_CAN(state) (UINT32_C(1) << (state))

static inline bool sm_can(const struct sm_state *states, int from, int to)
{
    return (states[from].can & SM_CAN(to)) != 0;
}

/* Moves *state; a move that is not in the table is a bug of ours and stops the process. */
static inline void sm_move(const struct sm_state *states, int *state, int to)
{
    assert(sm_can(states, *state, to));
    *state = to;
}
