/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/alerts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert.h"
#include "base/clock.h"
#include "base/log.h"
#include "frame/frame.h"
#include "serve/adapters.h"
#include "serve/inside.h"
#include "serve/pull.h"
#include "store/store.h"

enum { UNREADABLE_SAID_MS = 1000 };

/* -- what a delivery and an alert are counted by --------------------------------------------- */

static int64_t key_of(const char *domain, struct span source, struct span id)
{
    struct hash_list list;
    struct hash hash;
    int64_t key;

    hash_list_init(&list, domain);
    hash_list_add_span(&list, source);
    hash_list_add_span(&list, id);
    hash = hash_list_end(&list);
    memcpy(&key, hash.bytes, sizeof key);
    key &= INT64_MAX;
    return key == 0 ? 1 : key;
}

/* An alert without an id is the same when it says the same of the same things. */
static int64_t alert_key(struct span source, struct span alert)
{
    struct span id = json_get_raw(alert, "id");
    struct hash_list list;
    struct hash hash;
    char hex[HASH_HEX_LEN + 1];

    if (id.len > 0)
        return key_of("cordon.alert.v1", source, id);
    hash_list_init(&list, "cordon.alert.same.v1");
    hash_list_add_span(&list, json_get(alert, "type"));
    hash_list_add_span(&list, json_get(alert, "title"));
    hash_list_add_span(&list, json_get(alert, "resources"));
    hash = hash_list_end(&list);
    return key_of("cordon.alert.v1", source, span_of(hash_hex(hash, hex)));
}

/* -- deliveries ------------------------------------------------------------------------------ */

struct delivery { /* one that is being read */
    struct list in_serve;
    struct serve *serve;
    int64_t key, seq;
    char *source;
    char *read; /* what its adapter made of it, while it waits for the catalogue */
};

static struct span source_config(struct serve *serve, struct span source)
{
    struct span key, value;
    size_t pos = 0;

    while (json_next(json_get(str_span(&serve->config), "sources"), &pos, &key, &value))
        if (span_equal(key, source))
            return value;
    return (struct span){ 0 };
}

void alerts_take(struct serve *serve, int64_t ask, struct span source, struct span delivery,
                 struct span proof, struct span raw)
{
    const int64_t days_ms = ALERTS_AGAIN_DAYS * INT64_C(24) * 3600 * 1000;
    int64_t key = key_of("cordon.delivery.v1", source, delivery.len > 0 ? delivery : raw);
    struct entry entry;
    struct err err;

    if (delivery.len > ALERTS_ID_MAX) {
        clients_error(serve, ask, 2, "delivery", "a delivery's id has at most %d bytes",
                      ALERTS_ID_MAX);
        return;
    }
    if (serve->delivery_count >= ALERTS_UNDER_WAY_MAX) {
        clients_error(serve, ask, 1, "busy",
                      "%d deliveries wait to be read; try again in a moment",
                      serve->delivery_count);
        return;
    }
    bool is_known = store_find(serve->store, ENTRY_DELIVERY, key, 0, &entry, &err) == 0 &&
                    clock_unix_ms() - entry.last_seq < days_ms;
    pump_event(serve, &(struct event){ .kind = EV_DELIVERY,
                                       .run = key,
                                       .ok = !is_known,
                                       .first_seq = is_known ? entry.first_seq : 0,
                                       .number = ask,
                                       .name = source,
                                       .text = delivery,
                                       .who = proof,
                                       .json = raw });
}

static void give_alert(struct delivery *delivery, struct span alert)
{
    struct serve *serve = delivery->serve;
    struct span source = span_of(delivery->source);
    int64_t key = alert_key(source, alert);
    struct event event = { .kind = EV_ALERT,
                           .run = key,
                           .name = source,
                           .json = alert,
                           .last_seq = delivery->seq };
    struct entry entry;
    struct err err;
    char *body = NULL;

    if (store_find(serve->store, ENTRY_DELIVERY, key, 1, &entry, &err) == 0) {
        event.number = entry.last_seq;
        if (store_find(serve->store, ENTRY_ALERT, event.number, 0, &entry, &err) == 0) {
            body = span_dup(entry.body);
            event.text = span_of(body);
            event.first_seq = entry.first_seq;
        }
    }
    pump_event(serve, &event);
    free(body);
}

