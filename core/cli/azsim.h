/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/azsim.h - the simulator of Azure is a program of its own; cordon only finds it.
 */
#pragma once

/* The path, heap, or NULL: in $CORDON_LIBEXEC, beside our binary, in ../libexec/cordon. */
char *azsim_find(void);
/* Becomes the simulator; argv begins behind "azsim". Returns the exit code if it cannot. */
int azsim_exec(int argc, char **argv);
