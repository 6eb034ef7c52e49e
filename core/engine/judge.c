/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/judge.c - what a policy says of a change that nobody has asked for.
 *
 * The change is put together from words, and goes through the very functions that a live
 * one goes through: rules, freezes and guards have no second reading.
 */
#include "engine/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JUDGE_TARGETS_MAX = 10000 };

static const char *text_or(struct run *run, struct span json, const char *key,
                           const char *otherwise)
{
    char *text = json_get_text(json, key);
    const char *kept = run_text(run, span_of(text != NULL ? text : otherwise));

    free(text);
    return kept;
}

static struct span info_of(struct run *run, struct span json)
{
    static const char *const keys[] = { "ask",          "exists",   "own",
                                        "subscription", "tags",     "tenant",
                                        "uncounted",    "unplaced", "within" };
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    json_open(&out, '{');
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (json_get(json, keys[i]).len > 0)
            json_put_raw(&out, keys[i], json_get(json, keys[i]));
    json_close(&out);
    struct span kept = run_keep(run, str_span(&text));
    str_fini(&text);
    return kept;
}

static struct step *step_of(struct run *run, struct span json, int64_t n)
{
    struct action *action = action_find(run->engine, json_get_raw(json, "action"));
    struct step *step =
        step_new(run, span_of("0"), n, span_of("step"), json_get_raw(json, "action"),
                 json_get(json, "args").len > 0 ? json_get(json, "args") : span_of("{}"));
    bool can_undo = json_get_bool(json, "reversible", action != NULL && action->can_undo);

    step->target = text_or(run, json, "target", "");
    step->is_undo = span_is(json_get_raw(json, "op"), "undo");
    step->plan_info = info_of(run, json);
    step->before = step->after = span_of("{}");
    step->goal = can_undo ? span_of("{}") : (struct span){ 0 };
    return step;
}

/* Others that the run has touched before, so that this one is target number count. */
static void touch_others(struct run *run, struct span json, int64_t count)
{
    struct step **planned;

    count = count < JUDGE_TARGETS_MAX ? count : JUDGE_TARGETS_MAX;
    if (count < 2)
        return;
    planned = arena_alloc(&run->arena, (size_t)count * sizeof(struct step *));
    for (int64_t n = 1; n < count; n++) {
        planned[n - 1] = step_of(run, json, n);
        planned[n - 1]->target = arena_printf(&run->arena, "another target %d", (int)n);
    }
    run->planned = planned;
    run->planned_count = (int)count - 1;
}

void engine_judge(struct engine *engine, struct span json, int64_t now_ms,
                  struct turn *turn, struct str *text)
{
    struct json_out out = { .str = text };
    struct need need;

    engine->turn = turn;
    engine->now_ms = now_ms;
    struct run *run = run_new(engine, SHADOW | (SHADOW >> 1), RUN_PLAN);
    int64_t count = json_get_int(json, "targets", 1);
    run->playbook_name = text_or(run, json, "playbook", "test");
    run->by = text_or(run, json, "requester", "tester");
    run->alert = json_get(json, "alert");
    touch_others(run, json, count);
    struct step *step = step_of(run, json, count);
    policy_need(step, &need);
    need_put(&out, step, &need);
    run_free(run);
}
