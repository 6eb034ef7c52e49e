/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/route.c - which runs an alert starts, and why.
 *
 * What the organisation decides (routes.lua) comes first, in its order, then what each
 * playbook says of itself (on_alert). A route that fits may
 *
 *     ignore          nothing starts, whatever comes behind it
 *     start           the playbook that it names, with its parameters
 *     shadow          what starts by it, or by a playbook's on_alert, is only planned
 *                     (alert_plan.c)
 *     hold a storm    by what it counts by: once within a time, once after it, or only when
 *                     so many have come within it
 *
 * Each decision is written with the alert, also that nothing started, and shares its commit
 * with the runs that it starts. The playbooks' own answers come from their VMs; a crash before
 * the commit asks them again.
 */
#include "engine/internal.h"
#include "engine/routing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/schema.h"

/* -- the catalogue ------------------------------------------------------------------------- */

void route_on_catalogue(struct engine *engine, const struct event *event)
{
    struct intake *intake = intake_of(engine);

    free(intake->routes);
    free(intake->enabled);
    intake->routes = span_dup(json_get(event->json, "routes"));
    intake->enabled = span_dup(json_get(event->json, "playbooks"));
}

bool route_enables(struct engine *engine, const struct playbook *playbook)
{
    struct span hash;
    size_t pos = 0;

    while (json_next(span_of(intake_of(engine)->enabled), &pos, NULL, &hash))
        if (span_is(json_raw(hash), playbook->hash))
            return true;
    return false;
}

struct span route_list(struct engine *engine)
{
    return span_of(intake_of(engine)->routes);
}

struct playbook *route_named(struct engine *engine, struct span name)
{
    list_each (link, after, &engine->playbooks) {
        struct playbook *playbook = list_item(link, struct playbook, in_engine);

        if (span_is(name, playbook->name) && route_enables(engine, playbook))
            return playbook;
    }
    return NULL;
}

/* -- decisions ----------------------------------------------------------------------------- */

static struct span source_of(struct deciding *deciding)
{
    struct str who = { 0 };

    char *feed = json_get_text(deciding->alert, "feed");

    str_printf(&who, "source:%s", feed != NULL ? feed : deciding->card->source);
    free(feed);
    struct span kept = turn_keep(deciding->engine, str_span(&who));
    str_fini(&who);
    return kept;
}

static bool start_it(struct deciding *deciding, struct playbook *playbook,
                     struct span params, struct span notify)
{
    struct alert_card *card = deciding->card;
    struct err err;
    struct run *run;

    if (deciding->started >= ENGINE_ALERT_RUNS_MAX) {
        json_put(&deciding->out, "error", "one alert starts no more runs than that");
        return false;
    }
    deciding->engine->notify = notify;
    run = start_for_alert(deciding->engine, playbook, params, deciding->alert,
                          source_of(deciding), &err);
    deciding->engine->notify = (struct span){ 0 };
    if (run == NULL) {
        json_put(&deciding->out, "error", err.text);
        return false;
    }
    deciding->started++;
    json_put(&deciding->out, "run", id_run(run->id).text);
    if (card->runs.len > 0)
        str_add_char(&card->runs, ',');
    str_printf(&card->runs, "\"%s\"", id_run(run->id).text);
    return true;
}

static void put_start(struct str *text, const struct deciding *deciding,
                      const struct playbook *playbook, struct span params,
                      struct span notify)
{
    struct json_out out = { .str = text };

    json_open(&out, '{');
    json_put_raw(&out, "alert", deciding->alert);
    json_put_int(&out, "i", deciding->card->number);
    if (notify.len > 0)
        json_put_raw(&out, "notify", notify);
    json_put_int(&out, "of", deciding->card->first_seq);
    json_put_raw(&out, "params", params);
    json_put(&out, "playbook", playbook->hash);
    json_close(&out);
}

static bool wants_simulated(struct span match)
{
    return json_get_bool(match, "simulated", false);
}

/* A sample or a test changes nothing, unless who decides asked for such alerts. */
static bool is_only_planned(struct deciding *deciding, const struct playbook *playbook,
                            struct span route)
{
    struct span on_alert = json_get(span_of(playbook->info), "on_alert");

