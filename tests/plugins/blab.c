/* SPDX-License-Identifier: Apache-2.0 */
/* blab.c - puts the secret "token" wherever a text can go. */
#include "fixture.h"

static int on_read(struct cordon_call *call, const struct cordon_input *in)
{
    const char *secret = fixture_host->secret("token");
    char *text = fixture_host->alloc(call, 512);

    if (!secret)
        return fixture_host->fail(call, "NoSecret", "no secret \"token\" is given"), 1;
    fixture_host->log(2, "the secret is %s", secret);
    if (strstr(in->args, "true")) {
        snprintf(text, 512, "the secret is %s", secret);
        fixture_finish(call, CORDON_REFUSED, secret, text);
        return 0;
    }
    snprintf(text, 512, "{\"a\":\"<%s>\",\"%s\":\"%s%s\"}", secret, secret, secret, secret);
    fixture_finish_json(call, text);
    return 0;
}

static const struct cordon_action say = {
    .size = sizeof say,
    .name = "blab.say",
    .summary = "Tell the secret",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 5000,
    .args_schema = "{\"type\":\"object\",\"properties\":{\"fail\":{\"type\":\"boolean\"}},"
                   "\"additionalProperties\":false}",
    .result_schema = "{\"type\":\"object\"}",
    .read = on_read,
};

static const struct cordon_action *const actions[] = { &say, NULL };

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "blab",
    .version = "1.0.0",
    .summary = "Tells secrets, for tests",
    .actions = actions,
    .open = fixture_open,
};
