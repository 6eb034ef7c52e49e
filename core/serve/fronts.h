/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/fronts.h - the processes that listen: started, set up, answered, and started again.
 *
 *   STARTING ── READY ──► UP ── it ended ──► STARTING, a while later
 *       └── FAILED, the first time ──► the engine does not start
 *
 * The ingress front may hand in alerts and nothing else. What a front asks in somebody's name
 * is held against what their roles allow here once more, by a table of verbs.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"
#include "frame/frame.h"

struct err;
struct front;
struct serve;

enum {
    FRONTS_AGAIN_MS = 1000,
    FRONTS_END_MS = 6000,
    FRONTS_SETUP_MAX = 4 * 1024 * 1024 /* bytes of what a front is set up with */
};

/* Reads serve.console and serve.ingress, and starts what is there; done is called once, with
 * the sentence when one of them cannot listen. */
typedef void fronts_done_fn(struct serve *serve, const struct err *err);
void fronts_open(struct serve *serve, fronts_done_fn *done);
/* Could they be set up with the configuration as it is now? */
int fronts_check(struct serve *serve, struct err *err);
int fronts_check_one(struct serve *serve, const char *name, struct err *err);
/* Tells them what has changed: tokens, accounts, sources, certificates. */
void fronts_refresh(struct serve *serve);
/* Nothing new is taken; done is called when they have ended, or have not within FRONTS_END_MS. */
void fronts_stop(struct serve *serve, void (*done)(struct serve *serve));
void fronts_close(struct serve *serve);
/* Writes "console 127.0.0.1:8443" lines. */
void fronts_describe(struct serve *serve, struct str *out);

/* For clients.c: to an ask of a front. */
void fronts_event(struct front *front, int64_t id, struct span json);
void fronts_reply(struct front *front, int64_t id, int exit, struct span json);
