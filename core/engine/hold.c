/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/hold.c - the ledger: what is contained now.
 *
 * A hold is named after the run and the intent that took it. Its entry holds nothing but
 * where to read on: first_seq is the intent's row, which says what, where and how to undo
 * it; the due time is when it lets go by itself.
 *
 * A run's holds go to the index together, when the run parks or ends or when somebody may
 * be about to release one: five entries side by side cost a page, far apart they cost five.
 * Until then its rows tell of them. Whatever the run's own entry covers (last_seq) has its
 * holds in the index; a hold that expires goes there at once.
 *
 * Every hold that is on is in memory too, found by its run and by its slice: which holds
 * share a slice must be known before any of them is let go of.
 */
#include "engine/holds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/id.h"
#include "base/fold.h"

/* -- how they end --------------------------------------------------------------------------- */

static const char *const state_names[] = {
    [HOLD_ON] = "on",
    [HOLD_OFF] = "off",
    [HOLD_LEFT] = "left",
    [HOLD_GONE] = "gone",
    [HOLD_NOT_RESTORED] = "not_restored",
};

const char *hold_state_name(int state)
{
    return state >= HOLD_ON && state <= HOLD_NOT_RESTORED ? state_names[state] : "on";
}

int hold_state_of(struct span word)
{
    for (int state = HOLD_ON; state <= HOLD_NOT_RESTORED; state++)
        if (span_is(word, state_names[state]))
            return state;
    return 0;
}

/* -- which there are ----------------------------------------------------------------------- */

uint64_t engine_slice(struct span action, struct span target)
{
    struct hash_list list;
    struct str folded = { 0 };
    uint64_t slice;

    str_add_folded(&folded, target); /* ARM ids are the same in any case */
    hash_list_init(&list, "cordon.slice.v1");
    hash_list_add_span(&list, action);
    hash_list_add_span(&list, str_span(&folded));
    struct hash hash = hash_list_end(&list);
    memcpy(&slice, hash.bytes, sizeof slice);
    str_fini(&folded);
    return slice;
}

static struct list *by_run(struct engine *engine, int64_t run)
{
    return &engine->holds_by_run[(uint64_t)run % TABLE_SIZE];
}

static struct list *by_slice(struct engine *engine, uint64_t slice)
{
    return &engine->holds_by_slice[slice % TABLE_SIZE];
}

struct hold *hold_find(struct engine *engine, int64_t run, int n)
{
    list_each (link, after, by_run(engine, run)) {
        struct hold *hold = list_item(link, struct hold, in_run);

        if (hold->run == run && hold->n == n)
            return hold;
    }
    return NULL;
}

static struct hold *hold_add(struct engine *engine, int64_t run, int n)
{
    struct hold *hold = xcalloc(1, sizeof *hold);

    hold->run = run;
    hold->n = n;
    list_init(&hold->in_slice);
    list_add(by_run(engine, run), &hold->in_run);
    return hold;
}

/* Those of one slice stand in the order in which they took it. */
static void place(struct engine *engine, struct hold *hold, uint64_t slice)
{
    struct list *head = by_slice(engine, slice);
    struct list *at = head;

    list_remove(&hold->in_slice);
    hold->slice = slice;
    while (at->prev != head &&
           list_item(at->prev, struct hold, in_slice)->last_seq > hold->last_seq)
        at = at->prev;
    list_add(at, &hold->in_slice);
}

static void hold_free(struct hold *hold)
{
    list_remove(&hold->in_slice);
    list_remove(&hold->in_run);
    unseen_forget(hold);
    free(hold->goal);
    free(hold->action);
    free(hold->target);
    free(hold->before);
    free(hold->after);
    free(hold->own_goal);
    free(hold);
}

void holds_free(struct engine *engine)
{
    for (int i = 0; i < TABLE_SIZE; i++) {
        list_each (link, after, &engine->holds_by_run[i]) {
            hold_free(list_item(link, struct hold, in_run));
        }
    }
}

/* The index has one of these for every step of every run, so it is short: a slice in base64,
 * and an object only where there is more to say. */
static void put_slice(struct str *out, uint64_t slice)
{
    str_add_char(out, '"');
    base64_add(out, &slice, sizeof slice);
    str_add_char(out, '"');
}

bool engine_read_slice(struct span json, uint64_t *slice)
{
    struct str bytes = { 0 };
    bool is_short = json_kind(json) == JSON_STRING;
    bool is_read =
        base64_read(&bytes, is_short ? json_raw(json) : json_get_raw(json, "s")) &&
        bytes.len == sizeof *slice;

    if (is_read)
        memcpy(slice, bytes.ptr, sizeof *slice);
    str_fini(&bytes);
    return is_read;
}

