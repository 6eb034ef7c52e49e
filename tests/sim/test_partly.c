/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of several requests, killed between any two of them: the azure plugin's own functions
 * behind the engine, in front of a small cloud.
 *
 *   KILLS   how many processes are killed by the sweep; 1000 when it is not set
 */
#include "cloud.h"

/* What a call that dies has asked cJSON for is the dead process's. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

#ifdef CHECK_SANITIZED
enum { KILLS_DEFAULT = 300 };
#else
enum { KILLS_DEFAULT = 1000 };
#endif

struct action_case {
    const char *name, *args;
    int there, back; /* requests that change something */
};

/* Every action of the plugin that makes more than one request that changes something, and some
 * that make one. */
static const struct action_case actions[] = {
    { "azure.appservice.disable_publishing", "{\"id\":\"" C_SITE "\"}", 2, 2 },
    { "azure.nsg.block_ips",
      "{\"id\":\"" C_NSG "\",\"ips\":[\"198.51.100.7\",\"2001:db8::7\"]}", 2, 2 },
    { "azure.keyvault.rotate_secret", "{\"name\":\"db\",\"vault\":\"shop-kv\"}", 2, 1 },
    { "azure.appservice.block_ips",
      "{\"id\":\"" C_SITE "\",\"ips\":[\"198.51.100.7\",\"2001:db8::7\"]}", 1, 1 },
    { "azure.rbac.remove", "{\"id\":\"" C_GRANT "\"}", 1, 1 },
};
enum { ACTIONS = sizeof actions / sizeof *actions, PUBLISHING = 0 };

static struct w_wish *script_of(const struct action_case *action)
{
    static struct w_wish script[2];

    script[0] = (struct w_wish){ 1, "0", 1, "step", action->name, action->args };
    script[1] = (struct w_wish){ 0, NULL, 0, NULL, NULL, NULL };
    return script;
}

static struct cloud *open_cloud(const struct action_case *action, uint64_t seed,
                                bool is_asked)
{
    struct cloud *c = c_new(seed, script_of(action));

    if (!is_asked)
        w_policy_is(c->w, w_open_policy);
    return c;
}

static void run_it(struct cloud *c)
{
    w_start_run(c->w);
    w_settle(c->w);
}

static void roll_back(struct cloud *c)
{
    if (!w_ask(c->w, "rollback", "dave", "{\"run\":\"r-1\"}"))
        w_crash(c->w);
    w_settle(c->w);
}

/* What a person reads when a run does not end as it should. */
static void check_done(struct world *w, int64_t run, const char *what)
{
    if (strcmp(w_state(w, run), "done") != 0)
        printf("      %s: %s\n", what, w->stood != NULL ? w->stood : "");
    CHECK_STR(w_state(w, run), "done");
}

static int gates(struct world *w)
{
    int count = 0;

    for (int i = 0; i < w->row_count; i++)
        count += w->rows[i].kind == ROW_GATE;
    return count;
}

/* Without a kill. */
struct calm {
    char *done, *undone;
    int changes_there, changes_back, gates_there, gates_back;
};

static void know_calm(struct calm *calm, const struct action_case *action, bool is_asked)
{
    struct cloud *c = open_cloud(action, 1, is_asked);

    run_it(c);
    check_done(c->w, 1, action->name);
    calm->done = c_world(c);
    calm->changes_there = c->changes;
    calm->gates_there = gates(c->w);
    CHECK_INT(c->changes, action->there);
    roll_back(c);
    check_done(c->w, 2, action->name);
    calm->undone = c_world(c);
    calm->changes_back = c->changes - calm->changes_there;
    calm->gates_back = gates(c->w) - calm->gates_there;
    CHECK_INT(calm->changes_back, action->back);
    c_free(c);
}

/* -- the sweep ---------------------------------------------------------------------------------- */

struct tally {
    int cases, kills, partly, stuck, by_death[2], by_side[2];
};

