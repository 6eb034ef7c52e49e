/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/look.c - ctx.wait_until: one row, however often it looks.
 *
 *   NEW ──► its row ──► SLEEPING ──── time to look ────► LOOKING ──┐
 *                           ▲                                      │ the playbook calls its
 *                           │                                      │ function, which reads
 *                           └── not yet: what was read is ◄────────┤
 *                               forgotten                          │
 *              ANSWERED ◄── anything else: what was read is ◄──────┘
 *                           journaled, and the wait's answer before it
 *
 * What a look reads has no rows while it looks: only the last look counts. A look that does
 * more than read (a change, a note, a question, branches) is journaled before that. The wait
 * then goes on in a step of its own, with a row of its own.
 */
#include "engine/internal.h"

#include <string.h>

enum {
    LOOKS_MAX = 200 /* of one load; then the run is parked, which gives its memory back */
};

static bool is_wait(const struct step *step)
{
    return strcmp(step->kind, "wait_until") == 0;
}

static int64_t started_ms(const struct step *wait)
{
    return wait->until_ms - json_get_int(wait->args, "ms", 0);
}

static int64_t every_ms(const struct step *wait)
{
    int64_t ms = json_get_int(wait->args, "every", 0);

    return ms > 0 ? ms : 1000;
}

/* The next time of "every", counted from the start; the last look is at the end. */
static int64_t next_look(const struct step *wait)
{
    int64_t now = wait->run->engine->now_ms, every = every_ms(wait);
    int64_t next = started_ms(wait) + ((now - started_ms(wait)) / every + 1) * every;

    return next < wait->until_ms ? next : wait->until_ms;
}

void look_begin(struct step *step)
{
    int64_t ms = json_get_int(step->args, "ms", 0), now = step->run->engine->now_ms;
    int64_t at = json_get_int(step->args, "at", now);
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    if (ms <= 0) {
        step_answer_error(step, "invalid",
                          "ctx.wait_until: within wants a duration above zero such as "
                          "\"10m\"");
        return;
    }
    json_open(&out, '{');
    json_put_raw(&out, "args", step->args); /* how often, also when it is loaded */
    json_put(&out, "b", step->branch);
    json_put(&out, "h", step->args_hash);
    json_put(&out, "k", step->kind);
    json_put_int(&out, "n", step->n);
    json_put_int(&out, "until", at + ms);
    json_close(&out);
    row_write(step->run, ROW_SLEEP, str_span(&body));
    str_fini(&body);
    if (json_get(step->args, "at").len > 0)
        step->wake_ms = next_look(step);
    step_go_on(step);
}

int64_t look_due(const struct step *step)
{
    return is_wait(step) && step->wake_ms > 0 ? step->wake_ms : step->until_ms;
}

bool look_may_park(const struct step *step)
{
    return look_due(step) - step->run->engine->now_ms >= PARK_SLEEP_MS ||
           (is_wait(step) && step->looks > LOOKS_MAX);
}

/* What the playbook gets: when the wait began and which look this is, or that time is up. */
static struct span turn_value(struct step *wait, bool is_over)
{
    int64_t now = wait->run->engine->now_ms;
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    json_put_int(&out, "at", started_ms(wait));
    json_put_int(&out, "look", (now - started_ms(wait)) / every_ms(wait) + 1);
    if (is_over)
        json_put_bool(&out, "timeout", true);
    json_close(&out);
    struct span kept = run_keep(wait->run, str_span(&text));
    str_fini(&text);
    return kept;
}

void look_go_on(struct step *step)
{
    struct run *run = step->run;

    if (step->wake_ms > run->engine->now_ms) {
        if (!look_may_park(step))
            timer_want(run->engine, step->wake_ms);
        return;
    }
    if (!step->is_wished) {
        run->wants_vm = !run->is_started;
        return;
    }
    step->ok = true;
    step->value = turn_value(step, false);
    step->state = STEP_LOOKING;
    step->is_delivered = false;
    step->looks++;
    if (list_is_empty(&step->in_order))
        list_add(&run->order, &step->in_order);
    run_push(run);
}

/* -- The look that is open in a branch ------------------------------------------------------- */

static struct step *open_in(struct run *run, struct span branch)
{
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->state == STEP_LOOKING && span_is(branch, step->branch))
            return step;
    }
    return NULL;
}

/* An answer that is no row yet. */
bool look_keeps(const struct step *step)
{
    const struct step *wait =
        run_is_shadow(step->run) ? NULL : open_in(step->run, span_of(step->branch));

    return wait != NULL && step->n > wait->n && !wait->is_ending;
}

/* Writes what the look of this wait has read, the wait's answer first. */
static void end_look(struct step *wait)
{
    struct run *run = wait->run;
    struct span value = wait->value;

    wait->is_ending = true;
    answer_write(wait, true, value, false);
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (strcmp(step->branch, wait->branch) == 0 && step->n > wait->n &&
            step->state == STEP_ANSWERED)
            answer_write(step, step->ok, step->value, false);
    }
}

/* "0" is above "0.2.1". */
static bool is_above(const char *branch, struct span below)
{
    size_t len = strlen(branch);

    return below.len > len && memcmp(below.ptr, branch, len) == 0 && below.ptr[len] == '.';
}

/* Those above a branch: a look that has branches is more than reading. */
static void end_above(struct run *run, struct span branch)
{
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->state == STEP_LOOKING && is_above(step->branch, branch))
            end_look(step);
    }
}

void look_end_all(struct run *run)
{
    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->state == STEP_LOOKING)
            end_look(step);
    }
}

/* Not yet: what this look has read is forgotten, and its numbers are free again. */
static void forget_look(struct step *wait)
{
    struct run *run = wait->run;

    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (strcmp(step->branch, wait->branch) != 0 || step->n <= wait->n)
            continue;
        list_remove(&step->in_order);
        list_remove(&step->in_run);
        run->step_count--;
    }
}

static bool is_plain(struct run *run, const struct event_wish *wish)
{
    struct action *action =
        span_is(wish->kind, "step") ? action_find(run->engine, wish->action) : NULL;

    return span_is(wish->kind, "now") || span_is(wish->kind, "random") ||
           span_is(wish->kind, "uuid") ||
           (action != NULL && action->effect == EFFECT_READS);
}

bool look_takes(struct run *run, const struct event_wish *wish)
{
    struct step *wait = run_is_shadow(run) ? NULL : open_in(run, wish->branch);

    if (wait != NULL && span_is(wish->kind, "wait_until") && wish->n > wait->n &&
        json_get_int(wish->args, "of", 0) == wait->n) {
        forget_look(wait);
        list_remove(&wait->in_order);
        wait->again_n = wish->n;
        wait->state = STEP_SLEEPING;
        wait->wake_ms = next_look(wait);
        if (run->engine->now_ms >= wait->until_ms)
            answer_write(wait, true, turn_value(wait, true), false);
        else
            step_go_on(wait);
        wait->is_delivered = false;
        return true;
    }
    if (wait != NULL && !is_plain(run, wish))
        end_look(wait);
    if (!run_is_shadow(run))
        end_above(run, wish->branch);
    return false;
}

/* The number under which the playbook waits for the answer, and the answer. */
int64_t look_number(struct step *step, struct str *value)
{
    int64_t n = step->again_n;

    str_add_span(value, step->value.len > 0 ? step->value : span_of("null"));
    if (n == 0)
        return step->n;
    value->ptr[--value->len] = '\0'; /* the brace of what turn_value() wrote */
    str_printf(value, ",\"to\":%lld}", (long long)step->n);
    step->again_n = 0;
    return n;
}