    if (!json_get_bool(deciding->alert, "simulated", false) || deciding->takes_simulated)
        return false;
    return !wants_simulated(route.len > 0 ? json_get(route, "match")
                                          : json_get(on_alert, "when"));
}

/* Opens and closes one decision. Members in the order of their names. False: nothing could be
 * started. */
static bool decide(struct deciding *deciding, struct playbook *playbook, struct span params,
                   struct span route, const char *why)
{
    struct json_out *out = &deciding->out;
    struct span storm = json_get(route, "storm").len > 0 ? route : deciding->storm;
    struct span shadow =
        span_is(json_get_raw(route, "mode"), "shadow") ? route : deciding->shadow;
    struct span notify =
        json_get(route, "notify").len > 0 ? json_get(route, "notify") : deciding->notify;
    enum verdict verdict = START_NOW;
    int64_t count = 0;
    bool is_planned = false, is_right = true,
         is_sample = is_only_planned(deciding, playbook, route);
    bool is_shadow = shadow.len > 0 || is_sample;
    struct err err = { 0 };

    json_open(out, '{');
    if (storm.len > 0 && !is_shadow && deciding->card != NULL) {
        struct str start = { 0 };

        put_start(&start, deciding, playbook, params, notify);
        verdict = storm_says(deciding->engine, storm, deciding->alert,
                             span_of(playbook->name), str_span(&start), &count);
        str_fini(&start);
        json_put_int(out, "count", count);
    }
    if (is_shadow || deciding->card == NULL) {
        is_right =
            schema_match(json_get(span_of(playbook->info), "params"), params, &err) == 0;
        if (!is_right)
            json_put(out, "error", err.text);
        else if (deciding->card != NULL)
            is_planned = alert_plan(deciding->engine, deciding->card->number, playbook,
                                    params, deciding->alert, source_of(deciding));
    } else if (verdict == START_NOW) {
        is_right = start_it(deciding, playbook, params, notify);
    }
    json_put_bool(out, "fits", true);
    if (notify.len > 0)
        json_put_raw(out, "notify", notify);
    json_put_raw(out, "params", params);
    if (is_shadow && deciding->card != NULL)
        json_put_bool(out, "planned", is_planned);
    json_put(out, "playbook", playbook->name);
    if (route.len > 0)
        json_put_raw(out, "route", json_get(route, "name"));
    if (shadow.len > 0)
        json_put_raw(out, "shadow", json_get(shadow, "name"));
    if (is_sample)
        json_put_bool(out, "simulated", true);
    if (storm.len > 0)
        json_put_raw(out, "storm", json_get(storm, "name"));
    if (verdict != START_NOW)
        json_put_bool(out, "waits", verdict == START_LATER);
    json_put(out, "why", why);
    json_close(out);
    return is_right;
}

/* Once for all names that the alert was told under. Members in the order of their names. */
static void put_misfit(struct deciding *deciding, struct span playbook, struct span route,
                       struct span error, const char *why)
{
    struct str row = { 0 };
    struct json_out out = { .str = &row };

    json_open(&out, '{');
    if (error.len > 0)
        json_put_span(&out, "error", error);
    json_put_bool(&out, "fits", false);
    if (playbook.len > 0)
        json_put_span(&out, "playbook", playbook);
    if (route.len > 0)
        json_put_raw(&out, "route", route);
    json_put(&out, "why", why);
    json_close(&out);
    if (strstr(str_text(deciding->out.str), str_text(&row)) == NULL)
        json_raw_value(&deciding->out, str_span(&row));
    str_fini(&row);
}

static void say_not(struct deciding *deciding, struct span playbook, struct span route,
                    const char *text, struct span detail)
{
    struct str why = { 0 };

    str_add_text(&why, text);
    str_add_span(&why, detail);
    put_misfit(deciding, playbook, route, (struct span){ 0 }, str_text(&why));
    str_fini(&why);
}

