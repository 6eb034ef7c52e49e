/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/supervisor.h - what the service manager that started us is told (sd_notify(3)): ready,
 * stopping, and alive, as often as its watchdog wants to hear it.
 *
 * It is a datagram to the socket that NOTIFY_SOCKET names. Without that variable nothing is
 * said. The watchdog is fed by the engine's own loop: when that stands still, so does it.
 */
#pragma once

#include "net/loop.h"

struct supervisor;

/* Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no
 * child has them; NULL: nobody wants to hear anything. */
struct supervisor *supervisor_open(struct loop *loop);
void supervisor_close(struct supervisor *supervisor); /* NULL is fine here and below */

/* "READY=1\nSTATUS=..."; the watchdog is fed from the first READY on. */
void supervisor_ready(struct supervisor *supervisor, const char *status);
/* "RELOADING=1" with the time, as systemd's notify-reload wants it; supervisor_ready() ends it. */
void supervisor_reloading(struct supervisor *supervisor);
void supervisor_stopping(struct supervisor *supervisor);
