/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/alert_plan.c - what an alert would have changed, had its route not been in shadow mode.
 *
 * The playbook is taken as by `cordon plan`: targets are looked at, nothing is written to them.
 * What comes of it is a row of the alert, some time behind its decision. A plan does not outlive
 * its engine: then the decision alone is there, and says that there was to be one.
 */
#include "engine/internal.h"

#include <limits.h>

/* Ask numbers of the engine's own, beside those of route.c: no client has such a one. */
#define ALERT_PLAN_BASE (INT64_C(1) << 58)

bool alert_plan(struct engine *engine, int64_t number, struct playbook *playbook,
                struct span params, struct span alert, struct span who)
{
    struct intake *intake = intake_of(engine);

    if (intake->plans >= ENGINE_ALERT_PLANS_MAX)
        return false;
    struct run *shadow = start_plan(engine, playbook, params, alert, who,
                                    ALERT_PLAN_BASE + ++intake->next_plan);
    shadow->plan_alert = number;
    intake->plans++;
    return true;
}

static void put_entry(struct engine *engine, struct span body, int64_t seq)
{
    turn_add_entry(engine, &(struct turn_entry){ .kind = ENTRY_ALERT_PLAN,
                                                 .run = json_get_int(body, "i", 0),
                                                 .n = (int)(seq & INT_MAX),
                                                 .state = 1,
                                                 .first_seq = seq,
                                                 .last_seq = seq,
                                                 .body = span_of("{}") });
}

bool alert_plan_put_entry(struct engine *engine, struct span body, int64_t seq)
{
    if (!span_is(json_get_raw(body, "k"), "planned"))
        return false;
    put_entry(engine, body, seq);
    return true;
}

void alert_planned(struct run *shadow, struct span plan)
{
    struct engine *engine = shadow->engine;
    int64_t seq = engine->next_seq;
    struct str text = { 0 };
    struct json_out out = { .str = &text };

    intake_of(engine)->plans--;
    json_open(&out, '{');
    json_put_int(&out, "i", shadow->plan_alert);
    json_put(&out, "k", "planned");
    json_put_raw(&out, "plan", plan);
    json_put(&out, "playbook", shadow->playbook_name);
    json_close(&out);
    row_write_global(engine, ROW_ALERT_NOTE, str_span(&text));
    put_entry(engine, str_span(&text), seq);
    str_fini(&text);
}
