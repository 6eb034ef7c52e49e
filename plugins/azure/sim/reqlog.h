/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reqlog.h - every request that the simulated cloud got, in the order in which it was served.
 *
 * An entry is in the log, and in the log file, before its reply goes out: what a client has
 * seen happen can be counted there.
 */
#pragma once

#include "exchange.h"

struct reqlog;

/* Appends to the file at path as well, unless it is NULL. Returns NULL when that cannot be
 * opened, with errno set. */
struct reqlog *reqlog_open(const char *path);
void reqlog_close(struct reqlog *reqlog);

/* Adds the exchange and returns its number, which counts from 1. */
int reqlog_add(struct reqlog *reqlog, const struct request *request,
               const struct reply *reply);

/* Adds that somebody else changed the object at path. */
void reqlog_add_edit(struct reqlog *reqlog, const char *path);

/* The whole log as a new JSON array. */
cJSON *reqlog_dump(const struct reqlog *reqlog);

/* Empties what reqlog_dump shows; numbers go on. */
void reqlog_clear(struct reqlog *reqlog);
