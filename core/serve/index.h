/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/index.h - is the index what the rows say?
 *
 * What allows or withholds something at a start (halts, holds, gates, accounts, tokens, keys,
 * storms, cursors, answers that are kept ...) is read from the index. Its seal (store/seal.h)
 * says at every start if it is the one that was written; doctor makes it from the rows once
 * more, and compares.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct err;
struct store;

/* Makes the index anew from the rows, in the transaction at hand. */
struct index_made {
    int64_t rows, entries;
};
int index_rebuild(struct store *store, struct index_made *made, struct err *err);

/* At a start, before anything is read from the index: one that is not as it was written is
 * made anew, when the rows are whole, and a row says so; said gets the sentence for the log.
 * A journal from before there were seals is treated likewise, and silently. */
int index_open(struct store *store, struct str *said, struct err *err);

/* Compares all entries with those that the rows give, and changes nothing. wrong counts
 * those that differ, are missing or are too many; first describes one of them. */
struct index_diff {
    int64_t rows, entries, wrong;
    struct str first;
};
int index_compare(struct store *store, struct index_diff *diff, struct err *err);

/* The operator takes the journal in dir as it is: an older copy, one without its mark, or one
 * that somebody wrote to and whose chain is whole. said gets what was done. */
int index_accept(const char *dir, uid_t uid, const char *why, struct str *said,
                 struct err *err);
