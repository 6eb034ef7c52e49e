/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/v1_runs.c - runs: started, looked at, undone, settled.
 */
#include "api/v1_queries.h"

#include <string.h>

#include "base/id.h"

enum { TRACE_LEN = 55 };

/* -- reading -------------------------------------------------------------------------------- */

void list_runs(struct request *request)
{
    struct args args;

    args_open(&args);
    if (args_query(request, &args, query_runs))
        args_ask(request, &args, "runs", v1_on_read);
    args_drop(&args);
}

/* The run of the path, into the arguments; false: answered that there is none of that name. */
static bool put_run(struct request *request, struct args *args)
{
    struct span name = span_of(request_param(request, 0));
    int64_t run;

    if (!id_parse_run(name, &run)) {
        respond_problem(request, 404, "not_found",
                        "there is no run %.40s; runs are named like r-000041",
                        request_param(request, 0));
        return false;
    }
    json_put(&args->out, "run", id_run(run).text);
    return true;
}

static void read_run(struct request *request, const char *verb)
{
    struct args args;

    args_open(&args);
    if (put_run(request, &args) && args_query(request, &args, NULL))
        args_ask(request, &args, verb, v1_on_read);
    args_drop(&args);
}

void get_run(struct request *request)
{
    read_run(request, "show");
}

void list_run_steps(struct request *request)
{
    read_run(request, "steps");
}

/* -- starting ------------------------------------------------------------------------------- */

/* "00-", 32 hex digits, "-", 16, "-", 2, and neither id all zeros; anything else is as if it were
 * not there, as the W3C wants it. */
static bool is_trace(const char *text)
{
    static const char shape[] = "00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";

    if (text == NULL || strlen(text) != TRACE_LEN)
        return false;
    for (int i = 0; i < TRACE_LEN; i++)
        if (shape[i] == 'x' ? strchr("0123456789abcdef", text[i]) == NULL
                            : text[i] != shape[i])
            return false;
    return strspn(text + 3, "0") < 32 && strspn(text + 36, "0") < 16;
}

static void put_alert(struct args *args, struct span alert)
{
    if (alert.len > 0)
        json_put_span(&args->out, "alert_text", alert);
}

/* The trace goes on in the answer: whoever asked may look for it. */
static void put_trace(struct request *request, struct args *args)
{
    const char *trace = request_header(request, "traceparent");

    if (!is_trace(trace))
        return;
    json_put(&args->out, "trace", trace);
    respond_header(request, "traceparent", trace);
}

/* false: it has been answered. */
static bool may_start(struct request *request, struct span playbook)
{
    struct span bound = span_of(request_caller(request)->playbooks), name;
    size_t pos = 0;

    if (bound.len == 0)
        return true;
    while (json_next(bound, &pos, NULL, &name))
        if (json_same(name, playbook))
            return true;
    respond_problem(request, 403, "bound", "this token does not start that playbook: %.*s",
                    (int)(bound.len < 300 ? bound.len : 300), bound.ptr);
    return false;
}

void start_run(struct request *request)
{
    static const char *const taken[] = { "force", "playbook", NULL };
    struct span body;
    struct args args;

    if (!v1_body(request, "StartRun", &body) ||
        !may_start(request, json_get(body, "playbook")))
        return;
    bool is_dry = json_get_bool(body, "dry_run", false);
    args_open(&args);
    json_put_bool(&args.out, "follow", false);
    args_put_members(&args, body, taken);
    if (json_get(body, "params").len > 0)
        json_put_raw(&args.out, "params_json", json_get(body, "params"));
    put_alert(&args, json_get(body, "alert"));
    put_trace(request, &args);
    if (args_query(request, &args, NULL) && args_once(request, &args))
        args_ask(request, &args, is_dry ? "plan" : "run",
                 is_dry ? v1_on_done : v1_on_accepted);
    args_drop(&args);
}

/* -- what is done with one ------------------------------------------------------------------ */

/* Takes some members of the body as they are. */
static void change_run(struct request *request, const char *verb, const char *schema,
                       const char *const *taken, answer_fn *answer)
{
    struct span body;
    struct args args;

    if (!v1_body(request, schema, &body))
        return;
    args_open(&args);
    json_put_bool(&args.out, "follow", false);
    args_put_members(&args, body, taken);
    if (put_run(request, &args) && args_query(request, &args, NULL) &&
        args_once(request, &args))
        args_ask(request, &args, verb, answer);
    args_drop(&args);
}

void roll_back_run(struct request *request)
{
    static const char *const taken[] = { "reason", "step", "target", "to", NULL };
    struct span body;
    struct args args;

    if (!v1_body(request, "RollBack", &body))
        return;
    bool is_dry = json_get_bool(body, "dry_run", false);
    args_open(&args);
    json_put_bool(&args.out, "follow", false);
    json_put_bool(&args.out, "plan", is_dry);
    args_put_members(&args, body, taken);
    if (put_run(request, &args) && args_query(request, &args, NULL) &&
        args_once(request, &args))
        args_ask(request, &args, "rollback", is_dry ? v1_on_done : v1_on_accepted);
    args_drop(&args);
}

static const char *const only_reason[] = { "reason", NULL };

void recover_run(struct request *request)
{
    change_run(request, "recover", "Nothing", only_reason, v1_on_accepted);
}

void cancel_run(struct request *request)
{
    change_run(request, "cancel", "Reason", only_reason, v1_on_accepted);
}

void retry_run(struct request *request)
{
    change_run(request, "retry", "Reason", only_reason, v1_on_accepted);
}

void settle_run(struct request *request)
{
    static const char *const taken[] = { "choice", "reason", "step", NULL };

    change_run(request, "settle", "Settle", taken, v1_on_accepted);
}

void signal_run(struct request *request)
{
    static const char *const taken[] = { "name", "value", NULL };

    change_run(request, "signal", "Signal", taken, v1_on_accepted);
}

void release_hold(struct request *request)
{
    static const char *const taken[] = { "hold", "reason", NULL };

    change_run(request, "release", "Release", taken, v1_on_accepted);
}

void break_glass(struct request *request)
{
    static const char *const taken[] = { "gates", "reason", NULL };

    change_run(request, "break_glass", "BreakGlass", taken, v1_on_done);
}

void review_break_glass(struct request *request)
{
    static const char *const taken[] = { "reason", "reject", NULL };

    change_run(request, "review", "Review", taken, v1_on_done);
}
