/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/alert.c - what a source delivered, and the alerts that it was about.
 *
 *     delivery   journaled as it came, then acknowledged
 *     alert      read from it by an adapter; the same one again is counted, not taken anew
 *     routed     route.c: what was started for it, and why
 *
 * Each note of an alert has the whole card that its entry is ("card"), so that the index is
 * made again from rows alone. A delivery is done when all its alerts have been taken, in the
 * commit that has them; one that was not is read again at the next start.
 */
#include "engine/internal.h"
#include "engine/routing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json_mend.h"

enum { RAW_ROOM = 64 * 1024 }; /* a text may be so much longer than base64 */

struct intake *intake_of(struct engine *engine)
{
    if (engine->intake == NULL) {
        engine->intake = xcalloc(1, sizeof *engine->intake);
        list_init(&engine->intake->routings);
        list_init(&engine->intake->storms);
    }
    return engine->intake;
}

void intake_free(struct engine *engine)
{
    struct intake *intake = engine->intake;

    if (intake == NULL)
        return;
    routings_free(intake);
    free(intake->routes);
    free(intake->enabled);
    free(intake);
}

struct span alert_name(struct engine *engine, int64_t number)
{
    char text[40];

    snprintf(text, sizeof text, "a-%06lld", (long long)number);
    return turn_keep(engine, span_of(text));
}

/* -- cards --------------------------------------------------------------------------------- */

static char *text_of(struct span json, const char *key)
{
    char *text = json_get_text(json, key);

    return text != NULL ? text : xstrdup("");
}

struct alert_card *alert_card_read(struct span body, int64_t number, int64_t first_seq)
{
    struct alert_card *card = xcalloc(1, sizeof *card);
    struct span run;
    size_t pos = 0;

    card->number = number;
    card->first_seq = first_seq;
    card->count = json_get_int(body, "count", 0);
    card->first_ms = json_get_int(body, "first", 0);
    card->last_ms = json_get_int(body, "last", 0);
    card->delivery = json_get_int(body, "d", 0);
    card->grown = json_get_int(body, "grown", 0);
    card->ended = json_get_int(body, "ended", 0);
    card->is_routed = json_get_bool(body, "routed", false);
    card->is_simulated = json_get_bool(body, "simulated", false);
    card->id = text_of(body, "id");
    card->source = text_of(body, "source");
    card->type = text_of(body, "type");
    card->title = text_of(body, "title");
    card->severity = text_of(body, "severity");
    card->status = text_of(body, "status");
    card->is_over = alert_is_over(body);
    if (json_get(body, "new").len > 0)
        card->news = span_dup(json_get(body, "new"));
    if (json_get(body, "foreign").len > 0)
        card->foreign = span_dup(json_get(body, "foreign"));
    while (card->made_count < ALERT_MADE_MAX &&
           json_next(json_get(body, "made"), &pos, NULL, &run))
        card->made[card->made_count++] = json_int(run, 0);
    pos = 0;
    while (json_next(json_get(body, "runs"), &pos, NULL, &run)) {
        if (card->runs.len > 0)
            str_add_char(&card->runs, ',');
        str_add_span(&card->runs, run);
    }
    pos = 0;
    while (card->change_count < ALERT_MADE_MAX &&
           json_next(json_get(body, "changes"), &pos, NULL, &run))
        card->changes[card->change_count++] = json_int(run, 0);
    pos = 0;
    while (json_next(json_get(body, "starts"), &pos, NULL, &run)) {
        if (card->starts.len > 0)
            str_add_char(&card->starts, ',');
        str_add_span(&card->starts, run);
    }
    tellers_read(card, json_get(body, "tellers"));
    return card;
}

void alert_card_free(struct alert_card *card)
{
    free(card->id);
    free(card->source);
    free(card->type);
    free(card->title);
    free(card->severity);
    free(card->status);
    free(card->news);
    free(card->foreign);
    str_fini(&card->runs);
    str_fini(&card->starts);
    tellers_free(card);
    free(card);
}

