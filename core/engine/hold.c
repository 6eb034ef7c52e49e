/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/hold.c - the ledger: what is contained now.
 *
 * A hold is named after the run and the intent that took it. Its entry has all that
 * `cordon contained` shows; its due time is when it lets go by itself.
 */
#include "engine/internal.h"

#include "base/id.h"

void hold_put(struct step *step, int state)
{
    struct str body = { 0 };
    struct json_out out = { .str = &body };
    int64_t run = step->is_undo ? step->undoes_run : step->run->id;
    int ordinal = step->is_undo ? step->undoes_ordinal : step->ordinal;

    if (run_is_shadow(step->run) || ordinal == 0)
        return;
    json_open(&out, '{');
    json_put(&out, "action", step->action);
    json_put_raw(&out, "after", step->after);
    json_put_raw(&out, "before", step->is_undo ? step->goal : step->before);
    json_put(&out, "by", step->run->by);
    json_put_bool(&out, "can_undo", step->goal.len > 0);
    json_put(&out, "path", step->is_undo ? step->undoes_path : step_path(step));
    json_put(&out, "playbook", step->run->playbook_name);
    json_put(&out, "run", id_run(run).text);
    json_put_int(&out, "since", step->run->engine->now_ms);
    json_put(&out, "target", step->target);
    json_put(&out, "undo", step->undo);
    if (step->until_ms > 0)
        json_put_int(&out, "until", step->until_ms);
    json_put(&out, "what", step->what);
    json_close(&out);
    turn_add_entry(step->run->engine,
                   &(struct turn_entry){
                       .kind = ENTRY_HOLD,
                       .run = run,
                       .n = ordinal,
                       .state = state,
                       .due_ms = state == HOLD_ON ? step->until_ms : 0,
                       .body = str_span(&body),
                   });
    str_fini(&body);
}

/* Its time is over: taken off by a rollback of just this step. */
void hold_on_due(struct run *run, struct span entry)
{
    struct str limits = { 0 };
    struct json_out out = { .str = &limits };

    json_open(&out, '{');
    json_put_bool(&out, "expired", true);
    json_put_raw(&out, "step", json_get(entry, "path"));
    json_close(&out);
    if (run->playbook != NULL)
        run_push(run_start(run->engine, RUN_ROLLBACK, run->playbook, "", span_of("{}"),
                           (struct span){ 0 }, span_of("cordon"), run->id, NULL,
                           str_span(&limits)));
    str_fini(&limits);
}
