/* SPDX-License-Identifier: Apache-2.0 */
/* An ask with a key that comes again: one effect, and the same answer. */
#include "ballot.h"

#define KEY_A  "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""
#define KEY_B  "\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\""
#define BODY_1 "\"1111111111111111111111111111111111111111111111111111111111111111\""
#define BODY_2 "\"1111111111111111111111111111111111111111111111111111111111111112\""

#define ASK(key, body) \
    "{\"follow\":false,\"once\":{\"body\":" body ",\"key\":" key "},\"params_json\":{}}"

static struct world *calm(void)
{
    struct world *w = w_new(3, one_set);

    w->approves = false;
    w_crash(w);
    return w;
}

static int count_rows(struct world *w, int kind)
{
    int count = 0;

    for (int i = 0; i < w->row_count; i++)
        count += w->rows[i].kind == kind;
    return count;
}

static void ask_run(struct world *w, const char *who, const char *json)
{
    struct str text = { 0 };

    str_printf(&text, "{\"hash\":\"%s\",%s", w_hash, json + 1);
    w_ask(w, "run", who, str_text(&text));
    str_fini(&text);
    w_pump(w);
    w_commit(w);
}

static void check_accepted(struct world *w, const char *json)
{
    CHECK_INT(last(w)->exit, 0);
    CHECK_STR(last(w)->json, json);
}

TEST(the_same_ask_with_the_same_key_starts_one_run_and_gets_the_same_answer)
{
    struct world *w = calm();

    ask_run(w, "alice", ASK(KEY_A, BODY_1));
    check_accepted(w, "{\"accepted\":true,\"run\":\"r-000001\"}");
    ask_run(w, "alice", ASK(KEY_A, BODY_1));
    check_accepted(w, "{\"accepted\":true,\"run\":\"r-000001\"}");
    CHECK_INT(count_rows(w, ROW_START), 1);
    CHECK_INT(count_rows(w, ROW_ONCE), 1);
    w_free(w);
}

TEST(the_answer_is_there_after_a_crash_and_in_the_commit_that_had_the_effect)
{
    struct world *w = calm();
    int start = 0, once = 0;

    ask_run(w, "alice", ASK(KEY_A, BODY_1));
    w_crash(w);
    ask_run(w, "alice", ASK(KEY_A, BODY_1));
    check_accepted(w, "{\"accepted\":true,\"run\":\"r-000001\"}");
    CHECK_INT(count_rows(w, ROW_START), 1);
    for (int i = 0; i < w->row_count; i++) {
        if (w->rows[i].kind == ROW_START)
            start = i;
        if (w->rows[i].kind == ROW_ONCE)
            once = i;
    }
    CHECK_INT(once - start, 1); /* nothing that could be committed between them */
    w_free(w);
}

TEST(what_was_lost_with_its_commit_is_done_when_it_is_asked_again)
{
    struct world *w = calm();
    struct str text = { 0 };

    str_printf(&text, "{\"hash\":\"%s\",%s", w_hash, &ASK(KEY_A, BODY_1)[1]);
    struct event event = { .kind = EV_ASK,
                           .name = span_of("run"),
                           .who = span_of("alice"),
                           .json = str_span(&text),
                           .number = w->next_ask++,
                           .now_ms = w->now_ms };
    turn_reset(w->turn);
    engine_handle(w->engine, &event, w->turn); /* and the power goes before the commit */
    CHECK(w->turn->item_count > 0);
    w_crash(w);
    CHECK_INT(count_rows(w, ROW_START), 0);
    ask_run(w, "alice", ASK(KEY_A, BODY_1));
    check_accepted(w, "{\"accepted\":true,\"run\":\"r-000001\"}");
    CHECK_INT(count_rows(w, ROW_START), 1);
    str_fini(&text);
    w_free(w);
}

TEST(the_same_key_for_another_request_is_refused)
{
    struct world *w = calm();

    ask_run(w, "alice", ASK(KEY_A, BODY_1));
    ask_run(w, "alice", ASK(KEY_A, BODY_2));
    check_refused(w, "once_differs", "take a new key");
    w_crash(w);
    ask_run(w, "alice", ASK(KEY_A, BODY_2));
    check_refused(w, "once_differs", "take a new key");
    CHECK_INT(count_rows(w, ROW_START), 1);
    w_free(w);
}

