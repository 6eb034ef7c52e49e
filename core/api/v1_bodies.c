/* SPDX-License-Identifier: Apache-2.0 */
#include "api/v1_bodies.h"

#include <stddef.h>

#define OBJECT(REQUIRED, MEMBERS)                                                 \
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[" REQUIRED \
    "],\"properties\":{" MEMBERS "}}"
#define TEXT(NAME, ABOUT) \
    "\"" NAME "\":{\"type\":\"string\",\"minLength\":1,\"description\":\"" ABOUT "\"}"
#define FLAG(NAME, ABOUT) \
    "\"" NAME "\":{\"type\":\"boolean\",\"description\":\"" ABOUT "\"}"
#define DIGEST(NAME, ABOUT)                                                \
    "\"" NAME "\":{\"type\":\"string\",\"minLength\":64,\"maxLength\":64," \
    "\"description\":\"" ABOUT "\"}"
#define REASON TEXT("reason", "Why; it is journaled and shown.")
#define FILE_IN(NAME, ABOUT)                                                 \
    "\"" NAME "\":{\"type\":\"object\",\"additionalProperties\":false,"      \
    "\"required\":[\"name\",\"source\"],\"description\":\"" ABOUT            \
    "\",\"properties\":{" TEXT("name",                                       \
                               "Its name, without .lua.") "," TEXT("source", \
                                                                   "Its text.") "}}"

const char body_start[] =
    OBJECT("\"playbook\"",
           TEXT("playbook",
                "The name of a playbook that GET /v1/playbooks "
                "lists.") ","
                          "\"params\":{\"type\":\"object\","
                          "\"description\":\"As the playbook's "
                          "params want "
                          "them.\"},"
                          "\"alert\":{\"type\":\"object\","
                          "\"description\":\"An alert as its source "
                          "sent it; the "
                          "playbook's on_alert makes parameters of "
                          "it.\"}," FLAG("force",
                                         "Take an alert that on_alert does not "
                                         "match.") "," FLAG("dry_run", "Plan: read, show "
                                                                       "what would change, "
                                                                       "change nothing."));
const char body_rollback[] =
    OBJECT("", TEXT("step", "Only this step, like 0/3.") "," TEXT(
                   "target",
                   "Only what was changed at "
                   "this target.") "," TEXT("to", "All that was done after this "
                                                  "step.") "," FLAG("dry_run",
                                                                    "Show what "
                                                                    "would be "
                                                                    "undone, and "
                                                                    "change "
                                                                    "nothing.") "," REASON);
const char body_nothing[] = OBJECT("", "");
const char body_reason[] = OBJECT("", REASON);
const char body_needs_reason[] = OBJECT("\"reason\"", REASON);
const char body_settle[] = OBJECT(
    "\"choice\"",
    TEXT("step",
         "Like 0/3; the first that waits when absent.") ","
                                                        "\"choice\":{\"type\":\"string\","
                                                        "\"enum\":[\"applied\",\"not-"
                                                        "applied\",\"leave\","
                                                        "\"restore\",\"accept\"],"
                                                        "\"description\":\"applied or "
                                                        "not-applied for a doubt; leave, "
                                                        "restore or accept for a "
                                                        "drift.\"}," REASON);
const char body_signal[] = OBJECT(
    "\"name\"",
    TEXT("name",
         "The signal that the playbook waits for.") ","
                                                    "\"value\":{\"description\":\"Any "
                                                    "JSON; true when absent.\"}");
const char body_release[] = OBJECT("\"hold\"", TEXT("hold", "Like h-000041-3.") "," REASON);
const char body_glass[] = OBJECT(
    "\"reason\",\"gates\"", REASON
    ",\"gates\":{\"type\":\"array\",\"minItems\":1,\"description\":\"What was looked "
    "at.\",\"items\":" OBJECT("\"gate\",\"digest\"",
                              TEXT("gate", "Like g-000041-1.") "," DIGEST(
                                  "digest", "As the gate shows it.")) "}");
const char body_review[] =
    OBJECT("\"reason\"", REASON "," FLAG("reject", "It should not have been done."));
const char body_vote[] =
    OBJECT("\"vote\"",
           "\"vote\":{\"type\":\"string\",\"enum\":[\"approve\",\"deny\"]}," DIGEST(
               "digest",
               "The gate's digest: what was looked at. If-Match says it "
               "too.") "," REASON
                       "," TEXT("sig", "A signature as ssh-keygen -Y sign makes it."));
const char body_answer[] =
    OBJECT("\"value\"",
           "\"value\":{\"description\":\"One of the choices, or of the wanted type.\"}");
const char body_halt[] =
    OBJECT("\"scope\",\"reason\"",
           TEXT("scope", "all, plugin:NAME or playbook:NAME.") "," REASON);
const char body_check[] =
    OBJECT("", FILE_IN("playbook", "A playbook to check.") "," FILE_IN("policy",
                                                                       "Or a policy."));
const char body_test[] =
    OBJECT("\"playbook\",\"test\"",
           FILE_IN("playbook", "The playbook.") "," FILE_IN("test", "Its NAME.test.lua."));
const char body_policy_test[] =
    OBJECT("\"policy\",\"test\"",
           FILE_IN("policy", "The policy.") "," FILE_IN("test", "Its NAME.test.lua."));

#define LIMIT(OTHERWISE)                                        \
    {                                                           \
        "limit", 'n', "How many, 1000 at most (" OTHERWISE ")." \
    }

#define WORDS(NAME, ABOUT)                                                            \
    "\"" NAME                                                                         \
    "\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"" ABOUT \
    "\"}"
/* clang-format off: one member a line */
const char body_sign_in[] =
    OBJECT("\"name\",\"password\"",
           TEXT("name", "Whose account.") "," TEXT("password", "Their password."));
const char body_sign_in_again[] =
    OBJECT("\"password\"", TEXT("password", "The password of whoever is signed in."));
const char body_token[] = OBJECT(
    "\"name\",\"roles\"",
    TEXT("name", "It acts as token:NAME.") "," TEXT(
        "for",
        "Or as this person: "
        "yourself.") "," WORDS("roles",
                               "viewer, responder, approver, author, admin: of those that "
                               "you "
                               "have.") "," WORDS("groups",
                                                  "Votes for these groups of the policy "
                                                  "only.") ","
                                                           "\"expires\":{\"type\":"
                                                           "\"string\",\"format\":"
                                                           "\"duration\","
                                                           "\"description\":\"Like 30d; "
                                                           "90d when "
                                                           "absent.\"}," REASON);
/* clang-format on */

const struct query query_runs[] = {
    { "state", 't',
      "running, waiting, stuck, done, failed, denied, canceled, diverged or "
      "blocked." },
    { "playbook", 't', "Of this playbook." },
    { "by", 't', "Started by this person." },
    { "before", 't', "The cursor next of the page before, a run." },
    LIMIT("100"),
    { .name = NULL },
};
const struct query query_gates[] = {
    { "run", 't', "Of this run." },
    { "after", 't', "The cursor next of the page before, a gate." },
    LIMIT("1000"),
    { .name = NULL },
};
const struct query query_holds[] = {
    { "run", 't', "Of this run." },
    { "state", 't', "on, off, left or any; on when absent." },
    { "action", 't', "Of this action." },
    { "target", 't', "At this target." },
    { "after", 't', "The cursor next of the page before, a hold." },
    LIMIT("1000"),
    { .name = NULL },
};
const struct query query_events[] = {
    { "since", 'n', "Begin behind this row; Last-Event-ID says it too." },
    { .name = NULL },
};
