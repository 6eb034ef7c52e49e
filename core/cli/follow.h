/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/follow.h - asking for something that goes on for a while, and showing it.
 *
 * Lines come as rows become durable. When a gate opens and a person is there (standard
 * input and output are terminals), the person is asked, and the run carried on; otherwise
 * the command ends with what must be typed to go on.
 */
#pragma once

#include "base/str.h"

struct options;

/* Returns the command's exit code. args is a JSON object. */
int follow(const struct options *options, const char *verb, struct span args);
