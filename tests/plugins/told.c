/* SPDX-License-Identifier: Apache-2.0 */
/*
 * told.c - tells more than the state: tags, how many there are, whose it is, what is own.
 *
 * told.set tells all of it. told.old is a plugin from before there was more to tell: its
 * observation is shorter, and what lies behind it in memory is not for the host. told.bad has
 * tags that are none. told.args has the arguments that it was given for its target. The target
 * of told.notes chooses what the observation and the plan say for approvers.
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
                                       .tenant = "tenant-1",
                                       .within = "[ \"/a/b\", \"/a\" ]",
                                       .subscription = "sub-1",
                                       .unplaced = "" };

    if (strcmp(seen.target, "lost") == 0)
        seen.within = seen.subscription = NULL, seen.unplaced = "no list names it";
    if (strcmp(seen.target, "half") == 0)
        seen.partly = "{ \"planned\": [\"a\"], \"before\": [\"b\", \"c\"] }";
    if (strcmp(seen.target, "quarter") == 0)
        seen.partly = "{\"planned\":[],\"before\":[\"b\"]}";
    if (strcmp(seen.target, "huge") == 0) {
        size_t len = 8 * 1024 * 1024;
        char *state = fixture_host->alloc(call, len + 16);
        memset(state, 'x', len);
        memcpy(state, "{\"on\":\"", 7);
        memcpy(state + len, "\"}", 3);
        seen.state = state;
    }
    if (strcmp(seen.target, "uncounted") == 0)
        seen.exists = 0, seen.uncounted = "the list cannot be read";
    if (strcmp(seen.target, "object") == 0)
        seen.within = "{}";
    if (strcmp(seen.target, "nine") == 0)
        seen.within = "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"]";
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

/* What is said of a target of that name. */
static const struct words {
    const char *target, *state, *notes, *cannot, *code, *plan_notes, *plan_cannot;
} words[] = {
    { "note", STATE, "[\"seen\"]", NULL, NULL, "[\"planned\"]", NULL },
    { "full", STATE, NULL, "there is no room", "NoRoom", NULL, NULL },
    { "plain", STATE, NULL, "there is no room", NULL, NULL, NULL },
    { "both", STATE, NULL, "it is seen", "Seen", NULL, "it is planned" },
    { "plan", STATE, NULL, NULL, NULL, NULL, "it is planned" },
    { "same", "{\"on\":true}", "[\"seen\"]", "there is no room", "NoRoom", NULL, NULL },
    { "empty", STATE, "[]", "", "", NULL, NULL },
    { "object", STATE, "{}", NULL, NULL, NULL, NULL },
    { "number", STATE, "[1]", NULL, NULL, NULL, NULL },
    { "broken", STATE, "[\"", NULL, NULL, NULL, NULL },
    { "many", STATE, "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]", NULL, NULL, NULL,
      NULL },
};

static const struct words *words_of(struct cordon_call *call, const struct cordon_input *in)
{
    const char *target = fixture_get(call, in->args, "target");

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].target, target) == 0)
            return &words[i];
    return NULL;
}

static int on_observe_notes(struct cordon_call *call, const struct cordon_input *in)
{
    const struct words *said = words_of(call, in);
    struct cordon_result gone = { .size = sizeof gone,
                                  .status = CORDON_REFUSED,
                                  .code = "NotFound",
                                  .message = "there is no such target",
                                  .gone = 1 };

    if (said == NULL) {
        fixture_host->finish(call, &gone);
        return 0;
    }
    struct cordon_observation seen = { .size = sizeof seen,
                                       .target = said->target,
                                       .state = said->state,
                                       .notes = said->notes,
                                       .cannot = said->cannot,
                                       .cannot_code = said->code };
    finish(call, &seen);
    return 0;
}

static int on_plan_notes(struct cordon_call *call, const struct cordon_input *in,
                         struct cordon_plan *out)
{
    const struct words *said = words_of(call, in);

    out->after = "{\"on\":true}";
    out->what = "switch it on";
    out->notes = said->plan_notes;
    out->cannot = said->plan_cannot;
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

#define ACTION(word, function, planned)                                             \
    {                                                                               \
        .size = sizeof(struct cordon_action), .name = "told." word,                 \
        .summary = "Switch something on", .effect = CORDON_REVERTS,                 \
        .repeat = CORDON_OBSERVABLE, .risk = CORDON_LOW,                            \
        .permissions = fixture_no_permissions, .timeout_ms = 9000,                  \
        .args_schema = FIXTURE_TARGET_SCHEMA, .observe = function, .plan = planned, \
        .apply = on_change, .restore = on_change,                                   \
    }

static const struct cordon_action set = ACTION("set", on_observe, on_plan);
static const struct cordon_action old = ACTION("old", on_observe_old, on_plan);
static const struct cordon_action bad = ACTION("bad", on_observe_bad, on_plan);
static const struct cordon_action args = ACTION("args", on_observe_args, on_plan);
static const struct cordon_action notes = ACTION("notes", on_observe_notes, on_plan_notes);
static const struct cordon_action *const actions[] = {
    &set, &old, &bad, &args, &notes, NULL
};

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "told",
    .version = "1.0.0",
    .summary = "Tells more than the state, for tests",
    .actions = actions,
    .open = fixture_open,
};
