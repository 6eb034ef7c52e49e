/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve/view_steps.c - what a run did, a line a step: its rows, added up.
 */
#include "serve/views.h"

#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "store/store.h"

struct shown_step {
    char *branch;
    int64_t n, at_ms, seq, attempts, gate, until_ms;
    char *kind, *action, *target, *op, *state, *why;
    enum settle_kind doubt; /* what kind of one */
};

struct steps {
    struct shown_step *items;
    int count, cap;
    bool is_rollback, is_over;
};

static void set(char **text, char *value)
{
    free(*text);
    *text = value;
}

/* A step's rows mostly stand together, so the newest ones are looked at first. */
static struct shown_step *find(struct steps *steps, struct span body)
{
    struct span branch = json_get_raw(body, "b");
    int64_t n = json_get_int(body, "n", 0);

    for (int i = steps->count - 1; i >= 0; i--)
        if (steps->items[i].n == n && span_is(branch, steps->items[i].branch))
            return &steps->items[i];
    return NULL;
}

static struct shown_step *find_or_add(struct steps *steps, const struct row *row)
{
    struct shown_step *step = find(steps, row->body);

    if (step != NULL)
        return step;
    if (steps->count == steps->cap) {
        steps->cap = steps->cap == 0 ? 32 : steps->cap * 2;
        steps->items = xrealloc(steps->items, (size_t)steps->cap * sizeof *steps->items);
    }
    step = &steps->items[steps->count++];
    *step = (struct shown_step){ .branch = span_dup(json_get_raw(row->body, "b")),
                                 .n = json_get_int(row->body, "n", 0),
                                 .at_ms = row->at_ms,
                                 .seq = row->seq };
    return step;
}

static void take_names(struct shown_step *step, struct span body)
{
    char *kind = json_get_text(body, "k"), *action = json_get_text(body, "a");
    char *target = json_get_text(body, "t");

    if (kind != NULL)
        set(&step->kind, kind);
    if (action != NULL)
        set(&step->action, action);
    if (target != NULL)
        set(&step->target, target);
}

static void take_answer(struct shown_step *step, struct span body)
{
    char *target = json_get_text(json_get(body, "x"), "target");
    bool is_ok = json_get_bool(body, "ok", true);

    if (target != NULL)
        set(&step->target, target);
    set(&step->state, xstrdup(is_ok ? "answered" : "failed"));
    if (!is_ok)
        set(&step->why, json_get_text(json_get(body, "v"), "message"));
}

static void take_outcome(struct shown_step *step, struct span body)
{
    char *state = json_get_text(body, "s");

    set(&step->state, state != NULL ? state : xstrdup("done"));
    set(&step->why, json_get_text(body, "msg"));
}

static void take_intent(struct shown_step *step, struct span body)
{
    char *op = json_get_text(body, "op");

    set(&step->op, op != NULL ? op : xstrdup("apply"));
    set(&step->state, xstrdup("applying"));
    step->attempts = json_get_int(body, "at", 1);
}

static void take_leave(struct shown_step *step, struct span body)
{
    int end = hold_state_of(json_get_raw(body, "end"));

    set(&step->state, xstrdup(end != 0 ? hold_state_name(end) : "left"));
    if (end != 0)
        set(&step->why, json_get_text(body, "msg"));
}

/* It goes on by itself, and until when it waits is what the service said. */
static void take_wait(struct shown_step *step, struct span body)
{
    set(&step->state, xstrdup("waiting"));
    set(&step->why, json_get_text(body, "msg"));
    step->until_ms = json_get_int(body, "until", 0);
}

static void end_gate(struct steps *steps, struct span body)
{
    int64_t gate = json_get_int(body, "g", 0);

    for (int i = 0; i < steps->count; i++)
        if (steps->items[i].gate == gate && strcmp(steps->items[i].state, "waiting") == 0)
            set(&steps->items[i].state,
                xstrdup(gate_state_name((int)json_get_int(body, "s", 0))));
}