TEST(a_key_is_its_callers_own)
{
    struct world *w = calm();

    ask_run(w, "alice", ASK(KEY_A, BODY_1));
    ask_run(w, "bob", ASK(KEY_A, BODY_1));
    check_accepted(w, "{\"accepted\":true,\"run\":\"r-000002\"}");
    ask_run(w, "alice", ASK(KEY_B, BODY_1));
    check_accepted(w, "{\"accepted\":true,\"run\":\"r-000003\"}");
    CHECK_INT(count_rows(w, ROW_START), 3);
    w_free(w);
}

TEST(an_ask_about_a_run_that_must_be_loaded_is_done_once_too)
{
    struct world *w = calm();

    ask_run(w, "alice", ASK(KEY_B, BODY_1)); /* a run that has parked at its gate */
    CHECK(w_entry(w, ENTRY_GATE, GATE_OPEN) != NULL);
    w_crash(w);
    w_ask(w, "cancel", "alice",
          "{\"follow\":false,\"once\":{\"body\":" BODY_1 ",\"key\":" KEY_A
          "},\"reason\":\"x\",\"run\":\"r-000001\"}");
    CHECK_INT(last(w)->exit, 0);
    int rows = count_rows(w, ROW_CANCEL);
    w_pump(w);
    w_ask(w, "cancel", "alice",
          "{\"follow\":false,\"once\":{\"body\":" BODY_1 ",\"key\":" KEY_A
          "},\"reason\":\"x\",\"run\":\"r-000001\"}");
    CHECK_STR(last(w)->json, "{\"run\":\"r-000001\",\"state\":\"canceling\"}");
    CHECK_INT(count_rows(w, ROW_CANCEL), rows);
    w_free(w);
}

TEST(while_the_first_is_on_its_way_a_second_one_is_told_to_wait)
{
    struct world *w = calm();
    struct str text = { 0 };

    w_handle(w, &(struct event){ .kind = EV_PLAYBOOK,
                                 .name = span_of(w_other_hash),
                                 .json = span_of("{\"name\":\"p\",\"on_alert\":{},"
                                                 "\"params\":{\"type\":\"object\"}}"),
                                 .text = span_of("return {}"),
                                 .who = span_of("alice") });
    str_printf(&text, "{\"alert\":{\"severity\":\"high\"},\"hash\":\"%s\",%s", w_other_hash,
               &ASK(KEY_A, BODY_1)[1]);
    w_ask(w, "run", "alice", str_text(&text)); /* its VM is asked about the alert */
    int64_t first = w->next_ask - 1;
    CHECK(last(w)->json == NULL);
    w_ask(w, "run", "alice", str_text(&text));
    check_refused(w, "once_pending", "ask again in a moment");
    w_pump(w);
    CHECK_STR(w->replies[first].json, "{\"accepted\":true,\"run\":\"r-000001\"}");
    CHECK_INT(count_rows(w, ROW_START), 1);
    str_fini(&text);
    w_free(w);
}

TEST(what_changed_nothing_is_not_kept)
{
    struct world *w = calm();

    w_ask(w, "cancel", "alice",
          "{\"follow\":false,\"once\":{\"body\":" BODY_1 ",\"key\":" KEY_A
          "},\"run\":\"r-000009\"}");
    check_refused(w, "not_found", "there is no run r-000009");
    CHECK_INT(count_rows(w, ROW_ONCE), 0);
    ask_run(w, "alice", ASK(KEY_A, BODY_2)); /* so its key is free */
    check_accepted(w, "{\"accepted\":true,\"run\":\"r-000001\"}");
    w_free(w);
}

TEST(a_key_is_kept_for_a_day_and_no_longer)
{
    struct world *w = calm();

    ask_run(w, "alice", ASK(KEY_A, BODY_1));
    w->now_ms += (ENGINE_ONCE_HOURS - 1) * INT64_C(3600000);
    ask_run(w, "alice", ASK(KEY_A, BODY_1));
    CHECK_INT(count_rows(w, ROW_START), 1);
    w->now_ms += 2 * INT64_C(3600000);
    ask_run(w, "alice", ASK(KEY_A, BODY_1));
    check_accepted(w, "{\"accepted\":true,\"run\":\"r-000002\"}");
    CHECK_INT(count_rows(w, ROW_START), 2);
    w_free(w);
}

