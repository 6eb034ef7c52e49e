/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/secret.h - a password, typed where nobody sees it.
 */
#pragma once

#include "base/str.h"

struct err;
struct options;

/* Adds a new password: with --password-stdin the first line of standard input, else typed twice
 * at the terminal, without echo. One that is too short is an error. */
int secret_read_new(struct str *out, const struct options *options, struct err *err);