static int take_row(const struct row *row, void *arg)
{
    struct steps *steps = arg;
    struct shown_step *step;

    if (row->kind == ROW_START)
        steps->is_rollback = json_get_int(row->body, "kind", RUN_LIVE) == RUN_ROLLBACK;
    if (row->kind == ROW_GATE_END) {
        end_gate(steps, row->body);
        return 0;
    }
    if (json_get(row->body, "b").len == 0)
        return 0;
    step = find_or_add(steps, row);
    step->until_ms = 0;
    take_names(step, row->body);
    switch (row->kind) {
    case ROW_ANSWER: take_answer(step, row->body); break;
    case ROW_INTENT: take_intent(step, row->body); break;
    case ROW_OUTCOME: take_outcome(step, row->body); break;
    case ROW_GATE: step->gate = json_get_int(row->body, "g", 0); /* fall through */
    case ROW_SLEEP:
    case ROW_CHILD: set(&step->state, xstrdup("waiting")); break;
    case ROW_WAIT: take_wait(step, row->body); break;
    case ROW_DRIFT: set(&step->state, xstrdup("drift")); break;
    case ROW_DOUBT:
        set(&step->state, xstrdup("doubt"));
        step->doubt = engine_doubt_kind(row->body, steps->is_rollback);
        set(&step->why, json_get_text(row->body, "why"));
        break;
    case ROW_SETTLE: set(&step->state, xstrdup("settled")); break;
    case ROW_LEAVE: take_leave(step, row->body); break;
    case ROW_KEEP: set(&step->state, xstrdup("kept")); break;
    default: break;
    }
    return 0;
}

/* The ways to settle a step that waits for a person; NULL: it does not. */
static const char *const *choices_of(const struct steps *steps,
                                     const struct shown_step *step)
{
    const char *state = step->state != NULL ? step->state : "";

    if (steps->is_over)
        return NULL;
    if (strcmp(state, "doubt") == 0)
        return engine_settle_choices(step->doubt);
    if (strcmp(state, "drift") == 0)
        return engine_settle_choices(SETTLE_DRIFT);
    if (steps->is_rollback &&
        (strcmp(state, "failed") == 0 || strcmp(state, "refused") == 0))
        return engine_settle_choices(SETTLE_FAILED);
    return NULL;
}

static void put_choices(struct json_out *out, const char *const *words)
{
    if (words == NULL)
        return;
    json_key(out, "choices");
    json_open(out, '[');
    for (; *words != NULL; words++)
        json_string(out, *words);
    json_close(out);
}

static void put_step(struct view *view, const struct steps *steps,
                     const struct shown_step *step)
{
    struct json_out *out = &view->out;
    struct str path = { 0 };

    str_printf(&path, "%s/%lld", step->branch, (long long)step->n);
    json_open(out, '{');
    json_put(out, "action", step->action);
    json_put_int(out, "at", step->at_ms);
    json_put_int(out, "attempts", step->attempts);
    put_choices(out, choices_of(steps, step));
    json_put(out, "gate", step->gate > 0 ? id_gate(view->run, (int)step->gate).text : NULL);
    json_put(out, "kind", step->kind != NULL ? step->kind : "step");
    json_put(out, "op", step->op);
    json_put_int(out, "seq", step->seq);
    json_put(out, "state", step->state != NULL ? step->state : "waiting");
    json_put(out, "step", str_text(&path));
    json_put(out, "target", step->target);
    if (step->until_ms > 0)
        json_put_int(out, "until", step->until_ms);
    json_put(out, "why", step->why);
    json_close(out);
    str_fini(&path);
}

static void free_step(struct shown_step *step)
{
    free(step->branch);
    free(step->kind);
    free(step->action);
    free(step->target);
    free(step->op);
    free(step->state);
    free(step->why);
}

int view_steps(struct view *view, const struct asked *asked, struct err *err)
{
    struct steps steps = { 0 };
    struct span name = json_get_raw(asked->args, "run");
    int64_t last = 0;

    if (id_parse_run(name, &view->run))
        last = rows_last(view->serve, view->run);
    if (last == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no run %.*s; `cordon runs` lists them",
                       (int)(name.len < 40 ? name.len : 40), name.ptr);
    struct entry entry;
    steps.is_over =
        store_find(view->serve->store, ENTRY_RUN, view->run, 0, &entry, err) == 0 &&
        entry.state >= RUN_DONE;
    int rc = store_each_of_run(view->serve->store, last, take_row, &steps, err);
    json_put(&view->out, "run", id_run(view->run).text);
    json_key(&view->out, "steps");
    json_open(&view->out, '[');
    for (int i = 0; i < steps.count; i++) {
        put_step(view, &steps, &steps.items[i]);
        free_step(&steps.items[i]);
    }
    json_close(&view->out);
    free(steps.items);
    return rc;
}
