/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/alerts.h - deliveries in, and what the store knows of alerts.
 *
 * A delivery is looked up (the same id of a source is taken once within ALERTS_AGAIN_DAYS),
 * journaled, acknowledged, and read by an adapter; each alert that it holds is looked up too,
 * and told to the engine, all of them in one turn and so in one commit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct asked;
struct command;
struct err;
struct event;
struct serve;

enum {
    ALERTS_AGAIN_DAYS = 7,
    ALERTS_UNDER_WAY_MAX = 20000, /* deliveries that have not been read yet; more: "busy" */
    ALERTS_ID_MAX = 512,          /* bytes of a delivery's id */
    ALERTS_LIST_MAX = 500,        /* alerts that one ask lists */
    ALERTS_JOINED_MAX = 20,       /* other alerts that one is compared with */
    ALERTS_PLANS_SHOWN_MAX = 20   /* of one alert */
};

/* Takes what a source delivered; raw was checked. The ask is answered when it is durable:
 * {"again","delivery"}. delivery "": made from what came. */
void alerts_take(struct serve *serve, int64_t ask, struct span source, struct span delivery,
                 struct span proof, struct span raw);
void alerts_adapt(struct serve *serve, const struct command *command); /* CMD_ADAPT */
/* Those that waited for the catalogue: what has changed holds for them. */
void alerts_go_on(struct serve *serve);
/* An entry of a storm is due. */
void alerts_due(struct serve *serve, struct event *event);
/* At start: the newest number, storms; then, once playbooks are known, what was under way. */
int alerts_open(struct serve *serve, struct err *err);
int alerts_resume(struct serve *serve, struct err *err);
void alerts_close(struct serve *serve);
/* Adds the bytes of a delivery, given the body of its row. */
void alerts_raw(struct str *out, struct span body);
/* The verbs alert, alerts, explain_alert, deliver, hook_test, unreadable. */
bool alerts_ask(struct serve *serve, const struct asked *asked);

/* -- alert_views.c -------------------------------------------------------------------- */
void alerts_list(struct serve *serve, const struct asked *asked); /* alerts */
void alerts_show(struct serve *serve, const struct asked *asked); /* alert, explain_alert */

/* -- hook_trial.c --------------------------------------------------------------------- */
/* Answers the ask with {"alerts":[{"alert","decisions"}]}, or with why raw is no delivery. */
void hook_trial(struct serve *serve, const struct asked *asked, struct span raw);

/* -- catalogue.c ---------------------------------------------------------------------- */
/* The playbooks that alerts may start, and routes.lua: read, and read again when they change.
 * done is called once all has been read. What does not load is left out, and told. Alerts
 * that come meanwhile wait for it, and are routed by what was read. */
typedef void catalogue_done_fn(struct serve *serve);
void catalogue_read(struct serve *serve, catalogue_done_fn *done);
/* What of it cannot be read, and why. */
/* What can start nothing, a route or an on_alert: a sentence that begins with its place. */
void catalogue_each_unreached(struct serve *serve, void (*fn)(void *arg, const char *text),
                              void *arg);
void catalogue_each_error(struct serve *serve,
                          void (*fn)(void *arg, const char *path, const char *why),
                          void *arg);
void catalogue_reread(struct serve *serve); /* cordon.lua names others now */
void catalogue_check(struct serve *serve);  /* looks whether a file has changed */
void catalogue_close(struct serve *serve);
/* The version in force of a name, as hash in hex; empty when the catalogue has none. */
struct span catalogue_version(struct serve *serve, struct span name);
/* Calls fn for each playbook of it that has been loaded. */
void catalogue_each(struct serve *serve, void (*fn)(void *arg, struct span hash),
                    void *arg);
/* A file that has changed is being read. */
bool catalogue_is_reading(const struct serve *serve);
