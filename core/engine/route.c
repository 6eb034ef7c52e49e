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
};

struct storm {
    struct list in_intake;
    int64_t key, until_ms, count;
    char *body; /* as its entry has it */
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

static bool is_enabled(struct engine *engine, const struct playbook *playbook)
{
    struct span hash;
    size_t pos = 0;

    while (json_next(span_of(intake_of(engine)->enabled), &pos, NULL, &hash))
        if (span_is(json_raw(hash), playbook->hash))
            return true;
    return false;
}

static struct playbook *enabled_named(struct engine *engine, struct span name)
{
    list_each (link, after, &engine->playbooks) {
        struct playbook *playbook = list_item(link, struct playbook, in_engine);

        if (span_is(name, playbook->name) && is_enabled(engine, playbook))
            return playbook;
    }
    return NULL;
}

/* -- does a route fit? --------------------------------------------------------------------- */

static const char *const match_keys[] = { "confidence", "resource", "severity",
                                          "source",     "status",   "subscription",
                                          "technique",  "tenant",   "title",
                                          "type" };
enum { MATCH_KEYS = sizeof match_keys / sizeof *match_keys };

static bool fits_one_of(struct span wanted, struct span list)
{
    struct span item;
    size_t pos = 0;
    bool is_match = false;

    while (!is_match && json_next(list, &pos, NULL, &item)) {
        char *text = json_text(item);

        is_match = text != NULL && match_text(wanted, text);
        free(text);
    }
    return is_match;
}

static bool fits_key(struct span key, struct span wanted, struct span alert)
{
    char *name = span_dup(key);
    char *text = json_get_text(alert, name);
    bool is_match;

    if (span_is(key, "resource"))
        is_match = fits_one_of(wanted, json_get(alert, "resources"));
    else if (span_is(key, "technique"))
        is_match = fits_one_of(wanted, json_get(alert, "techniques"));
    else if (span_is(key, "severity") || span_is(key, "confidence"))
        is_match = match_level(wanted, text != NULL ? text : "");
    else
        is_match = match_text(wanted, text != NULL ? text : "");
    free(text);
    free(name);
    return is_match;
}

/* The key that does not fit; the empty span when all do. What is resolved fits only where its
 * status is asked for: what is over needs no containment. */
static struct span misfit(struct span route, struct span alert)
{
    struct span match = json_get(route, "match"), key, wanted;
    size_t pos = 0;

    if (json_get(match, "status").len == 0 &&
        span_is(json_get_raw(alert, "status"), "resolved"))
        return span_of("status");
    while (json_next(match, &pos, &key, &wanted))
        if (!fits_key(key, wanted, alert))
            return key;
    return (struct span){ 0 };
}

/* -- parameters of a route: constants, and "$alert.resources.1" ------------------------------ */

static struct span item_at(struct span list, int64_t place)
{
    struct span item;
    size_t pos = 0;

    while (json_next(list, &pos, NULL, &item))
        if (--place == 0)
            return item;
    return (struct span){ 0 };
}

static struct span alert_value(struct span alert, struct span path)
{
    struct span value = alert;

