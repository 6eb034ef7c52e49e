/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - exchanges written down, one file each, for a validator of Azure traffic.
 */
#pragma once

#include "exchange.h"

/* Writes exchange number n into the sim's record directory, with real Azure host names and
 * without tokens and secret values. Token requests and polls are left out: no official
 * specification describes them. */
void record_write(const struct request *request, const struct reply *reply, int n);
