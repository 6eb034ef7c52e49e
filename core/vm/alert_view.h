/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/alert_view.h - what a playbook can ask an alert beside reading its members.
 *
 *   alert.resource(type)   the first resource of this ARM type, nil when there is none
 *   alert.all(type)        all of them, as a list
 */
#pragma once

struct lua_State;

/* Stack: alert, a table. Adds the functions to it. */
void alert_view_add(struct lua_State *L);
