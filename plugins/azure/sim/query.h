/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query.h - the options of a request that its route takes.
 *
 * An option that is ignored changes what an answer means: a list with a filter that nobody
 * read is another list. So what is not understood is refused.
 */
#pragma once

#include "exchange.h"

/* Are all query options among those in always and in more, words with a blank between them
 * of which either may be NULL? Replies 400 and returns false when not. */
bool query_is_known(struct request *request, struct reply *reply, const char *always,
                    const char *more);
