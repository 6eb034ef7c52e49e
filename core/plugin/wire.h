/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin/wire.h - struct exchange_port made of the real world: the HTTP client, the loop's
 * timers, the clock, and the recorder in between.
 */
#pragma once

struct host;

/* Fills host->port from the host's loop, http and record, which may still be NULL. */
void wire_setup(struct host *host);
