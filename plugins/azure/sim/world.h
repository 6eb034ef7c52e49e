/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h - the file that says what the simulated cloud holds, read and written back.
 *
 * What world_dump() gives can be loaded again.
 */
#pragma once

#include "sim.h"

/* Fills sim's store and settings from the file at sim->world_path. Returns 0, or -1 with
 * one sentence in error and sim as it was. */
int world_load(struct sim *sim, char error[ERROR_SIZE]);

/* The whole state as a new document of the world file's shape. */
cJSON *world_dump(const struct sim *sim);

/* The member that names an object of that kind: "id", "client_id" ... */
const char *world_key(enum kind kind);

void world_fini(struct sim *sim);
