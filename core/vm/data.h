/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm/data.h - Lua as a way of writing data: policy.lua and its like.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct vm;

/* Runs the source with string, table and math at hand and nothing else; result becomes the
 * canonical JSON of the one table it returns. False and an error in result. */
bool data_read(struct vm *vm, struct span name, struct span source, struct str *result);
