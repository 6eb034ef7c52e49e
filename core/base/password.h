/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/password.h - Argon2id, as text that holds its salt and its cost.
 *
 * Both take some 20 ms and 16 MiB: whoever lets strangers call them bounds how often.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

enum { PASSWORD_LEN_MAX = 1024, PASSWORD_LEN_MIN = 12 };

/* Adds "$argon2id$..." for the text. */
void password_hash(struct str *out, struct span text);
/* Is hash one of the text? Constant time in the text; false for what is no hash. */
bool password_is(const char *hash, struct span text);
