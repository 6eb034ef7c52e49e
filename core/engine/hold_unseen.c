/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine/hold_unseen.c - holds whose target a check could not observe.
 *
 *             a check fails              it failed in N rounds: a row
 *   SEEN ────────────────────► FAILING ────────────────────────────► TOLD
 *    ▲                            │                                    │
 *    └──── the target is observed ┴──── a row, unless a verdict is one ┘
 *
 * A round counts once in its interval, however often people ask for a check meanwhile. The
 * verdict of the hold stays as it was. FAILING is kept in memory only: an engine that starts
 * again counts anew. TOLD is in the row and in the entry of the hold. Of all holds that become
 * TOLD within one interval the first row alone is for people (the others have "quiet"), so that
 * a cloud that does not answer costs one notice and not one for each hold.
 * docs/decisions/0166 says why.
 */
#include "engine/holds.h"

#include <stdlib.h>
#include <string.h>

enum { UNSEEN_WHY_MAX = 200 };

static void put_row(struct engine *engine, const struct hold *hold, const char *state,
                    bool is_quiet)
{
    struct run *run = run_find(engine, hold->run);
    const struct step *taken = run != NULL ? hold_step(run, hold->n) : NULL;
    const struct unseen *unseen = &hold->unseen;
    struct str body = { 0 };
    struct json_out out = { .str = &body };

    json_open(&out, '{');
    json_put(&out, "a", taken != NULL ? taken->action : NULL);
    json_put_int(&out, "n", hold->n);
    if (is_quiet)
        json_put_bool(&out, "quiet", true);
    json_put_int(&out, "r", hold->run);
    json_put(&out, "s", state);
    if (unseen->since_ms > 0)
        json_put_int(&out, "since", unseen->since_ms);
    json_put(&out, "t", taken != NULL ? taken->target : NULL);
    if (unseen->since_ms > 0)
        json_put(&out, "why", unseen->why);
    json_close(&out);
    row_write_global(engine, ROW_HOLD_SEEN, str_span(&body));
    str_fini(&body);
}

static void tell_unseen(struct engine *engine, struct hold *hold,
                        struct check_rounds *rounds)
{
    bool is_quiet =
        rounds->told_ms > 0 && engine->now_ms - rounds->told_ms < rounds->every_ms;

    if (!is_quiet)
        rounds->told_ms = engine->now_ms;
    hold->unseen.seq = engine->next_seq;
    put_row(engine, hold, "unobserved", is_quiet);
    if (hold->first_seq > 0 && !hold->is_off)
        hold_put_on(engine, hold);
}

void unseen_note(struct engine *engine, struct hold *hold, struct check_rounds *rounds,
                 const char *why)
{
    struct unseen *unseen = &hold->unseen;
    struct span text = span_of(why);

    if (text.len > UNSEEN_WHY_MAX)
        text.len = UNSEEN_WHY_MAX;
    free(unseen->why);
    unseen->why = span_dup(text);
    hold->looked_ms = engine->now_ms;
    if (unseen->since_ms == 0)
        unseen->since_ms = engine->now_ms;
    if (unseen->rounds == 0 || hold->seen_ms - unseen->counted_ms >= rounds->every_ms) {
        unseen->rounds++;
        unseen->counted_ms = hold->seen_ms;
    }
    if (unseen->seq == 0 && unseen->rounds >= rounds->tell_after)
        tell_unseen(engine, hold, rounds);
}

void unseen_forget(struct hold *hold)
{
    free(hold->unseen.why);
    hold->unseen = (struct unseen){ 0 };
}

void unseen_end(struct engine *engine, struct hold *hold)
{
    bool was_told = hold->unseen.seq > 0;

    hold->looked_ms = engine->now_ms;
    unseen_forget(hold);
    if (!was_told)
        return;
    put_row(engine, hold, "observed", false);
    if (hold->first_seq > 0 && !hold->is_off)
        hold_put_on(engine, hold);
}

bool unseen_read_row(struct hold *hold, struct span body, int64_t seq)
{
    struct span state = json_get_raw(body, "s");
    bool is_unseen = span_is(state, "unobserved");

    unseen_forget(hold);
    if (is_unseen) {
        hold->unseen.since_ms = json_get_int(body, "since", 0);
        hold->unseen.seq = seq;
        hold->unseen.why = json_get_text(body, "why");
    }
    return is_unseen || span_is(state, "observed");
}

/* -- for those who show it ------------------------------------------------------------------ */

void engine_unseen_count(const struct engine *engine, struct engine_unseen *unseen)
{
    *unseen = (struct engine_unseen){ 0 };
    for (int i = 0; i < TABLE_SIZE; i++)
        list_each (link, after, &engine->holds_by_run[i]) {
            const struct hold *hold = list_item(link, struct hold, in_run);
            int64_t since_ms = hold->unseen.since_ms;

            if (hold->is_off)
                continue;
            unseen->not_yet += since_ms == 0 && hold->looked_ms == 0;
            unseen->count += since_ms > 0;
            if (since_ms > 0 && (unseen->since_ms == 0 || since_ms < unseen->since_ms)) {
                unseen->since_ms = since_ms;
                unseen->why = hold->unseen.why;
            }
        }
}

int64_t engine_unseen_since(struct engine *engine, int64_t run, int n, const char **why)
{
    const struct hold *hold = hold_find(engine, run, n);

    *why = hold != NULL ? hold->unseen.why : NULL;
    return hold != NULL ? hold->unseen.since_ms : 0;
}