static bool has_outcome(struct world *w, const char *word)
{
    for (int i = 0; i < w->row_count; i++)
        if (w->rows[i].kind == ROW_OUTCOME &&
            span_is(json_get_raw(span_of(w->rows[i].body), "s"), word))
            return true;
    return false;
}

static struct c_kill some_kill(struct world *w, int requests)
{
    return (struct c_kill){ .at = 1 + (int)w_chance(w, (uint32_t)requests),
                            .is_after = w_chance(w, 2) != 0,
                            .of = w_chance(w, 2) ? C_HOST : C_ENGINE };
}

static void set_kills(struct cloud *c, const struct c_kill *first, int requests,
                      struct tally *tally)
{
    int more = (int)w_chance(c->w, 3);

    memset(c->kills, 0, sizeof c->kills);
    c->next_kill = c->requests = 0;
    c->kills[0] = *first;
    for (int i = 1; i <= more; i++)
        c->kills[i] = some_kill(c->w, requests);
    tally->by_death[first->of]++;
    tally->by_side[first->is_after]++;
}

/* One case: killed on the way there or back, at this request, and perhaps again. */
static void kill_case(const struct action_case *action, const struct calm *calm,
                      const struct c_kill *kill, bool is_back, bool is_asked, uint64_t seed,
                      struct tally *tally)
{
    struct cloud *c = open_cloud(action, seed, is_asked);

    if (!is_back)
        set_kills(c, kill, action->there, tally);
    run_it(c);
    char *done = c_world(c);
    if (strcmp(w_state(c->w, 1), "done") != 0 || strcmp(done, calm->done) != 0)
        printf("      seed %llu: %s killed at %d%s\n", (unsigned long long)seed,
               action->name, kill->at, kill->is_after ? ", after" : ", before");
    check_done(c->w, 1, action->name);
    CHECK_STR(done, calm->done);
    CHECK_INT(c->changes, calm->changes_there);
    CHECK_INT(gates(c->w), calm->gates_there);
    if (is_back)
        set_kills(c, kill, action->back, tally);
    else
        memset(c->kills, 0, sizeof c->kills);
    roll_back(c);
    char *undone = c_world(c);
    check_done(c->w, 2, action->name);
    CHECK_STR(undone, calm->undone);
    CHECK_INT(c->changes, calm->changes_there + calm->changes_back);
    CHECK_INT(gates(c->w), calm->gates_there + calm->gates_back);
    CHECK(!c->w->is_undurable);
    CHECK(w_entry(c->w, ENTRY_HOLD, HOLD_ON) == NULL);
    CHECK_INT(engine_runs(c->w->engine), 0);
    w_check_index(c->w);
    CHECK(c->killed > 0);
    tally->cases++;
    tally->kills += c->killed;
    tally->partly += has_outcome(c->w, "partly");
    tally->stuck += c->w->has_settled;
    free(done);
    free(undone);
    c_free(c);
}

TEST(a_change_that_is_killed_between_any_two_requests_is_completed_and_can_be_taken_back)
{
    const char *wanted = getenv("KILLS");
    int kills = wanted != NULL ? atoi(wanted) : KILLS_DEFAULT;
    struct calm calm[ACTIONS][2];
    struct tally tally = { 0 };

    for (int i = 0; i < ACTIONS; i++)
        for (int asked = 0; asked < 2; asked++)
            know_calm(&calm[i][asked], &actions[i], asked != 0);
    for (uint64_t seed = 1; tally.kills < kills; seed++) {
        for (int i = 0; i < ACTIONS; i++)
            for (int back = 0; back < 2; back++) {
                int requests = back ? actions[i].back : actions[i].there;

                for (int at = 1; at <= requests; at++)
                    for (int side = 0; side < 2; side++) {
                        uint64_t n = seed * 1000 + (uint64_t)(tally.cases);
                        struct c_kill kill = { at, side != 0, n % 2 ? C_HOST : C_ENGINE };
                        bool is_asked = n / 2 % 2 != 0;

                        kill_case(&actions[i], &calm[i][is_asked], &kill, back != 0,
                                  is_asked, n, &tally);
                    }
            }
    }
    printf(
        "      %d kills in %d cases (%d hosts, %d engines first; %d before the cloud had "
        "it, %d after), %d partly done, %d stuck\n",
        tally.kills, tally.cases, tally.by_death[C_HOST], tally.by_death[C_ENGINE],
        tally.by_side[0], tally.by_side[1], tally.partly, tally.stuck);
    CHECK(tally.partly > tally.cases / 10);
}

