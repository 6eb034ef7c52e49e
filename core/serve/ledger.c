/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/ledger.c - what is contained: from the index, and from the rows of runs under way.
 *
 * The index has a run's holds when the run has parked or ended (engine/hold.c); before that
 * its rows have them: intents with an outcome "done", and answers that joined a hold, beyond
 * what the run's entry covers. Holds of one slice are shown with all runs that want it.
 */
#include "serve/inside.h"

#include <inttypes.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/expiry.h"
#include "base/id.h"
#include "store/store.h"

enum { LEDGER_RUNS_MAX = 20 }; /* named with one hold */

struct hold {
    int64_t run, due_ms, first_seq, last_seq, at_ms;
    int64_t expired_in, kept_in; /* rollbacks: see engine/holds.h */
    int64_t verdict_seq;
    int n, state, extends, verdict;
    uint64_t slice;
    struct str body, goal; /* of its row, once it was read; what was passed on to it */
    bool is_read, is_join, is_done, is_listed;
};

struct ledger {
    struct serve *serve;
    struct json_out *out;
    struct hold *holds;
    int count, cap;
    /* the run that is being walked */
    int64_t run, covered; /* up to here its holds are in the index */
    int walked;           /* its first one among holds */
    bool is_listing;
    /* votes of one gate */
    int64_t gate;
    struct json_out *votes;
};

static struct hold *add_hold(struct ledger *ledger)
{
    if (ledger->count == ledger->cap) {
        ledger->cap = ledger->cap == 0 ? 16 : ledger->cap * 2;
        ledger->holds =
            xrealloc(ledger->holds, (size_t)ledger->cap * sizeof *ledger->holds);
    }
    assert(ledger->holds != NULL);
    ledger->holds[ledger->count] = (struct hold){ .is_listed = ledger->is_listing };
    return &ledger->holds[ledger->count++];
}

/* -- a hold's row ------------------------------------------------------------------------- */

static bool is_same_step(struct span a, struct span b)
{
    return span_equal(json_get_raw(a, "b"), json_get_raw(b, "b")) &&
           json_get_int(a, "n", 0) == json_get_int(b, "n", 0);
}

static int copy_row(const struct row *row, void *arg)
{
    struct hold *hold = arg;

    str_add_span(&hold->body, row->body);
    hold->at_ms = row->at_ms;
    hold->is_join = row->kind == ROW_ANSWER;
    return 1; /* just this one */
}

static bool read_row(struct ledger *ledger, struct hold *hold)
{
    struct err err;

    if (!hold->is_read && hold->first_seq > 0)
        store_each(ledger->serve->store, hold->first_seq, copy_row, hold, &err);
    hold->is_read = true;
    return hold->body.len > 0;
}

static struct span target_of(const struct hold *hold)
{
    struct span body = str_span(&hold->body);

    return hold->is_join ? json_get(json_get(body, "x"), "target") : json_get(body, "t");
}

static struct span after_of(const struct hold *hold)
{
    struct span body = str_span(&hold->body);

    return hold->is_join ? json_get(json_get(body, "x"), "after") : json_get(body, "z");
}

/* What undoing it leaves. */
static struct span before_of(const struct hold *hold)
{
    if (hold->goal.len > 0)
        return str_span(&hold->goal);
    return hold->is_join ? after_of(hold) : json_get(str_span(&hold->body), "w");
}

static uint64_t slice_of(const struct hold *hold)
{
    struct str target = { 0 };

    json_text_to(&target, target_of(hold));
    uint64_t slice =
        engine_slice(json_get_raw(str_span(&hold->body), "a"), str_span(&target));
    str_fini(&target);
    return slice;
}

/* -- one line ----------------------------------------------------------------------------- */

static int take_vote(const struct row *row, void *arg)
{
    struct ledger *ledger = arg;

    if (row->kind == ROW_VOTE && json_get_int(row->body, "g", 0) == ledger->gate &&
        json_get_bool(row->body, "yes", false))
        json_raw_value(ledger->votes, json_get(row->body, "who"));
    return 0;
}

