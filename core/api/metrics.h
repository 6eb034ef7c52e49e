/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/metrics.h - what this process counts.
 */
#pragma once

struct route;

enum { ROUTES_MAX = 200 };

/* A request has been answered; route NULL: there was none at its path. */
void metrics_count(const struct route *route, int status);
