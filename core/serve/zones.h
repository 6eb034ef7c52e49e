/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/zones.h - the time zones that a policy names, out of the files of tzdata.
 *
 * They lie in the folder TZDIR, or in /usr/share/zoneinfo. The engine opens no file, so it is
 * given what they say with the policy, as the member "zones" (base/zone.h).
 */
#pragma once

#include "base/json.h"
#include "base/str.h"

struct err;

enum { ZONES_MAX = 32 /* zones of one policy */ };

/* Is each zone that the rules and freezes of the policy name one of tzdata? */
int zones_check(struct span policy, struct err *err);
/* Adds "zones" to the open object, when the checked policy names some. */
void zones_put(struct json_out *out, struct span policy);
