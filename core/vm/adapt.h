/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/adapt.h - adapters: what a source of alerts sends, as alerts of our shape.
 *
 * An adapter is a chunk of Lua that returns { want = text, is = function(event),
 * adapt = function(event) }. Those that cordon brings are playbooks/sources/KIND.lua, compiled
 * into the program; a source may have one of its own. As with playbooks a chunk is compiled
 * once and run anew for each delivery, so that nothing of one delivery is left for the next.
 *
 * A delivery that is a list, or an object around one, is read item by item: vm/adapt_list.h.
 */
#pragma once

#include <stdbool.h>

#include <lua.h>

#include "base/str.h"

struct vm;

/* One that cordon brings; the last has no kind. */
struct shipped {
    const char *kind;
    const unsigned char *source;
    size_t len;
};
extern const struct shipped adapt_shipped[];
/* core/vm/alert*.lua, what adapters have as `alert`, in their order; the last has no kind. */
extern const struct shipped adapt_library[];

/* Reads the source's own adapter; "" for none. False and the error in info. */
bool adapt_load(struct vm *vm, struct span name, struct span source, struct str *info);
/* Sets vm->adapted to the list of alerts, or, returning false, to the error. delivery is bytes
 * as they came: they are read with base/json_mend.h, and each replacement becomes a note of
 * the alert in which it stands. */
bool adapt_read(struct vm *vm, struct span kind, struct span delivery);
void adapt_close(struct vm *vm);

/* -- For adapt_lib.c ------------------------------------------------------------------- */

/* alert.as(kind, event), alert.kind(event). */
int adapt_l_as(lua_State *L);
int adapt_l_kind(lua_State *L);
/* Pushes the table of those functions of `alert` that are C. */
void adapt_push_library(lua_State *L);
