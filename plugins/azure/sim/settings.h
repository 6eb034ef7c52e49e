/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings.h - the tenant, the cloud and the options of a world: read from its file, and
 * changed while it runs by POST /_sim/options.
 */
#pragma once

#include "sim.h"

enum { SETTINGS_ERROR_SIZE = 256 };

/* Fills in out from the head of a world file, whose texts it borrows. Returns NULL, or one
 * sentence (in error) that names the member, and leaves out as it was. */
const char *settings_read(struct settings *out, const cJSON *head,
                          char error[SETTINGS_ERROR_SIZE]);

/* Merges change into the options of sim. Returns like settings_read(). */
const char *settings_change(struct sim *sim, const cJSON *change,
                            char error[SETTINGS_ERROR_SIZE]);
