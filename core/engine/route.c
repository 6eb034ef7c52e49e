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
#include "frame/frame.h"

/* Ask numbers of the engine's own: no client has such a one. */
#define MATCH_BASE (INT64_C(1) << 61)

struct candidate {
    struct list in_routing;
    struct playbook *playbook;
    int64_t match; /* 0: it has answered */
    bool ok, matches;
    char *params, *why;
};

struct routing {
    struct list in_intake;
    struct alert_card *card;
    char *alert;
    struct list candidates;
    int pending;
    int pass;    /* of what the alert has gained, 1 or 2; 0: the alert as a whole */
    char *whole; /* the alert that it is a pass of; NULL */
    char *grown; /* what it has become meanwhile; NULL: nothing is new */
};

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

struct deciding {
    struct engine *engine;
    struct alert_card *card; /* NULL: only shown */
    struct span alert;
    struct json_out out;
    struct span shadow, storm,
        notify; /* the first route that says so, for all that starts */
    int started;
    bool is_ignored;
    bool takes_simulated; /* a route wants simulated alerts to start what they fit */
};

static struct span source_of(struct deciding *deciding)
{
    struct str who = { 0 };

    str_printf(&who, "source:%s", deciding->card->source);
    struct span kept = turn_keep(deciding->engine, str_span(&who));
    str_fini(&who);
    return kept;
}

static void start_it(struct deciding *deciding, struct playbook *playbook,
                     struct span params, struct span notify)
{
    struct alert_card *card = deciding->card;
    struct err err;
    struct run *run;

    if (deciding->started >= ENGINE_ALERT_RUNS_MAX) {
        json_put(&deciding->out, "error", "one alert starts no more runs than that");
        return;
    }
    deciding->engine->notify = notify;
    run = start_for_alert(deciding->engine, playbook, params, deciding->alert,
                          source_of(deciding), &err);
    deciding->engine->notify = (struct span){ 0 };
    if (run == NULL) {
        json_put(&deciding->out, "error", err.text);
        return;
    }
    deciding->started++;
    json_put(&deciding->out, "run", id_run(run->id).text);
    if (card->runs.len > 0)
        str_add_char(&card->runs, ',');
    str_printf(&card->runs, "\"%s\"", id_run(run->id).text);
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

static void say_not(struct deciding *deciding, struct span playbook, struct span route,
                    const char *text, struct span detail);

/* What an alert gains and a playbook has no use for leads to what was started already. */
static bool is_started(struct deciding *deciding, const struct playbook *playbook,
                       struct span params, struct span route)
{
    bool is_known =
        deciding->card != NULL && news_is_known(deciding->card, playbook->name, params);

    if (!is_known || json_get(deciding->alert, "new").len == 0)
        return false;
    say_not(deciding, span_of(playbook->name), json_get(route, "name"),
            "the alert has started it with these parameters", (struct span){ 0 });
    return true;
}

/* Opens and closes one decision. Members in the order of their names. */
static void decide(struct deciding *deciding, struct playbook *playbook, struct span params,
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
    bool is_planned = false, is_sample = is_only_planned(deciding, playbook, route);
    bool is_shadow = shadow.len > 0 || is_sample;
    struct err err = { 0 };

    if (is_started(deciding, playbook, params, route))
        return;
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
        if (schema_match(json_get(span_of(playbook->info), "params"), params, &err) != 0)
            json_put(out, "error", err.text);
        else if (deciding->card != NULL)
            is_planned = alert_plan(deciding->engine, deciding->card->number, playbook,
                                    params, deciding->alert, source_of(deciding));
    } else if (verdict == START_NOW) {
        start_it(deciding, playbook, params, notify);
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
}

/* Members in the order of their names. */
static void put_misfit(struct deciding *deciding, struct span playbook, struct span route,
                       struct span error, const char *why)
{
    struct json_out *out = &deciding->out;