static void put_rows(struct json_out *out, const char *key, const int64_t *rows, int count)
{
    json_key(out, key);
    json_open(out, '[');
    for (int i = 0; i < count; i++)
        json_integer(out, rows[i]);
    json_close(out);
}

static void put_card(struct json_out *out, const struct alert_card *card)
{
    struct str runs = { 0 }, starts = { 0 };

    str_printf(&runs, "[%s]", card->runs.len > 0 ? str_text(&card->runs) : "");
    str_printf(&starts, "[%s]", card->starts.len > 0 ? str_text(&card->starts) : "");
    json_open(out, '{');
    put_rows(out, "changes", card->changes, card->change_count);
    json_put_int(out, "count", card->count);
    json_put_int(out, "d", card->delivery);
    if (tellers_are_due(card) || card->foreign != NULL)
        json_put_bool(out, "due", true);
    if (card->ended > 0)
        json_put_int(out, "ended", card->ended);
    json_put_int(out, "first", card->first_ms);
    if (card->foreign != NULL)
        json_put_raw(out, "foreign", span_of(card->foreign));
    if (card->grown > 0)
        json_put_int(out, "grown", card->grown);
    json_put(out, "id", card->id);
    json_put_int(out, "last", card->last_ms);
    put_rows(out, "made", card->made, card->made_count);
    if (card->news != NULL)
        json_put_raw(out, "new", span_of(card->news));
    json_put_bool(out, "over", card->is_over);
    json_put_bool(out, "routed", card->is_routed);
    json_put_raw(out, "runs", str_span(&runs));
    json_put(out, "severity", card->severity);
    if (card->is_simulated)
        json_put_bool(out, "simulated", true);
    json_put(out, "source", card->source);
    if (card->starts.len > 0)
        json_put_raw(out, "starts", str_span(&starts));
    json_put(out, "status", card->status);
    tellers_put(out, card);
    json_put(out, "title", card->title);
    json_put(out, "type", card->type);
    json_close(out);
    str_fini(&runs);
    str_fini(&starts);
}

static void put_entry(struct engine *engine, struct span card, int64_t number,
                      int64_t first_seq, int64_t last_seq)
{
    bool is_routed = json_get_bool(card, "routed", false) &&
                     (json_get(card, "new").len == 0 || alert_is_over(card)) &&
                     !json_get_bool(card, "due", false);

    turn_add_entry(engine,
                   &(struct turn_entry){ .kind = ENTRY_ALERT,
                                         .run = number,
                                         .state = is_routed ? ALERT_ROUTED : ALERT_NEW,
                                         .first_seq = first_seq,
                                         .last_seq = last_seq,
                                         .body = card });
}

static void put_key(struct engine *engine, int64_t key, int64_t number, int64_t seq)
{
    char body[40];

    snprintf(body, sizeof body, "{\"i\":%lld}", (long long)number);
    turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_DELIVERY,
                                                 .run = key,
                                                 .n = 1,
                                                 .first_seq = seq,
                                                 .last_seq = seq,
                                                 .body = span_of(body) });
}

/* Of the same alert in other feeds. */
static void put_keys(struct engine *engine, struct span keys, int64_t number, int64_t seq)
{
    struct span key;
    size_t pos = 0;

    while (json_next(keys, &pos, NULL, &key))
        put_key(engine, json_int(key, 0), number, seq);
}

/* first_seq is the row of the delivery, last_seq the newest row that tells of it. */
static void put_delivery(struct engine *engine, int64_t key, int64_t first_seq,
                         int64_t last_seq, int state)
{
    char body[40];

    snprintf(body, sizeof body, "{\"at\":%lld}", (long long)engine->now_ms);
    turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_DELIVERY,
                                                 .run = key,
                                                 .state = state,
                                                 .first_seq = first_seq,
                                                 .last_seq = last_seq,
                                                 .body = span_of(body) });
}

