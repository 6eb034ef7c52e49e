/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/v1_reads.c - holds, playbooks, actions, policy, halts; and what authors try.
 */
#include "api/v1_queries.h"

#include <stddef.h>

#include "api/openapi.h"

static void read_list(struct request *request, const char *verb,
                      const struct query *queries)
{
    struct args args;

    args_open(&args);
    if (args_query(request, &args, queries))
        args_ask(request, &args, verb, v1_on_read);
    args_drop(&args);
}

void list_holds(struct request *request)
{
    read_list(request, "contained", query_holds);
}

void list_playbooks(struct request *request)
{
    read_list(request, "playbooks", NULL);
}

void get_playbook(struct request *request)
{
    struct args args;

    args_open(&args);
    json_put(&args.out, "name", request_param(request, 0));
    if (args_query(request, &args, NULL))
        args_ask(request, &args, "playbook", v1_on_read);
    args_drop(&args);
}

void list_actions(struct request *request)
{
    read_list(request, "actions", NULL);
}

void get_policy(struct request *request)
{
    read_list(request, "policy", NULL);
}

void list_halts(struct request *request)
{
    read_list(request, "halts", NULL);
}

void list_alerts(struct request *request)
{
    read_list(request, "alerts", query_alerts);
}

void list_unreadable(struct request *request)
{
    read_list(request, "unreadable", query_unreadable);
}

void get_alert(struct request *request)
{
    struct args args;

    args_open(&args);
    json_put(&args.out, "alert", request_param(request, 0));
    if (args_query(request, &args, NULL))
        args_ask(request, &args, "explain_alert", v1_on_read);
    args_drop(&args);
}

/* -- halts ---------------------------------------------------------------------------------- */

void set_halt(struct request *request)
{
    static const char *const taken[] = { "reason", "scope", NULL };
    struct span body;
    struct args args;

    if (!v1_body(request, "SetHalt", &body))
        return;
    args_open(&args);
    json_put_bool(&args.out, "follow", false);
    args_put_members(&args, body, taken);
    if (args_query(request, &args, NULL) && args_once(request, &args))
        args_ask(request, &args, "halt", v1_on_done);
    args_drop(&args);
}

/* The answer comes when the targets have been observed. */
void check_holds(struct request *request)
{
    struct span body;
    struct args args;

    if (!v1_body(request, "Nothing", &body))
        return;
    args_open(&args);
    json_put_bool(&args.out, "wait", true);
    if (args_query(request, &args, NULL))
        args_ask(request, &args, "check_holds", v1_on_read);
    args_drop(&args);
}

void lift_halt(struct request *request)
{
    static const char *const taken[] = { "reason", NULL };
    struct span body;
    struct args args;

    if (!v1_body(request, "NeedsReason", &body))
        return;
    args_open(&args);
    json_put_bool(&args.out, "follow", false);
    json_put(&args.out, "scope", request_param(request, 0));
    args_put_members(&args, body, taken);
    if (args_query(request, &args, NULL) && args_once(request, &args))
        args_ask(request, &args, "resume", v1_on_done);
    args_drop(&args);
}

/* -- authors -------------------------------------------------------------------------------- */

static void try_source(struct request *request, const char *verb, const char *schema)
{
    static const char *const taken[] = { "playbook", "policy", "test", NULL };
    struct span body;
    struct args args;

    if (!v1_body(request, schema, &body))
        return;
    args_open(&args);
    args_put_members(&args, body, taken);
    if (args_query(request, &args, NULL))
        args_ask(request, &args, verb, v1_on_done);
    args_drop(&args);
}

void check_source(struct request *request)
{
    try_source(request, "check", "Check");
}

void test_playbook(struct request *request)
{
    try_source(request, "test", "TestPlaybook");
}

void test_policy(struct request *request)
{
    try_source(request, "policy_test", "TestPolicy");
}

/* -- the document --------------------------------------------------------------------------- */

void get_openapi(struct request *request)
{
    struct args args;

    args_open(&args);
    if (args_query(request, &args, NULL))
        v1_on_read(request, 0, openapi_document());
    args_drop(&args);
}
