/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue.h - the queues of Azure Storage: messages that are taken, hidden and deleted.
 *
 * A queue is reached by the host name of its account, or below /_queue/{account} on the
 * simulator's own. It is there when the world has it among its queues, or a message of it.
 */
#pragma once

#include "exchange.h"

/* Is the request for a queue? Then request->path begins with /_queue/{account}. */
bool queue_is_meant(struct request *request);

void queue_serve(struct request *request, struct reply *reply);
