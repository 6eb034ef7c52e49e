/* SPDX-License-Identifier: Apache-2.0 */
/*
 * power_vfs.h - a disk whose power fails, and one that answers with errors.
 *
 * Stands between SQLite and the file system. While it records, it keeps every write,
 * truncation and sync of a journal's files; power_image() then makes the files as they
 * could be found after power failure at any of these points. Told to fail, it answers the
 * n-th operation, or that and all behind it, with an error.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Becomes SQLite's default. Once a process, before any database is opened. */
void power_setup(void);

void power_record(bool is_on); /* begins with an empty record */
int power_count(void);         /* operations recorded */

enum power_loss {
    POWER_LOSES_ALL,     /* whatever was not synced is gone */
    POWER_LOSES_NOTHING, /* the process died, the machine did not */
    POWER_LOSES_SOME,    /* of each sector not synced, chance says */
    POWER_LOSES_WRITES, /* of each write not synced, chance says: what came later may be there */
    POWER_TEARS /* as some; and a sector may end at any byte of a write, or be rubbish */
};
/* Makes the files of the first count operations in directory dir, which must be there. */
void power_image(const char *dir, int count, enum power_loss loss, uint64_t seed);

/* The operation that is count operations away (1: the next) fails; 0: none does. */
void power_fail(int count, bool for_good, bool is_full);
bool power_has_failed(void);
