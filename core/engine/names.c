/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <stddef.h>

static const char *const row_names[] = {
    [ROW_BORN] = "born",         [ROW_PLAYBOOK] = "playbook",
    [ROW_START] = "start",       [ROW_ANSWER] = "answer",
    [ROW_INTENT] = "intent",     [ROW_OUTCOME] = "outcome",
    [ROW_PROGRESS] = "progress", [ROW_GATE] = "gate",
    [ROW_VOTE] = "vote",         [ROW_GATE_END] = "gate_end",
    [ROW_SLEEP] = "sleep",       [ROW_WAIT] = "wait",
    [ROW_CHILD] = "child",       [ROW_DRIFT] = "drift",
    [ROW_DOUBT] = "doubt",       [ROW_SETTLE] = "settle",
    [ROW_CANCEL] = "cancel",     [ROW_END] = "end",
    [ROW_HALT] = "halt",         [ROW_HOLD_SEEN] = "hold_seen",
    [ROW_LEAVE] = "leave",       [ROW_KEEP] = "keep",
    [ROW_REMIND] = "remind",     [ROW_ESCALATE] = "escalate",
    [ROW_KEY] = "key",           [ROW_BREAK_GLASS] = "break_glass",
    [ROW_REVIEW] = "review",     [ROW_ONCE] = "once",
    [ROW_CURSOR] = "cursor",     [ROW_ACCOUNT] = "account",
    [ROW_RECORD] = "record",     [ROW_NOTICE] = "notice",
    [ROW_TOKEN] = "token",       [ROW_DELIVERY] = "delivery",
    [ROW_ALERT] = "alert",       [ROW_ALERT_NOTE] = "alert_note",
};

static const char *const run_names[] = {
    [RUN_RUNNING] = "running",   [RUN_WAITING] = "waiting",   [RUN_STUCK] = "stuck",
    [RUN_DONE] = "done",         [RUN_FAILED] = "failed",     [RUN_DENIED] = "denied",
    [RUN_CANCELED] = "canceled", [RUN_DIVERGED] = "diverged", [RUN_BLOCKED] = "blocked",
};

static const int run_exits[] = {
    [RUN_RUNNING] = 3,  [RUN_WAITING] = 3,  [RUN_STUCK] = 5,
    [RUN_DONE] = 0,     [RUN_FAILED] = 1,   [RUN_DENIED] = 4,
    [RUN_CANCELED] = 1, [RUN_DIVERGED] = 5, [RUN_BLOCKED] = 6,
};

static const char *const gate_names[] = {
    [GATE_OPEN] = "open",       [GATE_GRANTED] = "granted", [GATE_DENIED] = "denied",
    [GATE_EXPIRED] = "expired", [GATE_VOID] = "void",
};

static const char *const glass_names[] = {
    [GLASS_UNREVIEWED] = "unreviewed",
    [GLASS_REVIEWED] = "reviewed",
    [GLASS_REJECTED] = "rejected",
};

#define NAME(table, i)                                                              \
    ((i) > 0 && (size_t)(i) < sizeof(table) / sizeof *(table) && (table)[i] != NULL \
         ? (table)[i]                                                               \
         : "unknown")

const char *row_kind_name(int kind)
{
    return NAME(row_names, kind);
}

const char *run_state_name(int state)
{
    return NAME(run_names, state);
}

const char *gate_state_name(int state)
{
    return NAME(gate_names, state);
}

const char *glass_state_name(int state)
{
    return NAME(glass_names, state);
}

int run_state_exit(int state)
{
    if (state <= 0 || (size_t)state >= sizeof run_exits / sizeof *run_exits)
        return 1;
    return run_exits[state];
}
