/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lock.h - management locks, which stop writes and deletes below their scope.
 *
 * ReadOnly stops everything but reads, also actions like stop; CanNotDelete stops deletes.
 * The locks themselves can always be written and taken away.
 */
#pragma once

#include "exchange.h"

/* Returns false after having replied 409 ScopeLocked. */
bool lock_lets_pass(struct request *request, struct reply *reply);