/* A source that sends nothing but what cannot be read would fill the log: each is in the
 * journal anyway. */
static void say_unreadable(const struct delivery *delivery, const char *why)
{
    struct serve *serve = delivery->serve;
    int64_t now_ms = clock_unix_ms();

    serve->unreadable++;
    if (now_ms - serve->unreadable_said_ms < UNREADABLE_SAID_MS)
        return;
    log_warnx("delivery d-%06" PRId64
              " of %s cannot be read: %s (%d since this was said last)",
              delivery->seq, delivery->source, why, serve->unreadable);
    serve->unreadable = 0;
    serve->unreadable_said_ms = now_ms;
}

static void free_delivery(struct delivery *delivery)
{
    free(delivery->source);
    free(delivery->read);
    free(delivery);
}

static void end_delivery(struct delivery *delivery, int64_t alerts, const char *why)
{
    struct serve *serve = delivery->serve;

    pump_event(serve, &(struct event){ .kind = EV_DELIVERY_READ,
                                       .run = delivery->key,
                                       .first_seq = delivery->seq,
                                       .ok = why == NULL,
                                       .number = alerts,
                                       .text = span_of(why) });
    serve->delivery_count--;
    list_remove(&delivery->in_serve);
    free_delivery(delivery);
    serve_maybe_end(serve);
}

static void give_alerts(struct delivery *delivery, struct span alerts)
{
    struct span alert;
    size_t pos = 0;

    while (json_next(alerts, &pos, NULL, &alert))
        give_alert(delivery, alert);
    end_delivery(delivery, (int64_t)json_count(alerts), NULL);
}

static void on_read(void *arg, bool ok, struct span json)
{
    struct delivery *delivery = arg;

    if (ok && catalogue_is_reading(delivery->serve)) {
        delivery->read = span_dup(json);
    } else if (ok) {
        give_alerts(delivery, json);
    } else {
        char *why = json_get_text(json, "message");

        say_unreadable(delivery, why != NULL ? why : "");
        end_delivery(delivery, 0, why != NULL ? why : "");
        free(why);
    }
}

void alerts_go_on(struct serve *serve)
{
    list_each (link, after, &serve->deliveries) {
        struct delivery *delivery = list_item(link, struct delivery, in_serve);
        char *read = delivery->read;

        if (catalogue_is_reading(serve))
            return; /* again */
        if (read == NULL)
            continue;
        delivery->read = NULL;
        give_alerts(delivery, span_of(read));
        free(read);
    }
}

static void adapt(struct serve *serve, struct span source, int64_t key, int64_t seq,
                  struct span raw)
{
    struct delivery *delivery = xcalloc(1, sizeof *delivery);
    struct span config = source_config(serve, source);
    char *path = config_resolve(serve, json_get(config, "adapter"));

    delivery->serve = serve;
    delivery->key = key;
    delivery->seq = seq;
    delivery->source = span_dup(source);
    list_add(&serve->deliveries, &delivery->in_serve);
    serve->delivery_count++;
    const char *pulled = pull_kind(serve, source);
    pull_read(serve, pulled != NULL ? span_of(pulled) : json_get_raw(config, "kind"), path,
              raw, on_read, delivery);
    free(path);
}

void alerts_adapt(struct serve *serve, const struct command *command)
{
    adapt(serve, command->name, command->run, command->number, command->bytes);
}

void alerts_close(struct serve *serve)
{
    while (!list_is_empty(&serve->deliveries)) {
        free_delivery(list_item(list_take(&serve->deliveries), struct delivery, in_serve));
    }
}

/* -- at a start ------------------------------------------------------------------------------ */

static int take_newest(const struct entry *entry, void *arg)
{
    *(int64_t *)arg = entry->run;
    return 1;
}

struct opening {
    struct serve *serve;
    struct arena arena;
    struct event *events;
    int count, cap;
};

static struct event *add(struct opening *opening, enum event_kind kind)
{
    if (opening->count == opening->cap) {
        opening->cap = opening->cap == 0 ? 64 : opening->cap * 2;
        opening->events =
            xrealloc(opening->events, (size_t)opening->cap * sizeof *opening->events);
    }
    opening->events[opening->count] = (struct event){ .kind = kind };
    return &opening->events[opening->count++];
}

