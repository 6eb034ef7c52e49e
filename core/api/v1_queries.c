/* SPDX-License-Identifier: Apache-2.0 */
#include "api/v1_queries.h"

#include <stddef.h>

#define LIMIT(OTHERWISE)                                        \
    {                                                           \
        "limit", 'n', "How many, 1000 at most (" OTHERWISE ")." \
    }

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
    { "state", 't', "on, off, left, gone, not_restored or any; on when absent." },
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
const struct query query_again[] = {
    { "again", 'b',
      "The provider is to ask for the password, whoever is signed in there." },
    { .name = NULL },
};
const struct query query_callback[] = {
    { "code", 't', "What the provider gives out a token for." },
    { "state", 't', "Which sign-in it is." },
    { "iss", 't', "The provider's issuer." },
    { "error", 't', "Why it is not to be." },
    { .name = NULL },
};
const struct query query_unreadable[] = {
    LIMIT("50"),
    { .name = NULL },
};
const struct query query_alerts[] = {
    { "source", 't', "Of this source." },
    { "before", 't', "The cursor next of the page before, an alert." },
    LIMIT("50"),
    { .name = NULL },
};
