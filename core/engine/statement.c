/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/statement.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"

#define VERSION "cordon.approval.v1"

void statement_put(struct str *out, const struct statement *statement)
{
    static const char *const words[] = { "deny", "approve", "break-glass" };
    struct json_out json = { .str = out };

    json_open(&json, '{');
    json_put_span(&json, "digest", statement->digest);
    json_put_span(&json, "gate", statement->gate);
    json_put_span(&json, "install", statement->install);
    json_put_span(&json, "reason", statement->reason);
    json_put_span(&json, "run", statement->run);
    json_put(&json, "v", VERSION);
    json_put(&json, "vote", words[statement->vote]);
    json_put_span(&json, "who", statement->who);
    json_close(&json);
}

/* Each member is a text, and no other is there: what is signed has one meaning. */
static int check_members(struct span json, struct err *err)
{
    static const char *const names[] = { "digest", "gate", "install", "reason",
                                         "run",    "v",    "vote",    "who" };
    enum { NAME_COUNT = sizeof names / sizeof *names };

    if (json_kind(json) != JSON_OBJECT)
        return err_set(err, ERR_INVALID, "the statement is no JSON object");
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (json_kind(json_get(json, names[i])) != JSON_STRING)
            return err_set(err, ERR_INVALID, "the statement has no text \"%s\"", names[i]);
    /* Names and digests are compared as they stand, so nothing in them is spelled otherwise. */
    for (size_t i = 0; i < NAME_COUNT; i++) {
        struct span raw = json_get_raw(json, names[i]);

        if (strcmp(names[i], "reason") != 0 && strcmp(names[i], "who") != 0 &&
            raw.len > 0 && memchr(raw.ptr, '\\', raw.len) != NULL)
            return err_set(err, ERR_INVALID, "the statement's \"%s\" has an escape in it",
                           names[i]);
    }
    if (json_count(json) != NAME_COUNT)
        return err_set(err, ERR_INVALID, "the statement has members that no statement has");
    return 0;
}

int statement_read(struct statement *statement, struct str *who, struct str *reason,
                   struct span json, struct err *err)
{
    struct span vote = json_get_raw(json, "vote");

    if (json.len > STATEMENT_LEN_MAX)
        return err_set(err, ERR_TOO_BIG, "a statement has at most %d bytes",
                       STATEMENT_LEN_MAX);
    if (check_members(json, err) != 0)
        return err->code;
    if (!span_is(json_get_raw(json, "v"), VERSION))
        return err_set(err, ERR_INVALID, "the statement is of a version that is not %s",
                       VERSION);
    if (!span_is(vote, "approve") && !span_is(vote, "deny"))
        return err_set(err, ERR_INVALID,
                       "the statement's vote must be \"approve\" or \"deny\"");
    str_reset(who);
    str_reset(reason);
    json_text_to(who, json_get(json, "who"));
    json_text_to(reason, json_get(json, "reason"));
    *statement =
        (struct statement){ .install = json_get_raw(json, "install"),
                            .gate = json_get_raw(json, "gate"),
                            .run = json_get_raw(json, "run"),
                            .digest = json_get_raw(json, "digest"),
                            .who = str_span(who),
                            .reason = str_span(reason),
                            .vote = span_is(vote, "approve") ? VOTE_APPROVE : VOTE_DENY };
    return 0;
}