/* -- what people do about it ------------------------------------------------------------------- */

#define FTP C_SITE "/basicPublishingCredentialsPolicies/ftp"
#define SCM C_SITE "/basicPublishingCredentialsPolicies/scm"

static bool allows(struct cloud *c, const char *path)
{
    const cJSON *properties = cJSON_GetObjectItem(c_find(c, path)->json, "properties");

    return cJSON_IsTrue(cJSON_GetObjectItem(properties, "allow"));
}

static void settle(struct cloud *c, int run, const char *choice)
{
    char json[100];

    snprintf(json, sizeof json, "{\"choice\":\"%s\",\"reason\":\"x\",\"run\":\"r-%d\"}",
             choice, run);
    CHECK(w_ask(c->w, "settle", "dave", json));
    w_settle(c->w);
}

static const char *reply(struct cloud *c)
{
    const char *json = c->w->replies[c->w->next_ask - 1].json;

    return json != NULL ? json : "";
}

static const struct w_row *last_row(struct world *w, int kind, int64_t run)
{
    for (int i = w->row_count - 1; i >= 0; i--)
        if (w->rows[i].kind == kind && w->rows[i].run == run)
            return &w->rows[i];
    CHECK(!"a row of that kind");
    return NULL;
}

/* The service lets cordon write the first switch and not the second. */
static struct cloud *half_done(void)
{
    struct cloud *c = open_cloud(&actions[PUBLISHING], 7, false);

    c->refused = "/ftp";
    run_it(c);
    CHECK_STR(w_state(c->w, 1), "stuck");
    CHECK(!allows(c, SCM) && allows(c, FTP));
    return c;
}

static void check_untouched(struct cloud *c)
{
    CHECK(allows(c, SCM) && allows(c, FTP));
    CHECK(w_entry(c->w, ENTRY_HOLD, HOLD_ON) == NULL);
    w_check_index(c->w);
    c_free(c);
}

TEST(what_is_partly_done_and_refused_says_which_fields_and_why_and_offers_what_is_true)
{
    struct cloud *c = half_done();
    const char *body = last_row(c->w, ROW_DOUBT, 1)->body;

    CHECK_HAS(body,
              "\"parts\":{\"before\":[\"ftp\"],\"foreign\":[],\"planned\":[\"scm\"]}");
    CHECK_HAS(body, "the rest is refused: as planned: scm; still as before: ftp");
    CHECK_HAS(body, "no right to that");
    settle(c, 1, "applied");
    CHECK_HAS(reply(c), "complete, take-back or partly-applied");
    settle(c, 1, "not-applied");
    CHECK_HAS(reply(c), "complete, take-back or partly-applied");
    CHECK_STR(w_state(c->w, 1), "stuck");
    c_free(c);
}

TEST(what_is_partly_done_can_be_completed_once_the_service_lets_it)
{
    struct cloud *c = half_done();

    settle(c, 1, "complete"); /* too early: a person is asked again */
    CHECK_STR(w_state(c->w, 1), "stuck");
    c->refused = NULL;
    settle(c, 1, "complete");
    check_done(c->w, 1, "complete");
    CHECK(!allows(c, SCM) && !allows(c, FTP));
    CHECK(w_entry(c->w, ENTRY_HOLD, HOLD_ON) != NULL);
    roll_back(c);
    check_done(c->w, 2, "rollback");
    check_untouched(c);
}

