/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twice.c - answers a call twice: at once ("at_once"), when the call is gone ("later": the one
 * before), or answers one that there never was ("wild").
 */
#include "fixture.h"

static struct cordon_call *before;
static uint64_t never_a_call[64];

static int on_read(struct cordon_call *call, const struct cordon_input *in)
{
    const char *how = fixture_get(call, in->args, "how");

    fixture_finish_json(call, "{\"answer\":1}");
    if (strcmp(how, "at_once") == 0)
        fixture_finish_json(call, "{\"answer\":2}");
    if (strcmp(how, "later") == 0 && before)
        fixture_finish_json(before, "{\"answer\":3}");
    if (strcmp(how, "wild") == 0)
        fixture_finish_json((struct cordon_call *)(void *)never_a_call, "{\"answer\":4}");
    before = call;
    return 0;
}

static const struct cordon_action action = {
    .size = sizeof action,
    .name = "twice.now",
    .summary = "Finishes twice",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 9000,
    .args_schema = "{\"type\":\"object\",\"properties\":{\"how\":{\"type\":\"string\"}},"
                   "\"required\":[\"how\"],\"additionalProperties\":false}",
    .result_schema = "{\"type\":\"object\"}",
    .read = on_read,
};

static const struct cordon_action *const actions[] = { &action, NULL };

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "twice",
    .version = "1.0.0",
    .summary = "Finishes twice, for tests",
    .actions = actions,
    .open = fixture_open,
};
