/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/cloud.h - a simulated cloud of our own, for as long as a rehearsal takes.
 *
 *     struct cloud cloud;
 *     if (cloud_open(&cloud, "shop.json", "/tmp/x/requests.jsonl", &err) == 0) ...
 *     cloud_close(&cloud);
 */
#pragma once

#include "base/str.h"

struct err;
struct loop;
struct process;

enum { CLOUD_READY_WITHIN_MS = 10000, CLOUD_GET_WITHIN_MS = 10000 };

struct cloud {
    struct loop *loop;
    struct process *process;
    int out_fd; /* what it prints */
    struct str url;
};

/* Starts the simulator with that world on a port of its own, every request in the file
 * log_path, and waits until it listens. It dies with us. cloud_close() either way. */
int cloud_open(struct cloud *cloud, const char *world_path, const char *log_path,
               struct err *err);
/* Adds what the simulator's GET of path ("/_sim/world") answers, checked and canonical. */
int cloud_get(struct cloud *cloud, const char *path, struct str *out, struct err *err);
void cloud_close(struct cloud *cloud);
