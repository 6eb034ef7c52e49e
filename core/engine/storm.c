/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/storm.c - of many alerts that are alike, how many start something.
 *
 * A storm is counted by its route, by what the route counts by, and by the playbook. It is
 * written with the alert that it decides on, and ends when its time is over.
 */
#include "engine/routing.h"

#include <stdlib.h>
#include <string.h>

#include "engine/internal.h"

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
                                                      : route_alert_value(alert, word);

        hash_list_add_span(&list, value);
    }
    struct hash hash = hash_list_end(&list);
    memcpy(&key, hash.bytes, sizeof key);
    return key & INT64_MAX;
}

struct storm *storm_find(struct intake *intake, int64_t key)
{
    list_each (link, after, &intake->storms) {
        struct storm *storm = list_item(link, struct storm, in_intake);

        if (storm->key == key)
            return storm;
    }
    return NULL;
}

void storm_free(struct intake *intake, struct storm *storm)
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

void storm_write(struct engine *engine, struct storm *storm, struct span start,
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

static int64_t duration_of(struct span storm, const char *key)
{
    char *text = json_get_text(storm, key);
    int64_t ms = 0;

    if (text == NULL || !duration_parse(span_of(text), &ms))
        ms = 0;
    free(text);
    return ms;
}

enum verdict storm_says(struct engine *engine, struct span route, struct span alert,
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
