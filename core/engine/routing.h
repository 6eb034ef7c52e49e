/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/routing.h - what the files that route alerts are to each other.
 *
 *   route.c        which playbooks an alert starts, and why
 *   routing.c      who is asked about which parts of an alert, and when all have answered
 *   route_match.c  does a route fit, and what does it take from the alert
 *   storm.c        of many that are alike, how many start something
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/list.h"
#include "base/str.h"

struct engine;
struct intake;
struct playbook;

enum { VIEW_PARTS = 2 };
struct view { /* of an alert: one of the names that it was told under; JSON, on the heap */
    char *full;              /* all of it, as if it came in now */
    char *titled;            /* the same under its teller's title; NULL: the same title */
    char *parts[VIEW_PARTS]; /* for what the alert has started: what is new; NULL: none */
    bool is_gain;            /* the parts are what the alert has gained */
    bool is_for_started;     /* only what the alert has started decides on it */
};

struct deciding { /* on one view of an alert */
    struct engine *engine;
    struct alert_card *card; /* NULL: only shown */
    const struct view *view;
    struct span alert; /* what is decided on */
    struct json_out out;
    /* The first route that says so, for all that starts: */
    struct span shadow, storm, notify;
    int started;
    bool is_ignored;
    bool takes_simulated; /* a route wants simulated alerts to start what they fit */
};
void route_take_routes(struct deciding *deciding);
/* What a playbook's on_alert says of the alert. False: it starts nothing. */
bool route_take_answer(struct deciding *deciding, struct playbook *playbook,
                       struct span alert, bool ok, bool matches, struct span params,
                       struct span why);

/* Resolved, dismissed, judged false or expected. */
bool alert_is_over(struct span alert);
/* The key of the route's match that does not fit; the empty span when all do. An alert that is
 * over fits only where over or status is asked for: it needs no containment. */
struct span route_misfit(struct span route, struct span alert);
/* The value at "resources.1"; the empty span when there is none. */
struct span route_alert_value(struct span alert, struct span path);
/* The route's parameters, "$alert..." replaced by what the alert has there. */
void route_put_params(struct str *text, struct span params, struct span alert);

/* What EV_CATALOGUE gave: the routes; the playbooks that alerts may start. */
struct span route_list(struct engine *engine);
bool route_enables(struct engine *engine, const struct playbook *playbook);
struct playbook *route_named(struct engine *engine, struct span name); /* NULL: none */

struct storm {
    struct list in_intake;
    int64_t key, until_ms, count;
    char *body; /* as its entry has it */
};

enum verdict { START_NOW, START_LATER, HELD_BACK };
/* start is what is to be started when its time is over ("once_after"); count gets which one of
 * them this is. */
enum verdict storm_says(struct engine *engine, struct span route, struct span alert,
                        struct span playbook, struct span start, int64_t *count);
struct storm *storm_find(struct intake *intake, int64_t key); /* NULL: none */
void storm_write(struct engine *engine, struct storm *storm, struct span start,
                 const char *name, bool is_on);
void storm_free(struct intake *intake, struct storm *storm);
