/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be true at the end of playbooks, people and accidents, whatever they were.
 */
#include "sim/chaos.h"

#ifdef CHECK_SANITIZED
enum { SEEDS = 250 };
#else
enum { SEEDS = 2500 };
#endif

/* -- the end ------------------------------------------------------------------------------ */

/* What a person settled or nobody can know is there as a row; nothing else may be open. */
static void check_rows(struct world *w)
{
    for (int i = 0; i < w->row_count; i++) {
        const struct w_row *intent = &w->rows[i];
        struct span body = span_of(intent->body);
        bool is_known = false;

        if (intent->kind != ROW_INTENT)
            continue;
        for (int j = i + 1; j < w->row_count && !is_known; j++) {
            struct span later = span_of(w->rows[j].body);

            is_known = w->rows[j].run == intent->run &&
                       (w->rows[j].kind == ROW_DOUBT || w->rows[j].kind == ROW_OUTCOME) &&
                       !span_is(json_get_raw(later, "s"), "unknown") &&
                       json_get_int(later, "n", 0) == json_get_int(body, "n", 0) &&
                       span_equal(json_get_raw(later, "b"), json_get_raw(body, "b"));
        }
        CHECK(is_known);
    }
}

/* Entries of what is not in memory say where the run's rows end. */
static void check_entries(struct world *w)
{
    for (int i = 0; i < w->entry_count; i++) {
        int64_t last = 0;

        if (w->entries[i].kind != ENTRY_RUN)
            continue;
        for (int j = 0; j < w->row_count; j++)
            if (w->rows[j].run == w->entries[i].run)
                last = w->rows[j].seq;
        CHECK_INT(w->entries[i].last_seq, last);
        CHECK(w->entries[i].state != RUN_RUNNING);
    }
}

static bool is_anything(struct world *w, int state)
{
    for (int i = 0; i < w->entry_count; i++)
        if (w->entries[i].kind == ENTRY_RUN && w->entries[i].state == state)
            return true;
    return false;
}

/* Nobody else changed anything, and nobody said what they could not know: then everything
 * can be put back. */
static void check_way_back(struct world *w)
{
    int64_t last = 0;

    if (w->may_edit || w->has_settled || is_anything(w, RUN_STUCK))
        return;
    for (int i = 0; i < w->entry_count; i++)
        if (w->entries[i].kind == ENTRY_RUN && w->entries[i].run > last)
            last = w->entries[i].run;
    w->fault_percent = 0;
    for (int64_t run = last; run > 0; run--) {
        w_ask(w, "rollback", "dave", text(w, "{\"run\":\"r-%d\"}", (int)run));
        w_settle(w);
    }
    for (int i = 0; i < w->target_count; i++)
        CHECK_STR(w->targets[i].value, "old");
    CHECK(w_entry(w, ENTRY_HOLD, HOLD_ON) == NULL);
    CHECK_INT(engine_runs(w->engine), 0);
}

TEST(whatever_happens_nothing_is_done_without_a_record_and_everything_comes_to_rest)
{
    int stuck = 0, crashes = 0, applies = 0;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *w = w_new(seed, NULL);

        w->may_edit = seed % 2 == 0;
        chaos(w);
        if (w->is_undurable || engine_runs(w->engine) != 0)
            printf("      seed %llu\n", (unsigned long long)seed);
        CHECK(!w->is_undurable);
        check_rows(w);
        check_entries(w);
        CHECK(!w->is_twice);
        CHECK_INT(engine_runs(w->engine), 0);
        CHECK(engine_is_idle(w->engine));
        stuck += is_anything(w, RUN_STUCK);
        w_check_index(w);
        check_way_back(w);
        CHECK(!is_anything(w, RUN_DIVERGED));
        crashes += w->crashes;
        applies += w->applies;
        w_free(w);
    }
    printf("      %d seeds, %d crashes, %d effects, %d stuck\n", SEEDS, crashes, applies,
           stuck);
    CHECK(crashes > SEEDS / 2 && applies > SEEDS && stuck > 0);
}
