/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert/alert_grow.h - what an alert gains when it is told again.
 *
 * A product updates an alert under its id, and another feed tells of the same alert with other
 * parts of it. The known alert takes what is new; news lists that, in the kinds that it belongs
 * to: {"accounts","assets","children","files","hosts","ips","resources","urls"}.
 */
#pragma once

#include "base/str.h"

struct err;

/* known and told are completed alerts. others, a JSON list, are alerts that are known beside
 * it: what one of them names is not news. Adds the grown alert to grown, and what is new, an
 * object without members when nothing is, to news. */
int alert_grow(struct span known, struct span told, struct span others, struct str *grown,
               struct str *news, struct err *err);
/* Adds the alert with the name of the configured source that it came from. */
int alert_put_feed(struct span alert, struct span feed, struct str *out, struct err *err);
