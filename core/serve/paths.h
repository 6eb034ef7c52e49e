/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/paths.h - plugins.NAME.paths: what a plugin's process reaches on disk.
 *
 * Each is a file or a directory with all below it, read only; with ":rw" behind it, it can be
 * changed too. A relative one is meant from where cordon.lua is.
 */
#pragma once

#include "base/str.h"

struct err;
struct serve;

enum { PATHS_MAX = 64 };

/* plugin: its part of cordon.lua. Writes the JSON list of absolute paths, without links. Refuses a
 * path that is not there, and one that leads to the state directory, the secrets, the
 * configuration, the policy or a listener's key: none of them can be a plugin's. Refuses a member
 * of its config whose name ends with _file and whose file none of the paths has. */
int paths_resolve(struct str *list, struct serve *serve, struct span plugin,
                  struct err *err);