void hold_on_seen(struct engine *engine, const struct event *event)
{
    uint64_t slice;
    struct hold *hold = hold_find(engine, event->run, (int)event->number);

    if (hold != NULL)
        return;
    hold = hold_add(engine, event->run, (int)event->number);
    hold->first_seq = event->first_seq;
    hold->last_seq = event->last_seq > 0 ? event->last_seq : event->first_seq;
    hold->due_ms = event->number2;
    hold->extends = (int)json_get_int(event->json, "i", 0);
    hold->kept_in = json_get_int(event->json, "k", 0);
    hold->expired_in = json_get_int(event->json, "q", 0);
    hold->verdict = (int)json_get_int(event->json, "c", 0);
    hold->verdict_seq = json_get_int(event->json, "cs", 0);
    hold->unseen.since_ms = json_get_int(event->json, "u", 0);
    hold->unseen.seq = json_get_int(event->json, "us", 0);
    if (json_get(event->json, "g").len > 0)
        hold->goal = span_dup(json_get(event->json, "g"));
    hold->goal_ms = json_get_int(event->json, "at", 0);
    if (engine_read_slice(event->json, &slice)) {
        place(engine, hold, slice);
    } else { /* an index from before holds were shared: its intent tells */
        char *target = json_get_text(event->text, "t");

        place(engine, hold, engine_slice(json_get_raw(event->text, "a"), span_of(target)));
        free(target);
    }
}

struct step *hold_step(struct run *run, int n)
{
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->ordinal == n)
            return step;
    }
    return NULL;
}

bool hold_is_wanted_by_others(const struct step *step)
{
    struct engine *engine = step->run->engine;
    uint64_t slice = engine_slice(span_of(step->action), span_of(step->target));

    list_each (link, after, by_slice(engine, slice)) {
        const struct hold *hold = list_item(link, struct hold, in_slice);

        if (hold->slice == slice && hold->run != step->run->id)
            return true;
    }
    return false;
}

/* -- what they want ------------------------------------------------------------------------ */

static void learn(struct hold *hold, struct run *run)
{
    struct step *step = hold_step(run, hold->n);
    struct span after;

    hold->is_asked = false;
    hold->is_known = true;
    if (step == NULL)
        return;
    after = step->now.len > 0 ? step->now : step->after;
    hold->action = xstrdup(step->action);
    hold->target = xstrdup(step->target);
    hold->before = span_dup(step->before);
    hold->after = span_dup(after);
    if (step->goal.len > 0)
        hold->own_goal = span_dup(step->goal);
}

bool hold_learn(struct engine *engine, struct hold *hold)
{
    struct run *run;

    if (hold->is_known)
        return true;
    run = run_wake(engine, hold->run);
    if (run == NULL) {
        hold->is_known = true;
    } else if (run->is_loaded) {
        learn(hold, run);
    } else {
        hold->is_asked = true;
    }
    return hold->is_known;
}

void holds_on_loaded(struct run *run)
{
    struct engine *engine = run->engine;

    list_each (link, after, &run->order) {
        struct step *step = list_item(link, struct step, in_order);
        struct hold *hold = step->ordinal > 0 && !step->is_undo
                                ? hold_find(engine, run->id, step->ordinal)
                                : NULL;

        if (hold == NULL && step_holds(step) && !step->is_in_ledger)
            hold_take(step);
        else if (hold != NULL && hold->is_asked)
            learn(hold, run);
    }
}

/* -- the index ------------------------------------------------------------------------------ */

static void put_all(struct json_out *out, const struct hold *hold)
{
    struct str slice = { 0 };

    put_slice(&slice, hold->slice);
    json_open(out, '{');
    if (hold->goal_ms > 0)
        json_put_int(out, "at", hold->goal_ms);
    if (hold->verdict != HOLD_IN_FORCE) {
        json_put_int(out, "c", hold->verdict);
        json_put_int(out, "cs", hold->verdict_seq);
    }
    if (hold->goal != NULL)
        json_put_raw(out, "g", span_of(hold->goal));
    if (hold->extends > 0)
        json_put_int(out, "i", hold->extends);
    if (hold->kept_in > 0)
        json_put_int(out, "k", hold->kept_in);
    if (hold->expired_in > 0)
        json_put_int(out, "q", hold->expired_in);
    json_put_raw(out, "s", str_span(&slice));
    if (hold->unseen.seq > 0) {
        json_put_int(out, "u", hold->unseen.since_ms);
        json_put_int(out, "us", hold->unseen.seq);
    }
    json_close(out);
    str_fini(&slice);
}

