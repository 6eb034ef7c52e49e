/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/clock.h - time, for those who may read it. The engine may not: it is told.
 */
#pragma once

#include <stdint.h>

int64_t clock_unix_ms(void); /* wall clock */
int64_t clock_mono_us(void); /* CLOCK_BOOTTIME, goes on while the machine sleeps */

/* "2026-01-31T09:00:00Z"; buf has at least 32 bytes; returns buf. */
char *clock_show(int64_t unix_ms, char *buf);
/* "09:00:00.123" in UTC. */
char *clock_show_time(int64_t unix_ms, char *buf);
