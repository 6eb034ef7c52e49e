/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/playbook.h - a playbook's file: reading it once, and beginning it anew for each run.
 *
 * The file is compiled once. Its code is run again for every run, in that run's coroutine,
 * so that no variable of it is shared between runs.
 */
#pragma once

#include <stdbool.h>

#include <lua.h>

#include "base/str.h"
#include "vm/source.h"

struct vm;

/* Compiles and reads the playbook; info becomes what FRAME_VM_LOADED says. False and the
 * error in info when it cannot be used. */
bool playbook_load(struct vm *vm, struct span name, struct span source, struct span catalog,
                   struct str *info);

/* Runs the file in co and leaves the function that entry names ("run", "recover") on co's
 * stack. Raises on vm->L. Behind the door. */
void playbook_push_entry(struct vm *vm, lua_State *co, struct span entry);

/* Would on_alert start a run? False and an error in params when the playbook fails at it;
 * else matches, the params when so, and why (or why not) in words. */
bool playbook_match(struct vm *vm, struct span alert, bool *matches, struct str *params,
                    struct str *why);

/* The severities of alerts, from the least, NULL at the end. */
extern const char *const playbook_severities[];
/* "medium", "medium+" (and more) or NULL: the rank of the word, and whether more will do.
 * -1 for a word that is none. */
int playbook_severity(struct span text, bool *or_more);

/* Runs the file in co; leaves nothing there, and the table it gave to playbook{} on
 * vm->L's stack. Raises on vm->L. Behind the door. */
void playbook_push_spec(struct vm *vm, lua_State *co);

/* Sets vm->name and vm->chunk from a file's name: no folder, no ".lua". */
void playbook_set_name(struct vm *vm, struct span name);

/* Pushes the environment; see catalog.c for `use`. */
void playbook_push_env(struct vm *vm);
int playbook_use(lua_State *L);
/* Copies the names of all actions from a JSON list; false when it is none. */
bool playbook_set_catalog(struct vm *vm, struct span catalog);
