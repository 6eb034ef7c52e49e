/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/wall.h - the walls of the process in which playbooks run.
 *
 * Lua's sandbox keeps honest playbooks honest; this is what holds when the sandbox does
 * not. After wall_raise() the process can read and write what it has open, manage its
 * memory, and exit. Any other system call kills it.
 */
#pragma once

struct err;

/* Closes every descriptor but fd and standard error, gives up what can be given up, and
 * raises the system call filter for good. */
int wall_raise(int fd, struct err *err);
