/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/hold_check.c - is a containment still in force?
 *
 * A check of a run's holds is a shadow of its rollback that observes each target and plans no
 * write. The verdict of a hold is what the observation says:
 *
 *   in_force   the target is as we left it
 *   undone     it is as it was before: somebody put it back
 *   changed    it is neither
 *   gone       it does not exist any more
 *
 * A verdict that differs from the one before becomes a row and a part of the hold's entry; the
 * same verdict again costs nothing. A target that cannot be observed keeps its verdict, and
 * hold_unseen.c reports it when that lasts. Checks write nothing to the target: what happens
 * next is for people, or for a rollback to decide.
 * docs/decisions/0152 says why.
 */
#include "engine/holds.h"

#include <stdlib.h>

#include "base/id.h"
#include "engine/leaf.h"

enum {
    RUNS_AT_ONCE = 4, /* whose holds are observed */
    ASKERS_MAX = 64,  /* that wait for the end of one round */
    LOOKS_MAX = 3,    /* at a target that cannot be observed now */
    TELL_AFTER = 3,   /* rounds, of 15 minutes, where no schedule says otherwise */
    EVERY_MS = 15 * 60 * 1000
};

struct hold_checks {
    int under_way;         /* runs whose holds are being observed */
    int bucket;            /* where the round goes on, in holds_by_run */
    int64_t older_than_ms; /* this round is for holds that were seen before this time */
    int looked, failed;    /* targets */
    int64_t serial;        /* of the newest shadow */
    int64_t askers[ASKERS_MAX];
    int asker_count;
    struct check_rounds rounds;
};

static struct hold_checks *checks_of(struct engine *engine)
{
    if (engine->checks == NULL) {
        engine->checks = xcalloc(1, sizeof *engine->checks);
        engine->checks->bucket = TABLE_SIZE;
        engine->checks->rounds =
            (struct check_rounds){ .every_ms = EVERY_MS, .tell_after = TELL_AFTER };
    }
    return engine->checks;
}

void checks_free(struct engine *engine)
{
    free(engine->checks);
}

static const char *const verdict_names[] = {
    [HOLD_IN_FORCE] = "in_force",
    [HOLD_UNDONE] = "undone",
    [HOLD_CHANGED] = "changed",
    [HOLD_TARGET_GONE] = "gone",
};

const char *hold_verdict_name(int verdict)
{
    return verdict > HOLD_IN_FORCE && verdict <= HOLD_TARGET_GONE ? verdict_names[verdict]
                                                                  : "in_force";
}

static int verdict_of(struct span word)
{
    for (int verdict = HOLD_UNDONE; verdict <= HOLD_TARGET_GONE; verdict++)
        if (span_is(word, verdict_names[verdict]))
            return verdict;
    return HOLD_IN_FORCE;
}

/* -- a round -------------------------------------------------------------------------------- */

static bool is_stale(const struct hold_checks *checks, const struct hold *hold)
{
    return !hold->is_off && hold->seen_ms < checks->older_than_ms;
}

/* Those of the run that this check was to observe, and that have no result since it began.
 * One that was taken meanwhile is not of this check. */
static void note_unseen(struct engine *engine, int64_t run, int64_t begun_ms,
                        const char *why)
{
    list_each (link, after, &engine->holds_by_run[(uint64_t)run % TABLE_SIZE]) {
        struct hold *hold = list_item(link, struct hold, in_run);

        if (hold->run == run && !hold->is_off && hold->seen_ms > 0 &&
            hold->looked_ms < begun_ms)
            unseen_note(engine, hold, &engine->checks->rounds, why);
    }
}

/* Begins to observe the holds of a run whose rows are there. One whose playbook is not there
 * cannot be observed. */
static void check_begin(struct run *run)
{
    struct engine *engine = run->engine;

    if (run->playbook == NULL) {
        engine->checks->failed++;
        note_unseen(engine, run->id, engine->now_ms,
                    "the playbook of its run is not there");
        return;
    }
    struct run *shadow =
        run_new(engine, SHADOW | (SHADOW >> 2) | ++engine->checks->serial, RUN_ROLLBACK);
    shadow->playbook = run->playbook;
    shadow->hash_hex = run->playbook->hash;
    shadow->playbook_name = run_text(shadow, span_of(run->playbook_name));
    shadow->by = "cordon";
    shadow->of = run->id;
    shadow->is_check = true;
    shadow->is_loaded = true;
    shadow->begun_ms = engine->now_ms;
    engine->checks->under_way++;
    run_push(shadow);
}

/* Begins with the holds of this run; they are not stale any more. A run whose rows are on
 * their way has been counted already. */
static void check_run(struct engine *engine, int64_t id)
{
    struct run *run = run_wake(engine, id);

    list_each (link, after, &engine->holds_by_run[(uint64_t)id % TABLE_SIZE]) {
        struct hold *hold = list_item(link, struct hold, in_run);

        if (hold->run == id)
            hold->seen_ms = engine->now_ms;
    }
    if (run == NULL || run->is_check_wanted)
        return;
    if (run->is_loaded) {
        check_begin(run);
    } else {
        run->is_check_wanted = true;
        engine->checks->under_way++;
    }
}

