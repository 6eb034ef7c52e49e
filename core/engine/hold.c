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
 */
#include "engine/internal.h"

#include "base/id.h"

void hold_put(struct step *step, int state)
{
    int64_t run = step->is_undo ? step->undoes_run : step->run->id;
    int ordinal = step->is_undo ? step->undoes_ordinal : step->ordinal;

    if (run_is_shadow(step->run) || ordinal == 0)
        return;
    turn_add_entry(step->run->engine,
                   &(struct turn_entry){
                       .kind = ENTRY_HOLD,
                       .run = run,
                       .n = ordinal,
                       .state = state,
                       .due_ms = state == HOLD_ON ? step->until_ms : 0,
                       .first_seq = step->is_undo ? step->undoes_seq : step->intent_seq,
                       .last_seq = step->outcome_seq,
                   });
}

void holds_put_all(struct run *run)
{
    list_each (link, after, &run->order) {
        struct step *step = list_item(link, struct step, in_order);

        if (step->is_done && !step->is_undo && step->has_intent && !step->is_in_ledger) {
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

/* From the rollback's start on the hold is no longer due: asked again, another rollback
 * would begin. */
void hold_put_expired(struct run *rollback, struct span hold)
{
    turn_add_entry(rollback->engine, &(struct turn_entry){
                                         .kind = ENTRY_HOLD,
                                         .run = rollback->of,
                                         .n = (int)json_get_int(hold, "n", 0),
                                         .state = HOLD_ON,
                                         .first_seq = json_get_int(hold, "first", 0),
                                         .last_seq = json_get_int(hold, "last", 0),
                                     });
}

/* Its time is over: taken off by a rollback of just this step. */
void hold_on_due(struct run *run, int n)
{
    struct str limits = { 0 };
    struct json_out out = { .str = &limits };

    list_each (link, after, &run->steps) {
        struct step *step = list_item(link, struct step, in_run);

        if (step->ordinal != n || run->playbook == NULL)
            continue;
        json_open(&out, '{');
        json_put_bool(&out, "expired", true);
        json_key(&out, "hold");
        json_open(&out, '{');
        json_put_int(&out, "first", step->intent_seq);
        json_put_int(&out, "last", step->outcome_seq);
        json_put_int(&out, "n", n);
        json_close(&out);
        json_put(&out, "step", step_path(step));
        json_close(&out);
        struct run *rollback =
            run_start(run->engine, RUN_ROLLBACK, run->playbook, "", span_of("{}"),
                      (struct span){ 0 }, span_of("cordon"), run->id, NULL,
                      str_span(&limits));
        hold_put_expired(rollback, rollback->expired_hold);
        run_push(rollback);
        break;
    }
    str_fini(&limits);
}
