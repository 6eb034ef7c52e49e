/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/rows.c - rows as people get them: what the journal has as numbers, by name.
 */
#include "serve/inside.h"

#include <string.h>

#include "base/id.h"
#include "store/store.h"

static const char *run_kind_word(int64_t kind)
{
    switch (kind) {
    case RUN_LIVE: return "live";
    case RUN_RECOVER: return "recover";
    case RUN_ROLLBACK: return "rollback";
    case RUN_PLAN: return "plan";
    default: return "unknown";
    }
}

/* A number of such a row as a word; false when it is no number that has a name. */
static bool show_word(struct json_out *out, int kind, struct span key, struct span value)
{
    int64_t number = json_int(value, 0);

    if (json_kind(value) != JSON_NUMBER)
        return false;
    if (kind == ROW_START && span_is(key, "kind"))
        json_string(out, run_kind_word(number));
    else if ((kind == ROW_START && span_is(key, "of") && number > 0) ||
             (kind == ROW_CHILD && span_is(key, "run")))
        json_string(out, id_run(number).text);
    else if (kind == ROW_END && span_is(key, "s"))
        json_string(out, run_state_name((int)number));
    else if (kind == ROW_GATE_END && span_is(key, "s"))
        json_string(out, gate_state_name((int)number));
    else
        return false;
    return true;
}

/* An intent with the key that its call carried. */
static void show_intent(struct serve *serve, struct json_out *out,
                        const struct shown_row *row)
{
    struct step_name name = { row->run, json_get_raw(row->body, "b"),
                              json_get_int(row->body, "n", 0),
                              span_is(json_get_raw(row->body, "op"), "restore") };
    char hex[STEP_KEY_LEN + 1];
    struct span key, value;
    size_t pos = 0;

    engine_step_key(serve->engine, &name, hex);
    json_open(out, '{');
    while (json_next(row->body, &pos, &key, &value)) {
        json_key_span(out, key);
        json_raw_value(out, value);
    }
    json_put(out, "key", hex);
    json_close(out);
}

/* An outcome that says no word is done. */
static void show_outcome(struct json_out *out, struct span body)
{
    struct span key, value;
    size_t pos = 0;

    json_open(out, '{');
    while (json_next(body, &pos, &key, &value)) {
        json_key_span(out, key);
        json_raw_value(out, value);
    }
    if (json_get(body, "s").len == 0)
        json_put(out, "s", "done");
    json_close(out);
}

/* Whoever may read rows need not be able to guess at passwords. */
static void show_credential(struct json_out *out, struct span body)
{
    struct span key, value;
    size_t pos = 0;

    json_open(out, '{');
    while (json_next(body, &pos, &key, &value)) {
        json_key_span(out, key);
        json_raw_value(out, span_is(key, "hash") ? span_of("\"(hidden)\"") : value);
    }
    json_close(out);
}

/* The members of body as they are, but for one that is a number and gets a name. */
static void show_body(struct json_out *out, int kind, struct span body)
{
    struct span key, value;
    size_t pos = 0;

    if (json_kind(body) != JSON_OBJECT || (kind != ROW_START && kind != ROW_END &&
                                           kind != ROW_GATE_END && kind != ROW_CHILD)) {
        json_raw_value(out, body);
        return;
    }
    json_open(out, '{');
    while (json_next(body, &pos, &key, &value)) {
        json_key_span(out, key);
        if (!show_word(out, kind, key, value))
            json_raw_value(out, value);
    }
    json_close(out);
}

void rows_show(struct serve *serve, struct json_out *out, const struct shown_row *row)
{
    json_open(out, '{');
    json_put_int(out, "at", row->at_ms);
    json_key(out, "body");
    if (row->kind == ROW_INTENT)
        show_intent(serve, out, row);
    else if (row->kind == ROW_OUTCOME)
        show_outcome(out, row->body);
    else if (row->kind == ROW_ACCOUNT || row->kind == ROW_TOKEN)
        show_credential(out, row->body);
    else
        show_body(out, row->kind, row->body);
    json_put(out, "kind", row_kind_name(row->kind));
    json_put(out, "run", row->run > 0 ? id_run(row->run).text : NULL);
    json_put_int(out, "seq", row->seq);
    json_close(out);
}

int64_t rows_last(struct serve *serve, int64_t run)
{
    int64_t seq = tails_get(serve->tails, run);
    struct entry entry;
    struct err err;

    if (seq > 0)
        return seq;
    if (store_find(serve->store, ENTRY_RUN, run, 0, &entry, &err) != 0)
        return 0;
    return entry.last_seq;
}
