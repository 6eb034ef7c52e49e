/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/statement.h - what a person signs when they vote.
 *
 * Canonical JSON, made again from what the engine has and what the vote says, so that the
 * signature in the journal proves itself as long as the journal can be read.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct err;

enum vote_word { VOTE_DENY, VOTE_APPROVE, VOTE_BREAK_GLASS };

enum { STATEMENT_LEN_MAX = 16 * 1024 }; /* of the JSON; a reason is most of it */

struct statement {
    struct span install;           /* whose gate it is: the journal's id */
    struct span gate, run, digest; /* "g-000001-1", "r-000001", the gate's; of a break-glass
                                    * those of all that it opens, with blanks between */
    struct span reason, who;       /* plain text */
    enum vote_word vote;
};

void statement_put(struct str *out, const struct statement *statement);

/* Takes a vote apart; a break-glass is none: ERR_INVALID says which member is missing, wrong or too many. who and reason keep
 * what statement borrows, as does json. */
int statement_read(struct statement *statement, struct str *who, struct str *reason,
                   struct span json, struct err *err);
