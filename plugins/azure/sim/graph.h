/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph.h - Microsoft Graph: security alerts and incidents, and service principals.
 */
#pragma once

#include "exchange.h"

/* /v1.0/... */
void graph_serve(struct request *request, struct reply *reply);
