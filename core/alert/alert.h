/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert/alert.h - whoever sent it, an alert has one shape from here on.
 *
 *   {"id","source","type","title","severity","status","time","tenant","subscription",
 *    "resources":[ARM ids],
 *    "entities":{"ips","assets","accounts","hosts","urls","files"},
 *    "tactics":[],"techniques":[],"link","raw":{what came in}}
 *
 * Severity is low, medium, high or informational. ips are the addresses of attackers, and those
 * of which the sender does not say whose they are; assets are addresses too: own ones, and those
 * that were found clean. A member that the sender does not give is "" or an empty list, never
 * absent. These members are present only when they have a value: "confidence" (low, medium,
 * high), "children" (the ids of the alerts of an incident), "notes" (sentences about what
 * could not be read as it came), "over" (true: resolved, dismissed, judged false or expected;
 * false where the status alone would say so), "simulated" (true: a sample or a test), "product"
 * (the product that raised it, where another one hands it on), "keys" (what it is recognised by
 * in each feed that tells of it) and "feed" (the configured source it came from). An adapter (vm/adapt.h) puts what a source sends into this
 * shape.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct err;

enum {
    ALERT_LEN_MAX = 4 * 1024 * 1024, /* bytes of what a source sends at once */
    ALERT_ITEMS_MAX = 1000,          /* resources, children, or entities of one kind */
    ALERT_NOTES_MAX = 20,            /* sentences; later ones are left out */
    ALERT_ID_MAX = 1024              /* bytes */
};

struct json_out;

/* The shape as a JSON Schema: the members that there are, and no more. */
void alert_put_schema(struct json_out *out);

/* Adds what an adapter made, checked and completed, canonical, to out. json is checked JSON;
 * source is what it is from when it does not say. Nothing is added on failure. */
int alert_complete(struct span json, struct span source, struct str *out, struct err *err);
/* The same for an alert that arrived at arrived_ms (Unix time, 0 is unknown): this is its time
 * when the sender's own cannot be read, and a note says so. */
int alert_complete_at(struct span json, struct span source, int64_t arrived_ms,
                      struct str *out, struct err *err);
