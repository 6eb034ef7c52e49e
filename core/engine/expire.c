/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/expire.c - a hold's time is over: what its step said shall happen then.
 *
 *   release   a rollback of just this step
 *   ask       the same, but people are asked first; they may say that it stays
 *   extend    its time is prolonged by as much again; after ENGINE_EXTENDS_MAX times: ask
 *
 * All three are a rollback, a run of its own: so each is in the journal and is told like any
 * other, also when the run that took the hold is over long since. Its question is step q/1.
 * docs/decisions/0020 says why.
 */
#include "engine/holds.h"

#include <stdlib.h>

#include "base/expiry.h"

/* -- it is due ------------------------------------------------------------------------------ */

/* Whoever was asked for it is asked whether it goes; else whoever is in a group. */
static void put_asked(struct json_out *out, struct run *run, const struct step *step)
{
    const struct gate *gate = gate_find(run, step->permit_gate);

    if (gate != NULL && json_count(gate->from) > 0)
        json_put_raw(out, "from", gate->from);
}

static void put_then(struct json_out *out, struct run *run, const struct step *step)
{
    const struct hold *hold = hold_find(run->engine, run->id, step->ordinal);
    int extends = hold != NULL ? hold->extends : 0;
    enum expiry expiry = expiry_of(step->args);

    if (expiry == EXPIRY_RELEASE)
        return;
    json_key(out, "then");
    json_open(out, '{');
    if (expiry == EXPIRY_EXTEND && extends < ENGINE_EXTENDS_MAX) {
        json_put(out, "do", "extend");
        json_put_int(out, "ms", expiry_ms(step->args));
    } else {
        json_put(out, "do", "ask");
        put_asked(out, run, step);
    }
    json_close(out);
}

/* Told again of a time that is no longer the hold's? */
static bool is_due(struct run *run, int n)
{
    const struct hold *hold = hold_find(run->engine, run->id, n);

    return hold == NULL || (hold->due_ms > 0 && hold->due_ms <= run->engine->now_ms);
}

void hold_on_due(struct run *run, int n)
{
    struct step *step = hold_step(run, n);
    struct str limits = { 0 };
    struct json_out out = { .str = &limits };

    if (step == NULL || run->playbook == NULL || !is_due(run, n))
        return;
    json_open(&out, '{');
    json_put_bool(&out, "expired", true);
    json_key(&out, "hold");
    json_open(&out, '{');
    json_put_int(&out, "first", step->intent_seq);
    json_put_int(&out, "last", step->outcome_seq);
    json_put_int(&out, "n", n);
    json_close(&out);
    json_put(&out, "step", step_path(step));
    put_then(&out, run, step);
    json_put(&out, "why", "the time of the hold is over (expires)");
    json_close(&out);
    struct run *rollback =
        run_start(run->engine, RUN_ROLLBACK, run->playbook, "", span_of("{}"),
                  (struct span){ 0 }, span_of("cordon"), run->id, NULL, str_span(&limits));
    expire_begin(rollback);
    run_push(rollback);
    str_fini(&limits);
}

/* Due once more, another rollback would begin. */
void expire_begin(struct run *rollback)
{
    struct engine *engine = rollback->engine;
    int n = (int)json_get_int(rollback->expired_hold, "n", 0);
    struct hold *hold = hold_find(engine, rollback->of, n);
    struct hold none = { .run = rollback->of, .n = n };

    if (hold == NULL && !engine->is_reindexing)
        return; /* let go of meanwhile */
    if (hold == NULL)
        hold = &none;
    hold->due_ms = 0;
    hold->expired_in = rollback->id;
    if (!hold->is_off)
        hold_put_on(engine, hold);
}

/* -- it stays ------------------------------------------------------------------------------- */

void expire_keep(struct step *undo)
{
    struct engine *engine = undo->run->engine;
    struct hold *hold = hold_find(engine, undo->undoes_run, undo->undoes_ordinal);

    if (hold == NULL || hold->is_off)
        return;
    hold->due_ms = undo->until_ms;
    hold->extends = undo->extends;
    hold->expired_in = 0;
    hold->kept_in = undo->until_ms > 0 ? 0 : undo->run->id;
    hold_put_on(engine, hold);
}

/* until_ms 0: until somebody releases it. */
static void keep(struct step *undo, int extends, int64_t until_ms, const char *who)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put(&out, "a", undo->action);
    json_put(&out, "b", undo->branch);
    if (extends > 0)
        json_put_int(&out, "i", extends);
    json_put_int(&out, "n", undo->n);
    undoes_put(&out, undo);
    json_put(&out, "t", undo->target);
    if (until_ms > 0)
        json_put_int(&out, "until", until_ms);
    if (who != NULL)
        json_put(&out, "who", who);
    json_close(&out);
    row_write(undo->run, ROW_KEEP, str_span(&body));
    str_fini(&body);
    expire_keep(undo);
}

/* -- people are asked ----------------------------------------------------------------------- */

static struct step *question_new(struct run *run, const struct step *undo)
{
    struct str args = { 0 }, title = { 0 };
    struct json_out out = { .str = &args };
    struct span from = json_get(run->expire, "from");

    str_printf(&title, "The time of %s on %s is over: release it, or keep it?",
               undo->action, undo->target);
    json_open(&out, '{');
    json_put_raw(&out, "choices", span_of("[\"release\",\"keep\"]"));
    json_put(&out, "detail",
             "release: it is undone. keep: it stays contained until somebody releases it. "
             "Until this is answered it stays, too.");
    if (from.len > 0)
        json_put_raw(&out, "from", from);
    json_put(&out, "on_timeout", "hold");
    json_put_span(&out, "title", str_span(&title));
    json_close(&out);
    struct step *step =
        step_new(run, span_of("q"), 1, span_of("ask"), (struct span){ 0 }, str_span(&args));
    str_fini(&args);
    str_fini(&title);
    return step;
}

/* Who said so, last of all. */
static const char *speaker(struct run *run)
{
    const char *who = NULL;

    list_each (link, after, &run->gates) {
        struct gate *gate = list_item(link, struct gate, in_run);

        if (gate->is_question && !list_is_empty(&gate->votes))
            who = list_item(gate->votes.prev, struct vote, in_gate)->who;
    }
    return who;
}

/* True when somebody said "release". Whoever denies the question wants nothing done. */
static bool may_release(struct run *run, struct step *undo, const struct hold *hold)
{
    struct step *question = step_find(run, span_of("q"), 1);

    if (question == NULL)
        question = question_new(run, undo);
    if (question->state == STEP_NEW)
        gate_begin(question);
    else
        step_go_on(question);
    if (question->state != STEP_ANSWERED)
        return false;
    if (question->ok && span_is(json_raw(question->value), "release"))
        return true;
    keep(undo, hold->extends, 0, speaker(run));
    return true;
}

bool expire_go_on(struct run *run)
{
    struct step *undo = step_find(run, span_of("u"), 1);
    const struct hold *hold;

    if (undo == NULL || undo->state != STEP_NEW)
        return true;
    hold = hold_find(run->engine, undo->undoes_run, undo->undoes_ordinal);
    if (hold == NULL) /* let go of while people were asked */
        return true;
    if (span_is(json_get_raw(run->expire, "do"), "extend"))
        keep(undo, hold->extends + 1,
             run->engine->now_ms + json_get_int(run->expire, "ms", 0), NULL);
    else if (span_is(json_get_raw(run->expire, "do"), "ask"))
        return may_release(run, undo, hold);
    return true;
}
