/* SPDX-License-Identifier: Apache-2.0 */
/*
 * garbage.c - answers what makes no sense, in the way that the argument "kind" names.
 */
#include "fixture.h"

#define KIND_SCHEMA                                                         \
    "{\"type\":\"object\",\"properties\":{\"kind\":{\"type\":\"string\"}}," \
    "\"required\":[\"kind\"],\"additionalProperties\":false}"

static int is(struct cordon_call *call, const struct cordon_input *in, const char *kind)
{
    return strcmp(fixture_get(call, in->args, "kind"), kind) == 0;
}

static int on_read(struct cordon_call *call, const struct cordon_input *in)
{
    if (is(call, in, "spaces"))
        fixture_finish_json(call, " { \"n\" : 1.0 , \"a\" : \"\\u0041\" } ");
    else if (is(call, in, "twice-a-key"))
        fixture_finish_json(call, "{\"n\":1,\"n\":2}");
    else if (is(call, in, "schema"))
        fixture_finish_json(call, "{\"n\":\"one\"}");
    else if (is(call, in, "nothing"))
        fixture_finish_json(call, NULL);
    else if (is(call, in, "status"))
        fixture_finish(call, (enum cordon_status)17, NULL, NULL);
    else if (is(call, in, "in-doubt"))
        fixture_finish(call, CORDON_UNKNOWN, "Hm", "a read that does not know");
    else if (is(call, in, "refuse"))
        return fixture_host->fail(call, "NotToday", "it is %s", "Sunday"), 1;
    else
        return 1;
    return 0;
}

static int on_observe(struct cordon_call *call, const struct cordon_input *in)
{
    if (is(call, in, "state"))
        fixture_finish_state(call, "the-one", "[1]");
    else if (is(call, in, "target"))
        fixture_finish_state(call, "", "{}");
    else if (is(call, in, "observation"))
        fixture_finish(call, CORDON_DONE, NULL, NULL);
    else
        fixture_finish_state(call, "the-one", "{ \"b\" : 2, \"a\" : 1 }");
    return 0;
}

static int on_plan(struct cordon_call *call, const struct cordon_input *in,
                   struct cordon_plan *out)
{
    out->after = is(call, in, "plan") ? "{" : "{ \"b\": 3, \"a\": 1 }";
    out->what = is(call, in, "what") ? NULL : "count on";
    out->undo = "count back";
    if (is(call, in, "wait"))
        return fixture_host->after(call, 1, NULL, NULL);
    return 0;
}

static int on_apply(struct cordon_call *call, const struct cordon_input *in)
{
    if (is(call, in, "both")) {
        fixture_finish(call, CORDON_DONE, NULL, NULL);
        return 1;
    }
    if (is(call, in, "status"))
        fixture_finish(call, (enum cordon_status) - 1, NULL, NULL);
    else
        fixture_finish_json(call, is(call, in, "result") ? "nonsense" : "{\"n\":1}");
    return 0;
}

static const struct cordon_action look = {
    .size = sizeof look,
    .name = "garbage.look",
    .summary = "Answer nonsense",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 5000,
    .args_schema = KIND_SCHEMA,
    .result_schema = "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}},"
                     "\"required\":[\"n\"]}",
    .read = on_read,
};

static const struct cordon_action set = {
    .size = sizeof set,
    .name = "garbage.set",
    .summary = "Do nonsense",
    .effect = CORDON_PERMANENT,
    .permanent_because = "nobody knows what it did",
    .repeat = CORDON_BLIND,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .settle_ms = 200,
    .timeout_ms = 5000,
    .args_schema = KIND_SCHEMA,
    .result_schema = "{\"type\":\"object\"}",
    .observe = on_observe,
    .plan = on_plan,
    .apply = on_apply,
};

static const struct cordon_action *const actions[] = { &look, &set, NULL };

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "garbage",
    .version = "1.0.0",
    .summary = "Talks nonsense, for tests",
    .actions = actions,
    .open = fixture_open,
};