TEST(what_is_no_key_is_refused)
{
    struct world *w = calm();

    w_ask(w, "halt", "alice",
          "{\"follow\":false,\"once\":{\"body\":" BODY_1 ",\"key\":\"short\"},"
          "\"reason\":\"x\",\"scope\":\"all\"}");
    check_refused(w, "once", "SHA-256");
    w_ask(w, "halt", "alice",
          "{\"once\":{\"body\":" BODY_1 ",\"key\":" KEY_A "},"
          "\"reason\":\"x\",\"scope\":\"all\"}");
    check_refused(w, "once", "follow: false");
    CHECK_INT(count_rows(w, ROW_HALT), 0);
    w_free(w);
}

/* -- the bound ------------------------------------------------------------------------------ */

struct bare {
    struct engine *engine;
    struct turn *turn;
    int64_t now_ms;
    int rows, exit;
    char code[32];
};

static void halt_once(struct bare *bare, int i)
{
    char json[300];
    char *code = NULL;

    snprintf(json, sizeof json,
             "{\"follow\":false,\"once\":{\"body\":%s,\"key\":\"%064d\"},"
             "\"reason\":\"x\",\"scope\":\"all\"}",
             BODY_1, i);
    turn_reset(bare->turn);
    engine_handle(bare->engine,
                  &(struct event){ .kind = EV_ASK,
                                   .name = span_of("halt"),
                                   .who = span_of("alice"),
                                   .json = span_of(json),
                                   .number = i + 1,
                                   .now_ms = bare->now_ms },
                  bare->turn);
    for (int k = 0; k < bare->turn->item_count; k++)
        bare->rows += bare->turn->items[k].is_row;
    for (int k = 0; k < bare->turn->command_count; k++)
        if (bare->turn->commands[k].kind == CMD_REPLY) {
            bare->exit = bare->turn->commands[k].exit;
            code = json_get_text(bare->turn->commands[k].bytes, "code");
        }
    snprintf(bare->code, sizeof bare->code, "%s", code != NULL ? code : "");
    free(code);
}

TEST(there_is_a_bound_and_what_was_promised_is_not_forgotten_for_it)
{
    static const char seed[32];
    struct bare bare = { .engine = engine_new(), .turn = turn_new(), .now_ms = 1000 };

    engine_handle(bare.engine,
                  &(struct event){ .kind = EV_START,
                                   .name = span_of("00"),
                                   .seed = { seed, sizeof seed } },
                  bare.turn);
    for (int i = 0; i < ENGINE_ONCE_MAX; i++) {
        halt_once(&bare, i);
        CHECK_INT(bare.exit, 0);
    }
    CHECK_INT(bare.rows, 2 * ENGINE_ONCE_MAX);
    halt_once(&bare, ENGINE_ONCE_MAX);
    CHECK_STR(bare.code, "too_many");
    halt_once(&bare, 0); /* the oldest one is still known */
    CHECK_INT(bare.exit, 0);
    CHECK_INT(bare.rows, 2 * ENGINE_ONCE_MAX);
    bare.now_ms += ENGINE_ONCE_HOURS * INT64_C(3600000);
    halt_once(&bare, ENGINE_ONCE_MAX);
    CHECK_INT(bare.exit, 0);
    CHECK_INT(bare.rows, 2 * ENGINE_ONCE_MAX + 2);
    engine_free(bare.engine);
    turn_free(bare.turn);
}

TEST(the_index_is_made_again_with_them)
{
    struct world *w = calm();
    struct turn *turn = turn_new();
    struct engine *engine = engine_new();
    int found = 0;

    ask_run(w, "alice", ASK(KEY_A, BODY_1));
    for (int i = 0; i < w->row_count; i++) {
        if (w->rows[i].kind != ROW_ONCE)
            continue;
        struct event_row row = { .seq = i + 1,
                                 .kind = ROW_ONCE,
                                 .at_ms = w->now_ms,
                                 .body = span_of(w->rows[i].body) };
        engine_reindex(engine, &(struct event){ .kind = EV_ROWS, .rows = &row, .count = 1 },
                       turn);
        CHECK_INT(turn->item_count, 1);
        CHECK_INT(turn->items[0].entry.kind, ENTRY_ONCE);
        CHECK_INT(turn->items[0].entry.last_seq, i + 1);
        CHECK_INT(turn->items[0].entry.n, w_entry(w, ENTRY_ONCE, 1)->n);
        found++;
    }
    CHECK_INT(found, 1);
    engine_free(engine);
    turn_free(turn);
    w_free(w);
}
