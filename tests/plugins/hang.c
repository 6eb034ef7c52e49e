/* SPDX-License-Identifier: Apache-2.0 */
/* hang.c - never gives the thread back. */
#include "fixture.h"

#include <unistd.h>

static volatile int goes_on = 1;

static int on_read(struct cordon_call *call, const struct cordon_input *in)
{
    (void)call;
    (void)in;
    while (goes_on) {
#ifdef __SANITIZE_THREAD__
        /* It hands a signal on when something is called, and only then. */
        usleep(1000);
#endif
    }
    return 0;
}

static const struct cordon_action action = {
    .size = sizeof action,
    .name = "hang.now",
    .summary = "Hangs",
    .effect = CORDON_READS,
    .risk = CORDON_LOW,
    .permissions = fixture_no_permissions,
    .timeout_ms = 9000,
    .args_schema = FIXTURE_EMPTY_SCHEMA,
    .result_schema = "{\"type\":\"object\"}",
    .read = on_read,
};

static const struct cordon_action *const actions[] = { &action, NULL };

CORDON_EXPORT const struct cordon_plugin cordon_plugin_v1 = {
    .size = sizeof(struct cordon_plugin),
    .abi = CORDON_ABI,
    .name = "hang",
    .version = "1.0.0",
    .summary = "Hangs, for tests",
    .actions = actions,
    .open = fixture_open,
};
