/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/migrate.h - the tables, and how those of an older version become ours.
 */
#pragma once

#include <stdbool.h>

struct db;
struct err;

/* Makes or brings up to date the tables, each step in a transaction of its own. Refuses
 * what a newer version made, and what is no journal of ours. Changes nothing when
 * is_readonly, and then refuses an older version too. */
int migrate(struct db *db, bool is_readonly, struct err *err);
