/* SPDX-License-Identifier: Apache-2.0 */
/*
 * told.c - tells more than the state: tags, how many there are, whose it is, what is own.
 *
 * told.set tells all of it. told.old is a plugin from before there was more to tell: its
 * observation is shorter, and what lies behind it in memory is not for the host. told.bad has
 * tags that are none. told.args has the arguments that it was given for its target.
 */
#include "fixture.h"

#include <stddef.h>

#define STATE "{\"on\":false}"

static void finish(struct cordon_call *call, const struct cordon_observation *seen)
{
    struct cordon_result result = { .size = sizeof result,
                                    .status = CORDON_DONE,
                                    .observation = seen };

    fixture_host->finish(call, &result);
}

static int on_observe(struct cordon_call *call, const struct cordon_input *in)
{
    struct cordon_observation seen = { .size = sizeof seen,
                                       .target = fixture_get(call, in->args, "target"),
                                       .state = STATE,
                                       .tags = "{ \"site\": \"a\", \"env\": \"prod\" }",
                                       .exists = 12,
                                       .tenant = "tenant-1" };

    finish(call, &seen);
    return 0;
}

static int on_observe_old(struct cordon_call *call, const struct cordon_input *in)
{
    struct cordon_observation seen = {
        .size = offsetof(struct cordon_observation, tags),
        .target = fixture_get(call, in->args, "target"),
        .state = STATE,
        .tags = (const char *)1, /* whoever reads this falls over it */
        .exists = 99,
        .tenant = (const char *)1,
    };

    finish(call, &seen);
    return 0;
}

static int on_observe_bad(struct cordon_call *call, const struct cordon_input *in)
{
    struct cordon_observation seen = { .size = sizeof seen,
                                       .target = fixture_get(call, in->args, "target"),
                                       .state = STATE,
                                       .tags = "[\"env\"]" };

    finish(call, &seen);
    return 0;
}

static int on_observe_args(struct cordon_call *call, const struct cordon_input *in)
{
    struct cordon_observation seen = { .size = sizeof seen,
                                       .target = in->args,
                                       .state = STATE };

    finish(call, &seen);
    return 0;
}

static int on_plan(struct cordon_call *call, const struct cordon_input *in,
                   struct cordon_plan *out)
{
    out->after = "{\"on\":true}";
    out->what = "switch it on";
    if (out->size >= offsetof(struct cordon_plan, own) + sizeof out->own &&
        strcmp(fixture_get(call, in->args, "target"), "mine") == 0)
        out->own = "it is the vault that our own secret comes from";
    return 0;
}

static int on_change(struct cordon_call *call, const struct cordon_input *in)
{
    (void)in;
    fixture_finish(call, CORDON_DONE, NULL, NULL);
    return 0;
}

#define ACTION(word, function)                                                      \
    {                                                                               \
        .size = sizeof(struct cordon_action), .name = "told." word,                 \
        .summary = "Switch something on", .effect = CORDON_REVERTS,                 \
        .repeat = CORDON_OBSERVABLE, .risk = CORDON_LOW,                            \
        .permissions = fixture_no_permissions, .timeout_ms = 9000,                  \
        .args_schema = FIXTURE_TARGET_SCHEMA, .observe = function, .plan = on_plan, \
        .apply = on_change, .restore = on_change,                                   \
    }

static const struct cordon_action set = ACTION("set", on_observe);
static const struct cordon_action old = ACTION("old", on_observe_old);
static const struct cordon_action bad = ACTION("bad", on_observe_bad);
static const struct cordon_action args = ACTION("args", on_observe_args);
static const struct cordon_action *const actions[] = { &set, &old, &bad, &args, NULL };

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "told",
    .version = "1.0.0",
    .summary = "Tells more than the state, for tests",
    .actions = actions,
    .open = fixture_open,
};