    json_open(out, '{');
    if (error.len > 0)
        json_put_span(out, "error", error);
    json_put_bool(out, "fits", false);
    if (playbook.len > 0)
        json_put_span(out, "playbook", playbook);
    if (route.len > 0)
        json_put_raw(out, "route", route);
    json_put(out, "why", why);
    json_close(out);
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

static void take_route(struct deciding *deciding, struct span route)
{
    struct span bad = route_misfit(route, deciding->alert),
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
    struct str params = { 0 };
    if (playbook == NULL) {
        say_cannot(deciding, json_raw(name), json_get(route, "name"),
                   "no playbook of that name is among those of cordon.lua",
                   (struct span){ 0 });
        return;
    }
    route_put_params(&params, json_get(route, "params"), deciding->alert);
    decide(deciding, playbook, str_span(&params), route, "the route names it");
    str_fini(&params);
}

/* Does a route that fits name this playbook? Then on_alert is not asked too. */
static bool is_routed(struct deciding *deciding, const struct playbook *playbook)
{
    struct span route;
    size_t pos = 0;

    while (json_next(span_of(intake_of(deciding->engine)->routes), &pos, NULL, &route))
        if (span_is(json_get_raw(route, "playbook"), playbook->name) &&
            route_misfit(route, deciding->alert).len == 0)
            return true;
    return false;
}

static void take_answer(struct deciding *deciding, struct playbook *playbook, bool ok,
                        bool matches, struct span params, struct span why)
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

        decide(deciding, playbook, params, (struct span){ 0 }, text);
        free(text);
    }
}

static void take_routes(struct deciding *deciding)
{
    struct span route;
    size_t pos = 0;

    while (!deciding->is_ignored &&
           json_next(span_of(intake_of(deciding->engine)->routes), &pos, NULL, &route))
        take_route(deciding, route);
}

/* -- an alert's routing -------------------------------------------------------------------- */

static void free_routing(struct routing *routing)
{
    while (!list_is_empty(&routing->candidates)) {
        struct candidate *candidate =
            list_item(list_take(&routing->candidates), struct candidate, in_routing);

        free(candidate->params);
        free(candidate->why);
        free(candidate);
    }
    list_remove(&routing->in_intake);
    if (routing->card != NULL)
        alert_card_free(routing->card);
    free(routing->alert);
    free(routing->whole);
    free(routing->grown);
    free(routing);
}

static void begin(struct engine *engine, struct routing *routing);

/* The next pass of what the alert has gained; false: there is none. */
static bool begin_pass(struct engine *engine, struct alert_card *card, const char *whole,
                       int pass)
{
    struct str view = { 0 };

    if (!news_view(span_of(whole), span_of(card->news), pass, &view))
        return false;
    struct routing *routing = xcalloc(1, sizeof *routing);
    routing->card = card;
    routing->pass = pass;
    routing->whole = span_dup(span_of(whole));
    routing->alert = str_take(&view);
    begin(engine, routing);
    return true;
}

/* At the end of a pass: the news are routed when no pass and nothing newer is left. */
static bool is_last(const struct routing *routing)
{
    struct str view = { 0 };
    bool has_next = routing->pass == 1 && news_view(span_of(routing->whole),
                                                    span_of(routing->card->news), 2, &view);

    str_fini(&view);
    return !has_next && routing->grown == NULL;
}

/* What is left of the alert to be routed, with the card that this routing had. */
static void go_on(struct engine *engine, struct routing *routing)
{
    struct alert_card *card = routing->card;
    char *whole = routing->grown != NULL ? routing->grown : routing->whole;
    int pass = routing->grown != NULL ? 1 : routing->pass + 1;

    if (card->news == NULL || whole == NULL)
        return;
    whole = span_dup(span_of(whole));
    routing->card = NULL;
    if (!begin_pass(engine, card, whole, pass))
        alert_card_free(card);
    free(whole);
}

static void finish(struct engine *engine, struct routing *routing)
{
    struct str list = { 0 }, more = { 0 };
    struct deciding deciding = { .engine = engine,
                                 .card = routing->card,
                                 .alert = span_of(routing->alert),
                                 .out = { .str = &list } };
    struct json_out out = { .str = &more };

    json_open(&deciding.out, '[');
    take_routes(&deciding);
    list_each (link, after, &routing->candidates) {
        struct candidate *candidate = list_item(link, struct candidate, in_routing);

        take_answer(&deciding, candidate->playbook, candidate->ok, candidate->matches,
                    span_of(candidate->params), span_of(candidate->why));
    }
    json_close(&deciding.out);
    json_open(&out, '{');
    json_put_raw(&out, "made", str_span(&list));
    json_close(&out);
    routing->card->is_routed = true;
    if (routing->pass > 0 && is_last(routing)) {
        free(routing->card->news);
        routing->card->news = NULL;
    }
    alert_note(engine, routing->card, "routed", str_span(&more));
    str_fini(&list);
    str_fini(&more);
    list_remove(&routing->in_intake);
    go_on(engine, routing);
    free_routing(routing);
}

