/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/v1_gates.c - gates: what is asked, votes and answers.
 */
#include "api/v1_queries.h"

#include <string.h>

#include "base/hash.h"
#include "base/id.h"

void list_gates(struct request *request)
{
    struct args args;

    args_open(&args);
    if (args_query(request, &args, query_gates))
        args_ask(request, &args, "gates", v1_on_read);
    args_drop(&args);
}

/* Only by its own name: which gate of a run is meant is never guessed over the network. */
static bool put_gate(struct request *request, struct args *args)
{
    int64_t run;
    int n;

    if (!id_parse_gate(span_of(request_param(request, 0)), &run, &n)) {
        respond_problem(request, 404, "not_found",
                        "there is no gate %.40s; gates are named like g-000041-1",
                        request_param(request, 0));
        return false;
    }
    json_put(&args->out, "gate", id_gate(run, n).text);
    return true;
}

void get_gate(struct request *request)
{
    struct args args;

    args_open(&args);
    if (put_gate(request, &args) && args_query(request, &args, NULL))
        args_ask(request, &args, "gate", v1_on_read);
    args_drop(&args);
}

/* If-Match: "DIGEST". */
static struct span digest_of(struct request *request, struct span body)
{
    const char *header = request_header(request, "If-Match");
    struct span digest = json_get_raw(body, "digest");

    if (digest.len == 0 && header != NULL && strlen(header) == HASH_HEX_LEN + 2 &&
        header[0] == '"' && header[HASH_HEX_LEN + 1] == '"')
        digest = (struct span){ header + 1, HASH_HEX_LEN };
    return digest;
}

static bool put_digest(struct request *request, struct args *args, struct span body)
{
    struct span digest = digest_of(request, body);
    struct hash ignored;

    if (!hash_from_hex(digest, &ignored)) {
        respond_problem(
            request, 400, "digest",
            "a vote is for what was looked at: want digest, the 64 hex digits that "
            "the gate shows, in the body or as If-Match: \"DIGEST\"");
        return false;
    }
    json_put_span(&args->out, "digest", digest);
    return true;
}

void vote_at_gate(struct request *request)
{
    static const char *const taken[] = { "reason", "sig", NULL };
    struct span body;
    struct args args;

    if (!v1_body(request, "Vote", &body))
        return;
    bool is_yes = span_is(json_get_raw(body, "vote"), "approve");
    args_open(&args);
    json_put_bool(&args.out, "follow", false);
    args_put_members(&args, body, taken);
    if (put_gate(request, &args) && put_digest(request, &args, body) &&
        args_query(request, &args, NULL) && args_once(request, &args))
        args_ask(request, &args, is_yes ? "approve" : "deny", v1_on_done);
    args_drop(&args);
}

void answer_gate(struct request *request)
{
    static const char *const taken[] = { "value", NULL };
    struct span body;
    struct args args;

    if (!v1_body(request, "Answer", &body))
        return;
    args_open(&args);
    json_put_bool(&args.out, "follow", false);
    args_put_members(&args, body, taken);
    if (put_gate(request, &args) && args_query(request, &args, NULL) &&
        args_once(request, &args))
        args_ask(request, &args, "answer", v1_on_done);
    args_drop(&args);
}
