/* SPDX-License-Identifier: Apache-2.0 */
/* never.c - takes calls on and never finishes them. */
#include "fixture.h"

static int on_read(struct cordon_call *call, const struct cordon_input *in)
{
    (void)call;
    (void)in;
    return 0;
}

static const struct cordon_action action = {
    .size = sizeof action,
    .name = "never.now",
    .summary = "Never finishes",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 9000,
    .args_schema = FIXTURE_EMPTY_SCHEMA,
    .result_schema = "{\"type\":\"object\"}",
    .read = on_read,
};

static int on_observe(struct cordon_call *call, const struct cordon_input *in)
{
    (void)in;
    fixture_finish_state(call, "the-one", "{\"on\":true}");
    return 0;
}

static int on_plan(struct cordon_call *call, const struct cordon_input *in,
                   struct cordon_plan *out)
{
    (void)call;
    (void)in;
    out->after = "{\"on\":false}";
    out->what = "switch it off";
    return 0;
}

static const struct cordon_action set = {
    .size = sizeof set,
    .name = "never.set",
    .summary = "Never ends",
    .effect = CORDON_PERMANENT,
    .permanent_because = "it never ends",
    .repeat = CORDON_BLIND,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 9000,
    .args_schema = FIXTURE_EMPTY_SCHEMA,
    .observe = on_observe,
    .plan = on_plan,
    .apply = on_read,
};

static const struct cordon_action *const actions[] = { &action, &set, NULL };

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "never",
    .version = "1.0.0",
    .summary = "Never finishes, for tests",
    .actions = actions,
    .open = fixture_open,
};