    while (path.len > 0 && value.len > 0) {
        const char *dot = memchr(path.ptr, '.', path.len);
        struct span name = { path.ptr, dot != NULL ? (size_t)(dot - path.ptr) : path.len };
        char *key = span_dup(name);
        int64_t place = 0;

        if (json_kind(value) == JSON_ARRAY)
            value = span_int(name, &place) ? item_at(value, place) : (struct span){ 0 };
        else
            value = json_get(value, key);
        free(key);
        path.len -= name.len + (dot != NULL);
        path.ptr += name.len + (dot != NULL);
    }
    return value;
}

static void put_params(struct str *text, struct span params, struct span alert)
{
    static const char prefix[] = "$alert.";
    struct json_out out = { .str = text };
    struct span key, value;
    size_t pos = 0;

    json_open(&out, '{');
    while (json_next(params, &pos, &key, &value)) {
        struct span word = json_raw(value);

        if (span_starts(word, prefix))
            value = alert_value(alert, (struct span){ word.ptr + sizeof prefix - 1,
                                                      word.len - sizeof prefix + 1 });
        if (value.len == 0)
            continue; /* the alert does not say: the playbook's default, or its complaint */
        json_key_span(&out, key);
        json_raw_value(&out, value);
    }
    json_close(&out);
}

/* -- storms -------------------------------------------------------------------------------- */

static int64_t storm_key(struct span route, struct span alert, struct span playbook)
{
    struct hash_list list;
    struct span by;
    size_t pos = 0;
    int64_t key;

    hash_list_init(&list, "cordon.storm.v1");
    hash_list_add_span(&list, json_get(route, "name"));
    hash_list_add_span(&list, playbook);
    while (json_next(json_get(json_get(route, "storm"), "by"), &pos, NULL, &by)) {
        struct span word = json_raw(by);
        struct span value = span_is(word, "resource") ? json_get(alert, "resources")
                                                      : alert_value(alert, word);

        hash_list_add_span(&list, value);
    }
    struct hash hash = hash_list_end(&list);
    memcpy(&key, hash.bytes, sizeof key);
    return key & INT64_MAX;
}

static struct storm *storm_find(struct intake *intake, int64_t key)
{
    list_each (link, after, &intake->storms) {
        struct storm *storm = list_item(link, struct storm, in_intake);

        if (storm->key == key)
            return storm;
    }
    return NULL;
}

static void storm_free(struct intake *intake, struct storm *storm)
{
    list_remove(&storm->in_intake);
    intake->storm_count--;
    free(storm->body);
    free(storm);
}

static struct storm *storm_new(struct intake *intake, int64_t key)
{
    struct storm *storm = xcalloc(1, sizeof *storm);

    storm->key = key;
    list_add(&intake->storms, &storm->in_intake);
    intake->storm_count++;
    return storm;
}

void storm_put_entry(struct engine *engine, struct span body)
{
    turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_STORM,
                                                 .run = json_get_int(body, "key", 0),
                                                 .state = json_get_bool(body, "on", false),
                                                 .due_ms = json_get_int(body, "until", 0),
                                                 .body = body });
}

static void storm_write(struct engine *engine, struct storm *storm, struct span start,
                        const char *name, bool is_on)
{
    struct str body = { 0 }, row = { 0 };
    struct json_out out = { .str = &body }, note = { .str = &row };

    json_open(&out, '{');
    json_put_int(&out, "count", storm->count);
    json_put_int(&out, "key", storm->key);
    json_put(&out, "name", name);
    json_put_bool(&out, "on", is_on);
    if (start.len > 0)
        json_put_raw(&out, "start", start);
    json_put_int(&out, "until", is_on ? storm->until_ms : 0);
    json_close(&out);
    free(storm->body);
    storm->body = span_dup(str_span(&body));
    json_open(&note, '{');
    json_put(&note, "k", "storm");
    json_put_raw(&note, "storm", str_span(&body));
    json_close(&note);
    row_write_global(engine, ROW_ALERT_NOTE, str_span(&row));
    storm_put_entry(engine, str_span(&body));
    str_fini(&row);
    str_fini(&body);
}

void storm_on_known(struct engine *engine, const struct event *event)
{
    struct storm *storm = storm_new(intake_of(engine), event->run);

    storm->until_ms = event->number2;
    storm->count = json_get_int(event->json, "count", 0);
    storm->body = span_dup(event->json);
}

enum verdict { START_NOW, START_LATER, HELD_BACK };

static int64_t duration_of(struct span storm, const char *key)
{
    char *text = json_get_text(storm, key);
    int64_t ms = 0;

    if (text == NULL || !duration_parse(span_of(text), &ms))
        ms = 0;
    free(text);
    return ms;
}

