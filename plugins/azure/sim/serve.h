/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.h - one exchange from end to end: faults, the planes, the log.
 */
#pragma once

#include "exchange.h"

/* Fills in reply. When it returns, whatever the request changed has changed and is in the
 * log. */
void serve(struct request *request, struct reply *reply);
