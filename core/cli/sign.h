/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sign.h - a person's key signs what they say; ssh-keygen does it, so that agents,
 * passphrases and hardware keys work as they do everywhere.
 */
#pragma once

#include "base/str.h"

struct err;
struct statement;

/* Adds the signature over the statement with the key in a file (its public half will do when
 * an agent or a piece of hardware has the other), looked at as the engine will look at it. */
int sign_statement(struct str *armor, const char *key_file,
                   const struct statement *statement, struct err *err);