/* From a row: the entry that it left. */
void alert_put_entry(struct engine *engine, struct span body, int64_t seq)
{
    struct span card = json_get(body, "card"), read = json_get(body, "read");
    struct span storm = json_get(body, "storm");
    int64_t first = json_get_int(body, "of", seq);

    if (alert_plan_put_entry(engine, body, seq))
        return;
    if (storm.len > 0)
        storm_put_entry(engine, storm);
    if (card.len > 0)
        put_entry(engine, card, json_get_int(body, "i", 0), first, seq);
    if (json_get(body, "alert").len > 0)
        put_key(engine, json_get_int(body, "key", 0), json_get_int(body, "i", 0), seq);
    put_keys(engine, json_get(body, "keys"), json_get_int(body, "i", 0), seq);
    if (read.len > 0)
        put_delivery(engine, json_get_int(read, "key", 0), json_get_int(read, "of", 0), seq,
                     (int)json_get_int(read, "s", DELIVERY_READ));
}

void delivery_put_entry(struct engine *engine, const struct event_row *row)
{
    put_delivery(engine, json_get_int(row->body, "key", 0), row->seq, row->seq,
                 DELIVERY_NEW);
}

/* -- deliveries ---------------------------------------------------------------------------- */

static void reply_taken(struct engine *engine, const struct event *event, int64_t seq)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    char name[40];

    snprintf(name, sizeof name, "d-%06lld", (long long)seq);
    json_open(&out, '{');
    json_put_bool(&out, "again", !event->ok);
    json_put(&out, "delivery", name);
    json_close(&out);
    reply_json(engine, event->number, 0, str_span(&text), true);
    str_fini(&text);
}

/* Just as it came: as a text where a JSON string can hold it, else in base64. */
static void put_raw(struct json_out *out, struct span raw)
{
    struct str text = { 0 };
    struct json_out one = { .str = &text };
    bool is_text = json_is_text(raw);

    if (is_text)
        json_string_span(&one, raw);
    if (!is_text || text.len > raw.len / 3 * 4 + RAW_ROOM) {
        str_reset(&text);
        base64_add(&text, raw.ptr, raw.len);
        json_put_span(out, "raw64", str_span(&text));
    } else {
        json_put_raw(out, "raw", str_span(&text));
    }
    str_fini(&text);
}

void alert_on_delivery(struct engine *engine, const struct event *event)
{
    int64_t seq = engine->next_seq;
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (!event->ok) {
        reply_taken(engine, event, event->first_seq);
        return;
    }
    json_open(&out, '{');
    json_put_span(&out, "id", event->text);
    json_put_int(&out, "key", event->run);
    json_put_span(&out, "proof", event->who);
    put_raw(&out, event->json);
    json_put_span(&out, "source", event->name);
    json_close(&out);
    row_write_global(engine, ROW_DELIVERY, str_span(&body));
    str_fini(&body);
    put_delivery(engine, event->run, seq, seq, DELIVERY_NEW);
    struct command *command = turn_command(engine, CMD_ADAPT, false);
    command->number = seq;
    command->run = event->run;
    command->name = turn_keep(engine, event->name);
    command->bytes = turn_keep(engine, event->json);
    reply_taken(engine, event, seq);
}

/* In the same commit as its alerts. */
void alert_on_read(struct engine *engine, const struct event *event)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    int state = event->ok ? DELIVERY_READ : DELIVERY_UNREADABLE;
    int64_t seq = engine->next_seq;

    json_open(&out, '{');
    json_put(&out, "k", event->ok ? "read" : "unreadable");
    json_put_int(&out, "n", event->number);
    json_key(&out, "read");
    json_open(&out, '{');
    json_put_int(&out, "key", event->run);
    json_put_int(&out, "of", event->first_seq);
    json_put_int(&out, "s", state);
    json_close(&out);
    if (!event->ok)
        json_put_span(&out, "why", event->text);
    json_close(&out);
    row_write_global(engine, ROW_ALERT_NOTE, str_span(&body));
    str_fini(&body);
    put_delivery(engine, event->run, event->first_seq, seq, state);
}

