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
 * it: what one of them names is foreign and not news. Adds the grown alert to grown; and to news
 * and foreign what it has gained, an object without members when that is nothing. */
struct alert_gain {
    struct str grown, news, foreign;
};
int alert_grow(struct span known, struct span told, struct span others,
               struct alert_gain *gain, struct err *err);
void alert_gain_fini(struct alert_gain *gain);
/* Adds the names by which routes and playbooks know the alert as it is told here: {"confidence",
 * "feed","id","product","resources" (the first ALERT_NAMED_MAX),"severity","source",
 * "subscription","tenant","title","type"}, what it does not have left out. */
enum { ALERT_NAMED_MAX = 4 };
void alert_put_names(struct span alert, struct str *out);
/* Adds the alert with the name of the configured source that it came from. */
int alert_put_feed(struct span alert, struct span feed, struct str *out, struct err *err);