static void put_approvers(struct ledger *ledger, const struct hold *hold)
{
    struct err err;

    ledger->gate = json_get_int(json_get(str_span(&hold->body), "p"), "gate", 0);
    ledger->votes = ledger->out;
    json_key(ledger->out, "approved_by");
    json_open(ledger->out, '[');
    if (ledger->gate > 0)
        store_each_of_run(ledger->serve->store, rows_last(ledger->serve, hold->run),
                          take_vote, ledger, &err);
    json_close(ledger->out);
}

/* Its own run first, then the others that want the same. */
static void put_runs(struct ledger *ledger, struct hold *hold)
{
    struct json_out *out = ledger->out;
    int64_t last = hold->run;
    int shown = 0;

    json_key(out, "runs");
    json_open(out, '[');
    json_string(out, id_run(hold->run).text);
    for (int i = 0; i < ledger->count && hold->state == HOLD_ON; i++) {
        struct hold *other = &ledger->holds[i];

        if (other->slice != hold->slice || other->run == hold->run || other->run == last ||
            other->state != HOLD_ON || !read_row(ledger, other) ||
            !engine_is_shared(before_of(hold), after_of(hold), before_of(other),
                              after_of(other)))
            continue;
        last = other->run;
        json_string(out, id_run(other->run).text);
        if (++shown == LEDGER_RUNS_MAX)
            break;
    }
    json_close(out);
}

static void put_what(struct json_out *out, const struct hold *hold)
{
    struct span body = str_span(&hold->body);
    struct str path = { 0 };

    str_printf(&path, "%.*s/%lld", (int)json_get_raw(body, "b").len,
               json_get_raw(body, "b").ptr, (long long)json_get_int(body, "n", 0));
    json_put_raw(out, "action", json_get(body, "a"));
    json_put_raw(out, "after", after_of(hold));
    json_put_raw(out, "before", before_of(hold));
    /* g is left out when undoing leaves it as before, and null when nothing can be undone. */
    json_put_bool(out, "can_undo", json_kind(json_get(body, "g")) != JSON_NULL);
    if (hold->is_join)
        json_put_bool(out, "joined", true); /* it was so, for another run */
    json_put_int(out, "since", hold->at_ms);
    json_put(out, "step", str_text(&path));
    json_put_raw(out, "target", target_of(hold));
    json_put_raw(out, "undo", json_get(body, "undo"));
    json_put_raw(out, "what",
                 hold->is_join ? json_get(json_get(body, "x"), "what")
                               : json_get(body, "what"));
    str_fini(&path);
}

/* Until when, and what happens or happened then. */
static void put_until(struct ledger *ledger, const struct hold *hold)
{
    static const char *const words[] = {
        [EXPIRY_RELEASE] = "release", [EXPIRY_ASK] = "ask", [EXPIRY_EXTEND] = "extend"
    };
    struct json_out *out = ledger->out;
    struct span body = str_span(&hold->body);
    struct span args = json_get(hold->is_join ? json_get(body, "x") : body, "args");
    enum expiry expiry = expiry_of(args);

    if (hold->extends > 0)
        json_put_int(out, "extended", hold->extends);
    if (hold->kept_in > 0)
        json_put(out, "kept_in", id_run(hold->kept_in).text);
    if (expiry == EXPIRY_EXTEND && hold->extends >= ENGINE_EXTENDS_MAX)
        expiry = EXPIRY_ASK;
    if (hold->due_ms > 0) {
        json_put(out, "on_expire", words[expiry]);
        json_put_int(out, "until", hold->due_ms);
    }
}

/* Its time is over, and this rollback is about that. */
static void put_expired(struct ledger *ledger, const struct hold *hold)
{
    struct entry run;
    struct err err;
    int64_t gate = 0;

    if (hold->expired_in == 0)
        return;
    if (store_find(ledger->serve->store, ENTRY_RUN, hold->expired_in, 0, &run, &err) == 0)
        gate = json_get_int(run.body, "gate", 0);
    json_put(ledger->out, "expired_in", id_run(hold->expired_in).text);
    if (gate > 0)
        json_put(ledger->out, "gate", id_gate(hold->expired_in, (int)gate).text);
}

