/* SPDX-License-Identifier: Apache-2.0 */
/* Who may sign in, and which tokens are in force. */
#include "ballot.h"

#define HASH   "\"$argon2id$v=19$m=65536,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaA\""
#define HASH_2 "\"$argon2id$v=19$m=65536,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$b3RoZXI\""
#define ID     "\"0123456789abcdef\""
#define ID_2   "\"fedcba9876543210\""
#define ONCALL \
    "{\"groups\":null,\"hash\":" HASH ",\"name\":\"oncall\",\"roles\":[\"viewer\"]}"
#define SCRIPT                                   \
    "{\"for\":null,\"hash\":" HASH ",\"id\":" ID \
    ",\"life_ms\":86400000,\"name\":\"script\",\"roles\":[\"viewer\",\"responder\"]}"

static struct world *calm(void)
{
    struct world *w = w_new(3, one_set);

    w->approves = false;
    w_crash(w);
    return w;
}

static void ask(struct world *w, const char *verb, const char *json)
{
    w_ask(w, verb, "owner", json);
    w_pump(w);
    w_commit(w);
}

static void done(struct world *w, const char *verb, const char *json)
{
    ask(w, verb, json);
    CHECK_INT(last(w)->exit, 0);
}

/* What the fronts are given, until it is asked for again. */
static const char *in_force(struct world *w)
{
    static struct str text;

    str_reset(&text);
    engine_credentials(w->engine, &text);
    return str_text(&text);
}

TEST(an_account_is_there_after_a_crash_and_its_hash_is_for_the_fronts_alone)
{
    struct world *w = calm();

    done(w, "user_add", ONCALL);
    CHECK_HAS(last(w)->json, "\"name\":\"oncall\"");
    CHECK_LACKS(last(w)->json, "argon2id");
    w_crash(w);
    done(w, "users", "{}");
    CHECK_HAS(last(w)->json, "\"by\":\"owner\"");
    CHECK_LACKS(last(w)->json, "argon2id");
    CHECK_HAS(in_force(w), HASH);
    ask(w, "user_add", ONCALL);
    check_refused(w, "exists", "there is such an account");
    w_free(w);
}

TEST(each_change_of_an_account_is_a_new_turn_and_changes_nothing_else)
{
    struct world *w = calm();

    done(w, "user_add", ONCALL);
    CHECK_HAS(in_force(w), "\"turn\":1");
    done(w, "user_change", "{\"hash\":" HASH_2 ",\"name\":\"oncall\"}");
    CHECK_HAS(in_force(w), HASH_2);
    CHECK_HAS(in_force(w), "\"roles\":[\"viewer\"]");
    CHECK_HAS(in_force(w), "\"turn\":2");
    done(w, "user_change",
         "{\"groups\":[\"soc\"],\"name\":\"oncall\",\"roles\":[\"approver\"]}");
    w_crash(w);
    CHECK_HAS(in_force(w), HASH_2);
    CHECK_HAS(in_force(w), "\"groups\":[\"soc\"]");
    CHECK_HAS(in_force(w), "\"roles\":[\"approver\"]");
    CHECK_HAS(in_force(w), "\"turn\":3");
    w_free(w);
}

TEST(a_disabled_account_is_not_in_force_until_it_is_enabled)
{
    struct world *w = calm();

    done(w, "user_add", ONCALL);
    done(w, "user_change", "{\"name\":\"oncall\",\"on\":false}");
    w_crash(w);
    CHECK_LACKS(in_force(w), "oncall");
    done(w, "user_change", "{\"name\":\"oncall\",\"on\":true}");
    CHECK_HAS(in_force(w), "oncall");
    w_free(w);
}

TEST(a_token_ends_when_it_was_said_and_a_revoked_one_never_comes_back)
{
    struct world *w = calm();
    struct str wanted = { 0 };

    done(w, "token_add", SCRIPT);
    CHECK_LACKS(last(w)->json, "argon2id");
    str_printf(&wanted, "\"expires\":%lld", (long long)w->now_ms + 86400000);
    CHECK_HAS(last(w)->json, str_text(&wanted));
    w_crash(w);
    CHECK_HAS(in_force(w), ID);
    ask(w, "token_add", SCRIPT);
    check_refused(w, "hash", "a new token's id");
    done(w, "token_revoke", "{\"token\":\"script\"}");
    w_crash(w);
    CHECK_LACKS(in_force(w), ID);
    ask(w, "token_revoke", "{\"token\":\"t-1\"}");
    check_refused(w, "revoked", "t-1 is revoked already");
    ask(w, "token_revoke", "{\"token\":\"script\"}");
    check_refused(w, "not_found", "no token script is in force");
    str_fini(&wanted);
    w_free(w);
}