static void put_entry(struct engine *engine, const struct hold *hold, int state)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    bool is_plain = hold->goal == NULL && hold->extends == 0 && hold->kept_in == 0 &&
                    hold->expired_in == 0 && hold->verdict == HOLD_IN_FORCE &&
                    hold->unseen.seq == 0;

    if (state != HOLD_ON)
        str_add_text(&body, "{}");
    else if (is_plain)
        put_slice(&body, hold->slice);
    else
        put_all(&out, hold);
    turn_add_entry(engine, &(struct turn_entry){
                               .kind = ENTRY_HOLD,
                               .run = hold->run,
                               .n = hold->n,
                               .state = state,
                               .due_ms = state == HOLD_ON ? hold->due_ms : 0,
                               .first_seq = hold->first_seq,
                               .last_seq = hold->last_seq,
                               .body = str_span(&body),
                           });
    str_fini(&body);
}

void hold_put_on(struct engine *engine, const struct hold *hold)
{
    put_entry(engine, hold, HOLD_ON);
}

bool step_holds(const struct step *step)
{
    return step->is_done && !step->is_undo && (step->has_intent || step->is_joined) &&
           step->ordinal > 0 && !run_is_shadow(step->run);
}

struct hold *hold_take(struct step *step)
{
    struct engine *engine = step->run->engine;
    struct hold *hold = hold_find(engine, step->run->id, step->ordinal);

    if (hold == NULL)
        hold = hold_add(engine, step->run->id, step->ordinal);
    if (hold->is_off)
        return hold;
    hold->first_seq = step->intent_seq;
    hold->last_seq = step->outcome_seq > 0 ? step->outcome_seq : step->intent_seq;
    hold->due_ms = step->until_ms;
    place(engine, hold, engine_slice(span_of(step->action), span_of(step->target)));
    return hold;
}

/* The rollback that asks people about it has nothing to ask any more. */
static void tell_expired(struct step *undo, int64_t rollback)
{
    struct run *run = rollback > 0 && rollback != undo->run->id
                          ? run_wake(undo->run->engine, rollback)
                          : NULL;

    if (run != NULL && run->is_loaded)
        run_push(run);
}

static void let_go(struct engine *engine, struct step *undo, int state)
{
    struct hold *hold = hold_find(engine, undo->undoes_run, undo->undoes_ordinal);
    struct hold none = { .run = undo->undoes_run,
                         .n = undo->undoes_ordinal,
                         .first_seq = undo->undoes_seq,
                         .last_seq = undo->outcome_seq };

    put_entry(engine, &none, state);
    if (hold != NULL && !engine->is_reindexing)
        tell_expired(undo, hold->expired_in);
    if (hold != NULL && engine->is_reindexing) {
        hold->is_off = true;
        list_remove(&hold->in_slice);
    } else if (hold != NULL) {
        hold_free(hold);
    }
}

void hold_put(struct step *step, int state)
{
    struct engine *engine = step->run->engine;

    if (run_is_shadow(step->run) ||
        (step->is_undo ? step->undoes_ordinal : step->ordinal) == 0)
        return;
    if (step->is_undo)
        let_go(engine, step, state);
    else
        put_entry(engine, hold_take(step), state);
}

struct hold *hold_seen_in_row(struct engine *engine, int64_t run, int n)
{
    struct hold *hold = hold_find(engine, run, n);

    if (hold == NULL)
        hold = hold_add(engine, run, n);
    return hold->is_off ? NULL : hold;
}

/* Another hold's undo leaves this to it: what undoing it shall leave from now on. */
static void pass(struct engine *engine, struct span item, int64_t seq)
{
    int64_t run = json_get_int(item, "run", 0);
    int n = (int)json_get_int(item, "n", 0);
    struct hold *hold = hold_find(engine, run, n);

    if (hold == NULL && engine->is_reindexing)
        hold = hold_add(engine, run, n); /* its run comes later */
    if (hold == NULL || hold->is_off || seq < hold->goal_seq)
        return;
    free(hold->goal);
    hold->goal = span_dup(json_get(item, "g"));
    hold->goal_ms = json_get_int(item, "at", 0);
    hold->goal_seq = seq;
    if (hold->first_seq > 0)
        put_entry(engine, hold, HOLD_ON);
}

void hold_release(struct step *undo, int64_t seq)
{
    struct engine *engine = undo->run->engine;
    struct span item;
    size_t pos = 0;

    if (run_is_shadow(undo->run))
        return;
    hold_put(undo, undo->ends_as != 0 ? undo->ends_as : HOLD_OFF);
    while (json_next(undo->passes, &pos, NULL, &item))
        pass(engine, item, seq);
}

void holds_put_all(struct run *run)
{
    list_each (link, after, &run->order) {
        struct step *step = list_item(link, struct step, in_order);

        if (step_holds(step) && !step->is_in_ledger) {
            step->is_in_ledger = true;
            hold_put(step, HOLD_ON);
        }
    }
}

/* A run was loaded: what its entry covers is in the index already. */
void holds_known_until(struct run *run, int64_t seq)
{
    list_each (link, after, &run->order) {
        struct step *step = list_item(link, struct step, in_order);

        if (step->outcome_seq <= seq || step->until_ms > 0)
            step->is_in_ledger = true;
    }
}