static int put_seen_row(const struct row *row, void *arg)
{
    struct json_out *out = arg;

    if (json_get(row->body, "now").len > 0) /* a target that is gone has no state */
        json_put_raw(out, "now", json_get(row->body, "now"));
    json_put_int(out, "since", row->at_ms);
    return 1; /* just this one */
}

/* What a check found that is not as we left it, since when, and what stands there now. */
static void put_seen(struct ledger *ledger, const struct hold *hold)
{
    struct err ignored;

    if (hold->verdict == HOLD_IN_FORCE)
        return;
    json_key(ledger->out, "seen");
    json_open(ledger->out, '{');
    store_each(ledger->serve->store, hold->verdict_seq, put_seen_row, ledger->out,
               &ignored);
    json_put(ledger->out, "verdict", hold_verdict_name(hold->verdict));
    json_close(ledger->out);
}

/* Since when no check could observe the target, and why not. */
static void put_unseen(struct ledger *ledger, const struct hold *hold)
{
    const char *why;
    int64_t since_ms =
        hold->state == HOLD_ON
            ? engine_unseen_since(ledger->serve->engine, hold->run, hold->n, &why)
            : 0;

    if (since_ms == 0)
        return;
    json_key(ledger->out, "unobserved");
    json_open(ledger->out, '{');
    json_put_int(ledger->out, "since", since_ms);
    json_put(ledger->out, "why", why);
    json_close(ledger->out);
}

static int put_off_row(const struct row *row, void *arg)
{
    struct json_out *out = arg;
    struct span wanted = json_get(row->body, "wanted");

    json_put_int(out, "off_at", row->at_ms);
    json_put(out, "off_by", id_run(row->run).text);
    if (json_count(wanted) > 0)
        json_put_raw(out, "wanted", wanted);
    return 1; /* just this one */
}

/* The run that let go of it, and the runs for which it left the target as it was. */
static void put_off(struct ledger *ledger, const struct hold *hold)
{
    struct err ignored;

    if (hold->state != HOLD_ON && hold->last_seq > 0)
        store_each(ledger->serve->store, hold->last_seq, put_off_row, ledger->out,
                   &ignored);
}

static void put_hold(struct ledger *ledger, struct hold *hold)
{
    struct json_out *out = ledger->out;
    struct str release = { 0 };
    struct entry run;
    struct err err;

    if (!read_row(ledger, hold))
        return;
    json_open(out, '{');
    put_what(out, hold);
    put_approvers(ledger, hold);
    if (store_find(ledger->serve->store, ENTRY_RUN, hold->run, 0, &run, &err) == 0) {
        json_put_raw(out, "by", json_get(run.body, "by"));
        json_put_raw(out, "playbook", json_get(run.body, "playbook"));
    }
    put_expired(ledger, hold);
    json_put(out, "hold", id_hold(hold->run, hold->n).text);
    put_off(ledger, hold);
    if (hold->state == HOLD_ON)
        str_printf(&release, "cordon release %s", id_hold(hold->run, hold->n).text);
    json_put(out, "release", hold->state == HOLD_ON ? str_text(&release) : NULL);
    put_runs(ledger, hold);
    put_seen(ledger, hold);
    json_put(out, "state", hold_state_name(hold->state));
    put_unseen(ledger, hold);
    put_until(ledger, hold);
    json_close(out);
    str_fini(&release);
}

/* -- from the index ----------------------------------------------------------------------- */

