/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/params.h - what a playbook wants to be told: from its Lua form to JSON Schema, and
 * from what it was given to what it gets.
 *
 *     params = { app = { "arm_id", "the site", type_of = "Microsoft.Web/sites" },
 *                ips = { "list of ip", "addresses to block", default = {} } }
 */
#pragma once

#include <lua.h>

#include "base/str.h"

struct err;

/* Adds the schema of one type word ("ip", "list of uuid") with what the descriptor table at
 * idx says beside it. Raises, naming what. */
void params_write_type(lua_State *L, int idx, const char *what, struct str *out);

/* Sets vm->schema from the params table at idx (nil: no params). Raises. */
void params_declare(lua_State *L, int idx);

/* Adds the given object with the defaults of what is absent filled in, canonical, after
 * checking it against vm->schema. */
int params_complete(struct span schema, struct span given, struct str *out,
                    struct err *err);