TEST(what_is_partly_done_can_be_taken_back_although_the_rest_is_refused)
{
    struct cloud *c = half_done();

    settle(c, 1, "take-back");
    check_done(c->w, 2, "take-back");
    CHECK_STR(w_state(c->w, 1), "failed");
    CHECK_HAS(last_row(c->w, ROW_END, 1)->body, "partly_applied");
    check_untouched(c);
}

TEST(what_stays_partly_done_has_a_hold_on_the_part_and_a_rollback_restores_it)
{
    struct cloud *c = half_done();

    settle(c, 1, "partly-applied");
    CHECK_STR(w_state(c->w, 1), "failed");
    CHECK(w_entry(c->w, ENTRY_HOLD, HOLD_ON) != NULL);
    w_check_index(c->w);
    roll_back(c);
    check_done(c->w, 2, "rollback");
    check_untouched(c);
}

TEST(a_run_that_is_canceled_while_a_change_is_partly_done_leaves_it_in_the_ledger)
{
    struct cloud *c = open_cloud(&actions[PUBLISHING], 11, false);

    c->kills[0] = (struct c_kill){ 1, true, C_HOST };
    w_start_run(c->w);
    for (int i = 0; i < 1000 && c->killed == 0; i++)
        CHECK(c->w->message_count > 0 ? w_message_turn(c->w) : w_by_itself(c->w) >= 0);
    CHECK(w_ask(c->w, "cancel", "bob", "{\"run\":\"r-1\"}"));
    w_settle(c->w);
    CHECK_STR(w_state(c->w, 1), "canceled");
    CHECK(!allows(c, SCM) && allows(c, FTP));
    CHECK(has_outcome(c->w, "partly_applied"));
    CHECK(w_entry(c->w, ENTRY_HOLD, HOLD_ON) != NULL);
    roll_back(c);
    check_done(c->w, 2, "rollback");
    check_untouched(c);
}

TEST(a_halt_holds_what_is_partly_done_and_it_goes_on_when_the_halt_is_lifted)
{
    struct cloud *c = open_cloud(&actions[PUBLISHING], 12, false);

    c->kills[0] = (struct c_kill){ 1, true, C_ENGINE };
    w_start_run(c->w);
    for (int i = 0; i < 1000 && c->killed == 0; i++)
        CHECK(c->w->message_count > 0 ? w_message_turn(c->w) : w_by_itself(c->w) >= 0);
    CHECK(w_ask(c->w, "halt", "bob", "{\"reason\":\"x\",\"scope\":\"plugin:azure\"}"));
    w_settle(c->w);
    CHECK(!allows(c, SCM) && allows(c, FTP));
    CHECK(w_ask(c->w, "resume", "bob", "{\"scope\":\"plugin:azure\"}"));
    w_settle(c->w);
    check_done(c->w, 1, "resume");
    CHECK(!allows(c, SCM) && !allows(c, FTP));
    c_free(c);
}

TEST(what_is_partly_undone_and_refused_can_be_undone_once_the_service_lets_it)
{
    struct cloud *c = open_cloud(&actions[PUBLISHING], 13, false);

    run_it(c);
    c->refused = "/ftp";
    roll_back(c);
    CHECK_STR(w_state(c->w, 2), "stuck");
    CHECK(allows(c, SCM) && !allows(c, FTP));
    CHECK(w_entry(c->w, ENTRY_HOLD, HOLD_ON) != NULL);
    c->refused = NULL;
    CHECK(w_ask(c->w, "retry", "dave", "{\"run\":\"r-2\"}"));
    w_settle(c->w);
    check_done(c->w, 2, "retry");
    check_untouched(c);
}

TEST(what_somebody_else_has_put_back_in_part_is_a_drift_and_a_rollback_writes_nothing)
{
    struct cloud *c = open_cloud(&actions[PUBLISHING], 14, false);

    run_it(c);
    c_set(c, FTP, "{\"properties\":{\"allow\":true}}");
    int changes = c->changes;
    roll_back(c);
    CHECK_STR(w_state(c->w, 2), "stuck");
    CHECK_INT(c->changes, changes);
    c_free(c);
}