/* -- alerts -------------------------------------------------------------------------------- */

/* Where its decisions stand, so that explaining it reads just those rows. */
static void remember_made(struct alert_card *card, int64_t seq)
{
    if (card->made_count == ALERT_MADE_MAX) {
        memmove(card->made + 1, card->made + 2, (ALERT_MADE_MAX - 2) * sizeof *card->made);
        card->made_count--;
    }
    card->made[card->made_count++] = seq;
}

static void remember_change(struct alert_card *card, int64_t seq)
{
    if (card->change_count == ALERT_MADE_MAX) {
        memmove(card->changes, card->changes + 1,
                (ALERT_MADE_MAX - 1) * sizeof *card->changes);
        card->change_count--;
    }
    card->changes[card->change_count++] = seq;
}

void alert_note(struct engine *engine, struct alert_card *card, const char *kind,
                struct span more)
{
    int64_t seq = engine->next_seq;
    struct str body = { 0 }, shown = { 0 };
    struct json_out out = { .str = &body }, inner = { .str = &shown };
    struct span key, value;
    size_t pos = 0;

    if (json_get(more, "made").len > 0)
        remember_made(card, seq);
    put_card(&inner, card);
    json_open(&out, '{');
    json_put_raw(&out, "card", str_span(&shown));
    json_put_int(&out, "i", card->number);
    json_put(&out, "k", kind);
    while (json_next(more, &pos, &key, &value)) {
        json_key_span(&out, key);
        json_raw_value(&out, value);
    }
    json_put_int(&out, "of", card->first_seq);
    json_close(&out);
    row_write_global(engine, ROW_ALERT_NOTE, str_span(&body));
    put_entry(engine, str_span(&shown), card->number, card->first_seq, seq);
    card->last_seq = seq;
    str_fini(&body);
    str_fini(&shown);
}

static int level(const char *severity)
{
    static const char *const words[] = { "informational", "low", "medium", "high" };

    for (int i = 0; i < 4; i++)
        if (strcmp(severity, words[i]) == 0)
            return i;
    return -1;
}

static void set(char **field, struct span json, const char *key)
{
    char *text = json_get_text(json, key);

    if (text == NULL || text[0] == '\0') {
        free(text);
        return;
    }
    free(*field);
    *field = text;
}

static void begin_new(struct engine *engine, const struct event *event)
{
    struct intake *intake = intake_of(engine);
    struct alert_card *card =
        alert_card_read((struct span){ 0 }, ++intake->last_alert, engine->next_seq);
    struct str body = { 0 }, shown = { 0 };
    struct json_out out = { .str = &body }, inner = { .str = &shown };

    card->count = 1;
    card->first_ms = card->last_ms = engine->now_ms;
    card->delivery = event->last_seq;
    free(card->source);
    card->source = span_dup(event->name);
    set(&card->id, event->json, "id");
    set(&card->type, event->json, "type");
    set(&card->title, event->json, "title");
    set(&card->severity, event->json, "severity");
    set(&card->status, event->json, "status");
    card->is_over = alert_is_over(event->json);
    card->is_simulated = json_get_bool(event->json, "simulated", false);
    put_card(&inner, card);
    json_open(&out, '{');
    json_put_raw(&out, "alert", event->json);
    json_put_raw(&out, "card", str_span(&shown));
    json_put_int(&out, "i", card->number);
    json_put_int(&out, "key", event->run);
    if (json_count(json_get(event->who, "keys")) > 0)
        json_put_raw(&out, "keys", json_get(event->who, "keys"));
    json_close(&out);
    row_write_global(engine, ROW_ALERT, str_span(&body));
    put_entry(engine, str_span(&shown), card->number, card->first_seq, card->first_seq);
    put_key(engine, event->run, card->number, card->first_seq);
    put_keys(engine, json_get(event->who, "keys"), card->number, card->first_seq);
    str_fini(&body);
    str_fini(&shown);
    route_begin(engine, card, event->json);
}