/* Something is wrong here, and not with the alert: people are told, with the error. */
static void say_cannot(struct deciding *deciding, struct span playbook, struct span route,
                       const char *text, struct span detail)
{
    struct str why = { 0 };

    str_add_text(&why, text);
    str_add_span(&why, detail);
    put_misfit(deciding, playbook, route, str_span(&why), str_text(&why));
    str_fini(&why);
}

/* What routes are compared with. */
static struct span matched_by(const struct deciding *deciding)
{
    const struct view *view = deciding->view;

    return span_of(view->titled != NULL ? view->titled : view->full);
}

/* What the alert has started already is not started again: other names for it, and what it
 * gains and the playbook has no use for, lead to the same parameters. */
static void start_once(struct deciding *deciding, struct playbook *playbook,
                       struct span alert, struct span params, struct span route,
                       const char *why)
{
    struct alert_card *card = deciding->card;
    struct span name = json_get(route, "name");

    deciding->alert = alert;
    if (card != NULL && start_is_known(card, playbook->name, params))
        say_not(deciding, span_of(playbook->name), name,
                "the alert has started it with these parameters", (struct span){ 0 });
    else if (decide(deciding, playbook, params, route, why) && card != NULL)
        start_remember(card, playbook->name, name, params);
}

/* All of it where it has started nothing; else the parts, which make up the whole with what it
 * has started. */
static void start_by_route(struct deciding *deciding, struct playbook *playbook,
                           struct span route)
{
    static const char why[] = "the route names it";
    const struct view *view = deciding->view;
    struct span name = json_get(route, "name");
    struct str whole = { 0 }, params = { 0 };
    bool is_part =
        view->parts[0] != NULL && start_has_begun(deciding->card, playbook->name, name);

    if (view->is_for_started && !is_part)
        return;
    route_put_params(&whole, json_get(route, "params"), span_of(view->full));
    for (int i = 0; is_part && i < VIEW_PARTS && view->parts[i] != NULL; i++) {
        str_reset(&params);
        route_put_params(&params, json_get(route, "params"), span_of(view->parts[i]));
        start_once(deciding, playbook, span_of(view->parts[i]), str_span(&params), route,
                   why);
    }
    if (is_part)
        start_remember(deciding->card, playbook->name, name, str_span(&whole));
    else
        start_once(deciding, playbook, span_of(view->full), str_span(&whole), route, why);
    str_fini(&whole);
    str_fini(&params);
}

static void take_route(struct deciding *deciding, struct span route)
{
    struct span bad = route_misfit(route, matched_by(deciding)),
                name = json_get(route, "playbook");
    struct span mode = json_get_raw(route, "mode");

    if (bad.len > 0) {
        say_not(deciding, (struct span){ 0 }, json_get(route, "name"),
                "its match wants another ", bad);
        return;
    }
    if (span_is(mode, "ignore")) {
        deciding->is_ignored = true;
        say_not(deciding, (struct span){ 0 }, json_get(route, "name"),
                "the route says that such alerts are ignored", (struct span){ 0 });
        return;
    }
    if (name.len == 0) {
        if (span_is(mode, "shadow") && deciding->shadow.len == 0)
            deciding->shadow = route;
        if (span_is(mode, "live") && wants_simulated(json_get(route, "match")))
            deciding->takes_simulated = true;
        if (json_get(route, "storm").len > 0 && deciding->storm.len == 0)
            deciding->storm = route;
        if (json_get(route, "notify").len > 0 && deciding->notify.len == 0)
            deciding->notify = json_get(route, "notify");
        return;
    }
    struct playbook *playbook = route_named(deciding->engine, json_raw(name));
    if (playbook == NULL)
        say_cannot(deciding, json_raw(name), json_get(route, "name"),
                   "no playbook of that name is among those of cordon.lua",
                   (struct span){ 0 });
    else
        start_by_route(deciding, playbook, route);
}

/* Does a route that fits name this playbook? Then on_alert is not asked too. */
static bool is_routed(struct deciding *deciding, const struct playbook *playbook)
{
    struct span route;
    size_t pos = 0;

    while (json_next(span_of(intake_of(deciding->engine)->routes), &pos, NULL, &route))
        if (span_is(json_get_raw(route, "playbook"), playbook->name) &&
            route_misfit(route, matched_by(deciding)).len == 0)
            return true;
    return false;
}

