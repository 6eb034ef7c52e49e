/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert/alert.h - whoever sent it, an alert has one shape from here on.
 *
 *   {"id","source","type","title","severity","status","time","tenant","subscription",
 *    "resources":[ARM ids],"entities":{"ips","accounts","hosts","urls","files"},
 *    "tactics":[],"techniques":[],"link","raw":{what came in}}
 *
 * Severity is low, medium, high or informational. What the sender does not say is "" or an
 * empty list, never absent, but for two that are there only when there is something to say:
 * "confidence" (low, medium, high), and "children", the ids of the alerts that an incident is
 * made of. What a source sends is put into this shape by its adapter (vm/adapt.h).
 */
#pragma once

#include "base/str.h"

struct err;

enum {
    ALERT_LEN_MAX = 256 * 1024, /* bytes of what a source sends at once */
    ALERT_ITEMS_MAX = 1000,     /* resources, children, or entities of one kind */
    ALERT_ID_MAX = 1024         /* bytes */
};

/* Adds what an adapter made, checked and completed, canonical, to out. json is checked JSON;
 * source is what it is from when it does not say. Nothing is added on failure. */
int alert_complete(struct span json, struct span source, struct str *out, struct err *err);
