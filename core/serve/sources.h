/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/sources.h - cordon.lua's "sources": who may deliver alerts, and how they prove it.
 */
#pragma once

#include "base/json.h"

struct err;
struct serve;
struct str;

/* Is it right? A source without a proof is not: it would be anybody's. The error begins with
 * the place. */
int sources_check(struct span sources, struct err *err);
/* Writes the list that the ingress front gets, with the keys themselves in place of their
 * names. */
int sources_write(struct serve *serve, struct json_out *out, struct err *err);
/* Adds the names that alerts can come under, for base/alert_reach.h. */
void sources_put_known(struct serve *serve, struct str *text);
/* What cordon.lua says of that source; the empty span when it says nothing. */
struct span sources_find(struct serve *serve, struct span source);