/* The runs that it started and that wait for it hear of it: ctx.signal("alert_raised"). */
static void signal_runs(struct engine *engine, const struct alert_card *card,
                        const char *name, struct span value)
{
    struct str list = { 0 }, args = { 0 };
    struct span run;
    char why[64];
    size_t pos = 0;

    snprintf(why, sizeof why, "%s: a-%06lld of delivery d-%06lld", name,
             (long long)card->number, (long long)card->delivery);
    str_printf(&list, "[%s]", card->runs.len > 0 ? str_text(&card->runs) : "");
    while (json_next(str_span(&list), &pos, NULL, &run)) {
        struct json_out out = { .str = &args };

        str_reset(&args);
        json_open(&out, '{');
        json_put_bool(&out, "follow", false);
        json_put(&out, "name", name);
        json_put(&out, "reason", why);
        json_put_raw(&out, "run", run);
        if (value.len > 0)
            json_put_raw(&out, "value", value);
        else
            json_put(&out, "value", card->severity);
        json_close(&out);
        ask_handle(engine, &(struct event){ .kind = EV_ASK,
                                            .name = span_of("signal"),
                                            .json = str_span(&args),
                                            .who = span_of("cordon") });
    }
    str_fini(&args);
    str_fini(&list);
}

/* What the card becomes by being told again. */
struct telling {
    bool is_raised, is_ended, is_back, is_again;
    bool is_joined;            /* under names that it was not told under before */
    struct span news, foreign; /* empty: nothing is new */
};

static struct span lists_of(struct span told, const char *key)
{
    struct span lists = json_get(told, key);

    return json_count(lists) > 0 ? lists : (struct span){ 0 };
}

static struct telling telling_of(const struct alert_card *card, const struct event *event)
{
    char *severity = text_of(event->json, "severity");
    bool is_over = alert_is_over(event->json);
    struct telling telling = {
        .is_raised = level(severity) > level(card->severity),
        .is_ended = is_over && !card->is_over,
        .is_back = card->is_over && !is_over,
        .is_again = card->delivery != event->last_seq,
        .is_joined =
            teller_is_news(card, json_get(event->who, "told"), json_get(event->who, "was")),
        .news = lists_of(event->who, "news"),
        .foreign = lists_of(event->who, "foreign"),
    };

    free(severity);
    return telling;
}

/* Is there more to be routed? */
static bool is_more(const struct telling *telling)
{
    return telling->news.len > 0 || telling->foreign.len > 0 || telling->is_joined;
}

/* Is the alert another one than its newest row says? */
static bool is_other(const struct telling *telling)
{
    return is_more(telling) || telling->is_raised || telling->is_ended || telling->is_back;
}

/* Now it may be one for a playbook that waits for the end, whatever it started at its
 * beginning; or for one that wanted nothing of it while it was over. */
static bool is_for_all(const struct alert_card *card, const struct telling *telling)
{
    return telling->is_ended ||
           ((telling->is_raised || telling->is_back) && card->runs.len == 0);
}

static void take_lists(char **lists, struct span more)
{
    char *joined = news_join(*lists, more);

    free(*lists);
    *lists = joined;
}