static int add_entry(const struct entry *entry, void *arg)
{
    struct ledger *ledger = arg;
    struct hold *hold = add_hold(ledger);

    hold->run = entry->run;
    hold->n = entry->n;
    hold->state = entry->state;
    hold->due_ms = entry->due_ms;
    hold->first_seq = entry->first_seq;
    hold->last_seq = entry->last_seq;
    str_add_span(&hold->goal, json_get(entry->body, "g"));
    hold->extends = (int)json_get_int(entry->body, "i", 0);
    hold->kept_in = json_get_int(entry->body, "k", 0);
    hold->expired_in = json_get_int(entry->body, "q", 0);
    hold->verdict = (int)json_get_int(entry->body, "c", 0);
    hold->verdict_seq = json_get_int(entry->body, "cs", 0);
    if (!engine_read_slice(entry->body, &hold->slice) && hold->state == HOLD_ON &&
        read_row(ledger, hold))
        hold->slice = slice_of(hold); /* from before holds were shared */
    return 0;
}

/* -- from the rows of a run under way ------------------------------------------------------- */

static struct hold *of_step(struct ledger *ledger, struct span body)
{
    for (int i = ledger->walked; i < ledger->count; i++)
        if (is_same_step(str_span(&ledger->holds[i].body), body))
            return &ledger->holds[i];
    return NULL;
}

static void take_intent(struct ledger *ledger, const struct row *row, bool is_join)
{
    struct hold *hold = of_step(ledger, row->body);

    if (hold == NULL) {
        hold = add_hold(ledger);
        hold->run = ledger->run;
        hold->n = ledger->count - ledger->walked;
        hold->state = HOLD_ON;
        hold->is_read = true;
        hold->at_ms = row->at_ms;
    } else if (!is_join) {
        return; /* another attempt */
    }
    str_reset(&hold->body);
    str_add_span(&hold->body, row->body);
    hold->is_join = is_join;
    hold->is_done = is_join && row->seq > ledger->covered;
}

static void take_outcome(struct ledger *ledger, const struct row *row)
{
    struct hold *hold = of_step(ledger, row->body);
    struct span word = json_get_raw(row->body, "s");

    if (hold != NULL &&
        (word.len == 0 || span_is(word, "done") || span_is(word, "partly_applied")) &&
        row->seq > ledger->covered &&
        !span_is(json_get_raw(str_span(&hold->body), "op"), "restore"))
        hold->is_done = true;
}

static int take_row(const struct row *row, void *arg)
{
    bool is_join =
        row->kind == ROW_ANSWER && json_get_bool(json_get(row->body, "x"), "hold", false);

    if (row->kind == ROW_INTENT || is_join)
        take_intent(arg, row, is_join);
    else if (row->kind == ROW_OUTCOME)
        take_outcome(arg, row);
    return 0;
}

static bool is_in_index(const struct ledger *ledger, const struct hold *hold)
{
    for (int i = 0; i < ledger->walked; i++)
        if (ledger->holds[i].run == hold->run && ledger->holds[i].n == hold->n)
            return true;
    return false;
}

static void hold_free(struct hold *hold)
{
    str_fini(&hold->body);
    str_fini(&hold->goal);
}

static int add_running(const struct entry *entry, void *arg)
{
    struct ledger *ledger = arg;
    struct err err;

    ledger->run = entry->run;
    ledger->covered = entry->last_seq;
    ledger->walked = ledger->count;
    int rc = store_each_of_run(ledger->serve->store, rows_last(ledger->serve, entry->run),
                               take_row, ledger, &err);
    int kept = ledger->walked;
    for (int i = ledger->walked; i < ledger->count; i++) {
        struct hold *hold = &ledger->holds[i];

        if (rc == 0 && hold->is_done && !is_in_index(ledger, hold)) {
            hold->slice = slice_of(hold);
            ledger->holds[kept++] = *hold;
        } else {
            hold_free(hold);
        }
    }
    ledger->count = kept;
    return rc;
}

static int by_name(const void *a, const void *b)
{
    const struct hold *const *x = a, *const *y = b;

    if ((*x)->run != (*y)->run)
        return (*x)->run < (*y)->run ? -1 : 1;
    return ((*x)->n > (*y)->n) - ((*x)->n < (*y)->n);
}

static bool is_wanted(struct ledger *ledger, const struct ledger_query *query,
                      struct hold *hold)
{
    bool is_beyond = hold->run != query->after_run ? hold->run > query->after_run
                                                   : hold->n > query->after_n;

