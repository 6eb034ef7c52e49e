/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/answer.c - ctx.ask: a question with answers of a type.
 */
#include "engine/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/schema.h"

/* Is the answer of the type that ctx.ask wants? */
static bool is_typed(struct span args, struct span value)
{
    struct span type = json_get_raw(args, "type");
    enum json_kind kind = json_kind(value);

    if (span_is(type, "boolean"))
        return kind == JSON_TRUE || kind == JSON_FALSE;
    if (span_is(type, "integer"))
        return kind == JSON_NUMBER && memchr(value.ptr, '.', value.len) == NULL;
    if (span_is(type, "number"))
        return kind == JSON_NUMBER;
    if (kind != JSON_STRING || type.len == 0 || span_is(type, "string"))
        return kind == JSON_STRING || type.len == 0;
    char *text = json_text(value);
    bool is_match = schema_format(span_is(type, "arm_id") ? "arm-id"
                                  : span_is(type, "time") ? "date-time"
                                  : span_is(type, "ip")   ? "ip"
                                  : span_is(type, "uuid") ? "uuid"
                                                          : "duration",
                                  span_of(text));
    free(text);
    return is_match;
}

void gate_on_answer(struct run *run, int number, const struct event *event)
{
    struct gate *gate = gate_find(run, number);
    struct span value = json_get(event->json, "value");
    struct span choices = gate != NULL ? json_get(json_get(gate->body, "args"), "choices")
                                       : (struct span){ 0 };
    bool is_choice = json_count(choices) == 0;
    struct span item;
    size_t pos = 0;

    while (json_next(choices, &pos, NULL, &item))
        is_choice = is_choice || json_same(item, value);
    if (gate == NULL || !gate->is_question) {
        reply_error(
            run->engine, event->number, 2, "not_found",
            "gate %d of run %s asks no question; `cordon approve` or `cordon deny` it",
            number, id_run(run->id).text);
    } else if (!is_choice) {
        reply_error(run->engine, event->number, 2, "answer", "the answers are %.*s",
                    (int)choices.len, choices.ptr);
    } else if (json_count(choices) == 0 && !is_typed(json_get(gate->body, "args"), value)) {
        struct span type = json_get_raw(json_get(gate->body, "args"), "type");

        reply_error(run->engine, event->number, 2, "answer",
                    "the answer must be of type %.*s", (int)type.len, type.ptr);
    } else if (vote_may_speak(run, gate, event, false)) {
        struct str body = { 0 };
        struct json_out out = { .str = &body };

        json_open(&out, '{');
        if (event->channel.len > 0)
            json_put_span(&out, "channel", event->channel);
        json_put_int(&out, "g", number);
        if (vote_groups(event).len > 0)
            json_put_raw(&out, "groups", vote_groups(event));
        json_put_raw(&out, "v", value);
        json_put_span(&out, "who", event->who);
        json_put_bool(&out, "yes", true);
        json_close(&out);
        row_write(run, ROW_VOTE, str_span(&body));
        str_fini(&body);
        gate_end(run, gate, GATE_GRANTED, value);
        ask_accept(run, event);
    }
}