static struct span keep(struct opening *opening, struct span bytes)
{
    return (struct span){ arena_dup(&opening->arena, bytes.ptr, bytes.len), bytes.len };
}

static void give(struct opening *opening)
{
    for (int i = 0; i < opening->count; i++)
        pump_event(opening->serve, &opening->events[i]);
    free(opening->events);
    arena_fini(&opening->arena);
}

static int take_storm(const struct entry *entry, void *arg)
{
    struct event *event = add(arg, EV_STORM);

    event->run = entry->run;
    event->number2 = entry->due_ms;
    event->json = keep(arg, entry->body);
    return 0;
}

int alerts_open(struct serve *serve, struct err *err)
{
    struct entry_query newest = {
        .kind = ENTRY_ALERT, .state = -1, .run = -1, .limit = 1, .newest_first = true
    };
    struct entry_query storms = { .kind = ENTRY_STORM, .state = 1, .run = -1 };
    struct opening opening = { .serve = serve };
    int64_t last = 0;

    if (store_each_entry(serve->store, &newest, take_newest, &last, err) < 0 ||
        store_each_entry(serve->store, &storms, take_storm, &opening, err) < 0)
        return err->code;
    add(&opening, EV_ALERTS)->number = last;
    give(&opening);
    return 0;
}

static int take_alert_row(const struct row *row, void *arg)
{
    struct opening *opening = arg;

    opening->events[opening->count - 1].json = keep(opening, json_get(row->body, "alert"));
    return 1;
}

static int take_unrouted(const struct entry *entry, void *arg)
{
    struct opening *opening = arg;
    struct event *event = add(opening, EV_ALERT_OPEN);
    struct err err;

    event->number = entry->run;
    event->first_seq = entry->first_seq;
    event->text = keep(opening, entry->body);
    if (store_each(opening->serve->store, entry->first_seq, take_alert_row, opening, &err) <
        0)
        log_warnx("%s", err.text);
    return 0;
}

struct unread {
    struct list in_list;
    int64_t key, seq;
};

static int take_unread(const struct entry *entry, void *arg)
{
    struct unread *unread = xcalloc(1, sizeof *unread);

    unread->key = entry->run;
    unread->seq = entry->first_seq;
    list_add(arg, &unread->in_list);
    return 0;
}

struct reread {
    struct serve *serve;
    const struct unread *unread;
};

static int read_again(const struct row *row, void *arg)
{
    struct reread *reread = arg;
    char *source = json_get_text(row->body, "source");
    struct str raw = { 0 };

    json_text_to(&raw, json_get(row->body, "raw"));
    adapt(reread->serve, span_of(source), reread->unread->key, reread->unread->seq,
          str_span(&raw));
    str_fini(&raw);
    free(source);
    return 1;
}

int alerts_resume(struct serve *serve, struct err *err)
{
    struct entry_query alerts = { .kind = ENTRY_ALERT, .state = ALERT_NEW, .run = -1 };
    struct entry_query deliveries = { .kind = ENTRY_DELIVERY,
                                      .state = DELIVERY_NEW,
                                      .run = -1 };
    struct opening opening = { .serve = serve };
    struct list unread;
    int rc;

    list_init(&unread);
    rc = store_each_entry(serve->store, &alerts, take_unrouted, &opening, err);
    give(&opening);
    if (rc >= 0)
        rc = store_each_entry(serve->store, &deliveries, take_unread, &unread, err);
    while (!list_is_empty(&unread)) {
        struct unread *one = list_item(list_take(&unread), struct unread, in_list);
        struct reread reread = { serve, one };

        if (rc >= 0)
            rc = store_each(serve->store, one->seq, read_again, &reread, err);
        free(one);
    }
    return rc < 0 ? rc : 0;
}

void alerts_due(struct serve *serve, struct event *event)
{
    struct span start = json_get(event->json, "start");
    struct entry entry;
    struct err err;
    char *body = NULL;

    if (start.len > 0 && store_find(serve->store, ENTRY_ALERT, json_get_int(start, "i", 0),
                                    0, &entry, &err) == 0) {
        body = span_dup(entry.body);
        event->text = span_of(body);
    }
    pump_event(serve, event);
    free(body);
}