    return hold->is_listed && is_beyond &&
           ((query->action.len == 0 && query->target.len == 0) ||
            (read_row(ledger, hold) &&
             (query->action.len == 0 ||
              json_same(query->action, json_get(str_span(&hold->body), "a"))) &&
             (query->target.len == 0 || json_same(query->target, target_of(hold)))));
}

static void put_page(struct ledger *ledger, const struct ledger_query *query)
{
    struct hold **holds = xcalloc((size_t)ledger->count + 1, sizeof(void *));
    const struct hold *last = NULL;
    int64_t shown = 0;
    int i = 0;

    for (int k = 0; k < ledger->count; k++)
        holds[k] = &ledger->holds[k];
    qsort(holds, (size_t)ledger->count, sizeof(void *), by_name);
    json_key(ledger->out, "holds");
    json_open(ledger->out, '[');
    for (; i < ledger->count && (query->limit == 0 || shown < query->limit); i++)
        if (is_wanted(ledger, query, holds[i])) {
            put_hold(ledger, holds[i]);
            last = holds[i];
            shown++;
        }
    json_close(ledger->out);
    if (query->limit > 0)
        json_put(ledger->out, "next",
                 i < ledger->count && last != NULL ? id_hold(last->run, last->n).text
                                                   : NULL);
    free(holds);
}

int ledger_show(struct serve *serve, struct json_out *out, const struct ledger_query *query,
                struct err *err)
{
    struct ledger ledger = { .serve = serve, .out = out, .is_listing = true };
    int state = query->state;
    struct entry_query listed = { .kind = ENTRY_HOLD, .state = state, .run = query->run };
    struct entry_query others = { .kind = ENTRY_HOLD, .state = HOLD_ON, .run = -1 };
    struct entry_query running = { .kind = ENTRY_RUN,
                                   .state = RUN_RUNNING,
                                   .run = query->run };
    int rc = store_each_entry(serve->store, &listed, add_entry, &ledger, err);

    if (rc == 0 && (state < 0 || state == HOLD_ON))
        rc = store_each_entry(serve->store, &running, add_running, &ledger, err);
    ledger.is_listing = false;
    if (rc == 0 && query->run >= 0) /* who else wants what this run holds */
        rc = store_each_entry(serve->store, &others, add_entry, &ledger, err);
    if (rc == 0)
        put_page(&ledger, query);
    for (int i = 0; i < ledger.count; i++)
        hold_free(&ledger.holds[i]);
    free(ledger.holds);
    return rc;
}

/* -- how a run's holds stand, in short -------------------------------------------------------- */

struct standing {
    int on, off;
    int64_t off_seq; /* the newest row that let go of one */
};

static int add_standing(const struct entry *entry, void *arg)
{
    struct standing *standing = arg;

    standing->on += entry->state == HOLD_ON;
    standing->off += entry->state != HOLD_ON;
    if (entry->state != HOLD_ON && entry->last_seq > standing->off_seq)
        standing->off_seq = entry->last_seq;
    return 0;
}

static int put_undone(const struct row *row, void *arg)
{
    struct json_out *out = arg;

    json_put_int(out, "at", row->at_ms);
    json_put(out, "by", id_run(row->run).text);
    return 1; /* just this one */
}

/* A hold that a person has settled with leave names no row: then who and when are left out. */
void ledger_put_standing(struct serve *serve, struct json_out *out, int64_t run)
{
    struct standing standing = { 0 };
    struct entry_query query = { .kind = ENTRY_HOLD, .state = -1, .run = run };
    struct err ignored;

    if (store_each_entry(serve->store, &query, add_standing, &standing, &ignored) < 0)
        return;
    json_put_int(out, "in_place", standing.on);
    if (standing.off == 0)
        return;
    json_key(out, "undone");
    json_open(out, '{');
    if (standing.off_seq > 0)
        store_each(serve->store, standing.off_seq, put_undone, out, &ignored);
    json_close(out);
}
