/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert/alert.h - whoever sent it, an alert has one shape from here on.
 *
 *   {"id","source","type","title","severity","status","time","tenant","subscription",
 *    "resources":[ARM ids],"entities":{"ips","accounts","hosts","urls","files"},
 *    "tactics":[],"techniques":[],"link","raw":{what came in}}
 *
 * Severity is low, medium, high or informational. What the sender does not say is "" or an
 * empty list, never absent. Text that is no alert is refused with a sentence that says what
 * would be one.
 */
#pragma once

#include "base/str.h"

struct err;

enum {
    ALERT_LEN_MAX = 256 * 1024, /* bytes of an alert as it comes in */
    ALERT_ITEMS_MAX = 1000,     /* resources, or entities of one kind */
    ALERT_MEMBERS_MAX = 500, /* of an object whose keys are read without regard to case */
    ALERT_IDS_MAX = 4000     /* "$id"s of an alert */
};

/* Adds the normalised alert, canonical, to out. text comes from a stranger: it is checked
 * first. Nothing is added on failure. */
int alert_normalise(struct span text, struct str *out, struct err *err);
