/* SPDX-License-Identifier: Apache-2.0 */
#include "api/openapi_words.h"

#include "api/v1_queries.h"

/* openapi.json, as it is; the Makefile says that this file depends on it. */
__asm__(".pushsection .rodata\n"
        ".global openapi_base\n"
        "openapi_base:\n"
        ".incbin \"core/api/openapi.json\"\n"
        ".byte 0\n"
        ".popsection\n");

enum {
    LISTED = WORDS_ETAG,
    DONE_ONCE = WORDS_ONCE,
};
static const char goes_on[] =
    "It is durable, and goes on by itself; Location names the run.";

const struct words openapi_words[] = {
    /* runs */
    { "list_runs", "runs", "Runs, newest first", NULL, LISTED, query_runs, .reply = "Runs",
      .answer = "A page of runs." },
    { "start_run", "runs", "Start a run, or plan one",
      "By the playbook's name. With dry_run the answer is the plan (200), and nothing is "
      "changed or kept.",
      DONE_ONCE | WORDS_TRACE | WORDS_PLAN, NULL, "StartRun", "Accepted", NULL, "202",
      goes_on },
    { "get_run", "runs", "A run with its rows", NULL, LISTED, .reply = "RunShown",
      .answer = "The run." },
    { "list_run_steps", "runs", "What a run did, step by step", NULL, LISTED,
      .reply = "Steps", .answer = "Its steps, in the order in which they began." },
    { "follow_run", "events", "Rows of a run, as they become durable",
      "Server-sent events. Begins with the run's first row; the id of an event is its "
      "row's "
      "number. Ends with the event over when the run is over, and with 204 for who has "
      "seen "
      "that.",
      WORDS_EVENTS, query_events, NULL, "Events", "text/event-stream", NULL, "A stream." },
    { "roll_back_run", "runs", "Undo what a run did",
      "As a run of its own, with gates of its own. With dry_run the answer is what would "
      "be "
      "undone.",
      DONE_ONCE | WORDS_PLAN, NULL, "RollBack", "Accepted", NULL, "202", goes_on },
    { "recover_run", "runs", "Run the playbook's recover function", NULL, DONE_ONCE, NULL,
      "Nothing", "Accepted", NULL, "202", goes_on },
    { "cancel_run", "runs", "Stop a run", "What it has contained stays contained.",
      DONE_ONCE, NULL, "Reason", "Accepted", NULL, "202", goes_on },
    { "retry_run", "runs", "Try again what a person was asked about", NULL, DONE_ONCE, NULL,
      "Reason", "Accepted", NULL, "202", goes_on },
    { "settle_run", "runs", "Say what is true of a step in doubt, or of a drift", NULL,
      DONE_ONCE, NULL, "Settle", "Accepted", NULL, "202", goes_on },
    { "signal_run", "runs", "Tell a run what it waits for", NULL, DONE_ONCE, NULL, "Signal",
      "Accepted", NULL, "202", goes_on },
    { "release_hold", "ledger", "Let go of one hold of a run", NULL, DONE_ONCE, NULL,
      "Release", "Accepted", NULL, "202", goes_on },
    { "break_glass", "gates", "Grant a run's open gates alone",
      "Only for whom the policy lets; everybody is told, and others review it.", DONE_ONCE,
      NULL, "BreakGlass", NULL, NULL, NULL, "It is granted." },
    { "review_break_glass", "gates", "Review a break-glass", NULL, DONE_ONCE, NULL,
      "Review", NULL, NULL, NULL, "It is reviewed." },
    /* gates */
    { "list_gates", "gates", "Open gates", NULL, LISTED, query_gates, .reply = "Gates",
      .answer = "A page of gates." },
    { "get_gate", "gates", "A gate: what is asked, and what was said", NULL, LISTED,
      .reply = "Gate", .answer = "The gate." },
    { "vote_at_gate", "gates", "Approve or deny",
      "A vote is for the digest of what was looked at. The policy says who may vote; the "
      "role approver is wanted beside that. Denying wants a reason.",
      DONE_ONCE | WORDS_MATCH, NULL, "Vote", "Accepted", NULL, NULL,
      "The vote is durable." },
    { "answer_gate", "gates", "Answer a question", NULL, DONE_ONCE, NULL, "Answer",
      "Accepted", NULL, NULL, "The answer is durable." },
    /* ledger, catalogue, halts */
    { "list_holds", "ledger", "What is contained", NULL, LISTED, query_holds,
      .reply = "Holds", .answer = "A page of holds." },
    { "list_playbooks", "catalog", "Playbooks that can be started", NULL, LISTED,
      .reply = "Playbooks", .answer = "The newest version of each name." },
    { "get_playbook", "catalog", "A playbook, with the schema of its params", NULL, LISTED,
      .reply = "Playbook", .answer = "The playbook." },
    { "list_actions", "catalog", "What plugins offer", NULL, LISTED, .reply = "Actions",
      .answer = "All actions of trusted plugins." },
    { "get_policy", "catalog", "The policy in force", NULL, LISTED, .reply = "Policy",
      .answer = "The policy, or why there is none." },
    { "list_halts", "halts", "Halts in force", NULL, LISTED, .reply = "Halts",
      .answer = "The halts." },
    { "check_holds", "ledger", "Observe the target of each hold again",
      "Nothing is written to a target. GET /v1/holds then says in seen what is not in "
      "force "
      "any more.",
      0, NULL, "Nothing", "Checked", NULL, NULL, "How many targets were observed." },
    { "set_halt", "halts", "Halt: nothing changes anything in this scope", NULL, DONE_ONCE,
      NULL, "SetHalt", "Halt", NULL, NULL, "It is in force." },
    { "lift_halt", "halts", "Resume", NULL, DONE_ONCE, NULL, "NeedsReason", "Halt", NULL,
      NULL, "It is lifted." },
    { "list_alerts", "alerts", "Alerts, newest first", NULL, LISTED, query_alerts,
      .reply = "Alerts", .answer = "A page of alerts." },
    { "get_alert", "alerts", "An alert, and why it did or did not start a run", NULL,
      LISTED, .reply = "AlertShown", .answer = "The alert." },
    { "list_unreadable", "alerts", "Deliveries that could not be read, newest first", NULL,
      LISTED, query_unreadable, .reply = "Unreadable",
      .answer = "What was kept and not read, and what was refused." },
    /* authors */
    { "check_source", "authors", "Check a playbook or a policy", NULL, 0, NULL, "Check",
      "Findings", NULL, NULL, "What was found; nothing is kept." },
    { "test_playbook", "authors", "Run a playbook's tests", NULL, 0, NULL, "TestPlaybook",
      "Tests", NULL, NULL, "What passed; nothing is kept." },
    { "test_policy", "authors", "Run a policy's tests", NULL, 0, NULL, "TestPolicy",
      "Tests", NULL, NULL, "What passed; nothing is kept." },
    /* the rest */
    { "follow_changes", "events", "What changes, of all runs",
      "Server-sent events: runs, gates, votes, holds, halts, alerts. Without "
      "Last-Event-ID the first is begin; reset says that too much was missed, and that "
      "lists are to be read anew.",
      WORDS_EVENTS, query_events, NULL, "Events", "text/event-stream", NULL, "A stream." },
    { "get_openapi", "service", "This document", NULL, LISTED, .answer = "OpenAPI 3.1." },
    { "get_metrics", "service", "Metrics for Prometheus", NULL, 0, .type = "text/plain",
      .answer = "The text format, version 0.0.4." },
    { "get_me", "access", "Who one is", "In a session, with its token for X-Cordon-Token.",
      0, .reply = "Me", .answer = "Name, roles, groups." },
    { "list_tokens", "access", "Tokens", NULL, LISTED, .reply = "Tokens",
      .answer = "All that were made, also those that are over; without their text." },
    { "create_token", "access", "Make a token",
      "For a program or for yourself, with roles and groups of your own. Its text is shown "
      "in "
      "this answer and never again.",
      0, NULL, "AddToken", "TokenMade", NULL, "201", "The token." },
    { "revoke_token", "access", "Revoke a token", "At once, and for good.", 0, NULL,
      "Reason", "Token", NULL, NULL, "It is revoked." },
    { "list_sign_ins", "access", "How one can sign in", NULL, 0, .reply = "SignIns",
      .answer = "With a password, and with which providers." },
    { "sign_in", "access", "Sign in with a password",
      "From a page of the console's origin. Sets the session's cookie.", 0, NULL, "SignIn",
      "Me", NULL, NULL, "Signed in." },
    { "sign_in_again", "access", "Show once more that it is you",
      "Votes and what an admin changes want a password that was typed lately.", 0, NULL,
      "SignInAgain", "Me", NULL, NULL, "It counts from now on." },
    { "begin_oidc", "access", "Sign in with a provider",
      "Answers with where the browser is to go. With again=true the provider is to ask for "
      "the password.",
      0, query_again, NULL, "Location", NULL, NULL, "Where to go." },
    { "end_oidc", "access", "Come back from a provider",
      "The provider sends the browser here. Text for people when it does not work.",
      WORDS_EMPTY, query_callback, .status = "303",
      .answer = "Signed in; on to /console/." },
    { "sign_out", "access", "Sign out", NULL, WORDS_EMPTY, .status = "204",
      .answer = "The session has ended." },
    { "get_health", "service", "Does the process live", NULL, 0, .reply = "Health",
      .answer = "It does." },
    { "get_ready", "service", "Can it work", NULL, 0, .reply = "Ready",
      .answer = "It can; 503 when it cannot, with what is missing." },
    { "go_to_console", "service", "The console's address", NULL, WORDS_EMPTY,
      .status = "302", .answer = "It is at /console/." },
    { "get_console", "service", "The console", NULL, WORDS_ETAG, .type = "text/html",
      .answer = "Its page." },
    { "get_console_file", "service", "A file of the console", NULL, WORDS_ETAG,
      .type = "text/javascript", .answer = "The file." },
    { "post_hook", "hooks", "Deliver alerts",
      "What the source sends, proven as cordon.lua says of it. 200 answers a handshake.", 0,
      .status = "202",
      .answer = "It is on disk: its name, and whether it had come before." },
    { "greet_hook", "hooks", "May this origin send CloudEvents", NULL, WORDS_EMPTY,
      .answer = "It may, so often a minute." },
    { .operation = NULL },
};
