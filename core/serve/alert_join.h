/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/alert_join.h - which known alert a delivery tells of, and what that alert becomes by it.
 *
 * A delivery of its own source and id is the alert that it was before; one that shares a key with
 * a known alert joins that one: docs/decisions/0128.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct event;
struct serve;
struct alert_joining;

/* What a delivery or an alert is found by; never 0. */
int64_t alert_join_key(const char *domain, struct span source, struct span id);
/* told is a completed alert that the configured source delivered. */
struct alert_joining *alert_join_begin(struct serve *serve, struct span source,
                                       struct span told);
/* What EV_ALERT says of it; lives as long as the joining. */
void alert_join_put(const struct alert_joining *joining, struct event *event);
void alert_join_end(struct alert_joining *joining);
