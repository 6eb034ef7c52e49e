/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/wait.c - a service said when it wants to be asked again.
 *
 * The wait is a row with its end, so that it survives a restart and people see it. It is not
 * one of the step's tries, and while it is long the run is parked. Nothing of the step is
 * under way then: a halt, a cancel or a rollback need not wait for it.
 */
#include "engine/internal.h"

enum {
    WAITS_MAX = 1000,    /* of one step; then it counts as a try like others */
    WAIT_FIRST_MS = 500, /* the least, doubled with each wait, so that a service */
    WAIT_LEAST_MAX_MS = 300 * 1000, /* that says "1 second" for ever is asked ever less */
    WAIT_PARK_MS = 60 * 1000        /* a shorter one is sat out by who follows the run */
};

#define WAIT_MAX_MS (INT64_C(366) * 86400 * 1000)

bool wait_is_asked(const struct step *step, const struct event *event)
{
    return event->wait_ms > 0 && step->waits < WAITS_MAX && !run_is_shadow(step->run);
}

int64_t wait_end_ms(const struct step *step, const struct event *event)
{
    int64_t least = WAIT_FIRST_MS;
    int64_t ms = event->wait_ms < WAIT_MAX_MS ? event->wait_ms : WAIT_MAX_MS;

    for (int i = 0; i < step->waits && least < WAIT_LEAST_MAX_MS; i++)
        least *= 2;
    if (least > WAIT_LEAST_MAX_MS)
        least = WAIT_LEAST_MAX_MS;
    return step->run->engine->now_ms + (ms > least ? ms : least);
}

void wait_begin(struct step *step, const struct wait_why *why)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put(&out, "a", step->action);
    if (step->waits == 0) /* says what is asked for, also when it is loaded */
        json_put_raw(&out, "args", step->args);
    json_put(&out, "b", step->branch);
    json_put_span(&out, "code", why->code);
    if (why->is_doubt)
        json_put_bool(&out, "d", true);
    if (step->args_hash[0] != '\0')
        json_put(&out, "h", step->args_hash);
    json_put_int(&out, "i", step->waits + 1);
    json_put(&out, "k", step->kind);
    json_put_span(&out, "msg", why->message);
    json_put_int(&out, "n", step->n);
    if (step->target[0] != '\0')
        json_put(&out, "t", step->target);
    json_put_int(&out, "until", why->until_ms);
    if (why->is_excused)
        json_put_bool(&out, "x", true);
    json_close(&out);
    row_write(step->run, ROW_WAIT, str_span(&body));
    str_fini(&body);
    run_push(step->run);
}

void wait_apply(struct step *step, const struct json_fields *in)
{
    if (step->args.len == 0)
        step->args = json_field(in, "args");
    step->state = json_bool(json_field(in, "d"), false) ? STEP_IN_DOUBT : STEP_PAUSING;
    step->wake_ms = json_int(json_field(in, "until"), 0);
    step->waits = (int)json_int(json_field(in, "i"), step->waits + 1);
    step->excused += json_bool(json_field(in, "x"), false);
    step->wait_why = json_field(in, "msg");
    step->is_waiting = true;
}

bool wait_is_parked(const struct step *step)
{
    return step->state == STEP_PAUSING && step->is_waiting &&
           step->wake_ms - step->run->engine->now_ms >= WAIT_PARK_MS;
}

void wait_go_on(struct step *step)
{
    struct run *run = step->run;

    if (step->wake_ms > run->engine->now_ms) {
        if (!wait_is_parked(step))
            timer_want(run->engine, step->wake_ms);
    } else if (!step->is_wished && !step->is_undo) {
        /* Nothing is sent before the playbook has asked for it again, word for word. */
        run->wants_vm = !run->is_started;
    } else {
        step->is_waiting = false;
        step_begin_again(step);
    }
}
