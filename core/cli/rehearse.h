/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/rehearse.h - a case of a playbook test that has a world: run for real, on the simulator.
 *
 * A simulator with that world, a state directory, an engine and its processes are made for the
 * one case and are gone when it is over. docs/testing-playbooks.md describes what a case has.
 */
#pragma once

#include "base/str.h"

struct err;

enum { REHEARSE_WITHIN_S = 60 }; /* all of one case */

/* Runs the case (checked JSON, in the shape that the engine's "test" has checked) with the
 * playbook at playbook_path; files that it names are looked for beside test_path. message gets
 * a line for all that is not as the case says, or why it could not be tried. Fails with
 * ERR_CANCELED after Ctrl-C, and with nothing else. */
int rehearse(struct span rehearsal, const char *playbook_path, const char *test_path,
             struct str *message, struct err *err);