TEST(a_field_that_somebody_else_has_changed_meanwhile_is_no_part_and_nothing_is_written)
{
    struct cloud *c = open_cloud(&actions[2], 15, false);

    c->kills[0] = (struct c_kill){ 1, true, C_HOST };
    w_start_run(c->w);
    for (int i = 0; i < 1000 && c->killed == 0; i++)
        CHECK(c->w->message_count > 0 ? w_message_turn(c->w) : w_by_itself(c->w) >= 0);
    c_set(c, C_SECRET "/v9",
          "{\"id\":\"https://shop-kv.vault.azure.net" C_SECRET "/v9\",\"attributes\":{"
          "\"enabled\":true,\"created\":1700000099}}");
    int changes = c->changes;
    w_settle(c->w);
    CHECK_STR(w_state(c->w, 1), "stuck");
    CHECK_INT(c->changes, changes);
    CHECK_HAS(last_row(c->w, ROW_DOUBT, 1)->body, "\"foreign\":[\"rotated\"]");
    settle(c, 1, "complete");
    CHECK_HAS(reply(c), "a doubt is settled with applied or not-applied");
    c_free(c);
}

/* -- what plugins say of it ---------------------------------------------------------------------- */

static const struct w_wish one_set[] = { SET("0", 1, 1, "t"), END };

/* A list that was written in part: neither the one value nor the other, for all the engine sees. */
static struct world *half_written(const char *says, const char *declaration)
{
    struct world *w = w_new(21, one_set);

    w->says = says;
    w_policy_is(w, w_open_policy);
    if (declaration != NULL)
        CHECK(w_handle(w, &(struct event){ .kind = EV_PLUGIN,
                                           .name = span_of("noop"),
                                           .ok = true,
                                           .hash = span_of(w_plugin_hash),
                                           .json = span_of(declaration) }));
    w_start_run(w);
    for (int i = 0; i < 1000 && !w_is_applying(w); i++)
        CHECK(w->message_count > 0 ? w_message_turn(w) : w_by_itself(w) >= 0);
    struct w_call call = w_take_effect(w);
    struct w_target *target = w_target(w, span_of("t"));
    snprintf(target->value, sizeof target->value, "half");
    w_done(w, &call, target, W_UNKNOWN);
    w_settle(w);
    return w;
}

#define HALF "{\"t\":{\"partly\":{\"before\":[\"b\"],\"planned\":[\"a\"]}}}"

TEST(a_plugin_may_say_that_a_part_is_done_where_its_slice_does_not_show_it)
{
    struct world *w = half_written(HALF, NULL);

    check_done(w, 1, "half");
    CHECK_STR(w_target(w, span_of("t"))->value, "new");
    w_free(w);
    w = half_written(NULL, NULL);
    CHECK_STR(w_state(w, 1), "stuck");
    CHECK_STR(w_target(w, span_of("t"))->value, "half");
    w_free(w);
}

TEST(an_action_that_asks_has_its_rest_done_only_on_a_persons_word)
{
    struct str text = { 0 };
    const char *at = strstr(w_declaration, "\"permissions\"");

    str_printf(&text, "%.*s\"partly\":\"asks\",%s", (int)(at - w_declaration),
               w_declaration, at);
    struct world *w = half_written(HALF, str_text(&text));
    CHECK_STR(w_state(w, 1), "stuck");
    CHECK_STR(w_target(w, span_of("t"))->value, "half");
    CHECK_HAS(last_row(w, ROW_DOUBT, 1)->body, "without a person's word");
    CHECK(w_ask(w, "settle", "dave",
                "{\"choice\":\"complete\",\"reason\":\"x\",\"run\":\"r-1\"}"));
    w_settle(w);
    check_done(w, 1, "complete");
    CHECK_STR(w_target(w, span_of("t"))->value, "new");
    w_free(w);
    str_fini(&text);
}