/* start is what is to be started when its time is over ("once_after"). */
static enum verdict storm_says(struct engine *engine, struct span route, struct span alert,
                               struct span playbook, struct span start, int64_t *count)
{
    struct intake *intake = intake_of(engine);
    struct span rule = json_get(route, "storm");
    int64_t within = duration_of(rule, "once_within"),
            late = duration_of(rule, "once_after");
    int64_t gather = duration_of(rule, "accumulate_within");
    int64_t key = storm_key(route, alert, playbook);
    struct storm *storm = storm_find(intake, key);
    char *name = json_get_text(route, "name");
    bool is_first = storm == NULL || storm->until_ms <= engine->now_ms;
    enum verdict verdict = HELD_BACK;

    if (is_first) {
        if (storm == NULL && intake->storm_count >= ENGINE_STORMS_MAX) {
            free(name);
            *count = 1;
            return START_NOW; /* better one too many than none */
        }
        if (storm == NULL)
            storm = storm_new(intake, key);
        storm->count = 0;
        storm->until_ms = engine->now_ms + (within > 0 ? within : late > 0 ? late : gather);
    }
    storm->count++;
    *count = storm->count;
    if (within > 0)
        verdict = is_first ? START_NOW : HELD_BACK;
    else if (late > 0)
        verdict = is_first ? START_LATER : HELD_BACK;
    else if (storm->count == json_get_int(rule, "threshold", 1))
        verdict = START_NOW;
    storm_write(engine, storm,
                verdict == START_LATER ? start : json_get(span_of(storm->body), "start"),
                name, true);
    free(name);
    return verdict;
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
    bool is_planned = false;
    struct err err = { 0 };

    json_open(out, '{');
    if (storm.len > 0 && shadow.len == 0 && deciding->card != NULL) {
        struct str start = { 0 };

        put_start(&start, deciding, playbook, params, notify);
        verdict = storm_says(deciding->engine, storm, deciding->alert,
                             span_of(playbook->name), str_span(&start), &count);
        str_fini(&start);
        json_put_int(out, "count", count);
    }
    if (shadow.len > 0 || deciding->card == NULL) {
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
    if (shadow.len > 0 && deciding->card != NULL)
        json_put_bool(out, "planned", is_planned);
    json_put(out, "playbook", playbook->name);
    if (route.len > 0)
        json_put_raw(out, "route", json_get(route, "name"));
    if (shadow.len > 0)
        json_put_raw(out, "shadow", json_get(shadow, "name"));
    if (storm.len > 0)
        json_put_raw(out, "storm", json_get(storm, "name"));
    if (verdict != START_NOW)
        json_put_bool(out, "waits", verdict == START_LATER);
    json_put(out, "why", why);
    json_close(out);
}

static void say_not(struct deciding *deciding, struct span playbook, struct span route,
                    const char *text, struct span detail)
{
    struct json_out *out = &deciding->out;
    struct str why = { 0 };

    str_add_text(&why, text);
    str_add_span(&why, detail);
    json_open(out, '{');
    json_put_bool(out, "fits", false);
    if (playbook.len > 0)
        json_put_span(out, "playbook", playbook);
    if (route.len > 0)
        json_put_raw(out, "route", route);
    json_put(out, "why", str_text(&why));
    json_close(out);
    str_fini(&why);
}

static void take_route(struct deciding *deciding, struct span route)
{
    struct span bad = misfit(route, deciding->alert), name = json_get(route, "playbook");
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
        if (json_get(route, "storm").len > 0 && deciding->storm.len == 0)
            deciding->storm = route;
        if (json_get(route, "notify").len > 0 && deciding->notify.len == 0)
            deciding->notify = json_get(route, "notify");
        return;
    }
    struct playbook *playbook = enabled_named(deciding->engine, json_raw(name));
    struct str params = { 0 };
    if (playbook == NULL) {
        say_not(deciding, json_raw(name), json_get(route, "name"),
                "no playbook of that name is among those of cordon.lua",
                (struct span){ 0 });
        return;
    }
    put_params(&params, json_get(route, "params"), deciding->alert);
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
            misfit(route, deciding->alert).len == 0)
            return true;
    return false;
}