static int64_t next_stale(struct engine *engine)
{
    struct hold_checks *checks = engine->checks;

    for (; checks->bucket < TABLE_SIZE; checks->bucket++) {
        list_each (link, after, &engine->holds_by_run[checks->bucket]) {
            const struct hold *hold = list_item(link, struct hold, in_run);

            if (is_stale(checks, hold))
                return hold->run;
        }
    }
    return 0;
}

static void tell_askers(struct engine *engine)
{
    struct hold_checks *checks = engine->checks;
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put_int(&out, "failed", checks->failed);
    json_put_int(&out, "looked", checks->looked);
    json_close(&out);
    for (int i = 0; i < checks->asker_count; i++)
        reply_json(engine, checks->askers[i], 0, str_span(&body), false);
    checks->asker_count = 0;
    str_fini(&body);
}

static void go_on(struct engine *engine)
{
    struct hold_checks *checks = engine->checks;
    int64_t run;

    while (checks->under_way < RUNS_AT_ONCE && (run = next_stale(engine)) > 0)
        check_run(engine, run);
    if (checks->under_way == 0)
        tell_askers(engine);
}

void check_on_loaded(struct run *run)
{
    if (!run->is_check_wanted)
        return;
    run->is_check_wanted = false;
    run->engine->checks->under_way--;
    check_begin(run);
    go_on(run->engine);
}

/* A round that is under way never gets narrower: somebody may wait for all of it. */
static void widen(struct hold_checks *checks, int64_t older_than_ms)
{
    if (checks->under_way == 0) {
        checks->looked = checks->failed = 0;
        checks->older_than_ms = older_than_ms;
    } else if (older_than_ms > checks->older_than_ms) {
        checks->older_than_ms = older_than_ms;
    }
    checks->bucket = 0;
}

/* {"older":MS, "wait":BOOL}: holds that nobody has looked at for so long. The schedule, which
 * is no ask, also says after how many such rounds that fail people are told. */
void ask_check_holds(struct engine *engine, const struct event *event)
{
    struct hold_checks *checks = checks_of(engine);
    int64_t older = json_get_int(event->json, "older", 0);
    bool waits = json_get_bool(event->json, "wait", false);

    if (older < 0)
        older = 0;
    if (event->number == 0) {
        checks->rounds.every_ms = older;
        checks->rounds.tell_after = (int)json_get_int(event->json, "rounds", TELL_AFTER);
    }
    if (waits && checks->asker_count == ASKERS_MAX) {
        reply_error(engine, event->number, 1, "busy",
                    "%d others wait for a check of the holds already", ASKERS_MAX);
        return;
    }
    if (waits)
        checks->askers[checks->asker_count++] = event->number;
    else if (event->number > 0)
        reply_json(engine, event->number, 0, span_of("{}"), false);
    widen(checks, engine->now_ms - older);
    go_on(engine);
}

/* The time of a check is bounded: what was not observed by then keeps its verdict. */
void check_on_end(struct run *shadow)
{
    struct engine *engine = shadow->engine;

    list_each (link, after, &shadow->steps) {
        const struct step *step = list_item(link, struct step, in_run);

        engine->checks->failed += step->n > 0 && step->state != STEP_ANSWERED;
    }
    engine->checks->under_way--;
    note_unseen(engine, shadow->of, shadow->begun_ms,
                "no answer within the time of a check");
    go_on(engine);
}

/* -- a verdict ------------------------------------------------------------------------------ */

static void verdict_write(struct step *step, const struct hold *hold, int verdict)
{
    struct engine *engine = step->run->engine;
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put(&out, "a", step->action);
    json_put_int(&out, "n", hold->n);
    if (verdict != HOLD_TARGET_GONE)
        json_put_raw(&out, "now", step->now);
    json_put_int(&out, "r", hold->run);
    json_put(&out, "s", hold_verdict_name(verdict));
    json_put(&out, "t", step->target);
    if (step->what != NULL)
        json_put(&out, "undo", step->what);
    json_close(&out);
    row_write_global(engine, ROW_HOLD_SEEN, str_span(&body));
    str_fini(&body);
}

static void verdict_take(struct engine *engine, struct hold *hold, int verdict, int64_t seq)
{
    hold->verdict = verdict;
    hold->verdict_seq = verdict == HOLD_IN_FORCE ? 0 : seq;
    if (hold->first_seq > 0 && !hold->is_off)
        hold_put_on(engine, hold);
}

static void give_verdict(struct step *step, int verdict)
{
    struct engine *engine = step->run->engine;
    struct hold *hold = hold_find(engine, step->undoes_run, step->undoes_ordinal);

    engine->checks->looked++;
    if (hold == NULL)
        return; /* released meanwhile */
    if (hold->verdict == verdict) {
        unseen_end(engine, hold);
        return;
    }
    int64_t seq = engine->next_seq;
    unseen_forget(hold); /* the row of the verdict says it */
    hold->looked_ms = engine->now_ms;
    verdict_write(step, hold, verdict);
    verdict_take(engine, hold, verdict, seq);
}

