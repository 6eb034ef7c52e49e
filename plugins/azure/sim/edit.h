/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edit.h - somebody else changes an object, past every check and lock.
 */
#pragma once

#include "sim.h"

/* Applies the JSON merge patch to the object at path, in the shape in which its URL shows
 * it. A patch of null takes the object away; a path to nothing makes it. Returns 0, or -1
 * when no object can be at path, or the patch is neither an object nor null. */
int edit_apply(struct sim *sim, const char *path, const cJSON *patch);
