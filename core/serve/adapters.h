/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/adapters.h - what came in from a source becomes alerts of our shape (alert/alert.h).
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct serve;

/* ok: json is the list of alerts, each as alert/alert.h has them, canonical; a delivery may
 * hold none (a test message) or many. Among them is {"unread": a sentence} for each item that
 * cannot be read. Not ok, when there are only such: json is {"message": the first sentence}.
 * Borrowed. */
typedef void adapters_done_fn(void *arg, bool ok, struct span json);

/* kind is that of the source ("defender-for-cloud"); "" takes whichever kind says that this
 * is of its shape. path, resolved, is of the source's own adapter; NULL: the one that cordon
 * brings for the kind. raw is copied. done is called later, once, unless the engine ends. It arrived at
 * arrived_ms, 0 when that is unknown. */
void adapters_read(struct serve *serve, struct span kind, const char *path, struct span raw,
                   int64_t arrived_ms, adapters_done_fn *done, void *arg);
/* The same, but what a change notification names comes as {"fetch": kind, "id"} in the list;
 * adapters_read() refuses it. */
void adapters_read_named(struct serve *serve, struct span kind, const char *path,
                         struct span raw, int64_t arrived_ms, adapters_done_fn *done,
                         void *arg);
void adapters_close(struct serve *serve);
