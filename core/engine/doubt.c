/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/doubt.c - nobody knows whether it happened: looking decides, or a person does.
 */
#include "engine/holds.h"

#include "engine/part.h"
#include "frame/frame.h"

enum {
    DOUBT_LOOKS_MIN = 2, /* a change that does not show is looked for twice */
    DOUBT_LOOKS_MAX = 12
};

static void parts_of_step(struct parts *parts, const struct step *step,
                          const struct event *event)
{
    parts_of(parts, step->is_undo ? step->after : step->before, step_wanted(step),
             event->state, json_get(event->info, "partly"));
}

static void write(struct step *step, const struct event *event, const char *why,
                  const struct parts *parts)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put(&out, "a", step->action);
    json_put(&out, "b", step->branch);
    json_put_int(&out, "n", step->n);
    json_put_raw(&out, "now", event != NULL ? event->state : (struct span){ 0 });
    if (parts != NULL)
        parts_put(&out, parts);
    json_put(&out, "t", step->target);
    json_put_raw(&out, "w", step->before);
    json_put(&out, "why", why);
    json_put_raw(&out, "z", step_wanted(step));
    json_close(&out);
    row_write(step->run, ROW_DOUBT, str_span(&body));
    str_fini(&body);
    run_push(step->run);
}

void doubt_write(struct step *step, const struct event *event, const char *why)
{
    write(step, event, why, NULL);
}

/* What people read when they must decide: which fields, and what the service said last. */
static void write_parts(struct step *step, const struct event *event, const char *head,
                        const struct parts *parts)
{
    struct str why = { 0 };

    str_add_text(&why, head);
    str_add_text(&why, ": ");
    parts_say(&why, parts);
    if (step->message != NULL && step->message[0] != '\0')
        str_printf(&why, "; the last attempt ended with: %.300s", step->message);
    write(step, event, str_text(&why), parts);
    str_fini(&why);
}

void doubt_write_partly(struct step *step, const struct event *event, const char *head)
{
    struct parts parts;

    parts_of_step(&parts, step, event);
    write_parts(step, event, head, &parts);
    parts_fini(&parts);
}

/* After a crash, a timeout, a reset or a 5xx nobody knows. Looking decides. */
void doubt_look(struct step *step)
{
    struct action *action = step_action(step);

    if (action == NULL || action->plugin->is_refused) {
        doubt_write(step, NULL,
                    action == NULL ? "its action is no longer there" : action->plugin->why);
        return;
    }
    step->state = STEP_IN_DOUBT;
    host_call(step, HOST_OBSERVE);
}

void doubt_look_later(struct step *step)
{
    struct action *action = step_action(step);
    int64_t ms = action != NULL && action->settle_ms > 200 ? action->settle_ms : 200;

    step->state = STEP_IN_DOUBT;
    step->wake_ms = step->run->engine->now_ms + ms;
    timer_want(step->run->engine, step->wake_ms);
}

/* The run is over: what of a change is done stays, and the ledger has it. */
void doubt_keep_parts(struct run *run)
{
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->is_partly && !step->is_undo && step->has_intent &&
            step->state != STEP_ANSWERED)
            outcome_partly(step);
    }
}

/* The service said that it could not, and when it may; the target agrees. The attempt counts
 * for nothing, and comes again then. */
static void put_off(struct step *step, const struct event *event)
{
    struct wait_why why = { .code = span_of(step->code),
                            .message = span_of(step->message),
                            .until_ms = step->put_off_ms,
                            .is_excused = true };

    step->put_off_ms = 0;
    outcome_write(step, "not_applied", event, NULL);
    wait_begin(step, &why);
}

/* Some fields are as before and some as planned: an attempt ended between two requests. The
 * rest is done, in an attempt of the same step under the same permit, or a person decides. */
static void on_partly(struct step *step, const struct event *event,
                      const struct parts *parts)
{
    const struct action *action = step_action(step);

    if (step->doubts < DOUBT_LOOKS_MIN) {
        doubt_look_later(step); /* its requests may still be arriving */
    } else if (step->put_off_ms > step->run->engine->now_ms) {
        wait_begin(step, &(struct wait_why){ .code = span_of(step->code),
                                             .message = span_of(step->message),
                                             .until_ms = step->put_off_ms,
                                             .is_doubt = true });
    } else if (step->is_rest_refused) {
        write_parts(step, event, "it is partly done, and the rest is refused", parts);
    } else if (step->attempt - step->excused >= ENGINE_ATTEMPTS_MAX) {
        write_parts(step, event, "it is partly done after several attempts", parts);
    } else if (action == NULL || (!step->may_complete && (action->repeat == REPEAT_BLIND ||
                                                          action->asks_partly))) {
        write_parts(step, event,
                    "it is partly done, and what is left cannot be done without a person's "
                    "word",
                    parts);
    } else if (step->is_partly && step->is_wished && !step->is_undo) {
        change_complete(step, event);
    } else { /* nothing is sent before the playbook has asked for it again, word for word */
        outcome_write(step, "partly", event, NULL);
        step->retries = 0;
    }
}

/* Neither as before nor as planned. */
static void on_other(struct step *step, const struct event *event)
{
    struct parts parts;

    parts_of_step(&parts, step, event);
    if (parts_are_mixed(&parts))
        on_partly(step, event, &parts);
    else
        write_parts(step, event, "the target is neither as before nor as planned", &parts);
    parts_fini(&parts);
}

void doubt_on_looked(struct step *step, const struct event *event)
{
    struct action *action = step_action(step);
    struct span wanted = step_wanted(step);
    struct span had = step->is_undo ? step->after : step->before;

    step->doubts++;
    if (event->status != STATUS_DONE && wait_is_asked(step, event)) {
        step->doubts--;
        wait_begin(step, &(struct wait_why){ .code = event->code,
                                             .message = event->message,
                                             .until_ms = wait_end_ms(step, event),
                                             .is_doubt = true });
        return;
    }
    if (event->status != STATUS_DONE) {
        if (undo_is_gone(step, event) && step->doubts >= DOUBT_LOOKS_MIN)
            share_end(step, HOLD_GONE, event->message);
        else if (step->doubts >= DOUBT_LOOKS_MAX)
            doubt_write(step, NULL, "it cannot be observed");
        else
            doubt_look_later(step);
        return;
    }
    step->now = run_keep(step->run, event->state);
    if (json_same(event->state, wanted)) {
        outcome_done(step, event, "found so when looked at");
    } else if (!json_same(event->state, had)) {
        on_other(step, event);
    } else if (step->doubts < DOUBT_LOOKS_MIN) {
        doubt_look_later(step);
    } else if (action != NULL && action->repeat == REPEAT_BLIND) {
        doubt_write(step, event, "the action cannot be repeated safely");
    } else if (step->put_off_ms > 0) {
        put_off(step, event);
    } else if (step->attempt - step->excused >= ENGINE_ATTEMPTS_MAX) {
        doubt_write(step, event, "it did not take effect after several attempts");
    } else {
        /* The same step, the same permit: the earlier attempt provably did nothing, and
         * key, precondition or kind of change make it harmless should it yet arrive. */
        outcome_write(step, "not_applied", event, NULL);
        step->retries = 0;
    }
}
