/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin/check.h - is a plugin's declaration complete? And what does it say, as JSON?
 *
 * Each refusal is one sentence that names the action and what would be right. What has
 * passed may be relied on everywhere else: functions that an effect needs are there,
 * schemas are enforced in full, names are unique and well formed.
 */
#pragma once

#include <cordon/plugin.h>

struct err;
struct str;

enum {
    CHECK_ACTIONS_MAX = 256,
    CHECK_PERMISSIONS_MAX = 64,
    CHECK_NAME_MAX = 96,                   /* bytes of an action's name */
    CHECK_TEXT_MAX = 500,                  /* bytes of a summary or a reason */
    CHECK_TIMEOUT_MAX_MS = 6 * 3600 * 1000 /* of one call */
};

/* name: what the configuration calls the plugin; "" for any. */
int check_plugin(const struct cordon_plugin *plugin, const char *name, struct err *err);

/* Adds the declaration of a checked plugin, canonical:
 * {"name","version","summary","config_schema","actions":[{"name","summary","effect":
 * "reads"|"reverts"|"permanent","because","repeat":"keyed"|"conditional"|"observable"|
 * "blind","risk":"low"|"medium"|"high","permissions":[...],"settle_ms","timeout_ms","args":
 * schema,"result":schema,"can_undo"}]}. What does not apply is null. */
void check_declare(const struct cordon_plugin *plugin, struct str *out);
/* The action of this name, or NULL. */
const struct cordon_action *check_find(const struct cordon_plugin *plugin,
                                       const char *name);
