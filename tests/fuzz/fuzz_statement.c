/* SPDX-License-Identifier: Apache-2.0 */
/* Any JSON as what somebody signed: refused, or read; and what was read is made again as the
 * same value, so that a signature is over what is understood. */
#include "engine/statement.h"

#include <assert.h>

#include "base/err.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str canon = { 0 }, who = { 0 }, reason = { 0 }, again = { 0 };
    struct statement statement;
    struct err err;

    if (json_canonical(&canon, (const char *)data, size, &err) == 0 &&
        statement_read(&statement, &who, &reason, str_span(&canon), &err) == 0) {
        assert(canon.len <= STATEMENT_LEN_MAX && statement.vote != VOTE_BREAK_GLASS);
        statement_put(&again, &statement);
        assert(json_same(str_span(&again), str_span(&canon)));
    }
    str_fini(&canon);
    str_fini(&who);
    str_fini(&reason);
    str_fini(&again);
    return 0;
}