/* The next hold of the slice that came after this one; NULL at the end. */
static struct hold *later_than(struct engine *engine, const struct hold *at)
{
    const struct list *head = &engine->holds_by_slice[at->slice % TABLE_SIZE];

    for (struct list *link = at->in_slice.next; link != head; link = link->next) {
        struct hold *later = list_item(link, struct hold, in_slice);

        if (later->slice == at->slice)
            return later;
    }
    return NULL;
}

/* False when the rows of a later hold must be read first. */
static bool knows_later(struct step *step, const struct hold *own)
{
    struct engine *engine = step->run->engine;
    struct hold *later = later_than(engine, own);

    for (; later != NULL; later = later_than(engine, later))
        if (!hold_learn(engine, later)) {
            undo_wait_for(step->run, later->run);
            return false;
        }
    return true;
}

/* Has a later hold left that there? */
static bool is_of_later(const struct step *step, const struct hold *own,
                        const struct leaf *leaf)
{
    struct engine *engine = step->run->engine;
    const struct hold *later = later_than(engine, own);

    for (; later != NULL; later = later_than(engine, later)) {
        struct span after = span_of(later->after);

        if (json_same(step->now, after) ||
            (leaf->a.len > 0 && json_same(leaf->a, leaf_at(leaf, after))))
            return true;
    }
    return false;
}

/* Field by field as this hold or one that replaced it has left it? */
static bool is_as_left(const struct step *step, const struct hold *own)
{
    struct leaves leaves;
    bool is_left = true;

    leaves_of(&leaves, step->now, step->own_after);
    for (int i = 0; i < leaves.count && is_left; i++) {
        const struct leaf *leaf = &leaves.items[i];

        is_left = json_same(leaf->a, leaf->b) || is_of_later(step, own, leaf);
    }
    leaves_fini(&leaves);
    return is_left;
}

/* As it was before, or as another hold that was released would have it. */
static bool is_undone(const struct step *step, const struct hold *own)
{
    return json_same(step->now, step->own_goal) || json_same(step->now, step->before) ||
           (own->goal != NULL && json_same(step->now, span_of(own->goal)));
}

static void look_at(struct step *step)
{
    const struct hold *own =
        hold_find(step->run->engine, step->undoes_run, step->undoes_ordinal);

    if (own != NULL && !json_same(step->now, step->own_after) && !knows_later(step, own)) {
        step->state = STEP_NEW; /* until the rows of the other run are there */
        return;
    }
    if (own != NULL)
        give_verdict(step, is_as_left(step, own)  ? HOLD_IN_FORCE
                           : is_undone(step, own) ? HOLD_UNDONE
                                                  : HOLD_CHANGED);
    step_answer(step, true, span_of("{}"));
}

static void give_up(struct step *step, const struct event *event)
{
    struct engine *engine = step->run->engine;
    struct hold *hold = hold_find(engine, step->undoes_run, step->undoes_ordinal);
    struct str why = { 0 };

    str_add_span(&why, event->code);
    str_add_text(&why, event->code.len > 0 && event->message.len > 0 ? ": " : "");
    str_add_span(&why, event->message);
    engine->checks->failed++;
    if (hold != NULL)
        unseen_note(engine, hold, &engine->checks->rounds, str_text(&why));
    str_fini(&why);
}

void check_on_observed(struct step *step, const struct event *event)
{
    bool is_gone = undo_is_gone(step, event);
    bool fails = event->status != STATUS_DONE;
    int looks = is_gone ? GONE_LOOKS : event->status == STATUS_REFUSED ? 1 : LOOKS_MAX;

    if (fails && step->retries < looks - 1) {
        step_pause(step, event);
    } else if (is_gone) {
        give_verdict(step, HOLD_TARGET_GONE);
        step_answer(step, true, span_of("{}"));
    } else if (fails) {
        give_up(step, event);
        step_answer(step, true, span_of("{}"));
    } else {
        step->now = run_keep(step->run, event->state);
        if (slice_is_busy(step)) {
            step->state = STEP_HELD; /* until that change has its outcome */
        } else if (slice_is_stale(step)) {
            step->state =
                STEP_NEW; /* changed since, or its rows were read: observe it again */
            run_push(step->run);
        } else {
            look_at(step);
        }
    }
}

/* -- the index ------------------------------------------------------------------------------ */

void verdict_put_entry(struct engine *engine, struct span body, int64_t seq)
{
    struct hold *hold = hold_seen_in_row(engine, json_get_int(body, "r", 0),
                                         (int)json_get_int(body, "n", 0));

    if (hold != NULL && unseen_read_row(hold, body, seq)) {
        if (hold->first_seq > 0)
            hold_put_on(engine, hold);
    } else if (hold != NULL) {
        verdict_take(engine, hold, verdict_of(json_get_raw(body, "s")), seq);
    }
}
