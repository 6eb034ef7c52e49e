/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/ledger.c - what is contained: from the index, and from the rows of runs under way.
 *
 * The index has a run's holds when the run has parked or ended (engine/hold.c); before that
 * its rows have them: intents with an outcome "done" beyond what the run's entry covers.
 */
#include "serve/inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "store/store.h"

/* An intent: what a hold's entry points at. */
struct intent {
    struct str body;
    int64_t at_ms;
    int ordinal;
    bool is_done; /* and not in the index yet */
};

struct ledger {
    struct serve *serve;
    struct json_out *out;
    /* the run that is being walked */
    struct intent *intents;
    int count, cap;
    int64_t covered; /* up to here its holds are in the index */
};

static bool is_same_step(struct span a, struct span b)
{
    return span_equal(json_get_raw(a, "b"), json_get_raw(b, "b")) &&
           json_get_int(a, "n", 0) == json_get_int(b, "n", 0);
}

static void put_intent(struct json_out *out, const struct intent *intent)
{
    struct span body = str_span(&intent->body);
    struct str path = { 0 };

    str_printf(&path, "%.*s/%lld", (int)json_get_raw(body, "b").len,
               json_get_raw(body, "b").ptr, (long long)json_get_int(body, "n", 0));
    json_put_raw(out, "action", json_get(body, "a"));
    json_put_raw(out, "after", json_get(body, "z"));
    json_put_raw(out, "before", json_get(body, "w"));
    /* g is left out when undoing leaves it as before, and null when nothing can be undone. */
    json_put_bool(out, "can_undo", json_kind(json_get(body, "g")) != JSON_NULL);
    json_put_int(out, "since", intent->at_ms);
    json_put(out, "step", str_text(&path));
    json_put_raw(out, "target", json_get(body, "t"));
    json_put_raw(out, "undo", json_get(body, "undo"));
    json_put_raw(out, "what", json_get(body, "what"));
    str_fini(&path);
}

static void put_hold(struct ledger *ledger, int64_t run_id, int state, int64_t due_ms,
                     const struct intent *intent)
{
    static const char *const states[] = { "on", "on", "off", "left" };
    struct json_out *out = ledger->out;
    struct entry run;
    struct err err;

    json_open(out, '{');
    put_intent(out, intent);
    if (store_find(ledger->serve->store, ENTRY_RUN, run_id, 0, &run, &err) == 0) {
        json_put_raw(out, "by", json_get(run.body, "by"));
        json_put_raw(out, "playbook", json_get(run.body, "playbook"));
    }
    json_put(out, "hold", id_hold(run_id, intent->ordinal).text);
    json_key(out, "runs");
    json_open(out, '[');
    json_string(out, id_run(run_id).text);
    json_close(out);
    json_put(out, "state", state > 0 && state <= HOLD_LEFT ? states[state] : "on");
    if (due_ms > 0)
        json_put_int(out, "until", due_ms);
    json_close(out);
}

/* -- from the index ----------------------------------------------------------------------- */

static int copy_row(const struct row *row, void *arg)
{
    struct intent *intent = arg;

    str_add_span(&intent->body, row->body);
    intent->at_ms = row->at_ms;
    return 1; /* just this one */
}

static int add_entry(const struct entry *entry, void *arg)
{
    struct ledger *ledger = arg;
    struct intent intent = { .ordinal = entry->n };
    int64_t run = entry->run, due_ms = entry->due_ms;
    int state = entry->state;
    struct err err;
    int rc = store_each(ledger->serve->store, entry->first_seq, copy_row, &intent, &err);

    if (rc > 0)
        put_hold(ledger, run, state, due_ms, &intent);
    str_fini(&intent.body);
    return rc < 0 ? rc : 0;
}

/* -- from the rows of a run under way ------------------------------------------------------- */

static void take_intent(struct ledger *ledger, const struct row *row)
{
    struct intent *intent;

    for (int i = 0; i < ledger->count; i++)
        if (is_same_step(str_span(&ledger->intents[i].body), row->body))
            return; /* another attempt */
    if (ledger->count == ledger->cap) {
        ledger->cap = ledger->cap == 0 ? 16 : ledger->cap * 2;
        ledger->intents =
            xrealloc(ledger->intents, (size_t)ledger->cap * sizeof *ledger->intents);
    }
    intent = &ledger->intents[ledger->count++];
    *intent = (struct intent){ .at_ms = row->at_ms, .ordinal = ledger->count };
    str_add_span(&intent->body, row->body);
}

static void take_outcome(struct ledger *ledger, const struct row *row)
{
    if (!span_is(json_get_raw(row->body, "s"), "done") || row->seq <= ledger->covered ||
        json_get_int(row->body, "until", 0) > 0)
        return;
    for (int i = 0; i < ledger->count; i++)
        if (is_same_step(str_span(&ledger->intents[i].body), row->body) &&
            !span_is(json_get_raw(str_span(&ledger->intents[i].body), "op"), "restore"))
            ledger->intents[i].is_done = true;
}

static int take_row(const struct row *row, void *arg)
{
    if (row->kind == ROW_INTENT)
        take_intent(arg, row);
    else if (row->kind == ROW_OUTCOME)
        take_outcome(arg, row);
    return 0;
}

static int add_running(const struct entry *entry, void *arg)
{
    struct ledger *ledger = arg;
    int64_t run = entry->run;
    struct err err;

    ledger->count = 0;
    ledger->covered = entry->last_seq;
    int rc = store_each_of_run(ledger->serve->store, rows_last(ledger->serve, run),
                               take_row, ledger, &err);
    for (int i = 0; i < ledger->count; i++) {
        if (rc == 0 && ledger->intents[i].is_done)
            put_hold(ledger, run, HOLD_ON, 0, &ledger->intents[i]);
        str_fini(&ledger->intents[i].body);
    }
    return rc;
}

int ledger_show(struct serve *serve, struct json_out *out, int state, int64_t run,
                struct err *err)
{
    struct ledger ledger = { .serve = serve, .out = out };
    struct entry_query holds = { .kind = ENTRY_HOLD, .state = state, .run = run };
    struct entry_query running = { .kind = ENTRY_RUN, .state = RUN_RUNNING, .run = run };

    json_key(out, "holds");
    json_open(out, '[');
    int rc = store_each_entry(serve->store, &holds, add_entry, &ledger, err);
    if (rc == 0 && (state < 0 || state == HOLD_ON))
        rc = store_each_entry(serve->store, &running, add_running, &ledger, err);
    json_close(out);
    free(ledger.intents);
    return rc;
}