static void card_take(struct engine *engine, struct alert_card *card,
                      const struct event *event, const struct telling *telling)
{
    if (is_for_all(card, telling) && card->runs.len == 0)
        str_reset(&card->starts); /* what a storm held or shadow planned is asked anew */
    card->count += telling->is_again;
    card->last_ms = engine->now_ms;
    card->delivery = event->last_seq;
    card->ended += telling->is_ended;
    if (telling->is_raised)
        set(&card->severity, event->json, "severity");
    set(&card->status, event->json, "status");
    card->is_over = alert_is_over(event->json);
    if (telling->news.len > 0) {
        take_lists(&card->news, telling->news);
        remember_change(card, engine->next_seq); /* the row that follows */
    }
    if (telling->foreign.len > 0)
        take_lists(&card->foreign, telling->foreign);
    if (telling->is_joined)
        teller_take(card, json_get(event->who, "told"), json_get(event->who, "was"));
    if (is_other(telling))
        card->grown = engine->next_seq;
}

static void note_telling(struct engine *engine, struct alert_card *card,
                         const struct event *event, const struct telling *telling)
{
    const char *kind = telling->is_raised      ? "raised"
                       : telling->is_ended     ? "resolved"
                       : telling->news.len > 0 ? "changed"
                                               : "again";
    struct str more = { 0 };
    struct json_out out = { .str = &more };

    json_open(&out, '{');
    if (json_count(json_get(event->who, "keys")) > 0)
        json_put_raw(&out, "keys", json_get(event->who, "keys"));
    if (telling->news.len > 0)
        json_put_raw(&out, "new", telling->news);
    if (is_other(telling))
        json_put_raw(&out, "now", event->json);
    json_close(&out);
    alert_note(engine, card, kind, str_span(&more));
    str_fini(&more);
}

/* What an alert gained while it was over starts nothing, and waits for when it comes back. */
static bool has_more(const struct alert_card *card, const struct telling *telling)
{
    return is_more(telling) || (telling->is_back && card->news != NULL);
}

static void route_again(struct engine *engine, struct alert_card *card,
                        const struct event *event, const struct telling *telling,
                        bool was_routed)
{
    if (!was_routed || (!is_for_all(card, telling) && !has_more(card, telling)))
        alert_card_free(card);
    else if (is_for_all(card, telling))
        route_begin(engine, card, event->json);
    else
        route_begin_more(engine, card, event->json);
}

static void signal_telling(struct engine *engine, const struct alert_card *card,
                           const struct telling *telling)
{
    if (telling->is_raised)
        signal_runs(engine, card, "alert_raised", (struct span){ 0 });
    if (telling->is_ended)
        signal_runs(engine, card, "alert_resolved", (struct span){ 0 });
    if (telling->news.len > 0)
        signal_runs(engine, card, "alert_changed", telling->news);
}

static void count_again(struct engine *engine, const struct event *event)
{
    struct alert_card *routed = route_card(engine, event->number);
    struct alert_card *card =
        routed != NULL ? routed
                       : alert_card_read(event->text, event->number, event->first_seq);
    struct telling telling = telling_of(card, event);

    if (!telling.is_again && !is_more(&telling)) { /* this delivery is read once more */
        if (routed == NULL)
            alert_card_free(card);
        return;
    }
    bool was_routed = card->is_routed;
    card_take(engine, card, event, &telling);
    if (is_for_all(card, &telling))
        card->is_routed = false; /* after a crash the next start routes it */
    note_telling(engine, card, event, &telling);
    signal_telling(engine, card, &telling);
    if (routed == NULL)
        route_again(engine, card, event, &telling, was_routed);
    else if (has_more(card, &telling) || is_for_all(card, &telling))
        route_add_more(engine, event->number, event->json, is_for_all(card, &telling));
}

void alert_on_alert(struct engine *engine, const struct event *event)
{
    if (event->number == 0)
        begin_new(engine, event);
    else
        count_again(engine, event);
}

void alert_on_open(struct engine *engine, const struct event *event)
{
    struct alert_card *card = alert_card_read(event->text, event->number, event->first_seq);

    if (card->is_routed)
        route_begin_more(engine, card, event->json);
    else
        route_begin(engine, card, event->json);
}
