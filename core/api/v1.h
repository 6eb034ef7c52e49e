/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api/v1.h - /v1: each handler makes the arguments of one ask, and answers with what comes back.
 *
 * What a request may hold stands once, as data: queries (v1_queries.c) and body schemas
 * (openapi.json) are what handlers check against, and what the OpenAPI document says. Bodies and names are those of
 * docs/protocol.md.
 */
#pragma once

#include <stdbool.h>

#include "api/front.h"
#include "api/http.h"
#include "base/json.h"
#include "base/str.h"

enum {
    V1_KEY_MAX = 200,   /* bytes of an Idempotency-Key */
    V1_QUERY_MAX = 300, /* bytes of one value in a query */
    V1_STREAM_MS =
        15 * 60 * 1000,    /* then a stream ends, and who comes again shows who it is */
    V1_BEAT_MS = 15 * 1000 /* a line that says nothing keeps proxies from hanging up */
};

/* What a query may hold; ended by one without a name. */
struct query {
    const char *name;
    char kind; /* t text, n whole number, b true or false */
    const char *about;
};

/* -- Handlers; their names are the operations' ---------------------------------------------- */

handler_fn list_runs, start_run, get_run, list_run_steps, follow_run, roll_back_run,
    recover_run, cancel_run, retry_run, settle_run, signal_run, release_hold, break_glass,
    review_break_glass;
handler_fn list_gates, get_gate, vote_at_gate, answer_gate;
handler_fn list_holds, list_playbooks, get_playbook, list_actions, get_policy, list_halts,
    set_halt, lift_halt, check_holds, follow_changes, get_openapi, get_metrics;
handler_fn list_alerts, get_alert, list_unreadable;
handler_fn check_source, test_playbook, test_policy;

/* -- What handlers are made of (v1.c) -------------------------------------------------------- */

struct args {
    struct str text;
    struct json_out out;
};

void args_open(struct args *args);
/* Puts what the query holds; false: it has been answered that it may not. */
bool args_query(struct request *request, struct args *args, const struct query *queries);
/* The Idempotency-Key, when there is one. False: answered. */
bool args_once(struct request *request, struct args *args);
/* Closes the arguments and asks. */
void args_ask(struct request *request, struct args *args, const char *verb,
              answer_fn *answer);
void args_drop(struct args *args);

/* The body, checked against the schema of that name in openapi.json and canonical, which lives until the request has been
 * answered; false: answered with what is wrong with it, and where. */
bool v1_body(struct request *request, const char *name, struct span *body);
/* Puts members of the body as they are, those that are there. */
void args_put_members(struct args *args, struct span body, const char *const *names);

/* Answers: to what reads, with an ETag; to what changed something. */
void v1_on_read(struct request *request, int exit, struct span json);
void v1_on_done(struct request *request, int exit, struct span json);
void v1_on_accepted(struct request *request, int exit, struct span json); /* 202 */
/* The engine has refused. */
void v1_problem(struct request *request, int exit, struct span json);
bool v1_is_error(int exit, struct span json);

/* A new setup has come: who streams shows again who it is. */
void streams_end_all(void);
void streams_close(void); /* before the server closes */
int streams_count(void);
