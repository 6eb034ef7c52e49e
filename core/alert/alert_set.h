/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert/alert_set.h - the alerts of one delivery, each once.
 *
 * A batch may tell of one alert in several items: Defender XDR sends a row of AlertInfo and a
 * row of AlertEvidence for each address, account or device. Items with the same source and id
 * become one alert: it has what each of them names, the highest severity, and the last status.
 * An address that one item calls own is own. raw is that of the first item.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct err;
struct alert_set_item;

struct alert_set { /* zeroed: empty */
    struct alert_set_item *items;
    int count, cap;
};

void alert_set_fini(struct alert_set *set);
/* Adds the alert, completed (alert_complete_at), or joins it to the one that it is. The set is
 * as before on failure. */
int alert_set_add(struct alert_set *set, struct span json, struct span source,
                  int64_t arrived_ms, struct err *err);
/* Adds an item that is no alert as it is: what has to be fetched. */
void alert_set_add_other(struct alert_set *set, struct span json);
/* Adds the list, JSON, to out. */
void alert_set_write(const struct alert_set *set, struct str *out);