/* -- what can be read ------------------------------------------------------------------------ */

static void put_alert(struct json_out *out, const struct entry *entry)
{
    struct span key, value;
    char name[40];
    size_t pos = 0;

    snprintf(name, sizeof name, "a-%06" PRId64, entry->run);
    json_put(out, "alert", name);
    while (json_next(entry->body, &pos, &key, &value)) {
        if (span_is(key, "d") || span_is(key, "made") || span_is(key, "routed"))
            continue;
        json_key_span(out, key);
        json_raw_value(out, value);
    }
    json_put(out, "state", entry->state == ALERT_ROUTED ? "routed" : "new");
}

struct listing {
    struct json_out out;
    struct span source;
    int64_t last;
    int count, limit;
    bool has_more;
};

static int list_one(const struct entry *entry, void *arg)
{
    struct listing *listing = arg;

    if (listing->source.len > 0 &&
        !span_equal(json_get_raw(entry->body, "source"), listing->source))
        return 0;
    if (listing->count == listing->limit) {
        listing->has_more = true;
        return 1;
    }
    listing->count++;
    listing->last = entry->run;
    json_open(&listing->out, '{');
    put_alert(&listing->out, entry);
    json_close(&listing->out);
    return 0;
}

static bool parse_alert(struct span text, int64_t *number)
{
    if (span_starts(text, "a-")) {
        text.ptr += 2;
        text.len -= 2;
    }
    return span_int(text, number) && *number > 0;
}

static void list_alerts(struct serve *serve, const struct asked *asked)
{
    struct str text = { 0 };
    struct listing listing = { .out = { .str = &text },
                               .source = json_get_raw(asked->args, "source"),
                               .limit = (int)json_get_int(asked->args, "limit", 50) };
    struct entry_query query = {
        .kind = ENTRY_ALERT, .state = -1, .run = -1, .newest_first = true
    };
    struct span before = json_get_raw(asked->args, "before");
    struct err err;

    if (before.len > 0 && !parse_alert(before, &query.after)) {
        clients_error(serve, asked->number, 2, "before",
                      "before: want an alert's name, a-000001");
        return;
    }
    if (listing.limit < 1 || listing.limit > ALERTS_LIST_MAX)
        listing.limit = ALERTS_LIST_MAX;
    json_open(&listing.out, '{');
    json_key(&listing.out, "alerts");
    json_open(&listing.out, '[');
    int rc = store_each_entry(serve->store, &query, list_one, &listing, &err);
    json_close(&listing.out);
    if (listing.has_more) {
        char name[40];

        snprintf(name, sizeof name, "a-%06" PRId64, listing.last);
        json_put(&listing.out, "next", name);
    }
    json_close(&listing.out);
    if (rc < 0)
        clients_error(serve, asked->number, 1, "journal", "%s", err.text);
    else
        clients_reply(serve, asked->number, 0, str_span(&text));
    str_fini(&text);
}

static int put_alert_row(const struct row *row, void *arg)
{
    json_put_raw(arg, "normalised", json_get(row->body, "alert"));
    return 1;
}

static int put_decisions(const struct row *row, void *arg)
{
    struct json_out *out = arg;

    json_open(out, '{');
    json_put_int(out, "at", row->at_ms);
    json_put_raw(out, "decisions", json_get(row->body, "made"));
    json_close(out);
    return 1;
}

static int put_plan_row(const struct row *row, void *arg)
{
    struct json_out *out = arg;

    json_open(out, '{');
    json_put_int(out, "at", row->at_ms);
    json_put_raw(out, "plan", json_get(row->body, "plan"));
    json_put_raw(out, "playbook", json_get(row->body, "playbook"));
    json_close(out);
    return 1;
}

struct plans {
    int64_t seqs[ALERTS_PLANS_SHOWN_MAX];
    int count;
};

static int take_plan(const struct entry *entry, void *arg)
{
    struct plans *plans = arg;

    plans->seqs[plans->count++] = entry->first_seq;
    return plans->count == ALERTS_PLANS_SHOWN_MAX;
}

