/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/person.h - a person at the terminal, and what they say.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct options;

/* Standard input and output are terminals, and nobody said --json. */
bool person_is_there(const struct options *options);

enum person_says { PERSON_YES = 1, PERSON_NO, PERSON_DETAILS, PERSON_GONE };

/* "QUESTION [y/N] " (or [y/N/details]); anything but yes or details is a no. */
enum person_says person_asked(const char *question, bool has_details);
/* One line, without its newline; false at the end of input or Ctrl-C. */
bool person_line(const char *prompt, struct str *line);