bool route_take_answer(struct deciding *deciding, struct playbook *playbook,
                       struct span alert, bool ok, bool matches, struct span params,
                       struct span why)
{
    struct span name = span_of(playbook->name);

    if (!ok)
        say_cannot(deciding, name, (struct span){ 0 }, "its on_alert failed: ", why);
    else if (!matches)
        say_not(deciding, name, (struct span){ 0 }, "", why);
    else if (is_routed(deciding, playbook))
        say_not(deciding, name, (struct span){ 0 },
                "a route names it, and decides instead of its on_alert",
                (struct span){ 0 });
    else if (deciding->is_ignored)
        say_not(deciding, name, (struct span){ 0 }, "such alerts are ignored",
                (struct span){ 0 });
    else {
        char *text = span_dup(why);

        start_once(deciding, playbook, alert, params, (struct span){ 0 }, text);
        free(text);
        return true;
    }
    return false;
}

void route_take_routes(struct deciding *deciding)
{
    struct span route;
    size_t pos = 0;

    while (!deciding->is_ignored &&
           json_next(span_of(intake_of(deciding->engine)->routes), &pos, NULL, &route))
        take_route(deciding, route);
}

/* -- storms that are over ------------------------------------------------------------------- */

/* What waited for a storm to be over starts, once. The card is the alert's by now. */
static void start_late(struct engine *engine, struct span start, const struct event *event)
{
    char *hash = json_get_text(start, "playbook");
    struct playbook *playbook = playbook_of(engine, hash);
    struct str list = { 0 }, more = { 0 };
    struct json_out out = { .str = &more };
    struct deciding deciding = { .engine = engine,
                                 .card = alert_card_read(event->text,
                                                         json_get_int(start, "i", 0),
                                                         json_get_int(start, "of", 0)),
                                 .alert = json_get(start, "alert"),
                                 .notify = json_get(start, "notify"),
                                 .out = { .str = &list } };

    free(hash);
    json_open(&deciding.out, '[');
    if (playbook != NULL)
        decide(&deciding, playbook, json_get(start, "params"), (struct span){ 0 },
               "its storm is over");
    json_close(&deciding.out);
    json_open(&out, '{');
    json_put_raw(&out, "made", str_span(&list));
    json_close(&out);
    alert_note(engine, deciding.card, "started", str_span(&more));
    alert_card_free(deciding.card);
    str_fini(&list);
    str_fini(&more);
}

void storm_on_due(struct engine *engine, const struct event *event)
{
    struct intake *intake = intake_of(engine);
    struct storm *storm = storm_find(intake, event->run);
    struct span start;

    if (storm == NULL || storm->until_ms > engine->now_ms)
        return;
    start = json_get(span_of(storm->body), "start");
    if (start.len > 0)
        start_late(engine, start, event);
    storm_write(engine, storm, (struct span){ 0 }, "", false);
    storm_free(intake, storm);
}

/* -- shown before it happens ----------------------------------------------------------------- */

void engine_route_plan(struct engine *engine, struct span alert, struct span matched,
                       struct str *text)
{
    struct view view = { .full = span_dup(alert) };
    struct deciding deciding = {
        .engine = engine, .alert = alert, .view = &view, .out = { .str = text }
    };
    struct span answer;
    size_t pos = 0;

    json_open(&deciding.out, '[');
    route_take_routes(&deciding);
    while (json_next(matched, &pos, NULL, &answer)) {
        char *hash = json_get_text(answer, "hash"), *why = json_get_text(answer, "why");
        struct playbook *playbook = playbook_of(engine, hash);

        if (playbook != NULL)
            route_take_answer(&deciding, playbook, alert,
                              json_get_bool(answer, "ok", false),
                              json_get_bool(answer, "matches", false),
                              json_get(answer, "params"), span_of(why));
        free(hash);
        free(why);
    }
    json_close(&deciding.out);
    free(view.full);
}