static void take_answer(struct deciding *deciding, struct playbook *playbook, bool ok,
                        bool matches, struct span params, struct span why)
{
    struct span name = span_of(playbook->name);

    if (!ok)
        say_not(deciding, name, (struct span){ 0 }, "its on_alert failed: ", why);
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
    alert_card_free(routing->card);
    free(routing->alert);
    free(routing);
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
    alert_note(engine, routing->card, "routed", str_span(&more));
    str_fini(&list);
    str_fini(&more);
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

void route_begin(struct engine *engine, struct alert_card *card, struct span alert)
{
    struct routing *routing = xcalloc(1, sizeof *routing);

    routing->card = card;
    routing->alert = span_dup(alert);
    list_init(&routing->candidates);
    list_add(&intake_of(engine)->routings, &routing->in_intake);
    list_each (link, after, &engine->playbooks) {
        struct playbook *playbook = list_item(link, struct playbook, in_engine);

        if (is_enabled(engine, playbook) &&
            json_kind(json_get(span_of(playbook->info), "on_alert")) == JSON_OBJECT)
            ask_playbook(engine, routing, playbook);
    }
    if (routing->pending == 0)
        finish(engine, routing);
}

struct alert_card *route_card(struct engine *engine, int64_t number)
{
    list_each (link, after, &intake_of(engine)->routings) {
        struct routing *routing = list_item(link, struct routing, in_intake);

        if (routing->card->number == number)
            return routing->card;
    }
    return NULL;
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

/* -- checking routes ------------------------------------------------------------------------- */

static int check_match(struct span match, int place, struct err *err)
{
    struct span key, wanted;
    size_t pos = 0;

    while (json_next(match, &pos, &key, &wanted)) {
        bool is_known = false;

        for (size_t i = 0; i < MATCH_KEYS; i++)
            is_known = is_known || span_is(key, match_keys[i]);
        if (!is_known) {
            char *name = span_dup(key);
            const char *nearest = schema_nearest(key, match_keys, MATCH_KEYS);

            err_set(err, ERR_INVALID, "routes[%d].match.%s: alerts have none%s%s", place,
                    name, nearest != NULL ? "; did you mean " : "",
                    nearest != NULL ? nearest : "");
            free(name);
            return err->code;
        }
    }
    return 0;
}

int engine_check_routes(struct span routes, struct err *err)
{
    static const char schema[] =
        "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"name\"],"
        "\"properties\":{\"name\":{\"type\":\"string\"},\"match\":{\"type\":\"object\"},"
        "\"playbook\":{\"type\":\"string\"},\"params\":{\"type\":\"object\"},"
        "\"notify\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1}},"
        "\"mode\":{\"enum\":[\"live\",\"shadow\",\"ignore\"]},"
        "\"storm\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"once_within\":{\"type\":\"string\",\"format\":\"duration\"},"
        "\"once_after\":{\"type\":\"string\",\"format\":\"duration\"},"
        "\"accumulate_within\":{\"type\":\"string\",\"format\":\"duration\"},"
        "\"threshold\":{\"type\":\"integer\",\"minimum\":1},"
        "\"by\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}}}}}";
    struct span route;
    size_t pos = 0;
    int place = 0;

    if (json_count(routes) > ENGINE_ROUTES_MAX)
        return err_set(err, ERR_TOO_BIG, "routes: there may be %d of them",
                       ENGINE_ROUTES_MAX);
    while (json_next(routes, &pos, NULL, &route)) {
        place++;
        if (schema_match(span_of(schema), route, err) != 0)
            return err_wrap(err, "routes[%d]", place);
        if (check_match(json_get(route, "match"), place, err) != 0)
            return err->code;
        struct span storm = json_get(route, "storm");
        int kinds = (json_get(storm, "once_within").len > 0) +
                    (json_get(storm, "once_after").len > 0) +
                    (json_get(storm, "accumulate_within").len > 0);
        if (storm.len > 0 && kinds != 1)
            return err_set(err, ERR_INVALID,
                           "routes[%d].storm: want one of once_within, once_after and "
                           "accumulate_within (with threshold)",
                           place);
    }
    return 0;
}
