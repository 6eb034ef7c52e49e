/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.h - where alerts come from: Defender for Cloud's list, Graph's security API, and a storage
 * queue. Alerts are put in as parts of the world, or by /_sim/edit.
 */
#pragma once

#include "exchange.h"

#define FEED_QUEUE_AUDIENCE "https://storage.azure.com"

/* /v1.0/security/... */
void feed_serve_graph(struct request *request, struct reply *reply);
/* /_queue/{account}/{queue}/messages... */
void feed_serve_queue(struct request *request, struct reply *reply);