static void ask_playbook(struct engine *engine, struct routing *routing,
                         struct playbook *playbook)
{
    struct candidate *candidate = xcalloc(1, sizeof *candidate);
    struct str bytes = { 0 };
    struct frame_writer frame;

    candidate->playbook = playbook;
    candidate->match = MATCH_BASE + ++intake_of(engine)->next_match;
    list_add(&routing->candidates, &candidate->in_routing);
    routing->pending++;
    engine->busy++;
    frame_begin(&frame, &bytes, FRAME_VM_MATCH);
    frame_add_span(&frame, span_of(routing->alert));
    frame_finish(&frame);
    struct command *command = turn_command(engine, CMD_VM, false);
    command->name = turn_keep(engine, span_of(playbook->hash));
    command->number = candidate->match;
    command->bytes = turn_keep(engine, str_span(&bytes));
    str_fini(&bytes);
}

static void begin(struct engine *engine, struct routing *routing)
{
    list_init(&routing->candidates);
    list_add(&intake_of(engine)->routings, &routing->in_intake);
    list_each (link, after, &engine->playbooks) {
        struct playbook *playbook = list_item(link, struct playbook, in_engine);

        if (route_enables(engine, playbook) &&
            json_kind(json_get(span_of(playbook->info), "on_alert")) == JSON_OBJECT)
            ask_playbook(engine, routing, playbook);
    }
    if (routing->pending == 0)
        finish(engine, routing);
}

void route_begin(struct engine *engine, struct alert_card *card, struct span alert)
{
    struct routing *routing = xcalloc(1, sizeof *routing);

    routing->card = card;
    routing->alert = span_dup(alert);
    begin(engine, routing);
}

void route_begin_news(struct engine *engine, struct alert_card *card, struct span alert)
{
    char *whole = span_dup(alert);

    if (!begin_pass(engine, card, whole, 1))
        alert_card_free(card);
    free(whole);
}

static struct routing *routing_of(struct engine *engine, int64_t number)
{
    list_each (link, after, &intake_of(engine)->routings) {
        struct routing *routing = list_item(link, struct routing, in_intake);

        if (routing->card->number == number)
            return routing;
    }
    return NULL;
}

void route_add_news(struct engine *engine, int64_t number, struct span alert)
{
    struct routing *routing = routing_of(engine, number);

    free(routing->grown);
    routing->grown = span_dup(alert);
}

struct alert_card *route_card(struct engine *engine, int64_t number)
{
    struct routing *routing = routing_of(engine, number);

    return routing != NULL ? routing->card : NULL;
}

bool route_on_matched(struct engine *engine, const struct event *event)
{
    if (event->number < MATCH_BASE)
        return false;
    list_each (link, after, &intake_of(engine)->routings) {
        struct routing *routing = list_item(link, struct routing, in_intake);

        list_each (at, next, &routing->candidates) {
            struct candidate *candidate = list_item(at, struct candidate, in_routing);

            if (candidate->match != event->number)
                continue;
            candidate->match = 0;
            candidate->ok = event->ok;
            candidate->matches = event->number2 != 0;
            candidate->params = span_dup(event->json);
            candidate->why = span_dup(event->text);
            engine->busy--;
            if (--routing->pending == 0)
                finish(engine, routing);
            return true;
        }
    }
    return true;
}

void routings_free(struct intake *intake)
{
    list_each (link, after, &intake->routings) {
        free_routing(list_item(link, struct routing, in_intake));
    }
    list_each (link, after, &intake->storms) {
        storm_free(intake, list_item(link, struct storm, in_intake));
    }
}

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
    struct deciding deciding = { .engine = engine, .alert = alert, .out = { .str = text } };
    struct span answer;
    size_t pos = 0;

    json_open(&deciding.out, '[');
    take_routes(&deciding);
    while (json_next(matched, &pos, NULL, &answer)) {
        char *hash = json_get_text(answer, "hash"), *why = json_get_text(answer, "why");
        struct playbook *playbook = playbook_of(engine, hash);

        if (playbook != NULL)
            take_answer(&deciding, playbook, json_get_bool(answer, "ok", false),
                        json_get_bool(answer, "matches", false), json_get(answer, "params"),
                        span_of(why));
        free(hash);
        free(why);
    }
    json_close(&deciding.out);
}