/* In shadow mode: what it would have changed. */
static void put_plans(struct serve *serve, int64_t number, struct json_out *out)
{
    struct entry_query query = { .kind = ENTRY_ALERT_PLAN, .state = -1, .run = number };
    struct plans plans = { .count = 0 };
    struct err err;

    if (store_each_entry(serve->store, &query, take_plan, &plans, &err) < 0)
        log_warnx("%s", err.text);
    json_key(out, "plans");
    json_open(out, '[');
    for (int i = 0; i < plans.count; i++)
        store_each(serve->store, plans.seqs[i], put_plan_row, out, &err);
    json_close(out);
}

static void show_alert(struct serve *serve, const struct asked *asked)
{
    struct str text = { 0 };
    struct json_out out = { .str = &text };
    struct entry entry;
    struct err err;
    struct span made, seq;
    size_t pos = 0;
    int64_t number;

    if (!parse_alert(json_get_raw(asked->args, "alert"), &number) ||
        store_find(serve->store, ENTRY_ALERT, number, 0, &entry, &err) != 0) {
        clients_error(serve, asked->number, 2, "not_found",
                      "there is no such alert; cordon alerts lists them");
        return;
    }
    char *body = span_dup(entry.body);
    json_open(&out, '{');
    put_alert(&out, &entry);
    store_each(serve->store, entry.first_seq, put_alert_row, &out, &err);
    put_plans(serve, number, &out);
    json_key(&out, "routing");
    json_open(&out, '[');
    made = json_get(span_of(body), "made");
    while (json_next(made, &pos, NULL, &seq))
        store_each(serve->store, json_int(seq, 0), put_decisions, &out, &err);
    json_close(&out);
    json_close(&out);
    clients_reply(serve, asked->number, 0, str_span(&text));
    free(body);
    str_fini(&text);
}

/* -- hook test ------------------------------------------------------------------------------- */

struct trial {
    struct serve *serve;
    int64_t ask;
    struct str alerts, answers;
    struct span alert; /* the one that is being asked about */
    size_t pos;
    struct str out;
    struct json_out json;
    int pending;
    bool is_first;
};

static void trial_next(struct trial *trial);

static void trial_free(struct trial *trial)
{
    str_fini(&trial->alerts);
    str_fini(&trial->answers);
    str_fini(&trial->out);
    free(trial);
}

struct question {
    struct trial *trial;
    char hash[HASH_HEX_LEN + 1];
    struct machine *machine;
    struct str frame;
    struct later ending;
};

static void trial_answered(struct trial *trial)
{
    if (--trial->pending > 0)
        return;
    struct str made = { 0 };

    str_add_char(&trial->answers, ']');
    engine_route_plan(trial->serve->engine, trial->alert, str_span(&trial->answers), &made);
    json_open(&trial->json, '{');
    json_put_raw(&trial->json, "alert", trial->alert);
    json_put_raw(&trial->json, "decisions", str_span(&made));
    json_close(&trial->json);
    str_fini(&made);
    trial_next(trial);
}

static void end_question(void *arg)
{
    struct question *question = arg;
    struct trial *trial = question->trial;

    vms_own_close(question->machine);
    str_fini(&question->frame);
    free(question);
    trial_answered(trial);
}

static void answer_question(struct question *question, bool ok, bool matches,
                            struct span params, struct span why)
{
    struct trial *trial = question->trial;
    struct json_out out = { .str = &trial->answers };

    if (trial->answers.len > 1)
        str_add_char(&trial->answers, ',');
    json_open(&out, '{');
    json_put(&out, "hash", question->hash);
    json_put_bool(&out, "matches", matches);
    json_put_bool(&out, "ok", ok);
    if (ok && matches)
        json_put_raw(&out, "params", params);
    json_put_span(&out, "why", why);
    json_close(&out);
    loop_later(trial->serve->loop, &question->ending, end_question, question);
}

static void on_trial_matched(void *arg, const struct event *event)
{
    answer_question(arg, event->ok, event->number2 != 0, event->json, event->text);
}

static void on_trial_gone(void *arg, const char *why)
{
    struct question *question = arg;

    question->machine = NULL;
    answer_question(question, false, false, (struct span){ 0 }, span_of(why));
}

