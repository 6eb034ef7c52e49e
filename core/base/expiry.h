/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/expiry.h - `expires` and `on_expire`: two arguments that every action takes which
 * changes something and can undo it.
 *
 * They are the runtime's, not the plugin's: no plugin declares them, and none is given them.
 * One that declares a member of the name itself keeps it, and gets it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct err;

enum expiry { EXPIRY_RELEASE, EXPIRY_ASK, EXPIRY_EXTEND };

/* What these arguments say; release when they say nothing. */
enum expiry expiry_of(struct span args);
/* For how long; 0: for ever. */
int64_t expiry_ms(struct span args);

/* Does any of the two stand in args? */
bool expiry_is_given(struct span args);
/* Adds schema, of an object, with the two among its properties. */
void expiry_add_schema(struct str *out, struct span schema);
/* Adds args without those of the two that schema does not have itself. */
void expiry_strip(struct str *out, struct span schema, struct span args);
/* on_expire wants expires beside it. */
int expiry_check(struct span args, struct err *err);
