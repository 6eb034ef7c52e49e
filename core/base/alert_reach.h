/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/alert_reach.h - what a match of alerts asks for and no alert can have.
 *
 * Playbooks (on_alert.when), routes and rules of a policy match alerts by their members. A
 * misspelt source, a severity that cordon never gives, a status that it replaces: such a match
 * is accepted by its form, fits nothing, and the alert is lost.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"

struct err;
struct str;

/* What the configuration adds to the built-in names of kinds and products:
 * {"names":[...],"open":true}. open: a sender (generic, CloudEvents, an adapter of one's own)
 * may itself say what its alerts are from, so a name that is like none may come. Empty: nothing
 * is known, and no source is looked at. */
struct reach_known {
    struct span sources;
};

/* Does an alert of this status need no containment (resolved, dismissed, judged false)? */
bool reach_is_over(struct span status);

/* Each returns 0, or ERR_INVALID and a sentence that begins with what is wrong. value is a
 * pattern, or a list of them. */
int reach_source(struct reach_known known, struct span value, struct err *err);
int reach_severity(struct span value, struct err *err);
int reach_confidence(struct span value, struct err *err);
int reach_status(struct span value, struct err *err);

/* The first member of a match that can fit nothing: key gets its name. */
int reach_match(struct reach_known known, struct span match, const char **key,
                struct err *err);

/* A type that looks like a misspelt family of Defender for Cloud's ("AppService_*"), where the
 * match names that source: a hint, since new families come without a word. */
bool reach_type_hint(struct span match, struct str *text);