static void on_trial_loaded(void *arg, bool ok, struct span json)
{
    struct question *question = arg;

    (void)json;
    if (ok)
        vms_own_send(question->machine, str_span(&question->frame));
    else
        answer_question(question, false, false, (struct span){ 0 },
                        span_of("it cannot be loaded"));
}

static void ask_playbook(void *arg, struct span hash)
{
    static const struct vms_hooks hooks = { .loaded = on_trial_loaded,
                                            .matched = on_trial_matched,
                                            .gone = on_trial_gone };
    struct trial *trial = arg;
    struct known *known = serve_known(trial->serve, hash);
    struct question *question;
    struct frame_writer out;

    if (known == NULL)
        return;
    question = xcalloc(1, sizeof *question);
    question->trial = trial;
    memcpy(question->hash, known->hash, sizeof question->hash);
    frame_begin(&out, &question->frame, FRAME_VM_MATCH);
    frame_add_span(&out, trial->alert);
    frame_finish(&out);
    trial->pending++;
    question->machine = vms_own(trial->serve, span_of(known->name), span_of(known->source),
                                &hooks, question);
}

static void trial_next(struct trial *trial)
{
    if (!json_next(str_span(&trial->alerts), &trial->pos, NULL, &trial->alert)) {
        json_close(&trial->json);
        json_close(&trial->json);
        clients_reply(trial->serve, trial->ask, 0, str_span(&trial->out));
        trial_free(trial);
        return;
    }
    str_reset(&trial->answers);
    str_add_char(&trial->answers, '[');
    trial->pending = 1;
    catalogue_each(trial->serve, ask_playbook, trial);
    trial_answered(trial);
}

static void on_trial_read(void *arg, bool ok, struct span json)
{
    struct trial *trial = arg;

    if (!ok) {
        char *why = json_get_text(json, "message");

        clients_error(trial->serve, trial->ask, 2, "alert", "%s", why != NULL ? why : "");
        free(why);
        trial_free(trial);
        return;
    }
    str_add_span(&trial->alerts, json);
    trial->json.str = &trial->out;
    json_open(&trial->json, '{');
    json_key(&trial->json, "alerts");
    json_open(&trial->json, '[');
    trial_next(trial);
}

static void try_it(struct serve *serve, const struct asked *asked, struct span raw)
{
    struct trial *trial = xcalloc(1, sizeof *trial);
    struct span source = json_get_raw(asked->args, "source");
    struct span config = source_config(serve, source);
    char *path = config_resolve(serve, json_get(config, "adapter"));

    trial->serve = serve;
    trial->ask = asked->number;
    adapters_read(serve, config.len > 0 ? json_get_raw(config, "kind") : source, path, raw,
                  on_trial_read, trial);
    free(path);
}

/* -- asks ------------------------------------------------------------------------------------ */

/* Brings a delivery by hand, or shows what one would become. */
static void take_text(struct serve *serve, const struct asked *asked)
{
    struct str raw = { 0 };
    struct err err;

    json_text_to(&raw, json_get(asked->args, "text"));
    if (json_check(raw.ptr, raw.len, ALERT_LEN_MAX, &err) != 0)
        clients_error(serve, asked->number, 2, "alert", "%s", err.text);
    else if (span_is(asked->verb, "hook_test"))
        try_it(serve, asked, str_span(&raw));
    else if (!asked->is_owner)
        clients_error(
            serve, asked->number, 4, "not_the_owner",
            "alerts come from their sources; by hand the user brings them whom the "
            "engine runs as, or root");
    else
        alerts_take(serve, asked->number, json_get_raw(asked->args, "source"),
                    json_get_raw(asked->args, "delivery"), span_of("socket"),
                    str_span(&raw));
    str_fini(&raw);
}

bool alerts_ask(struct serve *serve, const struct asked *asked)
{
    if (span_is(asked->verb, "alerts"))
        list_alerts(serve, asked);
    else if (span_is(asked->verb, "alert") || span_is(asked->verb, "explain_alert"))
        show_alert(serve, asked);
    else if (span_is(asked->verb, "hook_test") || span_is(asked->verb, "deliver"))
        take_text(serve, asked);
    else
        return false;
    return true;
}
