/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/pull.h - sources that are asked for alerts, for whoever cannot be reached from outside.
 *
 * Credentials and network are the plugin host's: each poll is a reading call of ours to it. What
 * it brings is taken as a hook's deliveries are. How far it has got is journaled in the commit
 * of what was taken, or later, so a crash asks for something twice and leaves nothing out; what
 * comes twice is known by its delivery id. A queue's messages are deleted by the poll after the
 * one that brought them, once they are durable.
 */
#pragma once

#include "base/str.h"
#include "serve/adapters.h"

struct err;
struct json_out;
struct serve;

/* Asks of pulls: the replies to them come back here. */
#define PULL_ASK_FIRST (INT64_C(1) << 61)

/* Checks "pull" of cordon.lua. */
int pull_validate(struct span config, struct err *err);
/* Begins to poll. */
int pull_open(struct serve *serve, struct err *err);
void pull_close(struct serve *serve);
void pull_reply(struct serve *serve, int64_t ask, int exit, struct span json);
/* The kind whose adapter reads what the pull of that name brings; NULL: there is none of that
 * name, "": whichever says that it is its. */
const char *pull_kind(struct serve *serve, struct span name);
/* Writes the members of a list, one for each: {"name","kind","ok_at","ok","why","taken"}. */
void pull_show(struct serve *serve, struct json_out *out);

/* -- fetch.c -------------------------------------------------------------------------- */
void pull_forget_fetches(struct serve *serve);
/* As adapters_read(), but what a change notification only names has been fetched, and is among
 * the alerts. A delivery whose alerts cannot be fetched is not read. */
void pull_read(struct serve *serve, struct span kind, const char *path, struct span raw,
               int64_t arrived_ms, adapters_done_fn *done, void *arg);
