/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/internal.h - the other processes: engine, playbook VM, plugin host. People do not
 * start them; cordon does.
 */
#pragma once

/* argv begins with "--internal-...". Returns the process's exit code. */
int internal_main(const char *title, int argc, char **argv);
