/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - what a test does to the simulator itself, under /_sim/.
 */
#pragma once

#include "exchange.h"

bool control_is_meant(const struct request *request);

void control_serve(struct request *request, struct reply *reply);
