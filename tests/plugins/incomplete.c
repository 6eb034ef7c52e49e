/* SPDX-License-Identifier: Apache-2.0 */
/* incomplete.c - an action that reads, and does not say what its result is. */
#include "fixture.h"

static int on_read(struct cordon_call *call, const struct cordon_input *in)
{
    (void)in;
    fixture_finish_json(call, "{}");
    return 0;
}

static const struct cordon_action action = {
    .size = sizeof action,
    .name = "incomplete.now",
    .summary = "Incomplete",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 9000,
    .args_schema = FIXTURE_EMPTY_SCHEMA,
    .read = on_read,
};

static const struct cordon_action *const actions[] = { &action, NULL };

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "incomplete",
    .version = "1.0.0",
    .summary = "Incomplete, for tests",
    .actions = actions,
    .open = fixture_open,
};
