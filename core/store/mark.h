/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store/mark.h - journal.db-mark: how far the journal was written, kept outside of it, and
 * the key of its seals (seal.h).
 *
 * The mark is written after the commit that it names is durable, and synced later. So the
 * journal has always at least what the mark says, after a crash and after a power failure
 * at any point; a journal that has less is an older copy, or was cut. Two sectors are
 * written in turn, each with a check sum: a torn one leaves the other.
 *
 * It is written through SQLite's file layer, so that whoever replaces that one (the tests'
 * disk whose power fails) has the mark's writes too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

struct err;

struct mark {
    struct sqlite3_file *file; /* NULL: not open */
    char *path;
    bool is_there; /* the file was there, and one of its sectors is whole */
    unsigned char key[HASH_KEY_LEN];
    uint64_t turn;   /* how often it was written */
    int64_t commits; /* of the journal, all processes together; 0: none was sealed yet */
    int64_t seq;     /* its newest row */
    struct hash hash;
};

/* Reads DIR/journal.db-mark when it is there. */
int mark_open(struct mark *mark, const char *dir, bool is_readonly, struct err *err);
/* Makes the file with a new key, or what is left of one anew. Durable when it returns 0. */
int mark_make(struct mark *mark, struct err *err);
/* Names a commit that is durable. Survives this process at once, the machine after
 * mark_sync. */
int mark_set(struct mark *mark, int64_t commits, int64_t seq, struct hash hash,
             struct err *err);
int mark_sync(struct mark *mark, struct err *err);
void mark_close(struct mark *mark);
