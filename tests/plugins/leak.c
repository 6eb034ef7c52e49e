/* SPDX-License-Identifier: Apache-2.0 */
/* leak.c - takes memory until there is none, and touches it. */
#include "fixture.h"

static void *volatile kept;

static int on_read(struct cordon_call *call, const struct cordon_input *in)
{
    size_t mib = strtoul(fixture_get(call, in->args, "mib"), NULL, 10);

    for (size_t i = 0; i < mib; i++) {
        char *block = malloc(1024 * 1024);
        if (!block) {
            fixture_finish_json(call, "{\"ended\":\"no memory\"}");
            return 0;
        }
        memset(block, (int)i, 1024 * 1024);
        memcpy(block, (void *)&kept, sizeof kept);
        kept = block;
    }
    fixture_finish_json(call, "{\"ended\":\"enough\"}");
    return 0;
}

static const struct cordon_action action = {
    .size = sizeof action,
    .name = "leak.now",
    .summary = "Leaks",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 9000,
    .args_schema = "{\"type\":\"object\",\"properties\":{\"mib\":{\"type\":\"integer\"}},"
                   "\"required\":[\"mib\"],\"additionalProperties\":false}",
    .result_schema = "{\"type\":\"object\"}",
    .read = on_read,
};

static const struct cordon_action *const actions[] = { &action, NULL };

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "leak",
    .version = "1.0.0",
    .summary = "Leaks, for tests",
    .actions = actions,
    .open = fixture_open,
};
