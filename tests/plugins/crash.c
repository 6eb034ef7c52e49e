/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash.c - dies of a bad pointer in the function that the argument names: "observe", "plan",
 * "apply", "restore", "later" (in a timer of apply) or, with anything else, in none.
 */
#include "fixture.h"

#define WHERE_SCHEMA                                                      \
    "{\"type\":\"object\",\"properties\":{\"in\":{\"type\":\"string\"}}," \
    "\"required\":[\"in\"],\"additionalProperties\":false}"

static char *volatile nowhere;

static void crash_if(struct cordon_call *call, const struct cordon_input *in,
                     const char *here)
{
    if (strcmp(fixture_get(call, in->args, "in"), here) == 0)
        *nowhere = 1;
}

static int on_observe(struct cordon_call *call, const struct cordon_input *in)
{
    crash_if(call, in, "observe");
    fixture_finish_state(call, "the-one", "{\"on\":true}");
    return 0;
}

static int on_plan(struct cordon_call *call, const struct cordon_input *in,
                   struct cordon_plan *out)
{
    crash_if(call, in, "plan");
    out->after = "{\"on\":false}";
    out->what = "switch it off";
    out->undo = "switch it on";
    return 0;
}

static void on_later(struct cordon_call *call, void *arg)
{
    (void)call;
    (void)arg;
    *nowhere = 1;
}

static int on_apply(struct cordon_call *call, const struct cordon_input *in)
{
    crash_if(call, in, "apply");
    if (strcmp(fixture_get(call, in->args, "in"), "later") == 0)
        return fixture_host->after(call, 20, on_later, NULL);
    fixture_finish(call, CORDON_DONE, NULL, NULL);
    return 0;
}

static int on_restore(struct cordon_call *call, const struct cordon_input *in)
{
    crash_if(call, in, "restore");
    fixture_finish(call, CORDON_DONE, NULL, NULL);
    return 0;
}

static const struct cordon_action now = {
    .size = sizeof now,
    .name = "crash.now",
    .summary = "Crash where the argument says",
    .effect = CORDON_REVERTS,
    .repeat = CORDON_OBSERVABLE,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 5000,
    .args_schema = WHERE_SCHEMA,
    .observe = on_observe,
    .plan = on_plan,
    .apply = on_apply,
    .restore = on_restore,
};

static const struct cordon_action *const actions[] = { &now, NULL };

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "crash",
    .version = "1.0.0",
    .summary = "Crashes, for tests",
    .actions = actions,
    .open = fixture_open,
};
