/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/fold.h - small letters for capital ones, where letter case has no meaning: in resource
 * ids, whose names may have letters beyond ASCII.
 */
#pragma once

#include "base/str.h"

/* Adds text with its letters made small (Latin, Greek, Cyrillic, Armenian); of what is no
 * UTF-8 only ASCII changes. The length stays. */
void str_add_folded(struct str *out, struct span text);