TEST(of_two_tokens_with_one_name_it_must_be_said_which_is_revoked)
{
    struct world *w = calm();

    done(w, "token_add", SCRIPT);
    done(w, "token_add",
         "{\"hash\":" HASH ",\"id\":" ID_2
         ",\"life_ms\":1,\"name\":\"script\",\"roles\":[\"viewer\"]}");
    ask(w, "token_revoke", "{\"token\":\"script\"}");
    check_refused(w, "which", "several tokens are named script");
    done(w, "token_revoke", "{\"token\":\"t-1\"}");
    CHECK_LACKS(in_force(w), ID);
    CHECK_HAS(in_force(w), ID_2);
    w_free(w);
}

TEST(what_is_no_account_and_no_token_is_refused_and_not_journaled)
{
    static const struct {
        const char *verb, *json, *code;
    } cases[] = {
        { "user_add", "{\"hash\":" HASH ",\"name\":\"\",\"roles\":[\"viewer\"]}", "name" },
        { "user_add", "{\"hash\":" HASH ",\"name\":\"entra:x\",\"roles\":[\"viewer\"]}",
          "name" },
        { "user_add", "{\"hash\":" HASH ",\"name\":\"a b\",\"roles\":[\"viewer\"]}",
          "name" },
        { "user_add", "{\"hash\":\"secret\",\"name\":\"a\",\"roles\":[\"viewer\"]}",
          "hash" },
        { "user_add", "{\"name\":\"a\",\"roles\":[\"viewer\"]}", "hash" },
        { "user_add", "{\"hash\":" HASH ",\"name\":\"a\",\"roles\":[]}", "role" },
        { "user_add", "{\"hash\":" HASH ",\"name\":\"a\",\"roles\":[\"root\"]}", "role" },
        { "user_add", "{\"hash\":" HASH ",\"name\":\"a\"}", "role" },
        { "user_add",
          "{\"groups\":[],\"hash\":" HASH ",\"name\":\"a\",\"roles\":[\"viewer\"]}",
          "groups" },
        { "user_change", "{\"name\":\"nobody\",\"on\":false}", "not_found" },
        { "token_add",
          "{\"hash\":" HASH ",\"id\":" ID
          ",\"life_ms\":1,\"name\":\"t\",\"roles\":[\"approver\"]}",
          "person" },
        { "token_add",
          "{\"for\":\"token:x\",\"hash\":" HASH ",\"id\":" ID
          ",\"life_ms\":1,\"name\":\"t\",\"roles\":[\"viewer\"]}",
          "person" },
        { "token_add",
          "{\"hash\":" HASH ",\"id\":\"0123\",\"life_ms\":1,\"name\":\"t\","
          "\"roles\":[\"viewer\"]}",
          "hash" },
        { "token_add",
          "{\"hash\":" HASH ",\"id\":" ID
          ",\"life_ms\":0,\"name\":\"t\",\"roles\":[\"viewer\"]}",
          "expires" },
        { "token_add",
          "{\"hash\":" HASH ",\"id\":" ID
          ",\"life_ms\":31708800000,\"name\":\"t\",\"roles\":[\"viewer\"]}",
          "expires" },
    };
    struct world *w = calm();
    int rows = w->row_count;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(w, cases[i].verb, cases[i].json);
        check_refused(w, cases[i].code, "");
    }
    CHECK_INT(w->row_count, rows);
    w_free(w);
}

TEST(the_index_is_made_again_with_accounts_and_tokens)
{
    struct world *w = calm();
    struct turn *turn = turn_new();
    struct engine *engine = engine_new();
    int found = 0;

    done(w, "user_add", ONCALL);
    done(w, "token_add", SCRIPT);
    for (int i = 0; i < w->row_count; i++) {
        struct event_row row = { .seq = i + 1,
                                 .kind = w->rows[i].kind,
                                 .at_ms = w->now_ms,
                                 .body = span_of(w->rows[i].body) };
        if (row.kind != ROW_ACCOUNT && row.kind != ROW_TOKEN)
            continue;
        turn_reset(turn);
        engine_reindex(engine, &(struct event){ .kind = EV_ROWS, .rows = &row, .count = 1 },
                       turn);
        CHECK_INT(turn->item_count, 1);
        CHECK_INT(turn->items[0].entry.kind,
                  row.kind == ROW_TOKEN ? ENTRY_TOKEN : ENTRY_ACCOUNT);
        CHECK_INT(turn->items[0].entry.n, 1);
        CHECK_INT(turn->items[0].entry.state, 1);
        CHECK_INT(turn->items[0].entry.last_seq, i + 1);
        found++;
    }
    CHECK_INT(found, 2);
    engine_free(engine);
    turn_free(turn);
    w_free(w);
}
